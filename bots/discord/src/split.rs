//! Plain text as the server shows it: what would be read as a mark of its Markdown is escaped, and what is longer than a message
//! is cut where a reader would pause.

use unicode_segmentation::UnicodeSegmentation;

/// A message holds 2000 characters (code points). A little is kept free: where a part begins, a mark may need escaping that did
/// not in the middle of a line.
const LIMIT: usize = 1990;

/// Where a text may be cut, the best place first.
#[derive(Clone, Copy)]
enum Border {
    Paragraph,
    Line,
    Sentence,
    Word,
    Cluster,
}

impl Border {
    fn next(self) -> Self {
        match self {
            Self::Paragraph => Self::Line,
            Self::Line => Self::Sentence,
            Self::Sentence => Self::Word,
            Self::Word | Self::Cluster => Self::Cluster,
        }
    }

    fn units(self, text: &str) -> Vec<&str> {
        match self {
            Self::Paragraph => text.split_inclusive("\n\n").collect(),
            Self::Line => text.split_inclusive('\n').collect(),
            Self::Sentence => text.split_sentence_bounds().collect(),
            Self::Word => text.split_word_bounds().collect(),
            Self::Cluster => text.graphemes(true).collect(),
        }
    }
}

/// The messages a text becomes, escaped, at least one. The same text always gives the same parts: a later attempt goes on where
/// an earlier one stopped.
pub fn parts(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut open = Open::default();
    fill(text, Border::Paragraph, &mut open, &mut parts);
    open.close(&mut parts);
    if parts.is_empty() {
        // A message without any text is refused; there may be buttons to show.
        parts.push("\u{200b}".into());
    }
    parts
}

/// The part that is being filled.
#[derive(Default)]
struct Open {
    text: String,
    cost: usize,
}

impl Open {
    fn close(&mut self, parts: &mut Vec<String>) {
        let text = std::mem::take(&mut self.text);
        self.cost = 0;
        if !text.trim().is_empty() {
            parts.push(escape(text.trim_end().trim_start_matches(['\n', '\r'])));
        }
    }
}

fn fill(text: &str, border: Border, open: &mut Open, parts: &mut Vec<String>) {
    for unit in border.units(text) {
        // Counted alone a unit is never shorter than inside a text.
        let cost = escape(unit).chars().count();
        if open.cost.saturating_add(cost) <= LIMIT {
            open.text.push_str(unit);
            open.cost = open.cost.saturating_add(cost);
        } else if cost <= LIMIT {
            open.close(parts);
            open.text.push_str(unit);
            open.cost = cost;
        } else if matches!(border, Border::Cluster) {
            // One character with thousands of marks on it: shown in pieces rather than not at all.
            for mark in unit.chars() {
                if open.cost >= LIMIT {
                    open.close(parts);
                }
                open.text.push(mark);
                open.cost = open.cost.saturating_add(2);
            }
        } else {
            if matches!(border, Border::Paragraph | Border::Line) {
                open.close(parts);
            }
            fill(unit, border.next(), open, parts);
        }
    }
}

/// Escapes what the server's Markdown would take for a mark. Addresses of pages stay as they are: a backslash would break them.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let start = line.trim_start_matches([' ', '\t']);
        let indent = line.len().saturating_sub(start.len());
        out.push_str(line.get(..indent).unwrap_or_default());
        let digits = start
            .len()
            .saturating_sub(start.trim_start_matches(|c: char| c.is_ascii_digit()).len());
        let (number, rest) = start.split_at_checked(digits).unwrap_or(("", start));
        if digits > 0 && rest.starts_with(". ") {
            out.push_str(number);
            out.push('\\');
            escape_inside(rest, &mut out);
        } else {
            // Headings, lists, quotations.
            if start.starts_with(['#', '-', '+', '>']) {
                out.push('\\');
            }
            escape_inside(start, &mut out);
        }
    }
    out
}

fn escape_inside(mut rest: &str, out: &mut String) {
    while let Some(next) = rest.chars().next() {
        if rest.starts_with("https://") || rest.starts_with("http://") {
            let end = rest
                .find(|c: char| {
                    c.is_whitespace() || matches!(c, '<' | '>' | '"' | '、' | '。' | '」' | '）')
                })
                .unwrap_or(rest.len());
            let (address, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            out.push_str(address);
            rest = after;
            continue;
        }
        let mut others = rest.chars();
        others.next();
        let after = others.as_str();
        let mark = match next {
            '\\' | '*' | '_' | '~' | '`' | '|' | '[' => true,
            // Mentions and custom pictures; an address in angle brackets is left alone.
            '<' => !after.starts_with("http"),
            _ => false,
        };
        if mark {
            out.push('\\');
        }
        out.push(next);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(parts: &[String]) -> Vec<usize> {
        parts.iter().map(|part| part.chars().count()).collect()
    }

    #[test]
    fn a_short_text_is_one_message_and_nothing_is_still_one() {
        assert_eq!(
            parts("The office opens at 9:30.\n"),
            ["The office opens at 9:30."]
        );
        assert_eq!(parts("\n \n"), ["\u{200b}"]);
    }

    #[test]
    fn a_long_text_is_cut_between_paragraphs_then_sentences() {
        let paragraph = "申請書は郵送でも受け付けます。".repeat(60);
        let text = format!("{paragraph}\n\n{paragraph}\n\n{paragraph}");
        let found = parts(&text);
        assert_eq!(lengths(&found), [1802, 900]);
        assert!(found.iter().all(|part| part.ends_with('。')));

        let sentence = "One sentence stands here and ends in time. ";
        let found = parts(&sentence.repeat(100));
        assert!(found.len() == 3 && lengths(&found).iter().all(|length| *length <= 2000));
        assert!(found.iter().all(|part| part.ends_with("time.")));
        assert_eq!(found.join(" "), sentence.repeat(100).trim_end());
    }

    #[test]
    fn a_text_without_a_place_to_cut_is_cut_between_characters_as_people_see_them() {
        let family = "👨‍👩‍👧";
        let found = parts(&family.repeat(1000));
        assert!(lengths(&found).iter().all(|length| *length <= 2000));
        assert_eq!(found.concat(), family.repeat(1000));
        assert!(found.iter().all(|part| part.starts_with('👨')));
        let found = parts(&format!("e{}", "\u{301}".repeat(9000)));
        assert!(lengths(&found).iter().all(|length| *length <= 2000));
        assert_eq!(found.concat().chars().count(), 9001);
    }

    #[test]
    fn text_that_looks_like_marks_is_shown_as_it_was_written() {
        for (plain, sent) in [
            ("# No heading", "\\# No heading"),
            ("- a\n  - b", "\\- a\n  \\- b"),
            ("> said", "\\> said"),
            ("1. first", "1\\. first"),
            ("2026.11", "2026.11"),
            (
                "file_name_a *b* ~~c~~ `d` ||e||",
                "file\\_name\\_a \\*b\\* \\~\\~c\\~\\~ \\`d\\` \\|\\|e\\|\\|",
            ),
            (
                "see https://example.jp/a_b_c?d=*e* now_",
                "see https://example.jp/a_b_c?d=*e* now\\_",
            ),
            (
                "（https://example.jp/a_b）_",
                "（https://example.jp/a_b）\\_",
            ),
            ("<@123> [a](b)", "\\<@123> \\[a](b)"),
            ("C:\\dir", "C:\\\\dir"),
            ("MD-2026-000123", "MD-2026-000123"),
        ] {
            assert_eq!(escape(plain), sent);
        }
    }

    #[test]
    fn a_text_of_nothing_but_marks_keeps_the_limit() {
        let found = parts(&"*_~`".repeat(2000));
        assert!(
            lengths(&found).iter().all(|length| *length <= 2000),
            "{:?}",
            lengths(&found)
        );
        assert_eq!(found.concat().replace('\\', ""), "*_~`".repeat(2000));
    }
}
