//! Answers as cards (Flex bubbles). Pure.

use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation;

/// How the line that names an answer's source begins, in the languages the desk writes.
const SOURCE_WORDS: [&str; 6] = ["Source", "出典", "Nguồn", "出处", "出處", "来源"];
/// Longest first line that is taken for a title, in characters.
const LONGEST_TITLE: usize = 60;
/// Longest address of a link.
const LONGEST_LINK: usize = 1000;
/// Grey that can still be read (contrast 5.7 on white).
const GREY: &str = "#666666";
/// Colour of a link.
const LINK: &str = "#1A5FB4";

/// An answer taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<'a> {
    title: Option<&'a str>,
    body: &'a str,
    /// Lines from the source on to the next empty line.
    notes: Vec<&'a str>,
    closing: &'a str,
}

impl<'a> Answer<'a> {
    /// Takes a text apart that names its source. `None` for any other text, and for one with links outside that line: in a
    /// text they can be tapped, on a card they could not.
    pub fn find(text: &'a str) -> Option<Self> {
        let (at, _) = line_starts(text)
            .filter(|(_, line)| source(line).is_some())
            .last()?;
        let (before, rest) = text.split_at_checked(at)?;
        let (notes, closing) = rest.split_once("\n\n").unwrap_or((rest, ""));
        let before = before
            .trim_end()
            .trim_end_matches(['-', '―', '—', '─', '–']);
        let (title, body) = match before.trim().split_once("\n\n") {
            Some((first, more))
                if !first.contains('\n') && first.graphemes(true).count() <= LONGEST_TITLE =>
            {
                (Some(first.trim()), more.trim())
            }
            _ => (None, before.trim()),
        };
        let notes: Vec<&str> = notes
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        let linked = |text: &str| text.contains("http://") || text.contains("https://");
        let elsewhere =
            linked(before) || linked(closing) || notes.iter().skip(1).any(|line| linked(line));
        (!body.is_empty() && !elsewhere).then(|| Self {
            title,
            body,
            notes,
            closing: closing.trim(),
        })
    }

    /// The components of the card, from top to bottom.
    pub fn contents(&self) -> Vec<Value> {
        let mut contents = Vec::new();
        if let Some(title) = self.title {
            contents.push(json!({"type": "text", "text": title, "weight": "bold", "size": "md", "wrap": true}));
        }
        contents.push(text(self.body));
        contents.push(json!({"type": "separator", "margin": "md"}));
        contents.extend(self.notes.iter().map(|line| note(line)));
        if !self.closing.is_empty() {
            contents.push(json!({"type": "text", "text": self.closing, "size": "sm", "wrap": true, "margin": "md"}));
        }
        contents
    }
}

/// A card with these components, and buttons below.
pub fn bubble(contents: Vec<Value>, buttons: Vec<Value>) -> Value {
    let mut bubble = json!({"type": "bubble", "size": "giga",
        "body": {"type": "box", "layout": "vertical", "spacing": "sm", "contents": contents}});
    if !buttons.is_empty()
        && let Value::Object(bubble) = &mut bubble
    {
        bubble.insert(
            "footer".into(),
            json!({"type": "box", "layout": "vertical", "spacing": "sm", "contents": buttons}),
        );
    }
    bubble
}

/// A text that breaks its lines.
pub fn text(words: &str) -> Value {
    json!({"type": "text", "text": words, "wrap": true})
}

fn note(line: &str) -> Value {
    let small = |words: &str| json!({"type": "text", "text": words, "size": "xs", "color": GREY, "wrap": true});
    let Some((words, link)) = source(line).and_then(|_| link(line)) else {
        return small(line);
    };
    json!({"type": "text", "text": words, "size": "xs", "color": LINK, "decoration": "underline", "wrap": true,
           "action": {"type": "uri", "uri": link}})
}

/// What stands behind `Source:`, when the line begins so.
fn source(line: &str) -> Option<&str> {
    let line = line.trim();
    SOURCE_WORDS
        .iter()
        .filter_map(|word| line.strip_prefix(word))
        .filter_map(|rest| rest.trim_start().strip_prefix([':', '：']))
        .map(str::trim)
        .find(|rest| !rest.is_empty())
}

/// The line without its address (or with it, when there is nothing else), and the address as LINE wants it.
fn link(line: &str) -> Option<(String, String)> {
    let start = line.find("https://").or_else(|| line.find("http://"))?;
    let (before, from) = line.split_at_checked(start)?;
    let end = from
        .find(|c: char| {
            c.is_whitespace() || matches!(c, '<' | '>' | '"' | '）' | '」' | '、' | '。' | '，')
        })
        .unwrap_or(from.len());
    let (address, after) = from.split_at_checked(end)?;
    let address = reqwest::Url::parse(address).ok()?.to_string();
    if address.len() > LONGEST_LINK {
        return None;
    }
    let words = format!("{} {}", before.trim_end(), after.trim_start());
    let words = words.trim();
    let shown = if source(words).is_some() {
        words
    } else {
        line.trim()
    };
    Some((shown.to_owned(), address))
}

/// The lines of a text and where each begins.
fn line_starts(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_each_language_is_found() {
        for text in [
            "Thank you.\n\nApply at the window.\n\n--\nSource: Guide 2(1)\nFAQ entry: e\n\nReply to this message.",
            "ありがとうございます。\n\n窓口で申請します。\n\n――\n出典: 手引き 2(1)\nよくある質問: e\n\n返信してください。",
            "Cảm ơn bạn.\n\nNộp tại quầy.\n\n--\nNguồn: Hướng dẫn\nMục: e\n\nTrả lời tin này.",
            "感谢您。\n\n请到窗口。\n\n――\n出处：指南\n问题：e\n\n请回复。",
        ] {
            let answer = Answer::find(text).unwrap();
            assert!(answer.title.is_some(), "{text}");
            assert!(!answer.body.contains(['-', '―']), "{}", answer.body);
            assert_eq!(answer.notes.len(), 2);
            assert!(!answer.closing.is_empty());
            assert_eq!(answer.contents().len(), 6);
        }
    }

    #[test]
    fn a_text_without_a_source_or_with_links_elsewhere_stays_a_text() {
        for text in [
            "Hello",
            "Source: only that",
            "The Source: x",
            "Body.\n\nSource:\n",
            "See https://example.jp/.\n\nSource: Guide",
            "Body.\n\nSource: Guide\nMore: https://example.jp/",
            "Body.\n\nSource: Guide\n\nSee https://example.jp/",
        ] {
            assert_eq!(Answer::find(text), None, "{text}");
        }
    }

    #[test]
    fn the_source_is_a_link_where_it_has_an_address() {
        let text = "Body.\n\nSource: Guide 2(1) https://example.jp/手引き?a=1";
        let last = Answer::find(text).unwrap().contents().pop().unwrap();
        assert_eq!(last["text"], "Source: Guide 2(1)");
        assert_eq!(
            last["action"]["uri"],
            "https://example.jp/%E6%89%8B%E5%BC%95%E3%81%8D?a=1"
        );
        let bare = "Body.\n\nSource: https://example.jp/guide";
        let last = Answer::find(bare).unwrap().contents().pop().unwrap();
        assert_eq!(last["text"], "Source: https://example.jp/guide");
        assert_eq!(last["action"]["uri"], "https://example.jp/guide");
        let plain = "Body.\n\nSource: Guide";
        let last = Answer::find(plain).unwrap().contents().pop().unwrap();
        assert!(last.get("action").is_none());
    }
}
