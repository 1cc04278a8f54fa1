//! Things inside things: signed and sealed mail, invitations, forwarded messages, files written into the text, plain versions
//! that say nothing.

#![allow(clippy::expect_used)]

use madoguchi_channel::InboundMessage;
use madoguchi_mime::decode;

fn read(headers: &str, body: &str) -> InboundMessage {
    let raw = format!(
        "From: a@example.org\nMessage-ID: <1@example.org>\nDate: Fri, 20 Nov 2026 10:00:00 +0900\nMIME-Version: 1.0\n{headers}\n{body}\n"
    );
    decode(raw.as_bytes()).expect("read")
}

fn names(message: &InboundMessage) -> Vec<&str> {
    message
        .attachments
        .iter()
        .map(|a| a.name.as_deref().unwrap_or("-"))
        .collect()
}

/// A `SignedData` that holds a small message, as `openssl smime -sign -nodetach` wraps it, without certificates.
const SIGNED: &str = "MH8GCSqGSIb3DQEHAqByMHACAQExADBpBgkqhkiG9w0BBwGgXARaQ29udGVudC1UeXBlOiB0ZXh0L3BsYWluOyBjaGFyc2V0PXV0Zi04DQoNCkluc2lkZSB0aGUgc2lnbmF0dXJlLg0KTmV4dCBsaW5lIG9mIHRoZSB0ZXh0Lg0K";

#[test]
fn signed_mail_is_read_through_and_sealed_mail_says_so() {
    let signed = read(
        "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\nContent-Transfer-Encoding: base64\n",
        SIGNED,
    );
    assert!(
        signed.text.starts_with("Inside the signature."),
        "{:?}",
        signed.text
    );
    assert_eq!(names(&signed), ["smime.p7m"]);
    assert!(signed.problems.iter().any(|p| p.contains("signed")));

    let detached = read(
        "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b\n",
        "--b\n\nThe text.\n--b\nContent-Type: application/pkcs7-signature; name=smime.p7s\n\nx\n--b--",
    );
    assert_eq!(
        (detached.text.trim(), names(&detached)),
        ("The text.", vec!["smime.p7s"])
    );

    for (headers, body) in [
        (
            "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\nContent-Transfer-Encoding: base64\n",
            "MIAGCSqGSIb3DQEHA6CAMIA=",
        ),
        (
            "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n",
            "--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b\nContent-Type: application/octet-stream; name=encrypted.asc\n\n-----BEGIN PGP MESSAGE-----\n--b--",
        ),
    ] {
        let sealed = read(headers, body);
        assert_eq!(sealed.text, "");
        assert!(
            sealed.problems.iter().any(|p| p.contains("encrypted")),
            "{:?}",
            sealed.problems
        );
    }
    let inline = read(
        "",
        "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----",
    );
    assert!(inline.text.contains("hQEMA"));
    assert!(inline.problems.iter().any(|p| p.contains("encrypted")));
}

#[test]
fn an_invitation_is_the_text_only_where_there_is_no_other() {
    let calendar = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:相談会\nDTSTART:20261120T010000Z\nLOCATION:会議室\nEND:VEVENT\nEND:VCALENDAR";
    let alone = read(
        "Content-Type: text/calendar; charset=utf-8; method=REQUEST\n",
        calendar,
    );
    assert_eq!(
        alone.text,
        "[REQUEST]\n相談会\n2026-11-20 01:00 UTC\n会議室"
    );
    assert_eq!(names(&alone), ["invite.ics"]);
    let beside = read(
        "Content-Type: multipart/alternative; boundary=b\n",
        &format!(
            "--b\n\nPlease come.\n--b\nContent-Type: text/calendar; charset=utf-8\n\n{calendar}\n--b--"
        ),
    );
    assert_eq!(
        (beside.text.trim(), names(&beside)),
        ("Please come.", vec!["invite.ics"])
    );
}

#[test]
fn forwarded_messages_and_pieces_that_lie_elsewhere_are_listed() {
    let read = read(
        "Content-Type: multipart/mixed; boundary=b\n",
        "--b\n\nSee below.\n--b\nContent-Type: message/rfc822\n\nSubject: =?utf-8?B?6LOq5ZWP?= 1/2\n\nold\n--b\nContent-Type: message/external-body; access-type=URL; URL=\"https://example.org/x\"\n\nContent-Type: image/png\n--b\nContent-Type: message/rfc822; name=\"C:\\mail\\a.eml\"\n\nSubject: x\n\nold\n--b--",
    );
    assert_eq!(read.text.trim(), "See below.");
    assert_eq!(names(&read), ["質問 1_2.eml", "-", "a.eml"]);
    assert!(read.problems.iter().any(|p| p.contains("elsewhere")));
}

#[test]
fn files_inside_the_text_are_listed() {
    let read = read(
        "",
        "See the file.\n\nbegin 644 cat.txt\n#8V%T\n`\nend\n\nRegards",
    );
    assert_eq!(read.text, "See the file.\n\n\nRegards");
    assert_eq!(names(&read), ["cat.txt"]);
}

#[test]
fn a_plain_version_that_says_nothing_gives_way() {
    for (plain, wanted) in [
        ("", "…"),
        ("Your email client does not support HTML.", "…"),
        ("This message is in HTML format.", "…"),
        (
            "このメールはHTML形式です。HTML対応のメールソフトでご覧ください。",
            "…",
        ),
        ("A short answer.", "A short answer."),
        ("How do I write HTML?", "How do I write HTML?"),
    ] {
        let real = "The real text of this message. ".repeat(4);
        let html = format!("<p>{real}</p>");
        let wanted = if wanted == plain { plain } else { real.trim() };
        let read = read(
            "Content-Type: multipart/alternative; boundary=b\n",
            &format!(
                "--b\nContent-Type: text/plain; charset=utf-8\n\n{plain}\n--b\nContent-Type: text/html; charset=utf-8\n\n{html}\n--b--"
            ),
        );
        assert_eq!(read.text.trim(), wanted, "{plain}");
    }
}

#[test]
fn names_of_files_come_in_every_dress() {
    for (header, wanted) in [
        (
            "filename*1*=%B4.pdf; filename*0*=utf-8''%E5%A4%89%E6%9B",
            "変更.pdf",
        ),
        (
            "filename*0*=utf-8'ja'%E5%A4%89; filename*1=\"更.pdf\"",
            "変更.pdf",
        ),
        (
            "filename=\"=?utf-8?Q?=E5=A4=89?= =?utf-8?Q?=E6=9B=B4.pdf?=\"",
            "変更.pdf",
        ),
        (
            "filename==?ISO-2022-JP?B?GyRCSlE5OSNBGyhCLnBkZg==?=",
            "変更Ａ.pdf",
        ),
        ("filename=変更.pdf", "変更.pdf"),
        ("filename=\"a b.pdf", "a b.pdf"),
        ("filename=two words.pdf", "two words.pdf"),
        ("filename=\"..\\..\\x.pdf\"", "x.pdf"),
    ] {
        let read = read(
            "Content-Type: multipart/mixed; boundary=b\n",
            &format!(
                "--b\n\nx\n--b\nContent-Type: application/pdf\nContent-Disposition: attachment; {header}\n\nx\n--b--"
            ),
        );
        assert_eq!(names(&read), [wanted], "{header}");
    }
}

#[test]
fn subjects_come_in_every_dress() {
    for (subject, wanted) in [
        ("=?utf-8?Q?a b=20c?=", "a b c"),
        ("=?utf-8*ja?B?5aSJ5pu0?=", "変更"),
        ("=?utf-8?B?5aSJ5pu0?= =?iso-8859-1?Q?=E9?=", "変更é"),
        ("=?utf-8?B?5aSJ5pu?==?utf-8?B?0?=", "変更"),
        ("\"=?utf-8?B?5aSJ5pu0?=\"", "\"変更\""),
        ("Re:=?utf-8?B?5aSJ5pu0?=", "Re:変更"),
        ("=?gb2312?B?yerH6w==?=", "申请"),
        ("=?utf-8?B?w6XCpMKJw6bCm8K0w6bClcKw?=", "変更数"),
    ] {
        let read = read(&format!("Subject: {subject}\n"), "x");
        assert_eq!(read.subject.as_deref(), Some(wanted), "{subject}");
    }
}
