//! What goes out: one message to one requester, and what became of it.

use crate::chat::ChatDeparture;
use crate::inbound::Party;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How far a message was written by a machine (RFC 3834 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Automatic {
    /// A person wrote it (`Auto-Submitted` absent).
    #[default]
    No,
    /// An automatic answer to a message (`Auto-Submitted: auto-replied`).
    Replied,
    /// A notice of the desk's own (`Auto-Submitted: auto-generated`).
    Generated,
}

/// One message ready to be delivered; stable over every retry.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct OutboundMessage {
    /// Id without angle brackets, carries the installation id, the same for every attempt; the key against doubles.
    pub message_id: String,
    /// Id of the installation that sends (loop protection, `X-Madoguchi-Installation`).
    pub installation: String,
    /// The desk's address, shown as the sender.
    pub from: Party,
    /// Who gets it.
    pub to: Party,
    /// Where answers go, when that is not `from` (carries the signed ticket token).
    pub reply_to: Option<String>,
    /// Subject line.
    pub subject: String,
    /// The text, plain, lines ended by `\n`.
    pub body: String,
    /// BCP 47 language of the text (`Content-Language`).
    pub lang: String,
    /// Id of the message this answers, without brackets.
    pub in_reply_to: Option<String>,
    /// The whole chain, oldest first, without brackets.
    pub references: Vec<String>,
    /// Who wrote it.
    pub automatic: Automatic,
    /// When it was written.
    pub written_at: Timestamp,
    /// What a chat needs; `None` for a letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<ChatDeparture>,
}

impl std::fmt::Debug for OutboundMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboundMessage")
            .field("message_id", &self.message_id)
            .field("automatic", &self.automatic)
            .finish_non_exhaustive()
    }
}

/// Proof of delivery: what the server said when it took the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Receipt {
    /// The server's own words (`250 2.0.0 Ok: queued as …`) or the file name.
    pub server_said: String,
    /// Ids the server gave to what was delivered, part by part, where it gives any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server_ids: Vec<String>,
}

impl Receipt {
    /// A receipt of a server that gives no ids.
    pub fn new(server_said: impl Into<String>) -> Self {
        Self {
            server_said: server_said.into(),
            server_ids: Vec::new(),
        }
    }
}

/// A message that was not delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Try again later: server away, 4xx, disk full. The text is the server's own words, or the cause.
    #[error("{0}")]
    Temporary(String),
    /// Try again, but not sooner than this: greylisting, a limit on messages a minute, 429.
    #[error("{words}")]
    Later {
        /// The server's own words, or the cause.
        words: String,
        /// The shortest sensible wait.
        retry_after: Duration,
    },
    /// The first parts of a long text were delivered, the next was not; the rest is tried again later.
    #[error("{words}")]
    Partly {
        /// Parts delivered so far, those of earlier attempts included ([`ChatDeparture::parts_sent`]).
        parts_sent: usize,
        /// The server's own words, or the cause.
        words: String,
        /// The shortest sensible wait, where one is known.
        retry_after: Option<Duration>,
    },
    /// Never try again: 5xx, no such address. The text is the server's own words.
    #[error("{0}")]
    Permanent(String),
}

impl SendError {
    /// The shortest sensible wait, where one is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Later { retry_after, .. } => Some(*retry_after),
            Self::Partly { retry_after, .. } => *retry_after,
            Self::Temporary(_) | Self::Permanent(_) => None,
        }
    }
}
