//! Bytes → text: the one decoder for bodies, subjects, names and file names.
//!
//! Labels lie, are missing or unknown. The order of belief: escape sequences of ISO-2022 (they pass as ASCII, and as UTF-8, so they
//! come first), valid UTF-8 with anything beyond ASCII, the label where its decoding has no error, then a statistical guess.
//! GB2312 is read as GB18030, Shift_JIS as Microsoft's variant, Latin-1 as windows-1252 (what senders mean by these names).

use crate::mojibake;
use crate::seven_bit;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE,
    WINDOWS_1252, WINDOWS_1258,
};
use unicode_normalization::UnicodeNormalization;

/// What is known from elsewhere in the message when bytes carry no label.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hints {
    /// The charset another part of the same message declares.
    pub(crate) encoding: Option<&'static Encoding>,
}

/// Text and what was odd about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// The text; U+FFFD stands for bytes nothing could be made of.
    pub(crate) text: String,
    /// True when the label was wrong, unknown or missing, or bytes were lost.
    pub(crate) doubtful: bool,
}

impl Decoded {
    fn sure(text: String) -> Self {
        Self {
            text,
            doubtful: false,
        }
    }
    fn doubtful(text: String) -> Self {
        Self {
            text,
            doubtful: true,
        }
    }
}

/// Decodes `bytes`, which claim to be in the charset `label`.
pub(crate) fn decode(bytes: &[u8], label: Option<&str>, hints: Hints) -> Decoded {
    let label = label.map(cleaned).filter(|l| !l.is_empty());
    if let Some(label) = label.as_deref() {
        if let Some(found) = wide(bytes, label) {
            return found;
        }
        match label {
            "utf-7" | "unicode-1-1-utf-7" | "utf7" | "x-unicode-2-0-utf-7" if bytes.is_ascii() => {
                return Decoded::sure(seven_bit::utf_7(bytes));
            }
            "hz-gb-2312" | "hz" | "hz-gb2312" if bytes.is_ascii() => {
                return Decoded::sure(seven_bit::hz(bytes));
            }
            // Shift-out alone, without the sequence that says to what: the label does.
            _ if label.starts_with("iso-2022-") && bytes.contains(&0x0e) => {
                return seven_bit::iso_2022(bytes, label, &|run| unlabelled(run, hints).text);
            }
            _ => {}
        }
        if label.starts_with("gb") && bytes.is_ascii() && seven_bit::looks_like_hz(bytes) {
            return Decoded::doubtful(seven_bit::hz(bytes));
        }
    }
    if seven_bit::has_escapes(bytes) {
        let eight_bit = bytes.iter().filter(|b| **b >= 0x80).count();
        // Escape characters inside text that is plainly UTF-8 are stray.
        if eight_bit == 0 || std::str::from_utf8(bytes).is_err() {
            let label = label.as_deref().unwrap_or_default();
            return seven_bit::iso_2022(bytes, label, &|run| unlabelled(run, hints).text);
        }
    }
    if bytes.is_ascii() {
        return Decoded::sure(as_ascii(bytes));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let decoded = match label.as_deref() {
        None => unlabelled(bytes, hints),
        Some(label) => match encoding(label) {
            Some(encoding) => labelled(bytes, encoding, hints),
            None => Decoded::doubtful(
                foreign(bytes, label).unwrap_or_else(|| unlabelled(bytes, hints).text),
            ),
        },
    };
    match mojibake::undone(&decoded.text) {
        Some(text) => Decoded::doubtful(text),
        None => decoded,
    }
}

/// The encoding a label means, with the names that exist outside the web's list too.
pub(crate) fn encoding(label: &str) -> Option<&'static Encoding> {
    let label = cleaned(label);
    Encoding::for_label_no_replacement(label.as_bytes()).or_else(|| {
        let bare: String = label.chars().filter(char::is_ascii_alphanumeric).collect();
        Some(match bare.as_str() {
            "cp932" | "sjis" | "shiftjis" | "mskanji" | "xmscp932" | "shiftjisx0213"
            | "sjiswin" | "windows932" => SHIFT_JIS,
            "eucjp" | "eucjpms" | "eucjpwin" | "cp51932" | "ujis" | "eucjisx0213" => EUC_JP,
            "cp936" | "ms936" | "gb2312" | "euccn" | "gb231280" | "windows936" | "xgbk" => GBK,
            "gb18030" | "cp54936" | "gb180302000" => GB18030,
            "cp950" | "big5eten" | "big5hkscs" | "ms950" | "windows950" => BIG5,
            "cp949" | "ms949" | "uhc" | "euckr" | "xwindows949" | "ksc5601" | "ksc56011987" => {
                EUC_KR
            }
            "utf8" | "utf8mb4" | "unicode" | "utf8n" => UTF_8,
            "latin1" | "usascii" | "ascii" | "iso646us" | "ansi" => WINDOWS_1252,
            "cp1258" | "tcvn" => WINDOWS_1258,
            "iso88598i" | "iso88598e" | "cp1255" => encoding_rs::WINDOWS_1255,
            "cp874" | "tis620" => encoding_rs::WINDOWS_874,
            _ => return None,
        })
    })
}

/// A label without quotes, blanks, and the language RFC 2231 lets follow a star.
fn cleaned(label: &str) -> String {
    let label = label.split('*').next().unwrap_or_default();
    let label = label.trim_start_matches([' ', '"', '\'', ';', '=']);
    let label = label.split(';').next().unwrap_or_default();
    label
        .trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '='))
        .to_ascii_lowercase()
}

/// ASCII as text; NUL and other bytes are dealt with by the caller.
fn as_ascii(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// UTF-16 and UTF-32, whose bytes look like nothing else.
fn wide(bytes: &[u8], label: &str) -> Option<Decoded> {
    if label.starts_with("utf-32") || label.starts_with("utf32") {
        let little = label.ends_with("le") || bytes.starts_with(&[0xff, 0xfe]);
        let text = bytes.chunks_exact(4).filter_map(|c| {
            let c: [u8; 4] = c.try_into().ok()?;
            let value = if little {
                u32::from_le_bytes(c)
            } else {
                u32::from_be_bytes(c)
            };
            Some(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER))
        });
        return Some(Decoded::sure(text.filter(|c| *c != '\u{feff}').collect()));
    }
    if !(label.starts_with("utf-16")
        || label.starts_with("utf16")
        || label == "unicode"
        || label.starts_with("ucs-2"))
    {
        return None;
    }
    let marked = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let zeros = |offset: usize| {
        bytes
            .iter()
            .skip(offset)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    if !marked && even + odd == 0 && std::str::from_utf8(bytes).is_ok() {
        return None;
    }
    let encoding = if label.ends_with("le") || odd > even {
        UTF_16LE
    } else {
        UTF_16BE
    };
    let (text, _, errors) = encoding.decode(bytes);
    Some(Decoded {
        text: text.into_owned(),
        doubtful: errors,
    })
}

/// Labels only mail-parser's tables know (DOS code pages).
fn foreign(bytes: &[u8], label: &str) -> Option<String> {
    let bare = ["cp", "ibm", "dos", "pc", "windows"]
        .iter()
        .find_map(|maker| label.strip_prefix(maker))
        .map(|number| number.trim_start_matches(['-', '_', ' ', '0']));
    mail_parser::decoders::charsets::map::charset_decoder(label.as_bytes())
        .or_else(|| mail_parser::decoders::charsets::map::charset_decoder(bare?.as_bytes()))
        .map(|decode| decode(bytes))
}

fn labelled(bytes: &[u8], encoding: &'static Encoding, hints: Hints) -> Decoded {
    let utf_8 = std::str::from_utf8(bytes).ok();
    if encoding == UTF_8 {
        return match utf_8 {
            Some(text) => Decoded::sure(text.to_owned()),
            None => unlabelled(bytes, hints),
        };
    }
    let (text, errors) = run(bytes, encoding);
    if let Some(utf_8) = utf_8 {
        // Valid UTF-8 beyond ASCII is hardly ever anything else where a byte is a character; where two bytes are, only when
        // the label fails, or when there are whole runs of three-byte characters and nothing shorter.
        let long = utf_8.chars().filter(|c| c.len_utf8() >= 3).count();
        let short = utf_8.chars().filter(|c| c.len_utf8() == 2).count();
        if encoding.is_single_byte() || errors > 0 || (long >= 2 && short == 0) {
            return Decoded::doubtful(utf_8.to_owned());
        }
    }
    if errors == 0 {
        if encoding == SHIFT_JIS && half_width_rubbish(&text) {
            let (other, wrong) = run(bytes, EUC_JP);
            if wrong == 0 {
                return Decoded::doubtful(other);
            }
        }
        return Decoded::sure(text);
    }
    let other = unlabelled(bytes, hints);
    let lost = |t: &str| {
        t.chars()
            .filter(|c| *c == char::REPLACEMENT_CHARACTER)
            .count()
    };
    if lost(&other.text) < errors {
        Decoded::doubtful(other.text)
    } else {
        Decoded::doubtful(text)
    }
}

/// EUC-JP read as Shift_JIS turns into rows of half-width katakana.
fn half_width_rubbish(text: &str) -> bool {
    let beyond = text.chars().filter(|c| !c.is_ascii()).count();
    let half = text
        .chars()
        .filter(|c| ('\u{ff61}'..='\u{ff9f}').contains(c))
        .count();
    half >= 4 && half * 3 > beyond
}

/// Decodes with one encoding; returns how many characters were lost.
fn run(bytes: &[u8], encoding: &'static Encoding) -> (String, usize) {
    let encoding = if encoding == GBK { GB18030 } else { encoding };
    let (text, errors) = encoding.decode_without_bom_handling(bytes);
    let lost = if errors {
        text.chars()
            .filter(|c| *c == char::REPLACEMENT_CHARACTER)
            .count()
            .max(1)
    } else {
        0
    };
    // Vietnamese tone marks are characters of their own there; everything else of the desk is composed.
    if encoding == WINDOWS_1258 {
        (text.nfc().collect(), lost)
    } else {
        (text.into_owned(), lost)
    }
}

/// Bytes nobody named, or named wrongly.
fn unlabelled(bytes: &[u8], hints: Hints) -> Decoded {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Decoded::sure(text.to_owned());
    }
    let lossy = String::from_utf8_lossy(bytes);
    let lost = lossy
        .chars()
        .filter(|c| *c == char::REPLACEMENT_CHARACTER)
        .count();
    let good = lossy
        .chars()
        .filter(|c| !c.is_ascii() && *c != char::REPLACEMENT_CHARACTER)
        .count();
    if good >= lost * 4 {
        // UTF-8 that was cut, or has a few foreign bytes in it. A character cut at the very end just goes.
        let mut text = lossy.into_owned();
        if lost == 1 && text.ends_with(char::REPLACEMENT_CHARACTER) {
            text.pop();
        }
        return Decoded::doubtful(text);
    }
    if let Some(hinted) = hints
        .encoding
        .filter(|e| *e != UTF_8 && !e.is_single_byte())
    {
        let (text, errors) = run(bytes, hinted);
        if errors == 0 {
            return Decoded::doubtful(text);
        }
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let mut best = run(bytes, detector.guess(None, Utf8Detection::Deny));
    if best.0.chars().all(|c| c < '\u{3000}') {
        // Too short to tell. The desk is Japanese: where the bytes give kana, they are the likeliest reading.
        let japanese = run(bytes, detector.guess(Some(b"jp"), Utf8Detection::Deny));
        if japanese.1 == 0
            && japanese
                .0
                .chars()
                .any(|c| ('\u{3041}'..='\u{30fe}').contains(&c))
        {
            best = japanese;
        }
    }
    for encoding in [SHIFT_JIS, EUC_JP, GB18030, BIG5, EUC_KR, WINDOWS_1252] {
        if best.1 == 0 {
            break;
        }
        let other = run(bytes, encoding);
        if other.1 < best.1 {
            best = other;
        }
    }
    Decoded::doubtful(best.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8], label: Option<&str>) -> String {
        decode(bytes, label, Hints::default()).text
    }

    #[test]
    fn escape_sequences_are_seen_before_utf_8_whatever_the_label_says() {
        let jis = b"\x1b$B4k6H\x1b(B 2026";
        for label in [
            None,
            Some("utf-8"),
            Some("us-ascii"),
            Some("iso-8859-1"),
            Some("ISO-2022-JP"),
            Some("shift_jis"),
        ] {
            assert_eq!(text(jis, label), "企業 2026", "{label:?}");
        }
    }

    #[test]
    fn microsofts_extensions_of_japanese_charsets_are_read() {
        assert_eq!(
            text(b"\x87\x40\x87\x8a\xfb\xfc\xee\xe0\xb1", Some("Shift_JIS")),
            "①㈱髙髙ｱ"
        );
        assert_eq!(
            text(b"\xad\xa1\xad\xea\xfc\xe2\x8e\xb1", Some("euc-jp")),
            "①㈱髙ｱ"
        );
        assert_eq!(
            text(b"\x1b$B-!-j|b\x1b(I1\x1b(B", Some("iso-2022-jp")),
            "①㈱髙ｱ"
        );
    }

    #[test]
    fn gb2312_labels_hold_gb18030_and_latin_1_labels_windows_1252() {
        assert_eq!(
            text(b"\xe9F", Some("gb2312")),
            "镕".replace('镕', &GB18030.decode(b"\xe9F").0)
        );
        assert_eq!(text(&GB18030.encode("€镕").0, Some("gb2312")), "€镕");
        assert_eq!(text(b"\x93x\x94", Some("iso-8859-1")), "“x”");
    }

    #[test]
    fn utf_8_under_a_wrong_label_is_recognised() {
        for label in [
            "iso-8859-1",
            "us-ascii",
            "windows-1252",
            "shift_jis",
            "gb2312",
            "x-unknown",
        ] {
            assert_eq!(
                text("変更申請の手続".as_bytes(), Some(label)),
                "変更申請の手続",
                "{label}"
            );
        }
        assert_eq!(text("Đà Nẵng".as_bytes(), Some("iso-8859-1")), "Đà Nẵng");
    }

    #[test]
    fn bytes_without_a_label_are_recognised() {
        let ja = "お問い合わせの件について、ご回答をお願いいたします。";
        assert_eq!(text(&SHIFT_JIS.encode(ja).0, None), ja);
        assert_eq!(text(&EUC_JP.encode(ja).0, None), ja);
        assert_eq!(text(&EUC_JP.encode(ja).0, Some("shift_jis")), ja);
        assert_eq!(text(&SHIFT_JIS.encode(ja).0, Some("utf-8")), ja);
        let zh = "请问医疗签证需要哪些材料？我们的医院在上海，希望尽快得到答复。";
        assert_eq!(text(&GB18030.encode(zh).0, None), zh);
        let ko = "안녕하세요. 비자 신청에 대해 문의드립니다.";
        assert_eq!(text(&EUC_KR.encode(ko).0, None), ko);
    }

    #[test]
    fn a_character_cut_at_the_end_of_utf_8_costs_only_itself() {
        let bytes = "変更申請の手続について".as_bytes();
        let cut = bytes.get(..bytes.len() - 1).unwrap();
        assert_eq!(text(cut, Some("utf-8")), "変更申請の手続につい");
    }

    #[test]
    fn vietnamese_code_page_gives_composed_letters() {
        assert_eq!(
            text(&[b'V', b'i', 0xea, 0xf2, b't'], Some("windows-1258")),
            "Việt"
        );
    }

    #[test]
    fn utf_16_and_utf_7_and_dos_pages_are_read() {
        let wide: Vec<u8> = "申請".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(text(&wide, Some("utf-16")), "申請");
        assert_eq!(text(b"Hi Mom -+Jjo--+AOk-!", Some("utf-7")), "Hi Mom -☺-é!");
        assert_eq!(text(b"\x82", Some("cp850")), "é");
    }

    #[test]
    fn labels_are_understood_however_they_are_written() {
        for (bytes, label, wanted) in [
            (&b"\x82"[..], "cp-850", "é"),
            (b"\x82", "IBM850", "é"),
            (b"\x8a\xe9", "\"x-sjis\"", "企"),
            (b"\x8a\xe9", " MS_Kanji ", "企"),
            (b"\x8a\xe9", "Shift_JIS; format=flowed", "企"),
            ("企業".as_bytes(), "'utf8'", "企業"),
            (b"\xf9\xec", "iso-8859-8-i", "של"),
            (b"~{VPND~}", "gb2312", "中文"),
            (b"\x0e6E6E\x0f!", "iso-2022-jp", "ｶﾅｶﾅ!"),
            (b"\x0eGQ1[\x0f!", "iso-2022-kr", "한글!"),
            (b"+W,A-", "x-unknown", "+W,A-"),
            (b"\x90\x30\x81\x30", "gb18030", "\u{10000}"),
            (b"\x88\x62\x87\x40", "big5-hkscs", "Ê̄䏰"),
            (b"\xc8\xa3\x81\x41", "ks_c_5601-1987", "호갂"),
        ] {
            assert_eq!(text(bytes, Some(label)), wanted, "{label}");
        }
    }
}
