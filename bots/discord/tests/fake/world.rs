//! The fake, a door that remembers, and a desk's worth of helpers.

use async_trait::async_trait;
use jiff::Timestamp;
use madoguchi_channel::{
    Channel, ChatDeparture, Choice, Cursor, Door, DoorError, Health, InboundMessage,
    OutboundMessage, Party, RawInbound, ReceiveError, Stored,
};
use madoguchi_discord::{DiscordChannel, DiscordConfig, Secret};
use madoguchi_fake_discord::{FakeDiscord, Person};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Ends a test that would wait for ever.
pub async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(30), work).await {
        Ok(done) => done,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

#[derive(Default)]
struct Inside {
    order: Vec<RawInbound>,
    cursors: BTreeMap<String, String>,
    known: usize,
    full: bool,
    slow: Option<Duration>,
    health: Option<Health>,
    downs: Vec<String>,
}

/// A door over memory, with the contract of the real one.
#[derive(Default)]
pub struct MemoryDoor {
    inside: Mutex<Inside>,
    changed: Notify,
}

impl MemoryDoor {
    pub fn arrivals(&self) -> Vec<RawInbound> {
        self.inside.lock().unwrap().order.clone()
    }

    pub fn ids(&self) -> Vec<String> {
        self.arrivals().into_iter().map(|a| a.external_id).collect()
    }

    pub fn set_full(&self, full: bool) {
        self.inside.lock().unwrap().full = full;
    }

    pub fn set_slow(&self, slow: Option<Duration>) {
        self.inside.lock().unwrap().slow = slow;
    }

    pub fn lose(&self, id: &str) {
        self.inside
            .lock()
            .unwrap()
            .order
            .retain(|a| a.external_id != id);
    }

    pub fn cursor_now(&self, scope: &str) -> Option<String> {
        self.inside.lock().unwrap().cursors.get(scope).cloned()
    }

    /// All problems ever reported.
    pub fn downs(&self) -> Vec<String> {
        self.inside.lock().unwrap().downs.clone()
    }

    async fn wait<T>(&self, what: &str, reached: impl Fn(&Inside) -> Option<T>) -> T {
        soon(what, async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if let Some(found) = reached(&self.inside.lock().unwrap()) {
                    return found;
                }
                changed.await;
            }
        })
        .await
    }

    /// Waits until as many arrived; returns the one that was the last of them.
    pub async fn nth(&self, count: usize) -> RawInbound {
        self.wait("arrivals", |inside| inside.order.get(count - 1).cloned())
            .await
    }

    pub async fn up(&self) {
        self.wait("the channel to work", |inside| {
            (inside.health == Some(Health::Up)).then_some(())
        })
        .await;
    }

    pub async fn down(&self, words: &str) {
        self.wait(words, |inside| match &inside.health {
            Some(Health::Down { problem, advice }) => {
                format!("{problem}; {advice}").contains(words).then_some(())
            }
            _ => None,
        })
        .await;
    }
}

#[async_trait]
impl Door for MemoryDoor {
    async fn store(
        &self,
        _: &str,
        arrivals: Vec<RawInbound>,
        cursor: Option<Cursor>,
    ) -> Result<Stored, DoorError> {
        let slow = self.inside.lock().unwrap().slow;
        if let Some(slow) = slow {
            tokio::time::sleep(slow).await;
        }
        let mut inside = self.inside.lock().unwrap();
        if inside.full {
            return Err(DoorError("no space left on device".into()));
        }
        let mut done = Stored::default();
        for arrival in arrivals {
            if inside
                .order
                .iter()
                .any(|known| known.external_id == arrival.external_id)
            {
                done.known += 1;
            } else {
                done.new += 1;
                inside.order.push(arrival);
            }
        }
        inside.known += done.known;
        if let Some(cursor) = cursor {
            inside.cursors.insert(cursor.scope, cursor.value);
        }
        drop(inside);
        self.changed.notify_waiters();
        Ok(done)
    }

    async fn cursor(&self, _: &str, scope: &str) -> Result<Option<String>, DoorError> {
        Ok(self.cursor_now(scope))
    }

    async fn stored_ids(&self, _: &str, prefix: &str) -> Result<Vec<String>, DoorError> {
        let ids = self.ids();
        Ok(ids
            .into_iter()
            .filter(|id| id.starts_with(prefix))
            .collect())
    }

    fn health(&self, _: &str, health: Health) {
        let mut inside = self.inside.lock().unwrap();
        if let Health::Down { problem, advice } = &health {
            inside.downs.push(format!("{problem}; {advice}"));
        }
        inside.health = Some(health);
        drop(inside);
        self.changed.notify_waiters();
    }
}

/// A channel that receives, and can be stopped and begun anew over the same door.
pub struct Running {
    pub channel: Arc<DiscordChannel>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), ReceiveError>>,
}

impl Running {
    /// Ends as a restart of the desk does.
    pub async fn stop(self) {
        let began = std::time::Instant::now();
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
        assert!(
            began.elapsed() < Duration::from_secs(3),
            "{:?}",
            began.elapsed()
        );
    }

    /// Ends as a crash does.
    pub fn kill(self) {
        self.task.abort();
    }

    /// Waits for an end that nobody asked for.
    pub async fn ended(self) -> ReceiveError {
        soon("receiving to end", self.task)
            .await
            .unwrap()
            .unwrap_err()
    }
}

pub struct World {
    pub fake: FakeDiscord,
    pub door: Arc<MemoryDoor>,
    pub config: DiscordConfig,
}

impl World {
    pub async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let fake = FakeDiscord::start().await;
        let mut config = DiscordConfig::new("discord", Secret::new(fake.token()));
        config.base_url = Some(fake.base_url());
        config.timeout_seconds = 5;
        Self {
            fake,
            door: Arc::default(),
            config,
        }
    }

    pub fn channel(&self) -> DiscordChannel {
        DiscordChannel::new(self.config.clone(), Arc::new(Timestamp::now)).unwrap()
    }

    pub fn begin(&self) -> Running {
        let channel = Arc::new(self.channel());
        let stop = CancellationToken::new();
        let (receiving, door, end) = (channel.clone(), self.door.clone(), stop.clone());
        let task = tokio::spawn(async move { receiving.receive(door, end).await });
        Running {
            channel,
            stop,
            task,
        }
    }

    /// Receives, connected.
    pub async fn running(&self) -> Running {
        let running = self.begin();
        self.fake.connected().await;
        self.door.up().await;
        running
    }

    pub fn decoded(&self, arrival: &RawInbound) -> InboundMessage {
        self.channel().decode(&arrival.bytes).unwrap()
    }

    /// The nth arrival, decoded.
    pub async fn nth(&self, count: usize) -> InboundMessage {
        let arrival = self.door.nth(count).await;
        self.decoded(&arrival)
    }

    /// Nothing any request or report told gives the token away.
    pub fn assert_clean(&self) {
        self.fake.assert_clean();
        for words in self.door.downs() {
            assert!(!words.contains(&self.fake.token()), "{words}");
        }
    }
}

pub fn answer(id: &str, to: &Person, body: &str) -> OutboundMessage {
    OutboundMessage {
        message_id: id.into(),
        installation: "i1".into(),
        to: Party {
            address: to.address(),
            name: None,
        },
        body: body.into(),
        lang: "en".into(),
        chat: Some(ChatDeparture::default()),
        ..OutboundMessage::default()
    }
}

/// An answer to what arrived, as the desk would make it.
pub fn answer_to(id: &str, inbound: &InboundMessage, body: &str) -> OutboundMessage {
    let chat = inbound.chat.clone().unwrap();
    OutboundMessage {
        message_id: id.into(),
        to: inbound.from.clone().unwrap(),
        body: body.into(),
        chat: Some(ChatDeparture {
            reply_handle: chat.reply_handle,
            public: chat.public,
            ..ChatDeparture::default()
        }),
        ..OutboundMessage::default()
    }
}

pub fn choices(labels: &[&str]) -> Vec<Choice> {
    labels
        .iter()
        .enumerate()
        .map(|(place, label)| Choice {
            key: format!("t1:{place}:{}", "k".repeat(50)),
            label: (*label).into(),
        })
        .collect()
}
