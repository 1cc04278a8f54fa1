//! What is stored of an arrival: the server's JSON with its event name, as the gateway writes it, and the few words decoding
//! needs that the server does not repeat.

use serde_json::{Value, json};

/// A direct message.
pub const MESSAGE: &str = "MESSAGE_CREATE";
/// A changed direct message.
pub const EDITED: &str = "MESSAGE_UPDATE";
/// A direct message taken back.
pub const DELETED: &str = "MESSAGE_DELETE";
/// A slash command, a pressed button, a submitted form.
pub const INTERACTION: &str = "INTERACTION_CREATE";

/// `{"t": event, "d": what the server sent, unchanged}`, and the person where the event does not name him.
pub fn wrap(event: &str, json: &str, user: Option<&str>) -> Vec<u8> {
    match user {
        Some(user) => format!(
            r#"{{"t":{},"d":{json},"desk":{{"user":{}}}}}"#,
            json!(event),
            json!(user)
        ),
        None => format!(r#"{{"t":{},"d":{json}}}"#, json!(event)),
    }
    .into_bytes()
}

/// The text at a path.
pub fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    value.pointer(path).and_then(Value::as_str)
}

/// The number at a path.
pub fn number(value: &Value, path: &str) -> Option<u64> {
    value.pointer(path).and_then(Value::as_u64)
}

/// The id at a path.
pub fn id(value: &Value, path: &str) -> Option<u64> {
    text(value, path).and_then(crate::snowflake::parse)
}

/// The list at a path; empty when there is none.
pub fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    value
        .pointer(path)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Whether a message was written by a person for the desk: not by a bot, not by the system (pins, calls, joins).
pub fn is_from_person(message: &Value) -> bool {
    let by_machine = message.pointer("/author/bot") == Some(&Value::Bool(true))
        || message.pointer("/author/system") == Some(&Value::Bool(true))
        || message.get("webhook_id").is_some_and(|id| !id.is_null());
    // 0 a message, 19 an answer to one; the rest are notices of the server and answers of bots.
    !by_machine && matches!(number(message, "/type"), Some(0 | 19) | None)
}

/// Whether others read along where an interaction happened. Only a conversation with the bot alone is private; in doubt they do.
pub fn is_public(interaction: &Value) -> bool {
    match number(interaction, "/context") {
        Some(1) => false,
        Some(_) => true,
        // The form of a message is not told where it was filled in: its name says it.
        None if text(interaction, "/data/custom_id") == Some(crate::commands::ASIDE) => true,
        None => {
            interaction
                .get("guild_id")
                .is_some_and(|guild| !guild.is_null())
                || number(interaction, "/channel/type") != Some(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_sent_stays_as_it_was() {
        let json = r#"{ "id":"5", "content" : "a\u3042",   "x":1.0 }"#;
        let stored = String::from_utf8(wrap(MESSAGE, json, Some("7"))).unwrap();
        assert!(stored.contains(json));
        let value: Value = serde_json::from_str(&stored).unwrap();
        assert_eq!(text(&value, "/t"), Some(MESSAGE));
        assert_eq!(text(&value, "/desk/user"), Some("7"));
    }

    #[test]
    fn only_a_conversation_with_the_bot_alone_is_private() {
        for (interaction, public) in [
            (json!({"context": 1}), false),
            (json!({"context": 0, "guild_id": "4"}), true),
            (json!({"context": 2, "channel": {"type": 1}}), true),
            (json!({"channel": {"type": 1}}), false),
            (json!({"channel": {"type": 3}}), true),
            (json!({"guild_id": "4", "channel": {"type": 0}}), true),
            (
                json!({"channel": {"type": 1}, "data": {"custom_id": crate::commands::ASIDE}}),
                true,
            ),
            (json!({}), true),
        ] {
            assert_eq!(is_public(&interaction), public, "{interaction}");
        }
    }

    #[test]
    fn notices_and_bots_are_nobody() {
        assert!(is_from_person(&json!({"type": 0, "author": {"id": "3"}})));
        assert!(is_from_person(
            &json!({"type": 19, "author": {"bot": false}})
        ));
        assert!(!is_from_person(&json!({"type": 6, "author": {"id": "3"}})));
        assert!(!is_from_person(
            &json!({"type": 0, "author": {"bot": true}})
        ));
        assert!(!is_from_person(&json!({"type": 0, "webhook_id": "8"})));
    }
}
