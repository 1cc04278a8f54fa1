//! What an update is about, read leniently: a field of a form nobody knows yet never stands in the way of those that are known.

use jiff::Timestamp;
use serde_json::Value;
use teloxide::types::AllowedUpdate;

/// The kinds of updates the desk asks for.
pub(crate) const WANTED: [AllowedUpdate; 4] = [
    AllowedUpdate::Message,
    AllowedUpdate::EditedMessage,
    AllowedUpdate::CallbackQuery,
    AllowedUpdate::MyChatMember,
];

/// Events Telegram writes into a chat as messages. Nobody asks anything by them.
const EVENTS: [&str; 17] = [
    "pinned_message",
    "message_auto_delete_timer_changed",
    "write_access_allowed",
    "connected_website",
    "proximity_alert_triggered",
    "chat_background_set",
    "boost_added",
    "new_chat_members",
    "left_chat_member",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
    "video_chat_scheduled",
    "video_chat_started",
    "video_chat_ended",
    "video_chat_participants_invited",
];

/// An update of a private chat that the desk keeps.
pub(crate) enum Update<'a> {
    /// Someone wrote.
    Message(&'a Value),
    /// Someone changed what they wrote.
    Edit(&'a Value),
    /// Someone pressed a button of ours. The query, and the message it stood under.
    Press(&'a Value, &'a Value),
    /// Someone blocked the bot, or let it in again.
    Member(&'a Value),
}

/// Reads an update; `None` for all the desk has no use for: groups, channels, reactions, what is not known yet.
pub(crate) fn read(update: &Value) -> Option<Update<'_>> {
    if let Some(message) = update.get("message") {
        let event = EVENTS.iter().any(|event| message.get(event).is_some());
        return (is_private(message) && !event).then_some(Update::Message(message));
    }
    if let Some(message) = update.get("edited_message") {
        // A shared position "edits" itself every few seconds.
        let moving = message.get("location").is_some();
        return (is_private(message) && !moving).then_some(Update::Edit(message));
    }
    if let Some(query) = update.get("callback_query") {
        let message = query.get("message")?;
        let ours = is_private(message) && text(query, "data").is_some();
        return ours.then_some(Update::Press(query, message));
    }
    let member = update.get("my_chat_member")?;
    (is_private(member) && presence(member).is_some()).then_some(Update::Member(member))
}

/// Whether the status of the bot in a chat says that it can write there; `None` for other changes.
pub(crate) fn presence(member: &Value) -> Option<bool> {
    match text(member.get("new_chat_member")?, "status")? {
        "kicked" => Some(false),
        "member" => Some(true),
        _ => None,
    }
}

/// The id under which an update is stored, unique for ever: Telegram begins its numbering of updates anew after a quiet week,
/// and the numbers of messages belong to a bot and a chat.
pub(crate) fn external_id(bot: &str, update: &Value) -> Option<String> {
    let number = number(update, "update_id")?;
    Some(match read(update)? {
        Update::Message(message) => format!("{bot}/message/{}", message_id(message)?),
        Update::Edit(message) => {
            let at = self::number(message, "edit_date").unwrap_or_default();
            format!("{bot}/edit/{}/{at}/{number}", message_id(message)?)
        }
        Update::Press(query, _) => format!("{bot}/press/{}", text(query, "id")?),
        Update::Member(member) => {
            let at = self::number(member, "date").unwrap_or_default();
            format!("{bot}/member/{}/{at}/{number}", chat(member)?)
        }
    })
}

/// When Telegram took it. Not after `now`, whatever the clocks say.
pub(crate) fn received_at(update: &Value, now: Timestamp) -> Timestamp {
    let seconds = match read(update) {
        Some(Update::Message(message)) => number(message, "date"),
        Some(Update::Edit(message)) => number(message, "edit_date"),
        Some(Update::Member(member)) => number(member, "date"),
        // The date of a pressed button is that of the message it stood under.
        Some(Update::Press(..)) | None => None,
    };
    instant(seconds).map_or(now, |at| at.min(now))
}

/// The id of a pressed button's query, which wants an answer even when the press itself is of no use.
pub(crate) fn query(update: &Value) -> Option<&str> {
    text(update.get("callback_query")?, "id")
}

/// `<chat>/<message>`: how the desk names a message of a chat.
pub(crate) fn message_id(message: &Value) -> Option<String> {
    Some(format!(
        "{}/{}",
        chat(message)?,
        number(message, "message_id")?
    ))
}

/// The chat a message belongs to.
pub(crate) fn chat(message: &Value) -> Option<i64> {
    number(message.get("chat")?, "id")
}

fn is_private(message: &Value) -> bool {
    message
        .get("chat")
        .is_some_and(|chat| text(chat, "type") == Some("private"))
}

/// A text field that says something.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// A whole number.
pub(crate) fn number(value: &Value, key: &str) -> Option<i64> {
    value.get(key)?.as_i64()
}

/// Seconds since 1970; 0 is Telegram's word for "unknown".
pub(crate) fn instant(seconds: Option<i64>) -> Option<Timestamp> {
    let seconds = seconds.filter(|seconds| *seconds > 0)?;
    Timestamp::from_second(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn id(update: Value) -> Option<String> {
        external_id("7", &update)
    }

    #[test]
    fn what_is_kept_has_an_id_that_the_bot_and_not_the_update_makes_unique() {
        let chat = json!({"id": 5, "type": "private"});
        let message =
            json!({"message_id": 9, "date": 100, "edit_date": 200, "chat": chat, "text": "x"});
        let of = |kind: &str, body: &Value| id(json!({"update_id": 3, kind: body}));
        assert_eq!(of("message", &message).unwrap(), "7/message/5/9");
        assert_eq!(of("edited_message", &message).unwrap(), "7/edit/5/9/200/3");
        let press = json!({"id": "q1", "message": message, "data": "yes"});
        assert_eq!(of("callback_query", &press).unwrap(), "7/press/q1");
        let gone = json!({"chat": chat, "date": 50, "new_chat_member": {"status": "kicked"}});
        assert_eq!(of("my_chat_member", &gone).unwrap(), "7/member/5/50/3");
    }

    #[test]
    fn groups_events_reactions_and_unknown_things_are_not_kept() {
        let private = json!({"id": 5, "type": "private"});
        for update in [
            json!({"update_id": 3, "message": {"message_id": 9, "chat": {"id": -5, "type": "group"}, "text": "@bot hello"}}),
            json!({"update_id": 3, "message": {"message_id": 9, "chat": private, "pinned_message": {}}}),
            json!({"update_id": 3, "message": {"message_id": "nine", "chat": private}}),
            json!({"update_id": 3, "message": 17}),
            json!({"update_id": 3, "edited_message": {"message_id": 9, "chat": private, "location": {}}}),
            json!({"update_id": 3, "message_reaction": {"chat": private}}),
            json!({"update_id": 3, "callback_query": {"id": "q", "inline_message_id": "i", "data": "x"}}),
            json!({"update_id": 3, "my_chat_member": {"chat": private, "new_chat_member": {"status": "restricted"}}}),
            json!({"update_id": 3, "thing_of_the_year_2040": {"chat": private}}),
            json!([1]),
        ] {
            assert_eq!(id(update.clone()), None, "{update}");
        }
    }

    #[test]
    fn an_arrival_counts_from_telegrams_own_time_but_never_from_the_future() {
        let now = Timestamp::from_second(1_000).unwrap();
        let at = |date: i64| {
            let message =
                json!({"message_id": 9, "date": date, "chat": {"id": 5, "type": "private"}});
            received_at(&json!({"update_id": 1, "message": message}), now).as_second()
        };
        assert_eq!((at(900), at(2_000), at(0)), (900, 1_000, 1_000));
    }
}
