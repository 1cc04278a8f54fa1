//! `knowledge check`, `knowledge eval` and `knowledge calibrate` as functions of what they are handed; the command line wires them.

use super::{CommandResult, Global, print_json, problem};
use crate::app::read_config;
use crate::domain::ids::DeskId;
use crate::faq::adapt::{self, Labelled};
use crate::faq::eval::{CorpusLine, PerQuery, QueryLine, Report, evaluate_corpus, measure};
use crate::faq::library::Serving;
use crate::faq::{Index, Knowledge, Problem, Severity, calibrate, check};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::civil::Date;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// What to do with the knowledge.
#[derive(Debug, Subcommand)]
pub enum KnowledgeCommand {
    /// Lint: entries, phrasings, translations, validity, sources, collisions
    Check {
        /// Directory to check; the configured knowledge when it is not given
        dir: Option<PathBuf>,
    },
    /// Measure how well a labelled set is answered
    Eval(EvalArgs),
    /// Learn the weights and thresholds anew and print calibration.toml
    Calibrate(CalibrateArgs),
}

/// What to learn from besides the phrasings.
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    /// Labelled questions as JSON lines `{desk, lang, text, entry?}`, fifty with an entry and fifty without at least: the threshold is taken
    /// from them
    #[arg(long)]
    labelled: Vec<PathBuf>,
}

/// What to measure.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// Entries as JSON lines; the configured knowledge when it is not given
    #[arg(long)]
    corpus: Option<PathBuf>,
    /// Labelled questions as JSON lines
    #[arg(long)]
    queries: PathBuf,
    /// Past questions that staff confirmed, in the form of the queries
    #[arg(long)]
    history: Option<PathBuf>,
    /// Answer from this confidence on
    #[arg(long)]
    threshold: Option<f64>,
    /// Write one line a query here
    #[arg(long)]
    per_query: Option<PathBuf>,
}

/// Runs the command.
pub fn run(global: &Global, command: &KnowledgeCommand) -> CommandResult {
    let config = read_config(global).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the configuration is wrong:\n{}", lines.join("\n"))
    })?;
    let configured = config.knowledge.dir.as_deref();
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let knowledge = || {
        let loaded = configured.map_or_else(Knowledge::load_embedded, Knowledge::load_dir);
        loaded.into_result().map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("the knowledge cannot serve:\n{}", lines.join("\n"))
        })
    };
    match command {
        KnowledgeCommand::Check { dir } => {
            let (problems, fine) = check(dir.as_deref().or(configured), today)?;
            for found in &problems {
                if global.json {
                    print_json(found)?;
                } else {
                    println!("{found}");
                }
            }
            if !global.json {
                println!("{} problems", problems.len());
            }
            Ok(if fine { ExitCode::SUCCESS } else { problem() })
        }
        KnowledgeCommand::Calibrate(args) => {
            let mut labelled = Vec::new();
            for path in &args.labelled {
                labelled.extend(read_lines::<Labelled>(path)?);
            }
            print!("{}", calibrate(&knowledge()?, &labelled, today)?);
            Ok(ExitCode::SUCCESS)
        }
        KnowledgeCommand::Eval(args) => {
            let begun = Instant::now();
            let clock = || u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            let input = EvalInput {
                corpus: args.corpus.as_deref(),
                queries: &args.queries,
                history: args.history.as_deref(),
                threshold: args.threshold,
                per_query: args.per_query.as_deref(),
            };
            let report = eval(&input, &knowledge()?, today, &clock, &progress)?;
            clear_progress();
            if global.json {
                print_json(&report)?;
            } else {
                println!("{}", serde_json::to_string_pretty(&report)?);
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Lints a directory, or the knowledge built in when `dir` is `None`. The second value is true when nothing forbids serving.
///
/// # Errors
/// The index could not be built.
pub fn check(dir: Option<&Path>, today: Date) -> anyhow::Result<(Vec<Problem>, bool)> {
    let loaded = dir.map_or_else(Knowledge::load_embedded, Knowledge::load_dir);
    let text = |file: &str| dir.and_then(|d| std::fs::read_to_string(d.join(file)).ok());
    let problems = check::check(&loaded, &text, today)?;
    let fine = problems.iter().all(|p| p.severity != Severity::Error);
    Ok((problems, fine))
}

/// Reads JSON lines; empty lines are passed over.
///
/// # Errors
/// The file cannot be read, or a line is no such object; the message names file and line.
pub fn read_lines<T: serde::de::DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    text.lines()
        .enumerate()
        .filter(|(_, l)| !l.trim().is_empty())
        .map(|(i, l)| {
            serde_json::from_str(l)
                .with_context(|| format!("{}:{}: not the expected form", path.display(), i + 1))
        })
        .collect()
}

/// What `knowledge eval` is handed.
#[derive(Debug, Clone, Copy)]
pub struct EvalInput<'a> {
    /// The corpus; the desk's own knowledge when `None`.
    pub corpus: Option<&'a Path>,
    /// The labelled questions.
    pub queries: &'a Path,
    /// Past questions that staff confirmed.
    pub history: Option<&'a Path>,
    /// The threshold; the calibrated one when `None`.
    pub threshold: Option<f64>,
    /// Where a line a question is written.
    pub per_query: Option<&'a Path>,
}

/// How far it is, as a bar on a terminal; silent elsewhere.
fn progress(what: &str, done: usize, all: usize) {
    const WIDTH: usize = 40;
    let mut terminal = std::io::stderr();
    if !terminal.is_terminal() {
        return;
    }
    let full = (done * WIDTH).checked_div(all).unwrap_or(0).min(WIDTH);
    let bar = format!("{}{}", "█".repeat(full), "·".repeat(WIDTH - full));
    // A terminal that went away needs no bar.
    let _ = write!(terminal, "\r{what:<9} {bar} {done}/{all}");
    let _ = terminal.flush();
}

fn clear_progress() {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
}

/// Evaluates. `clock` gives microseconds from any origin.
///
/// # Errors
/// A file cannot be read or written or has another form, or a threshold is no share.
pub fn eval(
    input: &EvalInput<'_>,
    knowledge: &Knowledge,
    today: Date,
    clock: &(dyn Fn() -> u64 + Sync),
    told: &(dyn Fn(&str, usize, usize) + Sync),
) -> anyhow::Result<Report> {
    if input.threshold.is_some_and(|t| !(0.0..=1.0).contains(&t)) {
        bail!("the threshold is a share: give a number between 0 and 1");
    }
    let queries: Vec<QueryLine> = read_lines(input.queries)?;
    let history: Vec<QueryLine> = input
        .history
        .map(read_lines)
        .transpose()?
        .unwrap_or_default();
    told("learning", 0, queries.len());
    let asked = |done: usize| told("asking", done, queries.len());
    let report = match input.corpus {
        Some(path) => {
            let corpus: Vec<CorpusLine> = read_lines(path)?;
            evaluate_corpus(
                &corpus,
                &history,
                &queries,
                knowledge,
                input.threshold,
                clock,
                &asked,
            )?
        }
        None => {
            let index = Index::build(knowledge)?;
            let threshold = input
                .threshold
                .or(index
                    .calibration
                    .as_ref()
                    .map(|c| c.threshold(&DeskId::from("default"))))
                .unwrap_or(0.8);
            measure(
                &index, &queries, None, today, threshold, "shipped", clock, &asked,
            )
        }
    };
    if let Some(path) = input.per_query {
        write_per_query(path, &report.per_query)?;
    }
    Ok(report)
}

fn write_per_query(path: &Path, lines: &[PerQuery]) -> anyhow::Result<()> {
    let mut out = String::new();
    for line in lines {
        out.push_str(&serde_json::to_string(line)?);
        out.push('\n');
    }
    std::fs::write(path, out).with_context(|| format!("{} cannot be written", path.display()))
}

/// Learns anew from a knowledge and gives the text of `calibration.toml`.
///
/// # Errors
/// There are too few phrasings to leave any out.
pub fn calibrate(
    knowledge: &Knowledge,
    labelled: &[Labelled],
    today: Date,
) -> anyhow::Result<String> {
    let Some((mut calibration, _)) = calibrate::train(knowledge, today)? else {
        bail!(
            "too few phrasings to calibrate: entries with at least two phrasings are needed, fifty phrasings in all"
        );
    };
    if !labelled.is_empty() {
        let mut index = Index::build(knowledge)?;
        index.model = calibration.model();
        let guards = Serving::build(knowledge.clone()).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("the knowledge cannot serve:\n{}", lines.join("\n"))
        })?;
        let guarded = |text: &str| {
            !guards.guards.check_all(text).is_empty() || !guards.alarm.speaks(text).is_empty()
        };
        let Some(adapted) = adapt::adapt(&mut index, labelled, &guarded, today) else {
            bail!("too few labelled questions: fifty with an entry and fifty without are needed");
        };
        calibration.set_model(&index.model);
        let round = |v: f64| (v * 1000.0).round() / 1000.0;
        for threshold in calibration.threshold.values_mut() {
            *threshold = round(adapted.threshold);
        }
        let percent = |v: f64| (v * 100.0).round();
        calibration.made = format!(
            "{}; confidence and threshold then from {} labelled questions, judged on folds that were not learned from: area under the curve {:.3}, {} % of the covered ones answered, {} % of the others abstained, {} % of the answers right at the assumed rate",
            calibration.made,
            labelled.len(),
            adapted.auroc,
            percent(adapted.answered),
            percent(adapted.abstained),
            percent(adapted.precision),
        );
    }
    let head = "# Written by `calibrate`: weights that rank entries, weights of the confidence, thresholds. Readable on purpose; a desk's\n# threshold may be raised by hand.\n";
    Ok(format!("{head}{}", toml::to_string(&calibration)?))
}
