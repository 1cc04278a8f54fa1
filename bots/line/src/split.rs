//! Long texts into parts, short labels out of long ones. Pure. LINE counts texts in UTF-16 units and labels in characters as a
//! reader sees them (grapheme clusters).

use unicode_segmentation::UnicodeSegmentation;

/// Length as LINE counts texts.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Parts of at most `limit` units, cut behind a paragraph, else a line, else a sentence, else a word, else a character. Blank
/// space at a cut is dropped; nothing else is.
pub fn split(text: &str, limit: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while units(rest) > limit {
        let window = longest_prefix(rest, limit);
        let cut = best_cut(rest, window);
        let (part, after) = rest.split_at_checked(cut).unwrap_or((rest, ""));
        let part = part.trim_end();
        if !part.is_empty() {
            parts.push(part.to_owned());
        }
        rest = after.trim_start();
    }
    if !rest.is_empty() {
        parts.push(rest.to_owned());
    }
    parts
}

/// Bytes of the longest beginning that has at most `limit` units and ends between two characters as a reader sees them.
fn longest_prefix(text: &str, limit: usize) -> usize {
    let (mut used, mut end) = (0, 0);
    for (start, cluster) in text.grapheme_indices(true) {
        used += units(cluster);
        if used > limit {
            break;
        }
        end = start + cluster.len();
    }
    if end > 0 {
        return end;
    }
    // One character of more than `limit` units (marks heaped upon marks): it is cut between its code points, at least one of
    // which goes, so that the work ends.
    used = 0;
    for c in text.chars() {
        used += c.len_utf16();
        if used > limit && end > 0 {
            break;
        }
        end += c.len_utf8();
    }
    end
}

/// The best place to cut inside the first `window` bytes; a cut in the first third would leave crumbs.
fn best_cut(text: &str, window: usize) -> usize {
    let head = text.get(..window).unwrap_or(text);
    let least = window / 3;
    let behind = |mark: &str| head.rfind(mark).map(|at| at + mark.len());
    let sentence = ["。", "！", "？", "．", "!\n", "?\n", ". ", "! ", "? "]
        .into_iter()
        .filter_map(behind)
        .max();
    [
        behind("\n\n"),
        behind("\n"),
        sentence,
        behind(" ").max(behind("　")),
    ]
    .into_iter()
    .flatten()
    .find(|cut| *cut > least)
    .unwrap_or(window)
}

/// At most `limit` characters as a reader sees them; what is cut off shows as `…`.
pub fn shorten(label: &str, limit: usize) -> String {
    let label = label.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut clusters = label.grapheme_indices(true);
    if clusters.clone().count() <= limit {
        return label;
    }
    let end = clusters
        .nth(limit.saturating_sub(1))
        .map_or(0, |(at, _)| at);
    let kept = label.get(..end).unwrap_or_default().trim_end();
    format!("{kept}…")
}

/// At most `limit` units, cut between characters; what is cut off shows as `…`.
pub fn shorten_units(text: &str, limit: usize) -> String {
    if units(text) <= limit {
        return text.to_owned();
    }
    let end = longest_prefix(text, limit.saturating_sub(1));
    format!("{}…", text.get(..end).unwrap_or_default().trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_short_text_is_one_part_and_an_empty_one_none() {
        assert_eq!(split("  はい\n", 10), ["はい"]);
        assert!(split(" \n ", 10).is_empty());
    }

    #[test]
    fn cuts_fall_behind_paragraphs_then_lines_then_sentences_then_words() {
        assert_eq!(
            split("aaaa bbbb\n\ncc\ndd ee", 16),
            ["aaaa bbbb", "cc\ndd ee"]
        );
        assert_eq!(
            split("aaaa bbbb\ncc. dd ee", 16),
            ["aaaa bbbb", "cc. dd ee"]
        );
        assert_eq!(
            split("届きました。次に書類を送って", 10),
            ["届きました。", "次に書類を送って"]
        );
        assert_eq!(split("one two three four", 10), ["one two", "three four"]);
    }

    #[test]
    fn a_family_is_never_torn_apart() {
        let family = "👨‍👩‍👧‍👦";
        assert_eq!(units(family), 11);
        let parts = split(&family.repeat(5), 25);
        assert_eq!(
            parts,
            [family.repeat(2), family.repeat(2), family.to_owned()]
        );
    }

    #[test]
    fn labels_are_shortened_by_what_a_reader_sees() {
        assert_eq!(shorten("解決しました", 20), "解決しました");
        assert_eq!(shorten("a  b\nc", 20), "a b c");
        assert_eq!(shorten("窓口の担当者と直接話したいです", 5), "窓口の担…");
        let family = "👨‍👩‍👧‍👦";
        assert_eq!(shorten(&family.repeat(20), 20), family.repeat(20));
        assert_eq!(
            shorten(&family.repeat(21), 3),
            format!("{}…", family.repeat(2))
        );
        assert_eq!(shorten_units("🍎🍎🍎", 4), "🍎…");
    }

    proptest! {
        #[test]
        fn nothing_but_blank_space_is_lost_and_no_part_is_too_long(text in "(\\PC|[ \n。.!?👨‍👩]){0,300}", limit in 2_usize..60) {
            let parts = split(&text, limit);
            let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(bare(&parts.concat()), bare(&text));
            for part in &parts {
                prop_assert!(units(part) <= limit && !part.is_empty(), "{:?}", part);
            }
        }

        #[test]
        fn a_label_never_exceeds_its_limit(label in "\\PC{0,80}", limit in 3_usize..40) {
            prop_assert!(shorten(&label, limit).graphemes(true).count() <= limit);
            prop_assert!(units(&shorten_units(&label, limit)) <= limit);
        }
    }
}
