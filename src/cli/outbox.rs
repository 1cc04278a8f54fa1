//! `outbox`: what waits to be sent, and the dead letters with the server's own words.

use super::{CommandResult, Global, print_json, problem};
use crate::app::App;
use crate::domain::ids::{OutboxId, TicketId};
use crate::flow::ports::DepartureState;
use anyhow::Context;
use clap::Subcommand;
use std::process::ExitCode;

/// What to do with departures.
#[derive(Debug, Subcommand)]
pub enum OutboxCommand {
    /// List departures, newest first
    List {
        /// Only in this state (waiting, sending, sent, dead)
        #[arg(long)]
        state: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 200)]
        limit: u32,
    },
    /// Put a dead letter back in line
    Retry {
        /// Its number in the list
        id: i64,
    },
}

/// Runs the command.
pub async fn run(app: &App, global: &Global, command: &OutboxCommand) -> CommandResult {
    let store = &app.office.store;
    match command {
        OutboxCommand::List { state, limit } => {
            let state = match state {
                Some(name) => Some(DepartureState::parse(name).with_context(|| {
                    format!("`{name}` is no state; there are waiting, sending, sent, dead")
                })?),
                None => None,
            };
            for line in store.departures(state, *limit).await? {
                if global.json {
                    print_json(&line)?;
                } else {
                    println!(
                        "{:>6}  {:<8}  {:<15}  {}  attempts {}  {}",
                        line.id,
                        line.state.as_str(),
                        line.purpose,
                        line.ticket.map_or_else(|| "-".to_owned(), TicketId::number),
                        line.attempts,
                        line.server_said.as_deref().unwrap_or_default()
                    );
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        OutboxCommand::Retry { id } => {
            let now = app.office.time.now();
            if store.send_again(OutboxId(*id), now).await? {
                println!("{id} is in line again.");
                Ok(ExitCode::SUCCESS)
            } else {
                eprintln!("{id} is no dead letter; see `madoguchi outbox list --state dead`");
                Ok(problem())
            }
        }
    }
}
