//! Chat: buttons, commands and changed messages. What is plain words goes the way of every inquiry; this is the rest.

use crate::domain::article::{Article, ArticleKind};
use crate::domain::chat::{
    BEST_RATING, ChatAct, act_of, answer_choices, language_choices, offer_choices, rating_choices,
};
use crate::domain::edit::Edit;
use crate::domain::event::{Actor, Change};
use crate::domain::ids::TicketId;
use crate::domain::inquiry::Inquiry;
use crate::domain::language::Lang;
use crate::domain::ticket::{Ticket, TicketState};
use crate::flow::letters::{LetterText, to_requester};
use crate::flow::office::Office;
use crate::flow::ports::{Commit, InboxOutcome, NewDeparture, Outcome, StoreError};
use crate::flow::reply::due_text;
use crate::flow::ticketing::{desk_of, render};
use crate::flow::triage::{TriageError, follow_merges};
use crate::prompts::Prompt;
use jiff::Timestamp;
use madoguchi_channel::{
    AlterationKind, Automatic, ChatArrival, ChatDeparture, Choice, OutboundMessage,
};

/// How a letter in answer to this arrival travels in its chat.
pub fn departure_of(chat: &ChatArrival, choices: Vec<Choice>) -> ChatDeparture {
    ChatDeparture {
        choices,
        reply_handle: chat.reply_handle.clone(),
        public: chat.public,
        parts_sent: 0,
    }
}

/// Buttons under an answer, in a language.
///
/// # Errors
/// A label cannot be written; `check` finds these.
pub fn answer_buttons(
    office: &Office,
    ticket: TicketId,
    lang: Lang,
) -> Result<Vec<Choice>, TriageError> {
    let label = |prompt| render(office, prompt, lang, &[]).map(|text| text.trim().to_owned());
    let (solved, unsolved, human) = (
        label(Prompt::ChatSolved)?,
        label(Prompt::ChatUnsolved)?,
        label(Prompt::ChatHuman)?,
    );
    Ok(answer_choices(ticket, [&solved, &unsolved, &human]))
}

/// Buttons for entries that are offered, in a language.
///
/// # Errors
/// A label cannot be written; `check` finds these.
pub fn offer_buttons(
    office: &Office,
    ticket: TicketId,
    titles: &[String],
    lang: Lang,
) -> Result<Vec<Choice>, TriageError> {
    let human = render(office, Prompt::ChatHuman, lang, &[])?;
    Ok(offer_choices(ticket, titles, human.trim()))
}

/// The language a person chose for a conversation.
///
/// # Errors
/// The store failed.
pub async fn chosen_language(
    office: &Office,
    inquiry: &Inquiry,
) -> Result<Option<Lang>, StoreError> {
    let chosen = office.store.setting(&language_key(inquiry)).await?;
    Ok(chosen.as_deref().and_then(Lang::parse))
}

fn language_key(inquiry: &Inquiry) -> String {
    format!(
        "chat-language:{}:{}",
        inquiry.channel,
        inquiry.author().address
    )
}

/// The ticket of the conversation that was written in last.
///
/// # Errors
/// The store failed.
pub async fn latest_ticket(
    office: &Office,
    inquiry: &Inquiry,
) -> Result<Option<Ticket>, StoreError> {
    let address = inquiry.author().address;
    let Some(id) = office.store.latest_of(&inquiry.channel, &address).await? else {
        return Ok(None);
    };
    match follow_merges(office, id).await? {
        Some(id) => office.store.ticket(id).await,
        None => Ok(None),
    }
}

/// The ticket a message of a chat means: the one its button stood under, else the last one of the conversation.
///
/// # Errors
/// The store failed.
pub async fn ticket_meant(
    office: &Office,
    inquiry: &Inquiry,
    chat: &ChatArrival,
) -> Result<Option<TicketId>, StoreError> {
    let latest = latest_ticket(office, inquiry).await?;
    let named = match act_of(chat) {
        Some(ChatAct::NotSolved(id) | ChatAct::Human(Some(id)) | ChatAct::Choose(id, _)) => {
            follow_merges(office, id).await?
        }
        _ => None,
    };
    if let Some(id) = named
        && let Some(ticket) = office.store.ticket(id).await?
        && is_theirs(&ticket, inquiry)
    {
        return Ok(Some(id));
    }
    Ok(latest.map(|ticket| ticket.id))
}

/// Is the ticket of this very conversation? Keys of buttons can be made up by whoever speaks the protocol.
fn is_theirs(ticket: &Ticket, inquiry: &Inquiry) -> bool {
    ticket.channel == inquiry.channel && ticket.requester.address == inquiry.author().address
}

/// Carries out what is no inquiry. `None`: it goes the way of every inquiry.
///
/// # Errors
/// The store failed, or a text cannot be written.
pub async fn carry_out(
    office: &Office,
    inquiry: &Inquiry,
    chat: &ChatArrival,
    act: &ChatAct,
    now: Timestamp,
) -> Result<Option<Commit>, TriageError> {
    let latest = latest_ticket(office, inquiry).await?;
    let hinted = inquiry
        .message
        .lang_hint
        .as_deref()
        .and_then(Lang::from_tag);
    let lang = chosen_language(office, inquiry)
        .await?
        .or(latest.as_ref().map(|ticket| ticket.lang))
        .or(hinted)
        .unwrap_or(Lang::Ja);
    let room = Room {
        office,
        inquiry,
        chat,
        now,
    };
    let said = |prompt, lang, choices| room.say(prompt, lang, &[], choices);
    Ok(Some(match act {
        ChatAct::Welcome => said(Prompt::ChatWelcome, lang, language_choices())?,
        ChatAct::Help => said(Prompt::ChatHelp, lang, Vec::new())?,
        ChatAct::Language(None) => said(Prompt::ChatLanguage, lang, language_choices())?,
        ChatAct::Language(Some(chosen)) => {
            let key = language_key(inquiry);
            office.store.set_setting(&key, chosen.as_str()).await?;
            said(Prompt::ChatLanguage, *chosen, Vec::new())?
        }
        ChatAct::Status => room.status(latest.as_ref(), lang)?,
        ChatAct::Gone => room.ignored("blocked-by-requester", Vec::new()),
        ChatAct::Solved(id) => match room.own(*id).await? {
            Some(edit) => room.solved(edit, lang)?,
            None => room.ignored("not-their-ticket", Vec::new()),
        },
        ChatAct::Rate(id, mark) => match room.own(*id).await? {
            Some(edit) => room.rated(edit, *mark, lang)?,
            None => room.ignored("not-their-ticket", Vec::new()),
        },
        ChatAct::Altered { message_id, kind } => room.altered(message_id, *kind).await?,
        ChatAct::Human(_) | ChatAct::NotSolved(_) | ChatAct::Choose(..) | ChatAct::Erase => {
            return Ok(None);
        }
    }))
}

/// One arrival in its conversation.
struct Room<'a> {
    office: &'a Office,
    inquiry: &'a Inquiry,
    chat: &'a ChatArrival,
    now: Timestamp,
}

impl Room<'_> {
    fn ledger(&self, outcome: Outcome, reason: &str, ticket: Option<TicketId>) -> InboxOutcome {
        InboxOutcome {
            id: self.inquiry.inbox,
            outcome,
            reason: reason.to_owned(),
            ticket,
            evidence: serde_json::Value::Null,
        }
    }

    fn ignored(&self, why: &str, departures: Vec<NewDeparture>) -> Commit {
        Commit {
            at: Some(self.now),
            departures,
            inbox: Some(self.ledger(Outcome::Ignored, why, None)),
            ..Commit::default()
        }
    }

    /// A word of the desk that belongs to no ticket.
    fn say(
        &self,
        prompt: Prompt,
        lang: Lang,
        fields: &[(&str, &str)],
        choices: Vec<Choice>,
    ) -> Result<Commit, TriageError> {
        let why = format!("chat:{}", prompt.name());
        let Some(to) = self.inquiry.reply_party().filter(|_| !self.inquiry.silent) else {
            return Ok(self.ignored(&why, Vec::new()));
        };
        let desk_id = self
            .office
            .channels
            .get(&self.inquiry.channel)
            .and_then(|profile| profile.desk.clone())
            .unwrap_or_else(|| self.office.default_desk.clone());
        let desk = desk_of(self.office, &desk_id)?;
        let mut all = vec![("desk", desk.name(lang))];
        all.extend_from_slice(fields);
        let departure = NewDeparture {
            channel: self.inquiry.channel.clone(),
            ticket: None,
            purpose: "chat".to_owned(),
            message: OutboundMessage {
                message_id: self.office.new_message_id(&desk.address),
                installation: self.office.installation.clone(),
                from: self.office.desk_party(desk, &desk.address, lang),
                to: to.clone(),
                body: render(self.office, prompt, lang, &all)?,
                lang: lang.as_str().to_owned(),
                in_reply_to: self.inquiry.message.message_id.clone(),
                automatic: Automatic::Replied,
                written_at: self.now,
                chat: Some(departure_of(self.chat, choices)),
                ..OutboundMessage::default()
            },
        };
        Ok(self.ignored(&why, vec![departure]))
    }

    fn status(&self, latest: Option<&Ticket>, lang: Lang) -> Result<Commit, TriageError> {
        let Some(ticket) = latest else {
            return self.say(Prompt::ChatStatusNone, lang, &[], Vec::new());
        };
        let number = ticket.id.number();
        let due = due_text(self.office, ticket, lang);
        let settled = matches!(ticket.state, TicketState::Resolved | TicketState::Closed);
        let waiting = ticket.state == TicketState::Waiting;
        let fields = [
            ("ticket", number.as_str()),
            ("due", due.as_str()),
            ("settled", if settled { "yes" } else { "" }),
            ("waiting", if waiting { "yes" } else { "" }),
        ];
        self.say(Prompt::ChatStatus, lang, &fields, Vec::new())
    }

    /// A ticket of this very conversation, to be changed.
    async fn own(&self, id: TicketId) -> Result<Option<Edit>, TriageError> {
        let Some(id) = follow_merges(self.office, id).await? else {
            return Ok(None);
        };
        let store = &self.office.store;
        let Some(ticket) = store.ticket(id).await? else {
            return Ok(None);
        };
        if !is_theirs(&ticket, self.inquiry) {
            return Ok(None);
        }
        let history = store.events(id).await?;
        Ok(Some(Edit::of(ticket, history)))
    }

    fn solved(&self, mut edit: Edit, lang: Lang) -> Result<Commit, TriageError> {
        let ticket = edit.ticket().id;
        edit.state(
            self.inquiry.received_at,
            Actor::Requester,
            TicketState::Closed,
        );
        let text = self.letter(&edit, Prompt::ChatRate, lang)?;
        let note = "The requester says that this settled it.".to_owned();
        self.write(edit, "solved", note, Some((text, rating_choices(ticket))))
    }

    fn rated(&self, mut edit: Edit, mark: u8, lang: Lang) -> Result<Commit, TriageError> {
        edit.record(
            self.inquiry.received_at,
            Actor::Requester,
            Change::Rated { mark },
        );
        let text = self.letter(&edit, Prompt::ChatRated, lang)?;
        let note = format!("The requester's mark: {mark} of {BEST_RATING}.");
        self.write(edit, "rated", note, Some((text, Vec::new())))
    }

    fn letter(&self, edit: &Edit, prompt: Prompt, lang: Lang) -> Result<String, TriageError> {
        let desk = desk_of(self.office, &edit.ticket().desk)?;
        let number = edit.ticket().id.number();
        let fields = [("ticket", number.as_str()), ("desk", desk.name(lang))];
        render(self.office, prompt, lang, &fields)
    }

    /// Staff see what a message says now; an edit that changes nothing leaves no trace.
    async fn altered(&self, message_id: &str, kind: AlterationKind) -> Result<Commit, TriageError> {
        let known = self
            .office
            .store
            .by_message_ids(&[message_id.to_owned()])
            .await?;
        let Some(seen) = known.into_iter().find(|seen| !seen.sent_by_desk) else {
            return Ok(self.ignored("changed-unknown-message", Vec::new()));
        };
        let Some(edit) = self.own(seen.ticket).await? else {
            return Ok(self.ignored("not-their-ticket", Vec::new()));
        };
        let articles = self.office.store.articles(edit.ticket().id).await?;
        let text = &self.inquiry.message.text;
        let before = articles
            .iter()
            .find(|article| article.message_id.as_deref() == Some(message_id));
        if kind == AlterationKind::Edited && before.is_some_and(|a| a.body.trim() == text.trim()) {
            return Ok(self.ignored("edit-without-change", Vec::new()));
        }
        let (reason, note) = match kind {
            AlterationKind::Edited => (
                "edited",
                format!("The requester changed this message. It reads now:\n\n{text}"),
            ),
            AlterationKind::Deleted => (
                "taken-back",
                "The requester took a message back; it stays readable here.".to_owned(),
            ),
        };
        self.write(edit, reason, note, None)
    }

    fn write(
        &self,
        mut edit: Edit,
        reason: &str,
        note: String,
        letter: Option<(String, Vec<Choice>)>,
    ) -> Result<Commit, TriageError> {
        let mut commit = Commit {
            at: Some(self.now),
            ..Commit::default()
        };
        let kind = ArticleKind::System;
        commit.articles.push(Article {
            ticket: edit.ticket().id,
            kind,
            author: "desk".to_owned(),
            at: self.now,
            subject: String::new(),
            body: note.clone(),
            reply_text: note,
            message_id: None,
            inbox: Some(self.inquiry.inbox),
            attachments: Vec::new(),
            trust: None,
        });
        edit.record(self.now, Actor::Desk, Change::Article { kind });
        let desk = desk_of(self.office, &edit.ticket().desk)?;
        if let Some((body, choices)) = letter
            && let Some(to) = self.inquiry.reply_party()
        {
            let text = LetterText {
                purpose: "chat",
                body,
                automatic: Automatic::Replied,
                author: "desk",
                chat: Some(departure_of(self.chat, choices)),
            };
            let chain = crate::flow::letters::Chain::default();
            let letter = to_requester(self.office, desk, edit.ticket(), to, &chain, text, self.now);
            commit.departures.push(letter.departure);
            commit.articles.push(letter.article);
            commit.message_ids.push(letter.seen);
            let kind = ArticleKind::Outbound;
            edit.record(self.now, Actor::Desk, Change::Article { kind });
        }
        let id = edit.ticket().id;
        let edited = edit.finish(&desk.policy, &desk.calendar, self.now);
        let events = edited.events.into_iter();
        commit.events.extend(events.map(|event| (id, event)));
        commit.tickets.push(edited.ticket);
        commit.inbox = Some(self.ledger(Outcome::Ticketed, reason, Some(id)));
        Ok(commit)
    }
}
