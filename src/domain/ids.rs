//! Newtypes of the ids that cross module borders, so that no two kinds can be mixed up.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}
macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);
        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl From<&str> for $name {
            fn from(s: &str) -> Self {
                Self(s.to_owned())
            }
        }
    };
}

number_id!(
    /// A stored arrival.
    InboxId
);
number_id!(
    /// A ticket. People see it as a [`TicketNumber`].
    TicketId
);
number_id!(
    /// A stored departure.
    OutboxId
);
name_id!(
    /// A programme's counter (`keieiryoku`, `medical-travel`, …).
    DeskId
);
name_id!(
    /// A pile of tickets with one team.
    QueueId
);
name_id!(
    /// A FAQ entry, the same in every language.
    EntryId
);
name_id!(
    /// A member of staff who answers: the account name.
    AgentId
);

/// What the number of a ticket begins with wherever people see it.
pub const TICKET_PREFIX: &str = "MD-";

impl TicketId {
    /// The number as people see it: `MD-000042`.
    pub fn number(self) -> String {
        format!("{TICKET_PREFIX}{:06}", self.0)
    }

    /// Reads `MD-000042`, `md-42` or `42`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = match text.get(..TICKET_PREFIX.len()) {
            Some(head) if head.eq_ignore_ascii_case(TICKET_PREFIX) => {
                text.get(TICKET_PREFIX.len()..)?
            }
            _ => text,
        };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        digits.parse().ok().filter(|n| *n > 0).map(Self)
    }
}
