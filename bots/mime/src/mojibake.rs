//! UTF-8 that somebody read as windows-1252 and encoded once more: `å¤‰æ›´` was `変更`. Undone only where no doubt is left.

use encoding_rs::WINDOWS_1252;

/// So many characters must have been harmed alike before it counts as proof.
const PROOF: usize = 3;

/// The text as it was meant; `None` when it is as it should be, or not certainly harmed.
pub(crate) fn undone(text: &str) -> Option<String> {
    // Any harmed text has one of these first bytes of UTF-8, read as a letter; whole texts in other scripts are left at once.
    let suspicious = text
        .chars()
        .filter(|c| matches!(c, '\u{c3}'..='\u{c6}' | '\u{e1}'..='\u{e9}' | '\u{ef}' | '\u{f0}'))
        .take(PROOF)
        .count();
    if suspicious < PROOF {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        bytes.push(byte_of(c)?);
    }
    let text = String::from_utf8(bytes).ok()?;
    let restored = text.chars().filter(|c| !c.is_ascii());
    // Every character beyond ASCII was harmed, and what comes out is writing, not signs and control characters.
    let (mut all, mut letters) = (0, 0);
    for c in restored {
        all += 1;
        letters += usize::from(c.is_alphanumeric() || ('\u{3000}'..'\u{3100}').contains(&c));
        if matches!(c, '\u{80}'..='\u{9f}') {
            return None;
        }
    }
    (all >= PROOF && letters * 2 > all).then_some(text)
}

/// The byte windows-1252, or ISO 8859-1 where that was meant in truth, has for a character.
fn byte_of(c: char) -> Option<u8> {
    match u8::try_from(u32::from(c)) {
        Ok(byte) => Some(byte),
        Err(_) => {
            let mut buffer = [0; 4];
            let (encoded, _, lost) = WINDOWS_1252.encode(c.encode_utf8(&mut buffer));
            match encoded.as_ref() {
                [byte] if !lost => Some(*byte),
                _ => None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn harmed(text: &str) -> String {
        text.bytes()
            .map(|b| {
                WINDOWS_1252
                    .decode_without_bom_handling(&[b])
                    .0
                    .into_owned()
            })
            .collect()
    }

    #[test]
    fn twice_encoded_text_is_restored() {
        for text in [
            "変更申請について",
            "Thủ tục đăng ký hồ sơ mới",
            "手续材料 (2026)",
        ] {
            assert_eq!(undone(&harmed(text)).as_deref(), Some(text));
        }
    }

    #[test]
    fn text_in_order_or_in_doubt_stays() {
        for text in [
            "変更申請",
            "Thủ tục đăng ký",
            "Übergrößenträger äöü ÄÖÜ éèê",
            "Ã© once",
            "plain",
            "変更 å¤‰æ›´ å¤‰æ›´",
        ] {
            assert_eq!(undone(text), None, "{text}");
        }
    }
}
