//! What must happen once of a message that may come more than once: one ticket at a desk, one letter to the person, one ticket for the mails
//! of a letter sent in parts. Each has a key that a single commit can take, so that two workers cannot both be the first.

use crate::domain::ids::{DeskId, TicketId};
use crate::domain::inquiry::Inquiry;
use crate::domain::several::part_of;
use crate::flow::office::Office;
use crate::flow::ports::StoreError;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Mails of one letter arrive within this time.
const PARTS_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// What is known of a message's keys.
#[derive(Debug, Clone, Default)]
pub struct Firsts {
    /// What the same message at another desk, or delivered twice, has in common. `None` without a Message-ID: then nothing tells a second
    /// delivery from a person who asks again.
    message: Option<String>,
    /// Tickets that hold this very message, by desk.
    pub at_desk: BTreeMap<DeskId, TicketId>,
    /// A letter in answer to this very message was written already.
    pub lettered: bool,
    /// The key of the mails it belongs to, where it is the first of them.
    pub part_key: Option<String>,
    /// The ticket of the mails it belongs to, where it is not.
    pub part_ticket: Option<TicketId>,
}

impl Firsts {
    /// Looks the keys of a message up.
    ///
    /// # Errors
    /// The store failed.
    pub async fn of(office: &Office, inquiry: &Inquiry) -> Result<Self, StoreError> {
        let mut firsts = Self::default();
        if inquiry.restored {
            // Staff want to see it, whatever was there before.
            return Ok(firsts);
        }
        firsts.message = fingerprint(inquiry);
        let parts = part_keys(inquiry);
        let mut keys: Vec<String> = parts.clone();
        keys.extend(office.desks.keys().filter_map(|desk| firsts.desk_key(desk)));
        keys.extend(firsts.letter_key());
        if keys.is_empty() {
            return Ok(firsts);
        }
        let taken: BTreeMap<String, TicketId> =
            office.store.firsts(&keys).await?.into_iter().collect();
        for desk in office.desks.keys() {
            if let Some(ticket) = firsts.desk_key(desk).and_then(|key| taken.get(&key)) {
                firsts.at_desk.insert(desk.clone(), *ticket);
            }
        }
        firsts.lettered = firsts
            .letter_key()
            .is_some_and(|key| taken.contains_key(&key));
        for key in &parts {
            let Some(ticket) = taken.get(key) else {
                continue;
            };
            let since = office.store.ticket(*ticket).await?.map(|t| t.received_at);
            if since.is_some_and(|since| within(since, inquiry.received_at)) {
                firsts.part_ticket = Some(*ticket);
                break;
            }
        }
        if firsts.part_ticket.is_none() {
            firsts.part_key = parts
                .into_iter()
                .next()
                .filter(|key| !taken.contains_key(key));
        }
        Ok(firsts)
    }

    /// The key of this message at a desk.
    pub fn desk_key(&self, desk: &DeskId) -> Option<String> {
        self.message
            .as_ref()
            .map(|message| format!("message:{message}:{desk}"))
    }

    /// The key of a letter in answer to this message.
    pub fn letter_key(&self) -> Option<String> {
        self.message
            .as_ref()
            .map(|message| format!("letter:{message}"))
    }
}

/// Message-ID, sender and text together: ids alone are repeated by faulty programs, and then another text is another message.
fn fingerprint(inquiry: &Inquiry) -> Option<String> {
    let message = &inquiry.message;
    let id = message.message_id.as_ref()?;
    Some(digest(&[id, &inquiry.author().address, &message.text]))
}

/// The keys under which the mails of a letter sent in parts find each other: of the day of arrival, then of the day before.
fn part_keys(inquiry: &Inquiry) -> Vec<String> {
    let sender = inquiry.author().address.to_lowercase();
    let subject = inquiry.message.subject.as_deref().unwrap_or_default();
    let Some(part) = part_of(subject).filter(|_| !sender.is_empty() && !inquiry.trust.failed())
    else {
        return Vec::new();
    };
    let of = part.of.unwrap_or(0).to_string();
    let letter = digest(&[&inquiry.channel, &sender, &part.base, &of]);
    let yesterday = inquiry.received_at.checked_sub(PARTS_WITHIN);
    [Some(inquiry.received_at), yesterday.ok()]
        .into_iter()
        .flatten()
        .map(|at| format!("part:{letter}:{}", at.strftime("%F")))
        .collect()
}

fn within(since: Timestamp, at: Timestamp) -> bool {
    at.duration_since(since).abs() <= PARTS_WITHIN
}

fn digest(fields: &[&str]) -> String {
    let mut hash = Sha256::new();
    for field in fields {
        hash.update(field.len().to_le_bytes());
        hash.update(field.as_bytes());
    }
    format!("{:x}", hash.finalize())
}
