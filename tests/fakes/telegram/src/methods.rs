//! What each method does.

use crate::server::{Answer, refuse};
use crate::state::{Bot, Hook, Sent, now};
use crate::{Shared, deliver};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Most UTF-16 units of a message.
const LONGEST_TEXT: usize = 4096;
/// Most bytes of a file a bot is given.
const LARGEST_FILE: usize = 20 * 1024 * 1024;

/// Does what a method does. `None`: the connection is cut.
pub(crate) async fn carry_out(
    shared: &Arc<Shared>,
    token: &str,
    method: &'static str,
    body: &Value,
) -> Option<Answer> {
    if method == "getUpdates" {
        return get_updates(shared, token, body).await;
    }
    let answer = {
        let mut world = shared.world();
        let bot = world.bots.get_mut(token)?;
        match method {
            "getMe" => {
                let mut me = bot.me();
                me["can_join_groups"] = json!(true);
                Ok(me)
            }
            "setWebhook" => set_webhook(bot, body),
            "deleteWebhook" => {
                bot.set_webhook(None, None);
                drop_pending(bot, body);
                Ok(json!(true))
            }
            "getWebhookInfo" => Ok(webhook_info(bot)),
            "sendMessage" => send_message(bot, body),
            "sendChatAction" => may_write(bot, body).map(|chat| {
                *bot.typing.entry(chat).or_default() += 1;
                json!(true)
            }),
            "answerCallbackQuery" => {
                let query = body["callback_query_id"].as_str().unwrap_or_default();
                match bot.queries.get_mut(query) {
                    Some(answered) if !*answered => {
                        *answered = true;
                        Ok(json!(true))
                    }
                    _ => Err(refuse(
                        400,
                        "Bad Request: query is too old and response timeout expired or query ID is invalid",
                    )),
                }
            }
            "getFile" => get_file(bot, body),
            _ => Err(refuse(404, "Not Found: method not found")),
        }
    };
    if method == "setWebhook" && answer.is_ok() {
        deliver::start(shared.clone(), token.to_owned());
    }
    Some(answer)
}

async fn get_updates(shared: &Arc<Shared>, token: &str, body: &Value) -> Option<Answer> {
    let mut changes = shared.watch();
    let wait = body["timeout"].as_u64().unwrap_or_default();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(wait);
    let limit = body["limit"].as_u64().unwrap_or(100).clamp(1, 100) as usize;
    let mine = {
        let mut world = shared.world();
        let bot = world.bots.get_mut(token)?;
        if let Some(kinds) = body.get("allowed_updates") {
            bot.allowed = kinds_of(kinds);
        }
        if let Some(offset) = body["offset"].as_i64().filter(|_| bot.webhook.is_none()) {
            bot.confirm(offset);
        }
        bot.polls += 1;
        bot.polls
    };
    shared.wake();
    loop {
        changes.borrow_and_update();
        {
            let mut world = shared.world();
            if world.down {
                return None;
            }
            let bot = world.bots.get_mut(token)?;
            if bot.webhook.is_some() {
                return Some(Err(refuse(
                    409,
                    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
                )));
            }
            if bot.polls != mine {
                return Some(Err(refuse(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
                )));
            }
            let found: Vec<Value> = bot
                .updates
                .iter()
                .take(limit)
                .map(|(_, update)| update.clone())
                .collect();
            if !found.is_empty() || tokio::time::Instant::now() >= deadline {
                return Some(Ok(Value::Array(found)));
            }
        }
        let _ = tokio::time::timeout_at(deadline, changes.changed()).await;
    }
}

fn kinds_of(kinds: &Value) -> Option<Vec<String>> {
    let kinds: Vec<String> = serde_json::from_value(kinds.clone()).ok()?;
    Some(kinds).filter(|kinds| !kinds.is_empty())
}

fn set_webhook(bot: &mut Bot, body: &Value) -> Answer {
    let url = body["url"].as_str().unwrap_or_default();
    if url.is_empty() {
        bot.set_webhook(None, None);
        return Ok(json!(true));
    }
    // The real one wants https; a test's desk listens on this machine.
    if !url.starts_with("https://") && !url.starts_with("http://127.0.0.1:") {
        return Err(refuse(
            400,
            "Bad Request: bad webhook: An HTTPS URL must be provided for webhook",
        ));
    }
    let secret = body["secret_token"].as_str().map(ToOwned::to_owned);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if let Some(secret) = &secret
        && (secret.len() > 256 || !secret.chars().all(plain))
    {
        return Err(refuse(
            400,
            "Bad Request: secret token contains unallowed characters",
        ));
    }
    if let Some(kinds) = body.get("allowed_updates") {
        bot.allowed = kinds_of(kinds);
    }
    drop_pending(bot, body);
    let hook = Hook {
        url: url.into(),
        secret,
        max_connections: body["max_connections"].as_i64(),
        last_error: None,
    };
    bot.set_webhook(Some(url.into()), Some(hook));
    Ok(json!(true))
}

fn drop_pending(bot: &mut Bot, body: &Value) {
    if body["drop_pending_updates"] == json!(true) {
        bot.updates.clear();
    }
}

fn webhook_info(bot: &Bot) -> Value {
    let mut info = json!({"url": "", "has_custom_certificate": false, "pending_update_count": bot.updates.len()});
    if let Some(hook) = &bot.webhook {
        info["url"] = json!(hook.url);
        info["max_connections"] = json!(hook.max_connections.unwrap_or(40));
        if let Some((at, words)) = &hook.last_error {
            info["last_error_date"] = json!(at);
            info["last_error_message"] = json!(words);
        }
    }
    info
}

/// The chat, when the bot may write there.
fn may_write(bot: &Bot, body: &Value) -> Result<i64, crate::server::Refusal> {
    let chat = body["chat_id"].as_i64().unwrap_or_default();
    match bot.people.get(&chat) {
        None => Err(refuse(400, "Bad Request: chat not found")),
        Some(person) if person.blocked => {
            Err(refuse(403, "Forbidden: bot was blocked by the user"))
        }
        Some(person) if !person.started => Err(refuse(
            403,
            "Forbidden: bot can't initiate conversation with a user",
        )),
        Some(_) => Ok(chat),
    }
}

fn send_message(bot: &mut Bot, body: &Value) -> Answer {
    let chat = may_write(bot, body)?;
    let text = body["text"].as_str().unwrap_or_default().trim();
    if text.is_empty() {
        return Err(refuse(400, "Bad Request: message text is empty"));
    }
    if text.encode_utf16().count() > LONGEST_TEXT {
        return Err(refuse(400, "Bad Request: message is too long"));
    }
    let buttons = buttons(&body["reply_markup"])?;
    let answered = body["reply_parameters"]["message_id"].as_i64();
    let found = answered
        .and_then(|id| bot.messages.get(&(chat, id)))
        .cloned();
    let lenient = body["reply_parameters"]["allow_sending_without_reply"] == json!(true);
    if answered.is_some() && found.is_none() && !lenient {
        return Err(refuse(400, "Bad Request: message to be replied not found"));
    }
    let message_id = bot.number_message();
    let mut message = json!({
        "message_id": message_id, "date": now(), "from": bot.me(), "text": text,
        "chat": {"id": chat, "type": "private", "first_name": bot.people[&chat].first_name},
    });
    if let Some(found) = &found {
        message["reply_to_message"] = found.clone();
    }
    if body.get("reply_markup").is_some() {
        message["reply_markup"] = body["reply_markup"].clone();
    }
    bot.messages.insert((chat, message_id), message.clone());
    let sent = Sent {
        message_id,
        text: text.into(),
        buttons,
        reply_to: answered.filter(|_| found.is_some()),
    };
    bot.sent.push((chat, sent));
    Ok(message)
}

fn buttons(markup: &Value) -> Result<Vec<Vec<(String, String)>>, crate::server::Refusal> {
    let mut rows = Vec::new();
    for row in markup["inline_keyboard"].as_array().into_iter().flatten() {
        let mut buttons = Vec::new();
        for button in row.as_array().into_iter().flatten() {
            let label = button["text"].as_str().unwrap_or_default();
            let key = button["callback_data"].as_str().unwrap_or_default();
            if !(1..=64).contains(&key.len()) {
                return Err(refuse(400, "Bad Request: BUTTON_DATA_INVALID"));
            }
            if label.trim().is_empty() {
                return Err(refuse(
                    400,
                    "Bad Request: inline keyboard button text is empty",
                ));
            }
            buttons.push((label.to_owned(), key.to_owned()));
        }
        if buttons.len() > 8 {
            return Err(refuse(400, "Bad Request: BUTTON_ROW_TOO_LONG"));
        }
        rows.push(buttons);
    }
    Ok(rows)
}

fn get_file(bot: &Bot, body: &Value) -> Answer {
    let id = body["file_id"].as_str().unwrap_or_default();
    match bot.files.get(id) {
        Some(file) if file.told > LARGEST_FILE => Err(refuse(400, "Bad Request: file is too big")),
        Some(file) => Ok(json!({
            "file_id": id, "file_unique_id": format!("u-{id}"), "file_size": file.told, "file_path": file.path,
        })),
        None => Err(refuse(400, "Bad Request: invalid file_id")),
    }
}
