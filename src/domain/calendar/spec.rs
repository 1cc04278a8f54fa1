//! What the configuration says about a calendar, and how it becomes one.
//!
//! ```toml
//! zone = "Asia/Tokyo"
//! japanese_holidays = true
//! opening = { monday = ["09:30-12:00", "13:00-17:00"], tuesday = ["09:30-17:00"] }   # a day not named is closed
//! yearly_closures = [{ from = "12-29", until = "01-03", reason = "year_end" }]
//! closures = [{ on = "2026-08-14", reason = "moving house" }]
//! openings = [{ on = "2026-08-15", hours = ["10:00-12:00"], reason = "open day" }]
//! runs_out_on = "2099-12-31"
//! ```

use super::{Calendar, Hours, YearlyClosure};
use crate::domain::holidays;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Reason of the default closure from 29 December to 3 January.
pub(super) const YEAR_END: &str = "year_end";
/// Yearly closures together may not cover more days than this: a desk closed longer would have no sensible due dates.
const MOST_DAYS_CLOSED_EVERY_YEAR: usize = 180;
/// Longest single closure, in days; longer ones are typing errors.
const LONGEST_CLOSURE_DAYS: i64 = 366;
/// Minutes of 9:30 and 17:00, the desk's hours (requirement row P1).
const OFFICE: Hours = Hours {
    from: 9 * 60 + 30,
    until: 17 * 60,
};

/// A calendar as the configuration writes it. Every key may be left out; the default is the desk of the programmes: Asia/Tokyo,
/// Monday to Friday 09:30–17:00, closed on national holidays and from 29 December to 3 January.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarSpec {
    /// Time zone by its IANA name. Default `Asia/Tokyo`.
    pub zone: String,
    /// Opening hours per weekday. When given, a weekday it does not name is closed.
    pub opening: WeekSpec,
    /// Whether the desk is closed on the national holidays of Japan. Default true.
    pub japanese_holidays: bool,
    /// Closed on these days every year. Default 29 December to 3 January.
    pub yearly_closures: Vec<YearlyClosureSpec>,
    /// Single closed days. Default none.
    pub closures: Vec<ClosureSpec>,
    /// Days with hours of their own, also on a weekend, holiday or closure. Default none.
    pub openings: Vec<SpecialOpeningSpec>,
    /// Last day the calendar is known, `"YYYY-MM-DD"`; `check` warns six months before. Default: where the holiday rules end
    /// (2099-12-31). Set it to the end of the period the closures were agreed for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs_out_on: Option<String>,
}

/// Opening hours per weekday: half-open stretches `"HH:MM-HH:MM"` (`24:00` is the end of the day), in order, none overlapping.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WeekSpec {
    /// Hours on Mondays.
    pub monday: Vec<String>,
    /// Hours on Tuesdays.
    pub tuesday: Vec<String>,
    /// Hours on Wednesdays.
    pub wednesday: Vec<String>,
    /// Hours on Thursdays.
    pub thursday: Vec<String>,
    /// Hours on Fridays.
    pub friday: Vec<String>,
    /// Hours on Saturdays.
    pub saturday: Vec<String>,
    /// Hours on Sundays.
    pub sunday: Vec<String>,
}

/// Closed every year from one day to another, both included; may run over New Year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct YearlyClosureSpec {
    /// First day, `"MM-DD"`.
    pub from: String,
    /// Last day, `"MM-DD"`.
    pub until: String,
    /// Why, shown to staff.
    pub reason: String,
}

/// One closed day, or several in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClosureSpec {
    /// The day, `"YYYY-MM-DD"`.
    pub on: String,
    /// Last day, `"YYYY-MM-DD"`, included; default the same day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Why, shown to staff.
    pub reason: String,
}

/// A day with hours of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecialOpeningSpec {
    /// The day, `"YYYY-MM-DD"`.
    pub on: String,
    /// Its hours, as in `opening`; at least one stretch.
    pub hours: Vec<String>,
    /// Why, shown to staff.
    pub reason: String,
}

impl Default for CalendarSpec {
    fn default() -> Self {
        let office = vec!["09:30-17:00".to_owned()];
        Self {
            zone: "Asia/Tokyo".to_owned(),
            opening: WeekSpec {
                monday: office.clone(),
                tuesday: office.clone(),
                wednesday: office.clone(),
                thursday: office.clone(),
                friday: office,
                saturday: Vec::new(),
                sunday: Vec::new(),
            },
            japanese_holidays: true,
            yearly_closures: vec![YearlyClosureSpec {
                from: "12-29".to_owned(),
                until: "01-03".to_owned(),
                reason: YEAR_END.to_owned(),
            }],
            closures: Vec::new(),
            openings: Vec::new(),
            runs_out_on: None,
        }
    }
}

/// One thing that is wrong with a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field, as a path below the calendar (`opening.monday[1]`, `closures[0].on`).
    pub field: String,
    /// What is wrong and what is expected.
    pub what: String,
}

/// A calendar that cannot be used, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct CalendarError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for CalendarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{}: {}", problem.field, problem.what)?;
        }
        Ok(())
    }
}

impl Calendar {
    /// Builds a calendar.
    ///
    /// # Errors
    /// [`CalendarError`] with every field that is wrong, not only the first.
    pub fn from_spec(spec: &CalendarSpec) -> Result<Self, CalendarError> {
        let mut problems = Problems::default();
        let zone = TimeZone::get(&spec.zone).unwrap_or_else(|_| {
            problems.add(
                "zone",
                format!(
                    "`{}` is not a known time zone; write an IANA name like Asia/Tokyo",
                    spec.zone
                ),
            );
            TimeZone::UTC
        });
        let week = problems.week(&spec.opening);
        if week.iter().all(Vec::is_empty) {
            problems.add("opening", "no weekday has opening hours".to_owned());
        }
        let yearly_closures = problems.yearly_closures(&spec.yearly_closures);
        let closures = problems.closures(&spec.closures);
        let openings = problems.openings(&spec.openings);
        let runs_out_on = match &spec.runs_out_on {
            None => last_known_day(),
            Some(text) => problems
                .date("runs_out_on", text)
                .unwrap_or_else(last_known_day),
        };
        if spec.japanese_holidays && runs_out_on > last_known_day() {
            problems.add(
                "runs_out_on",
                format!(
                    "the holiday rules end on {}; give that day or an earlier one",
                    last_known_day()
                ),
            );
        }
        if !problems.0.is_empty() {
            return Err(CalendarError {
                problems: problems.0,
            });
        }
        Ok(Self {
            zone,
            week,
            japanese_holidays: spec.japanese_holidays,
            yearly_closures,
            closures,
            openings,
            runs_out_on,
        })
    }
}

/// Where the holiday rules end.
pub(super) fn last_known_day() -> Date {
    Date::new(holidays::LAST_YEAR, 12, 31).unwrap_or(Date::MAX)
}

/// Monday to Friday in the desk's hours.
pub(super) fn office_week() -> [Vec<Hours>; 7] {
    let open = || vec![OFFICE];
    [open(), open(), open(), open(), open(), vec![], vec![]]
}

/// Reads the parts of a calendar and keeps what is wrong with them.
#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, field: &str, what: String) {
        self.0.push(Problem {
            field: field.to_owned(),
            what,
        });
    }

    fn week(&mut self, week: &WeekSpec) -> [Vec<Hours>; 7] {
        [
            self.hours("opening.monday", &week.monday),
            self.hours("opening.tuesday", &week.tuesday),
            self.hours("opening.wednesday", &week.wednesday),
            self.hours("opening.thursday", &week.thursday),
            self.hours("opening.friday", &week.friday),
            self.hours("opening.saturday", &week.saturday),
            self.hours("opening.sunday", &week.sunday),
        ]
    }

    fn hours(&mut self, field: &str, stretches: &[String]) -> Vec<Hours> {
        let mut read: Vec<Hours> = Vec::with_capacity(stretches.len());
        for (i, text) in stretches.iter().enumerate() {
            let field = format!("{field}[{i}]");
            let Some(hours) = parse_hours(text) else {
                self.add(
                    &field,
                    format!("`{text}` is not a stretch of time; write it like 09:30-17:00"),
                );
                continue;
            };
            if hours.from >= hours.until {
                self.add(
                    &field,
                    format!("`{text}` ends before it begins; split a night at 24:00 into two days"),
                );
                continue;
            }
            if read.last().is_some_and(|before| before.until > hours.from) {
                self.add(
                    &field,
                    format!(
                        "`{text}` begins before the stretch in front of it ends; put them in order"
                    ),
                );
                continue;
            }
            read.push(hours);
        }
        read
    }

    fn yearly_closures(&mut self, specs: &[YearlyClosureSpec]) -> Vec<YearlyClosure> {
        let mut read = Vec::with_capacity(specs.len());
        for (i, spec) in specs.iter().enumerate() {
            let from = self.month_day(&format!("yearly_closures[{i}].from"), &spec.from);
            let until = self.month_day(&format!("yearly_closures[{i}].until"), &spec.until);
            if let (Some(from), Some(until)) = (from, until) {
                read.push(YearlyClosure {
                    from,
                    until,
                    reason: spec.reason.clone(),
                });
            }
        }
        // Any leap year will do: it has all days.
        let closed = Date::new(2024, 1, 1)
            .map(|first| {
                super::days_from(first)
                    .take(366)
                    .filter(|day| read.iter().any(|c| c.covers(*day)))
                    .count()
            })
            .unwrap_or_default();
        if closed > MOST_DAYS_CLOSED_EVERY_YEAR {
            self.add(
                "yearly_closures",
                format!("{closed} days a year are closed; at most {MOST_DAYS_CLOSED_EVERY_YEAR} may be (is `from` before `until`?)"),
            );
        }
        read
    }

    fn closures(&mut self, specs: &[ClosureSpec]) -> BTreeMap<Date, String> {
        let mut read = BTreeMap::new();
        for (i, spec) in specs.iter().enumerate() {
            let Some(first) = self.date(&format!("closures[{i}].on"), &spec.on) else {
                continue;
            };
            let field = format!("closures[{i}].until");
            let last = match &spec.until {
                None => Some(first),
                Some(text) => self.date(&field, text),
            };
            let Some(last) = last else { continue };
            if last < first {
                self.add(&field, format!("{last} is before {first}"));
                continue;
            }
            if last.duration_since(first).as_hours() / 24 >= LONGEST_CLOSURE_DAYS {
                self.add(
                    &field,
                    format!("from {first} to {last} is longer than {LONGEST_CLOSURE_DAYS} days"),
                );
                continue;
            }
            for day in super::days_from(first).take_while(|day| *day <= last) {
                if read.insert(day, spec.reason.clone()).is_some() {
                    self.add(
                        &format!("closures[{i}].on"),
                        format!("{day} is named by an earlier closure too"),
                    );
                    break;
                }
            }
        }
        read
    }

    fn openings(&mut self, specs: &[SpecialOpeningSpec]) -> BTreeMap<Date, Vec<Hours>> {
        let mut read = BTreeMap::new();
        for (i, spec) in specs.iter().enumerate() {
            let field = format!("openings[{i}].hours");
            let hours = self.hours(&field, &spec.hours);
            if spec.hours.is_empty() {
                self.add(
                    &field,
                    "no hours; write a closed day under `closures`".to_owned(),
                );
            }
            let field = format!("openings[{i}].on");
            let Some(day) = self.date(&field, &spec.on) else {
                continue;
            };
            if read.insert(day, hours).is_some() {
                self.add(&field, format!("{day} is named by an earlier opening too"));
            }
        }
        read
    }

    fn date(&mut self, field: &str, text: &str) -> Option<Date> {
        let date = parse_date(text);
        if date.is_none() {
            self.add(
                field,
                format!("`{text}` is not a day; write it in quotes like \"2026-05-14\""),
            );
        }
        date
    }

    fn month_day(&mut self, field: &str, text: &str) -> Option<(i8, i8)> {
        let day = two_numbers(text, '-')
            // A leap year, so that 29 February can be named.
            .and_then(|(month, day)| {
                Date::new(2024, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
            })
            .map(|date| (date.month(), date.day()));
        if day.is_none() {
            self.add(
                field,
                format!("`{text}` is not a day of the year; write it like \"12-29\""),
            );
        }
        day
    }
}

fn parse_date(text: &str) -> Option<Date> {
    // jiff also reads times and compact forms here; a calendar holds plain days only.
    let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    plain.then(|| text.parse().ok()).flatten()
}

fn parse_hours(text: &str) -> Option<Hours> {
    let (from, until) = text.split_once('-')?;
    Some(Hours {
        from: parse_minutes(from)?,
        until: parse_minutes(until)?,
    })
}

/// Minutes since midnight of `HH:MM` (or `H:MM`), up to 24:00.
fn parse_minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = two_numbers(text.trim(), ':')?;
    let all = hours * 60 + minutes;
    (minutes < 60 && all <= 24 * 60).then_some(all)
}

/// Two numbers of one or two digits each.
fn two_numbers(text: &str, between: char) -> Option<(u16, u16)> {
    let (a, b) = text.split_once(between)?;
    let number = |digits: &str| {
        let fine = (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        fine.then(|| digits.parse::<u16>().ok()).flatten()
    };
    Some((number(a)?, number(b)?))
}
