//! Telegram as a channel: private chats with a bot, by long polling or webhook.
//!
//! Reading order: [`TelegramChannel`] (the [`Channel`]), `config`, `client` (requests), `poll` and `webhook` (in), `update`, `media`
//! and `decode` (understanding, pure), `split` and `encode` (pure), `send` (out), `files`, `fault`.

mod client;
mod config;
mod decode;
mod encode;
mod fault;
mod files;
mod media;
mod poll;
mod rich;
mod send;
mod split;
mod update;
mod webhook;

pub use config::{Mode, Secret, TelegramConfig};

use async_trait::async_trait;
use client::Client;
use fault::Fault;
use jiff::Timestamp;
use madoguchi_channel::{
    Channel, DecodeError, Door, InboundMessage, OutboundMessage, Party, RawInbound, Receipt,
    ReceiveError, Reconciliation, SendError, WebhookError,
};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use teloxide::requests::Requester;
use teloxide::types::{CallbackQueryId, ChatAction, ChatId};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

/// The time a channel is handed: it bounds the times of arrival.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Things that are only a courtesy get this long.
const COURTESY: Duration = Duration::from_secs(5);
/// Pressed buttons remembered until Telegram is told of them.
const PRESSES: usize = 256;

/// A bot as a [`Channel`].
pub struct TelegramChannel {
    config: TelegramConfig,
    bot_id: String,
    client: Arc<Client>,
    webhook: Option<reqwest::Url>,
    now: Clock,
    delivered: send::Delivered,
    /// Telegram ends a poll when another begins, so that there is one at a time.
    polling: Mutex<()>,
    presses: (mpsc::Sender<String>, Mutex<mpsc::Receiver<String>>),
}

impl TelegramChannel {
    /// A channel by its settings; nothing is connected yet.
    ///
    /// # Errors
    /// Settings that cannot work.
    pub fn new(config: TelegramConfig, now: Clock) -> Result<Self, ReceiveError> {
        let (base, webhook) = config.validate()?;
        let (sender, receiver) = mpsc::channel(PRESSES);
        Ok(Self {
            bot_id: config.bot_id(),
            client: Arc::new(Client::new(&config, base)?),
            webhook,
            now,
            delivered: send::Delivered::default(),
            polling: Mutex::default(),
            presses: (sender, Mutex::new(receiver)),
            config,
        })
    }

    /// Hands a fault that ends receiving to operators as well.
    fn ended(&self, door: &dyn Door, fault: Fault) -> ReceiveError {
        door.health(&self.config.name, fault.health());
        fault.into()
    }
}

#[async_trait]
impl Channel for TelegramChannel {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn decode(&self, bytes: &[u8]) -> Result<InboundMessage, DecodeError> {
        decode::decode(bytes)
    }

    async fn fetch(&self, bytes: &[u8]) -> Result<Vec<Result<Vec<u8>, String>>, ReceiveError> {
        let mut files = Vec::new();
        for file in decode::media(bytes) {
            files.push(files::fetch(&self.client, &file, self.config.max_file_bytes).await?);
        }
        Ok(files)
    }

    async fn receive(
        &self,
        door: Arc<dyn Door>,
        stop: CancellationToken,
    ) -> Result<(), ReceiveError> {
        let ended = match &self.webhook {
            Some(url) => self.watch(url, &*door, &stop).await,
            None => self.poll(&*door, &stop).await,
        };
        ended.map_err(|fault| self.ended(&*door, fault))
    }

    /// With a webhook there is nothing to look for: it is only made sure that Telegram calls.
    async fn receive_once(&self, door: Arc<dyn Door>) -> Result<usize, ReceiveError> {
        let taken = match &self.webhook {
            Some(url) => self.look(url, &mut false, &mut 0).await.map(|health| {
                door.health(&self.config.name, health);
                0
            }),
            None => self.poll_once(&*door).await,
        };
        taken.map_err(|fault| self.ended(&*door, fault))
    }

    /// Telegram forgets what it handed over, so there is nothing to compare: what it still holds is what waits.
    async fn reconcile(&self, door: Arc<dyn Door>) -> Result<Reconciliation, ReceiveError> {
        let _ = door;
        Ok(Reconciliation::default())
    }

    async fn send(&self, message: &OutboundMessage) -> Result<Receipt, SendError> {
        send::send(&self.client, &self.delivered, message).await
    }

    async fn working(&self, to: &Party) {
        if let Ok(chat) = to.address.parse() {
            let request = self
                .client
                .bot()
                .send_chat_action(ChatId(chat), ChatAction::Typing);
            let _ = self.client.call_within(&request, COURTESY).await;
        }
    }

    fn webhook_path(&self) -> Option<String> {
        self.webhook.as_ref().map(|_| self.config.path())
    }

    fn admit(
        &self,
        header: &(dyn for<'a> Fn(&'a str) -> Option<String> + Sync),
        body: &[u8],
        now: Timestamp,
    ) -> Result<Vec<RawInbound>, WebhookError> {
        self.take_call(header, body, now)
    }

    async fn check(&self) -> Result<Vec<String>, ReceiveError> {
        let me = self.client.call(&self.client.bot().get_me()).await?;
        let me: Value = serde_json::from_str(me.get()).unwrap_or_default();
        let info = self.webhook_info().await?;
        Ok(lines(&self.config, self.webhook.as_ref(), &me, &info))
    }
}

/// Tells Telegram that a pressed button was seen, so that it stops turning. Never a reason to fail.
async fn answer_query(client: &Client, query: String) {
    let request = client.bot().answer_callback_query(CallbackQueryId(query));
    if let Err(fault) = client.call_within(&request, COURTESY).await {
        tracing::debug!(error = %fault, "a pressed button could not be answered");
    }
}

/// What an operator wants to know of a bot.
fn lines(
    config: &TelegramConfig,
    webhook: Option<&reqwest::Url>,
    me: &Value,
    info: &Value,
) -> Vec<String> {
    let account = update::text(me, "username").unwrap_or("?");
    let mut lines = vec![format!("signed in as @{account}")];
    let registered = update::text(info, "url");
    let waiting = update::number(info, "pending_update_count").unwrap_or_default();
    lines.push(match (webhook, registered) {
        (None, None) => format!("long polling, {waiting} updates wait"),
        (None, Some(_)) => {
            "long polling; a webhook is set at Telegram and will be removed, what waits is kept"
                .into()
        }
        (Some(url), Some(set)) if set == url.as_str() => {
            format!("webhook set, {waiting} updates wait")
        }
        (Some(_), _) => format!("webhook, not set yet; Telegram will call {}", config.path()),
    });
    if let Some(words) = update::text(info, "last_error_message") {
        lines.push(format!("last trouble with the webhook: {words}"));
    }
    if me.get("can_join_groups").and_then(Value::as_bool) == Some(true) {
        lines.push(
            "the bot can be added to groups, where it is silent; BotFather's /setjoingroups switches that off".into(),
        );
    }
    lines
}
