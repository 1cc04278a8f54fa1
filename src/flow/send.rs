//! Send: delivers one departure once; what the server says decides what becomes of it.

use crate::domain::article::{Article, ArticleKind};
use crate::domain::edit::Edit;
use crate::domain::event::{Actor, Change};
use crate::domain::ticket::TicketState;
use crate::domain::undeliverable::says_dead;
use crate::flow::office::Office;
use crate::flow::ports::{Commit, Departure, StoreError, Undeliverable};
use jiff::{SignedDuration, Timestamp};
use madoguchi_channel::{Channel, SendError};

/// When a departure is tried again, and when it is given up.
#[derive(Debug, Clone, Copy)]
pub struct RetrySchedule {
    /// Wait after the first failure; doubled after each further one.
    pub first: SignedDuration,
    /// Longest wait between two attempts.
    pub longest: SignedDuration,
    /// Attempts after which it becomes a dead letter.
    pub attempts: u32,
}

impl RetrySchedule {
    /// When to try again after so many attempts, spread by `jitter` in 0..1 so that not all come at once;
    /// `None` when it is given up.
    pub fn next(&self, attempts: u32, now: Timestamp, jitter: f64) -> Option<Timestamp> {
        if attempts >= self.attempts {
            return None;
        }
        let doubled = 2i32.saturating_pow(attempts.saturating_sub(1).min(30));
        let wait = self
            .first
            .checked_mul(doubled)
            .map_or(self.longest, |w| w.min(self.longest));
        let wait = wait.mul_f64(1.0 + jitter.clamp(0.0, 1.0) * 0.25);
        now.checked_add(wait).ok()
    }
}

/// How the words of a departure begin that was not even tried.
const HELD_BACK: &str = "not sent:";

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// The server took it.
    Delivered,
    /// It is tried again later.
    Later,
    /// It is a dead letter now.
    Dead,
}

/// Delivers one claimed departure and records the result.
pub async fn send_one(
    office: &Office,
    channel: Option<&dyn Channel>,
    departure: &Departure,
    schedule: &RetrySchedule,
) -> Result<Sent, StoreError> {
    if departure.uncertain {
        tracing::warn!(
            outbox.id = departure.id.0,
            attempts = departure.attempts,
            "An earlier attempt has no known end; sending again under the same message id"
        );
    }
    if let Some(mark) = held_back(office, departure).await? {
        let words = format!(
            "{HELD_BACK} nothing reaches this address since {} ({}); `madoguchi address lift` when it works again",
            mark.marked_at.strftime("%F"),
            mark.why
        );
        return give_up(office, departure, &words, office.time.now()).await;
    }
    let outcome = match channel {
        Some(channel) => channel.send(&departure.message).await,
        None => Err(SendError::Temporary(format!(
            "channel `{}` is not configured",
            departure.channel
        ))),
    };
    let now = office.time.now();
    // Greylisting and limits: what the server asks for, where that is longer than our own pause.
    let asked = outcome
        .as_ref()
        .err()
        .and_then(SendError::retry_after)
        .and_then(|wait| SignedDuration::try_from(wait).ok())
        .and_then(|wait| now.checked_add(wait).ok());
    let parts_sent = match &outcome {
        Err(SendError::Partly { parts_sent, .. }) => Some(*parts_sent),
        _ => None,
    };
    match outcome {
        Ok(receipt) => {
            office.store.delivered(departure.id, now, &receipt).await?;
            Ok(Sent::Delivered)
        }
        Err(
            SendError::Temporary(words)
            | SendError::Later { words, .. }
            | SendError::Partly { words, .. },
        ) => {
            let jitter = office
                .random
                .bytes(1)
                .first()
                .map_or(0.0, |byte| f64::from(*byte) / 255.0);
            match schedule.next(departure.attempts, now, jitter) {
                Some(next_at) => {
                    let next_at = asked.map_or(next_at, |asked| next_at.max(asked));
                    tracing::warn!(
                        outbox.id = departure.id.0,
                        attempts = departure.attempts,
                        channel.name = departure.channel,
                        "Not delivered yet, trying again later"
                    );
                    office
                        .store
                        .retry(departure.id, now, next_at, &words, parts_sent)
                        .await?;
                    Ok(Sent::Later)
                }
                None => give_up(office, departure, &words, now).await,
            }
        }
        Err(SendError::Permanent(words)) => give_up(office, departure, &words, now).await,
    }
}

/// The mark that keeps a departure from being sent; notices to staff are never held back.
async fn held_back(
    office: &Office,
    departure: &Departure,
) -> Result<Option<Undeliverable>, StoreError> {
    if departure.purpose == "notice" {
        return Ok(None);
    }
    office
        .store
        .undeliverable(&departure.message.to.address)
        .await
}

/// A dead letter: the ticket says so and lies open before staff again.
async fn give_up(
    office: &Office,
    departure: &Departure,
    words: &str,
    now: Timestamp,
) -> Result<Sent, StoreError> {
    tracing::error!(
        outbox.id = departure.id.0,
        attempts = departure.attempts,
        channel.name = departure.channel,
        "Given up; see `madoguchi outbox list`"
    );
    let mut commit = Commit {
        at: Some(now),
        ..Commit::default()
    };
    // A notice to staff that cannot be delivered must not reopen the requester's ticket.
    if let Some(id) = departure.ticket
        && let Some(ticket) = office.store.ticket(id).await?
        && let Some(desk) = office.desk(&ticket.desk)
        && departure.purpose != "notice"
    {
        let history = office.store.events(id).await?;
        let subject = ticket.subject.clone();
        let mut edit = Edit::of(ticket, history);
        edit.record(
            now,
            Actor::Desk,
            Change::DeliveryFailed {
                server_said: words.to_owned(),
            },
        );
        if !edit.ticket().state.is_unsettled() || edit.ticket().state == TicketState::Waiting {
            edit.state(now, Actor::Desk, TicketState::Open);
        }
        let edited = edit.finish(&desk.policy, &desk.calendar, now);
        if !words.starts_with(HELD_BACK) && says_dead(None, words) {
            commit.undeliverable.push(Undeliverable {
                address: departure.message.to.address.to_lowercase(),
                marked_at: now,
                why: words.to_owned(),
                ticket: Some(id),
            });
        }
        commit.articles.push(Article {
            ticket: id,
            kind: ArticleKind::System,
            author: "desk".to_owned(),
            at: now,
            subject,
            body: words.to_owned(),
            reply_text: words.to_owned(),
            message_id: None,
            inbox: None,
            attachments: Vec::new(),
            trust: None,
        });
        commit
            .events
            .extend(edited.events.into_iter().map(|event| (id, event)));
        commit.tickets.push(edited.ticket);
    }
    office
        .store
        .dead_letter(departure.id, now, words, &commit)
        .await?;
    Ok(Sent::Dead)
}
