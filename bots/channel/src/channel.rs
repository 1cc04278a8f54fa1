//! The two traits between a channel and the desk: [`Channel`] is implemented by each bot, [`Door`] by the desk's inbox.

use crate::inbound::{DecodeError, InboundMessage, Party, RawInbound};
use crate::outbound::{OutboundMessage, Receipt, SendError};
use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// One way to reach the desk.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Configured name, unique in the desk.
    fn name(&self) -> &str;

    /// Understands one arrival. Pure: no I/O, no clock; the same bytes always give the same message.
    fn decode(&self, bytes: &[u8]) -> Result<InboundMessage, DecodeError>;

    /// The contents of the attachments of one arrival, in the order [`Channel::decode`] lists them. Pure.
    fn files(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let _ = bytes;
        Vec::new()
    }

    /// The same, fetched from the server where the arrival only names its files (chats). `Err` inside: this file cannot be had
    /// and never will be, in words for staff. `Err` outside: not now.
    async fn fetch(&self, bytes: &[u8]) -> Result<Vec<Result<Vec<u8>, String>>, ReceiveError> {
        Ok(self.files(bytes).into_iter().map(Ok).collect())
    }

    /// Receives until `stop` is cancelled, handing every arrival through `door` before the server is told it was taken.
    /// Reconnects by itself with back-off; returns early only for a fault no retry can mend (configuration).
    async fn receive(
        &self,
        door: Arc<dyn Door>,
        stop: CancellationToken,
    ) -> Result<(), ReceiveError>;

    /// Looks once for new arrivals and hands them in; returns how many were new. Tests and the catch-up call this.
    async fn receive_once(&self, door: Arc<dyn Door>) -> Result<usize, ReceiveError>;

    /// Compares what the server holds with what the inbox stored.
    async fn reconcile(&self, door: Arc<dyn Door>) -> Result<Reconciliation, ReceiveError>;

    /// Delivers one message once. A message whose `message_id` this channel can see was delivered before must not be
    /// delivered again.
    async fn send(&self, message: &OutboundMessage) -> Result<Receipt, SendError>;

    /// Tells the person that an answer is being prepared, where the chat can show it. Never a reason to fail.
    async fn working(&self, to: &Party) {
        let _ = to;
    }

    /// The path under which this channel's server calls the desk (`/webhooks/line`), when it does.
    fn webhook_path(&self) -> Option<String> {
        None
    }

    /// Takes one call of the server: checks that it is genuine and returns the arrivals in it. Pure; the desk stores them
    /// before it answers 200. `header` gives a header's value by its name in lower case.
    fn admit(
        &self,
        header: &(dyn for<'a> Fn(&'a str) -> Option<String> + Sync),
        body: &[u8],
        now: Timestamp,
    ) -> Result<Vec<RawInbound>, WebhookError> {
        let _ = (header, body, now);
        Err(WebhookError::Forged)
    }

    /// Connects and signs in, without reading or sending (`check --connect`). Lines for the operator: what was agreed on with
    /// the server.
    async fn check(&self) -> Result<Vec<String>, ReceiveError>;
}

/// A remembered position in a server's numbering, saved together with the arrivals it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// What the position belongs to (a mailbox name); unique within the channel.
    pub scope: String,
    /// The position in the channel's own form.
    pub value: String,
}

/// The desk's inbox as a channel sees it.
#[async_trait]
pub trait Door: Send + Sync {
    /// Stores arrivals and the cursor in one transaction. When this returns `Ok`, they survive a power cut and
    /// the server may be told so. Arrivals known already are counted, not stored twice.
    async fn store(
        &self,
        channel: &str,
        arrivals: Vec<RawInbound>,
        cursor: Option<Cursor>,
    ) -> Result<Stored, DoorError>;

    /// The saved cursor of a scope.
    async fn cursor(&self, channel: &str, scope: &str) -> Result<Option<String>, DoorError>;

    /// External ids stored for this channel that begin with `prefix` (reconciliation).
    async fn stored_ids(&self, channel: &str, prefix: &str) -> Result<Vec<String>, DoorError>;

    /// Tells operators how the channel is; called on each change and after each poll.
    fn health(&self, channel: &str, health: Health);
}

/// What became of a batch of arrivals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stored {
    /// Stored now.
    pub new: usize,
    /// Known already, dropped.
    pub known: usize,
}

/// The inbox could not store; the channel keeps the message at the server and tries again later.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct DoorError(pub String);

/// A call that is not taken. Nothing of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The signature or the secret is missing or wrong (401).
    #[error("the call is not signed by the server")]
    Forged,
    /// Signed, but not of the form the server uses (400).
    #[error("the call cannot be read")]
    Malformed,
}

/// How a channel is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Working.
    Up,
    /// Not working: what is wrong and what to do, without secrets or personal data.
    Down {
        /// What is wrong, with the server's own words.
        problem: String,
        /// What the operator can do.
        advice: String,
    },
}

/// Receiving failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{problem}; {advice}")]
pub struct ReceiveError {
    /// What is wrong, with the server's own words.
    pub problem: String,
    /// What the operator can do.
    pub advice: String,
    /// True when only a changed configuration can help.
    pub permanent: bool,
}

/// Result of comparing a server with the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reconciliation {
    /// Messages at the server that the desk is responsible for.
    pub at_server: usize,
    /// Of those, stored in the inbox.
    pub stored: usize,
    /// External ids at the server that the inbox does not have; they are fetched now and an alarm is raised.
    pub missing: Vec<String>,
}
