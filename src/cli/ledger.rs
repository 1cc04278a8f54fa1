//! `ledger`: every arrival and its outcome. The sum must balance at any time: stored = answered + ticketed + ignored + waiting.

use super::{CommandResult, Global, print_json, problem};
use crate::app::App;
use crate::domain::ids::{InboxId, TicketId};
use crate::flow::ports::Outcome;
use clap::Args;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Rows read at a time.
const PAGE: u32 = 1000;

/// What to print.
#[derive(Debug, Args)]
pub struct LedgerArgs {
    /// Only this channel
    #[arg(long)]
    channel: Option<String>,
    /// Only this outcome (answered, ticketed, ignored, waiting)
    #[arg(long)]
    outcome: Option<String>,
    /// Only the sums
    #[arg(long)]
    summary: bool,
}

/// Runs the command.
pub async fn run(app: &App, global: &Global, args: &LedgerArgs) -> CommandResult {
    let mut sums: BTreeMap<(String, &'static str, String), u64> = BTreeMap::new();
    let mut after = InboxId(0);
    let mut stored = 0u64;
    loop {
        let page = app.office.store.ledger(after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (id, line) in page {
            if args.channel.as_ref().is_some_and(|c| *c != line.channel) {
                continue;
            }
            stored += 1;
            let outcome = line.outcome.map_or("waiting", Outcome::as_str);
            let reason = line.reason.clone().unwrap_or_default();
            *sums
                .entry((line.channel.clone(), outcome, reason.clone()))
                .or_default() += 1;
            if args.summary || args.outcome.as_ref().is_some_and(|o| o != outcome) {
                continue;
            }
            if global.json {
                let mut value = serde_json::to_value(&line)?;
                if let Some(object) = value.as_object_mut() {
                    object.insert("id".into(), id.0.into());
                    object.insert("outcome".into(), outcome.into());
                    object.insert("ticket".into(), line.ticket.map(TicketId::number).into());
                }
                print_json(&value)?;
            } else {
                println!(
                    "{}  {:<10}  {:<28}  {:<9}  {:<10}  {}",
                    line.received_at,
                    line.channel,
                    line.external_id,
                    outcome,
                    line.ticket.map_or_else(|| "-".to_owned(), TicketId::number),
                    reason
                );
            }
        }
    }
    let total = |name: &str| -> u64 {
        sums.iter()
            .filter(|((_, outcome, _), _)| *outcome == name)
            .map(|(_, count)| count)
            .sum()
    };
    let (answered, ticketed) = (total("answered"), total("ticketed"));
    let (ignored, waiting) = (total("ignored"), total("waiting"));
    let doubled = app.office.store.contradictions().await?;
    let balanced = stored == answered + ticketed + ignored + waiting && doubled == 0;
    if global.json {
        print_json(&serde_json::json!({
            "stored": stored, "answered": answered, "ticketed": ticketed, "ignored": ignored,
            "waiting": waiting, "contradictions": doubled, "balanced": balanced,
        }))?;
    } else {
        println!();
        for ((channel, outcome, reason), count) in &sums {
            println!("{count:>8}  {channel:<12}  {outcome:<9}  {reason}");
        }
        println!(
            "{stored:>8}  stored = {answered} answered + {ticketed} ticketed + {ignored} ignored + {waiting} waiting"
        );
        println!(
            "{}",
            if balanced {
                "The ledger balances."
            } else {
                "THE LEDGER DOES NOT BALANCE: some outcome names a ticket or answer that is not there."
            }
        );
    }
    Ok(if balanced {
        ExitCode::SUCCESS
    } else {
        problem()
    })
}
