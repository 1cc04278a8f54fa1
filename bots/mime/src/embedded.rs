//! Files written into the text itself, as mail did before MIME: uuencode (POSIX `uuencode`), yEnc, BinHex 4.0 (RFC 1741).
//! They are taken out of the text and listed; what only looks like one stays where it is.

use crate::charset::{self, Hints};
use std::borrow::Cow;

/// One file that was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) name: Option<String>,
    pub(crate) media_type: &'static str,
    pub(crate) size: usize,
}

/// More files than this stay in the text.
const MOST_FILES: usize = 200;

/// What a line may begin.
const UU: &[u8] = b"begin ";
const YENC: &[u8] = b"=ybegin ";
const BINHEX: &[u8] = b"(This file must be converted with BinHex";

/// The text without the files, and the files.
pub(crate) fn take<'a>(bytes: &'a [u8], hints: Hints) -> (Cow<'a, [u8]>, Vec<File>) {
    let mut files = Vec::new();
    let mut out: Vec<u8> = Vec::new();
    // Where the text that is not yet copied begins.
    let mut copied = 0;
    let mut at = 0;
    // Looked for to the end of the text in vain: looking again for each would cost the square of its size.
    let mut no_end = [false; 3];
    while let Some(line) = line_at(bytes, at) {
        let after = at + line.len();
        let kind = [UU, YENC, BINHEX].iter().position(|s| line.starts_with(s));
        let found = kind
            .filter(|k| files.len() < MOST_FILES && no_end.get(*k) == Some(&false))
            .and_then(|kind| {
                let found = match kind {
                    0 => uuencoded(line, bytes, after, hints),
                    1 => y_encoded(line, bytes, after, hints),
                    _ => binhex(bytes, after, hints),
                };
                if let (None, Some(slot)) = (&found, no_end.get_mut(kind)) {
                    // A line of prose that begins with "begin" fails at once and costs nothing.
                    *slot = kind > 0;
                }
                found
            });
        match found {
            Some((file, end)) => {
                out.extend_from_slice(bytes.get(copied..at).unwrap_or_default());
                files.push(file);
                (copied, at) = (end, end);
            }
            None => at = after,
        }
    }
    if files.is_empty() {
        return (Cow::Borrowed(bytes), files);
    }
    out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    (Cow::Owned(out), files)
}

fn line_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..)?;
    let end = rest.iter().position(|b| *b == b'\n');
    rest.get(..end.map_or(rest.len(), |e| e + 1))
        .filter(|l| !l.is_empty())
}

fn named(bytes: &[u8], hints: Hints) -> Option<String> {
    let name = charset::decode(bytes.trim_ascii(), None, hints).text;
    Some(name).filter(|n| !n.is_empty() && n.len() < 500)
}

/// `begin 644 name`, lines with their length in front, `end`.
fn uuencoded(line: &[u8], bytes: &[u8], start: usize, hints: Hints) -> Option<(File, usize)> {
    let head = line.strip_prefix(UU)?;
    let mode = head.iter().take_while(|b| matches!(b, b'0'..=b'7')).count();
    let (_, name) = head.split_at_checked(mode)?;
    if !(3..=4).contains(&mode) || !name.starts_with(b" ") {
        return None;
    }
    let (mut at, mut size, mut lines) = (start, 0, 0);
    while let Some(line) = line_at(bytes, at) {
        let content = line.trim_ascii_end();
        at += line.len();
        if content == b"end" {
            return (lines > 0).then_some((
                File {
                    name: named(name, hints),
                    media_type: "application/octet-stream",
                    size,
                },
                at,
            ));
        }
        let Some((length, data)) = content.split_first() else {
            // The line of length nothing, whose blank was trimmed on the way.
            continue;
        };
        let length = usize::from(length.wrapping_sub(32) & 63);
        let needed = length.div_ceil(3) * 4;
        // Blanks at the end may have been lost, a check character may have been added.
        if data.len() > needed + 2
            || data.len() + 8 < needed
            || !content.iter().all(|b| (0x20..=0x60).contains(b))
        {
            return None;
        }
        size += length;
        lines += 1;
    }
    None
}

/// `=ybegin … name=…`, bytes moved by 42, `=yend`.
fn y_encoded(line: &[u8], bytes: &[u8], start: usize, hints: Hints) -> Option<(File, usize)> {
    let at = line.windows(6).position(|w| w == b" name=")?;
    let name = line.get(at + 6..)?;
    let (mut at, mut size) = (start, 0);
    while let Some(line) = line_at(bytes, at) {
        at += line.len();
        if line.starts_with(b"=yend") {
            let file = File {
                name: named(name, hints),
                media_type: "application/octet-stream",
                size,
            };
            return Some((file, at));
        }
        if !line.starts_with(b"=ypart") {
            let escapes = line.iter().filter(|b| **b == b'=').count();
            let ends = line.iter().filter(|b| matches!(b, b'\r' | b'\n')).count();
            size += line.len().saturating_sub(escapes + ends);
        }
    }
    None
}

/// A colon, characters of BinHex's own alphabet over lines, a colon.
fn binhex(bytes: &[u8], start: usize, hints: Hints) -> Option<(File, usize)> {
    const ALPHABET: &[u8; 64] =
        b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
    let rest = bytes.get(start..)?;
    let open = rest.iter().position(|b| !b.is_ascii_whitespace())?;
    let data = rest.get(open..)?.strip_prefix(b":")?;
    let length = data.iter().position(|b| *b == b':')?;
    let data_bytes = data.get(..length)?;
    let mut head = Vec::new();
    let (mut bits, mut held) = (0u32, 0u32);
    for byte in data_bytes {
        if byte.is_ascii_whitespace() {
            continue;
        }
        let value = ALPHABET.iter().position(|a| a == byte)?;
        // The name and the lengths stand at the beginning.
        if head.len() >= 200 {
            continue;
        }
        held = (held << 6) | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            head.push(((held >> bits) & 0xff) as u8);
            held &= (1 << bits) - 1;
        }
    }
    let head = repeated(&head);
    let (name_length, rest) = head.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*name_length))?;
    // Version, type, creator, flags; then the length of the data.
    let size = rest
        .get(11..15)?
        .iter()
        .fold(0usize, |all, b| all << 8 | usize::from(*b));
    let file = File {
        name: named(name, hints),
        media_type: "application/mac-binhex40",
        // A length that can't be is not believed.
        size: size.min(length.saturating_mul(4)),
    };
    let mut end = start + open + 1 + length + 1;
    if let Some(line) = line_at(bytes, end).filter(|l| l.trim_ascii().is_empty()) {
        end += line.len();
    }
    Some((file, end))
}

/// BinHex shortens runs: byte, 0x90, count.
fn repeated(bytes: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        if *byte != 0x90 {
            out.push(*byte);
            continue;
        }
        match (rest.next(), out.last().copied()) {
            (Some(0), _) => out.push(0x90),
            (Some(count), Some(last)) => out.extend(std::iter::repeat_n(
                last,
                usize::from(*count).saturating_sub(1),
            )),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, Vec<File>) {
        let (rest, files) = take(text.as_bytes(), Hints::default());
        (String::from_utf8_lossy(&rest).into_owned(), files)
    }

    #[test]
    fn uuencoded_files_leave_the_text() {
        let (text, files) = read("before\nbegin 644 cat 1.txt\n#8V%T\n`\nend\nafter\n");
        assert_eq!(text, "before\nafter\n");
        assert_eq!(
            (files[0].name.as_deref(), files[0].size),
            (Some("cat 1.txt"), 3)
        );
    }

    #[test]
    fn y_encoded_and_binhex_files_leave_the_text() {
        let (text, files) = read("a\n=ybegin line=128 size=4 name=x.bin\nab=cd\n=yend size=4\nb\n");
        assert_eq!((text.as_str(), files[0].size), ("a\nb\n", 4));
        // A file named "a" of two bytes, without its checksums.
        let (text, files) = read(
            "x\n(This file must be converted with BinHex 4.0)\n\n:!@%!39\"36'&e5'0[F'!!!!!!J!!!!!!!!:\ny\n",
        );
        assert_eq!(text, "x\ny\n", "{files:?}");
        assert_eq!(files[0].media_type, "application/mac-binhex40");
    }

    #[test]
    fn prose_that_begins_alike_stays() {
        for text in [
            "begin 2026 with a plan\nand an end\n",
            "begin 644 of them\nnot encoded at all\nend\n",
            "begin 644 a.txt\n#8V%T\n",
            "=ybegin name=x\nnever ended\n",
            "(This file must be converted with BinHex 4.0)\nno colon\n",
        ] {
            let (rest, files) = read(text);
            assert_eq!((rest.as_str(), files.len()), (text, 0));
        }
    }
}
