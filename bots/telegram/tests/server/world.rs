//! A bot, a door that remembers, and a channel between them.

use async_trait::async_trait;
use jiff::Timestamp;
use madoguchi_channel::{
    Channel, Cursor, Door, DoorError, Health, InboundMessage, OutboundMessage, Party, RawInbound,
    ReceiveError, Stored,
};
use madoguchi_fake_telegram::FakeTelegram;
use madoguchi_telegram::{Secret, TelegramChannel, TelegramConfig};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const MINH: i64 = 810_000_001;
pub const LAN: i64 = 810_000_002;

pub fn config(fake: &FakeTelegram) -> TelegramConfig {
    let mut config = TelegramConfig::new("chat", Secret::new(fake.token()));
    config.base_url = fake.base_url().into();
    config
}

pub fn channel(config: TelegramConfig) -> Arc<TelegramChannel> {
    Arc::new(TelegramChannel::new(config, Arc::new(Timestamp::now)).unwrap())
}

pub fn message(id: &str, to: i64, body: &str) -> OutboundMessage {
    OutboundMessage {
        message_id: id.into(),
        to: Party {
            address: to.to_string(),
            name: None,
        },
        body: body.into(),
        ..OutboundMessage::default()
    }
}

/// Ends a test that would wait for ever.
pub async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(30), work).await {
        Ok(done) => done,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// A channel at work.
pub struct Running {
    stop: CancellationToken,
    work: JoinHandle<Result<(), ReceiveError>>,
}

impl Running {
    pub fn start(channel: Arc<TelegramChannel>, door: &Arc<MemoryDoor>) -> Self {
        let stop = CancellationToken::new();
        let (door, token) = (door.clone(), stop.clone());
        let work = tokio::spawn(async move { channel.receive(door, token).await });
        Self { stop, work }
    }

    pub async fn stop(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(2), self.work).await;
        ended.expect("the channel stops quickly").unwrap().unwrap();
    }

    /// As a power cut would.
    pub async fn kill(self) {
        self.work.abort();
        let _ = self.work.await;
    }

    pub async fn ended(self) -> Result<(), ReceiveError> {
        soon("the channel to end", self.work).await.unwrap()
    }
}

#[derive(Default)]
struct Inside {
    stored: Vec<RawInbound>,
    cursors: BTreeMap<String, String>,
    known: usize,
    full: bool,
    /// All that operators were told, and how much of it the test has looked at.
    health: Vec<Health>,
    seen: usize,
}

/// A door over memory, with the contract of the real one.
pub struct MemoryDoor {
    inside: Mutex<Inside>,
    changed: watch::Sender<()>,
}

impl MemoryDoor {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            inside: Mutex::default(),
            changed: watch::Sender::new(()),
        })
    }

    pub fn arrivals(&self) -> Vec<RawInbound> {
        self.inside.lock().unwrap().stored.clone()
    }

    /// Every arrival as the channel understands it.
    pub fn messages(&self, channel: &TelegramChannel) -> Vec<InboundMessage> {
        let decode = |raw: &RawInbound| channel.decode(&raw.bytes).unwrap();
        self.arrivals().iter().map(decode).collect()
    }

    pub fn texts(&self, channel: &TelegramChannel) -> Vec<String> {
        let messages = self.messages(channel);
        messages.into_iter().map(|message| message.text).collect()
    }

    pub fn known(&self) -> usize {
        self.inside.lock().unwrap().known
    }

    pub fn cursor_of(&self, scope: &str) -> Option<String> {
        let inside = self.inside.lock().unwrap();
        inside.cursors.get(scope).cloned()
    }

    pub fn set_full(&self, full: bool) {
        self.inside.lock().unwrap().full = full;
    }

    pub fn forget_cursors(&self) {
        self.inside.lock().unwrap().cursors.clear();
    }

    async fn wait(&self, what: &str, reached: impl Fn(&Inside) -> bool) {
        let mut changes = self.changed.subscribe();
        soon(what, async {
            loop {
                changes.borrow_and_update();
                if reached(&self.inside.lock().unwrap()) {
                    return;
                }
                changes.changed().await.unwrap();
            }
        })
        .await;
    }

    pub async fn wait_for(&self, count: usize) {
        self.wait(&format!("{count} arrivals"), |inside| {
            inside.stored.len() >= count
        })
        .await;
    }

    pub async fn wait_up(&self) {
        self.wait_health("the channel to work", |health| {
            (*health == Health::Up).then(String::new)
        })
        .await;
    }

    /// Waits until operators are told of trouble in these words.
    pub async fn wait_down(&self, words: &str) -> String {
        self.wait_health(words, |health| match health {
            Health::Down { problem, advice } => {
                Some(format!("{problem}; {advice}")).filter(|all| all.contains(words))
            }
            Health::Up => None,
        })
        .await
    }

    /// Looks at what operators are told, from where the last look ended.
    async fn wait_health(&self, what: &str, look: impl Fn(&Health) -> Option<String>) -> String {
        let mut changes = self.changed.subscribe();
        soon(what, async {
            loop {
                changes.borrow_and_update();
                {
                    let mut inside = self.inside.lock().unwrap();
                    while let Some(health) = inside.health.get(inside.seen).cloned() {
                        inside.seen += 1;
                        if let Some(found) = look(&health) {
                            return found;
                        }
                    }
                }
                changes.changed().await.unwrap();
            }
        })
        .await
    }
}

#[async_trait]
impl Door for MemoryDoor {
    async fn store(
        &self,
        channel: &str,
        arrivals: Vec<RawInbound>,
        cursor: Option<Cursor>,
    ) -> Result<Stored, DoorError> {
        let mut inside = self.inside.lock().unwrap();
        if inside.full {
            return Err(DoorError("no space left on device".into()));
        }
        let mut stored = Stored::default();
        for arrival in arrivals {
            assert_eq!(arrival.channel, channel);
            let same = |other: &RawInbound| {
                (&other.channel, &other.external_id) == (&arrival.channel, &arrival.external_id)
            };
            if inside.stored.iter().any(same) {
                stored.known += 1;
            } else {
                stored.new += 1;
                inside.stored.push(arrival);
            }
        }
        inside.known += stored.known;
        if let Some(cursor) = cursor {
            let scope = format!("{channel}/{}", cursor.scope);
            inside.cursors.insert(scope, cursor.value);
        }
        drop(inside);
        self.changed.send_replace(());
        Ok(stored)
    }

    async fn cursor(&self, channel: &str, scope: &str) -> Result<Option<String>, DoorError> {
        Ok(self.cursor_of(&format!("{channel}/{scope}")))
    }

    async fn stored_ids(&self, channel: &str, prefix: &str) -> Result<Vec<String>, DoorError> {
        let all = self.arrivals().into_iter();
        let wanted =
            all.filter(|raw| raw.channel == channel && raw.external_id.starts_with(prefix));
        Ok(wanted.map(|raw| raw.external_id).collect())
    }

    fn health(&self, _channel: &str, health: Health) {
        self.inside.lock().unwrap().health.push(health);
        self.changed.send_replace(());
    }
}
