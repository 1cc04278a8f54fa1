//! The SLA engine beside the minute walk it replaces, in one run, so that the figures can be read as ratios.

use divan::{Bencher, black_box};
use jiff::{SignedDuration, Timestamp};
use madoguchi::domain::calendar::Calendar;
use madoguchi::domain::event::{Actor, Change, TicketEvent};
use madoguchi::domain::sla::{Policy, Target, clocks, due, pending_warnings};
use madoguchi::domain::ticket::TicketState;

fn main() {
    divan::main();
}

/// Instants spread over a year, the same in each benchmark.
fn arrivals() -> impl Iterator<Item = Timestamp> {
    (0..).map(|i: i64| {
        let second = 1_767_225_600 + (i * 7_919 * 61) % (365 * 86_400);
        Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
    })
}

/// What a desk without interval arithmetic does: asks of every minute whether it is business time, until the third closing.
fn minute_walk(desk: &Calendar, received: Timestamp) -> Timestamp {
    let mut minute = received;
    let (mut closings, mut was_open) = (0, false);
    loop {
        let wall = desk.zone().to_datetime(minute);
        let of_day = i32::from(wall.hour()) * 60 + i32::from(wall.minute());
        let open = (570..1020).contains(&of_day) && desk.closed_because(wall.date()).is_none();
        if was_open && !open {
            closings += 1;
            if closings == 3 {
                return minute;
            }
        }
        was_open = open;
        minute += SignedDuration::from_mins(1);
    }
}

fn with_arrivals<O>(bencher: Bencher<'_, '_>, work: impl Fn(&Calendar, Timestamp) -> O + Sync) {
    let desk = Calendar::default();
    let mut next = arrivals();
    bencher
        .with_inputs(|| next.next().unwrap_or(Timestamp::UNIX_EPOCH))
        .bench_local_values(|received| work(&desk, black_box(received)));
}

#[divan::bench]
fn due_2bd(bencher: Bencher<'_, '_>) {
    with_arrivals(bencher, |desk, received| {
        due(desk, Target::BusinessDays(2), received)
    });
}

#[divan::bench]
fn due_15h(bencher: Bencher<'_, '_>) {
    let target = Target::BusinessHours(SignedDuration::from_hours(15));
    with_arrivals(bencher, move |desk, received| due(desk, target, received));
}

#[divan::bench]
fn due_2bd_by_minute_walk(bencher: Bencher<'_, '_>) {
    with_arrivals(bencher, minute_walk);
}

/// A ticket with 50 events, 24 of them pauses of some hours.
fn fifty_events(created: Timestamp) -> Vec<TicketEvent> {
    let event = |hours: i64, change| TicketEvent {
        at: created + SignedDuration::from_hours(hours),
        actor: Actor::Desk,
        change,
    };
    let mut events = vec![
        event(
            0,
            Change::Created {
                desk: "desk".into(),
                queue: "queue".into(),
                state: TicketState::New,
                why: "benchmark".to_owned(),
            },
        ),
        event(0, Change::Acknowledged),
    ];
    for i in 0..24 {
        let (from, to) = (TicketState::Open, TicketState::Waiting);
        events.push(event(7 * i + 1, Change::State { from, to }));
        events.push(event(7 * i + 4, Change::State { from: to, to: from }));
    }
    events
}

#[divan::bench]
fn clocks_of_50_events(bencher: Bencher<'_, '_>) {
    let (desk, policy) = (Calendar::default(), Policy::default());
    let mut next = arrivals();
    bencher
        .with_inputs(|| fifty_events(next.next().unwrap_or(Timestamp::UNIX_EPOCH)))
        .bench_local_refs(|events| {
            let now = events
                .last()
                .map_or(Timestamp::UNIX_EPOCH, |event| event.at);
            clocks(&policy, &desk, black_box(events), now)
        });
}

#[divan::bench]
fn warnings_of_50_events(bencher: Bencher<'_, '_>) {
    let (desk, policy) = (Calendar::default(), Policy::default());
    let mut next = arrivals();
    bencher
        .with_inputs(|| {
            let events = fifty_events(next.next().unwrap_or(Timestamp::UNIX_EPOCH));
            let now = events
                .last()
                .map_or(Timestamp::UNIX_EPOCH, |event| event.at);
            (clocks(&policy, &desk, &events, now), events, now)
        })
        .bench_local_refs(|(clocks, events, now)| pending_warnings(clocks, &desk, events, *now));
}
