//! One stored event to one message. Pure: no I/O, no clock.

use jiff::{SignedDuration, Timestamp};
use madoguchi_channel::{
    Alteration, AlterationKind, Attachment, ChatArrival, Command, DecodeError, InboundMessage,
    Party, Presence, Press, ReplyHandle,
};
use serde_json::Value;

/// A reply token is good for about a minute from the call; LINE promises no exact time, so some of it is left unused.
const REPLY_TOKEN_LIFE: SignedDuration = SignedDuration::from_secs(50);
/// Longest name of a command.
const LONGEST_COMMAND: usize = 32;

/// A file that came with a message: where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum File {
    /// With LINE, under this message id.
    AtLine(String),
    /// At an address somebody else gave. It is not fetched: the desk opens no address a stranger chose.
    Elsewhere,
}

/// Understands one event as [`crate::admit`] stored it.
///
/// # Errors
/// The bytes are no such event.
pub fn decode(bytes: &[u8]) -> Result<InboundMessage, DecodeError> {
    let stored = read(bytes)?;
    let event = Event(stored.get("event").unwrap_or(&Value::Null));
    let user = event.text("/source/userId").unwrap_or_default().to_owned();
    let mut message = InboundMessage {
        sent_at: event.at(),
        ..InboundMessage::default()
    };
    if user.is_empty() {
        message.problems.push(
            "LINE does not say who this is from; it can be answered within a minute only".into(),
        );
    } else {
        message.from = Some(Party {
            address: user.clone(),
            name: None,
        });
    }
    let mut chat = ChatArrival {
        conversation: user,
        reply_handle: event.reply_handle(),
        ..ChatArrival::default()
    };
    match event.text("/type").unwrap_or_default() {
        "message" => content(&event, &mut message, &mut chat),
        "postback" => {
            chat.pressed = Some(Press {
                key: event.text("/postback/data").unwrap_or_default().to_owned(),
                under: None, // LINE does not tell
            });
        }
        "follow" => chat.presence = Some(Presence::Came),
        "unfollow" => chat.presence = Some(Presence::Went),
        "unsend" => {
            chat.alters = event.text("/unsend/messageId").map(|id| Alteration {
                message_id: id.to_owned(),
                kind: AlterationKind::Deleted,
            });
        }
        other => message.problems.push(format!(
            "LINE sent an event of a kind that is not known here ({})",
            plain_word(other)
        )),
    }
    message.reply_text = message.text.clone();
    message.chat = Some(chat);
    Ok(message)
}

/// The files of an event, in the order [`decode`] lists them.
///
/// # Errors
/// The bytes are no such event.
pub fn files(bytes: &[u8]) -> Result<Vec<File>, DecodeError> {
    let stored = read(bytes)?;
    let event = Event(stored.get("event").unwrap_or(&Value::Null));
    let held = event.text("/type") == Some("message")
        && matches!(
            event.text("/message/type"),
            Some("image" | "video" | "audio" | "file")
        );
    if !held {
        return Ok(Vec::new());
    }
    Ok(vec![match (
        event.text("/message/contentProvider/type"),
        event.text("/message/id"),
    ) {
        (Some("external"), _) | (_, None) => File::Elsewhere,
        (_, Some(id)) => File::AtLine(id.to_owned()),
    }])
}

fn read(bytes: &[u8]) -> Result<Value, DecodeError> {
    let no_event = || DecodeError {
        reason: "this is no event of LINE".into(),
    };
    let stored: Value = serde_json::from_slice(bytes).map_err(|_| no_event())?;
    match stored.get("event") {
        Some(Value::Object(_)) => Ok(stored),
        _ => Err(no_event()),
    }
}

/// An event, read leniently: what is missing or of another type is simply not there.
struct Event<'a>(&'a Value);

impl Event<'_> {
    fn text(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer).and_then(Value::as_str)
    }

    fn number(&self, pointer: &str) -> Option<f64> {
        self.0.pointer(pointer).and_then(Value::as_f64)
    }

    fn whole(&self, pointer: &str) -> Option<u64> {
        self.0.pointer(pointer).and_then(Value::as_u64)
    }

    fn at(&self) -> Option<Timestamp> {
        let ms = self.0.get("timestamp")?.as_i64()?;
        Timestamp::from_millisecond(ms).ok()
    }

    fn reply_handle(&self) -> Option<ReplyHandle> {
        let value = self.text("/replyToken").filter(|token| !token.is_empty())?;
        Some(ReplyHandle {
            value: value.to_owned(),
            until: self.at()?.checked_add(REPLY_TOKEN_LIFE).ok()?,
        })
    }

    fn seconds(&self) -> String {
        match self.whole("/message/duration") {
            Some(ms) => format!(" of {} s", ms.div_ceil(1000)),
            None => String::new(),
        }
    }
}

/// The message inside a message event.
fn content(event: &Event, message: &mut InboundMessage, chat: &mut ChatArrival) {
    message.message_id = event.text("/message/id").map(str::to_owned);
    message.in_reply_to = event
        .text("/message/quotedMessageId")
        .map(str::to_owned)
        .into_iter()
        .collect();
    let mut file = |name: Option<&str>, media_type: &str, size: u64| {
        message.attachments.push(Attachment {
            name: name.map(str::to_owned),
            media_type: media_type.to_owned(),
            size: usize::try_from(size).unwrap_or(usize::MAX),
        });
    };
    // LINE tells neither type nor size of pictures and recordings; these are the forms it serves them in.
    match event.text("/message/type").unwrap_or_default() {
        "text" => {
            message.text = event.text("/message/text").unwrap_or_default().to_owned();
            chat.command = command(&message.text);
        }
        "image" => {
            file(None, "image/jpeg", 0);
            chat.group = event.text("/message/imageSet/id").map(str::to_owned);
        }
        "video" => {
            file(None, "video/mp4", 0);
            let words = format!("The message is a video{}.", event.seconds());
            message.problems.push(words);
        }
        "audio" => {
            file(None, "audio/x-m4a", 0);
            let words = format!(
                "The message is a voice recording{}; nobody has listened to it yet.",
                event.seconds()
            );
            message.problems.push(words);
        }
        "file" => file(
            event.text("/message/fileName"),
            "application/octet-stream",
            event.whole("/message/fileSize").unwrap_or(0),
        ),
        "sticker" => {
            message.text = event.text("/message/text").unwrap_or_default().to_owned();
            message.problems.push(sticker(event));
        }
        "location" => message.problems.push(location(event)),
        other => message.problems.push(format!(
            "The message is of a kind that is not known here ({}); it can be seen in the LINE app only.",
            plain_word(other)
        )),
    }
    if event.text("/message/contentProvider/type") == Some("external") {
        message
            .problems
            .push("The file lies on another server than LINE's and is not fetched.".into());
    }
}

fn sticker(event: &Event) -> String {
    let keywords: Vec<&str> = event
        .0
        .pointer("/message/keywords")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .take(5)
        .collect();
    if keywords.is_empty() {
        "The message is a sticker.".into()
    } else {
        format!("The message is a sticker ({}).", keywords.join(", "))
    }
}

fn location(event: &Event) -> String {
    let mut words: Vec<String> = ["/message/title", "/message/address"]
        .into_iter()
        .filter_map(|pointer| event.text(pointer))
        .filter(|text| !text.trim().is_empty())
        .map(str::to_owned)
        .collect();
    if let (Some(latitude), Some(longitude)) = (
        event.number("/message/latitude"),
        event.number("/message/longitude"),
    ) {
        words.push(format!("{latitude:.5}, {longitude:.5}"));
    }
    format!("The message is a place: {}.", words.join("; "))
}

/// `/status 42`, also with the wide slash of Japanese keyboards. A path (`/etc/hosts`) or a date (`/3`) is none.
fn command(text: &str) -> Option<Command> {
    let rest = text.trim_start().strip_prefix(['/', '／'])?;
    let (name, argument) = match rest.split_once(char::is_whitespace) {
        Some((name, argument)) => (name, argument.trim()),
        None => (rest, ""),
    };
    let known_looking = (2..=LONGEST_COMMAND).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    known_looking.then(|| Command {
        name: name.to_ascii_lowercase(),
        argument: argument.to_owned(),
    })
}

/// A name LINE gave to something, fit to be shown.
fn plain_word(word: &str) -> String {
    let plain: String = word
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(40)
        .collect();
    if plain.is_empty() {
        "unnamed".into()
    } else {
        plain
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
