//! Text as people mean it: one normal form to compare and search in, and cuts that never split what a reader sees as one sign.

use std::collections::HashMap;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// Pairs of Han forms, `from` then `to`: simplified and traditional forms to the one used in Japan, where it has one.
/// Derived from the character tables of OpenCC (Apache-2.0).
static HAN_FORMS: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    include_str!("han_forms.txt")
        .split_whitespace()
        .filter_map(|pair| {
            let mut chars = pair.chars();
            Some((chars.next()?, chars.next()?))
        })
        .collect()
});

/// The form texts are compared in: NFKC, lower case, white space runs as one space, typographic quotes and dashes plain,
/// invisible signs gone. Keeps the words as written otherwise.
pub fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    for c in text.nfkc().flat_map(char::to_lowercase) {
        let c = match c {
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'
            | '\u{feff}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ad}' => continue,
            '‘' | '’' | '´' | '`' => '\'',
            '“' | '”' => '"',
            '‐' | '‑' | '‒' | '–' | '—' | '−' => '-',
            c if c.is_whitespace() || c.is_control() => {
                space = true;
                continue;
            }
            c => c,
        };
        if space && !out.is_empty() {
            out.push(' ');
        }
        space = false;
        out.push(c);
    }
    // Lower-casing can decompose (İ); the composed form is the one compared.
    out.nfc().collect()
}

/// True for Han characters.
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{f900}'..='\u{faff}' | '々' | '〆')
}

/// True for hiragana.
pub fn is_hiragana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{309f}')
}

/// True for katakana, the long vowel mark included.
pub fn is_katakana(c: char) -> bool {
    matches!(c, '\u{30a1}'..='\u{30ff}')
}

/// The Han form used in Japan for a simplified or traditional one; other characters as they are.
pub fn fold_han(c: char) -> char {
    HAN_FORMS.get(&c).copied().unwrap_or(c)
}

/// Verb endings between or after kanji that people write or leave out: 問い合わせ, 問合わせ, 問合せ, 手続き, 手続.
const OKURIGANA: &[char] = &[
    'い', 'き', 'し', 'ち', 'り', 'み', 'び', 'ぎ', 'け', 'せ', 'め', 'れ', 'げ', 'べ', 'え', 'わ',
];
/// The particles and copulas after which a noun ends.
const AFTER_NOUN: &[char] = &[
    'の', 'は', 'が', 'を', 'に', 'で', 'と', 'も', 'へ', 'や', 'か',
];

/// The form Japanese and Chinese texts are searched in, from a normalised text: Han forms folded, the long vowel mark at the end of
/// a word dropped (サーバー = サーバ), endings that are written or not dropped (問い合わせ = 問合せ, 手続き = 手続).
pub fn fold_for_search(normalised: &str) -> String {
    let chars: Vec<char> = normalised.chars().map(fold_han).collect();
    let at = |i: usize| chars.get(i).copied();
    let mut out = String::with_capacity(normalised.len());
    let mut i = 0;
    while let Some(c) = at(i) {
        let before = i.checked_sub(1).and_then(at);
        let after = at(i + 1);
        if c == 'ー' || c == '~' {
            let word_before =
                i >= 2 && before.is_some_and(is_katakana) && at(i - 2).is_some_and(is_katakana);
            if word_before && !after.is_some_and(is_katakana) {
                i += 1;
                continue;
            }
            if c == '~' {
                out.push(c);
                i += 1;
                continue;
            }
        }
        if OKURIGANA.contains(&c) && before.is_some_and(is_han) {
            let ends = |next: Option<char>| match next {
                None => true,
                Some(n) => is_han(n) || !is_hiragana(n) || AFTER_NOUN.contains(&n),
            };
            if c == 'わ' {
                if matches!(after, Some('せ')) && ends(at(i + 2)) {
                    i += 2;
                    continue;
                }
            } else if ends(after) && !matches!((c, after), ('し', Some('て' | 'た'))) {
                i += 1;
                continue;
            }
        }
        out.push(c);
        i += 1;
    }
    out
}

/// Letters without their marks, `đ` as `d`: how Vietnamese is typed where the marks are missing.
pub fn fold_marks(text: &str) -> String {
    text.nfd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
        .map(|c| match c {
            'đ' => 'd',
            'Đ' => 'D',
            c => c,
        })
        .collect()
}

/// At most `max` signs as a reader counts them; `…` in place of the last one when something was cut off.
pub fn cut(text: &str, max: usize) -> String {
    if text.graphemes(true).nth(max).is_none() {
        return text.to_owned();
    }
    let mut out: String = text.graphemes(true).take(max.saturating_sub(1)).collect();
    out.push('…');
    out
}

/// The sentences of a text, by line ends and by the full stops of the four languages; white space around them is gone.
pub fn sentences(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut previous = ' ';
    for (i, c) in text.char_indices() {
        let ends = match c {
            '\n' | '。' | '!' | '?' | '！' | '？' => true,
            // A full stop ends a sentence only before white space: "3.5", "desk.example.jp".
            c if c.is_whitespace() => previous == '.',
            _ => false,
        };
        if ends {
            let end = i + c.len_utf8();
            if let Some(s) = text
                .get(start..end)
                .map(str::trim)
                .filter(|s| !s.is_empty())
            {
                out.push(s);
            }
            start = end;
        }
        previous = c;
    }
    if let Some(s) = text.get(start..).map(str::trim).filter(|s| !s.is_empty()) {
        out.push(s);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_width_kana_full_width_letters_and_invisible_signs_become_plain() {
        assert_eq!(
            normalise("ﾀﾞｳﾝﾛｰﾄﾞ　ＧビズＩＤ\u{200b}"),
            "ダウンロード gビズid"
        );
    }

    #[test]
    fn spelling_variants_of_one_word_are_equal_when_searched() {
        let f = |s: &str| fold_for_search(&normalise(s));
        assert_eq!(f("問い合わせ先"), f("問合せ先"));
        assert_eq!(f("問合わせ先"), f("問合せ先"));
        assert_eq!(f("手続きの方法"), f("手続の方法"));
        assert_eq!(f("サーバー"), f("サーバ"));
        assert_eq!(f("签证"), f("簽證"));
        assert_eq!(f("経営"), f("經營"));
        assert_eq!(f("经营"), f("経営"));
    }

    #[test]
    fn particles_between_kanji_stay() {
        assert_eq!(fold_for_search("申請の変更を行った"), "申請の変更を行った");
    }

    #[test]
    fn a_cut_never_splits_a_family_emoji() {
        assert_eq!(cut("👨‍👩‍👧あい", 2), "👨‍👩‍👧…");
        assert_eq!(cut("あい", 2), "あい");
    }

    #[test]
    fn sentences_end_where_people_end_them() {
        assert_eq!(
            sentences("お世話になります。変更できますか？\nVersion 3.5 is out. Yes"),
            [
                "お世話になります。",
                "変更できますか？",
                "Version 3.5 is out.",
                "Yes"
            ]
        );
    }

    #[test]
    fn vietnamese_marks_fold_to_plain_letters() {
        assert_eq!(fold_marks("bảo lãnh đăng ký"), "bao lanh dang ky");
    }
}
