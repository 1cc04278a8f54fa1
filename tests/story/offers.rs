//! Nearly sure: a ticket for staff at once, and a short list the requester may choose from, once.

use crate::support::TestDesk;
use crate::support::mail::Mail;

#[test]
fn a_choice_from_the_list_is_answered_and_anything_else_waits_for_staff() {
    // No confidence reaches this, so that what the desk would answer is offered.
    let mut desk = TestDesk::new("[desk.keieiryoku]\nthreshold = 0.9999\n");
    desk.start();
    let question = "認定書をなくしてしまったので、もう一度もらう方法はありますか";
    desk.drop_mail(
        "one.eml",
        &Mail::new("one@example.com", "質問", question).bytes(),
    );
    let line = desk.decided("one.eml");
    assert_eq!(
        (&line["outcome"], &line["reason"]),
        (&"ticketed".into(), &"below-threshold".into()),
        "{line}"
    );
    let letter = desk.reply_to("one@example.com");
    assert!(
        letter.body().contains("1. ") && letter.body().contains("MD-000001"),
        "{}",
        letter.body()
    );
    let shown = |state: &str| {
        let ticket = desk.json(&["ticket", "show", "1"]).remove(0);
        assert_eq!(ticket["ticket"]["state"], state, "{ticket}");
        ticket.to_string()
    };
    assert!(shown("new").contains("\"offered\""));
    // More words than a number are said to staff.
    let subject = letter.subject();
    desk.drop_mail(
        "words.eml",
        &Mail::new(
            "words@example.com",
            &subject,
            "1は読みましたが、違いました。",
        )
        .answering(&letter)
        .bytes(),
    );
    assert_eq!(desk.decided("words.eml")["ticket"], "MD-000001");
    shown("new");
    desk.drop_mail(
        "two.eml",
        &Mail::new("two@example.com", &subject, "１")
            .answering(&letter)
            .bytes(),
    );
    assert_eq!(desk.decided("two.eml")["reason"], "chosen");
    let answer = desk.reply_to("two@example.com");
    assert!(
        answer.body().contains("certificate-reissue"),
        "{}",
        answer.body()
    );
    assert!(shown("resolved").contains("answered_by_entry"));
    // The list is used up: another number is a message like any other.
    desk.drop_mail(
        "three.eml",
        &Mail::new("three@example.com", &subject, "2")
            .answering(&answer)
            .bytes(),
    );
    assert_ne!(desk.decided("three.eml")["reason"], "chosen");
    shown("open");
}
