//! What holds for any input: reading never panics, and what is written is read back.

#![allow(clippy::expect_used, clippy::indexing_slicing)]

use jiff::Timestamp;
use madoguchi_channel::{Automatic, OutboundMessage, Party};
use madoguchi_mime::{compose, decode};
use proptest::prelude::*;

fn seeds() -> Vec<Vec<u8>> {
    let folder = std::path::PathBuf::from(
        std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package"),
    )
    .join("fixtures");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("fixtures")
        .map(|e| e.expect("entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "eml"))
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|p| std::fs::read(p).expect("fixture"))
        .collect()
}

/// One change to a message.
#[derive(Debug, Clone)]
enum Change {
    Put(usize, u8),
    Remove(usize, usize),
    Insert(usize, Vec<u8>),
    Repeat(usize, usize),
    Cut(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let pieces = prop::sample::select(vec![
        "=?",
        "?=",
        "=?utf-8?B?",
        "\x1b$B",
        "\x1b(B",
        "\r",
        "\n",
        "\0",
        "--",
        "\"",
        "<",
        ">",
        "(",
        "*0*=utf-8''%",
        "boundary=",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n",
        "Content-Type: message/rfc822\n\n",
        "<blockquote type=cite>",
        "> ",
        "&#x",
    ]);
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Change::Put(at, byte)),
        (any::<usize>(), 0usize..200).prop_map(|(at, length)| Change::Remove(at, length)),
        (any::<usize>(), pieces)
            .prop_map(|(at, piece)| Change::Insert(at, piece.as_bytes().to_vec())),
        (any::<usize>(), 0usize..300).prop_map(|(at, length)| Change::Repeat(at, length)),
        any::<usize>().prop_map(Change::Cut),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        if bytes.is_empty() {
            break;
        }
        let place = |at: usize| at % bytes.len();
        match change {
            Change::Put(at, byte) => {
                let at = place(*at);
                bytes[at] = *byte;
            }
            Change::Remove(at, length) => {
                let at = place(*at);
                let end = (at + length).min(bytes.len());
                bytes.drain(at..end);
            }
            Change::Insert(at, piece) => {
                let at = place(*at);
                bytes.splice(at..at, piece.iter().copied());
            }
            Change::Repeat(at, length) => {
                let at = place(*at);
                let end = (at + length).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            Change::Cut(at) => bytes.truncate(place(*at)),
        }
    }
    bytes
}

/// What must hold of every message that was read.
fn sound(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(message) = decode(bytes) {
        prop_assert!(!message.text.contains(['\0', '\r']));
        prop_assert!(
            !message
                .subject
                .unwrap_or_default()
                .contains(['\n', '\r', '\0'])
        );
        prop_assert!(message.reply_text.len() <= message.text.len());
        prop_assert!(
            message
                .from
                .is_none_or(|f| !f.address.is_empty() && !f.address.contains(['\n', '\r']))
        );
        prop_assert!(
            message
                .references
                .iter()
                .all(|id| !id.contains(['<', '>', ' ', '\n']))
        );
        prop_assert_eq!(decode(bytes).ok().map(|m| m.text), Some(message.text));
    }
    Ok(())
}

fn one_line(text: &str) -> String {
    text.split([' ', '\u{2028}', '\u{2029}'])
        .flat_map(|w| w.split(char::is_control))
        .filter(|w| !w.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn outbound() -> OutboundMessage {
    OutboundMessage {
        message_id: "0001.k3f9@desk.example.jp".to_owned(),
        installation: "0123456789abcdef".to_owned(),
        from: Party {
            address: "desk@desk.example.jp".to_owned(),
            name: Some("申請窓口".to_owned()),
        },
        to: Party {
            address: "applicant@example.org".to_owned(),
            name: None,
        },
        reply_to: Some("desk+md-000042-k3f9@desk.example.jp".to_owned()),
        subject: "[MD-000042 k3f9] ご質問の件".to_owned(),
        body: "本文".to_owned(),
        lang: "ja".to_owned(),
        in_reply_to: Some("m1@example.org".to_owned()),
        references: vec!["m0@example.org".to_owned(), "m1@example.org".to_owned()],
        automatic: Automatic::Replied,
        written_at: Timestamp::from_second(1_795_000_000).expect("in range"),
        ..OutboundMessage::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        sound(&bytes)?;
    }

    #[test]
    fn random_text_with_a_header_never_panics(head in "[ -~\\n]{0,300}", body in "\\PC{0,300}") {
        sound(format!("Subject: x\n{head}\n\n{body}").as_bytes())?;
    }

    #[test]
    fn dates_of_any_kind_never_panic(date in "[0-9A-Za-z:+, ()-]{0,60}", number in any::<u64>()) {
        sound(format!("Date: {date}\n\nx").as_bytes())?;
        sound(format!("Date: Fri, {number} Nov {number} {number}:{number}:{number} +{number}\n\nx").as_bytes())?;
        sound(format!("Date: {number}-{number}-20T10:00:00+{number}:00\n\nx").as_bytes())?;
    }

    #[test]
    fn changed_messages_never_panic(seed in any::<prop::sample::Index>(), changes in prop::collection::vec(change(), 1..12)) {
        let seeds = seeds();
        sound(&changed(seeds[seed.index(seeds.len())].clone(), &changes))?;
    }

    #[test]
    fn reply_text_keeps_only_lines_of_the_text(text in "(?s)(>? ?[A-Za-z:@\\- \\n]{0,40}){0,20}") {
        let kept = madoguchi_mime::reply_text(&text);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        prop_assert!(kept.lines().all(|l| lines.contains(&l.trim())));
    }

    #[test]
    fn any_subject_body_and_name_come_back(subject in "\\PC{0,150}", body in "(?s)(\\PC{0,1200}|[\\r\\n \\t]){0,6}", name in "[\\p{L}\\p{N} .,;:()<>@\"'\\\\-]{0,60}") {
        prop_assume!(!(subject.contains("=?") && subject.contains("?=")));
        let message = OutboundMessage {
            subject: subject.clone(),
            body: body.clone(),
            from: Party { address: "desk@desk.example.jp".to_owned(), name: Some(name.clone()) },
            ..outbound()
        };
        let composed = compose(&message).expect("composed");
        for line in composed.bytes.split(|b| *b == b'\n') {
            prop_assert!(line.len() <= 999, "a line of {} bytes", line.len());
        }
        let stripped: Vec<u8> = composed.bytes.windows(2).filter(|w| w[1] == b'\n' && w[0] != b'\r').flatten().copied().collect();
        prop_assert!(stripped.is_empty(), "a bare LF");
        let read = decode(&composed.bytes).expect("read back");
        prop_assert_eq!(read.subject.unwrap_or_default(), one_line(&subject));
        let wanted = body.replace("\r\n", "\n").replace('\r', "\n");
        let wanted = wanted.strip_prefix('\u{feff}').unwrap_or(&wanted);
        prop_assert_eq!(read.text, wanted.trim_end());
        let squeeze = |t: &str| t.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'')).collect::<String>();
        prop_assert_eq!(squeeze(&read.from.and_then(|f| f.name).unwrap_or_default()), squeeze(&name));
    }

    #[test]
    fn no_text_can_smuggle_in_a_header(text in "(?s)[a-z \\r\\n:]{0,60}", place in 0..3) {
        let bad = format!("a{text}\r\nBcc: other@example.net\r\n\r\nbody");
        let mut message = outbound();
        match place {
            0 => message.subject = bad,
            1 => message.from.name = Some(bad),
            _ => message.to.name = Some(bad),
        }
        let composed = compose(&message).expect("folded away");
        let text = String::from_utf8_lossy(&composed.bytes).into_owned();
        prop_assert!(!text.lines().any(|l| l.to_ascii_lowercase().starts_with("bcc:")));
    }

    #[test]
    fn plain_addresses_come_back(local in "[a-z0-9][a-z0-9+_-]{0,30}", domain in "[a-z0-9]{1,20}\\.example\\.(org|net)") {
        let address = format!("{local}@{domain}");
        let message = OutboundMessage { to: Party { address: address.clone(), name: Some("名".to_owned()) }, ..outbound() };
        let composed = compose(&message).expect("composed");
        prop_assert_eq!(&composed.envelope_to, &address);
        let read = decode(&composed.bytes).expect("read back");
        prop_assert_eq!(read.to, vec![Party { address, name: Some("名".to_owned()) }]);
    }
}

#[test]
fn every_field_of_an_answer_is_written() {
    let message = outbound();
    let composed = compose(&message).expect("composed");
    assert_eq!(composed.envelope_from, "desk@desk.example.jp");
    assert_eq!(composed.envelope_to, "applicant@example.org");
    let read = decode(&composed.bytes).expect("read back");
    assert_eq!(
        read.message_id.as_deref(),
        Some("0001.k3f9@desk.example.jp")
    );
    assert_eq!(read.in_reply_to, ["m1@example.org"]);
    assert_eq!(read.references, message.references);
    assert_eq!(
        read.reply_to.expect("reply address").address,
        "desk+md-000042-k3f9@desk.example.jp"
    );
    assert_eq!(read.installation.as_deref(), Some("0123456789abcdef"));
    assert_eq!(read.sent_at, Some(message.written_at));
    assert_eq!(read.from, Some(message.from));
    assert_eq!(read.marks.len(), 1);
    let text = String::from_utf8(composed.bytes).expect("ASCII");
    assert!(text.is_ascii());
    for line in [
        "Auto-Submitted: auto-replied",
        "X-Auto-Response-Suppress: All",
        "Content-Language: ja",
        "MIME-Version: 1.0",
    ] {
        assert!(
            text.lines().any(|l| l == line),
            "{line} is missing in\n{text}"
        );
    }
}

#[test]
fn what_a_person_wrote_carries_no_mark_of_a_machine() {
    let composed = compose(&OutboundMessage {
        automatic: Automatic::No,
        ..outbound()
    })
    .expect("composed");
    assert!(decode(&composed.bytes).expect("read back").marks.is_empty());
    assert!(!String::from_utf8_lossy(&composed.bytes).contains("Auto"));
}

#[test]
fn a_long_chain_keeps_its_first_and_last_ids() {
    let references: Vec<String> = (0..200).map(|n| format!("id{n}@example.org")).collect();
    let composed = compose(&OutboundMessage {
        references,
        ..outbound()
    })
    .expect("composed");
    let read = decode(&composed.bytes).expect("read back").references;
    assert_eq!(read.len(), 24);
    assert_eq!(read.first().map(String::as_str), Some("id0@example.org"));
    assert_eq!(read.last().map(String::as_str), Some("id199@example.org"));
}

#[test]
fn ids_and_addresses_that_no_header_may_hold_are_refused_or_left_out() {
    for bad in ["a b", "a\r\nBcc: x@example.net", "<a>", "é", ""] {
        assert!(
            compose(&OutboundMessage {
                message_id: bad.to_owned(),
                ..outbound()
            })
            .is_err(),
            "{bad:?}"
        );
        let composed = compose(&OutboundMessage {
            in_reply_to: Some(bad.to_owned()),
            references: vec![bad.to_owned()],
            ..outbound()
        })
        .expect("left out");
        assert!(
            decode(&composed.bytes)
                .expect("read back")
                .references
                .is_empty(),
            "{bad:?}"
        );
    }
    for bad in ["", "nobody", "a@b\r\nBcc: x@example.net", "a b@example.org"] {
        let to = Party {
            address: bad.to_owned(),
            name: None,
        };
        assert!(
            compose(&OutboundMessage { to, ..outbound() }).is_err(),
            "{bad:?}"
        );
        assert!(
            compose(&OutboundMessage {
                reply_to: Some(bad.to_owned()),
                ..outbound()
            })
            .is_err(),
            "{bad:?}"
        );
    }
    assert!(
        compose(&OutboundMessage {
            installation: "a\r\nb".to_owned(),
            ..outbound()
        })
        .is_err()
    );
}

#[test]
fn only_what_is_no_message_is_refused() {
    assert!(decode(b"").is_err());
    assert!(decode(b" \r\n\r\n").is_err());
    assert!(decode(&[0x89, b'P', b'N', b'G', 0, 1, 2, 3, 0, 0, 5, 6, 7, 0, 255]).is_err());
    assert!(decode(b"Subject: x").is_ok());
    assert!(decode("ただの文".as_bytes()).is_ok());
}

#[test]
fn ids_as_long_as_large_providers_make_them_are_written_as_they_are() {
    let long = |n: usize| {
        format!(
            "{}.{n}@very-long-host-name.example.org",
            "A1b2C3d4E5".repeat(12)
        )
    };
    let references: Vec<String> = (0..10).map(long).collect();
    let message = OutboundMessage {
        message_id: long(11),
        in_reply_to: Some(long(9)),
        references: references.clone(),
        ..outbound()
    };
    let composed = compose(&message).expect("composed");
    let read = decode(&composed.bytes).expect("read back");
    assert_eq!(read.message_id, Some(long(11)));
    assert_eq!(read.in_reply_to, [long(9)]);
    assert_eq!(read.references, references);
    let text = String::from_utf8(composed.bytes).expect("ASCII");
    let header = text.split("\r\n\r\n").next().unwrap_or_default();
    assert!(header.contains(&format!("<{}>", long(5))), "{header}");
}

#[test]
fn what_looks_like_an_encoded_word_reaches_the_reader_as_text() {
    let composed = compose(&OutboundMessage {
        subject: "=?utf-8?Q?desk?= 1 =? 2".to_owned(),
        ..outbound()
    })
    .expect("composed");
    let read = decode(&composed.bytes).expect("read back");
    assert_eq!(read.subject.as_deref(), Some("= ?utf-8?Q?desk?= 1 =? 2"));
}
