//! What is known about kept files.

use super::SqliteStore;
use super::rows::{at, get, micros};
use crate::domain::file::{KeptFile, Scan};
use crate::flow::ports::{Files, StoreError};
use crate::store::error::{from_sqlx, unreadable};
use async_trait::async_trait;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

#[async_trait]
impl Files for SqliteStore {
    async fn file(&self, sha256: &str) -> Result<Option<KeptFile>, StoreError> {
        sqlx::query("SELECT * FROM files WHERE sha256 = ?1")
            .bind(sha256)
            .fetch_optional(&self.readers)
            .await
            .map_err(from_sqlx)?
            .as_ref()
            .map(read)
            .transpose()
    }

    async fn unscanned(&self, limit: u32) -> Result<Vec<KeptFile>, StoreError> {
        sqlx::query("SELECT * FROM files WHERE scan = 'waiting' ORDER BY kept_at LIMIT ?1")
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(from_sqlx)?
            .iter()
            .map(read)
            .collect()
    }

    async fn keep_file(&self, file: &KeptFile) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        keep(&mut tx, file).await?;
        tx.commit().await.map_err(from_sqlx)
    }
}

/// Writes what is known of a file. A verdict of the scanner is not taken back by a scanner that does not answer.
pub(super) async fn keep(tx: &mut SqliteConnection, file: &KeptFile) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO files (sha256, size, found_type, scan, scan_words, kept_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (sha256) DO UPDATE SET scan = excluded.scan, scan_words = excluded.scan_words \
         WHERE excluded.scan IN ('clean', 'infected')",
    )
    .bind(&file.sha256)
    .bind(i64::try_from(file.size).unwrap_or(i64::MAX))
    .bind(file.found_type.as_deref())
    .bind(file.scan.as_str())
    .bind(file.scan_words.as_deref())
    .bind(micros(file.kept_at))
    .execute(&mut *tx)
    .await
    .map_err(from_sqlx)?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<KeptFile, StoreError> {
    let scan: &str = get(row, "scan")?;
    Ok(KeptFile {
        sha256: get(row, "sha256")?,
        size: get::<i64>(row, "size")?.unsigned_abs(),
        found_type: get(row, "found_type")?,
        scan: Scan::parse(scan).ok_or_else(|| unreadable("scan", scan))?,
        scan_words: get(row, "scan_words")?,
        kept_at: at(row, "kept_at")?,
    })
}
