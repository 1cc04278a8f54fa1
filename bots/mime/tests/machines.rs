//! Who wrote it: a person, or which kind of machine. One case each, as mail systems and people write.

#![allow(clippy::expect_used)]

use madoguchi_channel::DeliveryAction as Action;
use madoguchi_channel::MarkKind::{AutoReply, Bounce, List};
use madoguchi_mime::{decode, kind};

const DAEMON: &str = "From: Mail Delivery System <MAILER-DAEMON@mx.example.org>\nReturn-Path: <>\n";
const PERSON: &str = "From: Hanako <hanako@example.org>\nReturn-Path: <hanako@example.org>\n";

fn mail(headers: &str, text: &str) -> Vec<u8> {
    format!("To: desk@desk.example.jp\nMessage-ID: <1@example.org>\n{headers}\n{text}\n")
        .into_bytes()
}

#[test]
fn every_kind_of_machine_is_known_and_no_person_is_taken_for_one() {
    let outlook =
        "From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.org>\n";
    let cases: Vec<(String, &str, Option<_>)> = vec![
        // Bounces without any standard form.
        (format!("{DAEMON}Subject: failure notice\n"), "Hi. This is the qmail-send program at mx.example.org.", Some(Bounce)),
        (format!("{DAEMON}Subject: Mail System Error - Returned Mail\n"), "This Message was undeliverable due to the following reason:\n\nUser unknown", Some(Bounce)),
        ("From: Postmaster@example.ne.jp\nSubject: Mail System Error - Returned Mail\n".into(), "Unknown user: a@example.ne.jp", Some(Bounce)),
        ("From: postmaster@example.org\nSubject: DELIVERY FAILURE: User a (a@example.org) not listed in Domino Directory\n".into(), "Your message\n\n  Subject: x\n\nwas not delivered to:", Some(Bounce)),
        (format!("{outlook}Subject: Undeliverable: Question\n"), "Your message to a@example.org couldn't be delivered.", Some(Bounce)),
        (format!("{outlook}Subject: 配信不能: 質問\n"), "次の受信者またはグループへの配信に失敗しました:", Some(Bounce)),
        (format!("{outlook}Subject: Unzustellbar: Frage\n"), "Fehler bei der Nachrichtenzustellung an folgende Empfänger:", Some(Bounce)),
        (format!("{outlook}Subject: Non remis : Question\n"), "Échec de la remise pour ces destinataires ou groupes :", Some(Bounce)),
        (format!("{outlook}Subject: 未送达: 问题\n"), "未能向这些收件人或组传递邮件:", Some(Bounce)),
        ("From: Mail Delivery Subsystem <mailer-daemon@googlemail.example>\nSubject: Delivery Status Notification (Failure)\n".into(), "Address not found", Some(Bounce)),
        ("From: Mail Delivery System <mail@mx.example.org>\nAuto-Submitted: auto-replied\nSubject: Mail delivery failed: returning message to sender\n".into(), "This message was created automatically by mail delivery software.", Some(Bounce)),
        ("From: \"GMX Mailer Daemon\" <mailer-daemon@gmx.example>\nSubject: Mail delivery failed: returning message to sender\n".into(), "This message was created automatically by mail delivery software.", Some(Bounce)),
        (format!("{outlook}X-MS-Exchange-Message-Is-Ndr:\nSubject: Nedoručitelné: x\n"), "Doručení selhalo.", Some(Bounce)),
        // Answers of machines.
        (format!("{PERSON}Subject: Automatic reply: Question\n"), "I am away.", Some(AutoReply)),
        (format!("{PERSON}Subject: Re: 質問\n"), "このメールはシステムより自動で送信しています。\n担当者が後日ご連絡します。", Some(AutoReply)),
        (format!("{PERSON}Subject: Re: 质问\n"), "这是系统自动回复，请勿回复。", Some(AutoReply)),
        (format!("{PERSON}Subject: Re: Câu hỏi\n"), "Đây là thư trả lời tự động. Chúng tôi đã nhận được thư của bạn.", Some(AutoReply)),
        (format!("{PERSON}Subject: AW: Frage\n"), "Dies ist eine automatische Antwort.\nIch bin im Urlaub.", Some(AutoReply)),
        (format!("{PERSON}Subject: RE: Question\n"), "Ceci est une réponse automatique. Je suis absent.", Some(AutoReply)),
        (format!("{PERSON}Subject: Re: Question\n"), "I am out of the office until 24 November and will answer when I return.", Some(AutoReply)),
        (format!("{PERSON}Subject: 자동 회신: 질문\n"), "부재중입니다.", Some(AutoReply)),
        (format!("{PERSON}Content-Type: text/calendar; method=REPLY\nSubject: Accepted: Meeting\n"), "BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nSUMMARY:Meeting\nEND:VEVENT\nEND:VCALENDAR", Some(AutoReply)),
        (format!("{PERSON}Subject: Please confirm your message\n"), "Your message is being held because I have not heard from you before. Click here to confirm it: https://example.org/c", Some(AutoReply)),
        ("From: Support <support@example.org>\nAuto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\nSubject: [Ticket #12] Question\n".into(), "We received your request.", Some(AutoReply)),
        (format!("{PERSON}Content-Type: multipart/report; report-type=feedback-report; boundary=b\nSubject: complaint\n"), "--b\n\nabuse\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n--b--", Some(AutoReply)),
        (format!("{PERSON}Content-Type: multipart/report; report-type=disposition-notification; boundary=b\nSubject: Read: x\n"), "--b\n\nread\n--b\nContent-Type: message/disposition-notification\n\nDisposition: manual-action/MDN-sent-manually; displayed\n--b--", Some(AutoReply)),
        // Lists.
        (format!("{PERSON}List-Id: <news.example.org>\nSubject: News\n"), "News", Some(List)),
        (format!("{PERSON}Precedence: bulk\nSubject: News\n"), "News", Some(List)),
        // People.
        (format!("{PERSON}Subject: Delivery failed\n"), "My mail to you came back: \"550 5.1.1 User unknown\". Is the address right?", None),
        (format!("{PERSON}Subject: Fwd: Undelivered Mail Returned to Sender\n"), "What does this mean?\n\nThis is the mail system at host mx.example.org.", None),
        (format!("{PERSON}Subject: 自動返信メールについて\n"), "自動返信メールが届きません。申請は受け付けられていますか。", None),
        (format!("{PERSON}Subject: Office hours\n"), "Am I out of time to apply? I am on leave until Monday, can I apply then?", None),
        (format!("{PERSON}Subject: Vacation\n"), "I am on vacation in Kyoto and lost my receipt. What should I do?", None),
        (format!("{PERSON}Subject: 不在のため\n"), "現在、担当者が不在ですが代理で申請できますか。", None),
        (format!("{PERSON}Content-Type: text/calendar; method=REQUEST\nSubject: Meeting\n"), "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Meeting\nEND:VEVENT\nEND:VCALENDAR", None),
        ("From: Quarantine <quarantine@example.org>\nSubject: Spam quarantine: 3 messages\n".into(), "These messages were held. Delivery failed for none of them.", None),
        (format!("{PERSON}Subject: Please confirm\n"), "Please confirm that you received my application.", None),
    ];
    let mut wrong = Vec::new();
    for (headers, text, wanted) in &cases {
        let message = decode(&mail(headers, text)).expect("read");
        if kind(&message) != *wanted {
            wrong.push(format!(
                "{headers}{text}\n  wanted {wanted:?}, marks {:?}\n",
                message.marks
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn late_failed_and_delivered_are_told_apart() {
    let report = |action: &str, status: &str| {
        mail(
            &format!(
                "{DAEMON}Subject: Report\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n"
            ),
            &format!(
                "--b\n\nx\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; a@example.org\nAction: {action}\nStatus: {status}\n--b--"
            ),
        )
    };
    for (action, status, wanted, bounced) in [
        ("failed", "5.1.1", Action::Failed, Some(Bounce)),
        ("delayed", "4.4.7", Action::Delayed, Some(Bounce)),
        ("delivered", "2.0.0", Action::Delivered, Some(AutoReply)),
        ("relayed", "2.0.0", Action::Relayed, Some(AutoReply)),
    ] {
        let bytes = report(action, status);
        let message = decode(&bytes).expect("read");
        let report = message.delivery_report.expect("a report");
        let first = report.recipients.first().expect("a recipient");
        assert_eq!(first.action, wanted);
        assert_eq!(first.status.as_deref(), Some(status));
        assert_eq!(kind(&decode(&bytes).expect("read")), bounced, "{action}");
    }
}
