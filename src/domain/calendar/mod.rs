//! When a desk is open: opening hours, weekends, national holidays, closures; and arithmetic in business time on top of it.
//!
//! Everything is computed on half-open intervals of instants, `[opens_at, closes_at)`, never by counting minutes. A calendar speaks
//! the wall clock of its zone; days of 23 or 25 hours come out right: an hour that the zone skips is not worked, an interval that
//! starts or ends in a repeated hour starts or ends at its first occurrence.
//!
//! Reading order: [`CalendarSpec`] (what the configuration says) → [`Calendar::from_spec`] → [`Calendar::day`] → the arithmetic.
//! Requirement rows P1 (opening hours, holidays) and P2 (two business days).

mod spec;

pub use spec::{
    CalendarError, CalendarSpec, ClosureSpec, Problem, SpecialOpeningSpec, WeekSpec,
    YearlyClosureSpec,
};

use crate::domain::holidays::{self, Holiday};
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Span, Timestamp};
use std::collections::BTreeMap;

/// How long before the end of a calendar `check` begins to warn.
const WARN_MONTHS_BEFORE: i64 = 6;

/// A desk's calendar. Built from a [`CalendarSpec`]; immutable, so that one can be shared by all workers.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    zone: TimeZone,
    /// Monday first.
    week: [Vec<Hours>; 7],
    japanese_holidays: bool,
    yearly_closures: Vec<YearlyClosure>,
    /// Closed days by date, with the reason.
    closures: BTreeMap<Date, String>,
    /// Days with hours of their own, whatever else is said about them.
    openings: BTreeMap<Date, Vec<Hours>>,
    runs_out_on: Date,
}

/// A half-open stretch of the wall clock, in minutes since midnight; `until` may be 1440 (the end of the day).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hours {
    from: u16,
    until: u16,
}

/// Closed every year from one day to another, both included; may run over New Year.
#[derive(Debug, Clone, PartialEq, Eq)]
struct YearlyClosure {
    /// (month, day).
    from: (i8, i8),
    /// (month, day).
    until: (i8, i8),
    reason: String,
}

impl YearlyClosure {
    fn covers(&self, date: Date) -> bool {
        let day = (date.month(), date.day());
        if self.from <= self.until {
            self.from <= day && day <= self.until
        } else {
            self.from <= day || day <= self.until
        }
    }
}

/// A stretch of time the desk is open: `[opens_at, closes_at)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// First instant inside.
    pub opens_at: Timestamp,
    /// First instant outside.
    pub closes_at: Timestamp,
}

impl Interval {
    /// How long it is.
    pub fn duration(&self) -> SignedDuration {
        self.closes_at.duration_since(self.opens_at)
    }
}

/// Why the desk is closed on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClosedBecause {
    /// The weekday has no opening hours.
    Weekday(Weekday),
    /// A national holiday of Japan.
    Holiday(Holiday),
    /// Closed on these days every year; the reason the configuration gives.
    EveryYear(String),
    /// Closed on this day; the reason the configuration gives.
    Closure(String),
}

/// A day on which the desk is closed, for staff who ask how a due date came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedDay {
    /// The day, in the desk's zone.
    pub on: Date,
    /// Why.
    pub because: ClosedBecause,
}

/// The calendar comes to its end: what is closed after it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunsOut {
    /// Last known day.
    pub on: Date,
    /// Days left; negative when it has passed.
    pub days_left: i32,
}

impl std::fmt::Display for RunsOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the calendar is known until {} ({} days left); enter the closures of the time after it and set `runs_out_on`",
            self.on, self.days_left
        )
    }
}

impl Calendar {
    /// The zone whose wall clock the desk keeps.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Last day for which the calendar is known. Later days are still judged by the same rules (holidays until the rules for them
    /// end), but closures agreed for them are not in it.
    pub fn runs_out_on(&self) -> Date {
        self.runs_out_on
    }

    /// A warning from six months before the calendar runs out.
    pub fn warning(&self, today: Date) -> Option<RunsOut> {
        let warn_from = self
            .runs_out_on
            .saturating_sub(Span::new().months(WARN_MONTHS_BEFORE));
        (today >= warn_from).then(|| RunsOut {
            on: self.runs_out_on,
            days_left: i32::try_from(self.runs_out_on.duration_since(today).as_hours() / 24)
                .unwrap_or(i32::MAX),
        })
    }

    /// The day an instant falls on in the desk's zone.
    pub fn date_of(&self, instant: Timestamp) -> Date {
        self.zone.to_datetime(instant).date()
    }

    /// Length of an ordinary day: the commonest opening time among the weekdays that are open, the longer one on a draw.
    pub fn ordinary_day(&self) -> SignedDuration {
        let mut lengths: BTreeMap<i64, u32> = BTreeMap::new();
        for hours in self.week.iter().filter(|hours| !hours.is_empty()) {
            let minutes = hours.iter().map(|h| i64::from(h.until - h.from)).sum();
            *lengths.entry(minutes).or_default() += 1;
        }
        let commonest = lengths
            .into_iter()
            .max_by_key(|(minutes, days)| (*days, *minutes));
        SignedDuration::from_mins(commonest.map_or(0, |(minutes, _)| minutes))
    }

    /// Why the desk is closed on a day; `None` when it is open. A special opening outranks a closure, a closure the closed days of
    /// every year, these a holiday.
    pub fn closed_because(&self, date: Date) -> Option<ClosedBecause> {
        if self.openings.contains_key(&date) {
            return None;
        }
        if let Some(reason) = self.closures.get(&date) {
            return Some(ClosedBecause::Closure(reason.clone()));
        }
        if let Some(closure) = self.yearly_closures.iter().find(|c| c.covers(date)) {
            return Some(ClosedBecause::EveryYear(closure.reason.clone()));
        }
        if let Some(holiday) = self.holiday(date) {
            return Some(ClosedBecause::Holiday(holiday));
        }
        self.weekday_hours(date)
            .is_empty()
            .then(|| ClosedBecause::Weekday(date.weekday()))
    }

    /// Closed days from `from` to `to`, both included, with the reason of each.
    pub fn skipped_days(&self, from: Date, to: Date) -> Vec<SkippedDay> {
        days_from(from)
            .take_while(|day| *day <= to)
            .filter_map(|on| {
                self.closed_because(on)
                    .map(|because| SkippedDay { on, because })
            })
            .collect()
    }

    /// True when the desk is open for some time on that day.
    pub fn is_business_day(&self, date: Date) -> bool {
        self.day(date).next().is_some()
    }

    /// When the desk is open on a day, in order.
    pub fn day(&self, date: Date) -> impl Iterator<Item = Interval> + '_ {
        self.hours(date).iter().filter_map(move |hours| {
            let interval = Interval {
                opens_at: self.instant(date, hours.from),
                closes_at: self.instant(date, hours.until),
            };
            // Empty when the zone skips all of it.
            (interval.opens_at < interval.closes_at).then_some(interval)
        })
    }

    /// The end of a day's last opening; `None` when it is no business day.
    pub fn closing_of(&self, date: Date) -> Option<Timestamp> {
        self.day(date).last().map(|interval| interval.closes_at)
    }

    /// True when the desk is open at that instant.
    pub fn is_open(&self, instant: Timestamp) -> bool {
        self.openings_from(instant)
            .next()
            .is_some_and(|(_, interval)| interval.opens_at <= instant)
    }

    /// The instant itself when the desk is open, else the next opening.
    pub fn next_opening(&self, instant: Timestamp) -> Timestamp {
        self.openings_from(instant)
            .next()
            .map_or(Timestamp::MAX, |(_, interval)| {
                interval.opens_at.max(instant)
            })
    }

    /// The first opening strictly after the instant, whether or not the desk is open at it.
    pub fn next_opening_after(&self, instant: Timestamp) -> Timestamp {
        self.openings_from(instant)
            .map(|(_, interval)| interval.opens_at)
            .find(|opens_at| *opens_at > instant)
            .unwrap_or(Timestamp::MAX)
    }

    /// The business day work on something that arrived at `instant` is counted from: the day of [`Self::next_opening`].
    pub fn business_day_of(&self, instant: Timestamp) -> Date {
        self.openings_from(instant)
            .next()
            .map_or(Date::MAX, |(date, _)| date)
    }

    /// The `n`-th business day strictly after `date`; `date` itself for 0.
    pub fn nth_following_business_day(&self, date: Date, n: u32) -> Date {
        let Some(skip) = n.checked_sub(1) else {
            return date;
        };
        days_from(date)
            .skip(1)
            .filter(|day| self.is_business_day(*day))
            .nth(usize::try_from(skip).unwrap_or(usize::MAX))
            .unwrap_or(Date::MAX)
    }

    /// Business time from `a` to `b`; negative when `b` is earlier.
    pub fn business_time_between(&self, a: Timestamp, b: Timestamp) -> SignedDuration {
        if b < a {
            return -self.business_time_between(b, a);
        }
        self.openings_from(a)
            .take_while(|(_, interval)| interval.opens_at < b)
            .map(|(_, interval)| {
                interval
                    .closes_at
                    .min(b)
                    .duration_since(interval.opens_at.max(a))
            })
            .fold(SignedDuration::ZERO, SignedDuration::saturating_add)
    }

    /// The first instant by which `duration` of business time has passed since `instant`. Ends at a closing rather than at the
    /// opening after it. For a duration of zero or less it is [`Self::next_opening`].
    pub fn add_business_time(&self, instant: Timestamp, duration: SignedDuration) -> Timestamp {
        if duration <= SignedDuration::ZERO {
            return self.next_opening(instant);
        }
        let mut left = duration;
        for (_, interval) in self.openings_from(instant) {
            let from = interval.opens_at.max(instant);
            let open = interval.closes_at.duration_since(from);
            if left <= open {
                return from.saturating_add(left).unwrap_or(Timestamp::MAX);
            }
            left = left.saturating_sub(open);
        }
        Timestamp::MAX
    }

    /// Openings that end after `instant`, in order, each with its day.
    fn openings_from(&self, instant: Timestamp) -> impl Iterator<Item = (Date, Interval)> + '_ {
        // Where a zone sets its clock back over midnight, an opening of the following day may lie before the end of this one: look
        // from the day before on, and never trust the date alone.
        let today = self.date_of(instant);
        days_from(today.yesterday().unwrap_or(today))
            .flat_map(|date| self.day(date).map(move |interval| (date, interval)))
            .skip_while(move |(_, interval)| interval.closes_at <= instant)
    }

    fn hours(&self, date: Date) -> &[Hours] {
        if let Some(hours) = self.openings.get(&date) {
            return hours;
        }
        let weekday = self.weekday_hours(date);
        let closed = weekday.is_empty()
            || self.closures.contains_key(&date)
            || self.yearly_closures.iter().any(|c| c.covers(date))
            || self.holiday(date).is_some();
        if closed { &[] } else { weekday }
    }

    fn weekday_hours(&self, date: Date) -> &[Hours] {
        let index = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default();
        self.week.get(index).map_or(&[], Vec::as_slice)
    }

    fn holiday(&self, date: Date) -> Option<Holiday> {
        self.japanese_holidays
            .then(|| holidays::holiday_on(date))
            .flatten()
    }

    /// The instant of a wall-clock time: the first of two in a repeated hour, the end of the jump in a skipped one.
    fn instant(&self, date: Date, minutes: u16) -> Timestamp {
        let wall = match (i8::try_from(minutes / 60), i8::try_from(minutes % 60)) {
            (Ok(hour), Ok(minute)) if hour < 24 => {
                date.to_datetime(Time::new(hour, minute, 0, 0).unwrap_or(Time::MIN))
            }
            _ => date
                .tomorrow()
                .map_or(DateTime::MAX, |next| next.to_datetime(Time::MIN)),
        };
        let ambiguous = self.zone.to_ambiguous_timestamp(wall);
        let in_gap = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
        let earlier = ambiguous.earlier().unwrap_or(Timestamp::MAX);
        if !in_gap {
            return earlier;
        }
        // Read with the offset after the jump, a skipped time lies before the jump: the next transition is the jump.
        self.zone
            .following(earlier)
            .next()
            .map_or(earlier, |transition| transition.timestamp())
    }
}

impl Default for Calendar {
    /// Asia/Tokyo, Monday to Friday 9:30–17:00, closed on national holidays and from 29 December to 3 January.
    fn default() -> Self {
        Self::from_spec(&CalendarSpec::default()).unwrap_or_else(|_| Self {
            // Not reached while the tests of this module pass; the same calendar in a zone that needs no table.
            zone: TimeZone::fixed(jiff::tz::offset(9)),
            week: spec::office_week(),
            japanese_holidays: true,
            yearly_closures: vec![YearlyClosure {
                from: (12, 29),
                until: (1, 3),
                reason: spec::YEAR_END.to_owned(),
            }],
            closures: BTreeMap::new(),
            openings: BTreeMap::new(),
            runs_out_on: spec::last_known_day(),
        })
    }
}

/// Every day from `date` to the end of time.
fn days_from(date: Date) -> impl Iterator<Item = Date> {
    std::iter::successors(Some(date), |day| day.tomorrow().ok())
}
