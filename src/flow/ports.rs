//! What the use cases need from the outside. Implemented by `store` and `faq`, faked by nobody: tests use the real SQLite.

use crate::domain::article::Article;
use crate::domain::decide::Hit;
use crate::domain::event::TicketEvent;
use crate::domain::file::{KeptFile, Scan};
use crate::domain::guard::GuardHit;
use crate::domain::ids::{AgentId, DeskId, EntryId, InboxId, OutboxId, QueueId, TicketId};
use crate::domain::language::Lang;
use crate::domain::route::{Route, RouteFacts};
use crate::domain::sender::SenderTrust;
use crate::domain::ticket::{Audience, Ticket, TicketState, closed_set};
use async_trait::async_trait;
use jiff::Timestamp;
use madoguchi_channel::{Cursor, InboundMessage, OutboundMessage, RawInbound, Receipt, Stored};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The row was changed by somebody else since it was read; read again and decide again.
    #[error("changed by somebody else in the meantime")]
    Conflict,
    /// The disk is full or the database cannot be written; intake must wait.
    #[error("the database cannot be written: {0}")]
    Unavailable(String),
    /// Anything else.
    #[error("database error: {0}")]
    Other(String),
}

/// The wall clock, handed in.
pub trait TimeSource: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// Randomness, handed in.
pub trait RandomSource: Send + Sync {
    /// So many random bytes from a cryptographic source.
    fn bytes(&self, count: usize) -> Vec<u8>;
}

/// A question as the index is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// What the sender newly wrote.
    pub text: String,
    /// Its language.
    pub lang: Lang,
    /// The desk it was routed to, as a prior.
    pub desk: Option<DeskId>,
    /// The day it is asked: an entry outside its validity is not served.
    pub today: jiff::civil::Date,
}

/// What an entry says, in the language asked for or the nearest there is.
#[derive(Debug, Clone)]
pub struct AnswerText {
    /// The entry's first phrasing.
    pub title: String,
    /// The answer.
    pub body: String,
    /// The language it is written in.
    pub lang: Lang,
    /// When it was last changed.
    pub updated: String,
    /// Where it is written: document and section.
    pub source: String,
    /// Its category.
    pub category: String,
    /// Whom it is for, the first of its audiences.
    pub audience: Option<Audience>,
}

/// What the desk knows: entries, guards, routes. One call sees one version throughout.
pub trait Knowledge: Send + Sync {
    /// The version that serves now.
    fn current(&self) -> Arc<dyn KnowledgeVersion>;
}

/// One version of the knowledge.
pub trait KnowledgeVersion: Send + Sync {
    /// Content hash.
    fn version(&self) -> String;
    /// The entries that may answer, the best first, at most ten.
    fn search(&self, question: &Question) -> Vec<Hit>;
    /// What an entry says.
    fn answer(&self, desk: &DeskId, entry: &EntryId, lang: Lang) -> Option<AnswerText>;
    /// The guards that speak, the strongest first.
    fn guards(&self, text: &str) -> Vec<GuardHit>;
    /// Where an inquiry goes.
    fn route(&self, facts: &RouteFacts<'_>) -> Route;
    /// Confidence from which this desk lets an entry be sent.
    fn threshold(&self, desk: &DeskId) -> f64;
    /// The language of a text; `prior` is the conversation's last language.
    fn language(&self, text: &str, prior: Option<Lang>) -> Lang;
}

/// The contents of files, outside the database, and the scanner that looks into them.
#[async_trait]
pub trait Vault: Send + Sync {
    /// Keeps a file durably under the hash of its content; returns the hash.
    async fn keep(&self, bytes: &[u8]) -> Result<String, StoreError>;
    /// The content of a file.
    async fn read(&self, sha256: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// What the virus scanner says, with its words.
    async fn scan(&self, bytes: &[u8]) -> (Scan, Option<String>);
    /// Media type by the first bytes.
    fn found_type(&self, bytes: &[u8]) -> Option<String>;
}

/// Finds out about a sender when a message arrives.
#[async_trait]
pub trait SenderChecks: Send + Sync {
    /// What the checks found; the default where nobody looks for this channel. Never fails: what could not be found out says so.
    async fn check(&self, channel: &str, raw: &[u8], message: &InboundMessage) -> SenderTrust;
}

/// Looks at no sender (chat accounts are proven by their platform; a spool is filled by its operator).
#[derive(Debug)]
pub struct NoSenderChecks;

#[async_trait]
impl SenderChecks for NoSenderChecks {
    async fn check(&self, _: &str, _: &[u8], _: &InboundMessage) -> SenderTrust {
        SenderTrust::default()
    }
}

/// A stored arrival, claimed for triage.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Its row.
    pub id: InboxId,
    /// The arrival itself.
    pub raw: RawInbound,
    /// How many times it was claimed, this one included. Grows when the process dies while working on it.
    pub attempts: u32,
    /// A member of staff took it out of quarantine.
    pub restored: bool,
}

closed_set!(
    /// What became of an arrival; every stored arrival ends in exactly one (the ledger).
    Outcome {
        /// An automatic answer was sent.
        Answered = "answered",
        /// It became, or joined, a ticket for staff.
        Ticketed = "ticketed",
        /// It was not answered and is no ticket; the reason is kept.
        Ignored = "ignored",
    }
);

/// The end of an arrival, written in the same transaction as all it led to.
#[derive(Debug, Clone)]
pub struct InboxOutcome {
    /// Which arrival.
    pub id: InboxId,
    /// What became of it.
    pub outcome: Outcome,
    /// Short stable reason (`auto-submitted`, `below-threshold`, `follow-up` …).
    pub reason: String,
    /// The ticket, where there is one.
    pub ticket: Option<TicketId>,
    /// The decision with its evidence, as JSON, kept for audit.
    pub evidence: serde_json::Value,
}

/// A departure to be written.
#[derive(Debug, Clone)]
pub struct NewDeparture {
    /// Name of the channel that delivers it.
    pub channel: String,
    /// The ticket it belongs to; `None` for a notice to staff about no single ticket.
    pub ticket: Option<TicketId>,
    /// Why it is sent (`answer`, `acknowledgement`, `reply`, `notice`, `emergency`, `hint`): counted by the caps.
    pub purpose: String,
    /// The message.
    pub message: OutboundMessage,
}

/// Everything one decision writes: one transaction, all or nothing.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// When it is committed.
    pub at: Option<Timestamp>,
    /// Ends this arrival; refused with [`StoreError::Conflict`] when it was ended before.
    pub inbox: Option<InboxOutcome>,
    /// Tickets to insert (`version` 0) or to replace (stored version must equal `version`; it is raised by one).
    pub tickets: Vec<Ticket>,
    /// Events to append, each to its ticket.
    pub events: Vec<(TicketId, TicketEvent)>,
    /// Articles to append.
    pub articles: Vec<Article>,
    /// Departures to enqueue.
    pub departures: Vec<NewDeparture>,
    /// Message ids seen or sent for a ticket, for threading.
    pub message_ids: Vec<SeenMessageId>,
    /// Keys of what must happen once, each with its ticket; a key that is taken refuses the whole commit with
    /// [`StoreError::Conflict`], so that of two workers the second looks again and finds what the first wrote.
    pub firsts: Vec<(String, TicketId)>,
    /// Addresses nothing can be delivered to.
    pub undeliverable: Vec<Undeliverable>,
    /// What is known of files that came along.
    pub files: Vec<KeptFile>,
}

/// An address a mail program called undeliverable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undeliverable {
    /// In lower case.
    pub address: String,
    /// Since when.
    pub marked_at: Timestamp,
    /// The server's words.
    pub why: String,
    /// The ticket whose message came back.
    pub ticket: Option<TicketId>,
}

/// A message id the desk has met, for threading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenMessageId {
    /// Without angle brackets.
    pub message_id: String,
    /// The ticket it belongs to.
    pub ticket: TicketId,
    /// True when the desk sent it: then nobody can guess it.
    pub sent_by_desk: bool,
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLine {
    /// The channel.
    pub channel: String,
    /// The server's id.
    pub external_id: String,
    /// When it arrived.
    pub received_at: Timestamp,
    /// What became of it; `None` while it waits.
    pub outcome: Option<Outcome>,
    /// Why.
    pub reason: Option<String>,
    /// The ticket.
    pub ticket: Option<TicketId>,
}

/// Stored arrivals.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Stores arrivals and cursor durably in one transaction; see [`madoguchi_channel::Door::store`].
    async fn store(
        &self,
        channel: &str,
        arrivals: &[RawInbound],
        cursor: Option<&Cursor>,
    ) -> Result<Stored, StoreError>;
    /// The saved cursor.
    async fn cursor(&self, channel: &str, scope: &str) -> Result<Option<String>, StoreError>;
    /// External ids of a channel with this prefix.
    async fn stored_ids(&self, channel: &str, prefix: &str) -> Result<Vec<String>, StoreError>;
    /// Claims up to `limit` arrivals nobody works on, oldest first, until `lease_until`.
    async fn claim(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>, StoreError>;
    /// Gives a claim back (graceful stop, passing fault), to be claimed again from `not_before` on.
    async fn release(&self, id: InboxId, not_before: Timestamp) -> Result<(), StoreError>;
    /// The raw bytes of an arrival.
    async fn raw(&self, id: InboxId) -> Result<Option<Vec<u8>>, StoreError>;
    /// Every arrival in order of storing, from `after` on.
    async fn ledger(
        &self,
        after: InboxId,
        limit: u32,
    ) -> Result<Vec<(InboxId, LedgerLine)>, StoreError>;
    /// How many arrivals wait for a decision.
    async fn waiting(&self) -> Result<u64, StoreError>;
    /// The decisions of the arrivals that belong to a ticket, oldest first, as they were kept for audit.
    async fn evidence(&self, ticket: TicketId) -> Result<Vec<serde_json::Value>, StoreError>;
    /// Takes an ignored arrival out of quarantine: it is decided again, as a person's judgement says. False when it is not ignored.
    async fn restore(&self, id: InboxId, by: &str) -> Result<bool, StoreError>;
    /// How many outcomes cannot be true: answered or ticketed without a ticket, without the article in it, or answered without an
    /// answer among the departures. 0 unless something was lost.
    async fn contradictions(&self) -> Result<u64, StoreError>;
}

/// What `ticket list` asks for; `None` and empty mean no limit.
#[derive(Debug, Clone, Default)]
pub struct TicketFilter {
    /// Of this desk.
    pub desk: Option<DeskId>,
    /// In this queue.
    pub queue: Option<QueueId>,
    /// In one of these states.
    pub states: Vec<TicketState>,
    /// Of this agent.
    pub assignee: Option<AgentId>,
    /// At most so many; 0 means all.
    pub limit: u32,
}

/// Tickets and all that hangs on them.
#[async_trait]
pub trait Tickets: Send + Sync {
    /// Reserves ids for new tickets; a gap is left when they are not used.
    async fn reserve(&self, count: u32) -> Result<Vec<TicketId>, StoreError>;
    /// Writes everything one decision leads to, in one transaction.
    async fn commit(&self, commit: &Commit) -> Result<(), StoreError>;
    /// One ticket, aliases not followed.
    async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, StoreError>;
    /// Tickets by filter, the one due next first.
    async fn list(&self, filter: &TicketFilter) -> Result<Vec<Ticket>, StoreError>;
    /// Articles of a ticket, oldest first.
    async fn articles(&self, id: TicketId) -> Result<Vec<Article>, StoreError>;
    /// Events of a ticket, in the order they were written.
    async fn events(&self, id: TicketId) -> Result<Vec<TicketEvent>, StoreError>;
    /// Which tickets these message ids belong to.
    async fn by_message_ids(&self, ids: &[String]) -> Result<Vec<SeenMessageId>, StoreError>;
    /// The ticket of a requester at a channel that was made last.
    async fn latest_of(&self, channel: &str, address: &str)
    -> Result<Option<TicketId>, StoreError>;
    /// Ids of unsettled tickets, and of settled ones whose clocks are not yet met (the clock worker).
    async fn unsettled(&self) -> Result<Vec<TicketId>, StoreError>;
    /// Those of these keys of [`Commit::firsts`] that are taken, each with its ticket.
    async fn firsts(&self, keys: &[String]) -> Result<Vec<(String, TicketId)>, StoreError>;
}

/// A departure claimed for delivery.
#[derive(Debug, Clone)]
pub struct Departure {
    /// Its row.
    pub id: OutboxId,
    /// Name of the channel.
    pub channel: String,
    /// Its ticket.
    pub ticket: Option<TicketId>,
    /// Why it is sent.
    pub purpose: String,
    /// The message.
    pub message: OutboundMessage,
    /// Attempts made, this one included.
    pub attempts: u32,
    /// True when an earlier attempt began and its end is unknown (the process died between): it may have been delivered.
    pub uncertain: bool,
}

closed_set!(
    /// Where a departure stands.
    DepartureState {
        /// Waits for its next attempt.
        Waiting = "waiting",
        /// An attempt is under way.
        Sending = "sending",
        /// Accepted by the server.
        Sent = "sent",
        /// Given up; staff see it and can send it again.
        Dead = "dead",
    }
);

/// A departure as staff see it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DepartureLine {
    /// Its row.
    pub id: OutboxId,
    /// Its ticket.
    pub ticket: Option<TicketId>,
    /// Why it is sent.
    pub purpose: String,
    /// Message id without brackets.
    pub message_id: String,
    /// Where it stands.
    pub state: DepartureState,
    /// Attempts made.
    pub attempts: u32,
    /// Attempts that began but whose end is unknown.
    pub uncertain_attempts: u32,
    /// The server's own words at the last attempt.
    pub server_said: Option<String>,
    /// When the next attempt is due.
    pub next_at: Option<Timestamp>,
}

/// How often the desk wrote to an address or a ticket by itself (caps against loops).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AutomaticCount {
    /// Automatic messages to this address since the given instant.
    pub to_address: u32,
    /// Automatic messages in this ticket since the given instant.
    pub in_ticket: u32,
    /// Automatic messages of the whole desk since the given instant.
    pub in_all: u32,
}

/// Stored departures.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Claims up to `limit` departures that are due, recording that an attempt begins.
    async fn claim_departures(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Departure>, StoreError>;
    /// The server took it.
    async fn delivered(
        &self,
        id: OutboxId,
        at: Timestamp,
        receipt: &Receipt,
    ) -> Result<(), StoreError>;
    /// The attempt ended at `at` without success; it is tried again at `next_at`.
    async fn retry(
        &self,
        id: OutboxId,
        at: Timestamp,
        next_at: Timestamp,
        server_said: &str,
        parts_sent: Option<usize>,
    ) -> Result<(), StoreError>;
    /// It is given up; `commit` tells the ticket in the same transaction.
    async fn dead_letter(
        &self,
        id: OutboxId,
        at: Timestamp,
        server_said: &str,
        commit: &Commit,
    ) -> Result<(), StoreError>;
    /// Puts a dead letter back in line.
    async fn send_again(&self, id: OutboxId, at: Timestamp) -> Result<bool, StoreError>;
    /// Departures, newest first; all states when `state` is `None`.
    async fn departures(
        &self,
        state: Option<DepartureState>,
        limit: u32,
    ) -> Result<Vec<DepartureLine>, StoreError>;
    /// How many automatic messages went out since `since`.
    async fn automatic_count(
        &self,
        address: &str,
        ticket: Option<TicketId>,
        since: Timestamp,
    ) -> Result<AutomaticCount, StoreError>;
}

/// What is known of kept files.
#[async_trait]
pub trait Files: Send + Sync {
    /// A file by its hash.
    async fn file(&self, sha256: &str) -> Result<Option<KeptFile>, StoreError>;
    /// Files the scanner has not answered for, the oldest first.
    async fn unscanned(&self, limit: u32) -> Result<Vec<KeptFile>, StoreError>;
    /// Writes what the scanner says of a file.
    async fn keep_file(&self, file: &KeptFile) -> Result<(), StoreError>;
}

/// Addresses nothing can be delivered to.
#[async_trait]
pub trait Addresses: Send + Sync {
    /// The mark of an address, compared without regard to case.
    async fn undeliverable(&self, address: &str) -> Result<Option<Undeliverable>, StoreError>;
    /// Every mark, the newest first.
    async fn all_undeliverable(&self) -> Result<Vec<Undeliverable>, StoreError>;
    /// Lifts a mark; false when there is none.
    async fn lift_undeliverable(&self, address: &str) -> Result<bool, StoreError>;
}

/// What the desk remembers about itself.
#[async_trait]
pub trait Settings: Send + Sync {
    /// A remembered value (`installation_id`, `token_key`, `calendar_version` …).
    async fn setting(&self, key: &str) -> Result<Option<String>, StoreError>;
    /// Remembers a value.
    async fn set_setting(&self, key: &str, value: &str) -> Result<(), StoreError>;
    /// Remembers `value` unless there is one already; returns what is remembered (first start of several nodes).
    async fn setting_or_insert(&self, key: &str, value: &str) -> Result<String, StoreError>;
    /// Fails when the store cannot be written (`/readyz`).
    async fn check_writable(&self) -> Result<(), StoreError>;
}

/// Everything the desk stores, behind one name.
pub trait Store: Inbox + Tickets + Outbox + Addresses + Files + Settings {}
impl<T: Inbox + Tickets + Outbox + Addresses + Files + Settings> Store for T {}
