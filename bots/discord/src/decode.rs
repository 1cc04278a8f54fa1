//! One stored arrival as a message. Pure; whatever the server may add one day, nothing here fails for it.

use crate::arrival::{self, id, list, number, text};
use crate::commands;
use crate::files;
use crate::handle::{Handle, Kind};
use crate::snowflake;
use jiff::Timestamp;
use madoguchi_channel::{
    Alteration, AlterationKind, ChatArrival, Command, DecodeError, InboundMessage, Party, Press,
};
use serde_json::Value;

/// Reads what [`arrival::wrap`] wrote.
///
/// # Errors
/// Bytes that are no stored arrival, or an event that is no message.
pub fn decode(bytes: &[u8]) -> Result<InboundMessage, DecodeError> {
    let bad = |reason: &str| DecodeError {
        reason: reason.into(),
    };
    let stored: Value = serde_json::from_slice(bytes)
        .map_err(|_| bad("the stored arrival is not what this channel stores"))?;
    let data = stored.get("d").filter(|data| data.is_object());
    let data = data.ok_or_else(|| bad("the stored arrival has no content"))?;
    let told = text(&stored, "/desk/user");
    match text(&stored, "/t") {
        Some(arrival::MESSAGE) => Ok(message(data)),
        Some(arrival::EDITED) => Ok(edited(data, told)),
        Some(arrival::DELETED) => Ok(deleted(data, told)),
        Some(arrival::INTERACTION) => Ok(interaction(data)),
        _ => Err(bad(
            "the stored arrival is of a kind this version does not know",
        )),
    }
}

/// The stable name of a message of this channel.
pub fn message_id(channel: &str, message: &str) -> String {
    format!("{channel}/{message}")
}

fn named(data: &Value) -> Option<String> {
    let channel = text(data, "/channel_id")?;
    Some(message_id(channel, text(data, "/id")?))
}

/// A person by his account. The conversation is his too: a bot has one with each person, and an answer in a server's channel is
/// shown to him alone.
fn party(user: &Value, nick: Option<&str>) -> Option<Party> {
    let name = [nick, text(user, "/global_name"), text(user, "/username")]
        .into_iter()
        .flatten()
        .find(|name| !name.trim().is_empty());
    Some(Party {
        address: text(user, "/id")?.to_owned(),
        name: name.map(str::to_owned),
    })
}

fn message(data: &Value) -> InboundMessage {
    let from = data.get("author").and_then(|author| party(author, None));
    let mut problems = Vec::new();
    let mut content = text(data, "/content").unwrap_or_default().to_owned();
    let mut in_reply_to = Vec::new();
    if number(data, "/message_reference/type").unwrap_or_default() == 0
        && let Some(answered) = text(data, "/message_reference/message_id")
    {
        let channel = text(data, "/message_reference/channel_id").or(text(data, "/channel_id"));
        in_reply_to.extend(channel.map(|channel| message_id(channel, answered)));
    }
    for snapshot in list(data, "/message_snapshots") {
        problems.push("The person forwarded a message from elsewhere.".into());
        if let Some(forwarded) = text(snapshot, "/message/content").filter(|text| !text.is_empty())
        {
            if !content.is_empty() {
                content.push_str("\n\n");
            }
            content.push_str(forwarded);
        }
        describe(
            snapshot.get("message").unwrap_or(&Value::Null),
            &mut problems,
        );
    }
    describe(data, &mut problems);
    if let Some(question) = text(data, "/poll/question/text") {
        problems.push("The message is a poll; the desk cannot vote.".into());
        if content.is_empty() {
            let answers = list(data, "/poll/answers");
            let answers = answers.iter().filter_map(|a| text(a, "/poll_media/text"));
            content = std::iter::once(question)
                .chain(answers)
                .collect::<Vec<_>>()
                .join("\n");
        }
    }
    InboundMessage {
        message_id: named(data),
        in_reply_to,
        attachments: files::listed(data),
        chat: Some(ChatArrival {
            command: typed_command(&content),
            ..conversation(from.as_ref())
        }),
        ..said(data, from, content, problems)
    }
}

/// What is no text and would otherwise not be seen by staff.
fn describe(message: &Value, problems: &mut Vec<String>) {
    for sticker in list(message, "/sticker_items") {
        let name = text(sticker, "/name").unwrap_or("without a name");
        problems.push(format!("The message is a sticker: \"{name}\"."));
    }
    if number(message, "/flags").unwrap_or_default() & files::VOICE_NOTE != 0 {
        let seconds = list(message, "/attachments")
            .iter()
            .find_map(|file| file.get("duration_secs")?.as_f64());
        problems.push(match seconds {
            Some(seconds) => format!("The message is a voice note of {seconds:.0} seconds."),
            None => "The message is a voice note.".into(),
        });
    }
}

/// What every kind has in common.
fn said(
    data: &Value,
    from: Option<Party>,
    content: String,
    problems: Vec<String>,
) -> InboundMessage {
    let time = text(data, "/edited_timestamp").or(text(data, "/timestamp"));
    let written: Option<Timestamp> = time.and_then(|time| time.parse().ok());
    InboundMessage {
        from,
        reply_text: content.clone(),
        text: content,
        sent_at: written.or_else(|| id(data, "/id").map(snowflake::made_at)),
        problems,
        ..InboundMessage::default()
    }
}

fn conversation(from: Option<&Party>) -> ChatArrival {
    ChatArrival {
        conversation: from.map(|from| from.address.clone()).unwrap_or_default(),
        ..ChatArrival::default()
    }
}

/// `/status …` typed where the program did not make a command of it.
fn typed_command(content: &str) -> Option<Command> {
    let rest = content.trim().strip_prefix('/')?;
    let (name, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let name = name.to_ascii_lowercase();
    let fine = (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase());
    fine.then(|| Command {
        name,
        argument: argument.trim().to_owned(),
    })
}

/// Who wrote or removed, when the event does not say.
fn person(data: &Value, told: Option<&str>) -> Option<Party> {
    let author = data.get("author").and_then(|author| party(author, None));
    author.or_else(|| {
        told.map(|user| Party {
            address: user.to_owned(),
            name: None,
        })
    })
}

fn alteration(data: &Value, from: Option<&Party>, kind: AlterationKind) -> ChatArrival {
    ChatArrival {
        alters: named(data).map(|message_id| Alteration { message_id, kind }),
        ..conversation(from)
    }
}

fn edited(data: &Value, told: Option<&str>) -> InboundMessage {
    let from = person(data, told);
    let chat = alteration(data, from.as_ref(), AlterationKind::Edited);
    let content = text(data, "/content").unwrap_or_default().to_owned();
    InboundMessage {
        attachments: files::listed(data),
        chat: Some(chat),
        ..said(data, from, content, Vec::new())
    }
}

fn deleted(data: &Value, told: Option<&str>) -> InboundMessage {
    let from = person(data, told);
    let chat = alteration(data, from.as_ref(), AlterationKind::Deleted);
    InboundMessage {
        from,
        chat: Some(chat),
        ..InboundMessage::default()
    }
}

fn interaction(data: &Value) -> InboundMessage {
    // In a server the person is told as its member, elsewhere as a user.
    let from = match data.get("member").filter(|member| member.is_object()) {
        Some(member) => party(
            member.get("user").unwrap_or(&Value::Null),
            text(member, "/nick"),
        ),
        None => data.get("user").and_then(|user| party(user, None)),
    };
    let mut chat = ChatArrival {
        public: arrival::is_public(data),
        ..conversation(from.as_ref())
    };
    let mut content = String::new();
    let mut problems = Vec::new();
    let kind = match number(data, "/type") {
        Some(2) => {
            let name = text(data, "/data/name").unwrap_or_default().to_lowercase();
            let argument = list(data, "/data/options")
                .iter()
                .filter_map(|option| text(option, "/value"))
                .collect::<Vec<_>>()
                .join(" ");
            let argument = argument.trim().to_owned();
            if name == commands::ASK {
                content = argument;
            } else {
                let spoken = format!("/{name} {argument}");
                content = spoken.trim_end().to_owned();
                chat.command = Some(Command { name, argument });
            }
            Kind::Command
        }
        Some(3) => {
            let chosen = list(data, "/data/values").iter().find_map(Value::as_str);
            let key = chosen.or(text(data, "/data/custom_id")).unwrap_or_default();
            let channel = text(data, "/message/channel_id").or(text(data, "/channel_id"));
            chat.pressed = Some(Press {
                key: key.to_owned(),
                under: channel
                    .zip(text(data, "/message/id"))
                    .map(|(channel, message)| message_id(channel, message)),
            });
            Kind::Press
        }
        Some(5) => {
            content = fields(data);
            Kind::Command
        }
        other => {
            let kind = other.unwrap_or_default();
            problems.push(format!(
                "The arrival is an interaction of kind {kind}, which this version does not know."
            ));
            Kind::Command
        }
    };
    chat.reply_handle = Handle::of(data, kind).map(|handle| handle.lend());
    InboundMessage {
        message_id: named(data),
        lang_hint: text(data, "/locale").map(str::to_owned),
        chat: Some(chat),
        ..said(data, from, content, problems)
    }
}

/// What was written into a form, in old and new layout.
fn fields(data: &Value) -> String {
    let mut found = Vec::new();
    for row in list(data, "/data/components") {
        let inner = list(row, "/components").iter().chain(row.get("component"));
        found.extend(inner.filter_map(|field| text(field, "/value")));
    }
    found.join("\n").trim().to_owned()
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
