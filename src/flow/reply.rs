//! What staff do with tickets: reply, note, assign, close, log a call, merge. Each is one commit with its events.

use crate::domain::article::{Article, ArticleKind};
use crate::domain::edit::Edit;
use crate::domain::event::{Actor, Change};
use crate::domain::ids::{AgentId, TicketId};
use crate::domain::inquiry::bare_subject;
use crate::domain::language::Lang;
use crate::domain::route::RouteFacts;
use crate::domain::text::cut;
use crate::domain::ticket::{Priority, Ticket, TicketState};
use crate::flow::letters::{Chain, LetterText, to_requester};
use crate::flow::office::Office;
use crate::flow::ports::{Commit, StoreError};
use crate::flow::ticketing::{blank_ticket, desk_of, render, reserve};
use crate::flow::triage::{TriageError, follow_merges};
use crate::prompts::{Prompt, due_in_words};
use jiff::Timestamp;
use madoguchi_channel::{Automatic, ChatDeparture, Party};

/// A member of staff asked for something that cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    /// No such ticket.
    #[error("there is no ticket {0}; `madoguchi ticket list --all` shows every one")]
    NoTicket(String),
    /// There is nobody to answer to.
    #[error("{0} has no address to reply to; add a note, or log the call")]
    NoRequester(String),
    /// The text is empty.
    #[error("the text is empty; nothing was written")]
    Empty,
    /// Somebody else changed the ticket at the same moment.
    #[error("{0} was changed by somebody else at the same moment; look at it again, then repeat")]
    Conflict(String),
    /// Anything below.
    #[error(transparent)]
    Failed(#[from] TriageError),
}

impl From<StoreError> for StaffError {
    fn from(error: StoreError) -> Self {
        Self::Failed(TriageError::Store(error))
    }
}

/// A ticket taken up by a member of staff.
struct Work<'a> {
    office: &'a Office,
    edit: Edit,
    commit: Commit,
    now: Timestamp,
    by: Actor,
}

impl<'a> Work<'a> {
    async fn take(office: &'a Office, id: TicketId, agent: &AgentId) -> Result<Self, StaffError> {
        let number = id.number();
        let id = follow_merges(office, id)
            .await?
            .ok_or_else(|| StaffError::NoTicket(number.clone()))?;
        let ticket = office
            .store
            .ticket(id)
            .await?
            .ok_or(StaffError::NoTicket(number))?;
        let history = office.store.events(id).await?;
        let now = office.time.now();
        Ok(Self {
            office,
            edit: Edit::of(ticket, history),
            commit: Commit {
                at: Some(now),
                ..Commit::default()
            },
            now,
            by: Actor::Agent(agent.clone()),
        })
    }

    fn add_article(&mut self, kind: ArticleKind, author: &str, text: &str) {
        let ticket = self.edit.ticket();
        self.commit.articles.push(Article {
            ticket: ticket.id,
            kind,
            author: author.to_owned(),
            at: self.now,
            subject: ticket.subject.clone(),
            body: text.to_owned(),
            reply_text: text.to_owned(),
            message_id: None,
            inbox: None,
            attachments: Vec::new(),
            trust: None,
        });
        self.edit
            .record(self.now, self.by.clone(), Change::Article { kind });
    }

    async fn save(mut self) -> Result<Ticket, StaffError> {
        let id = self.edit.ticket().id;
        let desk = desk_of(self.office, &self.edit.ticket().desk)?;
        let edited = self.edit.finish(&desk.policy, &desk.calendar, self.now);
        self.commit
            .events
            .extend(edited.events.into_iter().map(|event| (id, event)));
        self.commit.tickets.push(edited.ticket.clone());
        match self.office.store.commit(&self.commit).await {
            Ok(()) => Ok(edited.ticket),
            Err(StoreError::Conflict) => Err(StaffError::Conflict(id.number())),
            Err(error) => Err(error.into()),
        }
    }
}

/// Answers the requester. The ticket is then resolved, or waits for the requester when the reply asks something back.
pub async fn reply(
    office: &Office,
    id: TicketId,
    agent: &AgentId,
    text: &str,
    wait: bool,
) -> Result<Ticket, StaffError> {
    if text.trim().is_empty() {
        return Err(StaffError::Empty);
    }
    let mut work = Work::take(office, id, agent).await?;
    let articles = office.store.articles(work.edit.ticket().id).await?;
    let ticket = work.edit.ticket();
    if ticket.requester.address.is_empty() {
        return Err(StaffError::NoRequester(ticket.id.number()));
    }
    let desk = desk_of(office, &ticket.desk)?;
    let number = ticket.id.number();
    let body = render(
        office,
        Prompt::Reply,
        ticket.lang,
        &[
            ("text", text.trim_end()),
            ("desk", desk.name(ticket.lang)),
            ("ticket", &number),
        ],
    )?;
    let letter_text = LetterText {
        purpose: "reply",
        body,
        automatic: Automatic::No,
        author: agent.as_str(),
        chat: match office.channels.get(&ticket.channel) {
            Some(profile) if profile.chat => Some(ChatDeparture {
                choices: if wait {
                    Vec::new()
                } else {
                    crate::flow::chat::answer_buttons(office, ticket.id, ticket.lang)?
                },
                ..ChatDeparture::default()
            }),
            _ => None,
        },
    };
    let chain = Chain::of_ticket(&articles);
    let to = ticket.requester.clone();
    let letter = to_requester(office, desk, ticket, &to, &chain, letter_text, work.now);
    work.commit.departures.push(letter.departure);
    work.commit.articles.push(letter.article);
    work.commit.message_ids.push(letter.seen);
    let kind = ArticleKind::Outbound;
    let (now, by) = (work.now, work.by.clone());
    work.edit
        .record(now, by.clone(), Change::Article { kind })
        .record(now, by.clone(), Change::AnsweredByStaff);
    if work.edit.ticket().assignee.is_none() {
        work.edit.assignee(now, by.clone(), Some(agent.clone()));
    }
    let to = if wait {
        TicketState::Waiting
    } else {
        TicketState::Resolved
    };
    work.edit.state(now, by, to);
    work.save().await
}

/// Writes a note between staff; it never reaches the requester.
pub async fn note(
    office: &Office,
    id: TicketId,
    agent: &AgentId,
    text: &str,
) -> Result<Ticket, StaffError> {
    if text.trim().is_empty() {
        return Err(StaffError::Empty);
    }
    let mut work = Work::take(office, id, agent).await?;
    work.add_article(ArticleKind::Note, agent.as_str(), text);
    work.save().await
}

/// Gives a ticket to an agent, or to nobody.
pub async fn assign(
    office: &Office,
    id: TicketId,
    agent: &AgentId,
    to: Option<AgentId>,
) -> Result<Ticket, StaffError> {
    let mut work = Work::take(office, id, agent).await?;
    let (now, by) = (work.now, work.by.clone());
    let taken = to.is_some();
    work.edit.assignee(now, by.clone(), to);
    if taken && work.edit.ticket().state == TicketState::New {
        work.edit.state(now, by, TicketState::Open);
    }
    work.save().await
}

/// Ends a ticket; with a reason it is noted.
pub async fn close(
    office: &Office,
    id: TicketId,
    agent: &AgentId,
    reason: Option<&str>,
) -> Result<Ticket, StaffError> {
    let mut work = Work::take(office, id, agent).await?;
    if let Some(reason) = reason.filter(|r| !r.trim().is_empty()) {
        work.add_article(ArticleKind::Note, agent.as_str(), reason);
    }
    let (now, by) = (work.now, work.by.clone());
    work.edit.state(now, by, TicketState::Closed);
    work.save().await
}

/// Makes a ticket part of another; its number stays an alias for ever.
pub async fn merge(
    office: &Office,
    id: TicketId,
    into: TicketId,
    agent: &AgentId,
) -> Result<Ticket, StaffError> {
    let number = into.number();
    let into = follow_merges(office, into)
        .await?
        .ok_or(StaffError::NoTicket(number))?;
    let mut work = Work::take(office, id, agent).await?;
    if work.edit.ticket().id == into {
        return Ok(work.edit.ticket().clone());
    }
    let (now, by) = (work.now, work.by.clone());
    work.edit.merge(now, by, into);
    work.save().await
}

/// What a member of staff types in while on the telephone (P1).
#[derive(Debug, Clone)]
pub struct Call {
    /// Who takes the call.
    pub agent: AgentId,
    /// The desk it is for; routing decides when `None`.
    pub desk: Option<crate::domain::ids::DeskId>,
    /// Who calls, as they gave their name.
    pub caller: Option<String>,
    /// An address for a written answer, where one was given.
    pub address: Option<String>,
    /// What it is about.
    pub subject: Option<String>,
    /// What was said.
    pub text: String,
    /// It was settled on the telephone.
    pub settled: bool,
    /// When the call came in; now when `None`.
    pub at: Option<Timestamp>,
}

/// Records a telephone inquiry as a ticket with both clocks.
pub async fn log_call(office: &Office, call: &Call) -> Result<Ticket, StaffError> {
    if call.text.trim().is_empty() {
        return Err(StaffError::Empty);
    }
    let now = office.time.now();
    let received_at = call.at.map_or(now, |at| at.min(now));
    let knowledge = office.knowledge.current();
    let lang = knowledge.language(&call.text, None);
    let route = knowledge.route(&RouteFacts {
        channel_desk: call.desk.clone(),
        recipients: &[],
        subject: call.subject.as_deref().unwrap_or_default(),
        text: &call.text,
        sender: call.address.as_deref().unwrap_or_default(),
        lang,
        known_agency: false,
        index_desk: None,
    });
    let desk = desk_of(office, call.desk.as_ref().unwrap_or(&route.desk))?;
    let id = reserve(office).await?;
    // Written answers go out by the channel that carries the desk's mail.
    let channel = office
        .notice_channel
        .clone()
        .unwrap_or_else(|| "phone".to_owned());
    let mut ticket = blank_ticket(office, desk, id, &channel, received_at);
    ticket.desk_address.clone_from(&desk.address);
    ticket.state = TicketState::Open;
    ticket.lang = lang;
    ticket.audience = route.audience;
    ticket.category = Some("phone".to_owned());
    ticket.queue = if route.desk == desk.id {
        route.queue.clone()
    } else {
        desk.default_queue.clone()
    };
    ticket.priority = route.priority;
    if route.priority == Priority::Urgent {
        ticket.queue = desk.urgent_queue.clone();
    }
    ticket.assignee = Some(call.agent.clone());
    ticket.requester = Party {
        address: call.address.clone().unwrap_or_default(),
        name: call.caller.clone(),
    };
    ticket.subject = match &call.subject {
        Some(subject) => bare_subject(subject).to_owned(),
        None => cut(call.text.lines().next().unwrap_or_default(), 40),
    };
    let created = Change::Created {
        desk: ticket.desk.clone(),
        queue: ticket.queue.clone(),
        state: ticket.state,
        why: "phone-call".to_owned(),
    };
    let subject = ticket.subject.clone();
    let by = Actor::Agent(call.agent.clone());
    let kind = ArticleKind::Inbound;
    let mut edit = Edit::new(ticket);
    edit.record(received_at, by.clone(), created).record(
        received_at,
        by.clone(),
        Change::Article { kind },
    );
    if call.settled {
        edit.record(now, by.clone(), Change::AnsweredByStaff)
            .state(now, by, TicketState::Resolved);
    }
    let edited = edit.finish(&desk.policy, &desk.calendar, now);
    let commit = Commit {
        at: Some(now),
        articles: vec![Article {
            ticket: id,
            kind,
            author: call.caller.clone().unwrap_or_else(|| "phone".to_owned()),
            at: received_at,
            subject,
            body: call.text.clone(),
            reply_text: call.text.clone(),
            message_id: None,
            inbox: None,
            attachments: Vec::new(),
            trust: None,
        }],
        events: edited.events.into_iter().map(|event| (id, event)).collect(),
        tickets: vec![edited.ticket.clone()],
        ..Commit::default()
    };
    office.store.commit(&commit).await?;
    Ok(edited.ticket)
}

/// The due instant of a ticket's next clock in words, for a person to read.
pub fn due_text(office: &Office, ticket: &Ticket, lang: Lang) -> String {
    let due = ticket
        .clocks
        .first_response
        .met_at
        .map_or(ticket.clocks.first_response.due_at, |_| {
            ticket.clocks.resolution.due_at
        });
    match office.desk(&ticket.desk) {
        Some(desk) => due_in_words(due, desk.calendar.zone(), lang),
        None => due.to_string(),
    }
}
