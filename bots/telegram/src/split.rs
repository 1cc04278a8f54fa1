//! Cuts a long text into parts a server takes, where it hurts least. Pure; the same text always gives the same parts, because
//! a part that was delivered is known by its number.

use unicode_segmentation::UnicodeSegmentation;

/// Places to cut at, the best last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Border {
    Word,
    Line,
    Sentence,
    Paragraph,
}

/// The parts of `text`, none longer than `limit` UTF-16 units, none empty, without white space around them.
pub(crate) fn split(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(2); // one character takes up to two units
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let at = cut(rest, limit);
        let (part, next) = rest.split_at_checked(at).unwrap_or((rest, ""));
        parts.push(part.trim_end().to_owned());
        rest = next.trim_start();
    }
    parts
}

/// Where the first part of `text` ends, in bytes; never 0.
fn cut(text: &str, limit: usize) -> usize {
    let mut length = 0;
    let mut end = 0;
    let mut best: Option<(Border, usize)> = None;
    let mut before = Before::default();
    for (start, cluster) in text.grapheme_indices(true) {
        let next = length + cluster.encode_utf16().count();
        if next > limit {
            // A border near the beginning would make a part of a few words: better a lesser one further on.
            let far = best.map(|(_, at)| at).filter(|at| *at > 0);
            return far.unwrap_or(if end > 0 { end } else { inside(cluster, limit) });
        }
        length = next;
        end = start + cluster.len();
        if let Some(border) = before.meet(cluster)
            && length >= limit / 4
            && best.is_none_or(|(kind, _)| kind <= border)
        {
            best = Some((border, end));
        }
    }
    text.len()
}

/// A cluster longer than a whole part (a letter under thousands of accents) is cut between its characters.
fn inside(cluster: &str, limit: usize) -> usize {
    let mut length = 0;
    for (start, c) in cluster.char_indices() {
        length += c.len_utf16();
        if length > limit {
            return start;
        }
    }
    cluster.len()
}

/// What stood before a cluster.
#[derive(Default)]
struct Before {
    /// The last line end was followed by nothing but blanks.
    line_ended: bool,
    /// A sentence ended, in a script that puts a blank behind it.
    full_stop: bool,
    /// A sentence ended, in a script that puts nothing behind it.
    wide_stop: bool,
}

impl Before {
    /// Takes the next cluster in; the border behind it, when there is one.
    fn meet(&mut self, cluster: &str) -> Option<Border> {
        if cluster == "\n" || cluster == "\r\n" {
            let paragraph = self.line_ended;
            *self = Self {
                line_ended: true,
                ..Self::default()
            };
            return Some(if paragraph {
                Border::Paragraph
            } else {
                Border::Line
            });
        }
        if cluster.chars().all(char::is_whitespace) {
            let sentence =
                std::mem::take(&mut self.full_stop) | std::mem::take(&mut self.wide_stop);
            return Some(if sentence {
                Border::Sentence
            } else {
                Border::Word
            });
        }
        self.line_ended = false;
        match cluster {
            "。" | "！" | "？" | "．" | "｡" => {
                self.wide_stop = true;
                Some(Border::Sentence)
            }
            "." | "!" | "?" | "…" => {
                self.full_stop = true;
                None
            }
            // A closing mark belongs to the sentence before it.
            "」" | "』" | "）" | "\"" | "”" | "’" | "'" | ")" => {
                self.wide_stop.then_some(Border::Sentence)
            }
            _ => {
                (self.full_stop, self.wide_stop) = (false, false);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn length(text: &str) -> usize {
        text.encode_utf16().count()
    }

    #[test]
    fn paragraphs_come_before_sentences_and_these_before_words() {
        let text = "One two. Three four.\n\nFive six seven. Eight";
        assert_eq!(
            split(text, 30),
            ["One two. Three four.", "Five six seven. Eight"]
        );
        assert_eq!(
            split("One two. Three four five", 20),
            ["One two.", "Three four five"]
        );
        assert_eq!(split("one two three", 9), ["one two", "three"]);
        assert_eq!(
            split("申請は受理された。次は面接です", 12),
            ["申請は受理された。", "次は面接です"]
        );
        assert_eq!(
            split("「受理された。」次は面接です", 10),
            ["「受理された。」", "次は面接です"]
        );
    }

    #[test]
    fn a_border_near_the_beginning_is_not_taken() {
        let parts = split(&format!("Hi.\n\n{}", "word ".repeat(30)), 100);
        assert!(length(parts.first().unwrap()) > 90, "{parts:?}");
    }

    #[test]
    fn without_borders_it_cuts_between_clusters_and_counts_as_the_server_does() {
        // A family of four joined by invisible characters: 11 units, one cluster.
        let family = "👨‍👩‍👧‍👦";
        assert_eq!(
            split(&family.repeat(3), 25),
            [family.repeat(2), family.to_owned()]
        );
        assert_eq!(split("𠮷𠮷𠮷", 5), ["𠮷𠮷", "𠮷"]);
        let accents = format!("e{}", "\u{301}".repeat(50));
        assert!(split(&accents, 20).iter().all(|part| length(part) <= 20));
    }

    #[test]
    fn what_fits_is_left_alone_and_nothing_has_no_parts() {
        assert_eq!(split("short\n", 4096), ["short"]);
        assert!(split(" \n\t", 4096).is_empty());
        assert_eq!(split(&"あ".repeat(4096), 4096).len(), 1);
        assert_eq!(split(&"あ".repeat(4097), 4096).len(), 2);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_part_is_too_long(text in "(\\PC|\n| |。|\\. |👨‍👩‍👧){0,300}", limit in 2_usize..80) {
            let parts = split(&text, limit);
            let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(bare(&parts.concat()), bare(&text));
            for part in parts {
                prop_assert!(!part.trim().is_empty() && length(&part) <= limit);
            }
        }
    }
}
