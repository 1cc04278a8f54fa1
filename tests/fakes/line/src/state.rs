//! What LINE knows: people, messages, tokens, files; and what this fake was told to do wrong.

use crate::schema::Schemas;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

/// Something LINE does now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// An answer with this status; nothing was done.
    Status(u16),
    /// 429, too many calls; nothing was done.
    TooManyCalls,
    /// The connection ends without an answer; nothing was done.
    CutBefore,
    /// The connection ends without an answer; it was done all the same.
    CutAfter,
    /// An answer of status 500; it was done all the same.
    FailAfter,
    /// No answer ever; nothing was done.
    Silence,
    /// 200 with a body that is no JSON; nothing was done.
    Garbage,
    /// Cards are refused as invalid.
    RefuseCards,
}

/// How a message came to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// As a reply to an event, free of charge.
    Reply,
    /// As a push.
    Push,
}

/// A button under or on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// What the person reads.
    pub label: String,
    /// What comes back when it is pressed.
    pub key: String,
    /// What then stands in the chat as said by the person.
    pub display_text: String,
    /// True for a quick reply, which is gone once the chat goes on.
    pub quick: bool,
}

/// A message that reached a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// LINE's id.
    pub id: String,
    /// The person's id.
    pub to: String,
    /// How it came.
    pub by: By,
    /// Everything that can be read on it, without buttons.
    pub text: String,
    /// True for a card (Flex).
    pub card: bool,
    /// Its buttons.
    pub buttons: Vec<Button>,
    /// Addresses that open when something on it is tapped.
    pub links: Vec<String>,
    /// The message as it was sent.
    pub raw: Value,
}

/// A call as it came.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The key by which LINE knows a call again.
    pub retry_key: Option<String>,
    /// The body, where it is JSON.
    pub body: Value,
    /// Status of the answer; 0 for none.
    pub status: u16,
}

/// A file somebody sent.
#[derive(Debug, Clone)]
pub enum Content {
    /// It can be had.
    Ready(Vec<u8>, &'static str),
    /// It is being converted for so many more calls.
    Converting(usize, Vec<u8>, &'static str),
    /// It could not be converted.
    Failed,
    /// It was taken back, or kept too long.
    Gone,
}

pub struct ReplyToken {
    pub user: String,
    pub issued_at: tokio::time::Instant,
    pub used: bool,
}

#[derive(Default)]
pub struct Person {
    pub blocked: bool,
}

pub struct State {
    pub people: HashMap<String, Person>,
    pub sent: Vec<Sent>,
    /// How many messages of a person [`crate::FakeLine::next_sent`] handed out.
    pub looked_at: HashMap<String, usize>,
    /// The last message of a chat, whoever wrote it.
    pub last_in_chat: HashMap<String, String>,
    pub dots: Vec<String>,
    pub requests: Vec<Recorded>,
    pub violations: Vec<String>,
    pub troubles: Vec<(String, usize, Trouble)>,
    pub short_tokens: HashMap<String, tokio::time::Instant>,
    pub token_life: Duration,
    pub refuse_tokens: bool,
    pub reply_tokens: HashMap<String, ReplyToken>,
    pub reply_life: Duration,
    pub retry_keys: HashMap<String, (String, Vec<String>)>,
    pub contents: HashMap<String, Content>,
    /// What LINE has as webhook address.
    pub endpoint: Option<String>,
    pub active: bool,
    /// Where calls really go, when that is not `endpoint`.
    pub target: Option<String>,
    pub redelivers: bool,
    pub undelivered: usize,
    pub hook_statuses: Vec<u16>,
    pub quota: Option<u64>,
    pub used_quota: u64,
    pub time: Option<Timestamp>,
    pub channel_secret: String,
    counter: u64,
}

impl State {
    pub fn new() -> Self {
        Self {
            people: HashMap::new(),
            sent: Vec::new(),
            looked_at: HashMap::new(),
            last_in_chat: HashMap::new(),
            dots: Vec::new(),
            requests: Vec::new(),
            violations: Vec::new(),
            troubles: Vec::new(),
            short_tokens: HashMap::new(),
            token_life: Duration::from_secs(900),
            refuse_tokens: false,
            reply_tokens: HashMap::new(),
            reply_life: Duration::from_secs(60),
            retry_keys: HashMap::new(),
            contents: HashMap::new(),
            endpoint: None,
            active: false,
            target: None,
            redelivers: true,
            undelivered: 0,
            hook_statuses: Vec::new(),
            quota: None,
            used_quota: 0,
            time: None,
            channel_secret: "fake0channel0secret0of0the0desk00".into(),
            counter: 0,
        }
    }

    pub fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    pub fn message_id(&mut self) -> String {
        format!("5{:017}", self.next())
    }

    /// LINE's form of ids of events: a ULID.
    pub fn event_id(&mut self) -> String {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let mut number = self.next();
        let mut digits = vec!['0'; 23];
        for digit in digits.iter_mut().rev() {
            *digit = char::from(DIGITS[usize::try_from(number % 32).unwrap()]);
            number /= 32;
        }
        format!("01K{}", digits.into_iter().collect::<String>())
    }

    pub fn reply_token(&mut self, user: &str) -> String {
        let token = hex(&format!("reply token {}", self.next()));
        self.reply_tokens.insert(
            token.clone(),
            ReplyToken {
                user: user.to_owned(),
                issued_at: tokio::time::Instant::now(),
                used: false,
            },
        );
        token
    }

    pub fn now(&self) -> Timestamp {
        self.time.unwrap_or_else(Timestamp::now)
    }

    /// The trouble ordered for a call to this path, used up once.
    pub fn trouble(&mut self, path: &str) -> Option<Trouble> {
        let at = self
            .troubles
            .iter()
            .position(|(needle, left, _)| *left > 0 && path.contains(needle.as_str()))?;
        let (_, left, trouble) = &mut self.troubles[at];
        *left -= 1;
        Some(*trouble)
    }
}

/// 32 hexadecimal digits out of a name.
pub fn hex(name: &str) -> String {
    Sha256::digest(name.as_bytes())
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The published schemas, where `MADOGUCHI_CORPORA` tells where they are.
pub struct Published {
    pub api: Schemas,
    pub webhook: Schemas,
    pub token: Schemas,
}

impl Published {
    /// Read once a process: there is much of it.
    pub fn find() -> Option<&'static Self> {
        static PUBLISHED: OnceLock<Option<Published>> = OnceLock::new();
        PUBLISHED.get_or_init(Self::read).as_ref()
    }

    fn read() -> Option<Self> {
        let corpora = std::env::var_os("MADOGUCHI_CORPORA")?;
        let folder = Path::new(&corpora).join("chat/line");
        Some(Self {
            api: Schemas::load(&folder.join("messaging-api.yml")),
            webhook: Schemas::load(&folder.join("webhook.yml")),
            token: Schemas::load(&folder.join("channel-access-token.yml")),
        })
    }
}
