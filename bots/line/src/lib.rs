//! LINE: webhook in, reply or push out.
//!
//! Reading order: [`config`], [`LineChannel`] (the channel), `admit` (a call of LINE's, checked and taken apart), `decode` (an event
//! understood), `encode`, `card` and `split` (a message put into LINE's form), `deliver` (reply or push), `watch` (is the webhook
//! in order?), `files`, `client` (HTTP and tokens), `fault` (what can be wrong and what to do).

mod admit;
mod card;
mod client;
pub mod config;
mod decode;
mod deliver;
mod encode;
mod fault;
mod files;
mod memory;
mod scrub;
mod split;
mod watch;

pub use config::{LineConfig, Secret};

use async_trait::async_trait;
use client::{Call, Client};
use deliver::Sender;
use fault::Fault;
use jiff::Timestamp;
use madoguchi_channel::{
    Channel, DecodeError, Door, InboundMessage, OutboundMessage, Party, RawInbound, Receipt,
    ReceiveError, Reconciliation, SendError, WebhookError,
};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use watch::Watch;

/// The time a channel is handed.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// So long the dots of "an answer is coming" are shown, in seconds; a message ends them sooner.
const DOTS_SECONDS: u32 = 20;
/// Longest wait for LINE to take the dots.
const DOTS_PATIENCE: Duration = Duration::from_secs(3);

/// A LINE Official Account as a [`Channel`].
pub struct LineChannel {
    config: LineConfig,
    sender: Arc<Sender>,
    watch: Watch,
    now: Clock,
}

impl LineChannel {
    /// A channel by its settings; nothing is connected yet. `now` tells whether a reply token still lasts.
    ///
    /// # Errors
    /// Settings that cannot work.
    pub fn new(config: LineConfig, now: Clock) -> Result<Self, ReceiveError> {
        config.validate().map_err(Fault::Settings)?;
        let sender = Arc::new(Sender {
            client: Client::new(&config)?,
            memory: memory::Memory::default(),
            flex_answers: config.flex_answers,
            quota: std::sync::Mutex::new(None),
            quota_changed: tokio::sync::Notify::new(),
        });
        Ok(Self {
            watch: Watch::new(
                &config.name,
                config.webhook_url.as_deref(),
                Duration::from_secs(config.check_seconds.max(1)),
                sender.clone(),
            ),
            sender,
            config,
            now,
        })
    }

    fn path(&self) -> String {
        format!(
            "{}/{}",
            self.config.path.trim_end_matches('/'),
            self.config.name
        )
    }
}

#[async_trait]
impl Channel for LineChannel {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn decode(&self, bytes: &[u8]) -> Result<InboundMessage, DecodeError> {
        decode::decode(bytes)
    }

    async fn fetch(&self, bytes: &[u8]) -> Result<Vec<Result<Vec<u8>, String>>, ReceiveError> {
        // What cannot be decoded has no files either; the desk knows it by then.
        let mut fetched = Vec::new();
        for file in decode::files(bytes).unwrap_or_default() {
            let limit = self.config.max_file_bytes;
            fetched.push(files::fetch(&self.sender.client, &file, limit).await?);
        }
        Ok(fetched)
    }

    async fn receive(
        &self,
        door: Arc<dyn Door>,
        stop: CancellationToken,
    ) -> Result<(), ReceiveError> {
        self.watch.run(&door, &stop).await
    }

    /// LINE keeps nothing that could be asked for: what it could not deliver it delivers again by itself.
    async fn receive_once(&self, door: Arc<dyn Door>) -> Result<usize, ReceiveError> {
        self.watch.once(&door, false).await?;
        Ok(0)
    }

    /// LINE has no list of messages to compare with.
    async fn reconcile(&self, _: Arc<dyn Door>) -> Result<Reconciliation, ReceiveError> {
        Ok(Reconciliation::default())
    }

    async fn send(&self, message: &OutboundMessage) -> Result<Receipt, SendError> {
        self.sender.send(message, (self.now)()).await
    }

    async fn working(&self, to: &Party) {
        if to.address.is_empty() {
            return;
        }
        let body = json!({"chatId": to.address, "loadingSeconds": DOTS_SECONDS});
        let call = Call::post("/v2/bot/chat/loading/start", &body);
        // Dots that do not appear are no reason to fail or to wait.
        let _ = tokio::time::timeout(DOTS_PATIENCE, self.sender.client.call(&call)).await;
    }

    fn webhook_path(&self) -> Option<String> {
        Some(self.path())
    }

    fn admit(
        &self,
        header: &(dyn for<'a> Fn(&'a str) -> Option<String> + Sync),
        body: &[u8],
        now: Timestamp,
    ) -> Result<Vec<RawInbound>, WebhookError> {
        let signature = header("x-line-signature");
        admit::admit(
            &self.config.name,
            self.config.channel_secret.expose(),
            signature.as_deref(),
            body,
            now,
        )
    }

    async fn check(&self) -> Result<Vec<String>, ReceiveError> {
        let standing = self.watch.standing().await?;
        let mut lines = vec![format!("signed in as {}", standing.account)];
        lines.push(match (&standing.endpoint, &self.config.webhook_url) {
            (Some(at_line), Some(wanted)) if at_line != wanted => {
                format!(
                    "webhook: LINE calls {at_line}; it will be told {wanted} when the desk runs"
                )
            }
            (Some(at_line), _) => format!("webhook: LINE calls {at_line}"),
            (None, Some(wanted)) => {
                format!("webhook: none at LINE; it will be told {wanted} when the desk runs")
            }
            (None, None) => format!(
                "webhook: none at LINE; set one that ends in {}",
                self.path()
            ),
        });
        if !standing.active {
            lines.push(
                "webhook: switched off at LINE; switch on `Use webhook` in the console".into(),
            );
        }
        if standing.chat_mode {
            lines.push("chats are switched on: staff can also answer in LINE's own console, which the desk does not see".into());
        }
        lines.push(match self.watch.usage().await {
            Some((used, Some(limit))) => {
                format!("{used} of {limit} messages of this month are used (replies are free)")
            }
            Some((used, None)) => format!("{used} messages sent this month, no limit"),
            None => "LINE does not say how many messages are left this month".into(),
        });
        Ok(lines)
    }
}
