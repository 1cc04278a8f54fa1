//! No reply goes to a machine, and no two machines ever talk to each other in a loop.

use crate::support::TestDesk;
use crate::support::mail::Mail;

#[test]
fn machines_are_not_answered_and_stay_findable_with_their_reason() {
    let mut desk = TestDesk::new("");
    desk.start();
    let text = crate::first_mail::UNKNOWN;
    let cases = [
        (
            "auto",
            Mail::new("a@example.com", "Re: x", text).header("Auto-Submitted", "auto-replied"),
        ),
        (
            "generated",
            Mail::new("b@example.com", "x", text).header("Auto-Submitted", "auto-generated (cron)"),
        ),
        (
            "list",
            Mail::new("c@example.com", "x", text)
                .header("List-Id", "<news.example.com>")
                .header("Precedence", "list"),
        ),
        (
            "vacation",
            Mail::new("d@example.com", "自動返信: 不在です", text),
        ),
        (
            "own",
            Mail::new("e@example.com", "x", text).from("keieiryoku@desk.example.jp"),
        ),
        (
            "other-desk",
            Mail::new("f@example.com", "x", text)
                .header("X-Madoguchi-Installation", "0123456789abcdef"),
        ),
    ];
    for (name, mail) in &cases {
        desk.drop_mail(&format!("{name}.eml"), &mail.bytes());
    }
    for (name, _) in &cases {
        let line = desk.decided(&format!("{name}.eml"));
        assert_eq!(line["outcome"], "ignored", "{line}");
        assert_ne!(line["reason"], "", "{line}");
    }
    desk.drop_mail(
        "person.eml",
        &Mail::new("g@example.com", "x", text)
            .header("Auto-Submitted", "no")
            .bytes(),
    );
    desk.reply_to("g@example.com");
    desk.settle();
    assert_eq!(
        desk.sent_mail().len(),
        1,
        "only the person (`Auto-Submitted: no`) was written to"
    );
    assert_eq!(desk.balanced_ledger()["ignored"], 6);
}

#[test]
fn a_sender_that_never_stops_is_written_to_only_so_often() {
    let mut desk = TestDesk::new("[caps]\nper_sender = 3\n");
    desk.start();
    for i in 0..8 {
        let id = format!("flood{i}@example.com");
        desk.drop_mail(
            &format!("flood{i}.eml"),
            &Mail::new(&id, &format!("件 {i}"), crate::first_mail::UNKNOWN).bytes(),
        );
        desk.decided(&format!("flood{i}.eml"));
    }
    desk.settle();
    assert_eq!(desk.sent_mail().len(), 3);
    assert_eq!(
        desk.json(&["ticket", "list"]).len(),
        8,
        "staff see every one"
    );
}
