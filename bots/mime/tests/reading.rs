//! What the desk meets daily, written for these tests: Japanese charsets, replies in four languages, machines, damaged mail, and the way out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use madoguchi_channel::{Automatic, MarkKind, OutboundMessage, Party};
use madoguchi_mime::{compose, decode, kind, reply_text};
use proptest::prelude::*;

fn mail(headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("From: A <a@example.com>\r\nTo: desk@desk.example.jp\r\nMessage-ID: <1@example.com>\r\n{headers}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

#[test]
fn japanese_is_read_whatever_the_label_says() {
    let text = "経営力向上計画の変更申請について、①締切と㈱の書き方を教えてください。";
    let jis = encoding_rs::ISO_2022_JP.encode(text).0.into_owned();
    let sjis = encoding_rs::SHIFT_JIS.encode(text).0.into_owned();
    let euc = encoding_rs::EUC_JP.encode(text).0.into_owned();
    let cases: [(&str, &[u8]); 7] = [
        ("Content-Type: text/plain; charset=ISO-2022-JP\r\n", &jis),
        ("", &jis),
        ("Content-Type: text/plain; charset=utf-8\r\n", &jis),
        ("Content-Type: text/plain; charset=us-ascii\r\n", &jis),
        ("Content-Type: text/plain; charset=Shift_JIS\r\n", &sjis),
        ("", &sjis),
        ("Content-Type: text/plain; charset=EUC-JP\r\n", &euc),
    ];
    for (headers, body) in cases {
        let read = decode(&mail(headers, body)).unwrap();
        assert_eq!(read.text, text, "{headers:?}");
    }
    assert_eq!(decode(&mail("", text.as_bytes())).unwrap().text, text);
}

#[test]
fn a_raw_subject_is_read_by_what_it_looks_like() {
    let mut bytes = b"From: a@example.com\r\nSubject: ".to_vec();
    bytes.extend_from_slice(&encoding_rs::SHIFT_JIS.encode("変更申請の質問です").0);
    bytes.extend_from_slice(b"\r\n\r\nx");
    assert_eq!(
        decode(&bytes).unwrap().subject.unwrap(),
        "変更申請の質問です"
    );
}

#[test]
fn only_what_was_newly_written_is_left_of_a_reply() {
    for (whole, new) in [
        (
            "ありがとうございます。\n\n2026年11月20日(金) 10:00 窓口 <desk@desk.example.jp>:\n> 受付番号: MD-000001\n> 回答の期限\n",
            "ありがとうございます。",
        ),
        (
            "解決しませんでした。\n\n-----Original Message-----\nFrom: desk@desk.example.jp\nSubject: Re: x\n\n以前の本文",
            "解決しませんでした。",
        ),
        (
            "分かりました。\n\n差出人: 窓口\n送信日時: 2026年11月20日\n宛先: a@example.com\n件名: Re: x\n\n以前の本文",
            "分かりました。",
        ),
        (
            "Thank you, one more question.\n\nOn Fri, 20 Nov 2026 at 10:00, The Desk\n<desk@desk.example.jp> wrote:\n\n> old\n> text\n",
            "Thank you, one more question.",
        ),
        (
            "没有解决。\n\n------------------ 原始邮件 ------------------\n发件人: 窗口\n旧内容",
            "没有解决。",
        ),
        (
            "Chưa giải quyết được.\n\nVào Th 6, 20 thg 11, 2026 vào lúc 10:00 Quầy <desk@desk.example.jp> đã viết:\n> cũ\n",
            "Chưa giải quyết được.",
        ),
        ("本文です。\n-- \n株式会社例\n電話", "本文です。"),
        ("了解です。\n\niPhoneから送信\n", "了解です。"),
        (
            "> Which year?\n2026.\n> Which office?\nThe Kobe one.\n",
            "2026.\nThe Kobe one.",
        ),
        ("> only a quotation\n", "> only a quotation"),
        (
            "普通の文章です。引用はありません。",
            "普通の文章です。引用はありません。",
        ),
    ] {
        assert_eq!(reply_text(whole), new, "{whole:?}");
    }
}

#[test]
fn machines_are_told_from_people_by_the_rules_of_rfc_3834() {
    let auto = Some(MarkKind::AutoReply);
    for (headers, want) in [
        ("", None),
        ("Auto-Submitted: no\r\n", None),
        ("Auto-Submitted: No (a person)\r\n", None),
        (
            "Auto-Submitted: auto-replied; owner-email=\"a@example.com\"\r\n",
            auto,
        ),
        ("Return-Path: <>\r\n", auto),
        ("Return-Path: <a@example.com>\r\n", None),
        ("Precedence: bulk\r\n", Some(MarkKind::List)),
        ("List-Id: <news.example.com>\r\n", Some(MarkKind::List)),
        ("X-Auto-Response-Suppress: All\r\n", None),
        ("Subject: Out of Office: holidays\r\n", auto),
        ("Subject: Re: your Out of Office note\r\n", None),
        (
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
            Some(MarkKind::Bounce),
        ),
        (
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n",
            auto,
        ),
    ] {
        assert_eq!(
            kind(&decode(&mail(headers, b"text")).unwrap()),
            want,
            "{headers:?}"
        );
    }
}

#[test]
fn damaged_mail_is_read_as_far_as_it_goes_and_junk_is_refused_with_a_reason() {
    let read = decode(b"Subject: no sender\r\n\r\nwords\0and\rmore").unwrap();
    assert!(read.from.is_none());
    assert!(!read.problems.is_empty());
    assert!(!read.text.contains('\0'));
    for junk in [&b""[..], b"\r\n \r\n", &[0xff, 0xfe, 0x00, 0x80]] {
        assert!(!decode(junk).unwrap_err().reason.is_empty(), "{junk:?}");
    }
    let html = decode(&mail(
        "Content-Type: text/html; charset=utf-8\r\n",
        "<html><style>p{}</style><body><p>質問です</p><script>x()</script></body></html>"
            .as_bytes(),
    ))
    .unwrap();
    assert!(
        html.text.contains("質問です") && !html.text.contains("x()") && !html.text.contains("p{}"),
        "{}",
        html.text
    );
}

fn outbound(subject: &str, body: &str, name: &str) -> OutboundMessage {
    OutboundMessage {
        message_id: "abc.installation@desk.example.jp".to_owned(),
        installation: "0123456789abcdef".to_owned(),
        from: Party {
            address: "desk@desk.example.jp".to_owned(),
            name: Some(name.to_owned()),
        },
        to: Party {
            address: "a@example.com".to_owned(),
            name: None,
        },
        reply_to: Some("desk+md-000001.k3f9x2m7qa@desk.example.jp".to_owned()),
        subject: subject.to_owned(),
        body: body.to_owned(),
        lang: "ja".to_owned(),
        in_reply_to: Some("q@example.com".to_owned()),
        references: (0..60).map(|i| format!("m{i}@example.com")).collect(),
        automatic: Automatic::Replied,
        written_at: "2026-11-20T01:00:00Z".parse().unwrap(),
        ..OutboundMessage::default()
    }
}

#[test]
fn nothing_a_requester_wrote_becomes_a_header_of_its_own() {
    let bytes = compose(&outbound(
        "x\r\nBcc: victim@example.org",
        "body",
        "Desk\r\nX-Evil: 1",
    ))
    .unwrap()
    .bytes;
    let head = String::from_utf8(bytes).unwrap();
    let head = head.split("\r\n\r\n").next().unwrap();
    assert!(
        !head
            .lines()
            .any(|l| l.starts_with("Bcc:") || l.starts_with("X-Evil:")),
        "{head}"
    );
    assert!(head.lines().all(|l| l.len() <= 998));
    assert!(head.contains("Auto-Submitted: auto-replied"), "{head}");
    let read = decode(&compose(&outbound("x", "body", "Desk")).unwrap().bytes).unwrap();
    assert_eq!(
        read.references.first().unwrap(),
        "m0@example.com",
        "the first id is kept"
    );
    assert_eq!(
        read.references.last().unwrap(),
        "m59@example.com",
        "and the nearest"
    );
    assert_eq!(read.in_reply_to, ["q@example.com"]);
    assert_eq!(read.message_id.unwrap(), "abc.installation@desk.example.jp");
    assert_eq!(read.installation.unwrap(), "0123456789abcdef");
    assert_eq!(
        read.sent_at.unwrap(),
        "2026-11-20T01:00:00Z".parse().unwrap()
    );
}

proptest! {
    #[test]
    fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = decode(&bytes);
        let with_head = mail("Content-Type: text/plain; charset=iso-2022-jp\r\n", &bytes);
        prop_assert!(decode(&with_head).is_ok());
    }

    #[test]
    fn what_is_written_is_read_back(subject in "[^\\p{C}]{1,60}", body in "[ -~ぁ-ん一-龠ạ-ỹ\\n]{0,400}") {
        let read = decode(&compose(&outbound(&subject, &body, "窓口")).unwrap().bytes).unwrap();
        let squeeze = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ");
        prop_assert_eq!(squeeze(&read.subject.unwrap_or_default()), squeeze(&subject));
        prop_assert_eq!(read.text.trim_end(), body.trim_end());
    }
}

#[test]
fn a_bounce_refers_to_the_message_it_brings_back_or_quotes() {
    let report = "From: MAILER-DAEMON@mx.example.org\r\nTo: desk@example.jp\r\nSubject: Undelivered Mail\r\nMessage-ID: <b1@mx.example.org>\r\n\
        Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nNot delivered.\r\n\
        --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; a@example.org\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n\
        --b\r\nContent-Type: message/rfc822\r\n\r\nFrom: desk@example.jp\r\nMessage-ID:\r\n <sent.1@example.jp>\r\nSubject: x\r\n\r\nHello\r\n--b--\r\n";
    let headers = report.replace("message/rfc822", "text/rfc822-headers");
    let free = "From: Mail Delivery System <mailer-daemon@mx.example.org>\r\nReturn-Path: <>\r\nTo: desk@example.jp\r\nSubject: failure notice\r\n\r\n\
        Your message could not be delivered.\r\n\r\n> From: desk@example.jp\r\n> Message-Id: <sent.1@example.jp>\r\n";
    for raw in [report, headers.as_str(), free] {
        let message = madoguchi_mime::decode(raw.as_bytes()).unwrap();
        assert_eq!(message.references, ["sent.1@example.jp"], "{raw}");
    }
    // A person who forwards a message as an attachment answers nothing by it.
    let person = report.replace("MAILER-DAEMON", "hanako").replace(
        "multipart/report; report-type=delivery-status",
        "multipart/mixed",
    );
    let (before, report) = person
        .split_once("--b\r\nContent-Type: message/delivery-status")
        .unwrap();
    let (_, original) = report
        .split_once("--b\r\nContent-Type: message/rfc822")
        .unwrap();
    let person = format!("{before}--b\r\nContent-Type: message/rfc822{original}");
    let message = madoguchi_mime::decode(person.as_bytes()).unwrap();
    assert!(message.references.is_empty() && message.marks.is_empty());
}
