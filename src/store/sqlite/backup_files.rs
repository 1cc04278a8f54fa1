//! The kept files of a backup: they travel inside its database, so that a backup is one file.

use crate::flow::ports::StoreError;
use crate::store::error::{file, from_sqlx};
use crate::store::vault::{file_path, write_whole};
use sha2::{Digest, Sha256};
use sqlx::{Connection, SqliteConnection};
use std::path::Path;

fn unread(path: &Path, error: &std::io::Error) -> StoreError {
    file("a kept file cannot be read:", path, error)
}

/// Copies every kept file below `directory` into the backup.
pub(super) async fn pack(
    backup: &mut SqliteConnection,
    directory: &Path,
) -> Result<(), StoreError> {
    let mut tx = backup.begin().await.map_err(from_sqlx)?;
    sqlx::query(
        "CREATE TABLE backup_files (sha256 TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT",
    )
    .execute(&mut *tx)
    .await
    .map_err(from_sqlx)?;
    // Without a directory no file was ever kept.
    if directory.is_dir() {
        for head in std::fs::read_dir(directory).map_err(|e| unread(directory, &e))? {
            let head = head.map_err(|e| unread(directory, &e))?.path();
            let Some(first) = head.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            for kept in std::fs::read_dir(&head).map_err(|e| unread(&head, &e))? {
                let path = kept.map_err(|e| unread(&head, &e))?.path();
                let Some(rest) = path.file_name().and_then(|name| name.to_str()) else {
                    continue;
                };
                let sha256 = format!("{first}{rest}");
                // Others are files being written this moment: they are not part of what was copied.
                if file_path(directory, &sha256).as_deref() != Some(&path) {
                    continue;
                }
                let content = std::fs::read(&path).map_err(|e| unread(&path, &e))?;
                sqlx::query("INSERT INTO backup_files (sha256, content) VALUES (?1, ?2)")
                    .bind(sha256)
                    .bind(content)
                    .execute(&mut *tx)
                    .await
                    .map_err(from_sqlx)?;
            }
        }
    }
    tx.commit().await.map_err(from_sqlx)
}

/// Puts the files of a backup below `directory` and takes them out of its database. Backups of earlier releases have none.
pub(super) async fn unpack(
    restored: &mut SqliteConnection,
    directory: &Path,
) -> Result<(), StoreError> {
    let packed: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM sqlite_schema WHERE name = 'backup_files'")
            .fetch_optional(&mut *restored)
            .await
            .map_err(from_sqlx)?;
    if packed.is_none() {
        return Ok(());
    }
    let names: Vec<String> = sqlx::query_scalar("SELECT sha256 FROM backup_files")
        .fetch_all(&mut *restored)
        .await
        .map_err(from_sqlx)?;
    for sha256 in names {
        let content: Vec<u8> =
            sqlx::query_scalar("SELECT content FROM backup_files WHERE sha256 = ?1")
                .bind(&sha256)
                .fetch_one(&mut *restored)
                .await
                .map_err(from_sqlx)?;
        let path = file_path(directory, &sha256)
            .filter(|_| format!("{:x}", Sha256::digest(&content)) == sha256)
            .ok_or_else(|| {
                StoreError::Other(format!(
                    "the backup is damaged: the file {sha256} is not itself"
                ))
            })?;
        write_whole(&path, &content)
            .map_err(|e| file("a kept file cannot be written:", &path, &e))?;
    }
    sqlx::query("DROP TABLE backup_files")
        .execute(&mut *restored)
        .await
        .map_err(from_sqlx)?;
    sqlx::query("VACUUM")
        .execute(&mut *restored)
        .await
        .map(|_| ())
        .map_err(from_sqlx)
}
