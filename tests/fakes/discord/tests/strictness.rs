//! The fake is worth what it refuses: wrong requests are noticed, by its own rules and by the vendor's schema.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use madoguchi_fake_discord::{FakeDiscord, Person, Place, TOKEN, Trouble};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn call(
    fake: &FakeDiscord,
    method: &str,
    path: &str,
    token: &str,
    body: &Value,
) -> (u16, Value) {
    let address = fake.base_url().trim_start_matches("http://").to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let request = format!(
        "{method} /api/v10{path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bot {token}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

async fn conversation(fake: &FakeDiscord, person: &Person) -> String {
    let body = json!({"recipient_id": person.address()});
    let (status, channel) = call(fake, "POST", "/users/@me/channels", TOKEN, &body).await;
    assert_eq!(status, 200);
    format!("/channels/{}/messages", channel["id"].as_str().unwrap())
}

fn message(text: &str) -> Value {
    json!({"content": text, "allowed_mentions": {"parse": []}, "nonce": "n1", "enforce_nonce": true})
}

#[tokio::test]
async fn a_right_request_is_clean() {
    let fake = FakeDiscord::start().await;
    let hana = fake.person("Hana", "ja");
    let path = conversation(&fake, &hana).await;
    let (status, sent) = call(&fake, "POST", &path, TOKEN, &message("a \\* b")).await;
    assert_eq!((status, sent["content"].as_str()), (200, Some("a \\* b")));
    // The same nonce is the same message.
    let (_, again) = call(&fake, "POST", &path, TOKEN, &message("a \\* b")).await;
    assert_eq!(again["id"], sent["id"]);
    assert_eq!(fake.next_sent(&hana).await.text, "a * b");
    assert_eq!(fake.sent_to(&hana).len(), 1);
    for path in ["/users/@me", "/gateway/bot", "/oauth2/applications/@me"] {
        assert_eq!(call(&fake, "GET", path, TOKEN, &Value::Null).await.0, 200);
        assert_eq!(call(&fake, "GET", path, "wrong", &Value::Null).await.0, 401);
    }
    fake.assert_clean();
}

#[tokio::test]
async fn wrong_requests_are_refused_and_remembered() {
    let fake = FakeDiscord::start().await;
    let hana = fake.person("Hana", "ja");
    let path = conversation(&fake, &hana).await;
    let button = |key: &str| json!({"type": 2, "style": 2, "custom_id": key, "label": "x"});
    let row = |inside: Vec<Value>| json!([{"type": 1, "components": inside}]);
    let wrong = [
        (json!({"content": "あ".repeat(2001)}), "2000 is the most"),
        (json!({"content": " "}), "an empty message"),
        (json!({"allowed_mentions": null}), "may call people"),
        (json!({"nonce": "n".repeat(26)}), "nonce of 26"),
        (json!({"enforce_nonce": false}), "would show twice"),
        (
            json!({"components": row(vec![button("k"), button("k")])}),
            "the same custom_id twice",
        ),
        (
            json!({"components": row((0..6).map(|k| button(&k.to_string())).collect())}),
            "a row of 6",
        ),
    ];
    for (change, words) in wrong {
        let mut body = message("text");
        for (field, value) in change.as_object().unwrap() {
            body[field] = value.clone();
        }
        let before = fake.violations().len();
        let (status, answer) = call(&fake, "POST", &path, TOKEN, &body).await;
        assert_eq!(
            (status, answer["code"].as_i64()),
            (400, Some(50035)),
            "{words}"
        );
        let found = fake.violations()[before..].join("\n");
        assert!(found.contains(words), "{words}: {found}");
    }
    assert!(fake.sent_to(&hana).is_empty());
    assert_eq!(
        call(&fake, "GET", "/guilds/5", TOKEN, &Value::Null).await.0,
        404
    );
    assert!(
        fake.violations()
            .last()
            .unwrap()
            .contains("no such request")
    );
}

#[tokio::test]
async fn the_vendors_schema_is_consulted_where_it_is_at_hand() {
    if std::env::var_os("MADOGUCHI_CORPORA").is_none() {
        return;
    }
    let fake = FakeDiscord::start().await;
    let hana = fake.person("Hana", "ja");
    let path = conversation(&fake, &hana).await;
    for (field, value, words) in [
        ("surprise", json!(1), "unknown field surprise"),
        ("tts", json!("yes"), "tts"),
        ("flags", json!("64"), "flags"),
    ] {
        let mut body = message("text");
        body[field] = value;
        call(&fake, "POST", &path, TOKEN, &body).await;
        let found = fake.violations().join("\n");
        assert!(found.contains(words), "{words}: {found}");
    }
}

#[tokio::test]
async fn an_interaction_is_answered_once_in_time_and_for_one_person() {
    let fake = FakeDiscord::start().await;
    let hana = fake.person("Hana", "ja");
    let asked = fake.command(&hana, Place::Server, "help", None);
    let path = format!("/interactions/{}/{}/callback", asked.id, asked.token);
    let open = json!({"type": 5});
    assert_eq!(call(&fake, "POST", &path, TOKEN, &open).await.0, 400);
    assert!(
        fake.violations()[0].contains("everybody"),
        "{:?}",
        fake.violations()
    );
    let alone = json!({"type": 5, "data": {"flags": 64}});
    assert_eq!(call(&fake, "POST", &path, TOKEN, &alone).await.0, 204);
    let (status, answer) = call(&fake, "POST", &path, TOKEN, &alone).await;
    assert_eq!((status, answer["code"].as_i64()), (400, Some(40060)));
    let late = fake.command(&hana, Place::Server, "help", None);
    tokio::time::sleep(std::time::Duration::from_millis(3100)).await;
    let path = format!("/interactions/{}/{}/callback", late.id, late.token);
    let (status, answer) = call(&fake, "POST", &path, TOKEN, &alone).await;
    assert_eq!((status, answer["code"].as_i64()), (404, Some(10062)));
}

#[tokio::test]
async fn trouble_comes_as_planned() {
    let fake = FakeDiscord::start().await;
    fake.trouble_later("GET /api/v10/users", Trouble::Limit(1.5), 1, 1);
    fake.trouble("gateway", Trouble::Code(403, 50001, "Missing Access"), 1);
    let get = async |path: &str| call(&fake, "GET", path, TOKEN, &Value::Null).await;
    assert_eq!(get("/users/@me").await.0, 200);
    let (status, answer) = get("/users/@me").await;
    assert_eq!((status, answer["retry_after"].as_f64()), (429, Some(1.5)));
    assert_eq!(get("/users/@me").await.0, 200);
    assert_eq!(get("/gateway/bot").await.1["code"], 50001);
    assert_eq!(
        fake.seen().iter().filter(|seen| seen.status == 429).count(),
        1
    );
}
