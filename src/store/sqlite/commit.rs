//! One decision, one transaction: everything a [`Commit`] holds is written, or nothing is.

use super::SqliteStore;
use super::rows::{micros, to_json};
use crate::domain::article::Article;
use crate::domain::event::TicketEvent;
use crate::domain::ids::TicketId;
use crate::domain::sla::{Clock, Clocks};
use crate::domain::ticket::Ticket;
use crate::flow::ports::{Commit, InboxOutcome, NewDeparture, SeenMessageId, StoreError};
use crate::store::error::from_sqlx;
use jiff::Timestamp;
use madoguchi_channel::Automatic;
use sqlx::SqliteConnection;

impl SqliteStore {
    pub(super) async fn write(&self, commit: &Commit) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        apply(&mut tx, commit).await?;
        tx.commit().await.map_err(from_sqlx)
    }
}

/// Writes a commit inside a transaction that is open already.
pub(super) async fn apply(tx: &mut SqliteConnection, commit: &Commit) -> Result<(), StoreError> {
    let at = instant_of(commit);
    // The arrival first: a second decision about the same arrival must stop before it writes anything.
    if let Some(outcome) = &commit.inbox {
        end_arrival(tx, outcome, at).await?;
    }
    for ticket in &commit.tickets {
        save_ticket(tx, ticket).await?;
    }
    for (key, ticket) in &commit.firsts {
        be_first(tx, key, *ticket).await?;
    }
    for mark in &commit.undeliverable {
        super::addresses::mark(tx, mark).await?;
    }
    for file in &commit.files {
        super::files::keep(tx, file).await?;
    }
    for article in &commit.articles {
        add_article(tx, article).await?;
    }
    for (ticket, event) in &commit.events {
        add_event(tx, *ticket, event).await?;
    }
    for seen in &commit.message_ids {
        remember_message_id(tx, seen).await?;
    }
    for departure in &commit.departures {
        enqueue(tx, departure, at).await?;
    }
    Ok(())
}

/// When it is committed; where the caller named no instant, the latest one the commit speaks of.
fn instant_of(commit: &Commit) -> Timestamp {
    let written = commit.departures.iter().map(|d| d.message.written_at);
    let changed = commit.tickets.iter().map(|t| t.updated_at);
    let happened = commit.events.iter().map(|(_, e)| e.at);
    commit
        .at
        .or_else(|| written.chain(changed).chain(happened).max())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

async fn end_arrival(
    tx: &mut SqliteConnection,
    outcome: &InboxOutcome,
    at: Timestamp,
) -> Result<(), StoreError> {
    let done = sqlx::query(
        "UPDATE inbox SET state = 'ended', lease_until = 0, outcome = ?2, reason = ?3, ticket = ?4, \
         evidence = ?5, ended_at = ?6 WHERE id = ?1 AND state <> 'ended'",
    )
    .bind(outcome.id.0)
    .bind(outcome.outcome.as_str())
    .bind(&outcome.reason)
    .bind(outcome.ticket.map(|t| t.0))
    .bind(to_json(&outcome.evidence, "the evidence")?)
    .bind(micros(at))
    .execute(&mut *tx)
    .await
    .map_err(from_sqlx)?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Conflict);
    }
    Ok(())
}

/// Inserts a ticket of version 0 as version 1, or replaces the version the caller had read.
async fn save_ticket(tx: &mut SqliteConnection, ticket: &Ticket) -> Result<(), StoreError> {
    let sql = if ticket.version == 0 {
        "INSERT INTO tickets (id, version, desk, queue, state, priority, audience, lang, category, \
         subject, requester_address, requester_name, channel, desk_address, assignee, received_at, \
         updated_at, first_response_due_at, first_response_met_at, first_response_paused_at, \
         resolution_due_at, resolution_met_at, resolution_paused_at, next_due_at, merged_into) \
         VALUES (?1, ?2 + 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, \
         ?19, ?20, ?21, ?22, ?23, ?24, ?25) ON CONFLICT (id) DO NOTHING"
    } else {
        "UPDATE tickets SET version = version + 1, desk = ?3, queue = ?4, state = ?5, priority = ?6, \
         audience = ?7, lang = ?8, category = ?9, subject = ?10, requester_address = ?11, \
         requester_name = ?12, channel = ?13, desk_address = ?14, assignee = ?15, received_at = ?16, \
         updated_at = ?17, first_response_due_at = ?18, first_response_met_at = ?19, \
         first_response_paused_at = ?20, resolution_due_at = ?21, resolution_met_at = ?22, \
         resolution_paused_at = ?23, next_due_at = ?24, merged_into = ?25 \
         WHERE id = ?1 AND version = ?2"
    };
    let Clocks {
        first_response,
        resolution,
    } = &ticket.clocks;
    let done = sqlx::query(sql)
        .bind(ticket.id.0)
        .bind(ticket.version)
        .bind(ticket.desk.as_str())
        .bind(ticket.queue.as_str())
        .bind(ticket.state.as_str())
        .bind(ticket.priority.as_str())
        .bind(ticket.audience.as_str())
        .bind(ticket.lang.as_str())
        .bind(ticket.category.as_deref())
        .bind(&ticket.subject)
        .bind(&ticket.requester.address)
        .bind(ticket.requester.name.as_deref())
        .bind(&ticket.channel)
        .bind(&ticket.desk_address)
        .bind(ticket.assignee.as_ref().map(|a| a.as_str()))
        .bind(micros(ticket.received_at))
        .bind(micros(ticket.updated_at))
        .bind(micros(first_response.due_at))
        .bind(first_response.met_at.map(micros))
        .bind(first_response.paused_since.map(micros))
        .bind(micros(resolution.due_at))
        .bind(resolution.met_at.map(micros))
        .bind(resolution.paused_since.map(micros))
        .bind(next_due(&ticket.clocks).map(micros))
        .bind(ticket.merged_into.map(|t| t.0))
        .execute(&mut *tx)
        .await
        .map_err(from_sqlx)?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Conflict);
    }
    save_links(tx, ticket).await
}

/// The earliest due instant of a clock that runs: neither met nor standing still.
fn next_due(clocks: &Clocks) -> Option<Timestamp> {
    let running = |clock: &Clock| {
        let runs = clock.met_at.is_none() && clock.paused_since.is_none();
        runs.then_some(clock.due_at)
    };
    let due = [running(&clocks.first_response), running(&clocks.resolution)];
    due.into_iter().flatten().min()
}

async fn save_links(tx: &mut SqliteConnection, ticket: &Ticket) -> Result<(), StoreError> {
    if ticket.version > 0 {
        sqlx::query("DELETE FROM ticket_links WHERE ticket = ?1")
            .bind(ticket.id.0)
            .execute(&mut *tx)
            .await
            .map_err(from_sqlx)?;
    }
    for (position, linked) in (0_i64..).zip(&ticket.linked) {
        sqlx::query("INSERT INTO ticket_links (ticket, position, linked) VALUES (?1, ?2, ?3)")
            .bind(ticket.id.0)
            .bind(position)
            .bind(linked.0)
            .execute(&mut *tx)
            .await
            .map_err(from_sqlx)?;
    }
    Ok(())
}

async fn add_article(tx: &mut SqliteConnection, article: &Article) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO articles (ticket, kind, author, written_at, subject, body, reply_text, message_id, \
         inbox, attachments, trust) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )
    .bind(article.ticket.0)
    .bind(article.kind.as_str())
    .bind(&article.author)
    .bind(micros(article.at))
    .bind(&article.subject)
    .bind(&article.body)
    .bind(&article.reply_text)
    .bind(article.message_id.as_deref())
    .bind(article.inbox.map(|i| i.0))
    .bind(to_json(&article.attachments, "the list of attachments")?)
    .bind(match &article.trust {
        Some(trust) => Some(to_json(trust, "what is known about the sender")?),
        None => None,
    })
    .execute(&mut *tx)
    .await
    .map_err(from_sqlx)?;
    Ok(())
}

async fn add_event(
    tx: &mut SqliteConnection,
    ticket: TicketId,
    event: &TicketEvent,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO events (ticket, happened_at, actor, change) VALUES (?1, ?2, ?3, ?4)")
        .bind(ticket.0)
        .bind(micros(event.at))
        .bind(to_json(&event.actor, "the actor")?)
        .bind(to_json(&event.change, "the change")?)
        .execute(&mut *tx)
        .await
        .map_err(from_sqlx)?;
    Ok(())
}

/// Takes a key that only one commit may take.
async fn be_first(
    tx: &mut SqliteConnection,
    key: &str,
    ticket: TicketId,
) -> Result<(), StoreError> {
    let done = sqlx::query(
        "INSERT INTO firsts (key, ticket) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING",
    )
    .bind(key)
    .bind(ticket.0)
    .execute(&mut *tx)
    .await
    .map_err(from_sqlx)?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Conflict);
    }
    Ok(())
}

/// An id once sent by the desk stays so, though it is met again in a reply.
async fn remember_message_id(
    tx: &mut SqliteConnection,
    seen: &SeenMessageId,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO message_ids (message_id, ticket, sent_by_desk) VALUES (?1, ?2, ?3) \
         ON CONFLICT (message_id, ticket) \
         DO UPDATE SET sent_by_desk = max(sent_by_desk, excluded.sent_by_desk)",
    )
    .bind(&seen.message_id)
    .bind(seen.ticket.0)
    .bind(seen.sent_by_desk)
    .execute(&mut *tx)
    .await
    .map_err(from_sqlx)?;
    Ok(())
}

async fn enqueue(
    tx: &mut SqliteConnection,
    departure: &NewDeparture,
    at: Timestamp,
) -> Result<(), StoreError> {
    let message = &departure.message;
    let done = sqlx::query(
        "INSERT INTO outbox (channel, ticket, purpose, message_id, to_address, automatic, message, \
         next_at, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) \
         ON CONFLICT (message_id) DO NOTHING",
    )
    .bind(&departure.channel)
    .bind(departure.ticket.map(|t| t.0))
    .bind(&departure.purpose)
    .bind(&message.message_id)
    .bind(message.to.address.to_lowercase())
    .bind(message.automatic != Automatic::No)
    .bind(to_json(message, "the message")?)
    .bind(micros(at))
    .execute(&mut *tx)
    .await
    .map_err(from_sqlx)?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Other(
            "a departure with this message id was written before; nothing was changed".to_owned(),
        ));
    }
    Ok(())
}
