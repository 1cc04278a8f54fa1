//! `backup FILE` and `restore FILE`: what is done, in words for the person at the keyboard.

use super::{CommandResult, Global};
use crate::app::read_config;
use crate::flow::ports::StoreError;
use crate::store::{SqliteStore, restore};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where the copy goes.
#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// File to write
    file: PathBuf,
    /// Replace the file when it is there
    #[arg(long)]
    overwrite: bool,
}

/// What is put in place.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// File that `backup` wrote
    file: PathBuf,
    /// Move the database that is there aside and put the backup in its place
    #[arg(long)]
    force: bool,
}

/// The database of the configured desk.
fn database(global: &Global) -> anyhow::Result<PathBuf> {
    let config = read_config(global).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the configuration is wrong:\n{}", lines.join("\n"))
    })?;
    Ok(config.database())
}

/// Runs `backup`.
pub async fn backup(global: &Global, args: &BackupArgs) -> CommandResult {
    let text = backup_command(&database(global)?, &args.file, args.overwrite).await?;
    print!("{text}");
    Ok(ExitCode::SUCCESS)
}

/// Runs `restore`.
pub async fn restore_backup(global: &Global, args: &RestoreArgs) -> CommandResult {
    let text = restore_command(&args.file, &database(global)?, args.force).await?;
    print!("{text}");
    Ok(ExitCode::SUCCESS)
}

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
