//! Screening: a machine or a person? One check a file; they run in the order of [`screen`], the first that speaks decides.

mod caps;
mod machine;
mod own;
mod restored;
mod unproven;
mod unreachable;
mod virus;

pub use own::without_detail;

use crate::domain::inquiry::Inquiry;
use madoguchi_channel::MarkKind;
use serde::{Deserialize, Serialize};

/// What screening found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// A person who may get automatic answers.
    Person,
    /// Probably a person, but the desk must not write by itself; staff get the ticket.
    Quiet {
        /// Stable reason.
        reason: String,
    },
    /// A machine: never answered, no ticket. Stays findable in the ledger.
    Machine {
        /// Which kind; `None` for the desk's own mail.
        kind: Option<MarkKind>,
        /// Stable reason.
        reason: String,
    },
}

/// What the checks are handed.
#[derive(Debug, Clone)]
pub struct ScreenFacts {
    /// Addresses of every desk and channel, lower case.
    pub own_addresses: Vec<String>,
    /// Installation ids of this desk, former ones included.
    pub own_installations: Vec<String>,
    /// Addresses of agents and leads, lower case: they are people, but never get automatic answers.
    pub staff_addresses: Vec<String>,
    /// Automatic messages to this sender within the last day.
    pub sent_to_sender: u32,
    /// Automatic messages in the ticket this message would join within the last day.
    pub sent_in_ticket: u32,
    /// Automatic messages of the whole desk within the last day.
    pub sent_in_all: u32,
    /// The limits on the three.
    pub caps: Caps,
}

/// How many automatic messages may go out within a day (RFC 3834 §2: at least limit them per sender).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// To one address.
    pub per_sender: u32,
    /// In one ticket.
    pub per_ticket: u32,
    /// Of the whole desk.
    pub per_day: u32,
}

/// Judges one inquiry.
pub fn screen(inquiry: &Inquiry, facts: &ScreenFacts) -> Verdict {
    const CHECKS: [fn(&Inquiry, &ScreenFacts) -> Option<Verdict>; 7] = [
        restored::check,
        own::check,
        machine::check,
        unreachable::check,
        virus::check,
        unproven::check,
        caps::check,
    ];
    CHECKS
        .iter()
        .find_map(|check| check(inquiry, facts))
        .unwrap_or(Verdict::Person)
}
