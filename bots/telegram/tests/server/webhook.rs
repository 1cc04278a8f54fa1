//! Updates by webhook: the server really calls.

use crate::world::*;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use madoguchi_channel::{Channel, ChatDeparture, Choice, Door, WebhookError};
use madoguchi_fake_telegram::{FakeTelegram, Fault};
use madoguchi_telegram::{Mode, Secret, TelegramChannel, TelegramConfig};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

/// The desk's web side: admits, stores, and only then answers 200.
struct Desk {
    channel: Arc<TelegramChannel>,
    door: Arc<MemoryDoor>,
    /// Another answer than the true one, when not 0.
    trouble: AtomicU16,
}

async fn called(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let trouble = desk.trouble.load(Ordering::SeqCst);
    if trouble != 0 {
        return StatusCode::from_u16(trouble).unwrap();
    }
    let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
    let arrivals = match desk.channel.admit(&header, &body, Timestamp::now()) {
        Ok(arrivals) => arrivals,
        Err(WebhookError::Forged) => return StatusCode::UNAUTHORIZED,
        Err(WebhookError::Malformed) => return StatusCode::BAD_REQUEST,
    };
    match desk.door.store("chat", arrivals, None).await {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn hooked(fake: &FakeTelegram, port: u16) -> TelegramConfig {
    let mut config = config(fake);
    config.mode = Mode::Webhook;
    config.public_url = Some(format!("http://127.0.0.1:{port}"));
    config.webhook_watch_seconds = 1;
    config
}

async fn desk(fake: &FakeTelegram) -> Arc<Desk> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    let desk = Arc::new(Desk {
        channel: channel(hooked(fake, port)),
        door: MemoryDoor::new(),
        trouble: AtomicU16::new(0),
    });
    let path = desk.channel.webhook_path().unwrap();
    assert_eq!(path, "/webhooks/telegram/chat");
    let router = Router::new()
        .route(&path, axum::routing::post(called))
        .with_state(desk.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    desk
}

#[tokio::test]
async fn the_server_calls_and_is_believed_by_its_secret() {
    let fake = FakeTelegram::start().await;
    let desk = desk(&fake).await;
    let running = Running::start(desk.channel.clone(), &desk.door);
    desk.door.wait_up().await;
    fake.say(MINH, "question");
    desk.door.wait_for(1).await;
    let mut answer = message("m1", MINH, "Did this help?");
    answer.chat = Some(ChatDeparture {
        choices: vec![Choice {
            key: "yes".into(),
            label: "Yes".into(),
        }],
        ..ChatDeparture::default()
    });
    desk.channel.send(&answer).await.unwrap();
    fake.press(MINH, fake.next_sent(MINH).await.message_id, "yes");
    desk.door.wait_for(2).await;
    fake.wait_presses_answered().await;
    fake.say_in_group(MINH, "not for us");
    fake.wait_confirmed().await;
    assert_eq!(desk.door.arrivals().len(), 2);
    let set = &fake.requests("setWebhook")[0].body;
    assert_eq!(
        set["allowed_updates"],
        json!([
            "message",
            "edited_message",
            "callback_query",
            "my_chat_member"
        ])
    );
    assert_eq!(set["max_connections"], json!(20));
    assert!(set.get("drop_pending_updates").is_none());
    running.stop().await;
    assert!(fake.webhook().is_some(), "it stays for the next start");
    assert!(fake.requests("deleteWebhook").is_empty() && fake.requests("getUpdates").is_empty());
    fake.assert_clean();
}

#[tokio::test]
async fn what_the_desk_could_not_store_is_called_again_and_operators_know() {
    let fake = FakeTelegram::start().await;
    let desk = desk(&fake).await;
    let running = Running::start(desk.channel.clone(), &desk.door);
    desk.door.wait_up().await;
    desk.trouble.store(502, Ordering::SeqCst);
    fake.say(MINH, "in a bad moment");
    let told = desk.door.wait_down("Telegram cannot deliver").await;
    assert!(
        told.contains("1 updates wait") && told.contains("502"),
        "{told}"
    );
    desk.trouble.store(0, Ordering::SeqCst);
    desk.door.wait_for(1).await;
    desk.door.wait_up().await;
    running.stop().await;
    assert_eq!(desk.door.arrivals().len(), 1);
    fake.assert_clean();
}

#[tokio::test]
async fn a_webhook_that_is_lost_is_set_again() {
    let fake = FakeTelegram::start().await;
    let desk = desk(&fake).await;
    let running = Running::start(desk.channel.clone(), &desk.door);
    desk.door.wait_up().await;
    for url in [None, Some("https://127.0.0.1:9/elsewhere")] {
        fake.hijack_webhook(url);
        desk.door.wait_down("another program uses this bot").await;
        desk.door.wait_up().await;
    }
    fake.say(MINH, "still here");
    desk.door.wait_for(1).await;
    running.stop().await;
    fake.assert_clean();
}

#[tokio::test]
async fn registering_is_tried_again_and_a_refused_token_ends_it() {
    let fake = FakeTelegram::start().await;
    let desk = desk(&fake).await;
    let refused = Fault::Refuse(400, "Bad Request: bad webhook: Failed to resolve host");
    fake.fail("setWebhook", refused, 1);
    let running = Running::start(desk.channel.clone(), &desk.door);
    let told = desk.door.wait_down("Failed to resolve host").await;
    assert!(told.contains("check public_url"), "{told}");
    desk.door.wait_up().await;
    fake.revoke_token();
    let fault = running.ended().await.unwrap_err();
    assert!(fault.permanent);
    desk.door.wait_down("BotFather").await;
}

#[tokio::test]
async fn a_call_without_the_secret_or_without_sense_is_not_taken() {
    let fake = FakeTelegram::start().await;
    let mut config = hooked(&fake, 9);
    config.webhook_secret = Some(Secret::new("the-right-one"));
    let chat = channel(config);
    let call = |secret: Option<&str>, body: &str| {
        let secret = secret.map(ToOwned::to_owned);
        let header = move |name: &str| match name {
            "x-telegram-bot-api-secret-token" => secret.clone(),
            _ => None,
        };
        chat.admit(&header, body.as_bytes(), Timestamp::now())
    };
    let update = json!({"update_id": 1, "message": {"message_id": 2, "date": 3, "chat": {"id": 4, "type": "private"}, "text": "x"}});
    let update = format!("  {update}\n");
    for secret in [
        None,
        Some(""),
        Some("the-wrong-one"),
        Some("the-right-one "),
    ] {
        assert_eq!(call(secret, &update), Err(WebhookError::Forged));
    }
    let right = Some("the-right-one");
    let taken = call(right, &update).unwrap();
    assert_eq!(taken[0].bytes, update.as_bytes(), "unchanged");
    for body in ["", "hello", "[]", "{}", r#"{"update_id":"one"}"#] {
        assert_eq!(call(right, body), Err(WebhookError::Malformed), "{body}");
    }
    // Taken, so that it is not called for ever, and not kept.
    assert_eq!(
        call(right, r#"{"update_id":5,"thing_of_the_year_2040":{}}"#),
        Ok(vec![])
    );

    let polling = channel(crate::world::config(&fake));
    assert_eq!(polling.webhook_path(), None);
    let header = |_: &str| Some(String::new());
    let taken = polling.admit(&header, update.as_bytes(), Timestamp::now());
    assert_eq!(taken, Err(WebhookError::Forged));
}

#[tokio::test]
async fn a_check_tells_the_operator_what_it_found() {
    let fake = FakeTelegram::start().await;
    let lines = channel(config(&fake)).check().await.unwrap();
    assert!(lines[0].starts_with("signed in as @desk_"), "{lines:?}");
    assert_eq!(lines[1], "long polling, 0 updates wait");
    assert!(lines[2].contains("/setjoingroups"), "{lines:?}");
    let desk = desk(&fake).await;
    let lines = desk.channel.check().await.unwrap();
    assert!(lines[1].contains("not set yet"), "{lines:?}");
    assert_eq!(
        desk.channel.receive_once(desk.door.clone()).await.unwrap(),
        0
    );
    desk.door.wait_up().await;
    let lines = desk.channel.check().await.unwrap();
    assert_eq!(lines[1], "webhook set, 0 updates wait");
    fake.assert_clean();
}
