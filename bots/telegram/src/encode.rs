//! From a message of the desk to what the Bot API is asked for. Pure.

use crate::split::split;
use madoguchi_channel::{Choice, LONGEST_KEY, OutboundMessage};
use teloxide::Bot;
use teloxide::payloads::{SendMessage, SendMessageSetters};
use teloxide::requests::{JsonRequest, Requester};
use teloxide::types::{
    ChatId, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, MessageId,
    ReplyParameters,
};

/// Most UTF-16 units of one message.
const LONGEST_TEXT: usize = 4096;
/// Most buttons in a row, and how many columns their labels may take together on a narrow phone.
const ROW: (usize, usize) = (3, 24);
/// Most buttons of one message.
const MOST_BUTTONS: usize = 100;

/// One message of the desk, as the requests that deliver it, in order. `Err`: it can never be delivered, and why.
pub(crate) fn requests(
    bot: &Bot,
    message: &OutboundMessage,
) -> Result<Vec<JsonRequest<SendMessage>>, String> {
    let chat: i64 = message
        .to
        .address
        .parse()
        .ok()
        .filter(|chat| *chat > 0) // groups have negative numbers
        .ok_or_else(|| "the recipient is not the number of a private chat".to_owned())?;
    let parts = split(&message.body, LONGEST_TEXT);
    let last = parts
        .len()
        .checked_sub(1)
        .ok_or_else(|| "the message has no text, and Telegram delivers none without".to_owned())?;
    let choices = message.chat.as_ref().map(|chat| chat.choices.as_slice());
    let mut keyboard = keyboard(choices.unwrap_or_default())?;
    let mut answered = answered(message, chat);
    let request = |(index, part)| {
        let mut request = bot
            .send_message(ChatId(chat), part)
            .link_preview_options(no_preview());
        if let Some(id) = answered.take() {
            request =
                request.reply_parameters(ReplyParameters::new(id).allow_sending_without_reply());
        }
        if index == last
            && let Some(keyboard) = keyboard.take()
        {
            request = request.reply_markup(keyboard);
        }
        request
    };
    Ok(parts.into_iter().enumerate().map(request).collect())
}

/// The message of the same chat that is answered.
fn answered(message: &OutboundMessage, chat: i64) -> Option<MessageId> {
    let (of, number) = message.in_reply_to.as_ref()?.split_once('/')?;
    (of.parse() == Ok(chat)).then_some(())?;
    number.parse().ok().filter(|id| *id > 0).map(MessageId)
}

fn keyboard(choices: &[Choice]) -> Result<Option<InlineKeyboardMarkup>, String> {
    if choices.is_empty() {
        return Ok(None);
    }
    if choices.len() > MOST_BUTTONS {
        return Err(format!("more than {MOST_BUTTONS} buttons"));
    }
    let mut rows: Vec<Vec<InlineKeyboardButton>> = Vec::new();
    let mut taken = usize::MAX;
    for choice in choices {
        if choice.key.is_empty() || choice.key.len() > LONGEST_KEY {
            return Err(format!(
                "the key of a button is not 1–{LONGEST_KEY} bytes long"
            ));
        }
        let label = match choice.label.trim() {
            "" => choice.key.as_str(),
            label => label,
        };
        let button = InlineKeyboardButton::callback(label, choice.key.as_str());
        taken = taken.saturating_add(columns(label));
        match rows.last_mut() {
            Some(row) if row.len() < ROW.0 && taken <= ROW.1 => row.push(button),
            _ => {
                taken = columns(label);
                rows.push(vec![button]);
            }
        }
    }
    Ok(Some(InlineKeyboardMarkup::new(rows)))
}

/// How wide a label is, roughly: a letter beyond the Latin, Greek and Cyrillic scripts takes two columns.
fn columns(label: &str) -> usize {
    let width = |c: char| {
        if c < '\u{1100}' || ('\u{1e00}'..'\u{2000}').contains(&c) {
            1
        } else {
            2
        }
    };
    label.chars().map(width).sum()
}

fn no_preview() -> LinkPreviewOptions {
    LinkPreviewOptions {
        is_disabled: true,
        url: None,
        prefer_small_media: false,
        prefer_large_media: false,
        show_above_text: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use madoguchi_channel::{ChatDeparture, Party};
    use serde_json::{Value, json};
    use teloxide::requests::HasPayload;

    fn to(address: &str, body: &str) -> OutboundMessage {
        OutboundMessage {
            to: Party {
                address: address.into(),
                name: None,
            },
            body: body.into(),
            ..OutboundMessage::default()
        }
    }

    fn choice(key: &str, label: &str) -> Choice {
        Choice {
            key: key.into(),
            label: label.into(),
        }
    }

    fn bodies(message: &OutboundMessage) -> Vec<Value> {
        requests(&Bot::new("1:a"), message)
            .unwrap()
            .iter()
            .map(|request| serde_json::to_value(request.payload_ref()).unwrap())
            .collect()
    }

    #[test]
    fn a_message_is_plain_text_without_preview_that_hangs_on_what_it_answers() {
        let mut message = to("42", "1 < 2 & *stars*\n");
        message.in_reply_to = Some("42/7".into());
        assert_eq!(
            bodies(&message),
            [json!({
                "chat_id": 42, "text": "1 < 2 & *stars*",
                "link_preview_options": {"is_disabled": true},
                "reply_parameters": {"message_id": 7, "allow_sending_without_reply": true},
            })]
        );
    }

    #[test]
    fn only_a_message_of_the_same_chat_is_answered() {
        for other in ["43/7", "desk.1@example.jp", "42/", "42/-3", "42/seven", ""] {
            let mut message = to("42", "hello");
            message.in_reply_to = Some(other.into());
            assert_eq!(bodies(&message)[0].get("reply_parameters"), None, "{other}");
        }
    }

    #[test]
    fn buttons_stand_under_the_last_part_and_share_a_row_while_there_is_room() {
        let mut message = to("42", &"あ".repeat(5000));
        message.in_reply_to = Some("42/7".into());
        message.chat = Some(ChatDeparture {
            choices: vec![
                choice("s:1", "はい"),
                choice("s:2", "いいえ"),
                choice("staff", "職員と話す"),
                choice("e:a.b", "在留資格の変更に必要な書類は何ですか"),
            ],
            ..ChatDeparture::default()
        });
        let bodies = bodies(&message);
        assert_eq!(bodies.len(), 2);
        assert_eq!(bodies[0].get("reply_markup"), None);
        assert_eq!(bodies[1].get("reply_parameters"), None);
        assert_eq!(
            bodies[1]["reply_markup"]["inline_keyboard"],
            json!([
                [{"text": "はい", "callback_data": "s:1"}, {"text": "いいえ", "callback_data": "s:2"}, {"text": "職員と話す", "callback_data": "staff"}],
                [{"text": "在留資格の変更に必要な書類は何ですか", "callback_data": "e:a.b"}],
            ])
        );
    }

    #[test]
    fn what_can_never_be_delivered_is_refused_here() {
        let bot = Bot::new("1:a");
        assert!(requests(&bot, &to("someone@example.org", "hello")).is_err());
        assert!(requests(&bot, &to("-1001234", "hello")).is_err());
        assert!(requests(&bot, &to("42", " \n ")).is_err());
        let mut long = to("42", "hello");
        long.chat = Some(ChatDeparture {
            choices: vec![choice(&"k".repeat(65), "x")],
            ..ChatDeparture::default()
        });
        assert!(requests(&bot, &long).is_err());
    }
}
