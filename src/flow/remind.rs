//! Remind: the clocks of one ticket as of now. Warnings and breaches become events and notices to the assignee and the
//! lead, inside desk hours; a changed calendar moves open clocks and says so.

use crate::domain::edit::Edit;
use crate::domain::event::{Actor, Change};
use crate::domain::ids::TicketId;
use crate::domain::language::Lang;
use crate::domain::sla::{self, ClockKind, WarningLevel};
use crate::flow::letters::to_staff;
use crate::flow::office::Office;
use crate::flow::ports::{Commit, StoreError};
use crate::flow::ticketing::{desk_of, render};
use crate::flow::triage::TriageError;
use crate::prompts::{Prompt, due_in_words};
use jiff::SignedDuration;

/// What looking at one ticket's clocks led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reminded {
    /// Warnings and breaches recorded.
    pub warnings: usize,
    /// Of these, breaches.
    pub breaches: usize,
    /// Clocks moved because the calendar changed.
    pub moved: usize,
}

/// Looks at one ticket. Nothing is written when nothing is due.
pub async fn remind_one(office: &Office, id: TicketId) -> Result<Reminded, TriageError> {
    let now = office.time.now();
    let Some(ticket) = office.store.ticket(id).await? else {
        return Ok(Reminded::default());
    };
    let desk = desk_of(office, &ticket.desk)?;
    let history = office.store.events(id).await?;
    let clocks = sla::clocks(&desk.policy, &desk.calendar, &history, now);
    let mut reminded = Reminded::default();
    let mut changes: Vec<Change> = Vec::new();
    // A standing clock's due instant moves with every look; only a running one can be moved by the calendar.
    let paused = clocks.resolution.paused_since.is_some();
    for change in sla::due_moves(&ticket.clocks, &clocks) {
        let is_resolution = matches!(
            change,
            Change::DueMoved {
                clock: ClockKind::Resolution,
                ..
            }
        );
        if !(is_resolution && paused) {
            reminded.moved += 1;
            changes.push(change);
        }
    }
    let mut notices = Vec::new();
    if desk.calendar.is_open(now) {
        for warning in sla::pending_warnings(&clocks, &desk.calendar, &history, now) {
            let sla::Warning {
                clock,
                level,
                due_at,
            } = warning;
            reminded.warnings += 1;
            if level == WarningLevel::Breach {
                reminded.breaches += 1;
            }
            changes.push(Change::Warned {
                clock,
                level,
                due_at,
            });
            notices.push((clock, level, due_at));
        }
    }
    if changes.is_empty() {
        return Ok(reminded);
    }
    let mut commit = Commit {
        at: Some(now),
        ..Commit::default()
    };
    let assignee = ticket
        .assignee
        .as_ref()
        .and_then(|agent| office.agents.get(agent).cloned().flatten());
    let since = now
        .checked_sub(SignedDuration::from_hours(24))
        .unwrap_or(now);
    for (_, level, due_at) in notices {
        // Half-way hints go to whoever works on it; near the end the lead hears as well.
        let mut to: Vec<String> = assignee.iter().cloned().collect();
        if (level != WarningLevel::Half || to.is_empty())
            && let Some(lead) = &desk.lead
            && !to.contains(lead)
        {
            to.push(lead.clone());
        }
        let number = ticket.id.number();
        let due = due_in_words(due_at, desk.calendar.zone(), Lang::Ja);
        let fields = [
            ("ticket", number.as_str()),
            ("desk", desk.name(Lang::Ja)),
            ("queue", ticket.queue.as_str()),
            ("subject", ticket.subject.as_str()),
            ("due", due.as_str()),
        ];
        let prompt = if level == WarningLevel::Breach {
            Prompt::StaffBreach
        } else {
            Prompt::StaffWarning
        };
        for address in to {
            // Notices to staff obey the caps too: a full staff mailbox once answered every notice.
            let count = office
                .store
                .automatic_count(&address, Some(ticket.id), since)
                .await?;
            if count.in_ticket >= office.caps.per_ticket || count.in_all >= office.caps.per_day {
                continue;
            }
            let subject = render(office, Prompt::SubjectStaff, Lang::Ja, &fields)?;
            let body = render(office, prompt, Lang::Ja, &fields)?;
            commit.departures.extend(to_staff(
                office,
                desk,
                Some(&ticket),
                &address,
                subject,
                body,
                now,
            ));
        }
    }
    let mut edit = Edit::of(ticket, history);
    for change in changes {
        edit.record(now, Actor::Desk, change);
    }
    let edited = edit.finish(&desk.policy, &desk.calendar, now);
    commit
        .events
        .extend(edited.events.into_iter().map(|event| (id, event)));
    commit.tickets.push(edited.ticket);
    match office.store.commit(&commit).await {
        // Somebody works on it right now; the next round looks again.
        Err(StoreError::Conflict) => Ok(Reminded::default()),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(reminded),
    }
}
