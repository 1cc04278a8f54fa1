//! What the server knows.

use crate::people::Person;
use axum::extract::ws::Message as Frame;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// 2015-01-01 in milliseconds since 1970.
const EPOCH: u128 = 1_420_070_400_000;

/// What happens to a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// It is not carried out; this status is answered.
    Status(u16),
    /// It is not carried out; the wait in seconds is asked for.
    Limit(f64),
    /// It is not carried out; this error code is answered with this status.
    Code(u16, i64, &'static str),
    /// It is carried out, and the answer is lost.
    AnswerLost,
    /// It is carried out after a while.
    Slow(Duration),
}

/// Trouble that waits for its requests.
pub(crate) struct Planned {
    pub(crate) part: String,
    pub(crate) trouble: Trouble,
    pub(crate) times: usize,
    /// Requests that go well before.
    pub(crate) after: usize,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Method.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// Body; null when there was none.
    pub body: Value,
    /// Status answered.
    pub status: u16,
}

impl Seen {
    /// `METHOD path`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// How a message of the bot reached the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In the conversation of two.
    Direct,
    /// By filling the deferred answer.
    Original,
    /// Below it.
    FollowUp,
}

/// A message of the bot as the person sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// `<conversation>/<message>`.
    pub id: String,
    /// The text as shown: escapes are gone.
    pub text: String,
    /// The text as it was sent.
    pub content: String,
    /// Keys and labels of its buttons or list entries.
    pub choices: Vec<(String, String)>,
    /// Nobody else sees it.
    pub alone: bool,
    /// How it came.
    pub way: Way,
}

impl Sent {
    /// The key of the button with this label.
    ///
    /// # Panics
    /// When there is none.
    pub fn key(&self, label: &str) -> String {
        let found = self.choices.iter().find(|(_, known)| known == label);
        found
            .unwrap_or_else(|| panic!("no button {label:?} in {:?}", self.choices))
            .0
            .clone()
    }
}

pub(crate) struct Known {
    pub(crate) person: Person,
    pub(crate) blocked: bool,
    /// Messages handed to the test by `next_sent`.
    pub(crate) handed: usize,
    pub(crate) sent: Vec<Sent>,
}

pub(crate) struct Conversation {
    pub(crate) user: u64,
    pub(crate) messages: BTreeMap<u64, Value>,
}

pub(crate) struct Interaction {
    /// 2 command, 3 button, 5 form.
    pub(crate) kind: u64,
    pub(crate) id: u64,
    pub(crate) user: u64,
    pub(crate) channel: u64,
    pub(crate) public: bool,
    pub(crate) began: Instant,
    /// The kind of the first answer.
    pub(crate) answered: Option<u64>,
    pub(crate) original: Option<u64>,
    pub(crate) messages: BTreeMap<u64, Value>,
    pub(crate) form: Option<Value>,
    pub(crate) over: bool,
}

#[derive(Default)]
pub(crate) struct Session {
    pub(crate) seq: u64,
    pub(crate) intents: u64,
    pub(crate) log: Vec<(u64, Value)>,
    pub(crate) socket: Option<mpsc::UnboundedSender<Frame>>,
}

pub(crate) struct Stored {
    pub(crate) bytes: Vec<u8>,
    pub(crate) media_type: String,
    pub(crate) gone: bool,
}

pub(crate) struct State {
    pub(crate) address: String,
    pub(crate) bot: u64,
    pub(crate) application: u64,
    pub(crate) guild: u64,
    pub(crate) guild_channel: u64,
    last_id: u64,
    pub(crate) people: BTreeMap<u64, Known>,
    pub(crate) conversations: BTreeMap<u64, Conversation>,
    pub(crate) interactions: BTreeMap<String, Interaction>,
    pub(crate) nonces: BTreeMap<(u64, String), u64>,
    pub(crate) commands: Vec<Value>,
    pub(crate) endpoint: Option<String>,
    pub(crate) files: BTreeMap<String, Stored>,
    /// Addresses of files carry this; older ones have run out.
    pub(crate) signature: u64,
    pub(crate) sessions: BTreeMap<String, Session>,
    pub(crate) refuse_identify: Option<u16>,
    pub(crate) hide_events: bool,
    pub(crate) resumed: usize,
    pub(crate) identified: usize,
    pub(crate) typing: BTreeMap<u64, usize>,
    pub(crate) troubles: Vec<Planned>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) violations: Vec<String>,
}

impl State {
    pub(crate) fn new(address: String) -> Self {
        let mut state = Self {
            address,
            bot: 0,
            application: 0,
            guild: 0,
            guild_channel: 0,
            last_id: 0,
            people: BTreeMap::new(),
            conversations: BTreeMap::new(),
            interactions: BTreeMap::new(),
            nonces: BTreeMap::new(),
            commands: Vec::new(),
            endpoint: None,
            files: BTreeMap::new(),
            signature: 1,
            sessions: BTreeMap::new(),
            refuse_identify: None,
            hide_events: false,
            resumed: 0,
            identified: 0,
            typing: BTreeMap::new(),
            troubles: Vec::new(),
            seen: Vec::new(),
            violations: Vec::new(),
        };
        state.application = state.new_id();
        state.bot = state.new_id();
        state.guild = state.new_id();
        state.guild_channel = state.new_id();
        state
    }

    /// Ids grow, and tell when they were made.
    pub(crate) fn new_id(&mut self) -> u64 {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis();
        let made = u64::try_from(now - EPOCH).unwrap() << 22;
        self.last_id = made.max(self.last_id + 1);
        self.last_id
    }

    pub(crate) fn violation(&mut self, words: impl Into<String>) {
        self.violations.push(words.into());
    }

    /// The trouble this request meets, used up once.
    pub(crate) fn trouble_for(&mut self, line: &str) -> Option<Trouble> {
        let place = self
            .troubles
            .iter()
            .position(|planned| line.contains(planned.part.as_str()))?;
        let planned = &mut self.troubles[place];
        if planned.after > 0 {
            planned.after -= 1;
            return None;
        }
        let trouble = planned.trouble.clone();
        planned.times -= 1;
        if planned.times == 0 {
            self.troubles.remove(place);
        }
        Some(trouble)
    }

    /// The conversation with a person, opened when there is none.
    pub(crate) fn conversation(&mut self, user: u64) -> u64 {
        if let Some((id, _)) = self.conversations.iter().find(|(_, c)| c.user == user) {
            return *id;
        }
        let id = self.new_id();
        let messages = BTreeMap::new();
        self.conversations
            .insert(id, Conversation { user, messages });
        id
    }

    /// Tells every session; one without a connection keeps it for a resumption.
    pub(crate) fn dispatch(&mut self, event: &str, data: &Value) {
        if self.hide_events {
            return;
        }
        for session in self.sessions.values_mut() {
            // Direct messages are told to whom asked for them; interactions to everybody.
            if event.starts_with("MESSAGE") && session.intents & (1 << 12) == 0 {
                continue;
            }
            session.tell(event, data.clone());
        }
    }

    pub(crate) fn close_sockets(&mut self, code: Option<u16>) {
        for session in self.sessions.values_mut() {
            if let Some(socket) = session.socket.take()
                && let Some(code) = code
            {
                let _ = socket.send(crate::gateway::close(code));
            }
        }
    }

    pub(crate) fn hand(&mut self, user: u64, sent: Sent) {
        if let Some(known) = self.people.get_mut(&user) {
            known.sent.push(sent);
        }
    }
}

impl Session {
    pub(crate) fn tell(&mut self, event: &str, data: Value) {
        self.seq += 1;
        let packet = serde_json::json!({"op": 0, "t": event, "s": self.seq, "d": data});
        self.log.push((self.seq, packet.clone()));
        if let Some(socket) = &self.socket
            && socket.send(Frame::Text(packet.to_string().into())).is_err()
        {
            self.socket = None;
        }
    }
}
