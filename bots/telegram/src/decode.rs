//! From an update to the one form every channel decodes to. Pure.

use crate::media::{Media, extras};
use crate::rich;
use crate::update::{self, Update, chat, instant, message_id, number, text};
use madoguchi_channel::{
    Alteration, AlterationKind, ChatArrival, Command, DecodeError, InboundMessage, MachineMark,
    MarkKind, Party, Presence, Press,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Understands one stored update.
pub(crate) fn decode(bytes: &[u8]) -> Result<InboundMessage, DecodeError> {
    let unreadable = |reason: &str| DecodeError {
        reason: reason.into(),
    };
    let update: Value =
        serde_json::from_slice(bytes).map_err(|_| unreadable("the update is not JSON"))?;
    match update::read(&update) {
        Some(Update::Message(message)) => Ok(written(message)),
        Some(Update::Edit(message)) => Ok(edited(message)),
        Some(Update::Press(query, message)) => Ok(pressed(query, message)),
        Some(Update::Member(member)) => Ok(came_or_went(member)),
        None => Err(unreadable("the update is of a kind the desk does not know")),
    }
}

/// The files of one stored update, in the order [`decode`] lists them.
pub(crate) fn media(bytes: &[u8]) -> Vec<Media> {
    let Ok(update) = serde_json::from_slice::<Value>(bytes) else {
        return Vec::new();
    };
    match update::read(&update) {
        Some(Update::Message(message) | Update::Edit(message)) => extras(message).files,
        _ => Vec::new(),
    }
}

fn written(message: &Value) -> InboundMessage {
    let plain = text(message, "text").or_else(|| text(message, "caption"));
    let text_with_links = match plain {
        Some(plain) => with_links(plain, message),
        None => message
            .get("rich_message")
            .map(rich::words)
            .unwrap_or_default(),
    };
    let all = extras(message);
    let mut inbound = InboundMessage {
        message_id: message_id(message),
        in_reply_to: message
            .get("reply_to_message")
            .and_then(message_id)
            .into_iter()
            .collect(),
        sent_at: instant(number(message, "date")),
        reply_text: text_with_links.clone(),
        text: text_with_links,
        attachments: all.files.into_iter().map(|file| file.attachment).collect(),
        problems: all.notes,
        ..from(message, message.get("from"))
    };
    if let Some(chat) = &mut inbound.chat {
        chat.command = plain.and_then(command);
        chat.group = text(message, "media_group_id").map(ToOwned::to_owned);
    }
    inbound
}

fn edited(message: &Value) -> InboundMessage {
    let mut inbound = written(message);
    inbound.sent_at = instant(number(message, "edit_date"));
    let original = inbound.message_id.take();
    if let Some(chat) = &mut inbound.chat {
        // A command that is edited is not given once more.
        chat.command = None;
        chat.alters = original.map(|message_id| Alteration {
            message_id,
            kind: AlterationKind::Edited,
        });
    }
    inbound
}

fn pressed(query: &Value, message: &Value) -> InboundMessage {
    let under = message_id(message);
    let mut inbound = from(message, query.get("from"));
    inbound.in_reply_to = under.clone().into_iter().collect();
    if let Some(chat) = &mut inbound.chat {
        chat.pressed = text(query, "data").map(|key| Press {
            key: key.to_owned(),
            under,
        });
    }
    inbound
}

fn came_or_went(member: &Value) -> InboundMessage {
    let mut inbound = from(member, member.get("from"));
    inbound.sent_at = instant(number(member, "date"));
    if let Some(chat) = &mut inbound.chat {
        chat.presence = update::presence(member).map(|can_write| match can_write {
            true => Presence::Came,
            false => Presence::Went,
        });
    }
    inbound
}

/// Who it comes from and where answers go: in a private chat both have the same number.
fn from(message: &Value, user: Option<&Value>) -> InboundMessage {
    let conversation = chat(message)
        .map(|chat| chat.to_string())
        .unwrap_or_default();
    let is_bot = user.and_then(|user| user.get("is_bot")?.as_bool());
    let mut inbound = InboundMessage {
        from: Some(Party {
            address: conversation.clone(),
            name: user.and_then(display_name),
        }),
        lang_hint: user
            .and_then(|user| text(user, "language_code"))
            .map(ToOwned::to_owned),
        chat: Some(ChatArrival {
            conversation,
            ..ChatArrival::default()
        }),
        ..InboundMessage::default()
    };
    if is_bot == Some(true) {
        inbound.marks.push(MachineMark {
            kind: MarkKind::AutoReply,
            reason: "bot-account".into(),
        });
    }
    inbound
}

fn display_name(user: &Value) -> Option<String> {
    let parts = ["first_name", "last_name"].map(|part| text(user, part).map(str::trim));
    let name = parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let account = || text(user, "username").map(|account| format!("@{account}"));
    Some(name).filter(|name| !name.is_empty()).or_else(account)
}

/// `/status@some_bot argument`. A path like `/etc/passwd` is no command.
fn command(text: &str) -> Option<Command> {
    let rest = text.strip_prefix('/')?;
    let (word, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let (name, bot) = word.split_once('@').unwrap_or((word, "bot"));
    let is_word = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    (is_word(name) && is_word(bot) && name.len() <= 32).then(|| Command {
        name: name.to_ascii_lowercase(),
        argument: argument.trim().to_owned(),
    })
}

/// Writes the address of a link behind the words it hides under. Telegram counts in UTF-16 units.
fn with_links(plain: &str, message: &Value) -> String {
    let entities = ["entities", "caption_entities"]
        .into_iter()
        .filter_map(|key| message.get(key)?.as_array())
        .flatten();
    let mut links: BTreeMap<i64, &str> = BTreeMap::new();
    for entity in entities {
        if let (Some("text_link"), Some(url), Some(offset), Some(length)) = (
            text(entity, "type"),
            text(entity, "url"),
            number(entity, "offset"),
            number(entity, "length"),
        ) && !plain.contains(url.trim_end_matches('/'))
        {
            links.insert(offset.saturating_add(length), url);
        }
    }
    if links.is_empty() {
        return plain.to_owned();
    }
    let mut all = String::with_capacity(plain.len());
    let mut position = 0_i64;
    for c in plain.chars() {
        all.push(c);
        position = position.saturating_add(c.len_utf16() as i64);
        if let Some(url) = links.remove(&position) {
            all.push_str(&format!(" ({url})"));
        }
    }
    all
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
