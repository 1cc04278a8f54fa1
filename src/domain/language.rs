//! The languages the desk speaks, and how it tells which one a message is in.

use crate::domain::text;
use crate::domain::ticket::closed_set;
use std::collections::HashSet;
use std::sync::LazyLock;

closed_set!(
    /// A language the desk answers in; the names are BCP 47 tags (`zh` means Simplified Chinese).
    Lang {
        /// Japanese.
        Ja = "ja",
        /// English.
        En = "en",
        /// Simplified Chinese.
        Zh = "zh",
        /// Vietnamese.
        Vi = "vi",
    }
);

impl Lang {
    /// Reads a tag with region or script (`zh-CN`, `ja-Hira`, `EN_us`); `None` for languages the desk does not speak.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let head = tag.split(['-', '_']).next().unwrap_or_default();
        Self::parse(&head.to_ascii_lowercase())
    }
}

/// A language and why it was taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recognised {
    /// The language.
    pub lang: Lang,
    /// Short stable reason (`kana`, `simplified-forms`, `conversation`, …).
    pub reason: &'static str,
}

/// Han forms used in mainland China only.
static SIMPLIFIED: LazyLock<HashSet<char>> = LazyLock::new(|| {
    include_str!("han_simplified_only.txt")
        .chars()
        .filter(|c| text::is_han(*c))
        .collect()
});
/// Han forms used in Japan only.
static JAPANESE: LazyLock<HashSet<char>> = LazyLock::new(|| {
    include_str!("han_japanese_only.txt")
        .chars()
        .filter(|c| text::is_han(*c))
        .collect()
});
/// Words of spoken Chinese that Japanese text does not contain.
const CHINESE_WORDS: &[char] = &[
    '吗', '嗎', '呢', '吧', '啊', '你', '您', '哪', '怎', '甚', '谁', '誰', '我', '是', '很', '嘛',
    '她', '他', '没', '沒', '給', '給',
];
/// Of those, the ones Japanese uses too now and then: they count only where no Japanese form stands.
const WEAK_CHINESE_WORDS: &[char] = &['誰', '我', '是', '他', '給', '甚'];
/// Words written with characters both languages have, but that only Chinese puts together.
const CHINESE_PHRASES: &[&str] = &[
    "可以", "多少", "不行", "会不", "知道", "不知", "表格", "附件", "提交", "要等", "几号", "几天",
    "怎", "什", "了，", "一下", "如何", "能否", "是否",
];
/// Letters that of the four languages only Vietnamese has.
const VIETNAMESE_LETTERS: &str = "ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉĩịọỏốồổỗộớờởỡợụủũứừửữựỳỵỷỹ";
/// Common Vietnamese syllables as they are typed without marks and that are no English words.
const VIETNAMESE_SYLLABLES: &[&str] = &[
    "khong", "nhu", "nao", "toi", "duoc", "nhieu", "phai", "lam", "muon", "hoi", "nguoi", "benh",
    "vien", "giay", "nop", "dang", "ky", "thoi", "gian", "cua", "cac", "nhung", "voi", "bang",
    "chung", "xin", "vui", "long", "giup", "biet", "gui", "khi", "neu", "thi", "sao", "tai", "mot",
    "va", "lieu", "luong", "phi", "tien", "chua", "kham", "bac", "si", "nhat", "ban", "viet",
    "quoc", "te", "dich", "vu", "bao", "lanh", "cao", "thang", "ngay", "nam", "gio", "bieu", "mau",
    "thu", "tuc", "thay", "doi", "dia", "chi", "dien", "thoai", "truoc", "sau", "hay", "cung",
    "viec", "qua", "den", "tu", "trong", "ngoai", "dau", "lau", "mat", "bi", "het", "han", "sai",
    "thieu", "them", "cho", "co", "gi", "dang", "nhap", "khau", "tra", "loi", "duong", "con",
];
/// Syllables of that list that English or pinyin text may hold as well.
const AMBIGUOUS_SYLLABLES: &[&str] = &[
    "long", "ban", "va", "te", "si", "han", "den", "bi", "co", "gi", "con", "hay", "sau", "sai",
    "tu", "vu", "chi", "nam", "loi", "bang", "dang",
];

/// Tells the language of a message: scripts first, then the conversation's last language, then statistics.
/// A text in none of the four is taken for English, and the reason says so (`other-script`, `other-language`, `no-words`).
pub fn recognise(raw: &str, conversation: Option<Lang>) -> Recognised {
    let is = |lang, reason| Recognised { lang, reason };
    // Half-width kana reads as other scripts before NFKC.
    let text = text::normalise(raw);
    let (mut kana, mut han, mut latin, mut other) = (0usize, 0usize, 0usize, 0usize);
    let (mut simplified, mut japanese, mut chinese, mut weak_chinese, mut viet) = (0, 0, 0, 0, 0);
    for c in text.chars() {
        if text::is_hiragana(c) || (text::is_katakana(c) && !matches!(c, '・' | 'ー')) {
            kana += 1;
        } else if text::is_han(c) {
            han += 1;
            if SIMPLIFIED.contains(&c) {
                simplified += 1;
            } else if WEAK_CHINESE_WORDS.contains(&c) {
                weak_chinese += 1;
            } else if CHINESE_WORDS.contains(&c) {
                chinese += 1;
            } else if JAPANESE.contains(&c) {
                japanese += 1;
            }
        } else if c.is_alphabetic() {
            if c <= '\u{24f}' || ('\u{1e00}'..='\u{1eff}').contains(&c) {
                latin += 1;
                if VIETNAMESE_LETTERS.contains(c) {
                    viet += 1;
                }
            } else {
                other += 1;
            }
        }
    }
    if kana + han + latin + other == 0 {
        return is(conversation.unwrap_or(Lang::En), "no-words");
    }
    if other > kana + han + latin {
        return is(Lang::En, "other-script");
    }
    // A company or product name in another script does not make the message: the larger share decides.
    let cjk = kana + han;
    if cjk * 3 >= latin {
        if kana > 0 && (simplified + chinese == 0 || kana * 4 >= han) {
            return is(Lang::Ja, "kana");
        }
        if simplified + chinese > 0 {
            return is(Lang::Zh, "chinese-forms");
        }
        if japanese > 0 {
            return is(Lang::Ja, "japanese-forms");
        }
        if weak_chinese > 0
            || raw.contains('，')
            || CHINESE_PHRASES.iter().any(|p| text.contains(p))
        {
            return is(Lang::Zh, "chinese-words");
        }
        return match conversation {
            Some(lang @ (Lang::Ja | Lang::Zh)) => is(lang, "conversation"),
            _ => is(Lang::Ja, "han-only"),
        };
    }
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphabetic())
        .filter(|w| !w.is_empty())
        .collect();
    if viet > 0 && viet * 25 >= latin {
        return is(Lang::Vi, "vietnamese-marks");
    }
    let bare: Vec<String> = words.iter().map(|w| text::fold_marks(w)).collect();
    let known = bare
        .iter()
        .filter(|w| VIETNAMESE_SYLLABLES.contains(&w.as_str()))
        .count();
    let sure = bare
        .iter()
        .filter(|w| {
            VIETNAMESE_SYLLABLES.contains(&w.as_str()) && !AMBIGUOUS_SYLLABLES.contains(&w.as_str())
        })
        .count();
    if sure >= 1 && known * 2 >= words.len() && (sure >= 2 || words.len() <= 3) {
        return is(Lang::Vi, "vietnamese-syllables");
    }
    let shaped = bare.iter().filter(|w| vietnamese_shape(w)).count();
    if sure >= 1 && known * 4 >= words.len() && words.len() >= 4 && shaped * 10 >= words.len() * 9 {
        return is(Lang::Vi, "vietnamese-syllables");
    }
    if words.len() < 4 {
        // Too short for statistics: what the conversation was in, as long as it is written in Latin letters.
        return match conversation {
            Some(Lang::Vi) => is(Lang::Vi, "conversation"),
            _ => is(Lang::En, "latin-letters"),
        };
    }
    // Over all languages: Spanish must not be taken for English without saying so.
    match whatlang::detect(&text) {
        Some(info) if info.lang() == whatlang::Lang::Vie => is(Lang::Vi, "statistics"),
        Some(info) if info.lang() != whatlang::Lang::Eng && info.is_reliable() => {
            is(Lang::En, "other-language")
        }
        _ => is(Lang::En, "latin-letters"),
    }
}

/// True for what could be a Vietnamese syllable: at most one group of consonants, vowels, one of eight endings.
fn vietnamese_shape(word: &str) -> bool {
    const STARTS: &[&str] = &[
        "ngh", "ng", "nh", "ph", "th", "tr", "ch", "kh", "gh", "gi", "qu", "b", "c", "d", "g", "h",
        "k", "l", "m", "n", "r", "s", "t", "v", "x", "",
    ];
    const ENDS: &[&str] = &["", "c", "ch", "m", "n", "ng", "nh", "p", "t"];
    STARTS
        .iter()
        .filter_map(|s| word.strip_prefix(s))
        .any(|rest| {
            let vowels = rest.chars().take_while(|c| "aeiouy".contains(*c)).count();
            (1..=3).contains(&vowels) && rest.get(vowels..).is_some_and(|end| ENDS.contains(&end))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lang(text: &str) -> Lang {
        recognise(text, None).lang
    }

    #[test]
    fn kanji_only_japanese_is_not_chinese() {
        for t in [
            "医療滞在",
            "事業計画",
            "経営力向上計画 変更 手続",
            "請求書 再発行",
            "身元保証機関登録",
            "振込期限",
        ] {
            assert_eq!(lang(t), Lang::Ja, "{t}");
        }
    }

    #[test]
    fn han_without_a_mark_follows_the_conversation() {
        assert_eq!(recognise("東京大学", Some(Lang::Zh)).lang, Lang::Zh);
        assert_eq!(recognise("東京大学", None).lang, Lang::Ja);
    }

    #[test]
    fn chinese_is_known_by_its_forms_and_words() {
        for t in [
            "怎么申请医疗签证",
            "你好",
            "想知道有多少人参加",
            "一个月以上，可以申请",
            "请问费用是多少",
            "需要哪些材料",
            "METI 的联系方式",
        ] {
            assert_eq!(lang(t), Lang::Zh, "{t}");
        }
    }

    #[test]
    fn vietnamese_is_known_with_and_without_marks() {
        for t in [
            "Tôi muốn hỏi về thị thực y tế",
            "toi muon hoi ve thi thuc y te",
            "nop bao cao thang nhu the nao",
            "chi phi bao nhieu",
            "truoc khi len may bay can lo nhung gi",
        ] {
            assert_eq!(lang(t), Lang::Vi, "{t}");
        }
    }

    #[test]
    fn english_and_japanese_with_names_in_other_scripts_stay_what_they_are() {
        assert_eq!(lang("How long does the examination take?"), Lang::En);
        assert_eq!(lang("ﾛｸﾞｲﾝできません"), Lang::Ja);
        assert_eq!(lang("GビズIDのpasswordを忘れました"), Lang::Ja);
        assert_eq!(lang("refund"), Lang::En);
    }

    #[test]
    fn a_language_the_desk_does_not_speak_is_english_with_a_reason() {
        assert_eq!(
            recognise("안녕하세요 문의드립니다", None),
            Recognised {
                lang: Lang::En,
                reason: "other-script"
            }
        );
        assert_eq!(recognise("", Some(Lang::Vi)).lang, Lang::Vi);
        assert_eq!(recognise("👍", None).reason, "no-words");
    }
}
