//! What comes in: the bytes as they arrived, and the one form every channel decodes them to.

use crate::chat::ChatArrival;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One arrival as the channel saw it, before anything is understood ("store first, understand later").
#[derive(Clone, PartialEq, Eq)]
pub struct RawInbound {
    /// Configured name of the channel (for instance `mail`, `spool`), unique in the desk.
    pub channel: String,
    /// The server's own id of this arrival, unique inside the channel for ever
    /// (IMAP: `mailbox/uidvalidity/uid`; maildir: the file name). A second arrival of the same pair is dropped.
    pub external_id: String,
    /// When the desk took it, or the server's own time of arrival where that is trustworthy (IMAP INTERNALDATE).
    pub received_at: Timestamp,
    /// The message, byte for byte.
    pub bytes: Vec<u8>,
    /// True: imported history. It becomes a ticket but is never answered by itself ("import without replies").
    pub silent: bool,
    /// True: the server renumbered its messages (new UIDVALIDITY), so an arrival whose content this channel
    /// already stored is the same message again and is dropped.
    pub renumbered: bool,
}

impl std::fmt::Debug for RawInbound {
    /// Leaves the content out: personal data never reaches a log line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawInbound")
            .field("channel", &self.channel)
            .field("external_id", &self.external_id)
            .field("received_at", &self.received_at)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Someone a message comes from or goes to.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
pub struct Party {
    /// The address in the channel's own form (mail: `local@domain`, the domain in lower case; chat: the account id).
    pub address: String,
    /// The display name as given; never trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl std::fmt::Debug for Party {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Party(…)")
    }
}

/// Why a message looks machine-made. Facts only; the desk judges them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineMark {
    /// The kind of machine.
    pub kind: MarkKind,
    /// A short stable name of the rule that matched, for the ledger (for instance `auto-submitted`, `empty-return-path`).
    pub reason: String,
}

/// Kinds of machine-made messages; the names are those of `mail inspect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// Vacation notes, receipts, tickets systems' acknowledgements (RFC 3834).
    AutoReply,
    /// Delivery status notifications (RFC 3464) and their free-form cousins.
    Bounce,
    /// Mailing lists and bulk mail (RFC 2369, RFC 2919, `Precedence`).
    List,
}

/// What a mail program reports about a message the desk sent (RFC 3464, and the free forms before it).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DeliveryReport {
    /// Id of the message it speaks of, without brackets.
    pub original_message_id: Option<String>,
    /// What became of it, recipient by recipient.
    pub recipients: Vec<ReportedRecipient>,
}

/// What became of a message for one recipient.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedRecipient {
    /// The address the message was sent to.
    pub address: String,
    /// What happened.
    pub action: DeliveryAction,
    /// Enhanced status code (RFC 3463), for instance `5.1.1`.
    pub status: Option<String>,
    /// The server's own words.
    pub diagnostic: Option<String>,
}

impl std::fmt::Debug for ReportedRecipient {
    /// Leaves the address and the words (which repeat it) out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReportedRecipient")
            .field("action", &self.action)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// What happened to a message (RFC 3464 §2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryAction {
    /// Given up.
    Failed,
    /// Not yet delivered; the server goes on trying.
    Delayed,
    /// Delivered.
    Delivered,
    /// Handed to a server that reports nothing.
    Relayed,
    /// Delivered to a list, which sends it on.
    Expanded,
}

/// A file that came with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// File name as given, decoded; `None` when there was none.
    pub name: Option<String>,
    /// Media type as declared, lower case (`application/pdf`).
    #[serde(rename = "type")]
    pub media_type: String,
    /// Size in bytes after transfer decoding.
    pub size: usize,
}

/// One message, decoded: the same form for every channel.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct InboundMessage {
    /// Who wrote it. `None` when the message names nobody (a mail without From).
    pub from: Option<Party>,
    /// Where replies go when that is not `from`.
    pub reply_to: Option<Party>,
    /// The address replies must not go to is empty: the envelope sender (mail: Return-Path), `Some("")` for `<>`.
    pub envelope_from: Option<String>,
    /// Every address it was sent to (To, Cc, Delivered-To …).
    pub to: Vec<Party>,
    /// Subject, decoded; chat has none.
    pub subject: Option<String>,
    /// The whole decoded text.
    pub text: String,
    /// What the sender newly wrote: no quotation, no signature. Equal to `text` when in doubt.
    pub reply_text: String,
    /// Language the channel itself declares (chat profile), as a BCP 47 tag. A hint only.
    pub lang_hint: Option<String>,
    /// When the sender says it was written. Never used for clocks.
    pub sent_at: Option<Timestamp>,
    /// Id of this message without angle brackets; only a hint, may be missing or repeated.
    pub message_id: Option<String>,
    /// Ids this message answers (RFC 5322 §3.6.4), without brackets.
    pub in_reply_to: Vec<String>,
    /// The chain of ids before it, oldest first, without brackets; of a bounce also the message it brings back.
    pub references: Vec<String>,
    /// Id of the installation of a desk that sent this, when the message says so (loop protection).
    pub installation: Option<String>,
    /// Marks of a machine; empty for a person.
    pub marks: Vec<MachineMark>,
    /// What a bounce reports, where it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_report: Option<DeliveryReport>,
    /// Files that came along.
    pub attachments: Vec<Attachment>,
    /// What a chat adds; `None` for a letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<ChatArrival>,
    /// What could not be read properly, in words for staff; the message is usable all the same.
    pub problems: Vec<String>,
}

impl std::fmt::Debug for InboundMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InboundMessage")
            .field("text_bytes", &self.text.len())
            .field("attachments", &self.attachments.len())
            .field("marks", &self.marks)
            .finish_non_exhaustive()
    }
}

/// The bytes could not be understood at all. The message is kept and becomes a ticket with the raw file.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{reason}")]
pub struct DecodeError {
    /// What is wrong, for staff; never contains the content itself.
    pub reason: String,
}
