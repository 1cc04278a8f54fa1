//! Editing a ticket: every change is an event, and the ticket's fields and clocks follow from the events.

use crate::domain::calendar::Calendar;
use crate::domain::event::{Actor, Change, TicketEvent};
use crate::domain::ids::{AgentId, QueueId, TicketId};
use crate::domain::sla::{Policy, clocks};
use crate::domain::ticket::{Priority, Ticket, TicketState};
use jiff::Timestamp;

/// A ticket being changed. Collects events; [`Edit::finish`] computes the clocks from the whole history.
#[derive(Debug)]
pub struct Edit {
    ticket: Ticket,
    history: Vec<TicketEvent>,
    known: usize,
}

/// A changed ticket with the events that changed it.
#[derive(Debug)]
pub struct Edited {
    /// The ticket as it is to be saved.
    pub ticket: Ticket,
    /// The new events, in order.
    pub events: Vec<TicketEvent>,
}

impl Edit {
    /// Begins with a stored ticket and all its events.
    pub fn of(ticket: Ticket, history: Vec<TicketEvent>) -> Self {
        let known = history.len();
        Self {
            ticket,
            history,
            known,
        }
    }

    /// Begins with a ticket that is not stored yet.
    pub fn new(ticket: Ticket) -> Self {
        Self::of(ticket, Vec::new())
    }

    /// The ticket as it stands, clocks not recomputed yet.
    pub fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// The events so far, the new ones last.
    pub fn history(&self) -> &[TicketEvent] {
        &self.history
    }

    /// Records something that changes no field.
    pub fn record(&mut self, at: Timestamp, actor: Actor, change: Change) -> &mut Self {
        self.history.push(TicketEvent { at, actor, change });
        self
    }

    /// Changes the state; nothing is recorded when it is that already.
    pub fn state(&mut self, at: Timestamp, actor: Actor, to: TicketState) -> &mut Self {
        let from = self.ticket.state;
        if from != to {
            self.ticket.state = to;
            self.record(at, actor, Change::State { from, to });
        }
        self
    }

    /// Moves it to another queue.
    pub fn queue(&mut self, at: Timestamp, actor: Actor, to: QueueId) -> &mut Self {
        if self.ticket.queue != to {
            let from = std::mem::replace(&mut self.ticket.queue, to.clone());
            self.record(at, actor, Change::Queue { from, to });
        }
        self
    }

    /// Gives it to somebody, or to nobody.
    pub fn assignee(&mut self, at: Timestamp, actor: Actor, to: Option<AgentId>) -> &mut Self {
        if self.ticket.assignee != to {
            let from = std::mem::replace(&mut self.ticket.assignee, to.clone());
            self.record(at, actor, Change::Assignee { from, to });
        }
        self
    }

    /// Changes the priority.
    pub fn priority(&mut self, at: Timestamp, actor: Actor, to: Priority) -> &mut Self {
        let from = self.ticket.priority;
        if from != to {
            self.ticket.priority = to;
            self.record(at, actor, Change::Priority { from, to });
        }
        self
    }

    /// Links it with another ticket, once.
    pub fn link(&mut self, at: Timestamp, actor: Actor, to: TicketId, why: &str) -> &mut Self {
        if to != self.ticket.id && !self.ticket.linked.contains(&to) {
            self.ticket.linked.push(to);
            let why = why.to_owned();
            self.record(at, actor, Change::Linked { to, why });
        }
        self
    }

    /// Makes it part of another ticket: closed, its number an alias from now on.
    pub fn merge(&mut self, at: Timestamp, actor: Actor, into: TicketId) -> &mut Self {
        if into != self.ticket.id && self.ticket.merged_into != Some(into) {
            self.ticket.merged_into = Some(into);
            self.record(at, actor.clone(), Change::Merged { into });
            self.state(at, actor, TicketState::Closed);
        }
        self
    }

    /// The ticket with its clocks as of `now`, and the new events.
    pub fn finish(mut self, policy: &Policy, calendar: &Calendar, now: Timestamp) -> Edited {
        self.ticket.clocks = clocks(policy, calendar, &self.history, now);
        self.ticket.updated_at = now;
        Edited {
            ticket: self.ticket,
            events: self.history.split_off(self.known),
        }
    }
}
