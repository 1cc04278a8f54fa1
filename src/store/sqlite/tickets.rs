//! Tickets as they are read: one, many, and all that hangs on them. Written in `commit`.

use super::SqliteStore;
use super::rows::{article, event, get, ticket, to_json};
use crate::domain::article::Article;
use crate::domain::event::TicketEvent;
use crate::domain::ids::TicketId;
use crate::domain::ticket::Ticket;
use crate::flow::ports::{Commit, SeenMessageId, StoreError, TicketFilter, Tickets};
use crate::store::error::from_sqlx;
use async_trait::async_trait;

/// A ticket with its links, in their order and then those that others have to it, as JSON.
macro_rules! select_ticket {
    ($rest:literal) => {
        concat!(
            "SELECT t.*, (SELECT json_group_array(linked) FROM \
             (SELECT l.linked, l.position FROM ticket_links l WHERE l.ticket = t.id \
              UNION ALL SELECT l.ticket, 1000000 + l.ticket FROM ticket_links l WHERE l.linked = t.id \
              AND NOT EXISTS (SELECT 1 FROM ticket_links o WHERE o.ticket = t.id AND o.linked = l.ticket) \
              ORDER BY 2)) AS links \
             FROM tickets t ",
            $rest
        )
    };
}

#[async_trait]
impl Tickets for SqliteStore {
    async fn reserve(&self, count: u32) -> Result<Vec<TicketId>, StoreError> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let mut tx = self.begin().await?;
        let last: i64 = sqlx::query_scalar(
            "INSERT INTO counters (name, value) VALUES ('ticket', ?1) \
             ON CONFLICT (name) DO UPDATE SET value = value + ?1 RETURNING value",
        )
        .bind(i64::from(count))
        .fetch_one(&mut *tx)
        .await
        .map_err(from_sqlx)?;
        tx.commit().await.map_err(from_sqlx)?;
        let first = last.saturating_sub(i64::from(count)).saturating_add(1);
        Ok((first..=last).map(TicketId).collect())
    }

    async fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        self.write(commit).await
    }

    async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, StoreError> {
        sqlx::query(select_ticket!("WHERE t.id = ?1"))
            .bind(id.0)
            .fetch_optional(&self.readers)
            .await
            .map_err(from_sqlx)?
            .as_ref()
            .map(ticket)
            .transpose()
    }

    async fn list(&self, filter: &TicketFilter) -> Result<Vec<Ticket>, StoreError> {
        sqlx::query(select_ticket!(
            "WHERE (?1 IS NULL OR t.desk = ?1) AND (?2 IS NULL OR t.queue = ?2) \
             AND (?3 IS NULL OR t.assignee = ?3) \
             AND (?4 = '[]' OR t.state IN (SELECT value FROM json_each(?4))) \
             ORDER BY t.next_due_at NULLS LAST, t.id LIMIT ?5"
        ))
        .bind(filter.desk.as_ref().map(|d| d.as_str()))
        .bind(filter.queue.as_ref().map(|q| q.as_str()))
        .bind(filter.assignee.as_ref().map(|a| a.as_str()))
        .bind(to_json(&filter.states, "the list of states")?)
        .bind(super::rows::limit(filter.limit))
        .fetch_all(&self.readers)
        .await
        .map_err(from_sqlx)?
        .iter()
        .map(ticket)
        .collect()
    }

    async fn articles(&self, id: TicketId) -> Result<Vec<Article>, StoreError> {
        sqlx::query("SELECT * FROM articles WHERE ticket = ?1 ORDER BY written_at, id")
            .bind(id.0)
            .fetch_all(&self.readers)
            .await
            .map_err(from_sqlx)?
            .iter()
            .map(article)
            .collect()
    }

    async fn events(&self, id: TicketId) -> Result<Vec<TicketEvent>, StoreError> {
        sqlx::query("SELECT happened_at, actor, change FROM events WHERE ticket = ?1 ORDER BY id")
            .bind(id.0)
            .fetch_all(&self.readers)
            .await
            .map_err(from_sqlx)?
            .iter()
            .map(event)
            .collect()
    }

    async fn latest_of(
        &self,
        channel: &str,
        address: &str,
    ) -> Result<Option<TicketId>, StoreError> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT id FROM tickets WHERE channel = ?1 AND requester_address = ?2 ORDER BY id DESC LIMIT 1",
        )
        .bind(channel)
        .bind(address)
        .fetch_optional(&self.readers)
        .await
        .map_err(from_sqlx)?;
        Ok(found.map(TicketId))
    }

    async fn by_message_ids(&self, ids: &[String]) -> Result<Vec<SeenMessageId>, StoreError> {
        sqlx::query(
            "SELECT message_id, ticket, sent_by_desk FROM message_ids \
             WHERE message_id IN (SELECT value FROM json_each(?1)) ORDER BY ticket, message_id",
        )
        .bind(to_json(&ids, "the list of message ids")?)
        .fetch_all(&self.readers)
        .await
        .map_err(from_sqlx)?
        .iter()
        .map(|row| {
            Ok(SeenMessageId {
                message_id: get(row, "message_id")?,
                ticket: TicketId(get(row, "ticket")?),
                sent_by_desk: get(row, "sent_by_desk")?,
            })
        })
        .collect()
    }

    async fn unsettled(&self) -> Result<Vec<TicketId>, StoreError> {
        // A merged ticket is an alias; its clocks ended with it, whatever they show.
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM tickets WHERE merged_into IS NULL AND (state IN ('new', 'open', 'waiting') \
             OR first_response_met_at IS NULL OR resolution_met_at IS NULL) ORDER BY id",
        )
        .fetch_all(&self.readers)
        .await
        .map_err(from_sqlx)?;
        Ok(ids.into_iter().map(TicketId).collect())
    }

    async fn firsts(&self, keys: &[String]) -> Result<Vec<(String, TicketId)>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT key, ticket FROM firsts WHERE key IN (SELECT value FROM json_each(?1)) ORDER BY key",
        )
        .bind(to_json(&keys, "the list of keys")?)
        .fetch_all(&self.readers)
        .await
        .map_err(from_sqlx)?;
        Ok(rows
            .into_iter()
            .map(|(key, id)| (key, TicketId(id)))
            .collect())
    }
}
