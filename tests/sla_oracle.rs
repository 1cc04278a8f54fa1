//! The SLA engine against an independent, slow oracle that walks minute by minute over its own table of holidays, and against the laws
//! business time has to keep in any zone. The oracle shares nothing with the engine: not the holiday rules, not the calendar, not even
//! the date arithmetic.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers of tests are not seen as tests by clippy

use jiff::{SignedDuration, Timestamp};
use madoguchi::domain::calendar::{Calendar, CalendarSpec};
use madoguchi::domain::event::{Actor, Change, TicketEvent};
use madoguchi::domain::sla::{Policy, Target, clocks, due};
use madoguchi::domain::ticket::TicketState;
use proptest::prelude::*;

// ---- the oracle -------------------------------------------------------------------------------------------------------------------

/// Holidays from 2024 to January 2033, month and day, as published (from 2028 on as forecast).
const HOLIDAYS: &[(i64, &str)] = &[
    (
        2024,
        "0101 0108 0211 0212 0223 0320 0429 0503 0504 0505 0506 0715 0811 0812 0916 0922 0923 1014 1103 1104 1123",
    ),
    (
        2025,
        "0101 0113 0211 0223 0224 0320 0429 0503 0504 0505 0506 0721 0811 0915 0923 1013 1103 1123 1124",
    ),
    (
        2026,
        "0101 0112 0211 0223 0320 0429 0503 0504 0505 0506 0720 0811 0921 0922 0923 1012 1103 1123",
    ),
    (
        2027,
        "0101 0111 0211 0223 0321 0322 0429 0503 0504 0505 0719 0811 0920 0923 1011 1103 1123",
    ),
    (
        2028,
        "0101 0110 0211 0223 0320 0429 0503 0504 0505 0717 0811 0918 0922 1009 1103 1123",
    ),
    (
        2029,
        "0101 0108 0211 0212 0223 0320 0429 0430 0503 0504 0505 0716 0811 0917 0923 0924 1008 1103 1123",
    ),
    (
        2030,
        "0101 0114 0211 0223 0320 0429 0503 0504 0505 0506 0715 0811 0812 0916 0923 1014 1103 1104 1123",
    ),
    (
        2031,
        "0101 0113 0211 0223 0224 0321 0429 0503 0504 0505 0506 0721 0811 0915 0923 1013 1103 1123 1124",
    ),
    (
        2032,
        "0101 0112 0211 0223 0320 0429 0503 0504 0505 0719 0811 0920 0921 0922 1011 1103 1123",
    ),
    (2033, "0101 0110"),
];

/// 1 January 2024 00:00 in Tokyo, in minutes since the epoch: minute 0 of the oracle.
const FIRST_MINUTE: i64 = 1_704_034_800 / 60;

struct Oracle {
    /// Whether the desk is open, for every minute from 2024 to January 2033.
    open: Vec<bool>,
    /// For every minute, where the walk ends that started there.
    due_in_two_days: Vec<usize>,
}

impl Oracle {
    fn new() -> Self {
        let mut open = Vec::new();
        // 1 January 2024 was a Monday.
        let mut weekday = 0;
        for (year, holidays) in HOLIDAYS {
            let holidays: Vec<&str> = holidays.split(' ').collect();
            let leap = year % 4 == 0;
            let lengths = [
                31,
                if leap { 29 } else { 28 },
                31,
                30,
                31,
                30,
                31,
                31,
                30,
                31,
                30,
                31,
            ];
            let months = if *year == 2033 { 1 } else { 12 };
            for (month, length) in (1..=months).zip(lengths) {
                for day in 1..=length {
                    let named = format!("{month:02}{day:02}");
                    let closed = weekday >= 5
                        || holidays.contains(&named.as_str())
                        || (month == 12 && day >= 29)
                        || (month == 1 && day <= 3);
                    for minute in 0..24 * 60 {
                        open.push(!closed && (570..1020).contains(&minute));
                    }
                    weekday = (weekday + 1) % 7;
                }
            }
        }
        Self {
            due_in_two_days: Self::walk(&open),
            open,
        }
    }

    /// From the last minute to the first. `closings` are those met so far, the nearest last: an open minute belongs to the day that ends
    /// with the nearest; a closed one to what the next minute belongs to.
    fn walk(open: &[bool]) -> Vec<usize> {
        let mut closings = Vec::new();
        let mut ends = vec![usize::MAX; open.len()];
        for minute in (0..open.len() - 1).rev() {
            if open[minute] {
                if !open[minute + 1] {
                    closings.push(minute + 1);
                }
                ends[minute] = if closings.len() > 2 {
                    closings[closings.len() - 3]
                } else {
                    usize::MAX
                };
            } else {
                ends[minute] = ends[minute + 1];
            }
        }
        ends
    }

    /// Minutes of the oracle's table to the instant the second following business day ends.
    fn two_days(&self, minute: usize) -> Timestamp {
        instant(self.due_in_two_days[minute])
    }

    /// Ticks off open minutes until `wanted` of them are gone.
    fn after_open_minutes(&self, mut minute: usize, wanted: usize) -> Timestamp {
        let mut gone = 0;
        while gone < wanted {
            if self.open[minute] {
                gone += 1;
            }
            minute += 1;
        }
        instant(minute)
    }
}

fn instant(minute: usize) -> Timestamp {
    Timestamp::from_second((FIRST_MINUTE + i64::try_from(minute).unwrap()) * 60).unwrap()
}

fn minute_of(instant: Timestamp) -> usize {
    usize::try_from(instant.as_second() / 60 - FIRST_MINUTE).unwrap()
}

/// Minutes from 2024 to the end of 2032 (3,288 days).
const MINUTES: usize = 3_288 * 24 * 60;

// ---- the engine against it --------------------------------------------------------------------------------------------------------

const TWO_DAYS: Target = Target::BusinessDays(2);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn every_hour_from_2024_to_2032_is_due_when_the_minute_walk_says() {
    let (oracle, desk) = (Oracle::new(), Calendar::default());
    let mut compared = 0;
    for minute in (0..MINUTES).step_by(60) {
        let received = instant(minute);
        assert_eq!(
            due(&desk, TWO_DAYS, received),
            oracle.two_days(minute),
            "{received}"
        );
        compared += 1;
    }
    assert_eq!(compared, 3_288 * 24);
    assert_eq!(instant(MINUTES), at("2033-01-01T00:00:00+09:00"));
}

#[test]
fn the_minutes_around_opening_and_closing_are_due_when_the_minute_walk_says() {
    let (oracle, desk) = (Oracle::new(), Calendar::default());
    for day in 0..MINUTES / 1440 {
        for minute in [569, 570, 571, 1019, 1020, 1021] {
            let minute = day * 1440 + minute;
            let received = instant(minute);
            assert_eq!(
                due(&desk, TWO_DAYS, received),
                oracle.two_days(minute),
                "{received}"
            );
        }
    }
}

#[test]
fn fifteen_business_hours_end_when_the_minute_walk_says() {
    let (oracle, desk) = (Oracle::new(), Calendar::default());
    let target: Target = "15h".parse().unwrap();
    // A step that is prime to the hours of a day and a week meets every minute of the day.
    for minute in (0..MINUTES).step_by(1_237) {
        let received = instant(minute);
        assert_eq!(
            due(&desk, target, received),
            oracle.after_open_minutes(minute, 900),
            "{received}"
        );
    }
}

#[test]
fn the_instants_people_ask_about() {
    let (oracle, desk) = (Oracle::new(), Calendar::default());
    let cases = [
        // 28 December 17:01: counts from the first business day of the year, 5 January 2026, 4 January 2027 and 2033.
        ("2025-12-28T17:01:00+09:00", "2026-01-07T17:00:00+09:00"),
        ("2026-12-28T17:01:00+09:00", "2027-01-06T17:00:00+09:00"),
        ("2026-12-28T16:59:00+09:00", "2027-01-05T17:00:00+09:00"),
        ("2032-12-28T17:01:00+09:00", "2033-01-06T17:00:00+09:00"),
        // Golden Week 2026: 29 April, 3–6 May (the 6th a substitute).
        ("2026-04-28T10:00:00+09:00", "2026-05-01T17:00:00+09:00"),
        ("2026-04-30T17:00:00+09:00", "2026-05-08T17:00:00+09:00"),
        ("2026-05-01T10:00:00+09:00", "2026-05-08T17:00:00+09:00"),
        ("2026-05-02T10:00:00+09:00", "2026-05-11T17:00:00+09:00"),
        // September with a citizens' holiday: 21–23 September 2026, 20–22 September 2032.
        ("2026-09-18T16:59:59+09:00", "2026-09-25T17:00:00+09:00"),
        ("2026-09-18T17:00:00+09:00", "2026-09-28T17:00:00+09:00"),
        ("2026-09-22T12:00:00+09:00", "2026-09-28T17:00:00+09:00"),
        ("2032-09-17T12:00:00+09:00", "2032-09-24T17:00:00+09:00"),
        ("2032-09-21T12:00:00+09:00", "2032-09-27T17:00:00+09:00"),
        // The bounds of business time, Thursday 14 May 2026.
        ("2026-05-14T09:29:59+09:00", "2026-05-18T17:00:00+09:00"),
        ("2026-05-14T09:30:00+09:00", "2026-05-18T17:00:00+09:00"),
        ("2026-05-14T16:59:59+09:00", "2026-05-18T17:00:00+09:00"),
        (
            "2026-05-14T16:59:59.999999999+09:00",
            "2026-05-18T17:00:00+09:00",
        ),
        ("2026-05-14T17:00:00+09:00", "2026-05-19T17:00:00+09:00"),
        // Monday 16:00 and Monday 18:00: the day rule's difference.
        ("2026-05-18T16:00:00+09:00", "2026-05-20T17:00:00+09:00"),
        ("2026-05-18T18:00:00+09:00", "2026-05-21T17:00:00+09:00"),
    ];
    for (received, expected) in cases {
        let (received, expected) = (at(received), at(expected));
        assert_eq!(due(&desk, TWO_DAYS, received), expected, "{received}");
        assert_eq!(
            oracle.two_days(minute_of(received)),
            expected,
            "oracle, {received}"
        );
    }
}

// ---- laws -------------------------------------------------------------------------------------------------------------------------

const ZONES: &[&str] = &[
    "Asia/Tokyo",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/St_Johns",
];
const HOURS: &[&[&str]] = &[
    &["09:30-17:00"],
    &["08:00-12:00", "13:00-17:30"],
    &["00:00-24:00"],
    &["01:15-02:15", "02:40-03:10", "23:30-24:00"],
];

fn desk(zone: usize, hours: usize) -> Calendar {
    let day: Vec<String> = HOURS[hours].iter().map(|text| (*text).to_owned()).collect();
    let mut spec = CalendarSpec {
        zone: ZONES[zone].to_owned(),
        ..CalendarSpec::default()
    };
    spec.opening.monday = day.clone();
    spec.opening.friday = day.clone();
    spec.opening.sunday = day;
    Calendar::from_spec(&spec).unwrap()
}

fn any_desk() -> impl Strategy<Value = Calendar> {
    (0..ZONES.len(), 0..HOURS.len()).prop_map(|(zone, hours)| desk(zone, hours))
}

/// Any instant of 2010–2032, one in four near a change of a clock.
fn any_instant() -> impl Strategy<Value = Timestamp> {
    let anywhere = 1_262_304_000_i64..1_988_000_000;
    let changes = prop::sample::select(vec![
        at("2026-03-29T01:00:00Z"),
        at("2026-10-25T01:00:00Z"),
        at("2026-03-08T07:00:00Z"),
        at("2026-11-01T06:00:00Z"),
        at("2026-04-04T15:00:00Z"),
        at("2026-10-03T15:30:00Z"),
        at("2010-11-07T02:31:00Z"),
    ]);
    let near = (changes, -180_000_i64..180_000).prop_map(|(change, off)| change.as_second() + off);
    prop_oneof![3 => anywhere, 1 => near].prop_map(|second| Timestamp::from_second(second).unwrap())
}

fn any_target() -> impl Strategy<Value = Target> {
    prop_oneof![
        (0_u32..12).prop_map(Target::BusinessDays),
        (1_i64..3_000)
            .prop_map(|minutes| Target::BusinessHours(SignedDuration::from_mins(minutes))),
    ]
}

fn event(at: Timestamp, change: Change) -> TicketEvent {
    TicketEvent {
        at,
        actor: Actor::Desk,
        change,
    }
}

/// A ticket that waits for its requester from each first to each second instant.
fn ticket_with_pauses(created: Timestamp, pauses: &[(Timestamp, Timestamp)]) -> Vec<TicketEvent> {
    let mut events = vec![event(
        created,
        Change::Created {
            desk: "desk".into(),
            queue: "queue".into(),
            state: TicketState::New,
            why: "test".to_owned(),
        },
    )];
    for (from, until) in pauses {
        let state = |from, to| Change::State { from, to };
        events.push(event(*from, state(TicketState::Open, TicketState::Waiting)));
        events.push(event(
            *until,
            state(TicketState::Waiting, TicketState::Open),
        ));
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_arrives_later_is_never_due_earlier(desk in any_desk(), target in any_target(), a in any_instant(), gap in 0_i64..400_000) {
        let b = a + SignedDuration::from_secs(gap);
        prop_assert!(due(&desk, target, a) <= due(&desk, target, b));
    }

    #[test]
    fn due_is_an_instant_at_which_business_time_ends_or_runs(desk in any_desk(), target in any_target(), received in any_instant()) {
        let due_at = due(&desk, target, received);
        prop_assert!(due_at > received);
        let just_before = due_at - SignedDuration::from_nanos(1);
        prop_assert!(desk.is_open(just_before));
        if let Target::BusinessHours(time) = target {
            prop_assert_eq!(desk.business_time_between(received, due_at), time);
        }
    }

    #[test]
    fn adding_business_time_is_the_inverse_of_measuring_it(desk in any_desk(), a in any_instant(), seconds in 1_i64..500_000) {
        let time = SignedDuration::from_secs(seconds);
        let b = desk.add_business_time(a, time);
        prop_assert_eq!(desk.business_time_between(a, b), time);
        prop_assert_eq!(desk.business_time_between(b, a), -time);
    }

    #[test]
    fn measured_business_time_leads_back_to_an_instant_inside_it(desk in any_desk(), a in any_instant(), gap in 0_i64..2_000_000) {
        let b = a + SignedDuration::from_secs(gap);
        let time = desk.business_time_between(a, b);
        prop_assert!(time <= b.duration_since(a));
        if desk.is_open(b) && !time.is_zero() {
            // The same instant, or the closing that b is the opening after.
            let back = desk.add_business_time(a, time);
            prop_assert!(back == b || (back < b && desk.next_opening(back) == b));
        }
    }

    #[test]
    fn business_time_adds_up(desk in any_desk(), a in any_instant(), first in 0_i64..900_000, second in 0_i64..900_000) {
        let b = a + SignedDuration::from_secs(first);
        let c = b + SignedDuration::from_secs(second);
        prop_assert_eq!(
            desk.business_time_between(a, b) + desk.business_time_between(b, c),
            desk.business_time_between(a, c)
        );
    }

    #[test]
    fn the_next_opening_is_open_and_nothing_before_it_is(desk in any_desk(), a in any_instant()) {
        let opening = desk.next_opening(a);
        prop_assert!(opening >= a && desk.is_open(opening));
        prop_assert_eq!(desk.is_open(a), opening == a);
        prop_assert_eq!(desk.business_time_between(a, opening), SignedDuration::ZERO);
        prop_assert!(desk.next_opening_after(a) > a);
    }

    #[test]
    fn one_more_pause_never_makes_the_resolution_due_earlier(
        desk in any_desk(),
        target in any_target(),
        created in any_instant(),
        steps in prop::collection::vec(0_i64..150_000, 6),
        left_out in 0_usize..3,
    ) {
        let policy = Policy { first_response: target, resolution: target };
        let mut instants = Vec::new();
        let mut last = created;
        for step in steps {
            last += SignedDuration::from_secs(step);
            instants.push(last);
        }
        let pauses: Vec<_> = instants.chunks(2).map(|pair| (pair[0], pair[1])).collect();
        let mut fewer = pauses.clone();
        fewer.remove(left_out);
        let all = clocks(&policy, &desk, &ticket_with_pauses(created, &pauses), last);
        let some = clocks(&policy, &desk, &ticket_with_pauses(created, &fewer), last);
        let none = clocks(&policy, &desk, &ticket_with_pauses(created, &[]), last);
        prop_assert!(none.resolution.due_at <= some.resolution.due_at);
        prop_assert!(some.resolution.due_at <= all.resolution.due_at);
        // The first-response clock never stands still.
        prop_assert_eq!(all.first_response, none.first_response);
    }

    #[test]
    fn a_target_survives_being_written_and_read(target in any_target()) {
        prop_assert_eq!(target.to_string().parse::<Target>(), Ok(target));
    }
}
