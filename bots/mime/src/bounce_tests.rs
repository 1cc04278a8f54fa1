//! Bounces as mail systems write them.

use super::*;

fn mail(headers: &str, text: &str) -> Vec<u8> {
    format!("From: Mail Delivery System <MAILER-DAEMON@mx.example.org>\r\nReturn-Path: <>\r\nTo: desk@desk.example.jp\r\n{headers}\r\n{text}")
        .into_bytes()
}

fn report(fields: &str) -> Vec<u8> {
    mail(
        "Subject: Undelivered Mail\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
        &format!(
            "--b\r\n\r\nNotice.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n{fields}\r\n\
             --b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <sent.1@desk.example.jp>\r\nSubject: x\r\n\r\nold\r\n--b--\r\n"
        ),
    )
}

#[test]
fn a_report_in_standard_form_is_read_field_by_field() {
    let read = bounce_report(&report(
        "Original-Recipient: rfc822;a+2Bb@example.org\r\nFinal-Recipient: rfc822; other@example.net\r\nAction: failed\r\nStatus: 5.0.0\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 User\r\n unknown\r\n\r\nFinal-Recipient: RFC822;<c@example.org>\r\nAction: Delayed (retrying)\r\nStatus: 4.4.1\r\n\r\n\
         Final-Recipient: rfc822; d@example.org\r\nAction: relayed\r\nStatus: 2.0.0\r\n\r\nFinal-Recipient: rfc822; e@example.org\r\nAction: failed\r\nStatus: 4.2.2\r\n",
    ))
    .unwrap();
    assert_eq!(
        read.original_message_id.as_deref(),
        Some("sent.1@desk.example.jp")
    );
    let all: Vec<_> = read
        .recipient
        .iter()
        .map(|r| {
            (
                r.address.as_str(),
                r.action,
                r.status.as_deref(),
                r.permanent,
            )
        })
        .collect();
    assert_eq!(
        all,
        [
            ("a+b@example.org", Action::Failed, Some("5.1.1"), true),
            ("c@example.org", Action::Delayed, Some("4.4.1"), false),
            ("d@example.org", Action::Relayed, Some("2.0.0"), false),
            ("e@example.org", Action::Failed, Some("4.2.2"), false),
        ]
    );
    assert_eq!(
        read.recipient[0].diagnostic.as_deref(),
        Some("550 5.1.1 User unknown")
    );
}

#[test]
fn only_failures_make_a_message_a_bounce() {
    let kind = |fields: &str| crate::kind(&crate::decode(&report(fields)).unwrap());
    let of =
        |action: &str| format!("Final-Recipient: rfc822; a@example.org\r\nAction: {action}\r\n");
    assert_eq!(kind(&of("failed")), Some(MarkKind::Bounce));
    assert_eq!(kind(&of("delayed")), Some(MarkKind::Bounce));
    let report = bounce_report(&report(&of("expanded"))).unwrap();
    assert_eq!(report.recipient[0].action, Action::Expanded);
}

#[test]
fn bounces_in_no_standard_form_name_address_and_code() {
    for (headers, text, address, status, action) in [
        (
            "Subject: failure notice\r\n",
            "Hi. This is the qmail-send program at mx.example.org.\r\nI'm afraid I wasn't able to deliver your message to the following addresses.\r\n\r\n<a@example.org>:\r\n192.0.2.1 does not like recipient.\r\nRemote host said: 550 5.1.1 User unknown\r\n\r\n--- Below this line is a copy of the message.\r\n\r\nFrom: desk@desk.example.jp\r\n",
            "a@example.org",
            Some("5.1.1"),
            Action::Failed,
        ),
        (
            "Subject: Mail delivery failed: returning message to sender\r\nX-Failed-Recipients: a@example.org\r\n",
            "This message was created automatically by mail delivery software.\r\n\r\n  a@example.org\r\n    host mx.example.org [192.0.2.1]\r\n    SMTP error from remote mail server after RCPT TO:<a@example.org>:\r\n    550 no such user\r\n",
            "a@example.org",
            Some("5.0.0"),
            Action::Failed,
        ),
        (
            "Subject: Undelivered Mail Returned to Sender\r\n",
            "This is the mail system at host mx.example.org.\r\n\r\n<a@example.org>: host mx.example.net[192.0.2.1] said: 552 5.2.2\r\n    Mailbox full (in reply to RCPT TO command)\r\n",
            "a@example.org",
            Some("5.2.2"),
            Action::Failed,
        ),
        (
            "Subject: Warning: message delayed\r\n",
            "A message that you sent has not yet been delivered to one or more of its recipients after more than 24 hours.\r\n\r\n  a@example.org\r\n\r\nNo action is required on your part.\r\n",
            "a@example.org",
            None,
            Action::Delayed,
        ),
        (
            "Subject: Mail System Error - Returned Mail\r\nContent-Type: text/plain; charset=utf-8\r\n",
            "次のあて先へのメッセージはエラーのため送信できませんでした。\r\n\r\n送信先メールアドレスが見つかりません。\r\n<a@docomo.example.jp>: 550 Unknown user\r\n",
            "a@docomo.example.jp",
            Some("5.0.0"),
            Action::Failed,
        ),
        (
            "Subject: User unknown\r\n",
            "*** User unknown ***\r\n<a@example.ne.jp>\r\n",
            "a@example.ne.jp",
            None,
            Action::Failed,
        ),
    ] {
        let read = bounce_report(&mail(headers, text)).unwrap();
        assert_eq!(read.recipient.len(), 1, "{text} {read:?}");
        let first = &read.recipient[0];
        assert_eq!(
            (
                first.address.as_str(),
                first.status.as_deref(),
                first.action
            ),
            (address, status, action),
            "{text}"
        );
    }
}

#[test]
fn a_person_who_speaks_of_a_bounce_sends_none() {
    let person = b"From: a@example.org\r\nSubject: Delivery failed?\r\n\r\nI got \"550 5.1.1 User unknown\" for b@example.org. What does it mean?\r\n";
    assert_eq!(bounce_report(person), None);
}
