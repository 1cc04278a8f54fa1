//! `madoguchi sla due`: when inquiries that arrived at given instants are due. The public check of the SLA engine.

use super::{CommandResult, Global, problem};
use crate::app::App;
use crate::domain::calendar::Calendar;
use crate::domain::ids::DeskId;
use crate::domain::sla::{Policy, due};
use anyhow::Context;
use clap::Subcommand;
use jiff::Timestamp;
use std::fmt;
use std::io::{BufRead, Write};
use std::process::ExitCode;

/// What to ask the SLA engine.
#[derive(Debug, Subcommand)]
pub enum SlaCommand {
    /// When inquiries that arrived at these instants are due, as CSV
    Due {
        /// The desk whose calendar and targets count; the default desk when it is not given
        #[arg(long)]
        desk: Option<String>,
        /// RFC 3339 instants; `-` (or none) reads them from standard input, one a line
        #[arg(value_name = "TIME")]
        times: Vec<String>,
    },
}

/// Runs the command.
pub async fn run(global: &Global, command: &SlaCommand) -> CommandResult {
    let SlaCommand::Due { desk, times } = command;
    let app = App::without_store(global).await?;
    let id = desk
        .clone()
        .map_or_else(|| app.office.default_desk.clone(), DeskId);
    let profile = app.office.desks.get(&id).with_context(|| {
        let known: Vec<&str> = app.office.desks.keys().map(DeskId::as_str).collect();
        format!("there is no desk `{id}`; there are: {}", known.join(", "))
    })?;
    let mut out = std::io::stdout().lock();
    let result = if times.is_empty() || times.iter().any(|time| time == "-") {
        let lines = std::io::stdin().lock().lines().map_while(Result::ok);
        due_csv(&profile.calendar, &profile.policy, lines, &mut out)
    } else {
        let lines = times.iter().cloned();
        due_csv(&profile.calendar, &profile.policy, lines, &mut out)
    };
    match result {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error @ DueCsvError::BadInstants(_)) => {
            eprintln!("{error}");
            Ok(problem())
        }
        Err(error) => Err(error.into()),
    }
}

/// `sla due` could not do all it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DueCsvError {
    /// The output could not be written.
    #[error("the output could not be written: {0}")]
    Output(#[from] csv::Error),
    /// Some lines were no instants; the others were answered.
    #[error("{}", BadLines(.0))]
    BadInstants(Vec<BadInstant>),
}

/// A line that is no instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadInstant {
    /// Its number, from 1, empty lines counted.
    pub line: usize,
    /// What stood there.
    pub text: String,
    /// What is wrong with it.
    pub problem: String,
}

struct BadLines<'a>(&'a [BadInstant]);

impl fmt::Display for BadLines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, bad) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(
                f,
                "line {}: `{}` is no instant ({}); write date, time and offset like 2026-05-14T09:30:00+09:00",
                bad.line, bad.text, bad.problem
            )?;
        }
        Ok(())
    }
}

/// Writes `received,first_response_due,resolution_due`, one row for each line that holds an RFC 3339 instant: `received` as it was given,
/// the due instants with the offset the desk's zone has then. Empty lines are skipped.
///
/// # Errors
/// [`DueCsvError::BadInstants`] when lines were no instants, after all others were answered; [`DueCsvError::Output`] at once.
pub fn due_csv(
    calendar: &Calendar,
    policy: &Policy,
    lines: impl Iterator<Item = String>,
    out: &mut impl Write,
) -> Result<(), DueCsvError> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["received", "first_response_due", "resolution_due"])?;
    let mut bad = Vec::new();
    for (i, line) in lines.enumerate() {
        let text = line.trim();
        if text.is_empty() {
            continue;
        }
        match text.parse::<Timestamp>() {
            Ok(received) => {
                let first_response = due(calendar, policy.first_response, received);
                let resolution = due(calendar, policy.resolution, received);
                csv.write_record([
                    text,
                    &in_zone(calendar, first_response),
                    &in_zone(calendar, resolution),
                ])?;
            }
            Err(problem) => bad.push(BadInstant {
                line: i + 1,
                text: text.to_owned(),
                problem: problem.to_string(),
            }),
        }
    }
    csv.flush().map_err(csv::Error::from)?;
    if bad.is_empty() {
        Ok(())
    } else {
        Err(DueCsvError::BadInstants(bad))
    }
}

/// RFC 3339 with the offset of the desk's zone at that instant.
fn in_zone(calendar: &Calendar, instant: Timestamp) -> String {
    instant
        .display_with_offset(calendar.zone().to_offset(instant))
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(lines: &[&str]) -> (String, Result<(), DueCsvError>) {
        let mut out = Vec::new();
        let lines = lines.iter().map(|line| (*line).to_owned());
        let result = due_csv(&Calendar::default(), &Policy::default(), lines, &mut out);
        (String::from_utf8(out).unwrap(), result)
    }

    #[test]
    fn received_is_echoed_and_due_instants_carry_the_desks_offset() {
        let (out, result) = run(&[
            "2025-12-28T17:01:00+09:00",
            "",
            "2026-05-14T00:29:59Z",
            "2026-05-13T20:30:00.5-04:00\n",
        ]);
        assert!(result.is_ok());
        assert_eq!(
            out,
            "received,first_response_due,resolution_due\n\
             2025-12-28T17:01:00+09:00,2026-01-07T17:00:00+09:00,2026-01-07T17:00:00+09:00\n\
             2026-05-14T00:29:59Z,2026-05-18T17:00:00+09:00,2026-05-18T17:00:00+09:00\n\
             2026-05-13T20:30:00.5-04:00,2026-05-18T17:00:00+09:00,2026-05-18T17:00:00+09:00\n"
        );
    }

    #[test]
    fn a_bad_line_is_named_and_the_others_are_answered() {
        let (out, result) = run(&[
            "tomorrow",
            "2026-05-14T10:00:00+09:00",
            "2026-02-30T10:00:00Z",
        ]);
        assert_eq!(out.lines().count(), 2, "{out}");
        let error = result.unwrap_err().to_string();
        assert!(
            error.starts_with("line 1: `tomorrow` is no instant"),
            "{error}"
        );
        assert!(
            error.contains("\nline 3: `2026-02-30T10:00:00Z`"),
            "{error}"
        );
    }

    #[test]
    fn an_instant_without_an_offset_is_refused() {
        let (_, result) = run(&["2026-05-14T10:00:00"]);
        assert!(matches!(result, Err(DueCsvError::BadInstants(bad)) if bad[0].line == 1));
    }
}
