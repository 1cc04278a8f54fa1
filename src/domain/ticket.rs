//! A ticket: an inquiry in its tracked form, with a queue, a state and two clocks.

use crate::domain::ids::{AgentId, DeskId, QueueId, TicketId};
use crate::domain::language::Lang;
use crate::domain::sla::Clocks;
use jiff::Timestamp;
use madoguchi_channel::Party;
use serde::{Deserialize, Serialize};

macro_rules! closed_set {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }
        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The stable name used in storage, on the command line and in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
            /// Reads the stable name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.as_str() == text)
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use closed_set;

closed_set!(
    /// Where a ticket stands.
    TicketState {
        /// Nobody has looked at it.
        New = "new",
        /// Staff work on it.
        Open = "open",
        /// The desk waits for the requester; the resolution clock stands still.
        Waiting = "waiting",
        /// Answered; a follow-up reopens it.
        Resolved = "resolved",
        /// Ended; a late follow-up becomes a new, linked ticket.
        Closed = "closed",
    }
);

impl TicketState {
    /// True while the desk owes something: new, open or waiting.
    pub fn is_unsettled(self) -> bool {
        matches!(self, Self::New | Self::Open | Self::Waiting)
    }
}

closed_set!(
    /// How soon, apart from the clocks.
    Priority {
        /// When there is time.
        Low = "low",
        /// The usual.
        Normal = "normal",
        /// Before the usual.
        High = "high",
        /// At once, at any hour (W2, emergencies).
        Urgent = "urgent",
    }
);

closed_set!(
    /// In which role somebody asks.
    Audience {
        /// Applicants and their advisers.
        Applicant = "applicant",
        /// Examiners in bureaus and ministries (P2).
        Examiner = "examiner",
        /// Patients and their families (M1).
        Patient = "patient",
        /// Doctors and hospitals abroad (M3).
        Referrer = "referrer",
        /// Guarantor agencies (G1).
        Agency = "agency",
        /// Bidders and contractors (Q1).
        Bidder = "bidder",
        /// Facility payers (W3).
        Payer = "payer",
    }
);

/// A ticket as it is now: the sum of its events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its id; people see [`TicketId::number`].
    pub id: TicketId,
    /// Counts the saves; a save with an old version is refused (two people, one ticket).
    pub version: i64,
    /// The programme it belongs to.
    pub desk: DeskId,
    /// The pile it lies on.
    pub queue: QueueId,
    /// Where it stands.
    pub state: TicketState,
    /// How soon.
    pub priority: Priority,
    /// The requester's role.
    pub audience: Audience,
    /// The requester's language.
    pub lang: Lang,
    /// What it is about, from routing or the entry that answered it.
    pub category: Option<String>,
    /// Subject line, or the first words of a chat message.
    pub subject: String,
    /// Who asks.
    pub requester: Party,
    /// Name of the channel it came by; replies go back by it.
    pub channel: String,
    /// The desk's address the inquiry was sent to; replies come from it.
    pub desk_address: String,
    /// Who works on it.
    pub assignee: Option<AgentId>,
    /// When the inquiry arrived: what the clocks count from.
    pub received_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The two clocks, as computed from the events at `updated_at`.
    pub clocks: Clocks,
    /// The ticket this one was merged into; its number stays an alias for ever.
    pub merged_into: Option<TicketId>,
    /// Tickets that belong together (twin desks, new topic of an old thread, a quoted number).
    pub linked: Vec<TicketId>,
}
