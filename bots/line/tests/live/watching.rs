use crate::world::{Desk, MemoryDoor, channel, config, config_of_short_tokens, message, soon};
use madoguchi_channel::{Channel, Health};
use madoguchi_fake_line::{FakeLine, Trouble};
use madoguchi_line::{LineChannel, LineConfig};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const HERE: &str = "https://desk.example.jp/webhooks/line/line";

struct Running {
    door: Arc<MemoryDoor>,
    stop: CancellationToken,
    channel: Arc<LineChannel>,
    task: tokio::task::JoinHandle<Result<(), madoguchi_channel::ReceiveError>>,
}

fn run(config: LineConfig) -> Running {
    let (door, stop, channel) = (
        Arc::<MemoryDoor>::default(),
        CancellationToken::new(),
        Arc::new(channel(config)),
    );
    let task = {
        let (door, stop, channel) = (door.clone(), stop.clone(), channel.clone());
        tokio::spawn(async move { channel.receive(door, stop).await })
    };
    Running {
        door,
        stop,
        channel,
        task,
    }
}

impl Running {
    async fn end(self) {
        self.stop.cancel();
        soon("the channel to stop", self.task)
            .await
            .unwrap()
            .unwrap();
    }
}

fn every_second(config: LineConfig) -> LineConfig {
    LineConfig {
        check_seconds: 1,
        ..config
    }
}

#[tokio::test]
async fn a_webhook_missing_or_switched_off_is_reported_and_its_return_too() {
    let line = FakeLine::start().await;
    let running = run(every_second(config(&line)));
    running.door.wait_down("no webhook address").await;
    line.set_webhook(Some(HERE), false);
    running.door.wait_down("switched off").await;
    line.set_webhook(Some(HERE), true);
    running.door.wait_up().await;
    running.end().await;
    line.assert_clean();
}

#[tokio::test]
async fn line_is_told_the_webhook_address_where_one_is_configured() {
    let line = FakeLine::start().await;
    line.set_webhook(Some("https://old.example.jp/"), true);
    let running = run(LineConfig {
        webhook_url: Some(HERE.into()),
        ..config(&line)
    });
    running.door.wait_up().await;
    assert_eq!(line.endpoint().as_deref(), Some(HERE));
    running
        .channel
        .receive_once(running.door.clone())
        .await
        .unwrap();
    let told = line
        .requests_to("webhook/endpoint")
        .into_iter()
        .filter(|call| call.method == "PUT")
        .count();
    assert_eq!(told, 1, "only when it differs");
    running.end().await;
    line.assert_clean();
}

#[tokio::test]
async fn a_refused_token_ends_receiving_with_advice() {
    for short in [false, true] {
        let line = FakeLine::start().await;
        line.set_webhook(Some(HERE), true);
        let config = if short {
            config_of_short_tokens(&line)
        } else {
            config(&line)
        };
        let running = run(every_second(config));
        running.door.wait_up().await;
        line.set_refuse_tokens(true);
        line.end_short_tokens();
        let error = soon("receiving to end", running.task)
            .await
            .unwrap()
            .unwrap_err();
        assert!(
            error.permanent && error.advice.contains("console"),
            "{error}"
        );
        assert!(!error.to_string().contains(line.access_token()), "{error}");
        assert!(matches!(
            running.door.health_now(),
            Some(Health::Down { .. })
        ));
    }
}

#[tokio::test]
async fn line_away_is_down_until_it_is_back() {
    let line = FakeLine::start().await;
    line.set_webhook(Some(HERE), true);
    line.trouble("/v2/bot/info", 1, Trouble::CutBefore);
    line.trouble("/v2/bot/info", 1, Trouble::Garbage);
    line.trouble("/v2/bot/channel/webhook", 1, Trouble::Status(502));
    let running = run(every_second(config(&line)));
    running.door.wait_down("no answer from LINE").await;
    running.door.wait_down("502").await;
    running.door.wait_up().await;
    running.end().await;
    line.assert_clean();
}

#[tokio::test]
async fn a_month_used_up_is_reported_at_once_and_until_there_is_room_again() {
    let line = FakeLine::start().await;
    line.set_webhook(Some(HERE), true);
    line.person("hanako");
    line.set_quota(Some(1));
    let running = run(every_second(config(&line)));
    running.door.wait_up().await;
    running
        .channel
        .send(&message("m1", "hanako", "x"))
        .await
        .unwrap();
    running
        .channel
        .send(&message("m2", "hanako", "x"))
        .await
        .unwrap_err();
    running.door.wait_down("quota").await;
    line.set_quota(Some(10));
    running.door.wait_up().await;
    running
        .channel
        .send(&message("m2", "hanako", "x"))
        .await
        .unwrap();
    running.end().await;
    line.assert_clean();
}

#[tokio::test]
async fn stopping_does_not_wait_for_line() {
    let line = FakeLine::start().await;
    line.trouble("/v2/bot/info", 1, Trouble::Silence);
    let running = run(config(&line));
    soon("the call", async {
        while line.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let stopped = std::time::Instant::now();
    running.end().await;
    assert!(stopped.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn the_check_tells_the_operator_what_it_saw_and_changes_nothing() {
    let line = FakeLine::start().await;
    line.set_quota(Some(200));
    let channel = channel(LineConfig {
        webhook_url: Some(HERE.into()),
        ..config(&line)
    });
    let lines = channel.check().await.unwrap().join("\n");
    for words in [
        "窓口 (@desk)",
        "none at LINE",
        HERE,
        "switched off",
        "0 of 200",
    ] {
        assert!(lines.contains(words), "{words} in {lines}");
    }
    assert_eq!(line.endpoint(), None);
    line.set_webhook(Some("https://old.example.jp/"), true);
    let lines = channel.check().await.unwrap().join("\n");
    assert!(
        lines.contains("https://old.example.jp/; it will be told"),
        "{lines}"
    );
    line.assert_clean();
}

#[tokio::test]
async fn there_is_nothing_to_poll_and_nothing_to_compare() {
    let line = FakeLine::start().await;
    line.set_webhook(Some(HERE), true);
    let (channel, door) = (channel(config(&line)), Arc::<MemoryDoor>::default());
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 0);
    assert_eq!(door.health_now(), Some(Health::Up));
    assert_eq!(channel.reconcile(door).await.unwrap().at_server, 0);
    assert_eq!(
        channel.webhook_path().as_deref(),
        Some("/webhooks/line/line")
    );
}

#[tokio::test]
async fn a_desk_line_cannot_reach_or_that_turns_line_away_is_down() {
    let desk = Desk::open().await;
    let line = desk.line.clone();
    let running = run(every_second(config(&line)));
    running.door.wait_up().await;
    line.point_to("http://127.0.0.1:1/");
    running.door.wait_down("COULD_NOT_CONNECT").await;
    line.point_to(&format!("{}x", desk.url()));
    running.door.wait_down("ERROR_STATUS_CODE 404").await;
    line.point_to(&desk.url());
    running.door.wait_up().await;
    line.set_channel_secret("another0channels0secret");
    running.door.wait_down("check channel_secret").await;
    running.end().await;
    line.assert_clean();
}
