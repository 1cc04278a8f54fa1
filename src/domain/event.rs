//! What happened to a ticket: append-only, with who, when, from and to. History, audit, clocks and notices read the same rows.

use crate::domain::article::ArticleKind;
use crate::domain::ids::{AgentId, DeskId, EntryId, QueueId, TicketId};
use crate::domain::language::Lang;
use crate::domain::sla::{ClockKind, WarningLevel};
use crate::domain::ticket::{Audience, Priority, TicketState};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", content = "name", rename_all = "snake_case")]
pub enum Actor {
    /// The person who asks.
    Requester,
    /// A member of staff.
    Agent(AgentId),
    /// The desk itself (rules, index, clocks).
    Desk,
}

/// One thing that happened to a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketEvent {
    /// When. For arrivals: when the message arrived, not when it was understood.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub change: Change,
}

/// The closed set of changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// The ticket was made. `at` is when the inquiry arrived: both clocks start here.
    Created {
        /// Where it lay first.
        desk: DeskId,
        /// Where it lay first.
        queue: QueueId,
        /// Its first state.
        state: TicketState,
        /// Why it became what it became (the decision's reason).
        why: String,
    },
    /// The state changed.
    State {
        /// Before.
        from: TicketState,
        /// After.
        to: TicketState,
    },
    /// It was moved.
    Queue {
        /// Before.
        from: QueueId,
        /// After.
        to: QueueId,
    },
    /// Somebody else works on it.
    Assignee {
        /// Before.
        from: Option<AgentId>,
        /// After.
        to: Option<AgentId>,
    },
    /// The priority changed.
    Priority {
        /// Before.
        from: Priority,
        /// After.
        to: Priority,
    },
    /// The requester's role was corrected.
    Audience {
        /// Before.
        from: Audience,
        /// After.
        to: Audience,
    },
    /// The language was corrected or recognised anew.
    Language {
        /// Before.
        from: Lang,
        /// After.
        to: Lang,
    },
    /// A message was added.
    Article {
        /// Its kind.
        kind: ArticleKind,
    },
    /// The desk answered from the knowledge: a first response unless it is rejected.
    AnsweredByEntry {
        /// The entry.
        entry: EntryId,
        /// Its version: the day it was last changed.
        updated: String,
        /// Calibrated probability that it is the right one, 0 to 1.
        confidence: f64,
    },
    /// A member of staff answered the requester: the first response, if none was before.
    AnsweredByStaff,
    /// The requester said that the automatic answer did not help: it no longer counts as a first response.
    AnswerRejected,
    /// Receipt was acknowledged. Not a first response.
    Acknowledged,
    /// It belongs together with another.
    Linked {
        /// The other one.
        to: TicketId,
        /// Why.
        why: String,
    },
    /// It became part of another; this number stays an alias.
    Merged {
        /// The one that goes on.
        into: TicketId,
    },
    /// A clock came near its end; notices were sent.
    Warned {
        /// Which clock.
        clock: ClockKind,
        /// How near.
        level: WarningLevel,
        /// The due instant the warning spoke of.
        due_at: Timestamp,
    },
    /// A due instant moved because the calendar changed.
    DueMoved {
        /// Which clock.
        clock: ClockKind,
        /// Before.
        from: Timestamp,
        /// After.
        to: Timestamp,
    },
    /// A few entries were offered; the requester may choose one.
    Offered {
        /// In the order they were shown.
        entries: Vec<EntryId>,
    },
    /// The requester rated the inquiry.
    Rated {
        /// From 1 (poor) to 5 (very good).
        mark: u8,
    },
    /// A message to the requester could not be delivered.
    DeliveryFailed {
        /// The server's own words.
        server_said: String,
    },
}
