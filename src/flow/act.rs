//! Act: a decision becomes one commit (ticket, article, events, departures, message ids, ledger line), every arm of it.

mod follow_up;

use crate::domain::article::{Article, ArticleKind};
use crate::domain::decide::{Decision, Hit, Promise, SMALLER_FILES};
use crate::domain::edit::Edit;
use crate::domain::event::{Actor, Change};
use crate::domain::file::Scan;
use crate::domain::ids::{DeskId, EntryId, TicketId};
use crate::domain::inquiry::{Inquiry, bare_subject};
use crate::domain::language::Lang;
use crate::domain::route::RouteHint;
use crate::domain::screen::Verdict;
use crate::domain::sender::SenderTrust;
use crate::domain::thread::Threading;
use crate::domain::ticket::{Priority, TicketState};
use crate::flow::chat;
use crate::flow::letters::{Chain, LetterText, to_requester, to_staff};
use crate::flow::office::{DeskProfile, Office};
use crate::flow::ports::{Commit, InboxOutcome, KnowledgeVersion, Outcome, SeenMessageId};
use crate::flow::ticketing::{blank_ticket, desk_of, promised_due, render, reserve, subject_of};
use crate::flow::triage::{Facts, Judged, TriageError};
use crate::prompts::{Prompt, due_in_words};
use jiff::Timestamp;
use madoguchi_channel::Automatic;

/// Writes down what a decision leads to.
pub async fn act(
    office: &Office,
    knowledge: &dyn KnowledgeVersion,
    inquiry: &Inquiry,
    judged: &Judged,
    facts: &Facts,
    now: Timestamp,
) -> Result<Commit, TriageError> {
    let scene = Scene {
        office,
        knowledge,
        inquiry,
        judged,
        facts,
        now,
    };
    match &judged.decision {
        Decision::Ignore {
            why,
            ticket,
            bounce,
        } => scene.ignore(why, *ticket, *bounce).await,
        Decision::Join {
            ticket,
            follow_up,
            urgent,
            why,
        } => scene.join(*ticket, follow_up, *urgent, why).await,
        Decision::Emergency { why, ticket } => scene.emergency(why, *ticket).await,
        Decision::Answer { hit } => scene.answer(hit).await,
        Decision::Offer { hits, why } => scene.offer(hits, why).await,
        Decision::AskFor { missing } => scene.ask_for(missing).await,
        Decision::Escalate {
            why,
            urgent,
            promise,
        } => scene.escalate(why, *urgent, *promise).await,
    }
}

/// The stage every arm plays on.
struct Scene<'a> {
    office: &'a Office,
    knowledge: &'a dyn KnowledgeVersion,
    inquiry: &'a Inquiry,
    judged: &'a Judged,
    facts: &'a Facts,
    now: Timestamp,
}

/// A commit being written around one ticket.
struct Draft {
    edit: Edit,
    commit: Commit,
}

impl Scene<'_> {
    fn desk(&self) -> Result<&DeskProfile, TriageError> {
        desk_of(self.office, &self.judged.route.desk)
    }

    /// A new ticket with the inquiry as its first article.
    async fn open(
        &self,
        state: TicketState,
        urgent: bool,
        why: &str,
    ) -> Result<Draft, TriageError> {
        let desk = self.desk()?;
        let id = reserve(self.office).await?;
        let route = &self.judged.route;
        let mut ticket = blank_ticket(
            self.office,
            desk,
            id,
            &self.inquiry.channel,
            self.inquiry.received_at,
        );
        ticket.state = state;
        ticket.lang = self.judged.lang;
        ticket.audience = route.audience;
        ticket.category = route.category.clone();
        ticket.subject = subject_of(self.inquiry);
        ticket.requester = self
            .inquiry
            .reply_party()
            .cloned()
            .unwrap_or_else(|| self.inquiry.author());
        ticket.queue = route.queue.clone();
        ticket.priority = route.priority;
        if urgent {
            ticket.priority = Priority::Urgent;
            ticket.queue = desk.urgent_queue.clone();
        }
        let created = Change::Created {
            desk: ticket.desk.clone(),
            queue: ticket.queue.clone(),
            state,
            why: why.to_owned(),
        };
        let mut edit = Edit::new(ticket);
        edit.record(self.inquiry.received_at, Actor::Requester, created);
        if let Threading::New {
            linked: Some((other, why)),
        } = &self.judged.threading
        {
            edit.link(self.now, Actor::Desk, *other, why);
        }
        let mut draft = Draft {
            edit,
            commit: Commit {
                at: Some(self.now),
                ..Commit::default()
            },
        };
        // One mail to two desks makes two tickets that know of each other.
        for twin in self.facts.firsts.at_desk.values() {
            draft
                .edit
                .link(self.now, Actor::Desk, *twin, "same-message");
        }
        if let Some(key) = &self.facts.firsts.part_key {
            draft.commit.firsts.push((key.clone(), id));
        }
        self.add_inbound(&mut draft);
        Ok(draft)
    }

    /// A ticket at every further desk the message is addressed to, linked with the first; the letter of the first speaks for all.
    async fn copy_to(
        &self,
        desks: &[DeskId],
        first: TicketId,
        commit: &mut Commit,
    ) -> Result<(), TriageError> {
        for desk_id in desks {
            let desk = desk_of(self.office, desk_id)?;
            let id = reserve(self.office).await?;
            let mut ticket = blank_ticket(
                self.office,
                desk,
                id,
                &self.inquiry.channel,
                self.inquiry.received_at,
            );
            ticket.desk_address = desk.address.clone();
            ticket.lang = self.judged.lang;
            ticket.audience = self.judged.route.audience;
            ticket.subject = subject_of(self.inquiry);
            ticket.requester = self
                .inquiry
                .reply_party()
                .cloned()
                .unwrap_or_else(|| self.inquiry.author());
            let created = Change::Created {
                desk: ticket.desk.clone(),
                queue: ticket.queue.clone(),
                state: ticket.state,
                why: "same-message".to_owned(),
            };
            let mut edit = Edit::new(ticket);
            edit.record(self.inquiry.received_at, Actor::Requester, created)
                .link(self.now, Actor::Desk, first, "same-message");
            let mut draft = Draft {
                edit,
                commit: std::mem::take(commit),
            };
            self.add_inbound(&mut draft);
            *commit = self.end(draft)?;
        }
        Ok(())
    }

    fn add_inbound(&self, draft: &mut Draft) {
        let message = &self.inquiry.message;
        let ticket = draft.edit.ticket().id;
        let kind = ArticleKind::Inbound;
        draft.commit.articles.push(Article {
            ticket,
            kind,
            author: self.inquiry.author().address,
            at: self.inquiry.received_at,
            subject: message.subject.clone().unwrap_or_default(),
            body: message.text.clone(),
            reply_text: message.reply_text.clone(),
            message_id: message.message_id.clone(),
            inbox: Some(self.inquiry.inbox),
            attachments: self.inquiry.files.clone(),
            trust: (self.inquiry.trust != SenderTrust::default())
                .then(|| self.inquiry.trust.clone()),
        });
        let desk = draft.edit.ticket().desk.clone();
        if let Some(key) = self.facts.firsts.desk_key(&desk) {
            draft.commit.firsts.push((key, ticket));
        }
        draft.edit.record(
            self.inquiry.received_at,
            Actor::Requester,
            Change::Article { kind },
        );
        // A new, linked ticket must not claim the ids of the thread it was kept out of.
        let kept_out = matches!(&self.judged.threading, Threading::New { linked: Some(_) });
        let before = message.references.iter().chain(&message.in_reply_to);
        for id in message
            .message_id
            .iter()
            .chain(before.filter(|_| !kept_out))
        {
            let seen = SeenMessageId {
                message_id: id.clone(),
                ticket,
                sent_by_desk: false,
            };
            if !draft.commit.message_ids.contains(&seen) {
                draft.commit.message_ids.push(seen);
            }
        }
        for file in &self.inquiry.kept {
            if !draft.commit.files.contains(file) {
                draft.commit.files.push(file.clone());
            }
        }
        for found in self
            .inquiry
            .kept
            .iter()
            .filter(|f| f.scan == Scan::Infected)
        {
            let words = found.scan_words.as_deref().unwrap_or_default();
            self.add_system(draft, format!("A file that came along is locked: {words}"));
        }
        if !message.problems.is_empty() {
            let text = message.problems.join("\n");
            self.add_system(draft, text);
        }
    }

    fn add_system(&self, draft: &mut Draft, text: String) {
        let kind = ArticleKind::System;
        draft.commit.articles.push(Article {
            ticket: draft.edit.ticket().id,
            kind,
            author: "desk".to_owned(),
            at: self.now,
            subject: String::new(),
            reply_text: text.clone(),
            body: text,
            message_id: None,
            inbox: Some(self.inquiry.inbox),
            attachments: Vec::new(),
            trust: None,
        });
        draft
            .edit
            .record(self.now, Actor::Desk, Change::Article { kind });
    }

    /// Adds an automatic letter to the requester, unless screening wants the desk to keep quiet.
    fn add_letter(
        &self,
        draft: &mut Draft,
        purpose: &str,
        body: String,
    ) -> Result<bool, TriageError> {
        self.add_letter_with(draft, purpose, body, &[])
    }

    /// The same with entries to choose from.
    fn add_letter_with(
        &self,
        draft: &mut Draft,
        purpose: &str,
        body: String,
        offered: &[String],
    ) -> Result<bool, TriageError> {
        if !matches!(self.judged.verdict, Verdict::Person) || self.facts.firsts.lettered {
            return Ok(false);
        }
        let Some(to) = self.inquiry.reply_party() else {
            return Ok(false);
        };
        let message = &self.inquiry.message;
        let chain = Chain::answering(message.message_id.as_deref(), &message.references);
        let ticket = draft.edit.ticket();
        let desk = desk_of(self.office, &ticket.desk)?;
        let text = LetterText {
            purpose,
            body: self.with_hint(body, ticket.lang)?,
            automatic: Automatic::Replied,
            author: "desk",
            chat: match &message.chat {
                Some(arrival) => {
                    let choices = if purpose == "answer" {
                        chat::answer_buttons(self.office, ticket.id, ticket.lang)?
                    } else if offered.is_empty() {
                        Vec::new()
                    } else {
                        chat::offer_buttons(self.office, ticket.id, offered, ticket.lang)?
                    };
                    Some(chat::departure_of(arrival, choices))
                }
                None => None,
            },
        };
        let letter = to_requester(self.office, desk, ticket, to, &chain, text, self.now);
        draft.commit.departures.push(letter.departure);
        draft.commit.articles.push(letter.article);
        draft.commit.message_ids.push(letter.seen);
        let ticket = draft.edit.ticket().id;
        if let Some(key) = self.facts.firsts.letter_key() {
            let first = (key, ticket);
            if !draft.commit.firsts.contains(&first) {
                draft.commit.firsts.push(first);
            }
        }
        draft.edit.record(
            self.now,
            Actor::Desk,
            Change::Article {
                kind: ArticleKind::Outbound,
            },
        );
        Ok(true)
    }

    /// A friendly word about the right subject line, where routing noticed a wrong one (Q1).
    fn with_hint(&self, body: String, lang: Lang) -> Result<String, TriageError> {
        match &self.judged.route.hint {
            Some(RouteHint::WrongSubject { right_subject }) => {
                let hint = render(
                    self.office,
                    Prompt::SubjectHint,
                    lang,
                    &[("right_subject", right_subject)],
                )?;
                Ok(format!("{}\n\n{}", body.trim_end(), hint))
            }
            None => Ok(body),
        }
    }

    /// Tells the lead at once, at any hour.
    fn page_staff(&self, draft: &mut Draft) -> Result<(), TriageError> {
        let ticket = draft.edit.ticket();
        let desk = desk_of(self.office, &ticket.desk)?;
        let address = ticket
            .assignee
            .as_ref()
            .and_then(|agent| self.office.agents.get(agent).cloned().flatten())
            .or_else(|| desk.lead.clone());
        let Some(address) = address else {
            return Ok(());
        };
        let number = ticket.id.number();
        let fields = [
            ("ticket", number.as_str()),
            ("desk", desk.name(Lang::Ja)),
            ("queue", ticket.queue.as_str()),
            ("subject", ticket.subject.as_str()),
        ];
        let subject = render(self.office, Prompt::SubjectStaff, Lang::Ja, &fields)?;
        let body = render(self.office, Prompt::StaffUrgent, Lang::Ja, &fields)?;
        draft.commit.departures.extend(to_staff(
            self.office,
            desk,
            Some(ticket),
            &address,
            subject,
            body,
            self.now,
        ));
        Ok(())
    }

    async fn close(
        &self,
        draft: Draft,
        outcome: Outcome,
        reason: &str,
    ) -> Result<Commit, TriageError> {
        let id = draft.edit.ticket().id;
        let mut commit = self.end(draft)?;
        self.copy_to(&self.judged.also, id, &mut commit).await?;
        commit.inbox = Some(self.ledger(outcome, reason, Some(id)));
        Ok(commit)
    }

    /// Writes a ticket's changes into its commit.
    fn end(&self, draft: Draft) -> Result<Commit, TriageError> {
        let Draft { edit, mut commit } = draft;
        let id = edit.ticket().id;
        let desk = desk_of(self.office, &edit.ticket().desk)?;
        let edited = edit.finish(&desk.policy, &desk.calendar, self.now);
        commit
            .events
            .extend(edited.events.into_iter().map(|event| (id, event)));
        commit.tickets.push(edited.ticket);
        Ok(commit)
    }

    fn ledger(&self, outcome: Outcome, reason: &str, ticket: Option<TicketId>) -> InboxOutcome {
        InboxOutcome {
            id: self.inquiry.inbox,
            outcome,
            reason: reason.to_owned(),
            ticket,
            evidence: serde_json::to_value(self.judged).unwrap_or_default(),
        }
    }

    async fn answer(&self, hit: &Hit) -> Result<Commit, TriageError> {
        let lang = self.judged.lang;
        let known = self.knowledge.answer(&hit.desk, &hit.entry, lang);
        if known.is_none() {
            return self
                .escalate("entry-gone", false, Promise::Acknowledge)
                .await;
        }
        let mut draft = self.open(TicketState::Resolved, false, "answered").await?;
        self.give_entry(&mut draft, &hit.desk, &hit.entry, hit.confidence)?;
        self.close(draft, Outcome::Answered, "answered").await
    }

    /// Writes an entry as the answer; false when the knowledge does not hold it any more.
    fn give_entry(
        &self,
        draft: &mut Draft,
        entry_desk: &DeskId,
        entry: &EntryId,
        confidence: f64,
    ) -> Result<bool, TriageError> {
        let lang = draft.edit.ticket().lang;
        let Some(text) = self.knowledge.answer(entry_desk, entry, lang) else {
            return Ok(false);
        };
        let number = draft.edit.ticket().id.number();
        let desk = desk_of(self.office, &draft.edit.ticket().desk)?;
        let body = render(
            self.office,
            Prompt::Answer,
            lang,
            &[
                ("ticket", &number),
                ("desk", desk.name(lang)),
                ("title", &text.title),
                ("answer", &text.body),
                ("entry", entry.as_str()),
                ("updated", &text.updated),
                ("source", &text.source),
            ],
        )?;
        draft.edit.record(
            self.now,
            Actor::Desk,
            Change::AnsweredByEntry {
                entry: entry.clone(),
                updated: text.updated,
                confidence,
            },
        );
        self.add_letter(draft, "answer", body)?;
        Ok(true)
    }

    /// A ticket for staff, and a list the requester may choose from.
    async fn offer(&self, hits: &[Hit], why: &str) -> Result<Commit, TriageError> {
        let mut draft = self.open(TicketState::New, false, why).await?;
        let lang = draft.edit.ticket().lang;
        let titled: Vec<(&Hit, String)> = hits
            .iter()
            .filter_map(|hit| {
                let text = self.knowledge.answer(&hit.desk, &hit.entry, lang)?;
                Some((hit, text.title))
            })
            .collect();
        let lines: Vec<String> = (1..)
            .zip(&titled)
            .map(|(place, (_, title)): (usize, _)| format!("{place}. {title}"))
            .collect();
        let desk = self.desk()?;
        let due = promised_due(desk, draft.edit.history(), self.now);
        let number = draft.edit.ticket().id.number();
        let fields = [
            ("ticket", number.as_str()),
            ("desk", desk.name(lang)),
            ("due", &due_in_words(due, desk.calendar.zone(), lang)),
            ("list", &lines.join("\n")),
        ];
        let body = render(self.office, Prompt::Offer, lang, &fields)?;
        let entries = titled.iter().map(|(hit, _)| hit.entry.clone()).collect();
        draft
            .edit
            .record(self.now, Actor::Desk, Change::Offered { entries });
        let titles: Vec<String> = titled.into_iter().map(|(_, title)| title).collect();
        if self.add_letter_with(&mut draft, "acknowledgement", body, &titles)? {
            draft
                .edit
                .record(self.now, Actor::Desk, Change::Acknowledged);
        }
        self.close(draft, Outcome::Ticketed, why).await
    }

    async fn ask_for(&self, missing: &[String]) -> Result<Commit, TriageError> {
        let too_large = missing.iter().any(|what| what == SMALLER_FILES);
        let (purpose, why) = if too_large {
            ("too-large", "too-large")
        } else {
            ("ask-again", "incomplete")
        };
        let mut draft = self.open(TicketState::Waiting, false, why).await?;
        let body = if too_large {
            self.too_large_text(&draft)?
        } else {
            let number = draft.edit.ticket().id.number();
            let lang = self.judged.lang;
            let fields = [
                ("ticket", number.as_str()),
                ("desk", self.desk()?.name(lang)),
                ("missing", &missing.join(", ")),
            ];
            render(self.office, Prompt::AskAgain, lang, &fields)?
        };
        if !self.add_letter(&mut draft, purpose, body)? {
            draft.edit.state(self.now, Actor::Desk, TicketState::New);
        }
        self.close(draft, Outcome::Ticketed, why).await
    }

    /// Asks for smaller files, in the ticket's language.
    fn too_large_text(&self, draft: &Draft) -> Result<String, TriageError> {
        let ticket = draft.edit.ticket();
        let desk = desk_of(self.office, &ticket.desk)?;
        let limit = (desk.largest_file.unwrap_or_default() / 1_000_000).to_string();
        let fields = [
            ("ticket", &*ticket.id.number()),
            ("desk", desk.name(ticket.lang)),
            ("limit", &limit),
        ];
        render(self.office, Prompt::TooLarge, ticket.lang, &fields)
    }

    async fn escalate(
        &self,
        why: &str,
        urgent: bool,
        promise: Promise,
    ) -> Result<Commit, TriageError> {
        let mut draft = self.open(TicketState::New, urgent, why).await?;
        let body = self.promise_text(&draft, promise)?;
        if self.add_letter(&mut draft, "acknowledgement", body)? {
            draft
                .edit
                .record(self.now, Actor::Desk, Change::Acknowledged);
        }
        if draft.edit.ticket().priority == Priority::Urgent {
            self.page_staff(&mut draft)?;
        }
        self.close(draft, Outcome::Ticketed, why).await
    }

    /// The acknowledgement with number and due date, in the requester's language.
    fn promise_text(&self, draft: &Draft, promise: Promise) -> Result<String, TriageError> {
        let ticket = draft.edit.ticket();
        let desk = desk_of(self.office, &ticket.desk)?;
        let lang = ticket.lang;
        let due = promised_due(desk, draft.edit.history(), self.now);
        let due_words = due_in_words(due, desk.calendar.zone(), lang);
        let number = ticket.id.number();
        let closed = if desk.calendar.is_open(self.now) {
            String::new()
        } else {
            let opens = desk.calendar.next_opening(self.now);
            let opens_words = due_in_words(opens, desk.calendar.zone(), lang);
            render(
                self.office,
                Prompt::Closed,
                lang,
                &[("opens", &opens_words), ("due", &due_words)],
            )?
        };
        let prompt = match promise {
            Promise::Acknowledge => Prompt::Acknowledgement,
            Promise::CannotJudge => Prompt::CannotJudge,
            Promise::LeakedSecret => Prompt::LeakedSecret,
            Promise::NotHelped => Prompt::NotHelped,
        };
        render(
            self.office,
            prompt,
            lang,
            &[
                ("ticket", &number),
                ("desk", desk.name(lang)),
                ("subject", bare_subject(&ticket.subject)),
                ("due", &due_words),
                ("closed", &closed),
            ],
        )
    }

    async fn emergency(&self, why: &str, ticket: Option<TicketId>) -> Result<Commit, TriageError> {
        let mut draft = match ticket {
            Some(id) => self.reopen(id).await?,
            None => self.open(TicketState::New, true, why).await?,
        };
        self.make_urgent(&mut draft)?;
        let number = draft.edit.ticket().id.number();
        let lang = self.judged.lang;
        let desk = desk_of(self.office, &draft.edit.ticket().desk)?;
        let body = render(
            self.office,
            Prompt::Emergency,
            lang,
            &[("ticket", &number), ("desk", desk.name(lang))],
        )?;
        self.add_letter(&mut draft, "emergency", body)?;
        self.page_staff(&mut draft)?;
        self.close(draft, Outcome::Ticketed, why).await
    }

    fn make_urgent(&self, draft: &mut Draft) -> Result<(), TriageError> {
        let queue = desk_of(self.office, &draft.edit.ticket().desk)?
            .urgent_queue
            .clone();
        draft
            .edit
            .priority(self.now, Actor::Desk, Priority::Urgent)
            .queue(self.now, Actor::Desk, queue);
        Ok(())
    }
}
