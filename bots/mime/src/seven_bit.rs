//! Charsets that switch within seven bits: ISO-2022-JP with all that is sent under that name, ISO-2022-KR and -CN, HZ, UTF-7.
//!
//! `encoding_rs` reads ISO-2022-JP as the web does: two escape sequences in a row are an error there, and JIS X 0212, shift-out
//! katakana and eight-bit bytes are unknown. Mail has all of these, so the sequences are turned into EUC bytes here.

use crate::charset::Decoded;
use encoding_rs::{EUC_JP, EUC_KR, GB18030};

/// What the two bytes that follow mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    Ascii,
    Kana,
    Jis208,
    Jis212,
    Gb,
    Ksc,
}

/// Escape sequences that select a set; longer ones first.
const ESCAPES: &[(&[u8], Set)] = &[
    (b"$(D", Set::Jis212),
    (b"$(@", Set::Jis208),
    (b"$(B", Set::Jis208),
    (b"$(O", Set::Jis208),
    (b"$(Q", Set::Jis208),
    (b"$(C", Set::Ksc),
    (b"$(A", Set::Gb),
    (b"$@", Set::Jis208),
    (b"$B", Set::Jis208),
    (b"$A", Set::Gb),
    (b"(B", Set::Ascii),
    (b"(J", Set::Ascii),
    (b"(H", Set::Ascii),
    (b"(I", Set::Kana),
];

/// Sequences that say what shift-out will mean.
const SHIFTS: &[(&[u8], Set)] = &[(b"$)C", Set::Ksc), (b"$)A", Set::Gb), (b")I", Set::Kana)];

/// True when the bytes select a charset that is not ASCII.
pub(crate) fn has_escapes(bytes: &[u8]) -> bool {
    bytes.split(|b| *b == 0x1b).skip(1).any(|after| {
        ESCAPES
            .iter()
            .chain(SHIFTS)
            .any(|(sequence, set)| *set != Set::Ascii && after.starts_with(sequence))
    })
}

/// Bytes of one family, gathered until the family changes.
struct Writer<'a> {
    out: String,
    held: Vec<u8>,
    family: Set,
    lost: bool,
    eight_bit: &'a dyn Fn(&[u8]) -> String,
}

impl Writer<'_> {
    /// `Ascii` stands for EUC-JP (ASCII, kana and both JIS sets), `Kana` for bytes of unknown eight-bit charset.
    fn push(&mut self, family: Set, bytes: &[u8]) {
        if family != self.family {
            self.flush();
            self.family = family;
        }
        self.held.extend_from_slice(bytes);
    }

    fn flush(&mut self) {
        let encoding = match self.family {
            Set::Kana => {
                self.out.push_str(&(self.eight_bit)(&self.held));
                self.held.clear();
                return;
            }
            Set::Gb => GB18030,
            Set::Ksc => EUC_KR,
            _ => EUC_JP,
        };
        let (text, errors) = encoding.decode_without_bom_handling(&self.held);
        self.lost |= errors;
        self.out.push_str(&text);
        self.held.clear();
    }
}

/// Decodes ISO-2022 text of any kind. Eight-bit bytes between the sequences are given to `eight_bit`; what shift-out means
/// before any sequence says so, the label tells.
pub(crate) fn iso_2022(bytes: &[u8], label: &str, eight_bit: &dyn Fn(&[u8]) -> String) -> Decoded {
    let mut writer = Writer {
        out: String::with_capacity(bytes.len()),
        held: Vec::new(),
        family: Set::Ascii,
        lost: false,
        eight_bit,
    };
    let mut set = Set::Ascii;
    let mut shifted_to = match label {
        "iso-2022-kr" => Set::Ksc,
        "iso-2022-cn" | "iso-2022-cn-ext" => Set::Gb,
        _ => Set::Kana,
    };
    let mut shifted = false;
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let first = *first;
        rest = tail;
        let now = if shifted { shifted_to } else { set };
        match first {
            0x1b => {
                let found = |table: &[(&[u8], Set)]| {
                    table
                        .iter()
                        .find(|(s, _)| tail.starts_with(s))
                        .map(|(s, set)| (s.len(), *set))
                };
                if let Some((length, chosen)) = found(ESCAPES) {
                    (set, shifted) = (chosen, false);
                    rest = tail.get(length..).unwrap_or_default();
                } else if let Some((length, chosen)) = found(SHIFTS) {
                    shifted_to = chosen;
                    rest = tail.get(length..).unwrap_or_default();
                } else if tail.starts_with(b"&@") {
                    // JIS X 0208:1990 announces itself before `ESC $ B`.
                    rest = tail.get(2..).unwrap_or_default();
                } else {
                    writer.lost = true;
                }
            }
            0x0e => shifted = true,
            0x0f => shifted = false,
            b'\n' | b'\r' => {
                // Every line begins in ASCII (RFC 1468); a sender who forgot to go back is not punished for it.
                set = Set::Ascii;
                shifted = false;
                writer.push(Set::Ascii, &[first]);
            }
            0x00..=0x20 | 0x7f => writer.push(Set::Ascii, &[first]),
            _ if now == Set::Ascii && first >= 0x80 => writer.push(Set::Kana, &[first]),
            _ if now == Set::Ascii => writer.push(Set::Ascii, &[first]),
            _ if now == Set::Kana => writer.push(Set::Ascii, &[0x8e, first | 0x80]),
            _ => match tail.first() {
                Some(second) if matches!(second & 0x7f, 0x21..=0x7e) => {
                    let pair = [first | 0x80, second | 0x80];
                    match now {
                        Set::Jis212 => {
                            writer.push(Set::Ascii, &[0x8f, first | 0x80, second | 0x80])
                        }
                        Set::Gb | Set::Ksc => writer.push(now, &pair),
                        _ => writer.push(Set::Ascii, &pair),
                    }
                    rest = tail.get(1..).unwrap_or_default();
                }
                // Half a character before a line end or an escape sequence.
                _ => writer.lost = true,
            },
        }
    }
    writer.flush();
    Decoded {
        text: writer.out,
        doubtful: writer.lost,
    }
}

/// True when ASCII bytes hold a run of HZ: opened, pairs of characters, closed in the same line.
pub(crate) fn looks_like_hz(bytes: &[u8]) -> bool {
    bytes.split(|b| *b == b'\n').any(|line| {
        let Some(open) = line.windows(2).position(|w| w == b"~{") else {
            return false;
        };
        let rest = line.get(open + 2..).unwrap_or_default();
        let close = rest.windows(2).position(|w| w == b"~}");
        close.is_some_and(|c| c >= 2 && c.is_multiple_of(2))
    })
}

/// HZ (RFC 1843): `~{` … `~}` around seven-bit GB2312.
pub(crate) fn hz(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len());
    let mut chinese = false;
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (*first, tail.first()) {
            (b'~', Some(b'{')) => (chinese, rest) = (true, tail.get(1..).unwrap_or_default()),
            (b'~', Some(b'}')) => (chinese, rest) = (false, tail.get(1..).unwrap_or_default()),
            (b'~', Some(b'~')) if !chinese => {
                out.push(b'~');
                rest = tail.get(1..).unwrap_or_default();
            }
            (b'~', Some(b'\n')) if !chinese => rest = tail.get(1..).unwrap_or_default(),
            (b'\n', _) => {
                chinese = false;
                out.push(b'\n');
            }
            (byte @ 0x21..=0x7e, _) if chinese => out.push(byte | 0x80),
            (byte, _) => out.push(byte),
        }
    }
    GB18030.decode_without_bom_handling(&out).0.into_owned()
}

/// UTF-7 (RFC 2152).
pub(crate) fn utf_7(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(begin) = rest.iter().position(|b| *b == b'+') {
        let (plain, coded) = rest.split_at_checked(begin).unwrap_or((rest, &[]));
        out.extend(plain.iter().map(|b| char::from(*b)));
        // A `+` inside the letters of base 64 is one of them.
        let coded = coded.get(1..).unwrap_or_default();
        let end = coded
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')))
            .unwrap_or(coded.len());
        let (coded, after) = coded.split_at_checked(end).unwrap_or((coded, &[]));
        if coded.is_empty() {
            out.push('+');
        } else {
            let decoded = crate::transfer::base64(coded);
            let units = decoded
                .chunks_exact(2)
                .map(|c| c.iter().fold(0u16, |unit, b| unit << 8 | u16::from(*b)));
            out.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
        }
        rest = after.strip_prefix(b"-").unwrap_or(after);
    }
    out.extend(rest.iter().map(|b| char::from(*b)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> String {
        iso_2022(bytes, "", &|run| String::from_utf8_lossy(run).into_owned()).text
    }

    #[test]
    fn two_sequences_in_a_row_and_a_missing_return_to_ascii_are_no_errors() {
        assert_eq!(read(b"\x1b$B4k\x1b(B\x1b$B6H\x1b(B"), "企業");
        assert_eq!(read(b"\x1b$B4k6H\nnext"), "企業\nnext");
        assert_eq!(read(b"\x1b$B4k6"), "企");
    }

    #[test]
    fn half_width_katakana_come_by_escape_and_by_shift_out() {
        assert_eq!(read(b"\x1b(I6E6E\x1b(B"), "ｶﾅｶﾅ");
        assert_eq!(read(b"\x1b)I\x0e6E\x0f!"), "ｶﾅ!");
    }

    #[test]
    fn the_supplementary_set_and_utf_8_between_sequences_are_read() {
        assert_eq!(read(b"\x1b$(D0!\x1b(B"), "丂");
        assert_eq!(read("é \u{1b}$B4k\u{1b}(B".as_bytes()), "é 企");
    }

    #[test]
    fn a_plus_inside_base_64_begins_nothing_new() {
        assert_eq!(utf_7(b"+/3b/gP92/4UwAjCI-!"), "ｶﾀｶﾅ。よ!");
        assert_eq!(utf_7(b"1 +- 1 +"), "1 + 1 +");
    }

    #[test]
    fn korean_and_chinese_relatives_are_read() {
        assert_eq!(read(b"\x1b$)C\x0eGQ1[\x0f ok"), "한글 ok");
        assert_eq!(hz(b"~{VPND~} ~~ok"), "中文 ~ok");
    }
}
