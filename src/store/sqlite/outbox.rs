//! Departures: the beginning of an attempt is durable before the attempt, so that a crash is seen as "uncertain".

use super::SqliteStore;
use super::commit::apply;
use super::rows::{count, departure_line, from_json, get, micros};
use crate::domain::ids::{OutboxId, TicketId};
use crate::flow::ports::{
    AutomaticCount, Commit, Departure, DepartureLine, DepartureState, Outbox, StoreError,
};
use crate::store::error::from_sqlx;
use async_trait::async_trait;
use jiff::Timestamp;
use madoguchi_channel::Receipt;
use sqlx::{Row, SqliteConnection};

#[async_trait]
impl Outbox for SqliteStore {
    async fn claim_departures(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Departure>, StoreError> {
        let mut tx = self.begin().await?;
        // In a ticket, messages leave in the order they were written: a later one waits until the earlier is sent or dead.
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT o.id FROM outbox o \
             WHERE ((o.state = 'waiting' AND o.next_at <= ?1) OR (o.state = 'sending' AND o.lease_until <= ?1)) \
             AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.ticket = o.ticket AND e.id < o.id \
                             AND e.state IN ('waiting', 'sending')) \
             ORDER BY o.id LIMIT ?2",
        )
        .bind(micros(now))
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await
        .map_err(from_sqlx)?;
        let mut claimed = Vec::with_capacity(ids.len());
        for id in ids {
            claimed.push(begin_attempt(&mut tx, OutboxId(id), now, lease_until).await?);
        }
        tx.commit().await.map_err(from_sqlx)?;
        Ok(claimed)
    }

    async fn delivered(
        &self,
        id: OutboxId,
        at: Timestamp,
        receipt: &Receipt,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        // Also when the lease ran out or it was given up meanwhile: the server has it, and that settles it.
        let done = sqlx::query(
            "UPDATE outbox SET state = 'sent', lease_until = 0, server_said = ?2, ended_at = ?3 \
             WHERE id = ?1 AND state <> 'sent'",
        )
        .bind(id.0)
        .bind(&receipt.server_said)
        .bind(micros(at))
        .execute(&mut *tx)
        .await
        .map_err(from_sqlx)?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Conflict);
        }
        end_attempt(&mut tx, id, "delivered", at, &receipt.server_said).await?;
        tx.commit().await.map_err(from_sqlx)
    }

    async fn retry(
        &self,
        id: OutboxId,
        at: Timestamp,
        next_at: Timestamp,
        server_said: &str,
        parts_sent: Option<usize>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE outbox SET state = 'waiting', lease_until = 0, next_at = ?2, server_said = ?3, \
             message = CASE WHEN ?4 IS NULL THEN message ELSE json_set(message, '$.chat.parts_sent', ?4) END \
             WHERE id = ?1 AND state = 'sending'",
        )
        .bind(id.0)
        .bind(micros(next_at))
        .bind(server_said)
        .bind(parts_sent.and_then(|parts| i64::try_from(parts).ok()))
        .execute(&mut *tx)
        .await
        .map_err(from_sqlx)?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Conflict);
        }
        end_attempt(&mut tx, id, "temporary", at, server_said).await?;
        tx.commit().await.map_err(from_sqlx)
    }

    async fn dead_letter(
        &self,
        id: OutboxId,
        at: Timestamp,
        server_said: &str,
        commit: &Commit,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE outbox SET state = 'dead', lease_until = 0, server_said = ?2, ended_at = ?3 \
             WHERE id = ?1 AND state IN ('waiting', 'sending')",
        )
        .bind(id.0)
        .bind(server_said)
        .bind(micros(at))
        .execute(&mut *tx)
        .await
        .map_err(from_sqlx)?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Conflict);
        }
        end_attempt(&mut tx, id, "permanent", at, server_said).await?;
        apply(&mut tx, commit).await?;
        tx.commit().await.map_err(from_sqlx)
    }

    async fn send_again(&self, id: OutboxId, at: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        // The count begins anew, or the first fault would give it up again; `deliveries` keeps every attempt.
        let done = sqlx::query(
            "UPDATE outbox SET state = 'waiting', next_at = ?2, attempts = 0, ended_at = NULL \
             WHERE id = ?1 AND state = 'dead'",
        )
        .bind(id.0)
        .bind(micros(at))
        .execute(&mut *tx)
        .await
        .map_err(from_sqlx)?;
        tx.commit().await.map_err(from_sqlx)?;
        Ok(done.rows_affected() > 0)
    }

    async fn departures(
        &self,
        state: Option<DepartureState>,
        limit: u32,
    ) -> Result<Vec<DepartureLine>, StoreError> {
        sqlx::query(
            "SELECT id, ticket, purpose, message_id, state, attempts, uncertain_attempts, server_said, \
             next_at FROM outbox WHERE ?1 IS NULL OR state = ?1 ORDER BY id DESC LIMIT ?2",
        )
        .bind(state.map(DepartureState::as_str))
        .bind(super::rows::limit(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(from_sqlx)?
        .iter()
        .map(departure_line)
        .collect()
    }

    async fn automatic_count(
        &self,
        address: &str,
        ticket: Option<TicketId>,
        since: Timestamp,
    ) -> Result<AutomaticCount, StoreError> {
        // Counted from the moment they are written, sent or not: a loop must not outrun the sender.
        let row = sqlx::query(
            "SELECT \
             (SELECT count(*) FROM outbox WHERE automatic = 1 AND to_address = ?1 AND created_at >= ?3), \
             (SELECT count(*) FROM outbox WHERE automatic = 1 AND ticket = ?2 AND created_at >= ?3), \
             (SELECT count(*) FROM outbox WHERE automatic = 1 AND created_at >= ?3)",
        )
        .bind(address.to_lowercase())
        .bind(ticket.map(|t| t.0))
        .bind(micros(since))
        .fetch_one(&self.readers)
        .await
        .map_err(from_sqlx)?;
        let number = |column: usize| row.try_get(column).map(count).map_err(from_sqlx);
        Ok(AutomaticCount {
            to_address: number(0)?,
            in_ticket: number(1)?,
            in_all: number(2)?,
        })
    }
}

/// Writes that an attempt begins. An earlier attempt without an end becomes "unknown": it may have been delivered.
async fn begin_attempt(
    tx: &mut SqliteConnection,
    id: OutboxId,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Departure, StoreError> {
    let unknown = sqlx::query(
        "UPDATE deliveries SET result = 'unknown' WHERE outbox = ?1 AND result = 'started'",
    )
    .bind(id.0)
    .execute(&mut *tx)
    .await
    .map_err(from_sqlx)?
    .rows_affected();
    sqlx::query("INSERT INTO deliveries (outbox, started_at) VALUES (?1, ?2)")
        .bind(id.0)
        .bind(micros(now))
        .execute(&mut *tx)
        .await
        .map_err(from_sqlx)?;
    let row = sqlx::query(
        "UPDATE outbox SET state = 'sending', lease_until = ?2, attempts = attempts + 1, \
         uncertain_attempts = uncertain_attempts + ?3 WHERE id = ?1 \
         RETURNING channel, ticket, purpose, message, attempts, uncertain_attempts",
    )
    .bind(id.0)
    .bind(micros(lease_until))
    .bind(i64::try_from(unknown).unwrap_or(i64::MAX))
    .fetch_one(&mut *tx)
    .await
    .map_err(from_sqlx)?;
    Ok(Departure {
        id,
        channel: get(&row, "channel")?,
        ticket: get::<Option<i64>>(&row, "ticket")?.map(TicketId),
        purpose: get(&row, "purpose")?,
        message: from_json(&row, "message")?,
        attempts: count(get(&row, "attempts")?),
        uncertain: get::<i64>(&row, "uncertain_attempts")? > 0,
    })
}

async fn end_attempt(
    tx: &mut SqliteConnection,
    id: OutboxId,
    result: &str,
    at: Timestamp,
    server_said: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE deliveries SET result = ?2, ended_at = ?3, server_said = ?4 \
         WHERE outbox = ?1 AND result = 'started'",
    )
    .bind(id.0)
    .bind(result)
    .bind(micros(at))
    .bind(server_said)
    .execute(&mut *tx)
    .await
    .map_err(from_sqlx)?;
    Ok(())
}
