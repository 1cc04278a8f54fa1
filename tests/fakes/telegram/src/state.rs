//! What the server knows.

use crate::fault::{Fault, Planned};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::time::{SystemTime, UNIX_EPOCH};

/// Kept for at most so many updates ahead, an offset is believed; the real server does the same.
const FARTHEST_OFFSET: i64 = 10;

/// Everything.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) bots: BTreeMap<String, Bot>,
    pub(crate) requests: Vec<Request>,
    pub(crate) violations: Vec<String>,
    pub(crate) down: bool,
    faults: Vec<Planned>,
}

impl World {
    pub(crate) fn plan(&mut self, skip: usize, method: &str, fault: Fault, times: usize) {
        self.faults.push(Planned {
            method: method.to_lowercase(),
            fault,
            skip,
            times,
        });
    }

    /// The fault a call of this method meets now.
    pub(crate) fn meet(&mut self, method: &str) -> Option<Fault> {
        let method = method.to_lowercase();
        let is_meant = |planned: &&mut Planned| {
            planned.times > 0 && (planned.method == method || planned.method == "*")
        };
        let planned = self.faults.iter_mut().find(is_meant)?;
        if planned.skip > 0 {
            planned.skip -= 1;
            return None;
        }
        planned.times -= 1;
        Some(planned.fault.clone())
    }
}

/// One call as it came in.
#[derive(Debug, Clone)]
pub struct Request {
    /// The bot that made it.
    pub token: String,
    /// The method as it was written.
    pub method: String,
    /// Its fields.
    pub body: Value,
}

/// One message of the bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its number.
    pub message_id: i64,
    /// Its text as delivered.
    pub text: String,
    /// The buttons under it, row by row: label and key.
    pub buttons: Vec<Vec<(String, String)>>,
    /// The number of the message it answers.
    pub reply_to: Option<i64>,
}

impl Sent {
    /// The keys of all buttons, in reading order.
    pub fn keys(&self) -> Vec<&str> {
        self.buttons
            .iter()
            .flatten()
            .map(|(_, key)| key.as_str())
            .collect()
    }
}

/// Someone with an account.
#[derive(Debug, Clone)]
pub struct Person {
    /// The number of the account, and of the chat with it.
    pub id: i64,
    /// Name shown.
    pub first_name: String,
    /// Language of the program (`ja`).
    pub language: Option<String>,
    /// Wrote to the bot, so that it may write back.
    pub(crate) started: bool,
    /// Blocked the bot.
    pub(crate) blocked: bool,
}

/// A file kept at the server.
pub(crate) struct Kept {
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
    /// The size the server tells, where it is not the true one.
    pub(crate) told: usize,
    pub(crate) gone: bool,
}

/// A webhook.
pub(crate) struct Hook {
    pub(crate) url: String,
    pub(crate) secret: Option<String>,
    pub(crate) max_connections: Option<i64>,
    pub(crate) last_error: Option<(i64, String)>,
}

/// One bot.
pub(crate) struct Bot {
    pub(crate) token: String,
    pub(crate) id: i64,
    pub(crate) revoked: bool,
    pub(crate) updates: VecDeque<(i64, Value)>,
    pub(crate) next_update: i64,
    pub(crate) allowed: Option<Vec<String>>,
    /// Counts polls: a new one ends the one before.
    pub(crate) polls: u64,
    pub(crate) webhook: Option<Hook>,
    /// Counts changes of the webhook.
    pub(crate) hooks: u64,
    pub(crate) people: BTreeMap<i64, Person>,
    pub(crate) messages: BTreeMap<(i64, i64), Value>,
    pub(crate) next_message: i64,
    pub(crate) sent: Vec<(i64, Sent)>,
    pub(crate) read: BTreeMap<i64, usize>,
    pub(crate) typing: BTreeMap<i64, usize>,
    pub(crate) queries: BTreeMap<String, bool>,
    pub(crate) files: BTreeMap<String, Kept>,
}

impl Bot {
    pub(crate) fn new(number: i64) -> Self {
        let id = 7_000_000_000 + number;
        Self {
            token: format!("{id}:invented_Key-for-tests-{number:03}-aaaaaaaaa"),
            id,
            revoked: false,
            updates: VecDeque::new(),
            next_update: 500_000_000 + number * 1_000,
            allowed: None,
            polls: 0,
            webhook: None,
            hooks: 0,
            people: BTreeMap::new(),
            messages: BTreeMap::new(),
            next_message: 1,
            sent: Vec::new(),
            read: BTreeMap::new(),
            typing: BTreeMap::new(),
            queries: BTreeMap::new(),
            files: BTreeMap::new(),
        }
    }

    /// The bot as a user.
    pub(crate) fn me(&self) -> Value {
        json!({"id": self.id, "is_bot": true, "first_name": "Desk", "username": format!("desk_{}_bot", self.id)})
    }

    /// Queues an update; `None` when the bot does not want its kind.
    pub(crate) fn enqueue(&mut self, kind: &str, body: Value) -> Option<Value> {
        let wanted = self.allowed.as_ref();
        if wanted.is_some_and(|kinds| !kinds.iter().any(|wanted| wanted == kind)) {
            return None;
        }
        let number = self.next_update;
        self.next_update += 1;
        let update = json!({"update_id": number, kind: body});
        self.updates.push_back((number, update.clone()));
        Some(update)
    }

    /// Forgets what an offset confirms. One from another numbering is not believed.
    pub(crate) fn confirm(&mut self, offset: i64) {
        if offset < 0 {
            let keep = usize::try_from(-offset).unwrap_or_default();
            while self.updates.len() > keep {
                self.updates.pop_front();
            }
        } else if offset <= self.next_update + FARTHEST_OFFSET {
            self.updates.retain(|(number, _)| *number >= offset);
        }
    }

    pub(crate) fn set_webhook(&mut self, url: Option<String>, hook: Option<Hook>) {
        self.hooks += 1;
        self.webhook = url.map(|url| {
            hook.unwrap_or(Hook {
                url,
                secret: None,
                max_connections: None,
                last_error: None,
            })
        });
    }

    pub(crate) fn sent_to(&self, person: i64) -> Vec<Sent> {
        let to = self.sent.iter().filter(|(chat, _)| *chat == person);
        to.map(|(_, sent)| sent.clone()).collect()
    }

    pub(crate) fn number_message(&mut self) -> i64 {
        self.next_message += 1;
        self.next_message - 1
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock");
    now.as_secs() as i64
}
