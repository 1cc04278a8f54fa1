//! The store in one SQLite file.
//!
//! One connection writes, in `BEGIN IMMEDIATE` transactions; a few read. WAL with `synchronous = FULL`: what a method
//! reported as done survives a power cut. Instants are kept in microseconds UTC, truncated on the way in; JSON columns
//! keep what they were given.

mod addresses;
pub mod backup;
mod backup_files;
mod commit;
mod files;
mod inbox;
mod outbox;
mod rows;
mod settings;
mod tickets;

use crate::flow::ports::StoreError;
use crate::store::error::{file, from_sqlx};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, SqlSafeStr, Sqlite, Transaction};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The files of `migrations/sqlite`: number, name, text. A test compares this list with the directory.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (
        1,
        "desk",
        include_str!("../../../migrations/sqlite/0001_desk.sql"),
    ),
    (
        2,
        "links",
        include_str!("../../../migrations/sqlite/0002_links.sql"),
    ),
    (
        3,
        "trust",
        include_str!("../../../migrations/sqlite/0003_trust.sql"),
    ),
    (
        4,
        "files",
        include_str!("../../../migrations/sqlite/0004_files.sql"),
    ),
    (
        5,
        "chat",
        include_str!("../../../migrations/sqlite/0005_chat.sql"),
    ),
];

/// How long a statement waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a method waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(15);
/// Reading connections at most; each gives its memory back when idle.
const READERS: u32 = 4;

/// The store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
    path: PathBuf,
}

impl SqliteStore {
    /// Opens the store, making directory and file where they are missing, and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file cannot be opened or written; [`StoreError::Other`] when it was written
    /// by a newer release or is no database of the desk.
    pub async fn open(path: &Path) -> Result<Arc<Self>, StoreError> {
        make_private_file(path)?;
        let options = options(path);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(0)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            // When a disk is full SQLite itself rolls back, and sqlx then counts a transaction that is none: such a
            // connection could never write again. It is closed, and a new one opened.
            .before_acquire(|connection, _| {
                let usable = !connection.is_in_transaction();
                Box::pin(async move { Ok(usable) })
            })
            .connect_with(options.clone().pragma("cache_size", "-2000"))
            .await
            .map_err(from_sqlx)?;
        migrate(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .min_connections(0)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(Duration::from_secs(60))
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(
                options
                    .pragma("cache_size", "-1000")
                    .pragma("query_only", "on"),
            );
        Ok(Arc::new(Self {
            writer,
            readers,
            path: path.to_owned(),
        }))
    }

    /// Closes the store: the log is merged into the file, so that the file alone is the whole store.
    ///
    /// # Errors
    /// When the log cannot be merged; nothing is lost then, the next opening does it.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.readers.close().await;
        let merged = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&self.writer)
            .await;
        self.writer.close().await;
        merged.map(|_| ()).map_err(from_sqlx)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The connection that writes, for tests of the schema and for repairs.
    pub fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(from_sqlx)
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("journal_size_limit", "16777216")
}

/// Makes the file readable for its owner alone, before SQLite would make it readable for all.
fn make_private_file(path: &Path) -> Result<(), StoreError> {
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)
            .map_err(|e| file("cannot make the directory", parent, &e))?;
    }
    let mut open = std::fs::OpenOptions::new();
    open.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        open.mode(0o600);
    }
    open.open(path)
        .map(|_| ())
        .map_err(|e| file("cannot open the database", path, &e))
}

/// The migrations embedded in this program.
fn migrator() -> Migrator {
    let migrations = MIGRATIONS.iter().map(|(number, name, sql)| {
        let sql = sql.into_sql_str();
        Migration::new(*number, (*name).into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.collect())
}

/// The newest schema this program knows.
fn newest_schema() -> i64 {
    MIGRATIONS.iter().map(|m| m.0).max().unwrap_or(0)
}

async fn migrate(pool: &SqlitePool) -> Result<(), StoreError> {
    let migrator = migrator();
    let mut connection = pool.acquire().await.map_err(from_sqlx)?;
    match migrator.run_direct(None, &mut *connection, false).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(found)) => Err(newer(found)),
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
            Err(from_sqlx(error))
        }
        Err(other) => Err(StoreError::Other(format!(
            "the tables could not be brought up to date: {other}"
        ))),
    }
}

/// What to say of a database written by a newer release.
fn newer(found: i64) -> StoreError {
    StoreError::Other(format!(
        "the database was written by a newer release (schema {found}, this program knows up to {}); \
         use that release, or restore a backup made before the upgrade",
        newest_schema()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_directory_is_embedded_under_its_name() {
        let directory = "migrations/sqlite";
        let mut files: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let embedded: Vec<String> = MIGRATIONS
            .iter()
            .map(|(number, name, _)| format!("{number:04}_{name}.sql"))
            .collect();
        assert_eq!(files, embedded);
    }
}
