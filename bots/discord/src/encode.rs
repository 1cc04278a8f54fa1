//! What is sent: bodies of requests. Pure.

use crate::commands;
use madoguchi_channel::Choice;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use unicode_segmentation::UnicodeSegmentation;

/// Seen by the person alone.
pub const EPHEMERAL: u64 = 1 << 6;
/// The message of a deferred answer that waits to be filled.
pub const LOADING: u64 = 1 << 7;

/// Longest label of a button, and of an entry of a list.
const BUTTON_LABEL: usize = 80;
const ENTRY_LABEL: usize = 100;
/// Buttons in a row; more become lists.
const ROW: usize = 5;
/// Entries of a list, and rows under a message.
const LIST: usize = 25;
const ROWS: usize = 5;

/// One part of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The escaped text.
    pub text: String,
    /// Rows of buttons or lists.
    pub rows: Vec<Value>,
    /// The same for every attempt.
    pub nonce: String,
}

/// The parts of a text, the buttons under the last.
pub fn parts(message_id: &str, text: &str, choices: &[Choice]) -> Vec<Part> {
    let texts = crate::split::parts(text);
    let last = texts.len().saturating_sub(1);
    texts
        .into_iter()
        .enumerate()
        .map(|(place, text)| Part {
            text,
            rows: if place == last {
                rows(choices)
            } else {
                Vec::new()
            },
            nonce: nonce(message_id, place),
        })
        .collect()
}

/// The server takes a nonce once within minutes: an attempt repeated after a lost answer does not show twice.
pub fn nonce(message_id: &str, part: usize) -> String {
    let digest = Sha256::digest(format!("{message_id}\n{part}"));
    digest
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Choices as buttons, or as lists where they are too many for one row.
fn rows(choices: &[Choice]) -> Vec<Value> {
    let mut known: Vec<&Choice> = Vec::new();
    for choice in choices {
        // Two buttons with one key are refused, and the whole message with them.
        if !choice.key.is_empty() && known.iter().all(|other| other.key != choice.key) {
            known.push(choice);
        }
    }
    if known.is_empty() {
        return Vec::new();
    }
    if known.len() <= ROW {
        let buttons: Vec<Value> = known
            .iter()
            .map(|choice| {
                json!({"type": 2, "style": 2, "custom_id": choice.key, "label": label(choice, BUTTON_LABEL)})
            })
            .collect();
        return vec![json!({"type": 1, "components": buttons})];
    }
    known
        .chunks(LIST)
        .take(ROWS)
        .enumerate()
        .map(|(place, entries)| {
            let options: Vec<Value> = entries
                .iter()
                .map(|choice| json!({"label": label(choice, ENTRY_LABEL), "value": choice.key}))
                .collect();
            let list =
                json!({"type": 3, "custom_id": format!("choices-{place}"), "options": options});
            json!({"type": 1, "components": [list]})
        })
        .collect()
}

/// Cut between characters as people see them, with a sign that it was.
fn label(choice: &Choice, limit: usize) -> String {
    let text = choice.label.trim();
    let text = if text.is_empty() { &choice.key } else { text };
    // Emoji count double in some places of the server: the shorter way to count is not relied on.
    let size = |text: &str| text.encode_utf16().count();
    if size(text) <= limit {
        return text.to_owned();
    }
    let mut cut = String::new();
    for cluster in text.graphemes(true) {
        if size(&cut).saturating_add(size(cluster)) >= limit {
            break;
        }
        cut.push_str(cluster);
    }
    cut.push('…');
    cut
}

/// Nobody is called by what the desk writes.
fn mentions() -> Value {
    json!({"parse": []})
}

/// A message in a conversation of two.
pub fn direct(part: &Part) -> Value {
    json!({
        "content": part.text, "components": part.rows, "allowed_mentions": mentions(),
        "nonce": part.nonce, "enforce_nonce": true,
    })
}

/// A message that answers an interaction.
pub fn follow_up(part: &Part, alone: bool) -> Value {
    let mut body = json!({
        "content": part.text, "components": part.rows, "allowed_mentions": mentions(),
    });
    if let Some(fields) = body.as_object_mut().filter(|_| alone) {
        fields.insert("flags".into(), json!(EPHEMERAL));
    }
    body
}

/// What fills the message of a deferred answer; who sees it was settled when it was deferred.
pub fn original(part: &Part) -> Value {
    follow_up(part, false)
}

/// "Thinking …", to be filled later.
pub fn deferred(alone: bool) -> Value {
    if alone {
        json!({"type": 5, "data": {"flags": EPHEMERAL}})
    } else {
        json!({"type": 5})
    }
}

/// A pressed button is taken; the message above it stays.
pub fn taken() -> Value {
    json!({"type": 6})
}

/// The form that asks for the text of an inquiry.
pub fn form(locale: &str, alone: bool) -> Value {
    let words = commands::form(locale);
    let name = if alone {
        commands::ASIDE
    } else {
        commands::ASK
    };
    json!({"type": 9, "data": {
        "custom_id": name, "title": words.title,
        "components": [{"type": 1, "components": [{
            "type": 4, "custom_id": "text", "style": 2, "label": words.label, "min_length": 1, "max_length": 4000, "required": true,
        }]}],
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(count: usize) -> Vec<Choice> {
        (0..count)
            .map(|number| Choice {
                key: format!("k{number}"),
                label: format!("Choice {number}"),
            })
            .collect()
    }

    #[test]
    fn few_choices_are_buttons_and_many_are_a_list() {
        let five = rows(&choices(5));
        assert_eq!(five.len(), 1);
        assert_eq!(five[0]["components"].as_array().unwrap().len(), 5);
        assert_eq!(five[0]["components"][4]["custom_id"], "k4");
        let six = rows(&choices(6));
        assert_eq!(six[0]["components"][0]["type"], 3);
        assert_eq!(six[0]["components"][0]["options"][5]["value"], "k5");
        let many = rows(&choices(200));
        assert_eq!(many.len(), 5);
        assert_eq!(many[1]["components"][0]["custom_id"], "choices-1");
    }

    #[test]
    fn a_label_is_cut_where_people_see_a_border_and_is_never_empty() {
        let choice = |label: &str| Choice {
            key: "key".into(),
            label: label.into(),
        };
        let cut = label(&choice(&"👨‍👩‍👧".repeat(40)), 80);
        assert!(
            cut.encode_utf16().count() <= 80 && cut.ends_with("👧…"),
            "{cut}"
        );
        assert_eq!(label(&choice("  "), 80), "key");
        assert_eq!(label(&choice(&"あ".repeat(80)), 80), "あ".repeat(80));
    }

    #[test]
    fn a_key_that_comes_twice_makes_one_button() {
        let mut twice = choices(2);
        twice[1].key = "k0".into();
        twice.push(Choice::default());
        assert_eq!(rows(&twice)[0]["components"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn buttons_stand_under_the_last_part_and_nonces_are_stable_and_short() {
        let found = parts("<m1@desk>", &"A sentence. ".repeat(400), &choices(2));
        assert!(found.len() > 2);
        assert!(found[0].rows.is_empty() && !found[found.len() - 1].rows.is_empty());
        assert!(found.iter().all(|part| part.nonce.len() <= 25));
        assert_ne!(found[0].nonce, found[1].nonce);
        assert_eq!(
            found,
            parts("<m1@desk>", &"A sentence. ".repeat(400), &choices(2))
        );
    }
}
