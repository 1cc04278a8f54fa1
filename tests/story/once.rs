//! One letter, however many mails it arrives in and however many desks it names: one ticket a desk, one acknowledgement.

use crate::first_mail::UNKNOWN;
use crate::support::TestDesk;
use crate::support::mail::Mail;
use serde_json::Value;

fn ticket(desk: &TestDesk, number: &str) -> Value {
    desk.json(&["ticket", "show", number]).remove(0)
}

fn inbound(shown: &Value) -> usize {
    shown["articles"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|article| article["kind"] == "inbound")
        .count()
}

#[test]
fn a_mail_to_two_desks_reaches_both_and_is_acknowledged_once() {
    let mut desk = TestDesk::new("");
    desk.start();
    let both = Mail::new("both@example.com", "バスの件", UNKNOWN)
        .to("keieiryoku@desk.example.jp, Water-Card+x@desk.example.jp");
    desk.drop_mail("both.eml", &both.bytes());
    desk.reply_to("both@example.com");
    desk.settle();
    assert_eq!(desk.sent_mail().len(), 1);
    let tickets = desk.json(&["ticket", "list"]);
    let mut desks: Vec<&str> = tickets
        .iter()
        .map(|t| t["desk"].as_str().unwrap())
        .collect();
    desks.sort_unstable();
    assert_eq!(desks, ["keieiryoku", "water-card"]);
    for (number, other) in [("1", 2), ("2", 1)] {
        let shown = ticket(&desk, number);
        assert_eq!(shown["ticket"]["linked"][0], other, "{shown}");
        assert_eq!(inbound(&shown), 1);
    }
    desk.balanced_ledger();
    // Staff of the second desk answer in the same thread.
    desk.cli_ok(&["ticket", "reply", "2", "担当課にご確認ください。"]);
    desk.settle();
    let letters = desk.sent_mail();
    let from_second = letters
        .iter()
        .find(|letter| letter.header("From").contains("water-card@"))
        .expect("the second desk writes from its own address");
    assert!(
        from_second
            .header("References")
            .contains("both@example.com")
    );
}

#[test]
fn the_same_mail_in_the_mailboxes_of_two_desks_is_linked_and_acknowledged_once() {
    let desk_of = |name: &str, desk: &str, dir: &std::path::Path| {
        format!(
            "[[channel]]\nname = \"{name}\"\nkind = \"maildir\"\ndesk = \"{desk}\"\ninbox = {:?}\nsent = {:?}\n\n",
            dir.join(name).join("inbox"),
            dir.join(name).join("sent")
        )
    };
    let mut desk = TestDesk::new("");
    let dir = desk.data();
    let toml = format!(
        "data_dir = {dir:?}\n\n[web]\nlisten = \"127.0.0.1:{}\"\n\n{}{}",
        desk.port,
        desk_of("one", "keieiryoku", &dir),
        desk_of("two", "water-card", &dir)
    );
    desk.configure(&toml);
    let mail = Mail::new("twin@example.com", "バスの件", UNKNOWN)
        .to("keieiryoku@desk.example.jp, water-card@desk.example.jp")
        .bytes();
    // Both copies lie there before the desk looks: it must not matter in which order they are decided.
    for name in ["one", "two"] {
        let inbox = dir.join(name).join("inbox");
        std::fs::create_dir_all(&inbox).unwrap();
        std::fs::write(inbox.join("twin.eml"), &mail).unwrap();
    }
    desk.start();
    for _ in ["one", "two"] {
        desk.decided("twin.eml");
    }
    desk.settle();
    let tickets = desk.json(&["ticket", "list"]);
    assert_eq!(tickets.len(), 2, "one ticket a desk: {tickets:#?}");
    let letters = ["one", "two"]
        .iter()
        .map(|name| crate::support::mail::read_dir(&dir.join(name).join("sent")).len())
        .sum::<usize>();
    assert_eq!(letters, 1, "one acknowledgement");
    for (number, other) in [("1", 2), ("2", 1)] {
        assert_eq!(ticket(&desk, number)["ticket"]["linked"][0], other);
    }
    desk.balanced_ledger();
}

#[test]
fn a_second_delivery_is_set_aside_but_another_text_under_the_same_id_is_not() {
    let mut desk = TestDesk::new("");
    desk.start();
    let mail = Mail::new("again@example.com", "バスの件", UNKNOWN);
    desk.drop_mail("first.eml", &mail.bytes());
    desk.decided("first.eml");
    // The second delivery differs in its trace only, as a mailing list or an alias makes it.
    let trace =
        Mail::new("again@example.com", "バスの件", UNKNOWN).header("Received", "from b by c");
    desk.drop_mail("second.eml", &trace.bytes());
    let line = desk.decided("second.eml");
    assert_eq!(
        (&line["outcome"], &line["reason"], &line["ticket"]),
        (&"ignored".into(), &"duplicate".into(), &"MD-000001".into())
    );
    let other = Mail::new(
        "again@example.com",
        "バスの件",
        "別の質問です。食堂は何時に開きますか。",
    );
    desk.drop_mail("third.eml", &other.bytes());
    assert_eq!(desk.decided("third.eml")["ticket"], "MD-000002");
    // Somebody who writes the same words again, as a new mail, is no second delivery.
    let asks_again = Mail::new("asks-again@example.com", "バスの件", UNKNOWN);
    desk.drop_mail("fourth.eml", &asks_again.bytes());
    assert_eq!(desk.decided("fourth.eml")["ticket"], "MD-000003");
    desk.balanced_ledger();
}

#[test]
fn the_mails_of_one_letter_end_in_one_ticket_in_any_order() {
    let mut desk = TestDesk::new("");
    let part = |n: u32, id: &'static str, subject: &'static str| {
        Mail::new(
            id,
            subject,
            "申請書類の一部をお送りします。続きは別便です。",
        )
        .header("X-Part", &n.to_string())
        .bytes()
    };
    // All three wait when the desk opens, the last one first.
    desk.drop_mail(
        "a3.eml",
        &part(3, "p3@example.com", "申請書類の送付（３／３）"),
    );
    desk.drop_mail("b1.eml", &part(1, "p1@example.com", "申請書類の送付 (1/3)"));
    desk.drop_mail(
        "c2.eml",
        &part(2, "p2@example.com", "申請書類の送付【2/3】"),
    );
    let stranger = Mail::new("s1@example.org", "申請書類の送付 (1/3)", "別人の書類です。")
        .from("other@example.org");
    desk.drop_mail("d.eml", &stranger.bytes());
    desk.start();
    for name in ["a3", "b1", "c2", "d"] {
        assert_eq!(desk.decided(name)["outcome"], "ticketed", "{name}");
    }
    desk.settle();
    let tickets = desk.json(&["ticket", "list"]);
    assert_eq!(tickets.len(), 2, "{tickets:#?}");
    let mut counts: Vec<usize> = ["1", "2"].map(|n| inbound(&ticket(&desk, n))).to_vec();
    counts.sort_unstable();
    assert_eq!(
        counts,
        [1, 3],
        "three mails in one ticket, the stranger's in another"
    );
    assert_eq!(desk.sent_mail().len(), 2, "one acknowledgement a letter");
    desk.balanced_ledger();
}
