//! Bytes to text where the label is missing or wrong. One decoder for subjects, names, file names and bodies.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, ISO_2022_JP, SHIFT_JIS, UTF_8, WINDOWS_1252,
};

/// The replacement character: a sign that something was read wrongly.
const BROKEN: char = '\u{fffd}';

/// Decodes bytes by what they look like. ISO-2022-JP is looked for first: its bytes also pass as UTF-8.
pub(crate) fn guess(bytes: &[u8]) -> String {
    if has_iso_2022_jp(bytes) {
        return decode_with(ISO_2022_JP, bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    // The fewest broken places win; among equals the order of likelihood at a Japanese desk.
    [SHIFT_JIS, EUC_JP, GB18030, EUC_KR, BIG5]
        .into_iter()
        .map(|encoding| decode_with(encoding, bytes))
        .map(|text| (unlikely(&text), text))
        .min_by_key(|(cost, _)| *cost)
        .filter(|(cost, text)| *cost * 4 <= text.chars().count())
        .map_or_else(|| decode_with(WINDOWS_1252, bytes), |(_, text)| text)
}

/// Decodes by a declared label; falls back on guessing when it is unknown or does not fit.
pub(crate) fn labelled(label: Option<&str>, bytes: &[u8]) -> String {
    if has_iso_2022_jp(bytes) {
        return decode_with(ISO_2022_JP, bytes);
    }
    let encoding = label.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    match encoding {
        None => guess(bytes),
        Some(encoding) => {
            let (text, _, broken) = encoding.decode(bytes);
            if broken {
                let other = guess(bytes);
                if count_broken(&other) < count_broken(&text) {
                    return other;
                }
            }
            text.into_owned()
        }
    }
}

/// Mends text that another reader decoded wrongly: escape sequences of ISO-2022-JP that were left standing.
pub(crate) fn mend(text: &str) -> String {
    if text.is_ascii() && has_iso_2022_jp(text.as_bytes()) {
        decode_with(ISO_2022_JP, text.as_bytes())
    } else {
        text.to_owned()
    }
}

/// True when something was read wrongly.
pub(crate) fn is_broken(text: &str) -> bool {
    text.contains(BROKEN)
}

fn count_broken(text: &str) -> usize {
    text.chars().filter(|c| *c == BROKEN).count()
}

/// Broken places, and those that hardly occur in real text (half-width kana runs are what UTF-8 read as Shift_JIS looks like).
fn unlikely(text: &str) -> usize {
    text.chars()
        .map(|c| match c {
            BROKEN => 10,
            '\u{ff61}'..='\u{ff9f}' => 1,
            '\u{e000}'..='\u{f8ff}' => 3,
            c if c.is_control() && !"\r\n\t".contains(c) => 3,
            _ => 0,
        })
        .sum()
}

fn decode_with(encoding: &'static Encoding, bytes: &[u8]) -> String {
    if encoding == ISO_2022_JP {
        // Half-width kana in a JIS mail come as ESC ( I, which the WHATWG decoder reads as well.
        return encoding.decode_without_bom_handling(bytes).0.into_owned();
    }
    if encoding == UTF_8 {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// ESC $ @, ESC $ B, ESC $ ( D, ESC ( I, ESC ( J: the sequences of the ISO-2022-JP family (RFC 1468, RFC 2237).
fn has_iso_2022_jp(bytes: &[u8]) -> bool {
    const SEQUENCES: [&[u8]; 5] = [b"\x1b$@", b"\x1b$B", b"\x1b$(D", b"\x1b(I", b"\x1b(J"];
    SEQUENCES.iter().any(|sequence| {
        bytes
            .windows(sequence.len())
            .any(|window| window == *sequence)
    })
}
