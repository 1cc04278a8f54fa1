//! Backup while serving, and restore with the desk stopped.

use super::{SqliteStore, backup_files, make_private_file, newer, newest_schema};
use crate::flow::ports::StoreError;
use crate::store::error::{file, from_sqlx, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Setting: the random id of this installation, part of every message id the desk sends.
const INSTALLATION_ID: &str = "installation_id";
/// Setting: ids this data had before it was restored, as a JSON list, oldest first; old threads still match by them.
const PREVIOUS_INSTALLATION_IDS: &str = "previous_installation_ids";

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreReport {
    /// The database that is in place now.
    pub target: PathBuf,
    /// Where the database that was there before lies now.
    pub moved_aside: Option<PathBuf>,
    /// The new id of the installation.
    pub installation_id: String,
    /// The id the backup carried.
    pub previous_installation_id: Option<String>,
}

impl SqliteStore {
    /// Writes a consistent copy to `target` while the desk goes on serving.
    ///
    /// The copy appears under its name only when it is whole and durable.
    ///
    /// # Errors
    /// Refuses to replace a file unless `overwrite`; [`StoreError::Unavailable`] when the disk is full.
    pub async fn backup_to(&self, target: &Path, overwrite: bool) -> Result<(), StoreError> {
        if !overwrite && target.exists() {
            return Err(StoreError::Other(format!(
                "{} exists; choose another name, or say that it may be replaced",
                target.display()
            )));
        }
        if is_same_file(target, &self.path) {
            return Err(StoreError::Other(
                "the backup would replace the database itself".to_owned(),
            ));
        }
        // A connection of its own: neither writers nor readers wait for the copy.
        let mut connection = connect(super::options(&self.path)).await?;
        let copied = copy_into_place(&mut connection, target, &files_of(&self.path)).await;
        close(connection).await?;
        copied
    }
}

/// Puts a backup in place as the database `target`; the desk must be stopped.
///
/// The copy gets a new installation id, so that two desks made from the same data never share threads; the old one is
/// kept in `previous_installation_ids`.
///
/// # Errors
/// When the backup is damaged, no database of the desk, or of a newer release; when `target` exists and `force` is not
/// set; when `target` is in use.
pub async fn restore(
    backup: &Path,
    target: &Path,
    force: bool,
) -> Result<RestoreReport, StoreError> {
    if !backup.is_file() {
        return Err(StoreError::Other(format!(
            "there is no file {}",
            backup.display()
        )));
    }
    if is_same_file(backup, target) {
        return Err(StoreError::Other(
            "the backup and the database are the same file".to_owned(),
        ));
    }
    if target.exists() {
        if !force {
            return Err(StoreError::Other(format!(
                "{} exists; with force it is moved aside and replaced",
                target.display()
            )));
        }
        refuse_if_in_use(target).await?;
    }
    let source = SqliteConnectOptions::new().filename(backup).read_only(true);
    let mut source = connect(source).await?;
    let checked = check(&mut source).await;
    let partial = beside(target, ".restoring");
    let copied = match checked {
        Ok(()) => vacuum_into(&mut source, &partial).await,
        Err(error) => Err(error),
    };
    close(source).await?;
    copied?;
    with_files(&partial, &files_of(target), false).await?;
    let (installation_id, previous_installation_id) = renew_installation(&partial).await?;
    sync(&partial)?;
    let moved_aside = move_aside(target)?;
    rename(&partial, target)?;
    Ok(RestoreReport {
        target: target.to_owned(),
        moved_aside,
        installation_id,
        previous_installation_id,
    })
}

/// Where the files of a database are kept.
fn files_of(database: &Path) -> PathBuf {
    database.with_file_name("files")
}

/// Packs the files into a copy, or takes them out of it.
async fn with_files(copy: &Path, files: &Path, pack: bool) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(copy)
        .journal_mode(SqliteJournalMode::Delete)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = connect(options).await?;
    let done = if pack {
        backup_files::pack(&mut connection, files).await
    } else {
        backup_files::unpack(&mut connection, files).await
    };
    close(connection).await?;
    done
}

/// A new random installation id: 128 bits in hexadecimal.
///
/// # Errors
/// When the operating system gives no random numbers.
pub fn new_installation_id() -> Result<String, StoreError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|e| StoreError::Other(format!("no random numbers from the system: {e}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

async fn connect(options: SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    options.connect().await.map_err(from_sqlx)
}

async fn close(connection: SqliteConnection) -> Result<(), StoreError> {
    connection.close().await.map_err(from_sqlx)
}

async fn copy_into_place(
    connection: &mut SqliteConnection,
    target: &Path,
    files: &Path,
) -> Result<(), StoreError> {
    let partial = beside(target, ".partial");
    // The database first: a file is kept before a ticket speaks of it, so every file that is spoken of is there.
    let copied = match vacuum_into(connection, &partial).await {
        Ok(()) => with_files(&partial, files, true).await,
        Err(error) => Err(error),
    };
    if let Err(error) = copied {
        remove(&partial)?;
        return Err(error);
    }
    sync(&partial)?;
    rename(&partial, target)
}

/// Copies the database to a fresh file that only its owner may read.
async fn vacuum_into(connection: &mut SqliteConnection, partial: &Path) -> Result<(), StoreError> {
    remove(partial)?;
    make_private_file(partial)?;
    let name = partial
        .to_str()
        .ok_or_else(|| StoreError::Other(format!("{} is no UTF-8 file name", partial.display())))?;
    sqlx::query("VACUUM INTO ?1")
        .bind(name)
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(from_sqlx)
}

/// The backup is whole, the desk's, and not of a newer release.
async fn check(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let verdict: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(&mut *connection)
        .await
        .map_err(|e| StoreError::Other(format!("the backup cannot be read: {e}")))?;
    if verdict != "ok" {
        return Err(StoreError::Other(format!(
            "the backup is damaged: {verdict}"
        )));
    }
    let schema: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(&mut *connection)
        .await
        .map_err(|_| StoreError::Other("the file is no database of the desk".to_owned()))?;
    match schema {
        Some(found) if found > newest_schema() => Err(newer(found)),
        Some(_) => Ok(()),
        None => Err(StoreError::Other(
            "the file is no database of the desk".to_owned(),
        )),
    }
}

async fn renew_installation(database: &Path) -> Result<(String, Option<String>), StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .journal_mode(SqliteJournalMode::Delete)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = connect(options).await?;
    let mut tx = connection.begin().await.map_err(from_sqlx)?;
    let old = read_setting(&mut tx, INSTALLATION_ID).await?;
    let list = read_setting(&mut tx, PREVIOUS_INSTALLATION_IDS).await?;
    let mut previous: Vec<String> = match list {
        Some(text) => serde_json::from_str(&text).map_err(json(PREVIOUS_INSTALLATION_IDS))?,
        None => Vec::new(),
    };
    previous.extend(old.clone().filter(|id| !previous.contains(id)));
    let new = new_installation_id()?;
    let previous = serde_json::to_string(&previous).map_err(json(PREVIOUS_INSTALLATION_IDS))?;
    for (name, value) in [
        (INSTALLATION_ID, &new),
        (PREVIOUS_INSTALLATION_IDS, &previous),
    ] {
        sqlx::query(
            "INSERT INTO settings (name, value) VALUES (?1, ?2) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(&mut *tx)
        .await
        .map_err(from_sqlx)?;
    }
    tx.commit().await.map_err(from_sqlx)?;
    close(connection).await?;
    Ok((new, old))
}

async fn read_setting(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar("SELECT value FROM settings WHERE name = ?1")
        .bind(name)
        .fetch_optional(connection)
        .await
        .map_err(from_sqlx)
}

/// In exclusive locking mode the first access fails while any other connection to a WAL database is open.
async fn refuse_if_in_use(target: &Path) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(target)
        .locking_mode(sqlx::sqlite::SqliteLockingMode::Exclusive)
        .busy_timeout(std::time::Duration::from_millis(200));
    let Ok(mut connection) = options.connect().await.map_err(from_sqlx) else {
        // What cannot even be opened (damaged, another kind of file) is moved aside as it is.
        return Ok(());
    };
    let tried = sqlx::query("BEGIN EXCLUSIVE")
        .execute(&mut connection)
        .await;
    let in_use = matches!(tried.map_err(from_sqlx), Err(StoreError::Unavailable(_)));
    // Closed without a report: the transaction wrote nothing.
    drop(connection.close().await);
    if in_use {
        return Err(StoreError::Unavailable(format!(
            "{} is in use; stop the desk first",
            target.display()
        )));
    }
    Ok(())
}

/// Moves a database aside together with its log, under the first free name.
fn move_aside(target: &Path) -> Result<Option<PathBuf>, StoreError> {
    if !target.exists() {
        return Ok(None);
    }
    let mut number = 1_u32;
    let aside = loop {
        let name = beside(target, &format!(".before-restore-{number}"));
        if !name.exists() {
            break name;
        }
        number = number.saturating_add(1);
    };
    for part in ["-wal", "-shm"] {
        let log = beside(target, part);
        if log.exists() {
            rename(&log, &beside(&aside, part))?;
        }
    }
    rename(target, &aside)?;
    Ok(Some(aside))
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// The same name with something appended.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(file("cannot remove", path, &error))
        }
        _ => Ok(()),
    }
}

fn sync(path: &Path) -> Result<(), StoreError> {
    std::fs::File::open(path)
        .and_then(|opened| opened.sync_all())
        .map_err(|e| file("cannot make durable", path, &e))
}

/// Renames durably: the directory is synced too.
fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::rename(from, to).map_err(|e| file("cannot rename", from, &e))?;
    let parent = to.parent().filter(|p| !p.as_os_str().is_empty());
    sync(parent.unwrap_or(Path::new(".")))
}
