//! What the desk sent and did not arrive: told to the ticket, and to an address that is dead nothing more is sent.

use crate::first_mail::UNKNOWN;
use crate::support::TestDesk;
use crate::support::mail::{Mail, Sent};
use serde_json::Value;

/// A report of a mail server about a letter of the desk.
fn report(letter: &Sent, address: &str, action: &str, status: &str, words: &str) -> Vec<u8> {
    format!(
        "Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@mail.example.net>\r\nTo: keieiryoku@desk.example.jp\r\n\
         Subject: Undelivered Mail Returned to Sender\r\nDate: Fri, 20 Nov 2026 10:00:00 +0900\r\nMessage-ID: <report-{status}-{action}@mail.example.net>\r\n\
         Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=d\r\n\r\n\
         --d\r\nContent-Type: text/plain\r\n\r\nYour message to {address}: {words}\r\n\
         --d\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example.net\r\n\r\nFinal-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {words}\r\n\r\n\
         --d\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{}>\r\nSubject: x\r\n--d--\r\n",
        letter.id()
    )
    .into_bytes()
}

fn ticket(desk: &TestDesk) -> Value {
    desk.json(&["ticket", "show", "1"]).remove(0)
}

fn asked() -> (TestDesk, Sent) {
    let mut desk = TestDesk::new("");
    desk.start();
    desk.drop_mail(
        "one.eml",
        &Mail::new("one@example.com", "バス", UNKNOWN).bytes(),
    );
    let letter = desk.reply_to("one@example.com");
    (desk, letter)
}

#[test]
fn a_dead_address_is_marked_told_to_staff_and_written_to_no_more_until_the_mark_is_lifted() {
    let (desk, letter) = asked();
    let words = "550 5.1.1 no such user";
    desk.drop_mail(
        "bounce.eml",
        &report(&letter, "Applicant@example.com", "failed", "5.1.1", words),
    );
    assert_eq!(desk.decided("bounce.eml")["ticket"], "MD-000001");
    let shown = ticket(&desk);
    assert!(
        shown["events"].to_string().contains("delivery_failed"),
        "{shown}"
    );
    let marks = desk.json(&["address", "list"]);
    assert_eq!(marks[0]["address"], "applicant@example.com");
    assert_eq!(marks[0]["why"], words);
    let before = desk.sent_mail().len();
    desk.cli_ok(&["ticket", "reply", "1", "ご案内します。"]);
    desk.settle();
    assert_eq!(
        desk.sent_mail().len(),
        before,
        "nothing is sent to a dead address"
    );
    let dead = desk.json(&["outbox", "list", "--state", "dead"]);
    assert!(
        dead[0]["server_said"]
            .as_str()
            .unwrap()
            .contains("no such user"),
        "{dead:?}"
    );
    assert_eq!(
        ticket(&desk)["ticket"]["state"],
        "open",
        "staff see that it did not go out"
    );
    desk.cli_ok(&["address", "lift", "applicant@EXAMPLE.com"]);
    desk.cli_ok(&["outbox", "retry", &dead[0]["id"].to_string()]);
    desk.settle();
    assert_eq!(desk.sent_mail().len(), before + 1);
    desk.balanced_ledger();
}

#[test]
fn a_full_mailbox_a_delay_and_a_stranger_named_in_a_report_mark_nobody() {
    let (desk, letter) = asked();
    let mut n = 0;
    let mut told = |action: &str, status: &str, address: &str| {
        n += 1;
        let name = format!("r{n}.eml");
        desk.drop_mail(
            &name,
            &report(&letter, address, action, status, "452 later"),
        );
        desk.decided(&name);
        ticket(&desk)
    };
    let shown = told("delayed", "4.4.1", "applicant@example.com");
    assert_eq!(shown["ticket"]["state"], "new", "a delay changes nothing");
    assert!(!shown["events"].to_string().contains("delivery_failed"));
    assert!(
        shown["articles"]
            .as_array()
            .unwrap()
            .iter()
            .any(|a| a["kind"] == "system"),
        "but is told"
    );
    let shown = told("failed", "5.2.2", "applicant@example.com");
    assert!(shown["events"].to_string().contains("delivery_failed"));
    told("failed", "5.1.1", "somebody-else@example.com");
    assert!(desk.json(&["address", "list"]).is_empty());
}

#[test]
fn a_report_about_a_message_the_desk_never_sent_marks_nobody() {
    let (desk, letter) = asked();
    let forged = String::from_utf8(report(
        &letter,
        "applicant@example.com",
        "failed",
        "5.1.1",
        "550 5.1.1 gone",
    ))
    .unwrap();
    let forged = forged.replace(&letter.id(), "guessed@desk.example.jp");
    desk.drop_mail("forged.eml", forged.as_bytes());
    assert_eq!(desk.decided("forged.eml")["ticket"], Value::Null);
    assert!(desk.json(&["address", "list"]).is_empty());
    assert_eq!(desk.json(&["quarantine", "list"]).len(), 1);
}
