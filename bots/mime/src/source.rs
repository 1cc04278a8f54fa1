//! What is done to the bytes before a message is looked for in them.

use crate::field;
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use std::borrow::Cow;

/// The bytes as the parser wants them: without byte order mark, mbox separator or blank lines before the header, lines ended
/// by LF or CRLF. Borrowed where nothing had to change.
pub(crate) fn regular(bytes: &[u8]) -> Cow<'_, [u8]> {
    let bytes = match bytes {
        [0xff, 0xfe, rest @ ..] => wide(bytes, rest, UTF_16LE),
        [0xfe, 0xff, rest @ ..] => wide(bytes, rest, UTF_16BE),
        [0xef, 0xbb, 0xbf, rest @ ..] => Cow::Borrowed(rest),
        all => Cow::Borrowed(all),
    };
    let bytes = lone_returns_ended(bytes);
    match bytes {
        Cow::Borrowed(all) => Cow::Borrowed(all.get(lead_in(all)..).unwrap_or_default()),
        Cow::Owned(mut all) => {
            let skip = lead_in(&all);
            all.drain(..skip);
            Cow::Owned(all)
        }
    }
}

/// A message some program saved as UTF-16; bytes that only begin like one stay as they are.
fn wide<'a>(whole: &'a [u8], rest: &[u8], encoding: &'static Encoding) -> Cow<'a, [u8]> {
    let (text, errors) = encoding.decode_without_bom_handling(rest);
    let header = text.lines().find(|line| !line.trim().is_empty());
    if !errors && header.is_some_and(|line| field::begins_field(line.as_bytes())) {
        Cow::Owned(text.into_owned().into_bytes())
    } else {
        Cow::Borrowed(whole)
    }
}

/// Old systems end lines by a bare CR. Only where the header holds no LF at all: else a CR is just an odd character.
fn lone_returns_ended(bytes: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    let first = bytes.iter().position(|b| *b == b'\n');
    let header = first.map_or(&*bytes, |end| bytes.get(..end).unwrap_or_default());
    let returns = header.iter().filter(|b| **b == b'\r').count();
    if returns < 2 {
        return bytes;
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut previous = 0u8;
    for &byte in bytes.iter() {
        match byte {
            b'\r' => out.push(b'\n'),
            b'\n' if previous == b'\r' => {}
            other => out.push(other),
        }
        previous = byte;
    }
    Cow::Owned(out)
}

/// How many bytes before the first header field carry nothing: blank lines, and the `From ` line of an mbox (RFC 4155).
fn lead_in(bytes: &[u8]) -> usize {
    let blank = |from: usize| {
        bytes
            .iter()
            .skip(from)
            .take_while(|b| matches!(b, b'\r' | b'\n'))
            .count()
            + from
    };
    let start = blank(0);
    let rest = bytes.get(start..).unwrap_or_default();
    let mbox = rest.starts_with(b"From ") || rest.starts_with(b">From ");
    match rest.iter().position(|b| *b == b'\n') {
        Some(end) if mbox => blank(start + end + 1),
        _ => start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_mbox_line_and_blank_lines_before_the_header_are_skipped() {
        let bytes = b"\r\n\nFrom a@example.org Mon Nov 16 10:00:00 2026\nSubject: x\n\ny";
        assert_eq!(&*regular(bytes), b"Subject: x\n\ny");
        assert_eq!(
            &*regular(b"From: a@example.org\n\n"),
            b"From: a@example.org\n\n"
        );
    }

    #[test]
    fn lines_ended_by_a_bare_return_become_lines_but_a_stray_return_stays() {
        assert_eq!(&*regular(b"A: b\rC: d\r\rtext\r"), b"A: b\nC: d\n\ntext\n");
        assert_eq!(
            &*regular(b"A: b\r\nC: d\r\n\r\nte\rxt"),
            b"A: b\r\nC: d\r\n\r\nte\rxt"
        );
    }

    #[test]
    fn a_message_saved_as_utf_16_is_read() {
        let bytes: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain(
                "Subject: 窓口\n\n本文"
                    .encode_utf16()
                    .flat_map(u16::to_le_bytes),
            )
            .collect();
        assert_eq!(&*regular(&bytes), "Subject: 窓口\n\n本文".as_bytes());
    }
}
