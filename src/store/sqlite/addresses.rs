//! Addresses nothing can be delivered to.

use super::SqliteStore;
use super::rows::{at, get, micros};
use crate::domain::ids::TicketId;
use crate::flow::ports::{Addresses, StoreError, Undeliverable};
use crate::store::error::from_sqlx;
use async_trait::async_trait;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

#[async_trait]
impl Addresses for SqliteStore {
    async fn undeliverable(&self, address: &str) -> Result<Option<Undeliverable>, StoreError> {
        sqlx::query("SELECT address, marked_at, why, ticket FROM undeliverable WHERE address = ?1")
            .bind(address.to_lowercase())
            .fetch_optional(&self.readers)
            .await
            .map_err(from_sqlx)?
            .as_ref()
            .map(read)
            .transpose()
    }

    async fn all_undeliverable(&self) -> Result<Vec<Undeliverable>, StoreError> {
        sqlx::query(
            "SELECT address, marked_at, why, ticket FROM undeliverable ORDER BY marked_at DESC, address",
        )
        .fetch_all(&self.readers)
        .await
        .map_err(from_sqlx)?
        .iter()
        .map(read)
        .collect()
    }

    async fn lift_undeliverable(&self, address: &str) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("DELETE FROM undeliverable WHERE address = ?1")
            .bind(address.to_lowercase())
            .execute(&mut *tx)
            .await
            .map_err(from_sqlx)?;
        tx.commit().await.map_err(from_sqlx)?;
        Ok(done.rows_affected() > 0)
    }
}

/// Marks an address; the newest words count.
pub(super) async fn mark(
    tx: &mut SqliteConnection,
    mark: &Undeliverable,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO undeliverable (address, marked_at, why, ticket) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (address) DO UPDATE SET why = excluded.why, ticket = excluded.ticket",
    )
    .bind(mark.address.to_lowercase())
    .bind(micros(mark.marked_at))
    .bind(&mark.why)
    .bind(mark.ticket.map(|t| t.0))
    .execute(&mut *tx)
    .await
    .map_err(from_sqlx)?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<Undeliverable, StoreError> {
    Ok(Undeliverable {
        address: get(row, "address")?,
        marked_at: at(row, "marked_at")?,
        why: get(row, "why")?,
        ticket: get::<Option<i64>>(row, "ticket")?.map(TicketId),
    })
}
