//! `quarantine`: arrivals that were not answered and made no ticket, each with its cause, to look at and to take out.

use super::{CommandResult, Global, print_json, problem};
use crate::app::App;
use crate::domain::ids::InboxId;
use crate::domain::text::cut;
use crate::flow::ports::{LedgerLine, Outcome};
use anyhow::Context;
use clap::Subcommand;
use madoguchi_channel::InboundMessage;
use std::process::ExitCode;

/// Lines read from the ledger at a time.
const PAGE: u32 = 500;

/// What to do with what was set aside.
#[derive(Debug, Subcommand)]
pub enum QuarantineCommand {
    /// List what was set aside, with the cause
    List {
        /// Only of this cause (`auto-submitted`, `own-address`, `duplicate` …)
        #[arg(long)]
        cause: Option<String>,
    },
    /// Show one message as it is understood
    Show {
        /// Its number in the list
        id: i64,
    },
    /// Take one out: it becomes a ticket, or joins the one it belongs to; nobody is answered by itself
    Restore {
        /// Its number in the list
        id: i64,
        /// Who you are
        #[arg(
            long,
            value_name = "AGENT",
            default_value = "staff",
            env = "MADOGUCHI_AGENT"
        )]
        by: String,
    },
}

/// Runs the command.
pub async fn run(app: &App, global: &Global, command: &QuarantineCommand) -> CommandResult {
    match command {
        QuarantineCommand::List { cause } => list(app, global, cause.as_deref()).await,
        QuarantineCommand::Show { id } => show(app, global, InboxId(*id)).await,
        QuarantineCommand::Restore { id, by } => {
            if app.office.store.restore(InboxId(*id), by).await? {
                println!(
                    "{id} is decided again; the desk that serves takes it up within a second."
                );
                Ok(ExitCode::SUCCESS)
            } else {
                eprintln!("{id} is not in quarantine; see `madoguchi quarantine list`");
                Ok(problem())
            }
        }
    }
}

async fn list(app: &App, global: &Global, cause: Option<&str>) -> CommandResult {
    let mut after = InboxId(0);
    loop {
        let page = app.office.store.ledger(after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (id, line) in page {
            let reason = line.reason.as_deref().unwrap_or_default();
            if line.outcome != Some(Outcome::Ignored) || cause.is_some_and(|c| c != reason) {
                continue;
            }
            let message = read(app, id, &line).await?;
            let from = message.from.as_ref().map_or("", |p| p.address.as_str());
            let subject = message.subject.as_deref().unwrap_or_default();
            if global.json {
                print_json(&serde_json::json!({
                    "id": id, "channel": line.channel, "received_at": line.received_at, "cause": reason,
                    "ticket": line.ticket, "from": from, "subject": subject,
                }))?;
            } else {
                println!(
                    "{:>6}  {}  {:<24}  {:<30}  {}",
                    id.0,
                    line.received_at.strftime("%F %H:%M"),
                    reason,
                    from,
                    cut(&subject.replace(char::is_control, " "), 60)
                );
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(app: &App, global: &Global, id: InboxId) -> CommandResult {
    let before = InboxId(id.0 - 1);
    let found = app.office.store.ledger(before, 1).await?;
    let (_, line) = found
        .into_iter()
        .find(|(found, line)| *found == id && line.outcome == Some(Outcome::Ignored))
        .with_context(|| {
            format!(
                "{} is not in quarantine; see `madoguchi quarantine list`",
                id.0
            )
        })?;
    let message = read(app, id, &line).await?;
    if global.json {
        print_json(&serde_json::json!({ "id": id, "line": line, "message": message }))?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("cause    {}", line.reason.as_deref().unwrap_or_default());
    println!(
        "from     {}",
        message.from.map(|p| p.address).unwrap_or_default()
    );
    println!("subject  {}", message.subject.unwrap_or_default());
    for mark in &message.marks {
        println!("mark     {}", mark.reason);
    }
    println!("\n{}", message.text);
    Ok(ExitCode::SUCCESS)
}

/// The message, read again; what cannot be read shows as empty.
async fn read(app: &App, id: InboxId, line: &LedgerLine) -> anyhow::Result<InboundMessage> {
    let raw = app.office.store.raw(id).await?.unwrap_or_default();
    Ok(app
        .decoder()
        .decode(&line.channel, &raw)
        .unwrap_or_default())
}
