//! What the desk remembers about itself.

use super::SqliteStore;
use crate::flow::ports::{Settings, StoreError};
use crate::store::error::from_sqlx;
use async_trait::async_trait;

#[async_trait]
impl Settings for SqliteStore {
    async fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT value FROM settings WHERE name = ?1")
            .bind(key)
            .fetch_optional(&self.readers)
            .await
            .map_err(from_sqlx)
    }

    async fn set_setting(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO settings (name, value) VALUES (?1, ?2) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(key)
        .bind(value)
        .execute(&mut *tx)
        .await
        .map_err(from_sqlx)?;
        tx.commit().await.map_err(from_sqlx)
    }

    async fn setting_or_insert(&self, key: &str, value: &str) -> Result<String, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
        )
        .bind(key)
        .bind(value)
        .execute(&mut *tx)
        .await
        .map_err(from_sqlx)?;
        let remembered = sqlx::query_scalar("SELECT value FROM settings WHERE name = ?1")
            .bind(key)
            .fetch_one(&mut *tx)
            .await
            .map_err(from_sqlx)?;
        tx.commit().await.map_err(from_sqlx)?;
        Ok(remembered)
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        // A real write, synced like any other: only that shows a full or read-only disk.
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO counters (name, value) VALUES ('write_check', 1) \
             ON CONFLICT (name) DO UPDATE SET value = value + 1",
        )
        .execute(&mut *tx)
        .await
        .map_err(from_sqlx)?;
        tx.commit().await.map_err(from_sqlx)
    }
}
