//! A fresh store for each story, and the people of the stories. Their ids start at different numbers, so that mixing
//! two kinds of id fails.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use madoguchi::domain::article::{Article, ArticleKind};
use madoguchi::domain::event::{Actor, Change, TicketEvent};
use madoguchi::domain::file::File;
use madoguchi::domain::ids::{InboxId, TicketId};
use madoguchi::domain::language::Lang;
use madoguchi::domain::sender::{Proof, SenderTrust};
use madoguchi::domain::sla::{Clock, Clocks};
use madoguchi::domain::ticket::{Audience, Priority, Ticket, TicketState};
use madoguchi::flow::ports::{Commit, InboxOutcome, NewDeparture, Outcome, SeenMessageId, Store};
use madoguchi::store::SqliteStore;
use madoguchi_channel::{Attachment, Automatic, OutboundMessage, Party, RawInbound};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// One database server or file, of which a story may open the store as often as it likes.
#[async_trait]
pub trait World: Send + Sync {
    /// An empty database.
    async fn fresh() -> Self
    where
        Self: Sized;
    /// Opens the store, as a process does when it starts. What was opened before may be dropped without closing.
    async fn open(&self) -> Arc<dyn Store>;
}

/// A directory that vanishes with the story.
pub struct SqliteWorld {
    directory: TempDir,
}

impl SqliteWorld {
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("data").join("desk.db")
    }
    pub async fn sqlite(&self) -> Arc<SqliteStore> {
        SqliteStore::open(&self.path()).await.unwrap()
    }
}

#[async_trait]
impl World for SqliteWorld {
    async fn fresh() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }
    async fn open(&self) -> Arc<dyn Store> {
        self.sqlite().await
    }
}

/// Minutes after the morning of the stories, 2026-04-01 09:00 in Tokyo.
pub fn minute(minutes: i64) -> Timestamp {
    "2026-04-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
}

/// A mail of Aiko's, an applicant.
pub fn mail(uid: u32) -> RawInbound {
    RawInbound {
        channel: "mail".to_owned(),
        external_id: format!("INBOX/7/{uid}"),
        received_at: minute(i64::from(uid)),
        bytes: format!(
            "From: aiko@example.com\r\nSubject: {uid}\r\n\r\n\u{2460}\u{ff08}\u{682a}\u{ff09}\r\n"
        )
        .into_bytes(),
        silent: false,
        renumbered: false,
    }
}

/// A ticket of Aiko's at the desk `keieiryoku`, due after the given minutes.
pub fn ticket(id: TicketId, first_due: i64, resolution_due: i64) -> Ticket {
    let clock = |due| Clock {
        due_at: minute(due),
        met_at: None,
        paused_since: None,
    };
    Ticket {
        id,
        version: 0,
        desk: "keieiryoku".into(),
        queue: "first-line".into(),
        state: TicketState::New,
        priority: Priority::Normal,
        audience: Audience::Applicant,
        lang: Lang::Ja,
        category: Some("eligibility".to_owned()),
        subject: "申請の締切について".to_owned(),
        requester: Party {
            address: "aiko@example.com".to_owned(),
            name: Some("Aiko".to_owned()),
        },
        channel: "mail".to_owned(),
        desk_address: "keiei@desk.example.jp".to_owned(),
        assignee: None,
        received_at: minute(0),
        updated_at: minute(1),
        clocks: Clocks {
            first_response: clock(first_due),
            resolution: clock(resolution_due),
        },
        merged_into: None,
        linked: Vec::new(),
    }
}

pub fn event(at: i64, change: Change) -> TicketEvent {
    TicketEvent {
        at: minute(at),
        actor: Actor::Desk,
        change,
    }
}

pub fn article(ticket: TicketId, inbox: Option<InboxId>) -> Article {
    Article {
        ticket,
        kind: ArticleKind::Inbound,
        author: "aiko@example.com".to_owned(),
        at: minute(0),
        subject: "申請の締切について".to_owned(),
        body: "締切はいつですか。\n> 引用".to_owned(),
        reply_text: "締切はいつですか。".to_owned(),
        message_id: Some("a1@example.com".to_owned()),
        inbox,
        attachments: vec![File {
            attachment: Attachment {
                name: Some("様式①.pdf".to_owned()),
                media_type: "application/pdf".to_owned(),
                size: 4096,
            },
            sha256: Some("ab".repeat(32)),
        }],
        trust: Some(SenderTrust {
            proof: Proof::Pass,
            checks: vec!["DMARC pass (example.com)".to_owned()],
            ..SenderTrust::default()
        }),
    }
}

/// An automatic answer to Aiko.
pub fn departure(message_id: &str, ticket: Option<TicketId>) -> NewDeparture {
    NewDeparture {
        channel: "mail".to_owned(),
        ticket,
        purpose: "answer".to_owned(),
        message: OutboundMessage {
            message_id: message_id.to_owned(),
            installation: "i1".to_owned(),
            from: Party {
                address: "keiei@desk.example.jp".to_owned(),
                name: None,
            },
            to: Party {
                address: "Aiko@example.com".to_owned(),
                name: None,
            },
            reply_to: None,
            subject: "Re: 申請の締切について".to_owned(),
            body: "4月30日です。\n".to_owned(),
            lang: "ja".to_owned(),
            in_reply_to: Some("a1@example.com".to_owned()),
            references: vec!["a1@example.com".to_owned()],
            automatic: Automatic::Replied,
            written_at: minute(1),
            ..OutboundMessage::default()
        },
    }
}

pub fn outcome(id: InboxId, ticket: Option<TicketId>) -> InboxOutcome {
    InboxOutcome {
        id,
        outcome: if ticket.is_some() {
            Outcome::Ticketed
        } else {
            Outcome::Ignored
        },
        reason: "below-threshold".to_owned(),
        ticket,
        evidence: serde_json::json!({ "confidence": 0.25 }),
    }
}

/// A typical decision: one ticket, three events, one article, one departure, two message ids.
pub fn decision(id: TicketId, inbox: Option<InboxId>) -> Commit {
    let created = Change::Created {
        desk: "keieiryoku".into(),
        queue: "first-line".into(),
        state: TicketState::New,
        why: "below-threshold".to_owned(),
    };
    let answer = format!("answer-{id}@desk.example.jp");
    Commit {
        at: Some(minute(1)),
        inbox: inbox.map(|inbox| outcome(inbox, Some(id))),
        tickets: vec![ticket(id, 480, 4800)],
        events: vec![
            (id, event(0, created)),
            (
                id,
                event(
                    0,
                    Change::Article {
                        kind: ArticleKind::Inbound,
                    },
                ),
            ),
            (id, event(1, Change::Acknowledged)),
        ],
        articles: vec![article(id, inbox)],
        departures: vec![departure(&answer, Some(id))],
        message_ids: vec![
            SeenMessageId {
                message_id: "a1@example.com".to_owned(),
                ticket: id,
                sent_by_desk: false,
            },
            SeenMessageId {
                message_id: answer,
                ticket: id,
                sent_by_desk: true,
            },
        ],
        firsts: Vec::new(),
        undeliverable: Vec::new(),
        files: Vec::new(),
    }
}

/// A number for a new ticket.
pub async fn new_id(store: &dyn Store) -> TicketId {
    store.reserve(1).await.unwrap()[0]
}
