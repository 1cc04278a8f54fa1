//! File names that are safe to show and to save, and names for parts that have none.

/// Names longer than this many characters are cut; their ending is kept.
const LONGEST: usize = 200;

/// A name without the folders of the sender's machine, control characters and marks that turn the direction of writing.
/// `None` when nothing is left.
pub(crate) fn cleaned(name: &str) -> Option<String> {
    let name: String = name
        .chars()
        .filter(|c| !c.is_control() && !turns(*c))
        .collect();
    let name = name.trim();
    let drive = matches!(name.as_bytes(), [d, b':', b'\\' | b'/', ..] if d.is_ascii_alphabetic());
    let path =
        drive || name.starts_with(['/', '\\']) || name.starts_with("..") || name.starts_with("./");
    let name = if path {
        name.rsplit(['/', '\\'])
            .next()
            .unwrap_or_default()
            .to_owned()
    } else {
        // A sign between words ("見積/請求.pdf") is no path, but it must not become one.
        name.replace(['/', '\\'], "_")
    };
    let name = name.trim();
    if name.is_empty() || name.chars().all(|c| c == '.') {
        return None;
    }
    if name.chars().count() <= LONGEST {
        return Some(name.to_owned());
    }
    let ending = name
        .rsplit_once('.')
        .map(|(_, e)| format!(".{e}"))
        .filter(|e| e.chars().count() <= 12)
        .unwrap_or_default();
    let kept: String = name
        .chars()
        .take(LONGEST - ending.chars().count())
        .collect();
    Some(kept + &ending)
}

/// A name for a part that has none, from words about it.
pub(crate) fn made(words: &str, ending: &str) -> String {
    let words: String = words.chars().take(80).collect();
    match cleaned(&words.replace(['/', '\\', ':', '*', '?', '"', '<', '>', '|'], "_")) {
        Some(words) => format!("{words}.{ending}"),
        None => format!("message.{ending}"),
    }
}

/// Marks that make `exe.fdp` read as `pdf.exe` (Unicode 9, bidirectional controls), and the byte order mark.
fn turns(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_folders_controls_and_turning_marks() {
        for (given, wanted) in [
            ("C:\\Users\\x\\計画.pdf", Some("計画.pdf")),
            ("/tmp/a.txt", Some("a.txt")),
            ("../../etc/passwd", Some("passwd")),
            ("見積/請求.pdf", Some("見積_請求.pdf")),
            ("a\r\n\0b.txt", Some("ab.txt")),
            ("invoice\u{202e}fdp.exe", Some("invoicefdp.exe")),
            ("..", None),
            (" \t", None),
        ] {
            assert_eq!(cleaned(given).as_deref(), wanted, "{given:?}");
        }
        let long = cleaned(&format!("{}.pdf", "あ".repeat(500))).unwrap();
        assert_eq!(long.chars().count(), LONGEST);
        assert!(long.ends_with(".pdf"));
        assert_eq!(made("Re: 質問?", "eml"), "Re_ 質問_.eml");
        assert_eq!(made("", "eml"), "message.eml");
    }
}
