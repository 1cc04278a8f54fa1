//! `address`: addresses that mail programs called undeliverable. Nothing is sent to them until the mark is lifted.

use super::{CommandResult, Global, print_json, problem};
use crate::app::App;
use crate::domain::ids::TicketId;
use clap::Subcommand;
use std::process::ExitCode;

/// What to do with marked addresses.
#[derive(Debug, Subcommand)]
pub enum AddressCommand {
    /// List marked addresses, newest first, with the server's words
    List,
    /// Lift the mark of an address; `outbox retry` then sends what was held back
    Lift {
        /// The address
        address: String,
    },
}

/// Runs the command.
pub async fn run(app: &App, global: &Global, command: &AddressCommand) -> CommandResult {
    let store = &app.office.store;
    match command {
        AddressCommand::List => {
            for mark in store.all_undeliverable().await? {
                if global.json {
                    print_json(&mark)?;
                } else {
                    println!(
                        "{}  {}  {}  {}",
                        mark.marked_at.strftime("%F"),
                        mark.address,
                        mark.ticket.map_or_else(|| "-".to_owned(), TicketId::number),
                        mark.why.replace(char::is_control, " ")
                    );
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        AddressCommand::Lift { address } => {
            if store.lift_undeliverable(address).await? {
                println!("Mail goes to this address again.");
                Ok(ExitCode::SUCCESS)
            } else {
                eprintln!("This address is not marked; see `madoguchi address list`");
                Ok(problem())
            }
        }
    }
}
