//! Messages made to hurt. Each is read in a time in proportion to its size: what costs the square of it does not end here.
//! (Memory and time are measured in `benches/reading` and watched in `tests/fuzz`.)

#![allow(clippy::expect_used)]

use madoguchi_mime::{decode, html_to_text, reply_text};

const HEAD: &str = "From: a@example.org\r\nMessage-ID: <1@example.org>\r\nSubject: x\r\n";

fn mail(headers: &str, body: &str) -> Vec<u8> {
    format!("{HEAD}{headers}\r\n{body}").into_bytes()
}

fn html(body: &str) -> Vec<u8> {
    mail("Content-Type: text/html; charset=utf-8\r\n", body)
}

#[test]
fn parts_without_number_or_bottom() {
    let mut nested = String::new();
    for level in 0..10_000 {
        nested.push_str(&format!(
            "Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"
        ));
    }
    let read = decode(format!("{HEAD}{nested}\r\ntext").as_bytes()).expect("read");
    assert!(read.problems.iter().any(|p| p.contains("deeper")));

    let many = "--b\r\n\r\nx\r\n".repeat(100_000);
    let read = decode(&mail(
        "Content-Type: multipart/mixed; boundary=b\r\n",
        &many,
    ))
    .expect("read");
    assert!(read.problems.iter().any(|p| p.contains("more parts")));

    let many = "--b\r\nContent-Type: image/png\r\n\r\nx\r\n".repeat(100_000);
    let read = decode(&mail(
        "Content-Type: multipart/mixed; boundary=b\r\n",
        &many,
    ))
    .expect("read");
    assert_eq!(read.attachments.len(), 1000);

    // A boundary of dashes only, and one that no part ever has.
    let dashes = "-------------------------------------\n".repeat(50_000);
    let boundary = "-".repeat(60);
    for headers in [
        format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n"),
        "Content-Type: multipart/mixed\r\n".to_owned(),
        "Content-Type: multipart/mixed; boundary=never\r\n".to_owned(),
    ] {
        decode(&mail(&headers, &dashes)).expect("read");
    }
}

#[test]
fn headers_without_end() {
    let mut long = b"From: a@example.org\r\nSubject: ".to_vec();
    long.extend(std::iter::repeat_n(b'x', 20_000_000));
    long.extend_from_slice(b"\r\n\r\ntext");
    assert_eq!(decode(&long).expect("read").text, "text");

    let ids: String = (0..1_000_000)
        .map(|n| format!("\r\n <{n}@example.org>"))
        .collect();
    let read = decode(&mail(&format!("References:{ids}\r\n"), "text")).expect("read");
    assert_eq!(read.references.len(), 1000);

    for piece in [
        "=?utf-8?B?YWJj?= ",
        "=?utf-8?B?YWJjYQ?= ",
        "=?utf-8?Q?x?=",
        "=?",
        "=?utf-8?B?",
        "\"",
        "(",
        "<",
        "a@b.example, ",
        "x; y=z; ",
        "x*0*=a; ",
        "\u{1b}$B",
    ] {
        let value = format!("=?utf-8?B?Y?= {}", piece.repeat(200_000 / piece.len()));
        for name in ["Subject", "To", "Content-Type", "References", "Received"] {
            decode(&mail(&format!("{name}: {value}\r\n"), "text")).expect("read");
        }
    }
    let fields = "X-Y: z\r\n".repeat(500_000);
    decode(&mail(&fields, "text")).expect("read");
}

#[test]
fn pages_that_never_close_anything() {
    for piece in [
        "<b>",
        "<div>",
        "<blockquote type=cite>",
        "<table><tr><td>",
        "<style>",
        "<style>p{}</style>",
        "<!--",
        "<!-- x -->",
        "<a href='x>",
        "<a href=https://example.org>",
        "<div style='display:none'>",
        "<p hidden>",
        "<li>",
        "<ol>",
        "<",
        "<x y=\"",
        "</div>",
        "&amp;",
        "&",
        "&eacute;",
        "&#x",
        "&#99999999;",
        "&aaaaaaaaaaaaaaaa",
        "<![CDATA[",
        "<head>",
        "<title>",
    ] {
        let page = piece.repeat(200_000 / piece.len());
        html_to_text(&page);
        html_to_text(&format!("{page}>"));
        decode(&html(&page)).expect("read");
    }
    let open = format!("<p>one{}</p>two", "<b>".repeat(1_000_000));
    assert!(decode(&html(&open)).expect("read").text.contains("two"));
}

#[test]
fn replies_of_one_line_and_of_a_million() {
    for piece in [
        ">\n",
        "> x\n",
        ">",
        "\n",
        "--\n",
        "-- \n",
        "x",
        "あ",
        " ",
        "\t",
        "On 2026 a wrote ",
        "On 1 wrote:\n",
        "2026/11/20 10:00 a@b.example:\n",
        "From: a\n",
        "From: a\nTo: b\n",
        "From: a\nTo: b\nSubject: c\n\n",
        "-----Original Message-----\n",
        "Sent from my iPhone\n",
        "━━━━━━━━\n",
        "________________________________\n",
        "AB> x\n",
        "* ",
        "1 ",
        "a@",
        "begin 644 x\n",
        "=ybegin name=x\n",
        "(This file must be converted with BinHex 4.0)\n",
        "-----BEGIN PGP MESSAGE-----\n",
    ] {
        for size in [90_000, 300_000] {
            let text = piece.repeat(size / piece.len());
            reply_text(&text);
            decode(&mail("", &text)).expect("read");
        }
    }
}

#[test]
fn encodings_that_blow_up_or_never_end() {
    let base64 = "AAAA".repeat(500_000);
    for kind in [
        "text/plain; charset=utf-16",
        "text/plain; charset=utf-7",
        "text/plain; charset=iso-2022-jp",
        "application/ms-tnef",
        "application/pkcs7-mime",
        "text/calendar",
        "message/delivery-status",
        "message/rfc822",
    ] {
        let headers = format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n");
        decode(&mail(&headers, &base64)).expect("read");
        let _ = decode(&mail(&headers, &base64));
        for piece in [
            "=\n",
            "=",
            "+",
            "+AAA",
            "\u{1b}$B!!",
            "\u{e}",
            "~{",
            "A:B\n",
            "a@b.example\n",
        ] {
            let body = piece.repeat(200_000 / piece.len());
            let headers =
                format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: quoted-printable\r\n");
            decode(&mail(&headers, &body)).expect("read");
            decode(&mail(&format!("Content-Type: {kind}\r\n"), &body)).expect("read");
        }
    }
    let bounce = format!(
        "From: MAILER-DAEMON@example.org\r\nReturn-Path: <>\r\nSubject: failure notice\r\n\r\n{}",
        "<a@example.org>: 550 no\n".repeat(50_000)
    );
    assert!(decode(bounce.as_bytes()).is_ok_and(|m| m.delivery_report.is_some()));
}
