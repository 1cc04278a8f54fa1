//! `backup FILE` and `restore FILE`: what is done, in words for the person at the keyboard.

use crate::flow::ports::StoreError;
use crate::store::{SqliteStore, restore};
use std::fmt::Write as _;
use std::path::Path;

/// Copies the store to `file` while the desk may go on serving; returns what to print.
///
/// # Errors
/// When `file` exists and `overwrite` is not set, when there is no database, or when the copy cannot be written.
pub async fn backup_command(
    database: &Path,
    file: &Path,
    overwrite: bool,
) -> Result<String, StoreError> {
    if !database.is_file() {
        // Opening would make an empty one, and its backup would look like success.
        return Err(StoreError::Other(format!(
            "there is no database {}; name the right one in the configuration",
            database.display()
        )));
    }
    let store = SqliteStore::open(database).await?;
    let copied = store.backup_to(file, overwrite).await;
    let closed = store.close().await;
    copied?;
    closed?;
    Ok(format!(
        "Backup written: {}\nIt holds personal data: keep it where only staff can read it.\n",
        file.display()
    ))
}

/// Puts the backup `file` in place as `database`; returns what to print.
///
/// # Errors
/// When the backup is damaged or of a newer release, when `database` exists and `force` is not set, or is in use.
pub async fn restore_command(
    file: &Path,
    database: &Path,
    force: bool,
) -> Result<String, StoreError> {
    let report = restore(file, database, force).await?;
    let mut text = format!("Restored: {}\n", report.target.display());
    // Writing to a String cannot fail.
    if let Some(aside) = &report.moved_aside {
        let _ = writeln!(
            text,
            "The database that was there before: {}",
            aside.display()
        );
    }
    let _ = writeln!(text, "Installation id, new: {}", report.installation_id);
    if let Some(previous) = &report.previous_installation_id {
        let _ = writeln!(
            text,
            "Installation id of the backup, still recognised in old threads: {previous}"
        );
    }
    Ok(text)
}
