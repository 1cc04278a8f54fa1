//! LINE, a channel, and a desk small enough for a test: it admits calls and stores them in memory.

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use madoguchi_channel::{
    Automatic, Channel, ChatArrival, ChatDeparture, Choice, Cursor, Door, DoorError, Health,
    InboundMessage, OutboundMessage, Party, RawInbound, ReplyHandle, Stored, WebhookError,
};
use madoguchi_fake_line::FakeLine;
use madoguchi_line::{LineChannel, LineConfig, Secret};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

pub fn config(line: &FakeLine) -> LineConfig {
    LineConfig {
        name: "line".into(),
        channel_secret: Secret::new(line.channel_secret()),
        access_token: Some(Secret::new(line.access_token())),
        channel_id: None,
        path: "/webhooks/line".into(),
        webhook_url: None,
        flex_answers: true,
        max_file_bytes: 1000,
        check_seconds: 300,
        timeout_seconds: 20,
        base_url: line.url().into(),
        data_url: line.url().into(),
    }
}

/// The same account by short tokens.
pub fn config_of_short_tokens(line: &FakeLine) -> LineConfig {
    LineConfig {
        access_token: None,
        channel_id: Some(line.channel_id().into()),
        ..config(line)
    }
}

pub fn channel(config: LineConfig) -> LineChannel {
    LineChannel::new(config, Arc::new(Timestamp::now)).unwrap()
}

/// A message to a person; each id is another message.
pub fn message(id: &str, name: &str, body: &str) -> OutboundMessage {
    OutboundMessage {
        message_id: format!("{id}@desk.example.jp"),
        installation: "i1".into(),
        to: Party {
            address: FakeLine::user_id(name),
            name: None,
        },
        body: body.into(),
        lang: "en".into(),
        automatic: Automatic::Replied,
        written_at: "2026-11-20T00:00:00Z".parse().unwrap(),
        chat: Some(ChatDeparture::default()),
        ..OutboundMessage::default()
    }
}

/// The same message with buttons; the keys are those of the desk, the labels what a person reads.
pub fn with_choices(mut message: OutboundMessage, choices: &[(&str, &str)]) -> OutboundMessage {
    message.chat.as_mut().unwrap().choices = choices
        .iter()
        .map(|(key, label)| Choice {
            key: (*key).into(),
            label: (*label).into(),
        })
        .collect();
    message
}

/// The same message as an answer to an arrival.
pub fn answering(mut message: OutboundMessage, handle: Option<ReplyHandle>) -> OutboundMessage {
    message.chat.as_mut().unwrap().reply_handle = handle;
    message
}

/// Ends a test that would wait for ever.
pub async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(20), work).await {
        Ok(done) => done,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// A desk that listens where LINE calls.
pub struct Desk {
    pub line: FakeLine,
    pub door: Arc<MemoryDoor>,
    pub channel: Arc<LineChannel>,
    address: std::net::SocketAddr,
    server: tokio::task::JoinHandle<()>,
}

impl Desk {
    /// LINE and a desk it calls.
    pub async fn open() -> Self {
        let line = FakeLine::start().await;
        let desk = Self::at(line.clone(), Arc::default(), "127.0.0.1:0".parse().unwrap()).await;
        line.point_to(&desk.url());
        desk
    }

    async fn at(line: FakeLine, door: Arc<MemoryDoor>, address: std::net::SocketAddr) -> Self {
        let channel = Arc::new(channel(config(&line)));
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (served, stored) = (channel.clone(), door.clone());
        let handler = move |headers: HeaderMap, body: Bytes| async move {
            take(&served, &stored, &headers, &body).await
        };
        let app = axum::Router::new().route(
            &channel.webhook_path().unwrap(),
            axum::routing::post(handler),
        );
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            line,
            door,
            channel,
            address,
            server,
        }
    }

    pub fn url(&self) -> String {
        format!(
            "http://{}{}",
            self.address,
            self.channel.webhook_path().unwrap()
        )
    }

    /// The desk's process ends; what it stored stays.
    pub async fn killed(self) -> (FakeLine, Arc<MemoryDoor>, std::net::SocketAddr) {
        self.server.abort();
        let _ = self.server.await;
        (self.line, self.door, self.address)
    }

    /// A desk on what another one left.
    pub async fn again(left: (FakeLine, Arc<MemoryDoor>, std::net::SocketAddr)) -> Self {
        Self::at(left.0, left.1, left.2).await
    }

    /// The arrivals so far, decoded, in LINE's order of ids.
    pub fn inbox(&self) -> Vec<InboundMessage> {
        let arrivals = self.door.arrivals();
        arrivals
            .iter()
            .map(|arrival| self.channel.decode(&arrival.bytes).unwrap())
            .collect()
    }

    /// The chat side of the newest arrival.
    pub fn newest(&self) -> ChatArrival {
        self.inbox().pop().unwrap().chat.unwrap()
    }
}

/// What the desk's web server does with a call.
async fn take(
    channel: &LineChannel,
    door: &MemoryDoor,
    headers: &HeaderMap,
    body: &[u8],
) -> StatusCode {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    match channel.admit(&header, body, Timestamp::now()) {
        Err(WebhookError::Forged) => StatusCode::UNAUTHORIZED,
        Err(WebhookError::Malformed) => StatusCode::BAD_REQUEST,
        Ok(arrivals) => match door.store(channel.name(), arrivals, None).await {
            Ok(_) => StatusCode::OK,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        },
    }
}

#[derive(Default)]
struct Inside {
    stored: BTreeMap<String, RawInbound>,
    cursors: BTreeMap<String, String>,
    known: usize,
    full: bool,
    health: Option<Health>,
}

/// A door over memory, with the contract of the real one.
#[derive(Default)]
pub struct MemoryDoor {
    inside: Mutex<Inside>,
    changed: Notify,
}

impl MemoryDoor {
    pub fn arrivals(&self) -> Vec<RawInbound> {
        self.inside
            .lock()
            .unwrap()
            .stored
            .values()
            .cloned()
            .collect()
    }

    pub fn known(&self) -> usize {
        self.inside.lock().unwrap().known
    }

    pub fn set_full(&self, full: bool) {
        self.inside.lock().unwrap().full = full;
    }

    pub fn health_now(&self) -> Option<Health> {
        self.inside.lock().unwrap().health.clone()
    }

    async fn wait(&self, what: &str, reached: impl Fn(&Inside) -> bool) {
        soon(what, async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if reached(&self.inside.lock().unwrap()) {
                    return;
                }
                changed.await;
            }
        })
        .await;
    }

    pub async fn wait_up(&self) {
        self.wait("the channel to work", |inside| {
            inside.health == Some(Health::Up)
        })
        .await;
    }

    pub async fn wait_down(&self, words: &str) {
        self.wait(words, |inside| match &inside.health {
            Some(Health::Down { problem, advice }) => {
                format!("{problem}; {advice}").contains(words)
            }
            _ => false,
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
        let mut inside = self.inside.lock().unwrap();
        if inside.full {
            return Err(DoorError("no space left on device".into()));
        }
        let mut done = Stored::default();
        for arrival in arrivals {
            if inside.stored.contains_key(&arrival.external_id) {
                done.known += 1;
            } else {
                done.new += 1;
                inside.stored.insert(arrival.external_id.clone(), arrival);
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
        Ok(self.inside.lock().unwrap().cursors.get(scope).cloned())
    }

    async fn stored_ids(&self, _: &str, prefix: &str) -> Result<Vec<String>, DoorError> {
        let inside = self.inside.lock().unwrap();
        Ok(inside
            .stored
            .keys()
            .filter(|id| id.starts_with(prefix))
            .cloned()
            .collect())
    }

    fn health(&self, _: &str, health: Health) {
        self.inside.lock().unwrap().health = Some(health);
        self.changed.notify_waiters();
    }
}
