//! Tables of events, calendars and instants. Unless a test says otherwise: Tokyo, 9:30–17:00, both clocks `2bd`, a ticket that arrived on
//! Monday 18 May 2026 at 10:00 and is due on Wednesday the 20th at 17:00. That week has no holiday.

use super::*;
use crate::domain::calendar::CalendarSpec;
use crate::domain::event::Actor;

fn at(text: &str) -> Timestamp {
    format!("{text}+09:00").parse().unwrap()
}

fn may(day: u8, time: &str) -> Timestamp {
    at(&format!("2026-05-{day:02}T{time}:00"))
}

fn event(at: Timestamp, change: Change) -> TicketEvent {
    TicketEvent {
        at,
        actor: Actor::Desk,
        change,
    }
}

fn created(at: Timestamp, state: TicketState) -> TicketEvent {
    event(
        at,
        Change::Created {
            desk: "desk".into(),
            queue: "queue".into(),
            state,
            why: "below-threshold".to_owned(),
        },
    )
}

fn becomes(at: Timestamp, to: TicketState) -> TicketEvent {
    // The engine looks at `to` alone.
    let from = TicketState::Open;
    event(at, Change::State { from, to })
}

fn by_entry(at: Timestamp) -> TicketEvent {
    event(
        at,
        Change::AnsweredByEntry {
            entry: "deadline".into(),
            updated: "2026-04-01".to_owned(),
            confidence: 0.97,
        },
    )
}

/// The ticket of the module's header, and what happened to it.
fn ticket(more: Vec<TicketEvent>) -> Vec<TicketEvent> {
    let mut events = vec![created(may(18, "10:00"), TicketState::New)];
    events.extend(more);
    events
}

fn at_moment(events: &[TicketEvent], now: Timestamp) -> Clocks {
    clocks(&Policy::default(), &Calendar::default(), events, now)
}

fn levels(events: &[TicketEvent], now: Timestamp) -> Vec<(ClockKind, WarningLevel)> {
    let clocks = at_moment(events, now);
    pending_warnings(&clocks, &Calendar::default(), events, now)
        .iter()
        .map(|warning| (warning.clock, warning.level))
        .collect()
}

use ClockKind::{FirstResponse, Resolution};
use TicketState::{Closed, Open, Resolved, Waiting};
use WarningLevel::{Breach, FourHours, Half};

#[test]
fn targets_are_read_and_written() {
    let hours = |minutes| Target::BusinessHours(SignedDuration::from_mins(minutes));
    let cases = [
        ("2bd", Target::BusinessDays(2), "2bd"),
        ("0bd", Target::BusinessDays(0), "0bd"),
        (" 10BD ", Target::BusinessDays(10), "10bd"),
        ("15h", hours(900), "15h"),
        ("7h30m", hours(450), "7h30m"),
        ("90m", hours(90), "1h30m"),
        ("45m", hours(45), "45m"),
    ];
    for (text, target, written) in cases {
        assert_eq!(text.parse(), Ok(target), "{text}");
        assert_eq!(target.to_string(), written);
    }
    for wrong in [
        "", "2", "bd", "-2bd", "2d", "0h", "0m", "h30m", "7h30", "2.5h", "999bd", "9999h", "+2bd",
        "２bd",
    ] {
        assert!(wrong.parse::<Target>().is_err(), "{wrong}");
    }
    let policy: Policy = toml::from_str("first_response = \"7h30m\"").unwrap();
    assert_eq!(policy.first_response, hours(450));
    assert_eq!(policy.resolution, Target::BusinessDays(2));
    assert!(toml::from_str::<Policy>("first_answer = \"2bd\"").is_err());
}

#[test]
fn an_open_ticket_has_two_running_clocks_from_its_arrival() {
    let clocks = at_moment(&ticket(vec![]), may(19, "12:00"));
    let running = Clock {
        due_at: may(20, "17:00"),
        met_at: None,
        paused_since: None,
    };
    assert_eq!(clocks.first_response, running);
    assert_eq!(clocks.resolution, running);
}

#[test]
fn an_acknowledgement_is_no_first_response_and_a_staff_answer_is() {
    let mut events = ticket(vec![event(may(18, "10:01"), Change::Acknowledged)]);
    assert_eq!(
        at_moment(&events, may(19, "12:00")).first_response.met_at,
        None
    );
    events.push(event(may(19, "11:00"), Change::AnsweredByStaff));
    events.push(event(may(19, "15:00"), Change::AnsweredByStaff));
    let clocks = at_moment(&events, may(20, "12:00"));
    assert_eq!(clocks.first_response.met_at, Some(may(19, "11:00")));
    assert_eq!(clocks.resolution.met_at, None);
}

#[test]
fn a_rejected_automatic_answer_lets_the_first_response_run_from_the_original_start() {
    let mut events = ticket(vec![by_entry(may(18, "10:01"))]);
    let met = |events: &[TicketEvent]| at_moment(events, may(20, "12:00")).first_response.met_at;
    assert_eq!(met(&events), Some(may(18, "10:01")));
    events.push(event(may(19, "09:40"), Change::AnswerRejected));
    assert_eq!(met(&events), None);
    let clock = at_moment(&events, may(20, "12:00")).first_response;
    assert_eq!(clock.due_at, may(20, "17:00"));
    // A second automatic answer counts from when it was given; a staff answer is not undone by a rejection.
    events.push(by_entry(may(19, "10:00")));
    assert_eq!(met(&events), Some(may(19, "10:00")));
    events.push(event(may(19, "11:00"), Change::AnsweredByStaff));
    events.push(event(may(19, "12:00"), Change::AnswerRejected));
    assert_eq!(met(&events), Some(may(19, "11:00")));
}

#[test]
fn a_reply_and_waiting_in_one_step_meet_the_first_response_and_pause_the_resolution() {
    let events = ticket(vec![
        becomes(may(19, "11:00"), Waiting),
        event(may(19, "11:00"), Change::AnsweredByStaff),
    ]);
    let clocks = at_moment(&events, may(19, "11:00"));
    assert_eq!(clocks.first_response.met_at, Some(may(19, "11:00")));
    assert_eq!(clocks.resolution.paused_since, Some(may(19, "11:00")));
}

#[test]
fn the_first_response_clock_runs_while_the_desk_waits() {
    let events = ticket(vec![becomes(may(18, "11:00"), Waiting)]);
    let clocks = at_moment(&events, may(22, "12:00"));
    assert_eq!(clocks.first_response.due_at, may(20, "17:00"));
    assert_eq!(clocks.first_response.paused_since, None);
    assert!(clocks.first_response.is_breached(may(22, "12:00")));
}

#[test]
fn a_pause_moves_the_day_rule_to_the_closing_of_a_day_and_the_hour_rule_exactly() {
    // Three hours of business time, 16:00 to 11:30 of the next day.
    let events = ticket(vec![
        becomes(may(18, "16:00"), Waiting),
        becomes(may(19, "11:30"), Open),
    ]);
    let days = at_moment(&events, may(19, "12:00"));
    assert_eq!(days.resolution.due_at, may(21, "17:00"));
    assert_eq!(days.resolution.paused_since, None);
    let policy = Policy {
        resolution: "15h".parse().unwrap(),
        ..Policy::default()
    };
    let hours = clocks(&policy, &Calendar::default(), &events, may(19, "12:00"));
    // 15 h after Monday 10:00 is Wednesday 10:00; three hours more 13:00.
    assert_eq!(hours.resolution.due_at, may(20, "13:00"));
}

#[test]
fn pauses_are_added_up_and_rounded_once() {
    // 2 h and 5 h 30 min make 7 h 30 min: exactly one day, not two.
    let events = ticket(vec![
        becomes(may(18, "11:00"), Waiting),
        becomes(may(18, "13:00"), Open),
        becomes(may(19, "09:30"), Waiting),
        becomes(may(19, "15:00"), Open),
    ]);
    let due_at = |events: &[TicketEvent]| at_moment(events, may(19, "16:00")).resolution.due_at;
    assert_eq!(due_at(&events), may(21, "17:00"));
}

#[test]
fn a_pause_outside_business_time_moves_nothing() {
    let events = ticket(vec![
        becomes(may(18, "17:00"), Waiting),
        becomes(may(19, "09:30"), Open),
    ]);
    assert_eq!(
        at_moment(&events, may(19, "12:00")).resolution.due_at,
        may(20, "17:00")
    );
}

#[test]
fn a_clock_that_stands_still_is_due_later_the_longer_it_stands() {
    let events = ticket(vec![becomes(may(18, "16:00"), Waiting)]);
    let due_at = |now| at_moment(&events, now).resolution.due_at;
    assert_eq!(due_at(may(18, "16:00")), may(20, "17:00"));
    assert_eq!(due_at(may(18, "16:30")), may(21, "17:00"));
    assert_eq!(due_at(may(20, "12:00")), may(22, "17:00"));
    assert_eq!(
        at_moment(&events, may(20, "12:00")).resolution.paused_since,
        Some(may(18, "16:00"))
    );
}

#[test]
fn settling_meets_the_resolution_and_reopening_goes_on_from_the_original_start() {
    let mut events = ticket(vec![
        becomes(may(19, "10:00"), Resolved),
        becomes(may(19, "12:00"), Closed),
    ]);
    let settled = at_moment(&events, may(22, "12:00")).resolution;
    assert_eq!(settled.met_at, Some(may(19, "10:00")));
    assert_eq!(settled.due_at, may(20, "17:00"));
    assert_eq!(settled.paused_since, None);
    events.push(becomes(may(21, "10:00"), Open));
    let reopened = at_moment(&events, may(21, "11:00")).resolution;
    assert_eq!(reopened.met_at, None);
    // Settled for 15 business hours: two more days.
    assert_eq!(reopened.due_at, may(22, "17:00"));
}

#[test]
fn a_ticket_settled_while_waiting_was_paused_until_then() {
    let events = ticket(vec![
        becomes(may(18, "12:00"), Waiting),
        becomes(may(19, "12:00"), Resolved),
    ]);
    let clock = at_moment(&events, may(29, "12:00")).resolution;
    assert_eq!(clock.met_at, Some(may(19, "12:00")));
    assert_eq!(clock.due_at, may(21, "17:00"));
    assert_eq!(clock.paused_since, None);
}

#[test]
fn a_breach_stays_a_breach_whatever_pauses_come_after_it() {
    let events = ticket(vec![
        becomes(may(21, "10:00"), Waiting),
        becomes(may(26, "10:00"), Open),
    ]);
    let clock = at_moment(&events, may(26, "11:00")).resolution;
    assert_eq!(clock.due_at, may(20, "17:00"));
    assert!(clock.is_breached(may(26, "11:00")));
}

#[test]
fn a_follow_up_that_arrived_before_the_change_written_ahead_of_it_ends_the_pause_at_once() {
    let events = ticket(vec![
        becomes(may(19, "10:00"), Waiting),
        becomes(may(19, "09:58"), Open),
    ]);
    let clock = at_moment(&events, may(19, "12:00")).resolution;
    assert_eq!(clock.due_at, may(20, "17:00"));
    assert_eq!(clock.paused_since, None);
}

#[test]
fn a_ticket_answered_automatically_on_arrival_is_met_on_both_clocks() {
    let arrival = may(17, "03:00");
    let events = vec![created(arrival, Resolved), by_entry(arrival)];
    let clocks = at_moment(&events, arrival);
    assert_eq!(clocks.first_response.met_at, Some(arrival));
    assert_eq!(clocks.resolution.met_at, Some(arrival));
    // "This did not help": opened on Monday 10:30, due as if nothing had been answered, but for the hour it was settled.
    let mut events = events;
    events.push(event(may(18, "10:30"), Change::AnswerRejected));
    events.push(becomes(may(18, "10:30"), Open));
    let clocks = at_moment(&events, may(18, "11:00"));
    assert_eq!(clocks.first_response.met_at, None);
    assert_eq!(clocks.first_response.due_at, may(20, "17:00"));
    assert_eq!(clocks.resolution.due_at, may(21, "17:00"));
}

#[test]
fn warnings_come_at_half_the_time_at_four_hours_and_after_the_due_instant() {
    let events = ticket(vec![event(may(18, "10:01"), Change::AnsweredByStaff)]);
    // 22 business hours in all: half is gone on Tuesday at 13:30, four hours are left on Wednesday at 13:00.
    assert_eq!(levels(&events, may(19, "13:29")), []);
    assert_eq!(levels(&events, may(19, "13:30")), [(Resolution, Half)]);
    assert_eq!(levels(&events, may(20, "12:59")), [(Resolution, Half)]);
    assert_eq!(
        levels(&events, may(20, "13:00")),
        [(Resolution, Half), (Resolution, FourHours)]
    );
    assert_eq!(
        levels(&events, may(20, "17:00")),
        [(Resolution, Half), (Resolution, FourHours)]
    );
    assert_eq!(
        levels(&events, at("2026-05-20T17:00:01")),
        [
            (Resolution, Half),
            (Resolution, FourHours),
            (Resolution, Breach)
        ]
    );
}

#[test]
fn a_warning_is_given_once_per_due_instant() {
    let mut events = ticket(vec![]);
    let now = may(19, "14:00");
    assert_eq!(
        levels(&events, now),
        [(FirstResponse, Half), (Resolution, Half)]
    );
    for warning in pending_warnings(&at_moment(&events, now), &Calendar::default(), &events, now) {
        assert_eq!(warning.due_at, may(20, "17:00"));
        let change = Change::Warned {
            clock: warning.clock,
            level: warning.level,
            due_at: warning.due_at,
        };
        events.push(event(now, change));
    }
    assert_eq!(levels(&events, now), []);
    // A pause of a day moves the resolution: it warns again when half of its own time is gone.
    events.push(becomes(may(19, "14:00"), Waiting));
    events.push(becomes(may(20, "14:00"), Open));
    assert_eq!(
        at_moment(&events, may(20, "14:00")).resolution.due_at,
        may(21, "17:00")
    );
    assert_eq!(
        levels(&events, may(20, "14:00")),
        [(FirstResponse, FourHours), (Resolution, Half)]
    );
}

#[test]
fn clocks_that_are_met_stand_still_or_belong_to_an_ended_ticket_warn_of_nothing() {
    let late = may(29, "12:00");
    let waiting = ticket(vec![
        event(may(18, "11:00"), Change::AnsweredByStaff),
        becomes(may(18, "11:00"), Waiting),
    ]);
    assert_eq!(levels(&waiting, late), []);
    let answered = ticket(vec![
        event(may(18, "11:00"), Change::AnsweredByStaff),
        becomes(may(18, "11:00"), Resolved),
    ]);
    assert_eq!(levels(&answered, late), []);
    let closed_unanswered = ticket(vec![becomes(may(18, "11:00"), Closed)]);
    assert_eq!(levels(&closed_unanswered, late), []);
    assert!(
        at_moment(&closed_unanswered, late)
            .first_response
            .is_breached(late)
    );
    let merged = ticket(vec![event(
        may(18, "11:00"),
        Change::Merged {
            into: crate::domain::ids::TicketId(7),
        },
    )]);
    assert_eq!(levels(&merged, late), []);
    // Rejected after it was settled: somebody is owed an answer, even before the state is changed.
    let rejected = ticket(vec![
        by_entry(may(18, "10:01")),
        becomes(may(18, "10:01"), Resolved),
        event(may(18, "12:00"), Change::AnswerRejected),
    ]);
    assert_eq!(levels(&rejected, may(19, "14:00")), [(FirstResponse, Half)]);
}

#[test]
fn notices_go_out_inside_desk_hours() {
    let desk = Calendar::default();
    assert_eq!(notice_at(&desk, may(20, "16:59")), may(20, "16:59"));
    assert_eq!(notice_at(&desk, may(20, "17:00")), may(21, "09:30"));
    assert_eq!(notice_at(&desk, may(22, "23:00")), may(25, "09:30"));
}

#[test]
fn what_is_left_is_told_in_days_of_the_desk() {
    let desk = Calendar::default();
    let clock = at_moment(&ticket(vec![]), may(18, "10:00")).first_response;
    let told = |now| remaining(&desk, &clock, now).to_string();
    assert_eq!(told(may(18, "10:00")), "2 business days 7 h");
    assert_eq!(told(may(19, "14:00")), "1 business day 3 h");
    assert_eq!(told(may(20, "16:15")), "45 min");
    assert_eq!(told(may(20, "17:00")), "0 min");
    assert_eq!(told(may(20, "20:00")), "overdue by 0 min");
    assert_eq!(told(may(21, "11:35")), "overdue by 2 h 5 min");
    let left = remaining(&desk, &clock, may(21, "11:35"));
    assert_eq!(left.business_time, SignedDuration::from_mins(-125));
    assert!(left.overdue);
    let met = Clock {
        met_at: Some(may(20, "16:00")),
        ..clock
    };
    assert_eq!(remaining(&desk, &met, may(29, "10:00")).to_string(), "1 h");
}

#[test]
fn a_change_of_calendar_moves_open_clocks_and_says_so() {
    let spec: CalendarSpec =
        toml::from_str("closures = [{ on = \"2026-05-19\", reason = \"power cut\" }]").unwrap();
    let with_closure = Calendar::from_spec(&spec).unwrap();
    let events = ticket(vec![event(may(18, "11:00"), Change::AnsweredByStaff)]);
    let now = may(18, "12:00");
    let old = at_moment(&events, now);
    let new = clocks(&Policy::default(), &with_closure, &events, now);
    assert_eq!(
        due_moves(&old, &new),
        [Change::DueMoved {
            clock: Resolution,
            from: may(20, "17:00"),
            to: may(21, "17:00"),
        }]
    );
    assert_eq!(due_moves(&old, &old), []);
}

#[test]
fn a_desk_open_round_the_clock_closes_its_days_at_midnight() {
    let all_day = vec!["00:00-24:00".to_owned()];
    let mut spec = CalendarSpec::default();
    for day in [
        &mut spec.opening.monday,
        &mut spec.opening.tuesday,
        &mut spec.opening.wednesday,
        &mut spec.opening.thursday,
    ] {
        day.clone_from(&all_day);
    }
    let desk = Calendar::from_spec(&spec).unwrap();
    // Due at the end of Wednesday; a pause of exactly 24 hours ends at the end of Thursday, not of Friday.
    let events = ticket(vec![
        becomes(may(18, "12:00"), Waiting),
        becomes(may(19, "12:00"), Open),
    ]);
    let clock = clocks(&Policy::default(), &desk, &events, may(19, "13:00")).resolution;
    assert_eq!(clock.due_at, may(22, "00:00"));
}

#[test]
fn without_events_the_clocks_start_now() {
    let clocks = at_moment(&[], may(18, "10:00"));
    assert_eq!(clocks.first_response.due_at, may(20, "17:00"));
    assert_eq!(clocks.resolution.met_at, None);
}
