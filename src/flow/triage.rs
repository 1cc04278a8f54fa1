//! Triage: one stored arrival becomes one decision and one commit.
//!
//! Read downward: [`triage_one`] → decode → [`gather`] → [`judge`] → `act` (in `act.rs`) → commit. Gathering does the I/O, judging does none,
//! so `madoguchi ask` runs the same judgement without a store.

use crate::domain::chat::{ChatAct, act_of, guard_of};
use crate::domain::decide::{Decision, Gathered, decide};
use crate::domain::event::Change;
use crate::domain::file::{File, KeptFile};
use crate::domain::guard::{GuardHit, GuardKind};
use crate::domain::ids::{DeskId, EntryId, TicketId};
use crate::domain::inquiry::{Inquiry, bare_subject};
use crate::domain::language::Lang;
use crate::domain::route::{Route, RouteFacts};
use crate::domain::screen::{ScreenFacts, Verdict, screen};
use crate::domain::text::normalise;
use crate::domain::thread::{Candidate, ThreadFacts, Threading, thread};
use crate::domain::ticket::{Priority, TicketState};
use crate::domain::token::mentions;
use crate::flow::act;
use crate::flow::chat;
use crate::flow::firsts::Firsts;
use crate::flow::office::Office;
use crate::flow::ports::{Claimed, KnowledgeVersion, Outcome, Question, StoreError};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use madoguchi_channel::{DecodeError, InboundMessage, MarkKind, Party};
use std::sync::Arc;

/// Triage failed; the arrival stays in the inbox and is tried again.
#[derive(Debug, thiserror::Error)]
pub enum TriageError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A text could not be written; `check` finds these.
    #[error("a text could not be written: {0}")]
    Text(String),
    /// Configuration lacks something; `check` finds these.
    #[error("{0}")]
    Setup(String),
}

/// Decodes an arrival by the channel it came by.
#[async_trait]
pub trait Decoder: Send + Sync {
    /// Pure; the same bytes give the same message.
    fn decode(&self, channel: &str, bytes: &[u8]) -> Result<InboundMessage, DecodeError>;
    /// The contents of its attachments, in their order; fetched from the server where the arrival only names them. `Err` inside: this
    /// one cannot be had, in words for staff.
    ///
    /// # Errors
    /// Not now; the arrival is tried again.
    async fn files(
        &self,
        channel: &str,
        bytes: &[u8],
    ) -> Result<Vec<Result<Vec<u8>, String>>, String>;
    /// Shows the person that an answer is being prepared, where the channel can.
    async fn working(&self, channel: &str, to: &Party);
}

/// So many claims without an end, and the arrival is not decoded any more: it kills the process. Claims come in batches, so an innocent
/// arrival beside a poisonous one, or in a process that is killed often, counts a few as well: the number leaves room for them.
const POISON_ATTEMPTS: u32 = 10;
/// So many times files are asked for that the server does not hand out now; then the message goes on without them.
const FILE_ATTEMPTS: u32 = 5;

/// Automatic messages in a chat, as a multiple of those in letters.
const CHAT_CAPS: u32 = 10;

/// From this confidence on the index may say whose an inquiry is, where no rule does. Lower than any threshold for answering: a wrong
/// desk costs staff a move, a wrong answer costs the requester.
const LIKELY_DESK: f64 = 0.25;

/// Everything judged about one inquiry, kept as evidence.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Judged {
    /// What becomes of it.
    #[serde(flatten)]
    pub decision: Decision,
    /// Where it goes.
    pub route: Route,
    /// Further desks it is addressed to; each gets a ticket of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<DeskId>,
    /// Its language.
    pub lang: Lang,
    /// New or follow-up.
    pub threading: Threading,
    /// Machine or person.
    pub verdict: Verdict,
    /// Guards that spoke.
    pub guards: Vec<GuardHit>,
    /// Confidence from which the desk lets an entry be sent.
    pub threshold: f64,
    /// What the index offered.
    pub hits: Vec<crate::domain::decide::Hit>,
    /// The version of the knowledge that was asked.
    pub knowledge: String,
}

/// An arrival read and its sender looked at, or why it cannot be read.
pub struct Prepared {
    claimed: Claimed,
    read: Result<Inquiry, Unread>,
}

/// Why an arrival could not be prepared.
enum Unread {
    /// It cannot be understood: it becomes a ticket with the raw file.
    Decode(DecodeError),
    /// Its files could not be kept: it is tried again.
    Store(StoreError),
}

/// Reads an arrival and looks at its sender. Touches no ticket, so that a batch may do it side by side: name servers are slow.
pub async fn prepare(office: &Office, decoder: &Arc<dyn Decoder>, claimed: Claimed) -> Prepared {
    let message = match decode(decoder, &claimed).await {
        Ok(message) => message,
        Err(error) => {
            return Prepared {
                claimed,
                read: Err(Unread::Decode(error)),
            };
        }
    };
    if let (Some(_), Some(from)) = (&message.chat, &message.from) {
        decoder.working(&claimed.raw.channel, from).await;
    }
    let mut message = message;
    let (files, kept) = match keep_files(office, decoder, &claimed, &mut message).await {
        Ok(kept) => kept,
        Err(error) => {
            return Prepared {
                claimed,
                read: Err(Unread::Store(error)),
            };
        }
    };
    let raw = &claimed.raw;
    let trust = office
        .sender_checks
        .check(&raw.channel, &raw.bytes, &message)
        .await;
    let inquiry = Inquiry {
        inbox: claimed.id,
        channel: raw.channel.clone(),
        received_at: raw.received_at,
        silent: raw.silent,
        restored: claimed.restored,
        trust,
        files,
        kept,
        message,
    };
    Prepared {
        claimed,
        read: Ok(inquiry),
    }
}

/// Judges one prepared arrival and commits what follows. Returns what became of it.
pub async fn triage_one(office: &Office, prepared: Prepared) -> Result<Outcome, TriageError> {
    let now = office.time.now();
    let Prepared { claimed, read } = prepared;
    let inquiry = match read {
        Ok(inquiry) => inquiry,
        Err(Unread::Store(error)) => return Err(error.into()),
        Err(Unread::Decode(error)) => {
            let commit =
                crate::flow::ticketing::undecodable(office, &claimed, &error.reason, now).await?;
            return finish(office, commit).await;
        }
    };
    if let Some(arrival) = &inquiry.message.chat
        && let Some(act) = act_of(arrival)
        && let Some(commit) = chat::carry_out(office, &inquiry, arrival, &act, now).await?
    {
        return finish(office, commit).await;
    }
    let gathered = gather(office, &inquiry, now).await?;
    let knowledge = office.knowledge.current();
    let judged = judge(office, knowledge.as_ref(), &inquiry, &gathered, now);
    let commit = act::act(
        office,
        knowledge.as_ref(),
        &inquiry,
        &judged,
        &gathered,
        now,
    )
    .await?;
    finish(office, commit).await
}

/// Keeps the files that came along and shows them to the scanner. What is larger than any desk takes stays in the raw message alone.
async fn keep_files(
    office: &Office,
    decoder: &Arc<dyn Decoder>,
    claimed: &Claimed,
    message: &mut InboundMessage,
) -> Result<(Vec<File>, Vec<KeptFile>), StoreError> {
    if message.attachments.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let fetched = decoder
        .files(&claimed.raw.channel, &claimed.raw.bytes)
        .await;
    let contents = match fetched {
        Ok(contents) => contents,
        Err(words) if claimed.attempts < FILE_ATTEMPTS => {
            return Err(StoreError::Unavailable(words));
        }
        Err(words) => {
            message.problems.push(format!(
                "the files that came along could not be fetched: {words}"
            ));
            Vec::new()
        }
    };
    let (mut files, mut kept) = (Vec::new(), Vec::new());
    let mut contents = contents.into_iter();
    for attachment in &message.attachments.clone() {
        let mut file = File::from(attachment.clone());
        let content = match contents.next() {
            Some(Ok(content)) => content,
            Some(Err(words)) => {
                message.problems.push(words);
                Vec::new()
            }
            None => Vec::new(),
        };
        if !content.is_empty() {
            let sha256 = office.vault.keep(&content).await?;
            file.sha256 = Some(sha256.clone());
            let (scan, scan_words) = office.vault.scan(&content).await;
            kept.push(KeptFile {
                sha256,
                size: content.len() as u64,
                found_type: office.vault.found_type(&content),
                scan,
                scan_words,
                kept_at: claimed.raw.received_at,
            });
        }
        files.push(file);
    }
    Ok((files, kept))
}

async fn finish(
    office: &Office,
    commit: crate::flow::ports::Commit,
) -> Result<Outcome, TriageError> {
    let outcome = commit
        .inbox
        .as_ref()
        .map_or(Outcome::Ticketed, |inbox| inbox.outcome);
    office.store.commit(&commit).await?;
    Ok(outcome)
}

/// Decodes away from the async threads, so that neither a long message nor a panicking parser harms the others.
async fn decode(
    decoder: &Arc<dyn Decoder>,
    claimed: &Claimed,
) -> Result<InboundMessage, DecodeError> {
    if claimed.attempts >= POISON_ATTEMPTS {
        return Err(DecodeError {
            reason: format!(
                "reading it was begun {} times and never ended",
                claimed.attempts - 1
            ),
        });
    }
    let decoder = Arc::clone(decoder);
    let channel = claimed.raw.channel.clone();
    let bytes = claimed.raw.bytes.clone();
    let task = tokio::task::spawn_blocking(move || decoder.decode(&channel, &bytes));
    match task.await {
        Ok(result) => result,
        Err(_) => Err(DecodeError {
            reason: "the reader failed on it".to_owned(),
        }),
    }
}

/// What the store knows that bears on one inquiry.
#[derive(Debug, Clone)]
pub struct Facts {
    /// For screening.
    pub screen: ScreenFacts,
    /// For threading.
    pub thread: ThreadFacts,
    /// The last language of the conversation.
    pub prior_lang: Option<Lang>,
    /// Of the ticket it would join: answered from the knowledge and not written in since.
    pub answered_by_entry: Vec<TicketId>,
    /// Entries offered in it that may still be chosen.
    pub offered: Vec<EntryId>,
    /// What must happen once, of this message.
    pub firsts: Firsts,
}

impl Facts {
    /// Facts of a message nobody has written before (`ask`).
    pub fn none(office: &Office) -> Self {
        Self {
            screen: ScreenFacts {
                own_addresses: Vec::new(),
                own_installations: Vec::new(),
                staff_addresses: Vec::new(),
                sent_to_sender: 0,
                sent_in_ticket: 0,
                sent_in_all: 0,
                caps: office.caps,
            },
            thread: ThreadFacts::default(),
            prior_lang: None,
            answered_by_entry: Vec::new(),
            offered: Vec::new(),
            firsts: Firsts::default(),
        }
    }
}

/// Collects what needs I/O: tickets the message points to, who is in them, how often the desk wrote by itself.
pub async fn gather(
    office: &Office,
    inquiry: &Inquiry,
    now: Timestamp,
) -> Result<Facts, StoreError> {
    let store = &office.store;
    let message = &inquiry.message;
    let subject = message.subject.clone().unwrap_or_default();
    let mut ids: Vec<String> = message.references.clone();
    ids.extend(message.in_reply_to.iter().cloned());
    let mut seen = store.by_message_ids(&ids).await?;
    // The nearest message decides: In-Reply-To first, then the chain from its end.
    let rank = |id: &str| {
        message
            .in_reply_to
            .iter()
            .position(|known| known == id)
            .unwrap_or_else(|| {
                let from_end = message
                    .references
                    .iter()
                    .rev()
                    .position(|known| known == id);
                message.in_reply_to.len() + from_end.unwrap_or(usize::MAX / 2)
            })
    };
    seen.sort_by_key(|hit| rank(&hit.message_id));
    let mut facts = Facts::none(office);
    for hit in seen {
        if let Some(candidate) = candidate(office, hit.ticket).await? {
            facts
                .thread
                .by_reference
                .push((candidate, hit.sent_by_desk));
        }
    }
    let addresses = message.to.iter().map(|party| party.address.as_str());
    let signed = std::iter::once(subject.as_str())
        .chain(addresses)
        .find_map(|text| office.token_key.find_signed(text));
    if let Some(id) = signed {
        facts.thread.by_token = candidate(office, id).await?;
    }
    for (id, _) in mentions(&subject)
        .into_iter()
        .chain(mentions(&message.reply_text))
        .take(5)
    {
        if let Some(id) = follow_merges(office, id).await? {
            facts.thread.by_number.push(id);
        }
    }
    facts.firsts = Firsts::of(office, inquiry).await?;
    facts.thread.by_part = match facts.firsts.part_ticket {
        Some(ticket) => follow_merges(office, ticket).await?,
        None => None,
    };
    if let Some(arrival) = &message.chat {
        if let Some(id) = chat::ticket_meant(office, inquiry, arrival).await? {
            facts.thread.by_conversation = candidate(office, id).await?;
        }
        // A conversation is many short messages.
        facts.screen.caps.per_sender = facts.screen.caps.per_sender.saturating_mul(CHAT_CAPS);
        facts.screen.caps.per_ticket = facts.screen.caps.per_ticket.saturating_mul(CHAT_CAPS);
    }
    facts.thread.sender_failed = inquiry.trust.failed();
    let sender = inquiry.author().address.to_lowercase();
    facts.thread.sender = (!sender.is_empty()).then_some(sender);
    facts.thread.subject = subject;
    facts.thread.bounce = message
        .marks
        .iter()
        .any(|mark| mark.kind == MarkKind::Bounce);
    facts.thread.received_at = Some(inquiry.received_at);
    facts.thread.reopen_days = office.reopen_days;

    let joined = facts
        .thread
        .by_token
        .as_ref()
        .or_else(|| facts.thread.by_reference.first().map(|(c, _)| c))
        .or(facts.thread.by_conversation.as_ref())
        .map(|c| c.ticket.clone());
    if let Some(ticket) = &joined {
        facts.prior_lang = Some(ticket.lang);
        let events = store.events(ticket.id).await?;
        if answered_by_entry(events.iter().map(|event| &event.change)) {
            facts.answered_by_entry.push(ticket.id);
        }
        facts.offered = still_offered(events.iter().map(|event| &event.change));
        facts.thread.staff_spoke = events
            .iter()
            .rev()
            .find_map(|event| match &event.change {
                Change::AnsweredByStaff => Some(true),
                Change::AnsweredByEntry { .. } => Some(false),
                _ => None,
            })
            .unwrap_or(false);
    }
    if message.chat.is_some()
        && let Some(chosen) = chat::chosen_language(office, inquiry).await?
    {
        facts.prior_lang = Some(chosen);
    }
    let to = inquiry.reply_party().map(|p| p.address.clone());
    let since = now
        .checked_sub(SignedDuration::from_hours(24))
        .unwrap_or(now);
    let counts = store
        .automatic_count(
            &to.unwrap_or_default(),
            joined.as_ref().map(|ticket| ticket.id),
            since,
        )
        .await?;
    facts.screen.sent_to_sender = counts.to_address;
    facts.screen.sent_in_ticket = counts.in_ticket;
    facts.screen.sent_in_all = counts.in_all;
    facts.screen.own_addresses = office.own_addresses();
    facts.screen.staff_addresses = office.staff_addresses();
    facts.screen.own_installations = std::iter::once(office.installation.clone())
        .chain(office.former_installations.iter().cloned())
        .collect();
    Ok(facts)
}

/// True when the last thing said to the requester is an entry, and nobody rejected it yet.
fn answered_by_entry<'a>(changes: impl Iterator<Item = &'a Change>) -> bool {
    changes.fold(false, |answered, change| match change {
        Change::AnsweredByEntry { .. } => true,
        Change::AnsweredByStaff | Change::AnswerRejected => false,
        _ => answered,
    })
}

/// The entries of the last offer, until somebody answers.
fn still_offered<'a>(changes: impl Iterator<Item = &'a Change>) -> Vec<EntryId> {
    changes.fold(Vec::new(), |offered, change| match change {
        Change::Offered { entries } => entries.clone(),
        Change::AnsweredByEntry { .. } | Change::AnsweredByStaff => Vec::new(),
        _ => offered,
    })
}

/// The entry a message chooses: its button, or a bare number in answer to the list.
fn chosen(message: &InboundMessage, offered: &[EntryId]) -> Option<EntryId> {
    let place = match message.chat.as_ref().and_then(act_of) {
        Some(ChatAct::Choose(_, place)) => place,
        _ => normalise(&message.reply_text)
            .trim_matches(|c: char| !c.is_alphanumeric())
            .parse()
            .ok()?,
    };
    offered.get(place.checked_sub(1)?).cloned()
}

async fn candidate(office: &Office, id: TicketId) -> Result<Option<Candidate>, StoreError> {
    let Some(id) = follow_merges(office, id).await? else {
        return Ok(None);
    };
    let Some(ticket) = office.store.ticket(id).await? else {
        return Ok(None);
    };
    let mut participants: Vec<String> = office
        .store
        .articles(id)
        .await?
        .into_iter()
        .filter(|article| article.kind == crate::domain::article::ArticleKind::Inbound)
        .map(|article| article.author.to_lowercase())
        .collect();
    participants.push(ticket.requester.address.to_lowercase());
    participants.retain(|address| !address.is_empty());
    Ok(Some(Candidate {
        ticket,
        participants,
    }))
}

/// The ticket a number means today: merged numbers stay aliases.
pub async fn follow_merges(office: &Office, id: TicketId) -> Result<Option<TicketId>, StoreError> {
    let mut id = id;
    // Merges form no circle, but a bound costs nothing.
    for _ in 0..32 {
        match office.store.ticket(id).await? {
            None => return Ok(None),
            Some(ticket) => match ticket.merged_into {
                Some(into) => id = into,
                None => return Ok(Some(id)),
            },
        }
    }
    Ok(None)
}

/// The judgements, in order: language, screen, thread, route, search, decide. No I/O but the index in memory.
pub fn judge(
    office: &Office,
    knowledge: &dyn KnowledgeVersion,
    inquiry: &Inquiry,
    facts: &Facts,
    now: Timestamp,
) -> Judged {
    let message = &inquiry.message;
    let text = inquiry.question();
    let subject = message.subject.as_deref().map_or("", bare_subject);
    let both = if subject.is_empty() || text.starts_with(subject) {
        text.clone()
    } else {
        format!("{subject}\n{text}")
    };
    let lang = knowledge.language(&both, facts.prior_lang);
    let verdict = screen(inquiry, &facts.screen);
    let mut guards = knowledge.guards(&text);
    if let Some(act) = message.chat.as_ref().and_then(act_of) {
        guards.extend(guard_of(&act));
    }
    for hit in knowledge.guards(subject) {
        if !guards.iter().any(|known| known.kind == hit.kind) {
            guards.push(hit);
        }
    }
    guards.sort_by_key(|hit| hit.kind);
    let says = |kind: GuardKind| guards.iter().any(|hit| hit.kind == kind);
    let threading = if message.chat.is_some() {
        let answer = [
            GuardKind::NotHelped,
            GuardKind::HumanWanted,
            GuardKind::Thanks,
        ];
        thread(&ThreadFacts {
            speaks_of_answer: answer.into_iter().any(says),
            ..facts.thread.clone()
        })
    } else {
        thread(&facts.thread)
    };

    let recipients: Vec<String> = message.to.iter().map(|p| p.address.clone()).collect();
    let sender = inquiry.author().address;
    let channel_desk = office
        .channels
        .get(&inquiry.channel)
        .and_then(|channel| channel.desk.clone());
    let today_at = |desk: Option<&DeskId>| {
        let profile = office.desk(desk.unwrap_or(&office.default_desk));
        let zone = profile.map_or(jiff::tz::TimeZone::UTC, |p| p.calendar.zone().clone());
        now.to_zoned(zone).date()
    };
    let ask = |desk: Option<DeskId>| {
        let question = |text: &str| Question {
            text: text.to_owned(),
            lang,
            today: today_at(desk.as_ref()),
            desk: desk.clone(),
        };
        let hits = knowledge.search(&question(&text));
        if both == text {
            return hits;
        }
        // The subject may hold the words the body leaves out, or be noise: the surer reading counts.
        let with_subject = knowledge.search(&question(&both));
        let best = |hits: &[crate::domain::decide::Hit]| hits.first().map_or(0.0, |h| h.confidence);
        if best(&with_subject) > best(&hits) {
            with_subject
        } else {
            hits
        }
    };
    let route_facts = |index_desk: Option<DeskId>| RouteFacts {
        channel_desk: channel_desk.clone(),
        recipients: &recipients,
        subject,
        text: &text,
        sender: &sender,
        lang,
        known_agency: false,
        index_desk,
    };
    let mut hits = ask(channel_desk.clone());
    let threshold_of = |desk: &DeskId| {
        office
            .desk(desk)
            .and_then(|profile| profile.threshold)
            .unwrap_or_else(|| knowledge.threshold(desk))
    };
    let likely_desk = hits
        .first()
        .filter(|hit| hit.confidence >= LIKELY_DESK)
        .map(|hit| hit.desk.clone());
    let route = knowledge.route(&route_facts(likely_desk));
    if channel_desk.is_none() && hits.first().is_some_and(|hit| hit.desk != route.desk) {
        hits = ask(Some(route.desk.clone()));
    }
    let joined = match &threading {
        Threading::FollowUp { ticket, .. } => facts
            .thread
            .by_token
            .iter()
            .chain(facts.thread.by_reference.iter().map(|(c, _)| c))
            .chain(&facts.thread.by_conversation)
            .map(|c| &c.ticket)
            .find(|t| t.id == *ticket),
        Threading::New { .. } => None,
    };
    let threshold = threshold_of(&route.desk);
    let desk = joined.map_or(&route.desk, |ticket| &ticket.desk).clone();
    let also = match (&threading, &channel_desk) {
        (Threading::New { .. }, None) => office
            .desks_addressed(&recipients)
            .into_iter()
            .filter(|also| *also != desk && !facts.firsts.at_desk.contains_key(also))
            .collect(),
        _ => Vec::new(),
    };
    let gathered = Gathered {
        verdict: verdict.clone(),
        threading: threading.clone(),
        answered_by_entry: joined.is_some_and(|t| facts.answered_by_entry.contains(&t.id)),
        settled: joined
            .is_some_and(|t| matches!(t.state, TicketState::Resolved | TicketState::Closed)),
        chosen: chosen(message, &facts.offered),
        guards: guards.clone(),
        duplicate_of: facts.firsts.at_desk.get(&desk).copied(),
        answered_by_twin: facts.firsts.lettered,
        part: facts.firsts.part_key.is_some(),
        too_large: office
            .desk(&route.desk)
            .and_then(|desk| desk.largest_file)
            .is_some_and(|most| message.attachments.iter().any(|a| a.size as u64 > most)),
        empty: inquiry.is_empty(),
        has_files: !message.attachments.is_empty(),
        urgent_route: route.priority == Priority::Urgent,
        staff_only: route.staff_only(),
        desk: route.desk.clone(),
        hits: hits.clone(),
        threshold,
    };
    Judged {
        decision: decide(&gathered),
        also,
        route,
        lang,
        threading,
        verdict,
        guards,
        threshold,
        hits,
        knowledge: knowledge.version(),
    }
}
