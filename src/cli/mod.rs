//! The command line: one file a command, its help beside it. Exit status 0 fine, 1 a problem was found, 2 wrong usage.

pub mod address;
pub mod ask;
pub mod backup;
pub mod check;
pub mod knowledge;
pub mod ledger;
pub mod mail;
pub mod mail_inspect;
pub mod outbox;
pub mod quarantine;
pub mod serve;
pub mod sla;
pub mod ticket;

use crate::app::App;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// The inquiry desk for public programmes that answers in time.
#[derive(Debug, Parser)]
#[command(name = "madoguchi", version, about, max_term_width = 110)]
pub struct Cli {
    /// Options every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Configuration file; `madoguchi.toml` where it exists, else the built-in defaults
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Machine-readable output
    #[arg(long, global = true)]
    pub json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the desk
    Serve(serve::ServeArgs),
    /// Validate configuration, knowledge and texts; with --connect every server named
    Check(check::CheckArgs),
    /// Show what would be decided about a question, without storing anything
    Ask(ask::AskArgs),
    /// Look into raw messages
    #[command(subcommand)]
    Mail(mail::MailCommand),
    /// Ask the SLA engine
    #[command(subcommand)]
    Sla(sla::SlaCommand),
    /// Check and measure the knowledge
    #[command(subcommand)]
    Knowledge(knowledge::KnowledgeCommand),
    /// Day-to-day work with tickets
    #[command(subcommand)]
    Ticket(ticket::TicketCommand),
    /// What waits to be sent, and what was given up
    #[command(subcommand)]
    Outbox(outbox::OutboxCommand),
    /// Addresses nothing can be delivered to
    #[command(subcommand)]
    Address(address::AddressCommand),
    /// What was set aside as written by a machine, and how to take it out
    #[command(subcommand)]
    Quarantine(quarantine::QuarantineCommand),
    /// Prove that every arrival has an outcome
    Ledger(ledger::LedgerArgs),
    /// Write a consistent copy of everything, also while serving
    Backup(backup::BackupArgs),
    /// Put a backup in place; the desk must be stopped
    Restore(backup::RestoreArgs),
    /// Print a commented example configuration
    Config {
        /// The reference for `docs/` instead
        #[arg(long)]
        markdown: bool,
    },
}

/// A command could not do its work: what happened and what to do next.
pub type CommandResult = anyhow::Result<ExitCode>;

/// Exit status 1: the command ran and found a problem.
pub fn problem() -> ExitCode {
    ExitCode::from(1)
}

/// Runs one command.
pub async fn run(cli: Cli) -> CommandResult {
    let Cli { global, command } = cli;
    match command {
        Command::Mail(command) => mail::run(&global, &command).await,
        Command::Config { markdown } => {
            let text = if markdown {
                crate::config::reference_markdown()
            } else {
                crate::config::example_toml()
            };
            print!("{text}");
            Ok(ExitCode::SUCCESS)
        }
        Command::Check(args) => check::run(&global, &args).await,
        Command::Serve(args) => serve::run(&global, &args).await,
        Command::Sla(command) => sla::run(&global, &command).await,
        Command::Knowledge(command) => knowledge::run(&global, &command),
        Command::Ask(args) => ask::run(&global, &args).await,
        Command::Ticket(command) => {
            ticket::run(&App::open_for_staff(&global).await?, &global, command).await
        }
        Command::Outbox(command) => {
            outbox::run(&App::open_for_staff(&global).await?, &global, &command).await
        }
        Command::Address(command) => {
            address::run(&App::open_for_staff(&global).await?, &global, &command).await
        }
        Command::Quarantine(command) => {
            quarantine::run(&App::open_for_staff(&global).await?, &global, &command).await
        }
        Command::Ledger(args) => {
            ledger::run(&App::open_for_staff(&global).await?, &global, &args).await
        }
        Command::Backup(args) => backup::backup(&global, &args).await,
        Command::Restore(args) => backup::restore_backup(&global, &args).await,
    }
}

/// Prints one value as a line of JSON.
pub fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(value)?);
    Ok(())
}
