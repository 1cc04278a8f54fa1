//! A member of staff answers, and the conversation goes on in one thread.

use crate::support::TestDesk;
use crate::support::mail::Mail;

#[test]
fn a_staff_reply_reaches_the_requester_and_the_answer_comes_back_into_the_ticket() {
    let mut desk = TestDesk::new("");
    desk.start();
    desk.drop_mail(
        "one.eml",
        &Mail::new("one@example.com", "バス", crate::first_mail::UNKNOWN).bytes(),
    );
    let ack = desk.reply_to("one@example.com");
    desk.settle();
    desk.cli_ok(&[
        "ticket",
        "note",
        "1",
        "社内メモ：食堂にも聞く",
        "--by",
        "hanako",
    ]);
    desk.cli_ok(&[
        "ticket",
        "reply",
        "1",
        "土曜日は10時と15時にあります。",
        "--by",
        "hanako",
    ]);
    desk.settle();
    let replies: Vec<_> = desk
        .sent_mail()
        .into_iter()
        .filter(|m| m.body().contains("10時と15時"))
        .collect();
    assert_eq!(replies.len(), 1);
    let reply = &replies[0];
    assert_eq!(reply.in_reply_to(), "one@example.com");
    assert_eq!(
        reply.header("References"),
        format!("<{}> <one@example.com>", ack.id())
    );
    assert_eq!(reply.header("Auto-Submitted"), "", "a person wrote it");
    assert!(!reply.body().contains("社内メモ"), "notes stay inside");
    let shown = &desk.json(&["ticket", "show", "1"])[0];
    assert_eq!(shown["ticket"]["state"], "resolved");
    assert!(!shown["ticket"]["clocks"]["first_response"]["met_at"].is_null());

    desk.drop_mail(
        "thanks.eml",
        &Mail::new(
            "two@example.com",
            &format!("Re: {}", reply.subject()),
            "では日曜日はどうですか。",
        )
        .answering(reply)
        .bytes(),
    );
    assert_eq!(desk.decided("thanks.eml")["ticket"], "MD-000001");
    let shown = &desk.json(&["ticket", "show", "1"])[0];
    assert_eq!(shown["ticket"]["state"], "open", "a follow-up reopens");
    assert!(shown["ticket"]["clocks"]["resolution"]["met_at"].is_null());

    let sent_before = desk.sent_mail().len();
    let subject = format!("自動返信: {}", reply.subject());
    let vacation = Mail::new("three@example.com", &subject, "ただいま休暇中です。")
        .answering(reply)
        .header("Auto-Submitted", "auto-replied");
    desk.drop_mail("vacation.eml", &vacation.bytes());
    assert_eq!(desk.decided("vacation.eml")["outcome"], "ignored");
    desk.settle();
    assert_eq!(desk.sent_mail().len(), sent_before, "no loop");
}

#[test]
fn a_phone_call_is_a_ticket_with_both_clocks() {
    let desk = TestDesk::new("");
    let ticket = &desk.json(&[
        "ticket",
        "log-call",
        "認定書の住所が違っているとの電話",
        "--desk",
        "keieiryoku",
        "--caller",
        "A社",
        "--at",
        "2026-11-19T10:00:00+09:00",
        "--by",
        "hanako",
    ])[0];
    assert_eq!(ticket["state"], "open");
    assert_eq!(ticket["assignee"], "hanako");
    assert_eq!(
        ticket["clocks"]["first_response"]["due_at"], "2026-11-24T08:00:00Z",
        "Thursday, then Friday and Tuesday: Monday is Labour Thanksgiving Day"
    );
    let listed = desk.json(&["ticket", "list"]);
    assert_eq!(listed.len(), 1);
}
