//! What the use cases share about tickets: a blank one, its number, its desk, its texts, and the ticket of a message nobody could read.

use crate::domain::article::{Article, ArticleKind};
use crate::domain::edit::Edit;
use crate::domain::event::{Actor, Change};
use crate::domain::ids::TicketId;
use crate::domain::inquiry::{Inquiry, bare_subject};
use crate::domain::language::Lang;
use crate::domain::sla::{Clock, Clocks};
use crate::domain::text::cut;
use crate::domain::ticket::{Audience, Priority, Ticket, TicketState};
use crate::flow::office::{DeskProfile, Office};
use crate::flow::ports::{Claimed, Commit, InboxOutcome, Outcome};
use crate::flow::triage::TriageError;
use crate::prompts::Prompt;
use jiff::Timestamp;
use madoguchi_channel::Party;

/// Graphemes of the first words that stand in for a missing subject.
const SUBJECT_FROM_TEXT: usize = 40;

/// What can't be decoded becomes a normal ticket; the raw file hangs on its article (zammad's `FailedEmail`).
pub async fn undecodable(
    office: &Office,
    claimed: &Claimed,
    reason: &str,
    now: Timestamp,
) -> Result<Commit, TriageError> {
    let desk_id = office
        .channels
        .get(&claimed.raw.channel)
        .and_then(|channel| channel.desk.clone())
        .unwrap_or_else(|| office.default_desk.clone());
    let desk = desk_of(office, &desk_id)?;
    let id = reserve(office).await?;
    let received_at = claimed.raw.received_at;
    let mut ticket = blank_ticket(office, desk, id, &claimed.raw.channel, received_at);
    ticket.subject = claimed.raw.external_id.clone();
    let created = Change::Created {
        desk: ticket.desk.clone(),
        queue: ticket.queue.clone(),
        state: ticket.state,
        why: "undecodable".to_owned(),
    };
    let mut edit = Edit::new(ticket);
    edit.record(received_at, Actor::Desk, created);
    let edited = edit.finish(&desk.policy, &desk.calendar, now);
    Ok(Commit {
        at: Some(now),
        inbox: Some(InboxOutcome {
            id: claimed.id,
            outcome: Outcome::Ticketed,
            reason: "undecodable".to_owned(),
            ticket: Some(id),
            evidence: serde_json::json!({ "decision": "escalate", "why": "undecodable", "reason": reason }),
        }),
        articles: vec![Article {
            ticket: id,
            kind: ArticleKind::System,
            author: "desk".to_owned(),
            at: now,
            subject: edited.ticket.subject.clone(),
            body: reason.to_owned(),
            reply_text: reason.to_owned(),
            message_id: None,
            inbox: Some(claimed.id),
            attachments: Vec::new(),
            trust: None,
        }],
        events: edited.events.into_iter().map(|event| (id, event)).collect(),
        tickets: vec![edited.ticket],
        ..Commit::default()
    })
}

/// The instant the requester is promised. A late rejection of an automatic answer can come after the due instant
/// of the clock staff see; nobody is promised a moment that has passed, so then a fresh target is named.
pub(crate) fn promised_due(
    desk: &DeskProfile,
    history: &[crate::domain::event::TicketEvent],
    now: Timestamp,
) -> Timestamp {
    let clocks = crate::domain::sla::clocks(&desk.policy, &desk.calendar, history, now);
    let due = clocks.first_response.due_at;
    if due > now {
        due
    } else {
        crate::domain::sla::due(&desk.calendar, desk.policy.first_response, now)
    }
}

/// A new ticket of a desk with nothing in it yet; its clocks are set by [`Edit::finish`].
pub(crate) fn blank_ticket(
    office: &Office,
    desk: &DeskProfile,
    id: TicketId,
    channel: &str,
    received_at: Timestamp,
) -> Ticket {
    let unset = Clock {
        due_at: received_at,
        met_at: None,
        paused_since: None,
    };
    Ticket {
        id,
        version: 0,
        desk: desk.id.clone(),
        queue: desk.default_queue.clone(),
        state: TicketState::New,
        priority: Priority::Normal,
        audience: Audience::Applicant,
        lang: Lang::Ja,
        category: None,
        subject: String::new(),
        requester: Party::default(),
        channel: channel.to_owned(),
        desk_address: office
            .channels
            .get(channel)
            .and_then(|profile| profile.address.clone())
            .unwrap_or_else(|| desk.address.clone()),
        assignee: None,
        received_at,
        updated_at: received_at,
        clocks: Clocks {
            first_response: unset,
            resolution: unset,
        },
        merged_into: None,
        linked: Vec::new(),
    }
}

pub(crate) async fn reserve(office: &Office) -> Result<TicketId, TriageError> {
    let ids = office.store.reserve(1).await?;
    ids.into_iter()
        .next()
        .ok_or_else(|| TriageError::Setup("the store reserved no ticket id".to_owned()))
}

pub(crate) fn desk_of<'a>(
    office: &'a Office,
    id: &crate::domain::ids::DeskId,
) -> Result<&'a DeskProfile, TriageError> {
    office
        .desk(id)
        .ok_or_else(|| TriageError::Setup(format!("no desk `{id}` and no default desk")))
}

/// Renders a text in the requester's language.
pub(crate) fn render(
    office: &Office,
    prompt: Prompt,
    lang: Lang,
    fields: &[(&str, &str)],
) -> Result<String, TriageError> {
    office
        .prompts
        .render(prompt, lang, fields)
        .map_err(|error| TriageError::Text(error.to_string()))
}

/// Subject of the new ticket: the subject line, else the first words.
pub(crate) fn subject_of(inquiry: &Inquiry) -> String {
    let subject = inquiry
        .message
        .subject
        .as_deref()
        .map_or("", bare_subject)
        .trim();
    if !subject.is_empty() {
        return subject.to_owned();
    }
    let first_line = inquiry
        .message
        .reply_text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    cut(first_line, SUBJECT_FROM_TEXT)
}
