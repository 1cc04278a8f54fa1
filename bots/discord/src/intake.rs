//! What comes in, into the inbox: a conversation's messages by reading on from the last one stored, everything else as it is told.
//!
//! A message told by the gateway is not stored from there: it is the sign to read the conversation on. So the stored position
//! never passes a message that was not stored, whatever the gateway skips, and what was missed while away needs no second way.

use crate::arrival::{self, id, text};
use crate::book::{Book, scope};
use crate::fault::Fault;
use crate::rest::{PAGE, Rest, RestError};
use crate::snowflake;
use jiff::Timestamp;
use madoguchi_channel::{Cursor, Door, Health, RawInbound, Reconciliation, Stored};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// The time a channel is handed.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Messages remembered that were already edited when they were read: the event that tells so is no further change.
const EDITS_KNOWN: usize = 500;

/// One bot's way into one inbox.
pub struct Intake {
    /// The channel's name in the desk.
    pub name: String,
    /// The server.
    pub rest: Arc<Rest>,
    /// The inbox.
    pub door: Arc<dyn Door>,
    /// The conversations.
    pub book: Arc<Book>,
    /// The time.
    pub now: Clock,
    /// Messages before this id are none of the desk's.
    pub since: u64,
    /// The last health reported.
    pub health: Mutex<Option<Health>>,
    /// Edits met while reading.
    pub edits: Mutex<VecDeque<String>>,
}

/// A message the gateway told of.
pub struct Heard {
    /// Its id.
    pub id: u64,
    /// Who wrote it.
    pub user: String,
    /// The event's content, as far as serenity keeps it.
    pub json: String,
}

/// A change the gateway told of.
pub struct Change {
    /// The event.
    pub event: &'static str,
    /// The message that was changed.
    pub id: u64,
    /// When it was edited, in the server's words.
    pub edited_at: Option<String>,
    /// The event's content, as far as serenity keeps it.
    pub json: String,
}

impl Intake {
    fn arrival(&self, external_id: String, id: u64, bytes: Vec<u8>) -> RawInbound {
        let now = (self.now)();
        RawInbound {
            channel: self.name.clone(),
            external_id,
            // The id was given by the server when the message reached it.
            received_at: snowflake::made_at(id).min(now),
            bytes,
            silent: false,
            renumbered: false,
        }
    }

    /// Stores through the door.
    pub async fn store(
        &self,
        arrivals: Vec<RawInbound>,
        cursor: Option<Cursor>,
    ) -> Result<Stored, Fault> {
        Ok(self.door.store(&self.name, arrivals, cursor).await?)
    }

    /// Reads a conversation on from the last message stored. Returns how many were new and which ids were read.
    pub async fn read_on(&self, channel: u64) -> Result<(usize, BTreeSet<u64>), Fault> {
        let saved = self.door.cursor(&self.name, &scope(channel)).await?;
        let mut last = saved
            .and_then(|text| snowflake::parse(&text))
            .unwrap_or(self.since)
            .max(self.since);
        let (mut new, mut read) = (0, BTreeSet::new());
        loop {
            let page = match self.rest.after(channel, last).await {
                Ok(page) => page,
                Err(RestError::Refused(gone)) if matches!(gone.status, 403 | 404) => {
                    self.book.remove(channel).await?;
                    return Ok((new, read));
                }
                Err(error) => return Err(error.into()),
            };
            let full = page.len() >= PAGE;
            let Some((newest, _)) = page.last() else {
                return Ok((new, read));
            };
            last = *newest;
            read.extend(page.iter().map(|(id, _)| *id));
            let arrivals = page
                .iter()
                .filter_map(|(id, raw)| self.message(channel, *id, raw))
                .collect();
            let cursor = Cursor {
                scope: scope(channel),
                value: last.to_string(),
            };
            new += self.store(arrivals, Some(cursor)).await?.new;
            if !full {
                return Ok((new, read));
            }
        }
    }

    /// A message of a page, unless it is our own or nobody's.
    fn message(&self, channel: u64, id: u64, raw: &RawValue) -> Option<RawInbound> {
        let message: Value = serde_json::from_str(raw.get()).ok()?;
        if !arrival::is_from_person(&message) {
            return None;
        }
        if let Some(edited_at) = text(&message, "/edited_timestamp") {
            let mut edits = self.edits.lock().unwrap_or_else(PoisonError::into_inner);
            if edits.len() >= EDITS_KNOWN {
                edits.pop_front();
            }
            edits.push_back(edit_id(channel, id, edited_at));
        }
        let bytes = arrival::wrap(arrival::MESSAGE, raw.get(), None);
        Some(self.arrival(format!("{channel}/{id}"), id, bytes))
    }

    /// Stores a message from what the gateway told, without moving the position: the server did not hand it out.
    pub async fn keep(&self, channel: u64, heard: &Heard) -> Result<Stored, Fault> {
        let bytes = arrival::wrap(arrival::MESSAGE, &heard.json, None);
        let arrival = self.arrival(format!("{channel}/{}", heard.id), heard.id, bytes);
        self.store(vec![arrival], None).await
    }

    /// Stores an edit or a deletion.
    pub async fn change(&self, channel: u64, change: &Change) -> Result<(), Fault> {
        if change.id < self.since {
            return Ok(());
        }
        // Nobody known ever wrote there.
        let Some(user) = self.book.person(channel) else {
            return Ok(());
        };
        let external_id = match &change.edited_at {
            Some(edited_at) => {
                let edit = edit_id(channel, change.id, edited_at);
                let edits = self.edits.lock().unwrap_or_else(PoisonError::into_inner);
                if edits.contains(&edit) {
                    return Ok(());
                }
                edit
            }
            None => format!("delete/{channel}/{}", change.id),
        };
        let bytes = arrival::wrap(change.event, &change.json, Some(&user));
        let now = snowflake::first_of((self.now)());
        let arrival = self.arrival(external_id, now, bytes);
        self.store(vec![arrival], None).await.map(drop)
    }

    /// Stores an interaction.
    pub async fn interaction(&self, interaction: &Value) -> Result<(), Fault> {
        let Some(id) = id(interaction, "/id") else {
            return Ok(());
        };
        // A conversation with the bot alone is read on from now on, even if the person never wrote in it before.
        let user = text(interaction, "/user/id");
        if let (false, Some(channel), Some(user)) = (
            arrival::is_public(interaction),
            arrival::id(interaction, "/channel_id"),
            user,
        ) {
            self.book.add(channel, user).await?;
        }
        let bytes = arrival::wrap(arrival::INTERACTION, &interaction.to_string(), None);
        let arrival = self.arrival(format!("interaction/{id}"), id, bytes);
        self.store(vec![arrival], None).await.map(drop)
    }

    /// Compares the last days of a conversation with what is stored: stores what is missing, and what was changed or removed
    /// while nobody listened.
    pub async fn compare(
        &self,
        channel: u64,
        from: u64,
        total: &mut Reconciliation,
    ) -> Result<(), Fault> {
        let prefix = format!("{channel}/");
        let stored = self.door.stored_ids(&self.name, &prefix).await?;
        let stored: BTreeSet<u64> = stored
            .iter()
            .filter_map(|id| snowflake::parse(id.strip_prefix(&prefix)?))
            .collect();
        let from = from.max(self.since);
        let (mut last, mut there) = (from, BTreeSet::new());
        loop {
            let page = match self.rest.after(channel, last).await {
                Ok(page) => page,
                // The whole conversation is gone: that is no removal of messages.
                Err(RestError::Refused(gone)) if matches!(gone.status, 403 | 404) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let full = page.len() >= PAGE;
            for (id, raw) in page {
                last = id;
                there.insert(id);
                if stored.contains(&id) {
                    total.at_server += 1;
                    total.stored += 1;
                    self.compare_edit(channel, id, &raw).await?;
                } else if let Some(arrival) = self.message(channel, id, &raw) {
                    total.at_server += 1;
                    let external_id = arrival.external_id.clone();
                    if self.store(vec![arrival], None).await?.new > 0 {
                        total.missing.push(external_id);
                    } else {
                        total.stored += 1;
                    }
                }
            }
            if !full {
                break;
            }
        }
        for id in stored
            .range(from.saturating_add(1)..)
            .filter(|id| !there.contains(id))
        {
            let change = Change {
                event: arrival::DELETED,
                id: *id,
                edited_at: None,
                json: json!({"id": id.to_string(), "channel_id": channel.to_string()}).to_string(),
            };
            self.change(channel, &change).await?;
        }
        Ok(())
    }

    /// An edit of a stored message. One that was read with the message comes out once more, with the text it has anyway.
    async fn compare_edit(&self, channel: u64, id: u64, raw: &RawValue) -> Result<(), Fault> {
        let message: Value = serde_json::from_str(raw.get()).unwrap_or_default();
        match text(&message, "/edited_timestamp") {
            Some(edited_at) => {
                let change = Change {
                    event: arrival::EDITED,
                    id,
                    edited_at: Some(edited_at.to_owned()),
                    json: raw.get().to_owned(),
                };
                self.change(channel, &change).await
            }
            None => Ok(()),
        }
    }

    /// Reports a change of health.
    pub fn report(&self, health: Health) {
        let mut last = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref() != Some(&health) {
            self.door.health(&self.name, health.clone());
            *last = Some(health);
        }
    }
}

fn edit_id(channel: u64, id: u64, edited_at: &str) -> String {
    // The gateway and the pages may write one moment differently (+00:00, Z).
    let moment = edited_at.parse::<Timestamp>().map_or_else(
        |_| edited_at.to_owned(),
        |time| time.as_microsecond().to_string(),
    );
    format!("edit/{channel}/{id}/{moment}")
}
