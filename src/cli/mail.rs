//! `mail`: looks into raw messages.

use super::{CommandResult, Global, print_json, problem};
use crate::cli::mail_inspect::inspect;
use crate::domain::language::recognise;
use clap::Subcommand;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to look into.
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// How raw messages are understood, one JSON object a line
    Inspect {
        /// Files (`-` for standard input)
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// Runs the command.
pub fn run(_global: &Global, command: &MailCommand) -> CommandResult {
    let MailCommand::Inspect { files } = command;
    let mut unreadable = false;
    let language = |text: &str| {
        (!text.trim().is_empty()).then(|| recognise(text, None).lang.as_str().to_owned())
    };
    for file in files {
        let name = file.display().to_string();
        let bytes = if name == "-" {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        } else {
            std::fs::read(file)
        };
        match bytes {
            Ok(bytes) => print_json(&inspect(&name, &bytes, &language))?,
            Err(error) => {
                unreadable = true;
                print_json(&serde_json::json!({ "file": name, "error": error.to_string() }))?;
            }
        }
    }
    Ok(if unreadable {
        problem()
    } else {
        ExitCode::SUCCESS
    })
}
