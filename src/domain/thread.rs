//! Threading: does a message open an inquiry or continue a ticket?
//!
//! A message joins a ticket when it names an id from that ticket's own messages, or carries the token the desk signed.
//! A ticket number alone never joins, and neither does a stranger who repeats an id that could be guessed: both become
//! a new, linked ticket, so that nobody writes into (or reads from) somebody else's conversation.

use crate::domain::ids::TicketId;
use crate::domain::inquiry::bare_subject;
use crate::domain::ticket::{Ticket, TicketState};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// So long after a member of staff answered in a chat, what is said goes on in that ticket.
const WITH_STAFF_HOURS: i64 = 72;

/// What is known about a ticket that a message may belong to.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The ticket, merges followed.
    pub ticket: Ticket,
    /// Addresses that wrote in it or were written to, lower case.
    pub participants: Vec<String>,
}

/// What threading is handed.
#[derive(Debug, Clone, Default)]
pub struct ThreadFacts {
    /// Tickets found by the ids this message refers to, the nearest id first; true when the desk sent that id.
    pub by_reference: Vec<(Candidate, bool)>,
    /// The ticket whose signed token the message carries.
    pub by_token: Option<Candidate>,
    /// Tickets whose bare number the message quotes.
    pub by_number: Vec<TicketId>,
    /// The sender, lower case.
    pub sender: Option<String>,
    /// Subject line.
    pub subject: String,
    /// When the message arrived.
    pub received_at: Option<Timestamp>,
    /// A ticket closed longer ago than this many days takes no more messages.
    pub reopen_days: i64,
    /// It is the report of a mail program about a message of the desk.
    pub bounce: bool,
    /// The sender's own domain disowns the message (DMARC).
    pub sender_failed: bool,
    /// The ticket of the other mails of one letter sent in parts (Q3).
    pub by_part: Option<TicketId>,
    /// The last ticket of a chat's conversation.
    pub by_conversation: Option<Candidate>,
    /// In it, the last answer was a person's.
    pub staff_spoke: bool,
    /// What is said speaks of the answer given before: it did not help, a person is wanted, or thanks.
    pub speaks_of_answer: bool,
}

/// Where a message belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "thread", rename_all = "snake_case")]
pub enum Threading {
    /// A new inquiry.
    New {
        /// A ticket it should be linked to, and why it does not join it.
        linked: Option<(TicketId, String)>,
    },
    /// It continues a ticket.
    FollowUp {
        /// Which.
        ticket: TicketId,
        /// How it was found (`reference`, `token`, `part`).
        via: String,
    },
}

/// Judges where a message belongs.
pub fn thread(facts: &ThreadFacts) -> Threading {
    let mut refused: Option<(TicketId, String)> = None;
    let known = facts
        .by_token
        .iter()
        .map(|candidate| (candidate, true, "token"))
        .chain(
            facts
                .by_reference
                .iter()
                .map(|(candidate, sent)| (candidate, *sent, "reference")),
        );
    // The token is tried after the references only for its name in the evidence; both prove possession.
    for (candidate, proven, via) in known {
        match objection(facts, candidate, proven) {
            None => {
                return Threading::FollowUp {
                    ticket: candidate.ticket.id,
                    via: via.to_owned(),
                };
            }
            Some(why) => {
                refused.get_or_insert((candidate.ticket.id, why.to_owned()));
            }
        }
    }
    // In a chat nothing names the ticket: what is in people's hands goes on, what was settled goes on only where it is spoken of.
    if let Some(candidate) = &facts.by_conversation {
        let open = matches!(
            candidate.ticket.state,
            TicketState::New | TicketState::Open | TicketState::Waiting
        );
        // Once a member of staff has written, the desk keeps quiet: what is said then is said to them.
        let with_staff = candidate.ticket.state == TicketState::Resolved
            && facts.staff_spoke
            && facts.received_at.is_some_and(|at| {
                at.duration_since(candidate.ticket.updated_at)
                    <= SignedDuration::from_hours(WITH_STAFF_HOURS)
            });
        if open || with_staff || facts.speaks_of_answer {
            return Threading::FollowUp {
                ticket: candidate.ticket.id,
                via: "conversation".to_owned(),
            };
        }
    }
    if let Some(ticket) = facts.by_part
        && !facts.sender_failed
    {
        return Threading::FollowUp {
            ticket,
            via: "part".to_owned(),
        };
    }
    let linked = refused.or_else(|| {
        facts
            .by_number
            .first()
            .map(|id| (*id, "number-alone".to_owned()))
    });
    Threading::New { linked }
}

/// Why a message must not join a ticket it points to; `None` when it may.
fn objection(facts: &ThreadFacts, candidate: &Candidate, proven: bool) -> Option<&'static str> {
    let ticket = &candidate.ticket;
    let participant = facts
        .sender
        .as_ref()
        .is_some_and(|sender| candidate.participants.contains(sender));
    // Whoever holds the thread: a forged sender neither writes into a conversation nor is told what was said in it.
    if facts.sender_failed && !facts.bounce {
        return Some("sender-unproven");
    }
    if !proven && !participant {
        return Some("stranger");
    }
    if ticket.state == TicketState::Closed
        && let Some(received_at) = facts.received_at
        && received_at.duration_since(ticket.updated_at)
            > SignedDuration::from_hours(24 * facts.reopen_days)
    {
        return Some("closed-long-ago");
    }
    // A bounce carries a subject of the program that wrote it.
    if !facts.bounce && !same_topic(&facts.subject, &ticket.subject) {
        return Some("new-topic");
    }
    None
}

/// True unless both subjects say something and say something else.
fn same_topic(a: &str, b: &str) -> bool {
    let squeeze = |s: &str| -> String {
        bare_subject(s)
            .chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let (a, b) = (squeeze(a), squeeze(b));
    a.is_empty() || b.is_empty() || a.contains(&b) || b.contains(&a)
}
