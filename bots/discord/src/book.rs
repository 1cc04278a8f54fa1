//! Which conversations there are. The server gives no list of them, so the desk keeps one: as a cursor of the inbox.

use crate::fault::Fault;
use crate::snowflake;
use jiff::{Timestamp, ToSpan};
use madoguchi_channel::{Cursor, Door};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the list is kept: a JSON object, conversation → person.
const LIST: &str = "dms";
/// Where the beginning is kept: an id; what is older was written before the desk was there.
const BEGINNING: &str = "since";

/// Where a conversation was read up to: the id of the last message.
pub fn scope(channel: u64) -> String {
    format!("dm/{channel}")
}

#[derive(Default)]
struct Inside {
    people: BTreeMap<u64, String>,
    channels: BTreeMap<u64, u64>,
    /// The list in the inbox is not this one.
    unsaved: bool,
    door: Option<Arc<dyn Door>>,
}

/// The conversations known, in memory and in the inbox.
pub struct Book {
    name: String,
    inside: Mutex<Inside>,
    /// One writes at a time, so that no list overtakes a longer one.
    writing: tokio::sync::Mutex<()>,
}

impl Book {
    /// An empty book of one channel of the desk.
    pub fn new(name: String) -> Self {
        Self {
            name,
            inside: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
        }
    }

    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the list and returns the beginning, which is now where there was none.
    pub async fn open(&self, door: &Arc<dyn Door>, now: Timestamp) -> Result<u64, Fault> {
        let listed = door.cursor(&self.name, LIST).await?;
        let listed: Value = listed
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        {
            let mut inside = self.inside();
            for (channel, user) in listed.as_object().into_iter().flatten() {
                if let (Some(channel), Some(user)) = (snowflake::parse(channel), user.as_str()) {
                    inside.note(channel, user);
                }
            }
            inside.door = Some(door.clone());
        }
        let beginning = door.cursor(&self.name, BEGINNING).await?;
        if let Some(since) = beginning.and_then(|text| text.parse().ok()) {
            return Ok(since);
        }
        // This machine's clock may be ahead of the server's.
        let since = snowflake::first_of(now.checked_sub(1.minute()).unwrap_or(now));
        self.save(door, BEGINNING, since.to_string()).await?;
        Ok(since)
    }

    async fn save(&self, door: &Arc<dyn Door>, scope: &str, value: String) -> Result<(), Fault> {
        let cursor = Cursor {
            scope: scope.into(),
            value,
        };
        door.store(&self.name, Vec::new(), Some(cursor)).await?;
        Ok(())
    }

    /// Remembers a conversation, for good where an inbox is at hand (a process that only sends has none).
    pub async fn add(&self, channel: u64, user: &str) -> Result<(), Fault> {
        {
            let mut inside = self.inside();
            if !inside.people.contains_key(&channel) {
                inside.unsaved = true;
            }
            inside.note(channel, user);
        }
        self.write().await
    }

    /// Forgets a conversation that is gone. It comes back when the person writes.
    pub async fn remove(&self, channel: u64) -> Result<(), Fault> {
        {
            let mut inside = self.inside();
            if let Some(user) = inside.people.remove(&channel) {
                inside.unsaved = true;
                if let Some(user) = snowflake::parse(&user) {
                    inside.channels.remove(&user);
                }
            }
        }
        self.write().await
    }

    /// Writes the list where it changed. What fails stays to be written by the next.
    async fn write(&self) -> Result<(), Fault> {
        let changed = || {
            let inside = self.inside();
            inside.door.clone().filter(|_| inside.unsaved)
        };
        if changed().is_none() {
            return Ok(());
        }
        let _alone = self.writing.lock().await;
        let Some(door) = changed() else {
            return Ok(());
        };
        let list: Map<String, Value> = {
            let mut inside = self.inside();
            inside.unsaved = false;
            let people = inside.people.iter();
            people
                .map(|(channel, user)| (channel.to_string(), Value::String(user.clone())))
                .collect()
        };
        let saved = self
            .save(&door, LIST, Value::Object(list).to_string())
            .await;
        if saved.is_err() {
            self.inside().unsaved = true;
        }
        saved
    }

    /// All conversations.
    pub fn channels(&self) -> Vec<u64> {
        self.inside().people.keys().copied().collect()
    }

    /// Who is in a conversation.
    pub fn person(&self, channel: u64) -> Option<String> {
        self.inside().people.get(&channel).cloned()
    }

    /// The conversation with a person.
    pub fn channel(&self, user: u64) -> Option<u64> {
        self.inside().channels.get(&user).copied()
    }
}

impl Inside {
    fn note(&mut self, channel: u64, user: &str) {
        if let Some(user) = snowflake::parse(user) {
            self.channels.insert(user, channel);
            self.people.insert(channel, user.to_string());
        }
    }
}
