//! The fake is as strict, and as forgetful, as the server it stands for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use madoguchi_fake_telegram::{FakeTelegram, Fault};
use serde_json::{Value, json};
use std::time::Duration;

async fn ask(fake: &FakeTelegram, method: &str, body: Value) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/bot{}/{method}", fake.base_url(), fake.token());
    let answer = client.post(url).json(&body).send().await.unwrap();
    answer.json().await.unwrap()
}

fn numbers(answer: &Value) -> Vec<i64> {
    let updates = answer["result"].as_array().unwrap();
    updates
        .iter()
        .map(|update| update["update_id"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_request_that_is_not_the_vendors_is_noticed() {
    let fake = FakeTelegram::start().await;
    fake.say(5, "hello");
    let mut wrong = vec![
        (
            "sendMessage",
            json!({"chat_id": 5, "text": "x", "colour": "red"}),
        ),
        (
            "sendMessage",
            json!({"chat_id": 5, "text": "x", "reply_parameters": null}),
        ),
        ("sendMessage", json!({"chat_id": 5})),
        ("sendPhoto", json!({"chat_id": 5})),
        ("getUpdates", json!([1])),
    ];
    // What lies deeper is known by the vendor's schema alone.
    if std::env::var_os("MADOGUCHI_CORPORA").is_some() {
        let preview = json!({"is_disabled": "yes"});
        let keyboard = json!({"inline_keyboard": [[{"label": "x", "callback_data": "k"}]]});
        wrong.push((
            "sendMessage",
            json!({"chat_id": 5, "text": "x", "link_preview_options": preview}),
        ));
        wrong.push((
            "sendMessage",
            json!({"chat_id": 5, "text": "x", "reply_markup": keyboard}),
        ));
        wrong.push(("getMe", json!({"verbose": true})));
    }
    for (method, body) in wrong {
        let before = fake.violations().len();
        ask(&fake, method, body.clone()).await;
        assert!(fake.violations().len() > before, "{method} {body}");
    }
}

#[tokio::test]
async fn updates_are_kept_until_they_are_confirmed() {
    let fake = FakeTelegram::start().await;
    for text in ["a", "b", "c"] {
        fake.say(5, text);
    }
    let all = numbers(&ask(&fake, "getUpdates", json!({"limit": 2})).await);
    assert_eq!(all.len(), 2);
    assert_eq!(
        numbers(&ask(&fake, "getUpdates", json!({"limit": 2})).await),
        all
    );
    let rest = numbers(&ask(&fake, "getUpdates", json!({"offset": all[1] + 1})).await);
    assert_eq!((rest.len(), fake.pending()), (1, 1));
    // An offset of another numbering is not believed, and confirms nothing.
    assert_eq!(
        numbers(&ask(&fake, "getUpdates", json!({"offset": rest[0] + 1_000})).await),
        rest
    );
    assert!(numbers(&ask(&fake, "getupdates", json!({"offset": rest[0] + 1})).await).is_empty());
    fake.assert_clean();
}

#[tokio::test]
async fn a_second_poll_ends_the_first_and_a_webhook_forbids_both() {
    let fake = FakeTelegram::start().await;
    let first = tokio::spawn({
        let fake = fake.clone();
        async move { ask(&fake, "getUpdates", json!({"timeout": 30})).await }
    });
    fake.wait_requests("getUpdates", 1).await;
    let second = tokio::spawn({
        let fake = fake.clone();
        async move { ask(&fake, "getUpdates", json!({"timeout": 30})).await }
    });
    assert_eq!(first.await.unwrap()["error_code"], json!(409));
    fake.say(5, "hello");
    assert_eq!(numbers(&second.await.unwrap()).len(), 1);
    ask(
        &fake,
        "setWebhook",
        json!({"url": "https://desk.example.jp/hook"}),
    )
    .await;
    assert_eq!(
        ask(&fake, "getUpdates", json!({})).await["error_code"],
        json!(409)
    );
    let info = ask(&fake, "getWebhookInfo", json!({})).await;
    assert_eq!(info["result"]["url"], json!("https://desk.example.jp/hook"));
    fake.assert_clean();
}

#[tokio::test]
async fn kinds_that_are_not_wanted_are_not_handed_out() {
    let fake = FakeTelegram::start().await;
    ask(&fake, "getUpdates", json!({"allowed_updates": ["message"]})).await;
    let number = fake.say(5, "hello");
    fake.edit(5, number, "hallo");
    fake.block(5);
    assert_eq!(fake.pending(), 1);
    fake.assert_clean();
}

#[tokio::test]
async fn faults_come_on_command_and_go() {
    let fake = FakeTelegram::start().await;
    fake.say(5, "hello");
    fake.fail("sendMessage", Fault::TooMany(9), 2);
    let hello = json!({"chat_id": 5, "text": "hello"});
    for _ in 0..2 {
        let refused = ask(&fake, "sendMessage", hello.clone()).await;
        assert_eq!(refused["parameters"]["retry_after"], json!(9));
    }
    assert_eq!(
        ask(&fake, "sendMessage", hello.clone()).await["ok"],
        json!(true)
    );
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/bot{}/SendMessage", fake.base_url(), fake.token());
    let send = async || {
        let answer = client
            .post(&url)
            .json(&hello)
            .timeout(Duration::from_secs(5))
            .send();
        answer.await?.bytes().await
    };
    fake.fail("sendMessage", Fault::CutBefore, 1);
    assert!(send().await.is_err());
    assert_eq!(fake.sent_to(5).len(), 1);
    fake.fail("sendMessage", Fault::CutAfter, 1);
    assert!(send().await.is_err());
    assert_eq!(fake.sent_to(5).len(), 2);
    fake.set_down(true);
    assert!(send().await.is_err());
    fake.set_down(false);
    assert!(send().await.is_ok());
    fake.assert_clean();
}

#[tokio::test]
async fn limits_are_those_of_the_server() {
    let fake = FakeTelegram::start().await;
    let say = async |body: Value| {
        let answer = ask(&fake, "sendMessage", body).await;
        answer["description"].as_str().unwrap_or("ok").to_owned()
    };
    assert!(
        say(json!({"chat_id": 5, "text": "x"}))
            .await
            .contains("chat not found")
    );
    fake.person(5, "Five", None);
    assert!(
        say(json!({"chat_id": 5, "text": "x"}))
            .await
            .contains("can't initiate")
    );
    fake.say(5, "hello");
    assert_eq!(
        say(json!({"chat_id": 5, "text": "あ".repeat(4096)})).await,
        "ok"
    );
    assert!(
        say(json!({"chat_id": 5, "text": "𠮷".repeat(2049)}))
            .await
            .contains("too long")
    );
    assert!(
        say(json!({"chat_id": 5, "text": " \n"}))
            .await
            .contains("empty")
    );
    let keyboard = json!({"inline_keyboard": [[{"text": "x", "callback_data": "k".repeat(65)}]]});
    let told = say(json!({"chat_id": 5, "text": "x", "reply_markup": keyboard})).await;
    assert!(told.contains("BUTTON_DATA_INVALID"));
    let told =
        say(json!({"chat_id": 5, "text": "x", "reply_parameters": {"message_id": 77}})).await;
    assert!(told.contains("not found"));
    fake.block(5);
    assert!(
        say(json!({"chat_id": 5, "text": "x"}))
            .await
            .contains("blocked")
    );
    fake.assert_clean();
}
