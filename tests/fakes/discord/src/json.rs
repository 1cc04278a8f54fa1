//! Objects as the server writes them.

use crate::people::Person;
use crate::state::{Sent, State, Way};
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

/// RFC 3339 as the server writes it, from an id.
pub(crate) fn time_of(id: u64) -> String {
    let since = Duration::from_millis((id >> 22) + 1_420_070_400_000);
    rfc3339(since)
}

/// RFC 3339 of now.
pub(crate) fn now() -> String {
    rfc3339(
        std::time::SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap(),
    )
}

fn rfc3339(since: Duration) -> String {
    let seconds = since.as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days to a date: Hinnant's civil_from_days.
    let z = i64::try_from(days).unwrap() + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}+00:00",
        rest / 3600,
        rest / 60 % 60,
        rest % 60,
        since.subsec_micros()
    )
}

pub(crate) fn user(person: &Person) -> Value {
    json!({
        "id": person.id.to_string(), "username": person.name.to_lowercase().replace(' ', "."), "global_name": person.name,
        "avatar": null, "discriminator": "0", "public_flags": 0, "flags": 0, "primary_guild": null,
    })
}

pub(crate) fn bot(state: &State) -> Value {
    json!({
        "id": state.bot.to_string(), "username": "desk", "global_name": null, "avatar": null, "discriminator": "4711",
        "public_flags": 0, "flags": 0, "primary_guild": null, "bot": true,
    })
}

pub(crate) fn message(id: u64, channel: u64, author: Value, content: &str) -> Value {
    json!({
        "id": id.to_string(), "channel_id": channel.to_string(), "type": 0, "content": content, "author": author,
        "mentions": [], "mention_roles": [], "mention_everyone": false, "attachments": [], "embeds": [], "components": [],
        "timestamp": time_of(id), "edited_timestamp": null, "flags": 0, "pinned": false, "tts": false,
    })
}

/// Components as they come back: numbered, with defaults written out.
pub(crate) fn components(rows: Option<&Value>) -> Value {
    let mut next = 0;
    let mut numbered = |mut component: Value| {
        next += 1;
        component["id"] = json!(next);
        component
    };
    let rows = rows.and_then(Value::as_array).cloned().unwrap_or_default();
    let rows = rows.into_iter().map(|row| {
        let inner: Vec<Value> = row["components"].as_array().cloned().unwrap_or_default();
        let inner: Vec<Value> = inner
            .into_iter()
            .map(|mut component| {
                if component["type"] == 3 {
                    component["min_values"] = json!(1);
                    component["max_values"] = json!(1);
                }
                numbered(component)
            })
            .collect();
        let mut row = numbered(row);
        row["components"] = json!(inner);
        row
    });
    rows.collect()
}

/// A message of the bot as the person sees it.
pub(crate) fn sent(message: &Value, way: Way) -> Sent {
    let mut choices = Vec::new();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for row in message["components"].as_array().into_iter().flatten() {
        for component in row["components"].as_array().into_iter().flatten() {
            if component["type"] == 2 {
                choices.push((word(&component["custom_id"]), word(&component["label"])));
            }
            for option in component["options"].as_array().into_iter().flatten() {
                choices.push((word(&option["value"]), word(&option["label"])));
            }
        }
    }
    let content = word(&message["content"]);
    Sent {
        id: format!("{}/{}", word(&message["channel_id"]), word(&message["id"])),
        text: shown(&content),
        content,
        choices,
        alone: message["flags"].as_u64().unwrap_or_default() & 64 != 0,
        way,
    }
}

/// Escapes are not shown.
fn shown(content: &str) -> String {
    let mut out = String::new();
    let mut chars = content.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.peek().is_some_and(char::is_ascii_punctuation) {
            out.extend(chars.next());
        } else {
            out.push(c);
        }
    }
    out
}

pub(crate) fn private_channel(state: &State, id: u64) -> Value {
    let conversation = &state.conversations[&id];
    let last = conversation.messages.keys().last().map(u64::to_string);
    let person = &state.people[&conversation.user].person;
    json!({
        "id": id.to_string(), "type": 1, "flags": 0, "recipients": [user(person)], "last_message_id": last,
    })
}

pub(crate) fn application(state: &State) -> Value {
    json!({
        "id": state.application.to_string(), "name": "Desk", "icon": null, "description": "", "type": null,
        "verify_key": "00", "flags": 0, "flags_new": "0", "redirect_uris": [], "interactions_endpoint_url": state.endpoint,
        "role_connections_verification_url": null, "owner": bot(state), "approximate_guild_count": 1,
        "approximate_user_install_count": 0, "approximate_user_authorization_count": 0, "explicit_content_filter": 0, "team": null,
        "eligible_oauth2_scopes": [], "bot": bot(state), "bot_public": false,
    })
}

pub(crate) fn me(state: &State) -> Value {
    let mut me = bot(state);
    me["mfa_enabled"] = json!(false);
    me["locale"] = json!("en-US");
    me["verified"] = json!(true);
    me["email"] = json!(null);
    me
}

pub(crate) fn ready(state: &State, session: &str) -> Value {
    json!({
        "v": 10, "user": me(state), "guilds": [{"id": state.guild.to_string(), "unavailable": true}], "session_id": session,
        "resume_gateway_url": format!("ws://{}", state.address), "shard": [0, 1],
        "application": {"id": state.application.to_string(), "flags": 0},
    })
}

/// With addresses of files that are good now.
pub(crate) fn with_files(state: &State, message: &Value) -> Value {
    let mut message = message.clone();
    let sign = |message: &mut Value| {
        for file in message["attachments"].as_array_mut().into_iter().flatten() {
            let path = file["proxy_url"].as_str().unwrap_or_default().to_owned();
            let url = format!("{path}?ex={}", state.signature);
            file["url"] = json!(url);
        }
    };
    sign(&mut message);
    if let Some(snapshots) = message
        .get_mut("message_snapshots")
        .and_then(Value::as_array_mut)
    {
        snapshots
            .iter_mut()
            .for_each(|snapshot| sign(&mut snapshot["message"]));
    }
    message
}
