//! `check`: validates configuration, knowledge, texts and, with `--connect`, every server named.

use super::{CommandResult, Global, print_json, problem};
use crate::app::{App, read_config};
use crate::faq::Severity;
use crate::prompts::Prompts;
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;

/// What to check.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Also connect and sign in to every server named
    #[arg(long)]
    connect: bool,
}

/// One thing found.
#[derive(Debug, Serialize)]
struct Found {
    severity: Severity,
    place: String,
    message: String,
}

/// Runs the command.
pub async fn run(global: &Global, args: &CheckArgs) -> CommandResult {
    let mut found = Vec::new();
    let mut add = |severity: Severity, place: String, message: String| {
        found.push(Found {
            severity,
            place,
            message,
        });
    };
    match read_config(global) {
        Err(problems) => {
            for problem in problems {
                let place = format!("{}:{}", problem.file, problem.line);
                add(Severity::Error, place, problem.message);
            }
        }
        Ok(config) => {
            let today = jiff::Timestamp::now()
                .to_zoned(jiff::tz::TimeZone::UTC)
                .date();
            let (problems, _) = super::knowledge::check(config.knowledge.dir.as_deref(), today)?;
            for problem in problems {
                let place = format!("{}:{}", problem.file, problem.line);
                add(problem.severity, place, problem.message);
            }
            if let Err(problems) = Prompts::load(config.prompts.dir.as_deref()) {
                for problem in problems {
                    add(Severity::Error, "prompts".to_owned(), problem.to_string());
                }
            }
            match App::without_store(global).await {
                Err(error) => add(Severity::Error, "desk".to_owned(), format!("{error:#}")),
                Ok(app) => {
                    for desk in app.office.desks.values() {
                        if let Some(warning) = desk.calendar.warning(today) {
                            add(
                                Severity::Warning,
                                format!("calendar of {}", desk.id),
                                warning.to_string(),
                            );
                        }
                    }
                    for (address, days) in app.smime.ending(std::time::SystemTime::now()) {
                        add(
                            Severity::Warning,
                            format!("S/MIME certificate of {address}"),
                            format!(
                                "ends in {days} days; renew it, or letters leave without a signature"
                            ),
                        );
                    }
                    if args.connect {
                        for channel in app.channels.values() {
                            let place = format!("channel {}", channel.name());
                            match channel.check().await {
                                Ok(lines) => {
                                    for line in lines {
                                        add(Severity::Note, place.clone(), line);
                                    }
                                }
                                Err(error) => add(Severity::Error, place, error.to_string()),
                            }
                        }
                    }
                    app.close().await;
                }
            }
        }
    }
    let errors = found
        .iter()
        .filter(|f| f.severity == Severity::Error)
        .count();
    for one in &found {
        if global.json {
            print_json(one)?;
        } else {
            let word = match one.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            };
            println!("{}: {word}: {}", one.place, one.message);
        }
    }
    if !global.json {
        let warnings = found
            .iter()
            .filter(|f| f.severity == Severity::Warning)
            .count();
        println!("{errors} errors, {warnings} warnings");
    }
    Ok(if errors == 0 {
        ExitCode::SUCCESS
    } else {
        problem()
    })
}
