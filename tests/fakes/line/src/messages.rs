//! Messages from the desk to people: replies and pushes.

use crate::FakeLine;
use crate::render::render;
use crate::rules;
use crate::server::{API, Reply, Request, error, json_reply, ok};
use crate::state::By;
use serde_json::{Value, json};

/// Faults in messages are answered as LINE does, and kept.
fn check_messages(fake: &FakeLine, schema: &str, request: &Request) -> Option<Reply> {
    fake.check_request(schema, request);
    let faults = rules::messages(&request.body);
    for fault in &faults {
        fake.violation(format!("{}: {fault}", request.path));
    }
    let details: Vec<Value> = faults
        .iter()
        .filter_map(|fault| fault.split_once(": "))
        .map(|(property, message)| json!({"message": message, "property": property}))
        .collect();
    (!faults.is_empty()).then(|| {
        json_reply(
            400,
            Some((API, "ErrorResponse")),
            json!({"message": format!("The request body has {} error(s)", faults.len()), "details": details}),
        )
    })
}

/// Answers an event.
pub fn reply(fake: &FakeLine, request: &Request) -> Reply {
    if let Some(refused) = check_messages(fake, "ReplyMessageRequest", request) {
        return refused;
    }
    let token = request.body["replyToken"].as_str().unwrap_or_default();
    let user = fake.with(|state| {
        let life = state.reply_life;
        let known = state.reply_tokens.get_mut(token)?;
        if known.used || known.issued_at.elapsed() > life {
            return None;
        }
        known.used = true;
        Some(known.user.clone())
    });
    match user {
        Some(user) => {
            let ids = show(fake, &user, By::Reply, &request.body);
            ok("ReplyMessageResponse", sent_messages(&ids))
        }
        None => error(400, "Invalid reply token"),
    }
}

/// Writes to a person at any time.
pub fn push(fake: &FakeLine, request: &Request) -> Reply {
    let key = request.header("x-line-retry-key");
    match key {
        Some(key) if rules::is_uuid(key) => {}
        _ => fake.violation(format!("push: X-Line-Retry-Key is {key:?}, not a UUID")),
    }
    if let Some((first, ids)) =
        key.and_then(|key| fake.with(|state| state.retry_keys.get(key).cloned()))
    {
        let mut again = error(409, "The retry key is already accepted");
        again.body["sentMessages"] = sent_messages(&ids)["sentMessages"].clone();
        again.accepted = Some(first);
        return again;
    }
    if let Some(refused) = check_messages(fake, "PushMessageRequest", request) {
        return refused;
    }
    let user = request.body["to"].as_str().unwrap_or_default().to_owned();
    if !fake.with(|state| state.people.contains_key(&user)) {
        return error(400, "Failed to send messages");
    }
    let room = fake.with(|state| state.quota.is_none_or(|limit| state.used_quota < limit));
    if !room {
        return error(429, "You have reached your monthly limit.");
    }
    let ids = show(fake, &user, By::Push, &request.body);
    fake.with(|state| {
        state.used_quota += 1;
        let request_id = format!("fake-{}", state.requests.len());
        if let Some(key) = key {
            state
                .retry_keys
                .insert(key.to_owned(), (request_id, ids.clone()));
        }
    });
    ok("PushMessageResponse", sent_messages(&ids))
}

fn sent_messages(ids: &[String]) -> Value {
    let sent: Vec<Value> = ids
        .iter()
        .map(|id| json!({"id": id, "quoteToken": format!("quote-{id}")}))
        .collect();
    json!({ "sentMessages": sent })
}

/// Puts messages before a person, unless that person has blocked the account: LINE says 200 all the same.
fn show(fake: &FakeLine, user: &str, by: By, body: &Value) -> Vec<String> {
    fake.with(|state| {
        let blocked = state.people.get(user).is_some_and(|person| person.blocked);
        let mut ids = Vec::new();
        for message in body["messages"].as_array().into_iter().flatten() {
            let id = state.message_id();
            if !blocked {
                state.sent.push(render(id.clone(), user, by, message));
                state.last_in_chat.insert(user.to_owned(), id.clone());
            }
            ids.push(id);
        }
        ids
    })
}
