//! Arrivals: stored before they are acknowledged, claimed one worker at a time, kept for ever.

use super::SqliteStore;
use super::rows::{at, count, get, ledger_line, micros};
use crate::domain::ids::{InboxId, TicketId};
use crate::flow::ports::{Claimed, Inbox, LedgerLine, StoreError};
use crate::store::error::from_sqlx;
use async_trait::async_trait;
use jiff::Timestamp;
use madoguchi_channel::{Cursor, RawInbound, Stored};
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

#[async_trait]
impl Inbox for SqliteStore {
    async fn store(
        &self,
        channel: &str,
        arrivals: &[RawInbound],
        cursor: Option<&Cursor>,
    ) -> Result<Stored, StoreError> {
        let mut tx = self.begin().await?;
        let mut stored = Stored::default();
        for arrival in arrivals {
            if insert(&mut tx, channel, arrival).await? {
                stored.new += 1;
            } else {
                stored.known += 1;
            }
        }
        if let Some(cursor) = cursor {
            sqlx::query(
                "INSERT INTO cursors (channel, scope, value) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (channel, scope) DO UPDATE SET value = excluded.value",
            )
            .bind(channel)
            .bind(&cursor.scope)
            .bind(&cursor.value)
            .execute(&mut *tx)
            .await
            .map_err(from_sqlx)?;
        }
        tx.commit().await.map_err(from_sqlx)?;
        Ok(stored)
    }

    async fn cursor(&self, channel: &str, scope: &str) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT value FROM cursors WHERE channel = ?1 AND scope = ?2")
            .bind(channel)
            .bind(scope)
            .fetch_optional(&self.readers)
            .await
            .map_err(from_sqlx)
    }

    async fn stored_ids(&self, channel: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        // A range, not LIKE: the prefix may hold any sign, and the unique index answers it.
        sqlx::query_scalar(
            "SELECT external_id FROM inbox \
             WHERE channel = ?1 AND external_id >= ?2 AND external_id < ?2 || char(1114111) \
             UNION ALL \
             SELECT external_id FROM inbox_aliases \
             WHERE channel = ?1 AND external_id >= ?2 AND external_id < ?2 || char(1114111)",
        )
        .bind(channel)
        .bind(prefix)
        .fetch_all(&self.readers)
        .await
        .map_err(from_sqlx)
    }

    async fn claim(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>, StoreError> {
        let mut tx = self.begin().await?;
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM inbox \
             WHERE state <> 'ended' AND not_before <= ?1 AND lease_until <= ?1 \
             ORDER BY id LIMIT ?2",
        )
        .bind(micros(now))
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await
        .map_err(from_sqlx)?;
        let mut claimed = Vec::with_capacity(ids.len());
        for id in ids {
            sqlx::query(
                "UPDATE inbox SET state = 'claimed', lease_until = ?2, attempts = attempts + 1 \
                 WHERE id = ?1",
            )
            .bind(id)
            .bind(micros(lease_until))
            .execute(&mut *tx)
            .await
            .map_err(from_sqlx)?;
            claimed.push(read_claimed(&mut tx, id).await?);
        }
        tx.commit().await.map_err(from_sqlx)?;
        Ok(claimed)
    }

    async fn release(&self, id: InboxId, not_before: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE inbox SET state = 'waiting', lease_until = 0, not_before = ?2 \
             WHERE id = ?1 AND state = 'claimed'",
        )
        .bind(id.0)
        .bind(micros(not_before))
        .execute(&mut *tx)
        .await
        .map_err(from_sqlx)?;
        tx.commit().await.map_err(from_sqlx)?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Conflict);
        }
        Ok(())
    }

    async fn raw(&self, id: InboxId) -> Result<Option<Vec<u8>>, StoreError> {
        sqlx::query_scalar("SELECT bytes FROM raw_messages WHERE inbox = ?1")
            .bind(id.0)
            .fetch_optional(&self.readers)
            .await
            .map_err(from_sqlx)
    }

    async fn ledger(
        &self,
        after: InboxId,
        limit: u32,
    ) -> Result<Vec<(InboxId, LedgerLine)>, StoreError> {
        sqlx::query(
            "SELECT id, channel, external_id, received_at, outcome, reason, ticket FROM inbox \
             WHERE id > ?1 ORDER BY id LIMIT ?2",
        )
        .bind(after.0)
        .bind(super::rows::limit(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(from_sqlx)?
        .iter()
        .map(ledger_line)
        .collect()
    }

    async fn waiting(&self) -> Result<u64, StoreError> {
        let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM inbox WHERE state <> 'ended'")
            .fetch_one(&self.readers)
            .await
            .map_err(from_sqlx)?;
        Ok(waiting.unsigned_abs())
    }

    async fn evidence(&self, ticket: TicketId) -> Result<Vec<serde_json::Value>, StoreError> {
        let texts: Vec<String> = sqlx::query_scalar(
            "SELECT evidence FROM inbox WHERE ticket = ?1 AND evidence IS NOT NULL ORDER BY id",
        )
        .bind(ticket.0)
        .fetch_all(&self.readers)
        .await
        .map_err(from_sqlx)?;
        texts
            .iter()
            .map(|text| {
                serde_json::from_str(text).map_err(|error| StoreError::Other(error.to_string()))
            })
            .collect()
    }

    async fn restore(&self, id: InboxId, by: &str) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE inbox SET state = 'waiting', lease_until = 0, not_before = 0, attempts = 0, outcome = NULL, \
             reason = NULL, ended_at = NULL, restored_by = ?2 WHERE id = ?1 AND outcome = 'ignored'",
        )
        .bind(id.0)
        .bind(by)
        .execute(&mut *tx)
        .await
        .map_err(from_sqlx)?;
        tx.commit().await.map_err(from_sqlx)?;
        Ok(done.rows_affected() > 0)
    }

    async fn contradictions(&self) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM inbox i WHERE i.outcome IN ('answered', 'ticketed') AND ( \
                 NOT EXISTS (SELECT 1 FROM tickets t WHERE t.id = i.ticket) \
                 OR NOT EXISTS (SELECT 1 FROM articles a WHERE a.ticket = i.ticket AND a.inbox = i.id) \
                 OR (i.outcome = 'answered' AND NOT EXISTS \
                     (SELECT 1 FROM outbox o WHERE o.ticket = i.ticket AND o.purpose = 'answer')))",
        )
        .fetch_one(&self.readers)
        .await
        .map_err(from_sqlx)?;
        Ok(count.unsigned_abs())
    }
}

/// Stores one arrival; false when it is known already.
async fn insert(
    tx: &mut SqliteConnection,
    channel: &str,
    arrival: &RawInbound,
) -> Result<bool, StoreError> {
    let alias: Option<i64> = sqlx::query_scalar(
        "SELECT inbox FROM inbox_aliases WHERE channel = ?1 AND external_id = ?2",
    )
    .bind(channel)
    .bind(&arrival.external_id)
    .fetch_optional(&mut *tx)
    .await
    .map_err(from_sqlx)?;
    if alias.is_some() {
        return Ok(false);
    }
    let content = format!("{:x}", Sha256::digest(&arrival.bytes));
    if arrival.renumbered && is_renumbered(tx, channel, arrival, &content).await? {
        return Ok(false);
    }
    let id: Option<i64> = sqlx::query_scalar(
        "INSERT INTO inbox (channel, external_id, received_at, content_sha256, silent, renumbered) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (channel, external_id) DO NOTHING RETURNING id",
    )
    .bind(channel)
    .bind(&arrival.external_id)
    .bind(micros(arrival.received_at))
    .bind(&content)
    .bind(arrival.silent)
    .bind(arrival.renumbered)
    .fetch_optional(&mut *tx)
    .await
    .map_err(from_sqlx)?;
    let Some(id) = id else { return Ok(false) };
    sqlx::query("INSERT INTO raw_messages (inbox, bytes) VALUES (?1, ?2)")
        .bind(id)
        .bind(arrival.bytes.as_slice())
        .execute(&mut *tx)
        .await
        .map_err(from_sqlx)?;
    Ok(true)
}

/// True when the channel holds this content under another id. The new id is remembered, or reconciliation would call it
/// missing for ever.
async fn is_renumbered(
    tx: &mut SqliteConnection,
    channel: &str,
    arrival: &RawInbound,
    content: &str,
) -> Result<bool, StoreError> {
    let known: Option<(i64, String)> = sqlx::query_as(
        "SELECT id, external_id FROM inbox WHERE channel = ?1 AND content_sha256 = ?2 \
         ORDER BY external_id = ?3 DESC, id LIMIT 1",
    )
    .bind(channel)
    .bind(content)
    .bind(&arrival.external_id)
    .fetch_optional(&mut *tx)
    .await
    .map_err(from_sqlx)?;
    let Some((id, external_id)) = known else {
        return Ok(false);
    };
    if external_id != arrival.external_id {
        sqlx::query("INSERT INTO inbox_aliases (channel, external_id, inbox) VALUES (?1, ?2, ?3)")
            .bind(channel)
            .bind(&arrival.external_id)
            .bind(id)
            .execute(&mut *tx)
            .await
            .map_err(from_sqlx)?;
    }
    Ok(true)
}

async fn read_claimed(tx: &mut SqliteConnection, id: i64) -> Result<Claimed, StoreError> {
    let row = sqlx::query(
        "SELECT i.channel, i.external_id, i.received_at, i.silent, i.renumbered, i.attempts, \
         i.restored_by IS NOT NULL AS restored, r.bytes \
         FROM inbox i JOIN raw_messages r ON r.inbox = i.id WHERE i.id = ?1",
    )
    .bind(id)
    .fetch_one(&mut *tx)
    .await
    .map_err(from_sqlx)?;
    Ok(Claimed {
        id: InboxId(id),
        raw: RawInbound {
            channel: get(&row, "channel")?,
            external_id: get(&row, "external_id")?,
            received_at: at(&row, "received_at")?,
            bytes: get(&row, "bytes")?,
            silent: get(&row, "silent")?,
            renumbered: get(&row, "renumbered")?,
        },
        attempts: count(get(&row, "attempts")?),
        restored: get(&row, "restored")?,
    })
}
