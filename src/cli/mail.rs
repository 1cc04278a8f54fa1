//! `mail`: looks into raw messages.

use super::{CommandResult, Global, print_json, problem};
use crate::app::App;
use crate::cli::mail_inspect::inspect;
use crate::domain::language::recognise;
use crate::mail_seal::DkimSeal;
use crate::mail_trust::domain_of;
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
    /// The records the desks' domains have to publish for the signatures on departing mail
    Dkim,
}

/// Runs the command.
pub async fn run(global: &Global, command: &MailCommand) -> CommandResult {
    match command {
        MailCommand::Inspect { files } => inspect_all(files),
        MailCommand::Dkim => dkim(&App::open_for_staff(global).await?, global),
    }
}

fn dkim(app: &App, global: &Global) -> CommandResult {
    let own = app
        .office
        .desks
        .values()
        .map(|desk| domain_of(&desk.address));
    let Some(seal) = DkimSeal::open(&app.config.dkim, own)? else {
        eprintln!(
            "Nothing is signed: set `dkim.key_file`, for instance to a key made by `openssl genrsa 2048`."
        );
        return Ok(problem());
    };
    for (name, text) in seal.records() {
        if global.json {
            print_json(&serde_json::json!({ "name": name, "type": "TXT", "text": text }))?;
        } else {
            // A string of a TXT record holds 255 bytes at most (RFC 1035 §3.3).
            let parts: Vec<String> = text
                .as_bytes()
                .chunks(255)
                .map(|part| format!("\"{}\"", String::from_utf8_lossy(part)))
                .collect();
            println!("{name}. IN TXT {}", parts.join(" "));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn inspect_all(files: &[PathBuf]) -> CommandResult {
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
