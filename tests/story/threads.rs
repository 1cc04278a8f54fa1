//! Follow-ups join their ticket; strangers and bare numbers never do.

use crate::support::TestDesk;
use crate::support::mail::Mail;

#[test]
fn a_number_alone_or_a_strangers_quotation_becomes_a_new_linked_ticket() {
    let mut desk = TestDesk::new("");
    desk.start();
    desk.drop_mail(
        "one.eml",
        &Mail::new("one@example.com", "バス", crate::first_mail::UNKNOWN).bytes(),
    );
    desk.reply_to("one@example.com");
    let quoting = Mail::new(
        "two@example.org",
        "MD-000001 について",
        "その後どうなりましたか。庁舎のバスの件です。",
    )
    .from("stranger@example.org");
    desk.drop_mail("two.eml", &quoting.bytes());
    assert_eq!(desk.decided("two.eml")["ticket"], "MD-000002");
    // A stranger who guesses the requester's own message id.
    let guessing = Mail::new(
        "three@example.org",
        "Re: バス",
        "続きを教えてください。庁舎のバスの件です。",
    )
    .from("stranger@example.org")
    .header("In-Reply-To", "<one@example.com>");
    desk.drop_mail("three.eml", &guessing.bytes());
    assert_eq!(desk.decided("three.eml")["ticket"], "MD-000003");
    for number in ["2", "3"] {
        let shown = &desk.json(&["ticket", "show", number])[0];
        assert_eq!(
            shown["ticket"]["linked"][0], 1,
            "{number}: {}",
            shown["ticket"]
        );
    }
    let first = &desk.json(&["ticket", "show", "1"])[0];
    let inbound = first["articles"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|a| a["kind"] == "inbound")
        .count();
    assert_eq!(inbound, 1, "nobody wrote into the first ticket");
}

#[test]
fn the_signed_token_and_the_reference_chain_both_join() {
    let mut desk = TestDesk::new("");
    desk.start();
    desk.drop_mail(
        "one.eml",
        &Mail::new("one@example.com", "バス", crate::first_mail::UNKNOWN).bytes(),
    );
    let letter = desk.reply_to("one@example.com");
    // A client that drops every header but keeps the subject.
    desk.drop_mail(
        "token.eml",
        &Mail::new(
            "two@example.com",
            &format!("Re: {}", letter.subject()),
            "追加です。日曜日も知りたいです。",
        )
        .bytes(),
    );
    assert_eq!(desk.decided("token.eml")["ticket"], "MD-000001");
    // A client that loses the subject but keeps the chain.
    desk.drop_mail(
        "chain.eml",
        &Mail::new("three@example.com", "", "祝日も知りたいです。")
            .answering(&letter)
            .bytes(),
    );
    assert_eq!(desk.decided("chain.eml")["ticket"], "MD-000001");
    // A new topic sent as a reply is not answered under the old subject.
    desk.drop_mail(
        "topic.eml",
        &Mail::new(
            "four@example.com",
            "食堂の営業時間",
            "食堂は何時からですか。",
        )
        .answering(&letter)
        .bytes(),
    );
    assert_eq!(desk.decided("topic.eml")["ticket"], "MD-000002");
}

#[test]
fn a_merged_number_stays_an_alias() {
    let mut desk = TestDesk::new("");
    desk.start();
    desk.drop_mail(
        "one.eml",
        &Mail::new("one@example.com", "バス", crate::first_mail::UNKNOWN).bytes(),
    );
    desk.reply_to("one@example.com");
    desk.drop_mail(
        "two.eml",
        &Mail::new(
            "two@example.com",
            "バス（再送）",
            crate::first_mail::UNKNOWN,
        )
        .bytes(),
    );
    let second = desk.reply_to("two@example.com");
    desk.cli_ok(&["ticket", "merge", "MD-000002", "MD-000001"]);
    let shown = &desk.json(&["ticket", "show", "MD-000002"])[0];
    assert_eq!(shown["number"], "MD-000001");
    desk.drop_mail(
        "more.eml",
        &Mail::new(
            "three@example.com",
            &format!("Re: {}", second.subject()),
            "追加です。",
        )
        .answering(&second)
        .bytes(),
    );
    let line = desk.decided("more.eml");
    assert_eq!(
        line["ticket"], "MD-000001",
        "a reply to the merged ticket is not lost"
    );
}
