//! One message of the desk to LINE's message objects. Pure.

use crate::card::{self, Answer};
use crate::split::{shorten, shorten_units, split, units};
use madoguchi_channel::{Choice, OutboundMessage};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use unicode_segmentation::UnicodeSegmentation;

/// Message objects LINE takes in one call.
pub const MOST_MESSAGES: usize = 5;
/// UTF-16 units of a text message.
const TEXT_UNITS: usize = 5000;
/// UTF-16 units of a card's text: what a reader still takes for a card.
const CARD_UNITS: usize = 2000;
/// UTF-16 units of the text shown where a card is not.
const ALT_UNITS: usize = 1500;
/// Bytes of a bubble as JSON.
const BUBBLE_BYTES: usize = 30_000;
/// Quick replies under one message.
const MOST_QUICK: usize = 13;
/// Characters on a quick reply.
const QUICK_LABEL: usize = 20;
/// Characters on a button of a card.
const BUTTON_LABEL: usize = 40;
/// Buttons on one card; more would not fit into [`BUBBLE_BYTES`] for certain.
const MOST_BUTTONS: usize = 30;
/// Characters the person appears to have said by pressing a button.
const DISPLAY_TEXT: usize = 300;

/// One message object.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The better form, where there is one.
    pub card: Option<Value>,
    /// The form every LINE can show.
    pub plain: Value,
}

impl Part {
    /// What is sent.
    pub fn value(&self, cards: bool) -> &Value {
        match &self.card {
            Some(card) if cards => card,
            _ => &self.plain,
        }
    }
}

/// The parts of a message, in their order; the same for every attempt. Empty when there is nothing to say.
pub fn parts(message: &OutboundMessage, flex_answers: bool) -> Vec<Part> {
    let no_choices = Vec::new();
    let choices = message
        .chat
        .as_ref()
        .map_or(&no_choices, |chat| &chat.choices);
    let quick = fit_quick(choices);
    let mut texts = split(&message.body, TEXT_UNITS);
    if !quick && let Some(last) = texts.pop() {
        // Buttons stand on a card, and a card holds less than a text.
        texts.extend(split(&last, CARD_UNITS));
    }
    let Some(last) = texts.pop() else {
        return Vec::new();
    };
    let mut parts: Vec<Part> = texts
        .into_iter()
        .map(|text| Part {
            card: None,
            plain: json!({"type": "text", "text": text}),
        })
        .collect();
    parts.push(last_part(&last, choices, quick, flex_answers));
    parts
}

/// The part that carries the buttons.
fn last_part(text: &str, choices: &[Choice], quick: bool, flex_answers: bool) -> Part {
    let answer = if flex_answers && units(text) <= CARD_UNITS {
        Answer::find(text)
    } else {
        None
    };
    let buttons: Vec<Value> = if quick {
        Vec::new()
    } else {
        choices.iter().take(MOST_BUTTONS).map(button).collect()
    };
    let bubble = match (&answer, buttons.is_empty()) {
        (Some(answer), _) => Some(card::bubble(answer.contents(), buttons)),
        (None, false) => Some(card::bubble(vec![card::text(text)], buttons)),
        (None, true) => None,
    };
    let mut plain = json!({"type": "text", "text": text});
    let mut card = bubble
        .filter(|bubble| bubble.to_string().len() <= BUBBLE_BYTES)
        .map(|bubble| json!({"type": "flex", "altText": shorten_units(text, ALT_UNITS), "contents": bubble}));
    if !choices.is_empty() {
        set(&mut plain, "quickReply", quick_reply(choices));
        if quick && let Some(card) = &mut card {
            set(card, "quickReply", quick_reply(choices));
        }
    }
    Part { card, plain }
}

/// Few and short enough to stand as quick replies without losing a letter.
fn fit_quick(choices: &[Choice]) -> bool {
    choices.len() <= MOST_QUICK
        && choices
            .iter()
            .all(|choice| choice.label.graphemes(true).count() <= QUICK_LABEL)
}

fn quick_reply(choices: &[Choice]) -> Value {
    let items: Vec<Value> = choices
        .iter()
        .take(MOST_QUICK)
        .map(|choice| json!({"type": "action", "action": action(choice, QUICK_LABEL)}))
        .collect();
    json!({ "items": items })
}

fn button(choice: &Choice) -> Value {
    json!({"type": "button", "style": "secondary", "height": "sm", "adjustMode": "shrink-to-fit",
           "action": action(choice, BUTTON_LABEL)})
}

/// Pressing sends the key to the desk and shows the label in the chat, so that the person sees what they said.
fn action(choice: &Choice, limit: usize) -> Value {
    let label = if choice.label.trim().is_empty() {
        &choice.key // LINE refuses a button without a label
    } else {
        &choice.label
    };
    json!({"type": "postback", "label": shorten(label, limit), "data": choice.key,
           "displayText": shorten(label, DISPLAY_TEXT)})
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(object) = object {
        object.insert(key.to_owned(), value);
    }
}

/// The key by which LINE knows a call again: made from the message and its first part, so every attempt has the same one.
pub fn retry_key(message_id: &str, first_part: usize) -> String {
    let mut hash = Sha256::new();
    hash.update(message_id.as_bytes());
    hash.update([0]);
    hash.update(first_part.to_string().as_bytes());
    let mut bytes = [0_u8; 16];
    for (to, from) in bytes.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    // A UUID of one's own making: version 8, variant 1 (RFC 9562 §5.8).
    let number =
        u128::from_be_bytes(bytes) & !(0xf << 76) & !(0b11 << 62) | (0x8 << 76) | (0b10 << 62);
    let hex = format!("{number:032x}");
    let mut key = String::with_capacity(36);
    for (at, c) in hex.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            key.push('-');
        }
        key.push(c);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use madoguchi_channel::ChatDeparture;

    fn message(body: &str, labels: &[&str]) -> OutboundMessage {
        let choices = labels
            .iter()
            .enumerate()
            .map(|(at, label)| Choice {
                key: format!("k{at}"),
                label: (*label).into(),
            })
            .collect();
        OutboundMessage {
            body: body.into(),
            chat: Some(ChatDeparture {
                choices,
                ..ChatDeparture::default()
            }),
            ..OutboundMessage::default()
        }
    }

    const ANSWER: &str = "お問い合わせありがとうございます。\n\n申請は窓口で受け付けます。\n\n――\n出典: 手引き 2(1) https://example.jp/手引き\n受付番号: A-1\n\n解決しましたか。";

    #[test]
    fn a_short_message_is_one_text_without_anything_else() {
        let parts = parts(&message("はい。\n", &[]), true);
        assert_eq!(
            parts,
            [Part {
                card: None,
                plain: json!({"type": "text", "text": "はい。"})
            }]
        );
        assert!(super::parts(&message(" \n", &["x"]), true).is_empty());
    }

    #[test]
    fn short_labels_become_quick_replies_under_the_last_part_only() {
        let long = "あ".repeat(5001);
        let parts = parts(&message(&long, &["解決した", "まだ"]), true);
        assert_eq!(parts.len(), 2);
        assert!(parts[0].plain.get("quickReply").is_none());
        let items = parts[1].plain["quickReply"]["items"].as_array().unwrap();
        assert_eq!(
            items[0],
            json!({"type": "action", "action":
                {"type": "postback", "label": "解決した", "data": "k0", "displayText": "解決した"}})
        );
        assert_eq!(items.len(), 2);
        assert_eq!(parts[1].card, None);
    }

    #[test]
    fn long_labels_or_many_become_buttons_on_a_card_with_a_plain_form_beside_it() {
        let long = "Which application form do I need for a stay of six months?";
        for labels in [vec![long, "no"], vec!["x"; 14]] {
            let parts = parts(&message("Which of these?", &labels), true);
            assert_eq!(parts.len(), 1);
            let card = parts[0].card.as_ref().unwrap();
            assert_eq!(card["altText"], "Which of these?");
            let buttons = card["contents"]["footer"]["contents"].as_array().unwrap();
            assert_eq!(buttons.len(), labels.len());
            let action = &buttons[0]["action"];
            assert_eq!(action["data"], "k0");
            assert_eq!(action["displayText"], labels[0]);
            assert!(action["label"].as_str().unwrap().graphemes(true).count() <= 40);
            assert!(card.get("quickReply").is_none());
            let quick = parts[0].plain["quickReply"]["items"].as_array().unwrap();
            assert_eq!(quick.len(), labels.len().min(13));
            assert!(quick.iter().all(|item| {
                item["action"]["label"]
                    .as_str()
                    .unwrap()
                    .graphemes(true)
                    .count()
                    <= 20
            }));
        }
    }

    #[test]
    fn a_long_text_with_buttons_ends_in_a_part_a_card_can_hold() {
        let body = format!("{}\n\n{}", "a".repeat(4000), "b ".repeat(1500));
        let parts = parts(
            &message(&body, &["a label that is longer than twenty"]),
            true,
        );
        assert!(parts.len() >= 2);
        assert!(parts.last().unwrap().card.is_some());
        assert!(parts.iter().rev().skip(1).all(|part| part.card.is_none()));
    }

    #[test]
    fn an_answer_that_names_its_source_is_a_card_unless_it_is_switched_off() {
        let shown = parts(&message(ANSWER, &["解決した"]), true);
        let card = shown[0].card.as_ref().unwrap();
        assert_eq!(card["altText"], ANSWER);
        assert!(card["quickReply"].is_object());
        assert!(card["contents"].get("footer").is_none());
        let off = parts(&message(ANSWER, &["解決した"]), false);
        assert_eq!(off[0].card, None);
        assert_eq!(off[0].plain, shown[0].plain);
        assert_eq!(shown[0].value(false), &shown[0].plain);
    }

    #[test]
    fn the_retry_key_is_a_uuid_of_the_message_and_the_part() {
        let key = retry_key("out.1@desk.example.jp", 0);
        assert_eq!(key, retry_key("out.1@desk.example.jp", 0));
        assert_ne!(key, retry_key("out.1@desk.example.jp", 5));
        assert_ne!(key, retry_key("out.2@desk.example.jp", 0));
        assert_eq!(key.len(), 36);
        assert_eq!(key.chars().nth(14), Some('8'));
        assert!(matches!(key.chars().nth(19), Some('8' | '9' | 'a' | 'b')));
    }
}
