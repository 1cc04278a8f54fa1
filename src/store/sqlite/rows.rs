//! Between rows and values: instants, closed sets, JSON, and the reading of whole rows.

use crate::domain::article::{Article, ArticleKind};
use crate::domain::event::TicketEvent;
use crate::domain::ids::{AgentId, DeskId, InboxId, OutboxId, QueueId, TicketId};
use crate::domain::language::Lang;
use crate::domain::sla::{Clock, Clocks};
use crate::domain::ticket::{Audience, Priority, Ticket, TicketState};
use crate::flow::ports::{DepartureLine, DepartureState, LedgerLine, Outcome, StoreError};
use crate::store::error::{from_sqlx, json, unreadable};
use jiff::Timestamp;
use madoguchi_channel::Party;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row, Sqlite, Type};

/// An instant as it is stored: microseconds since 1970 UTC, truncated.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A stored instant.
pub(super) fn instant(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|_| unreadable("instant", &micros.to_string()))
}

/// A limit where 0 means all.
pub(super) fn limit(limit: u32) -> i64 {
    if limit == 0 { -1 } else { i64::from(limit) }
}

/// A count that is never negative.
pub(super) fn count(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A column by name.
pub(super) fn get<'r, T>(row: &'r SqliteRow, column: &str) -> Result<T, StoreError>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    row.try_get(column).map_err(from_sqlx)
}

/// An instant by column name.
pub(super) fn at(row: &SqliteRow, column: &str) -> Result<Timestamp, StoreError> {
    instant(get(row, column)?)
}

fn maybe_at(row: &SqliteRow, column: &str) -> Result<Option<Timestamp>, StoreError> {
    get::<Option<i64>>(row, column)?.map(instant).transpose()
}

fn named<T>(
    row: &SqliteRow,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, StoreError> {
    let text: &str = get(row, column)?;
    parse(text).ok_or_else(|| unreadable(column, text))
}

/// A value as JSON text.
pub(super) fn to_json<T: Serialize>(value: &T, what: &'static str) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(json(what))
}

/// JSON text by column name.
pub(super) fn from_json<T: DeserializeOwned>(
    row: &SqliteRow,
    column: &'static str,
) -> Result<T, StoreError> {
    let text: &str = get(row, column)?;
    serde_json::from_str(text).map_err(json(column))
}

/// A ticket; its links are in a table of their own and come with it as JSON (`links`).
pub(super) fn ticket(row: &SqliteRow) -> Result<Ticket, StoreError> {
    Ok(Ticket {
        id: TicketId(get(row, "id")?),
        version: get(row, "version")?,
        desk: DeskId(get(row, "desk")?),
        queue: QueueId(get(row, "queue")?),
        state: named(row, "state", TicketState::parse)?,
        priority: named(row, "priority", Priority::parse)?,
        audience: named(row, "audience", Audience::parse)?,
        lang: named(row, "lang", Lang::parse)?,
        category: get(row, "category")?,
        subject: get(row, "subject")?,
        requester: Party {
            address: get(row, "requester_address")?,
            name: get(row, "requester_name")?,
        },
        channel: get(row, "channel")?,
        desk_address: get(row, "desk_address")?,
        assignee: get::<Option<String>>(row, "assignee")?.map(AgentId),
        received_at: at(row, "received_at")?,
        updated_at: at(row, "updated_at")?,
        clocks: Clocks {
            first_response: Clock {
                due_at: at(row, "first_response_due_at")?,
                met_at: maybe_at(row, "first_response_met_at")?,
                paused_since: maybe_at(row, "first_response_paused_at")?,
            },
            resolution: Clock {
                due_at: at(row, "resolution_due_at")?,
                met_at: maybe_at(row, "resolution_met_at")?,
                paused_since: maybe_at(row, "resolution_paused_at")?,
            },
        },
        merged_into: get::<Option<i64>>(row, "merged_into")?.map(TicketId),
        linked: from_json(row, "links")?,
    })
}

/// An article.
pub(super) fn article(row: &SqliteRow) -> Result<Article, StoreError> {
    Ok(Article {
        ticket: TicketId(get(row, "ticket")?),
        kind: named(row, "kind", ArticleKind::parse)?,
        author: get(row, "author")?,
        at: at(row, "written_at")?,
        subject: get(row, "subject")?,
        body: get(row, "body")?,
        reply_text: get(row, "reply_text")?,
        message_id: get(row, "message_id")?,
        inbox: get::<Option<i64>>(row, "inbox")?.map(InboxId),
        attachments: from_json(row, "attachments")?,
        trust: match get::<Option<&str>>(row, "trust")? {
            Some(text) => Some(serde_json::from_str(text).map_err(json("trust"))?),
            None => None,
        },
    })
}

/// An event.
pub(super) fn event(row: &SqliteRow) -> Result<TicketEvent, StoreError> {
    Ok(TicketEvent {
        at: at(row, "happened_at")?,
        actor: from_json(row, "actor")?,
        change: from_json(row, "change")?,
    })
}

/// A line of the ledger.
pub(super) fn ledger_line(row: &SqliteRow) -> Result<(InboxId, LedgerLine), StoreError> {
    let outcome = match get::<Option<&str>>(row, "outcome")? {
        None => None,
        Some(text) => Some(Outcome::parse(text).ok_or_else(|| unreadable("outcome", text))?),
    };
    let line = LedgerLine {
        channel: get(row, "channel")?,
        external_id: get(row, "external_id")?,
        received_at: at(row, "received_at")?,
        outcome,
        reason: get(row, "reason")?,
        ticket: get::<Option<i64>>(row, "ticket")?.map(TicketId),
    };
    Ok((InboxId(get(row, "id")?), line))
}

/// A departure as staff see it; there is no next attempt once it is sent or dead.
pub(super) fn departure_line(row: &SqliteRow) -> Result<DepartureLine, StoreError> {
    let state = named(row, "state", DepartureState::parse)?;
    let next_at = match state {
        DepartureState::Waiting => Some(at(row, "next_at")?),
        DepartureState::Sending | DepartureState::Sent | DepartureState::Dead => None,
    };
    Ok(DepartureLine {
        id: OutboxId(get(row, "id")?),
        ticket: get::<Option<i64>>(row, "ticket")?.map(TicketId),
        purpose: get(row, "purpose")?,
        message_id: get(row, "message_id")?,
        state,
        attempts: count(get(row, "attempts")?),
        uncertain_attempts: count(get(row, "uncertain_attempts")?),
        server_said: get(row, "server_said")?,
        next_at,
    })
}
