//! The arms that speak of a ticket that is there already: a follow-up, a bounce, and what is set aside.

use super::{Draft, Scene};
use crate::domain::decide::{FollowUp, Promise};
use crate::domain::edit::Edit;
use crate::domain::event::{Actor, Change};
use crate::domain::ids::TicketId;
use crate::domain::text::cut;
use crate::domain::ticket::TicketState;
use crate::domain::undeliverable::{Fate, fate, is_dead};
use crate::flow::ports::{Commit, Outcome, Undeliverable};
use crate::flow::triage::TriageError;

impl Scene<'_> {
    /// A stored ticket with the inquiry added to it, open again.
    pub(super) async fn reopen(&self, id: TicketId) -> Result<Draft, TriageError> {
        let mut draft = self.load(id).await?;
        self.add_inbound(&mut draft);
        let state = draft.edit.ticket().state;
        if state != TicketState::New {
            draft.edit.state(
                self.inquiry.received_at,
                Actor::Requester,
                TicketState::Open,
            );
        }
        Ok(draft)
    }

    pub(super) async fn load(&self, id: TicketId) -> Result<Draft, TriageError> {
        let store = &self.office.store;
        let ticket = store
            .ticket(id)
            .await?
            .ok_or_else(|| TriageError::Setup(format!("ticket {} is gone", id.number())))?;
        let history = store.events(id).await?;
        Ok(Draft {
            edit: Edit::of(ticket, history),
            commit: Commit {
                at: Some(self.now),
                ..Commit::default()
            },
        })
    }

    pub(super) async fn join(
        &self,
        id: TicketId,
        follow_up: &FollowUp,
        urgent: bool,
        why: &str,
    ) -> Result<Commit, TriageError> {
        let mut draft = match follow_up {
            FollowUp::Append => {
                let mut draft = self.load(id).await?;
                self.add_inbound(&mut draft);
                draft
            }
            FollowUp::Reopen => self.reopen(id).await?,
            FollowUp::Chosen(entry) => {
                let mut draft = self.load(id).await?;
                self.add_inbound(&mut draft);
                let desk = draft.edit.ticket().desk.clone();
                if self.give_entry(&mut draft, &desk, entry, 1.0)? {
                    draft
                        .edit
                        .state(self.now, Actor::Desk, TicketState::Resolved);
                }
                draft
            }
            FollowUp::TooLarge => {
                let mut draft = self.reopen(id).await?;
                let body = self.too_large_text(&draft)?;
                self.add_letter(&mut draft, "too-large", body)?;
                draft
            }
            FollowUp::RejectAnswer => {
                let mut draft = self.load(id).await?;
                self.add_inbound(&mut draft);
                draft
                    .edit
                    .record(
                        self.inquiry.received_at,
                        Actor::Requester,
                        Change::AnswerRejected,
                    )
                    .state(
                        self.inquiry.received_at,
                        Actor::Requester,
                        TicketState::Open,
                    );
                let body = self.promise_text(&draft, Promise::NotHelped)?;
                if self.add_letter(&mut draft, "acknowledgement", body)? {
                    draft
                        .edit
                        .record(self.now, Actor::Desk, Change::Acknowledged);
                }
                draft
            }
        };
        if urgent {
            self.make_urgent(&mut draft)?;
            let body = self.promise_text(&draft, Promise::LeakedSecret)?;
            self.add_letter(&mut draft, "acknowledgement", body)?;
            self.page_staff(&mut draft)?;
        }
        self.close(draft, Outcome::Ticketed, why).await
    }

    /// Nothing is answered. A bounce is told to the ticket it speaks of; everything else is a line in the ledger.
    pub(super) async fn ignore(
        &self,
        why: &str,
        ticket: Option<TicketId>,
        bounce: bool,
    ) -> Result<Commit, TriageError> {
        match ticket {
            Some(id) if bounce => self.undelivered(id, why).await,
            _ => Ok(Commit {
                at: Some(self.now),
                inbox: Some(self.ledger(Outcome::Ignored, why, ticket)),
                ..Commit::default()
            }),
        }
    }

    /// A message of the desk came back, or is on its way still: staff read the report in its ticket. Where it failed the ticket is open
    /// again, and an address that is dead gets no more mail.
    pub(super) async fn undelivered(&self, id: TicketId, why: &str) -> Result<Commit, TriageError> {
        let mut draft = self.load(id).await?;
        let report = self.inquiry.message.delivery_report.as_ref();
        let text = self.inquiry.message.text.clone();
        self.add_system(&mut draft, text.clone());
        if fate(report) == Fate::Failed {
            draft
                .edit
                .record(
                    self.inquiry.received_at,
                    Actor::Desk,
                    Change::DeliveryFailed {
                        server_said: cut(&text, 500),
                    },
                )
                .state(self.now, Actor::Desk, TicketState::Open);
        }
        // Only an address the ticket really wrote to: a report anybody can send must not silence the desk for others.
        let requester = draft.edit.ticket().requester.address.to_lowercase();
        let dead = report
            .into_iter()
            .flat_map(|report| &report.recipients)
            .find(|r| is_dead(r) && r.address.to_lowercase() == requester);
        if let Some(recipient) = dead {
            draft.commit.undeliverable.push(Undeliverable {
                address: requester,
                marked_at: self.now,
                why: recipient
                    .diagnostic
                    .clone()
                    .or_else(|| recipient.status.clone())
                    .unwrap_or_else(|| why.to_owned()),
                ticket: Some(id),
            });
        }
        self.close(draft, Outcome::Ignored, why).await
    }
}
