//! `ticket`: day-to-day work without a browser.

use super::{CommandResult, Global, print_json};
use crate::app::App;
use crate::domain::file::Scan;
use crate::domain::ids::{AgentId, DeskId, QueueId, TicketId};
use crate::domain::language::Lang;
use crate::domain::sla;
use crate::domain::ticket::{Ticket, TicketState};
use crate::flow::ports::TicketFilter;
use crate::flow::reply::{self, Call};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to do with tickets.
#[derive(Debug, Subcommand)]
pub enum TicketCommand {
    /// List tickets, the one due next first (unsettled ones unless --all or --state)
    List(ListArgs),
    /// Show one ticket: conversation, history and clocks
    Show {
        /// Its number (MD-000042 or 42)
        ticket: String,
        /// Also print the decisions with their evidence
        #[arg(long)]
        evidence: bool,
    },
    /// Answer the requester (text as argument, or `-` to read it from standard input)
    Reply {
        /// Its number
        ticket: String,
        /// The text, or `-`
        text: String,
        /// The reply asks something back: wait for the requester instead of resolving
        #[arg(long)]
        wait: bool,
        /// Who you are
        #[arg(
            long,
            value_name = "AGENT",
            default_value = "staff",
            env = "MADOGUCHI_AGENT"
        )]
        by: String,
    },
    /// Write a note that only staff see
    Note {
        /// Its number
        ticket: String,
        /// The text, or `-`
        text: String,
        /// Who you are
        #[arg(
            long,
            value_name = "AGENT",
            default_value = "staff",
            env = "MADOGUCHI_AGENT"
        )]
        by: String,
    },
    /// Give it to an agent
    Assign {
        /// Its number
        ticket: String,
        /// The agent's account name; `-` for nobody
        to: String,
        /// Who you are
        #[arg(
            long,
            value_name = "AGENT",
            default_value = "staff",
            env = "MADOGUCHI_AGENT"
        )]
        by: String,
    },
    /// End it
    Close {
        /// Its number
        ticket: String,
        /// Why, as a note
        #[arg(long)]
        reason: Option<String>,
        /// Who you are
        #[arg(
            long,
            value_name = "AGENT",
            default_value = "staff",
            env = "MADOGUCHI_AGENT"
        )]
        by: String,
    },
    /// Make it part of another; its number stays an alias
    Merge {
        /// The one that ends
        ticket: String,
        /// The one that goes on
        into: String,
        /// Who you are
        #[arg(
            long,
            value_name = "AGENT",
            default_value = "staff",
            env = "MADOGUCHI_AGENT"
        )]
        by: String,
    },
    /// Record a telephone inquiry
    LogCall(LogCallArgs),
    /// Take a file of a ticket out, by the number `ticket show` gives it
    File {
        /// The ticket's number
        ticket: String,
        /// The file's number
        number: usize,
        /// Where to write it
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// Which tickets to list.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only of this desk
    #[arg(long)]
    desk: Option<String>,
    /// Only in this queue
    #[arg(long)]
    queue: Option<String>,
    /// Only in this state (new, open, waiting, resolved, closed); may be repeated
    #[arg(long)]
    state: Vec<String>,
    /// Only of this agent
    #[arg(long)]
    assignee: Option<String>,
    /// Settled ones too
    #[arg(long)]
    all: bool,
    /// At most so many
    #[arg(long, default_value_t = 200)]
    limit: u32,
}

/// What was said on the telephone.
#[derive(Debug, Args)]
pub struct LogCallArgs {
    /// What was said, or `-` to read it from standard input
    text: String,
    /// The desk it is for; routing decides when it is not given
    #[arg(long)]
    desk: Option<String>,
    /// Who calls
    #[arg(long)]
    caller: Option<String>,
    /// Mail address for a written answer
    #[arg(long)]
    address: Option<String>,
    /// Short subject
    #[arg(long)]
    subject: Option<String>,
    /// Settled on the telephone
    #[arg(long)]
    settled: bool,
    /// When the call came in (RFC 3339); now when it is not given
    #[arg(long)]
    at: Option<jiff::Timestamp>,
    /// Who takes the call
    #[arg(
        long,
        value_name = "AGENT",
        default_value = "staff",
        env = "MADOGUCHI_AGENT"
    )]
    by: String,
}

/// Runs the command.
pub async fn run(app: &App, global: &Global, command: TicketCommand) -> CommandResult {
    let office = &app.office;
    let ticket = match command {
        TicketCommand::List(args) => return list(app, global, args).await,
        TicketCommand::Show { ticket, evidence } => {
            return show(app, global, &ticket, evidence).await;
        }
        TicketCommand::Reply {
            ticket,
            text,
            wait,
            by,
        } => {
            reply::reply(
                office,
                number(&ticket)?,
                &AgentId(by),
                &text_of(text)?,
                wait,
            )
            .await?
        }
        TicketCommand::Note { ticket, text, by } => {
            reply::note(office, number(&ticket)?, &AgentId(by), &text_of(text)?).await?
        }
        TicketCommand::Assign { ticket, to, by } => {
            let to = (to != "-").then_some(AgentId(to));
            reply::assign(office, number(&ticket)?, &AgentId(by), to).await?
        }
        TicketCommand::Close { ticket, reason, by } => {
            reply::close(office, number(&ticket)?, &AgentId(by), reason.as_deref()).await?
        }
        TicketCommand::Merge { ticket, into, by } => {
            reply::merge(office, number(&ticket)?, number(&into)?, &AgentId(by)).await?
        }
        TicketCommand::File {
            ticket,
            number: which,
            out,
        } => return file(app, number(&ticket)?, which, &out).await,
        TicketCommand::LogCall(args) => {
            let desk = args.desk.map(DeskId);
            if let Some(desk) = &desk
                && !office.desks.contains_key(desk)
            {
                let known: Vec<&str> = office.desks.keys().map(DeskId::as_str).collect();
                bail!("there is no desk `{desk}`; there are: {}", known.join(", "));
            }
            let call = Call {
                agent: AgentId(args.by),
                desk,
                caller: args.caller,
                address: args.address,
                subject: args.subject,
                text: text_of(args.text)?,
                settled: args.settled,
                at: args.at,
            };
            reply::log_call(office, &call).await?
        }
    };
    if global.json {
        print_json(&ticket)?;
    } else {
        println!("{}", line(app, &ticket));
    }
    Ok(ExitCode::SUCCESS)
}

fn number(text: &str) -> anyhow::Result<TicketId> {
    TicketId::parse(text)
        .with_context(|| format!("`{text}` is no ticket number; write MD-000042 or 42"))
}

fn text_of(text: String) -> anyhow::Result<String> {
    if text != "-" {
        return Ok(text);
    }
    let mut read = String::new();
    std::io::stdin()
        .read_to_string(&mut read)
        .context("standard input is not readable as UTF-8 text")?;
    Ok(read)
}

async fn list(app: &App, global: &Global, args: ListArgs) -> CommandResult {
    let mut states = Vec::new();
    for name in &args.state {
        states.push(TicketState::parse(name).with_context(|| {
            format!("`{name}` is no state; there are new, open, waiting, resolved, closed")
        })?);
    }
    if states.is_empty() && !args.all {
        states = TicketState::ALL
            .iter()
            .copied()
            .filter(|state| state.is_unsettled())
            .collect();
    }
    let filter = TicketFilter {
        desk: args.desk.map(DeskId),
        queue: args.queue.map(QueueId),
        states,
        assignee: args.assignee.map(AgentId),
        limit: args.limit,
    };
    let tickets = app.office.store.list(&filter).await?;
    for ticket in &tickets {
        if global.json {
            let mut value = serde_json::to_value(ticket)?;
            if let Some(object) = value.as_object_mut() {
                object.insert("number".into(), ticket.id.number().into());
                object.insert("left".into(), left(app, ticket).into());
            }
            print_json(&value)?;
        } else {
            println!("{}", line(app, ticket));
        }
    }
    if tickets.is_empty() && !global.json {
        eprintln!("No tickets.");
    }
    Ok(ExitCode::SUCCESS)
}

/// One line for a person: number, state, time left, queue, assignee, language, subject.
fn line(app: &App, ticket: &Ticket) -> String {
    format!(
        "{}  {:<8}  {:<28}  {:<24}  {:<10}  {}  {}",
        ticket.id.number(),
        ticket.state.as_str(),
        left(app, ticket),
        ticket.queue.as_str(),
        ticket.assignee.as_ref().map_or("-", AgentId::as_str),
        ticket.lang,
        ticket.subject.replace(char::is_control, " "),
    )
}

/// The business time left on the ticket's next clock.
fn left(app: &App, ticket: &Ticket) -> String {
    if let Some(into) = ticket.merged_into {
        return format!("merged into {}", into.number());
    }
    let clocks = &ticket.clocks;
    let (clock, name) = if clocks.first_response.met_at.is_none() {
        (&clocks.first_response, "answer")
    } else if clocks.resolution.met_at.is_none() {
        (&clocks.resolution, "settle")
    } else {
        return "done".to_owned();
    };
    let Some(desk) = app.office.desk(&ticket.desk) else {
        return String::new();
    };
    let remaining = sla::remaining(&desk.calendar, clock, app.office.time.now());
    format!("{name}: {remaining}")
}

/// Writes a file out, unless it is locked.
async fn file(app: &App, id: TicketId, number: usize, out: &Path) -> CommandResult {
    let store = &app.office.store;
    let articles = store.articles(id).await?;
    let file = articles
        .iter()
        .flat_map(|article| &article.attachments)
        .nth(number.wrapping_sub(1))
        .with_context(|| format!("{} has no file {number}; see `ticket show`", id.number()))?;
    let sha256 = file
        .sha256
        .as_deref()
        .context("this file was not kept apart; it is in the raw message")?;
    match store.file(sha256).await?.map(|kept| kept.scan) {
        Some(Scan::Infected) => bail!("this file is locked: the scanner found something in it"),
        Some(Scan::Waiting) => bail!("this file is locked until the scanner has seen it"),
        Some(Scan::Clean | Scan::Off) | None => {}
    }
    let content = app
        .office
        .vault
        .read(sha256)
        .await?
        .context("the content is gone from the directory of files; is a backup of it there?")?;
    std::fs::write(out, content).with_context(|| format!("cannot write {}", out.display()))?;
    println!("{}", out.display());
    Ok(ExitCode::SUCCESS)
}

async fn show(app: &App, global: &Global, text: &str, evidence: bool) -> CommandResult {
    let store = &app.office.store;
    let asked = number(text)?;
    let id = crate::flow::triage::follow_merges(&app.office, asked)
        .await?
        .with_context(|| format!("there is no ticket {}", asked.number()))?;
    let ticket = store.ticket(id).await?.context("the ticket is gone")?;
    let articles = store.articles(id).await?;
    let events = store.events(id).await?;
    let decisions = if evidence {
        store.evidence(id).await?
    } else {
        Vec::new()
    };
    if global.json {
        print_json(&serde_json::json!({
            "number": id.number(),
            "asked": asked.number(),
            "ticket": ticket,
            "left": left(app, &ticket),
            "articles": articles,
            "events": events,
            "evidence": decisions,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let desk = app.office.desk(&ticket.desk);
    let zone = desk.map_or(jiff::tz::TimeZone::UTC, |d| d.calendar.zone().clone());
    let local = |at: jiff::Timestamp| at.to_zoned(zone.clone()).strftime("%F %H:%M").to_string();
    println!("{}", line(app, &ticket));
    println!(
        "desk {}  priority {}  audience {}  category {}  channel {}",
        desk.map_or(ticket.desk.as_str(), |d| d.name(Lang::En)),
        ticket.priority,
        ticket.audience,
        ticket.category.as_deref().unwrap_or("-"),
        ticket.channel
    );
    println!(
        "received {}  first response due {}  resolution due {}",
        local(ticket.received_at),
        local(ticket.clocks.first_response.due_at),
        local(ticket.clocks.resolution.due_at)
    );
    for other in &ticket.linked {
        println!("linked with {}", other.number());
    }
    let mut files = 0;
    for article in &articles {
        println!(
            "\n── {} · {} · {} · {}",
            article.kind,
            article.author,
            local(article.at),
            article.subject.replace(char::is_control, " ")
        );
        for line in article
            .trust
            .iter()
            .flat_map(|trust| trust.checks.iter().chain(&trust.warnings))
        {
            println!("  ! {line}");
        }
        println!("{}", article.body.trim_end());
        for file in &article.attachments {
            files += 1;
            let kept = match &file.sha256 {
                Some(sha256) => store.file(sha256).await?,
                None => None,
            };
            let found = kept.as_ref().and_then(|k| k.found_type.as_deref());
            let scan = kept.as_ref().map_or("", |k| match k.scan {
                Scan::Off => "",
                Scan::Waiting => ", not yet scanned: locked",
                Scan::Clean => ", scanned",
                Scan::Infected => ", INFECTED: locked",
            });
            println!(
                "  + [{files}] {} ({}{}, {} bytes{scan})",
                file.attachment.name.as_deref().unwrap_or("(no name)"),
                file.attachment.media_type,
                found
                    .filter(|found| *found != file.attachment.media_type)
                    .map_or_else(String::new, |found| format!(", really {found}")),
                file.attachment.size,
            );
        }
    }
    println!();
    for event in &events {
        println!(
            "{}  {}  {}",
            local(event.at),
            serde_json::to_string(&event.actor)?,
            serde_json::to_string(&event.change)?
        );
    }
    for decision in &decisions {
        println!("\n{}", serde_json::to_string_pretty(decision)?);
    }
    Ok(ExitCode::SUCCESS)
}
