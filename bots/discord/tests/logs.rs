//! Nothing a person writes, and no token, reaches a log line at any level: not from this crate, not from serenity.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

#[path = "fake/world.rs"]
#[allow(dead_code)]
mod world;

use madoguchi_channel::Channel;
use madoguchi_fake_discord::{Place, Saying, Trouble};
use serde_json::json;
use std::io::Write;
use std::sync::{Arc, Mutex};
use world::{World, answer_to};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_hold_no_messages_names_or_tokens() {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_thread_names(true)
        .with_writer(move || writer.clone())
        .init();
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana-Geheim", "ja");
    world.fake.say(&hana, "secret-question-1");
    world.door.nth(1).await;
    // serenity warns with the whole text of what it cannot read.
    world
        .fake
        .tell_gateway("MESSAGE_CREATE", &json!({"content": "secret-question-2"}));
    world
        .fake
        .trouble("GET /api/v10/channels", Trouble::Status(500), 1);
    let said = world.fake.say_with(
        &hana,
        Saying {
            text: "secret-question-3".into(),
            ..Saying::default()
        },
    );
    world.door.nth(2).await;
    world.fake.delete(&said);
    world.fake.trouble("/callback", Trouble::Status(500), 1);
    let asked = world
        .fake
        .command(&hana, Place::Server, "ask", Some("secret-question-4"));
    world.fake.answered(&asked).await;
    world.door.nth(4).await;
    let arrivals = world.door.arrivals();
    let interaction = arrivals
        .iter()
        .find(|raw| raw.external_id.starts_with("interaction"));
    let message = world.decoded(interaction.unwrap());
    world.fake.trouble("/webhooks/", Trouble::Status(500), 1);
    let reply = answer_to("m1", &message, "secret-answer");
    let error = running.channel.send(&reply).await.unwrap_err();
    running.channel.send(&reply).await.unwrap();
    world.fake.cut_network(true);
    let cut = world
        .channel()
        .send(&answer_to("m2", &message, "secret-answer"))
        .await
        .unwrap_err();
    running.stop().await;

    let all = String::from_utf8_lossy(&lines.0.lock().unwrap()).into_owned();
    // The fake runs in this process: what its own sockets tell is not the channel's doing.
    let told: Vec<&str> = all
        .lines()
        .filter(|line| !line.contains("tungstenite::") || line.contains("discord-gateway"))
        .collect();
    let told = told.join("\n") + &format!("{error} {cut}");
    assert!(
        told.contains("could not be read on"),
        "there is a log: {told}"
    );
    for secret in [
        "secret-",
        "Hana-Geheim",
        &asked.token,
        &world.fake.token(),
        &hana.address(),
    ] {
        if let Some(place) = told.find(secret) {
            let around: String = told[..place]
                .chars()
                .rev()
                .take(400)
                .collect::<String>()
                .chars()
                .rev()
                .collect();
            panic!("{secret} was told after: {around}");
        }
    }
    world.assert_clean();
}
