//! The two clocks of a ticket: computed from its events, a calendar and a policy, never counted along.
//!
//! The rule (design, "The SLA rule"; requirement rows P1 and P2): business time is half open. What arrives outside it counts from the
//! next opening. The business day it counts from is day 0; a target of *n* business days is due at the closing of the *n*-th following
//! business day. A target in business hours is due when so much business time has passed. The first-response clock never stands still;
//! the resolution clock does while the desk waits for the requester, and while the ticket is settled.
//!
//! Reading order: [`Target`], [`Policy`] → [`due`] → [`clocks`] → [`pending_warnings`], [`remaining`], [`due_moves`].

use crate::domain::calendar::Calendar;
use crate::domain::event::{Change, TicketEvent};
use crate::domain::ticket::{TicketState, closed_set};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

closed_set!(
    /// Which clock.
    ClockKind {
        /// Until the requester got an answer in substance. Never stands still.
        FirstResponse = "first_response",
        /// Until the matter is settled. Stands still while the desk waits for the requester.
        Resolution = "resolution",
    }
);

closed_set!(
    /// How near a clock is to its end.
    WarningLevel {
        /// Half the business time is gone.
        Half = "half",
        /// Four business hours are left.
        FourHours = "four_hours",
        /// The due instant has passed.
        Breach = "breach",
    }
);

/// One clock as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// When it is due (end of the business day of the rule, pauses added).
    pub due_at: Timestamp,
    /// When it was met; `None` while it runs or stands still.
    pub met_at: Option<Timestamp>,
    /// Since when it stands still.
    pub paused_since: Option<Timestamp>,
}

impl Clock {
    /// True when it was not met in time: met after `due_at`, or not met and `due_at` has passed. At `due_at` sharp it is in time.
    pub fn is_breached(&self, now: Timestamp) -> bool {
        self.met_at.unwrap_or(now) > self.due_at
    }
}

/// Both clocks of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocks {
    /// Until the first answer in substance.
    pub first_response: Clock,
    /// Until it is settled.
    pub resolution: Clock,
}

impl Clocks {
    /// The clock of that kind.
    pub fn get(&self, kind: ClockKind) -> &Clock {
        match kind {
            ClockKind::FirstResponse => &self.first_response,
            ClockKind::Resolution => &self.resolution,
        }
    }
}

/// How soon: `2bd` (business days) or `15h`, `7h30m`, `45m` (business time). This is also how it is written in configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// At the closing of the n-th business day after the one it counts from; 0 is the closing of that day itself.
    BusinessDays(u32),
    /// When so much business time has passed; always more than zero.
    BusinessHours(SignedDuration),
}

/// A target that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no target; write business days like 2bd (at most 250) or business hours like 15h or 7h30m (at most 2000h)"
)]
pub struct TargetError(String);

/// More business days than a year has.
const MOST_DAYS: u32 = 250;
/// About as many business minutes as a year has.
const MOST_MINUTES: i64 = 2000 * 60;

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || TargetError(text.to_owned());
        let lower = text.trim().to_ascii_lowercase();
        let number = |digits: &str| {
            let fine =
                (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            fine.then(|| digits.parse::<u32>().ok()).flatten()
        };
        if let Some(days) = lower.strip_suffix("bd") {
            return number(days)
                .filter(|days| *days <= MOST_DAYS)
                .map(Self::BusinessDays)
                .ok_or_else(wrong);
        }
        let (hours, rest) = match lower.split_once('h') {
            Some((hours, rest)) => (number(hours).ok_or_else(wrong)?, rest),
            None => (0, lower.as_str()),
        };
        let minutes = match rest.strip_suffix('m') {
            Some(minutes) => number(minutes).ok_or_else(wrong)?,
            None if rest.is_empty() => 0,
            None => return Err(wrong()),
        };
        let all = i64::from(hours) * 60 + i64::from(minutes);
        if (1..=MOST_MINUTES).contains(&all) {
            Ok(Self::BusinessHours(SignedDuration::from_mins(all)))
        } else {
            Err(wrong())
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BusinessDays(days) => write!(f, "{days}bd"),
            Self::BusinessHours(time) => match (time.as_hours(), time.as_mins() % 60) {
                (0, minutes) => write!(f, "{minutes}m"),
                (hours, 0) => write!(f, "{hours}h"),
                (hours, minutes) => write!(f, "{hours}h{minutes}m"),
            },
        }
    }
}

impl TryFrom<String> for Target {
    type Error = TargetError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

/// How soon a desk answers and settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Until the first answer in substance. Default `2bd`.
    pub first_response: Target,
    /// Until the matter is settled. Default `2bd`.
    pub resolution: Target,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            first_response: Target::BusinessDays(2),
            resolution: Target::BusinessDays(2),
        }
    }
}

/// When something that arrived at `received` is due, no pauses counted.
pub fn due(calendar: &Calendar, target: Target, received: Timestamp) -> Timestamp {
    match target {
        Target::BusinessDays(n) => {
            let day_0 = calendar.business_day_of(received);
            let day_n = calendar.nth_following_business_day(day_0, n);
            calendar.closing_of(day_n).unwrap_or(Timestamp::MAX)
        }
        Target::BusinessHours(time) => calendar.add_business_time(received, time),
    }
}

/// Both clocks of a ticket as they stand at `now`, from its events in the order they were written.
///
/// * They start at the `Created` event's `at`. Without one, at the first event's (and at `now` when there is none).
/// * First response: met by the first staff answer, or by an automatic answer that was not rejected later. Rejected, it runs again
///   from the original start. An acknowledgement never counts.
/// * Resolution: met when the state becomes resolved or closed. Reopening un-meets it: it goes on from the original start.
/// * While the state is waiting, resolved or closed the resolution clock stands still: its due instant moves on by the business time
///   of the pause. For a target in days it is then rounded up, once, to the closing of that day. A pause that begins after the clock
///   was due moves nothing: a breach stays a breach. For a clock that stands still at `now` the pause so far is counted.
pub fn clocks(
    policy: &Policy,
    calendar: &Calendar,
    events: &[TicketEvent],
    now: Timestamp,
) -> Clocks {
    let story = Story::read(events, now);
    Clocks {
        first_response: Clock {
            due_at: due(calendar, policy.first_response, story.start),
            met_at: story.answered_at(),
            paused_since: None,
        },
        resolution: Clock {
            due_at: shifted_due(calendar, policy.resolution, &story, now),
            met_at: story.settled_since,
            paused_since: story.waiting_since(),
        },
    }
}

/// A stretch in which the resolution clock stands still.
#[derive(Debug, Clone, Copy)]
struct Pause {
    from: Timestamp,
    /// `None` while it lasts.
    until: Option<Timestamp>,
}

/// What the events say, as far as the clocks care.
#[derive(Debug)]
struct Story {
    start: Timestamp,
    staff_answered_at: Option<Timestamp>,
    entry_answered_at: Option<Timestamp>,
    state: TicketState,
    /// Since when the ticket is resolved or closed.
    settled_since: Option<Timestamp>,
    /// In order, none overlapping; only the last can be open.
    pauses: Vec<Pause>,
    /// Nobody is owed a first response any more, answered or not: settled (and not rejected since) or merged.
    ended: bool,
    merged: bool,
}

impl Story {
    fn read(events: &[TicketEvent], now: Timestamp) -> Self {
        let created = events
            .iter()
            .find(|event| matches!(event.change, Change::Created { .. }));
        let start = created
            .or_else(|| events.first())
            .map_or(now, |event| event.at);
        let mut story = Self {
            start,
            staff_answered_at: None,
            entry_answered_at: None,
            state: TicketState::New,
            settled_since: None,
            pauses: Vec::new(),
            ended: false,
            merged: false,
        };
        // A follow-up carries the instant it arrived, which may be before the change written ahead of it: the order of writing
        // decides, and no stretch gets a negative length.
        let mut latest = start;
        for event in events {
            match &event.change {
                Change::Created { state, .. } => story.enter(*state, start),
                Change::State { to, .. } => {
                    latest = latest.max(event.at);
                    story.enter(*to, latest);
                }
                Change::AnsweredByStaff => {
                    story.staff_answered_at.get_or_insert(event.at);
                }
                Change::AnsweredByEntry { .. } => {
                    story.entry_answered_at.get_or_insert(event.at);
                }
                Change::AnswerRejected => {
                    story.entry_answered_at = None;
                    story.ended = false;
                }
                Change::Merged { .. } => story.merged = true,
                Change::Queue { .. }
                | Change::Assignee { .. }
                | Change::Priority { .. }
                | Change::Audience { .. }
                | Change::Language { .. }
                | Change::Article { .. }
                | Change::Acknowledged
                | Change::Linked { .. }
                | Change::Warned { .. }
                | Change::DueMoved { .. }
                | Change::Offered { .. }
                | Change::Rated { .. }
                | Change::DeliveryFailed { .. } => {}
            }
        }
        story
    }

    fn enter(&mut self, state: TicketState, at: Timestamp) {
        let stood_still = stands_still(self.state);
        match (stood_still, stands_still(state)) {
            (false, true) => self.pauses.push(Pause {
                from: at,
                until: None,
            }),
            (true, false) => {
                if let Some(pause) = self.pauses.last_mut() {
                    pause.until = Some(at);
                }
            }
            _ => {}
        }
        if is_settled(state) {
            self.settled_since.get_or_insert(at);
            self.ended = true;
        } else {
            self.settled_since = None;
            self.ended = false;
        }
        self.state = state;
    }

    fn answered_at(&self) -> Option<Timestamp> {
        match (self.staff_answered_at, self.entry_answered_at) {
            (Some(staff), Some(entry)) => Some(staff.min(entry)),
            (staff, entry) => staff.or(entry),
        }
    }

    fn waiting_since(&self) -> Option<Timestamp> {
        let open = self.pauses.last().filter(|pause| pause.until.is_none());
        (self.state == TicketState::Waiting)
            .then_some(open)
            .flatten()
            .map(|pause| pause.from)
    }

    /// Pauses with an end. One that lasts ends, for now, when the ticket was settled or at `now`.
    fn pauses_until(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let so_far = self.settled_since.unwrap_or(now);
        self.pauses
            .iter()
            .map(move |pause| (pause.from, pause.until.unwrap_or(so_far).max(pause.from)))
    }
}

fn is_settled(state: TicketState) -> bool {
    !state.is_unsettled()
}

fn stands_still(state: TicketState) -> bool {
    state == TicketState::Waiting || is_settled(state)
}

/// The resolution clock's due instant: pauses that began before it was due move it on.
fn shifted_due(calendar: &Calendar, target: Target, story: &Story, now: Timestamp) -> Timestamp {
    let base = due(calendar, target, story.start);
    let mut paused = SignedDuration::ZERO;
    let mut due_at = base;
    for (from, until) in story.pauses_until(now) {
        if from >= due_at {
            break;
        }
        paused = paused.saturating_add(calendar.business_time_between(from, until));
        due_at = shift(calendar, target, base, paused);
    }
    due_at
}

fn shift(
    calendar: &Calendar,
    target: Target,
    base: Timestamp,
    paused: SignedDuration,
) -> Timestamp {
    if paused.is_zero() {
        return base;
    }
    let exact = calendar.add_business_time(base, paused);
    match target {
        Target::BusinessHours(_) => exact,
        Target::BusinessDays(_) => closing_at_or_after(calendar, exact),
    }
}

/// The closing of the business day `instant` lies in, a closing itself included.
fn closing_at_or_after(calendar: &Calendar, instant: Timestamp) -> Timestamp {
    let today = calendar.date_of(instant);
    // A closing at 24:00 falls on the date after its day.
    [today.yesterday().ok(), Some(today)]
        .into_iter()
        .flatten()
        .filter_map(|date| calendar.closing_of(date))
        .find(|closing| *closing >= instant)
        .unwrap_or_else(|| {
            calendar
                .closing_of(calendar.business_day_of(instant))
                .unwrap_or(Timestamp::MAX)
        })
}

/// A warning that has to be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warning {
    /// Which clock.
    pub clock: ClockKind,
    /// How near.
    pub level: WarningLevel,
    /// The due instant it speaks of.
    pub due_at: Timestamp,
}

/// How much business time is left when [`WarningLevel::FourHours`] is given.
const FOUR_HOURS: SignedDuration = SignedDuration::from_hours(4);

/// Warnings that are due at `now` and were not given for this due instant (no `Warned` event with it): half the business time gone,
/// four business hours left, breach; the first-response clock's before the resolution clock's, each in order of level.
///
/// `clocks` are those of [`clocks`] for the same events and `now`. A clock that is met or stands still warns of nothing, nor does one of a
/// ticket that was merged, or settled without an answer in substance (it shows in reports, but nobody can act on it). A clock whose
/// whole time is four hours or less skips that level: it would be given on arrival.
pub fn pending_warnings(
    clocks: &Clocks,
    calendar: &Calendar,
    events: &[TicketEvent],
    now: Timestamp,
) -> Vec<Warning> {
    let story = Story::read(events, now);
    if story.merged {
        return Vec::new();
    }
    let mut pending = Vec::new();
    for kind in ClockKind::ALL.iter().copied() {
        let clock = clocks.get(kind);
        let silent = clock.met_at.is_some()
            || clock.paused_since.is_some()
            || (kind == ClockKind::FirstResponse && story.ended);
        if silent {
            continue;
        }
        let paused = match kind {
            ClockKind::FirstResponse => SignedDuration::ZERO,
            ClockKind::Resolution => story
                .pauses_until(now)
                .map(|(from, until)| {
                    calendar.business_time_between(from, until.min(clock.due_at).max(from))
                })
                .fold(SignedDuration::ZERO, SignedDuration::saturating_add),
        };
        let whole = calendar
            .business_time_between(story.start, clock.due_at)
            .saturating_sub(paused);
        let left = calendar.business_time_between(now, clock.due_at);
        for level in WarningLevel::ALL.iter().copied() {
            let reached = match level {
                WarningLevel::Half => left.saturating_add(left) <= whole,
                WarningLevel::FourHours => whole > FOUR_HOURS && left <= FOUR_HOURS,
                WarningLevel::Breach => now > clock.due_at,
            };
            if reached && !was_given(events, kind, level, clock.due_at) {
                pending.push(Warning {
                    clock: kind,
                    level,
                    due_at: clock.due_at,
                });
            }
        }
    }
    pending
}

fn was_given(
    events: &[TicketEvent],
    kind: ClockKind,
    warning: WarningLevel,
    due: Timestamp,
) -> bool {
    events.iter().any(|event| {
        matches!(
            &event.change,
            Change::Warned { clock, level, due_at } if *clock == kind && *level == warning && *due_at == due
        )
    })
}

/// When a notice to staff may go out: now while the desk is open, else at its next opening. Emergencies do not come this way.
pub fn notice_at(calendar: &Calendar, now: Timestamp) -> Timestamp {
    calendar.next_opening(now)
}

/// The business time a clock has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remaining {
    /// Business time until it is due; negative when that has passed.
    pub business_time: SignedDuration,
    /// True when the due instant has passed (also when no business time has gone by since).
    pub overdue: bool,
    /// Whole ordinary days in it (see [`Calendar::ordinary_day`]); never negative.
    pub business_days: i64,
    /// What is left beside the whole days; never negative.
    pub rest: SignedDuration,
}

/// How much business time a clock has left at `now`; for a clock that was met, how much it had left then. For a clock that stands
/// still, hand in clocks computed for the same `now`.
pub fn remaining(calendar: &Calendar, clock: &Clock, now: Timestamp) -> Remaining {
    let at = clock.met_at.unwrap_or(now);
    let business_time = calendar.business_time_between(at, clock.due_at);
    let amount = business_time.abs();
    let day = calendar.ordinary_day().as_secs().max(1);
    let business_days = amount.as_secs() / day;
    let whole_days = SignedDuration::from_secs(business_days.saturating_mul(day));
    Remaining {
        business_time,
        overdue: clock.is_breached(now),
        business_days,
        rest: amount.saturating_sub(whole_days),
    }
}

impl fmt::Display for Remaining {
    /// `1 business day 3 h`, `45 min`, `overdue by 2 h 5 min`: for the command line; other surfaces take the numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.overdue {
            f.write_str("overdue by ")?;
        }
        let mut parts = Vec::with_capacity(3);
        match self.business_days {
            0 => {}
            1 => parts.push("1 business day".to_owned()),
            days => parts.push(format!("{days} business days")),
        }
        let (hours, minutes) = (self.rest.as_hours(), self.rest.as_mins() % 60);
        if hours > 0 {
            parts.push(format!("{hours} h"));
        }
        if minutes > 0 || parts.is_empty() {
            parts.push(format!("{minutes} min"));
        }
        f.write_str(&parts.join(" "))
    }
}

/// What to write down when a change of calendar or policy moved the due instants of clocks that are not yet met. `old` and `new` are the
/// clocks of the same events at the same `now`, by the old and the new calendar.
pub fn due_moves(old: &Clocks, new: &Clocks) -> Vec<Change> {
    ClockKind::ALL
        .iter()
        .copied()
        .filter_map(|clock| {
            let (before, after) = (old.get(clock), new.get(clock));
            (after.met_at.is_none() && before.due_at != after.due_at).then_some(Change::DueMoved {
                clock,
                from: before.due_at,
                to: after.due_at,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
