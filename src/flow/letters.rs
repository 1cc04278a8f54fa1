//! Letters: a text becomes a message in its ticket's thread, with the ids, the subject tag and the addresses that bring answers back.

use crate::domain::article::{Article, ArticleKind};
use crate::domain::ids::TicketId;
use crate::domain::inquiry::bare_subject;
use crate::domain::ticket::Ticket;
use crate::flow::office::{DeskProfile, Office};
use crate::flow::ports::{NewDeparture, SeenMessageId};
use jiff::Timestamp;
use madoguchi_channel::{Automatic, ChatDeparture, OutboundMessage, Party};

/// Longest subject carried into an answer, in characters; the tag is never cut.
const SUBJECT_CHARS: usize = 120;

/// What one letter says and why.
#[derive(Debug, Clone)]
pub struct LetterText<'a> {
    /// Why it is sent; counted by the caps (`answer`, `acknowledgement`, `reply` …).
    pub purpose: &'a str,
    /// The text.
    pub body: String,
    /// Who wrote it.
    pub automatic: Automatic,
    /// Author of the article (`desk` or an account name).
    pub author: &'a str,
    /// What a chat needs; `None` for a letter.
    pub chat: Option<ChatDeparture>,
}

/// A letter ready to be committed: the departure, its article and its message id.
#[derive(Debug, Clone)]
pub struct Letter {
    /// For the outbox.
    pub departure: NewDeparture,
    /// For the ticket.
    pub article: Article,
    /// For threading.
    pub seen: SeenMessageId,
}

/// The thread a letter continues.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    /// The message it answers.
    pub in_reply_to: Option<String>,
    /// All ids before it, oldest first.
    pub references: Vec<String>,
}

impl Chain {
    /// The chain of a message that is answered directly.
    pub fn answering(message_id: Option<&str>, references: &[String]) -> Self {
        let mut chain: Vec<String> = references.to_vec();
        if let Some(id) = message_id
            && chain.last().map(String::as_str) != Some(id)
        {
            chain.retain(|known| known != id);
            chain.push(id.to_owned());
        }
        Self {
            in_reply_to: message_id.map(str::to_owned),
            references: chain,
        }
    }

    /// The chain of a ticket: every message with an id, answering the requester's last one.
    pub fn of_ticket(articles: &[Article]) -> Self {
        let ids: Vec<String> = articles
            .iter()
            .filter(|a| matches!(a.kind, ArticleKind::Inbound | ArticleKind::Outbound))
            .filter_map(|a| a.message_id.clone())
            .collect();
        let last_inbound = articles
            .iter()
            .rev()
            .filter(|a| a.kind == ArticleKind::Inbound)
            .find_map(|a| a.message_id.clone());
        Self::answering(last_inbound.as_deref(), &ids)
    }
}

/// Writes a letter to the requester of a ticket.
pub fn to_requester(
    office: &Office,
    desk: &DeskProfile,
    ticket: &Ticket,
    to: &Party,
    chain: &Chain,
    text: LetterText<'_>,
    at: Timestamp,
) -> Letter {
    let from_address = if ticket.desk_address.is_empty() {
        &desk.address
    } else {
        &ticket.desk_address
    };
    let message_id = office.new_message_id(from_address);
    let subject = subject(&ticket.subject, &office.token_key.tag(ticket.id));
    let reply_to = desk
        .plus_address
        .then(|| from_address.split_once('@'))
        .flatten()
        .map(|(local, domain)| {
            format!(
                "{local}+{}@{domain}",
                office.token_key.address_detail(ticket.id)
            )
        });
    let message = OutboundMessage {
        message_id: message_id.clone(),
        installation: office.installation.clone(),
        from: office.desk_party(desk, from_address, ticket.lang),
        to: to.clone(),
        reply_to,
        subject: subject.clone(),
        body: text.body.clone(),
        lang: ticket.lang.as_str().to_owned(),
        in_reply_to: chain.in_reply_to.clone(),
        references: chain.references.clone(),
        automatic: text.automatic,
        written_at: at,
        chat: text.chat.clone(),
    };
    Letter {
        departure: NewDeparture {
            channel: ticket.channel.clone(),
            ticket: Some(ticket.id),
            purpose: text.purpose.to_owned(),
            message,
        },
        article: Article {
            ticket: ticket.id,
            kind: ArticleKind::Outbound,
            author: text.author.to_owned(),
            at,
            subject,
            reply_text: text.body.clone(),
            body: text.body,
            message_id: Some(message_id.clone()),
            inbox: None,
            attachments: Vec::new(),
            trust: None,
        },
        seen: sent(message_id, ticket.id),
    }
}

/// Writes a notice to a member of staff; it is no article of the ticket.
pub fn to_staff(
    office: &Office,
    desk: &DeskProfile,
    ticket: Option<&Ticket>,
    to: &str,
    subject: String,
    body: String,
    at: Timestamp,
) -> Option<NewDeparture> {
    let channel = office.notice_channel.clone()?;
    let lang = crate::domain::language::Lang::Ja;
    Some(NewDeparture {
        channel,
        ticket: ticket.map(|t| t.id),
        purpose: "notice".to_owned(),
        message: OutboundMessage {
            message_id: office.new_message_id(&desk.address),
            installation: office.installation.clone(),
            from: office.desk_party(desk, &desk.address, lang),
            to: Party {
                address: to.to_owned(),
                name: None,
            },
            reply_to: None,
            subject,
            body,
            lang: lang.as_str().to_owned(),
            in_reply_to: None,
            references: Vec::new(),
            automatic: Automatic::Generated,
            written_at: at,
            chat: None,
        },
    })
}

/// The threading record of a message the desk sends.
pub fn sent(message_id: String, ticket: TicketId) -> SeenMessageId {
    SeenMessageId {
        message_id,
        ticket,
        sent_by_desk: true,
    }
}

fn subject(original: &str, tag: &str) -> String {
    let bare: String = bare_subject(original)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SUBJECT_CHARS)
        .collect();
    let bare = bare.trim();
    if bare.is_empty() {
        format!("Re: {tag}")
    } else {
        format!("Re: {bare} {tag}")
    }
}
