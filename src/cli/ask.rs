//! `ask`: what would be decided about a question, without storing anything.

use super::{CommandResult, Global, print_json};
use crate::app::App;
use crate::domain::decide::Decision;
use crate::domain::ids::{DeskId, InboxId};
use crate::domain::inquiry::Inquiry;
use crate::domain::language::Lang;
use crate::flow::triage::{Facts, judge};
use anyhow::{Context, bail};
use clap::Args;
use madoguchi_channel::{InboundMessage, Party};
use serde::Deserialize;
use std::io::Read;
use std::process::ExitCode;

/// What to ask.
#[derive(Debug, Args)]
pub struct AskArgs {
    /// The question, or `-` to read it from standard input
    text: String,
    /// Ask at this desk; routing decides when it is not given
    #[arg(long)]
    desk: Option<String>,
    /// The language (ja, en, zh, vi) of the conversation so far
    #[arg(long)]
    lang: Option<String>,
    /// As if it had come by this channel
    #[arg(long)]
    channel: Option<String>,
    /// Subject line
    #[arg(long)]
    subject: Option<String>,
    /// Each line of standard input is a question of its own (text must be `-`)
    #[arg(long, conflicts_with = "jsonl")]
    lines: bool,
    /// Each line of standard input is a question as JSON: `{"text": …, "desk": …, "subject": …}`, all but the text optional; other fields
    /// are passed over (text must be `-`)
    #[arg(long)]
    jsonl: bool,
}

/// One question.
#[derive(Debug, Deserialize)]
struct Asked {
    text: String,
    desk: Option<String>,
    subject: Option<String>,
}

/// Runs the command.
pub async fn run(global: &Global, args: &AskArgs) -> CommandResult {
    let mut app = App::without_store(global).await?;
    let questions = questions(args)?;
    let prior =
        match &args.lang {
            Some(name) => Some(Lang::parse(name).with_context(|| {
                format!("`{name}` is no language here; there are ja, en, zh, vi")
            })?),
            None => None,
        };
    let channel = match (&args.channel, &args.desk) {
        (Some(channel), None) if !app.office.channels.contains_key(channel) => {
            let known: Vec<&str> = app.office.channels.keys().map(String::as_str).collect();
            bail!(
                "there is no channel `{channel}`; there are: {}",
                known.join(", ")
            );
        }
        (Some(channel), None) => channel.clone(),
        (_, Some(desk)) => app.pretend_channel(&DeskId(desk.clone()))?,
        (None, None) => String::new(),
    };
    for question in questions {
        let channel = match &question.desk {
            Some(desk) => app.pretend_channel(&DeskId(desk.clone()))?,
            None => channel.clone(),
        };
        let subject = question.subject.as_deref().or(args.subject.as_deref());
        let answer = ask(&app, &channel, subject, &question.text, prior);
        if global.json || args.lines || args.jsonl {
            print_json(&answer)?;
        } else {
            print(&answer);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn questions(args: &AskArgs) -> anyhow::Result<Vec<Asked>> {
    let bare = |text: &str| Asked {
        text: text.to_owned(),
        desk: None,
        subject: None,
    };
    if args.text != "-" {
        return Ok(vec![bare(&args.text)]);
    }
    let mut read = String::new();
    std::io::stdin()
        .read_to_string(&mut read)
        .context("standard input is not readable as UTF-8 text")?;
    if args.jsonl {
        let lines = read.lines().enumerate();
        return lines
            .map(|(at, line)| {
                serde_json::from_str(line)
                    .with_context(|| format!("line {} of standard input", at + 1))
            })
            .collect();
    }
    Ok(if args.lines {
        read.lines().map(bare).collect()
    } else {
        vec![bare(&read)]
    })
}

fn ask(
    app: &App,
    channel: &str,
    subject: Option<&str>,
    text: &str,
    prior: Option<Lang>,
) -> serde_json::Value {
    let now = app.office.time.now();
    let inquiry = Inquiry {
        restored: false,
        files: Vec::new(),
        kept: Vec::new(),
        trust: crate::domain::sender::SenderTrust::default(),
        inbox: InboxId(0),
        channel: channel.to_owned(),
        received_at: now,
        silent: false,
        message: InboundMessage {
            from: Some(Party {
                address: "somebody@example.com".to_owned(),
                name: None,
            }),
            subject: subject.map(str::to_owned),
            text: text.to_owned(),
            reply_text: text.to_owned(),
            ..InboundMessage::default()
        },
    };
    let mut facts = Facts::none(&app.office);
    facts.prior_lang = prior;
    let knowledge = app.office.knowledge.current();
    let judged = judge(&app.office, knowledge.as_ref(), &inquiry, &facts, now);
    let top = judged.hits.first();
    let (entry, reply) = match &judged.decision {
        Decision::Answer { hit } => (
            Some(hit.entry.clone()),
            knowledge
                .answer(&hit.desk, &hit.entry, judged.lang)
                .map(|answer| answer.body),
        ),
        _ => (None, None),
    };
    serde_json::json!({
        "decision": judged.decision.name(),
        "desk": judged.route.desk,
        "queue": judged.route.queue,
        "lang": judged.lang,
        "entry": entry,
        "confidence": top.map(|hit| hit.confidence),
        "evidence": judged,
        "reply": reply,
    })
}

fn print(answer: &serde_json::Value) {
    let text = |key: &str| match &answer[key] {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    for key in ["decision", "desk", "queue", "lang", "entry", "confidence"] {
        println!("{key:<11} {}", text(key));
    }
    let evidence = &answer["evidence"];
    println!("{:<11} {}", "threshold", evidence["threshold"]);
    if let Some(why) = evidence["why"].as_str() {
        println!("{:<11} {why}", "why");
    }
    for guard in evidence["guards"].as_array().into_iter().flatten() {
        println!("{:<11} {guard}", "guard");
    }
    for hit in evidence["hits"].as_array().into_iter().flatten().take(3) {
        println!(
            "{:<11} {} {} ({}) «{}»",
            "hit",
            hit["confidence"],
            hit["entry"].as_str().unwrap_or_default(),
            hit["lang"].as_str().unwrap_or_default(),
            hit["variant"].as_str().unwrap_or_default()
        );
    }
    if let Some(reply) = answer["reply"].as_str() {
        println!("\n{reply}");
    }
}
