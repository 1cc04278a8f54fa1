//! What the gateway tells, sorted: messages and changes of one conversation one after another, conversations beside each other,
//! interactions at once.

use crate::arrival::{self, text};
use crate::encode;
use crate::fault::{Fault, Kind};
use crate::gateway::Told;
use crate::handle;
use crate::intake::{Change, Heard, Intake};
use crate::pause::pause_after;
use crate::rest::{RestError, code};
use crate::snowflake;
use madoguchi_channel::Health;
use serde_json::{Value, json};
use serenity::all::{Event, Interaction};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Conversations read at the same time.
const READERS: usize = 8;
/// Interactions under way at the same time; the server tells the person when one is not taken.
const INTERACTIONS: usize = 500;
/// Messages of one conversation kept from what the gateway told, should the server not hand them out.
const HEARD: usize = 64;
/// Changes of one conversation waiting to be stored.
const CHANGES: usize = 1000;
/// An interaction must be answered within three seconds.
const DEFER_AFTER: Duration = Duration::from_secs(2);

/// What is to be done in one conversation.
#[derive(Default)]
struct Work {
    read_on: bool,
    heard: VecDeque<Heard>,
    changes: VecDeque<Change>,
    failures: u32,
}

/// Sorts what is told until stopped.
pub async fn run(
    intake: Arc<Intake>,
    own: u64,
    mut told: mpsc::UnboundedReceiver<Told>,
    stop: CancellationToken,
) {
    let mut desk = Sorter {
        readers: Arc::new(Semaphore::new(READERS)),
        asked: Arc::new(Semaphore::new(INTERACTIONS)),
        tasks: JoinSet::new(),
        interactions: JoinSet::new(),
        waiting: BTreeMap::new(),
        busy: BTreeSet::new(),
        intake,
        own,
    };
    desk.everything();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(done) = desk.tasks.join_next() => {
                if let Ok((channel, left)) = done {
                    desk.finished(channel, left);
                }
            }
            Some(_) = desk.interactions.join_next() => {}
            Some(next) = told.recv() => desk.take(next),
            else => break,
        }
    }
    // What is being stored is let finish; nothing that is cut off here was told to the server as taken.
    let _ = tokio::time::timeout(Duration::from_millis(800), async {
        while desk.interactions.join_next().await.is_some() {}
    })
    .await;
}

struct Sorter {
    intake: Arc<Intake>,
    own: u64,
    readers: Arc<Semaphore>,
    asked: Arc<Semaphore>,
    tasks: JoinSet<(u64, Work)>,
    interactions: JoinSet<()>,
    waiting: BTreeMap<u64, Work>,
    busy: BTreeSet<u64>,
}

impl Sorter {
    /// Every conversation is read on: at the start, and whenever the gateway begins anew and may have skipped something.
    fn everything(&mut self) {
        for channel in self.intake.book.channels() {
            self.waiting.entry(channel).or_default().read_on = true;
            self.begin(channel);
        }
    }

    fn begin(&mut self, channel: u64) {
        if self.busy.contains(&channel) {
            return;
        }
        let Some(work) = self.waiting.remove(&channel) else {
            return;
        };
        self.busy.insert(channel);
        let (intake, readers) = (self.intake.clone(), self.readers.clone());
        self.tasks.spawn(async move {
            let turn = readers.acquire().await;
            let (left, wait) = conversation(&intake, channel, work).await;
            // Who waits for a better moment keeps nobody from his turn.
            drop(turn);
            tokio::time::sleep(wait).await;
            (channel, left)
        });
    }

    /// A conversation's work is done, or what is left of it waits for a better moment.
    fn finished(&mut self, channel: u64, left: Work) {
        self.busy.remove(&channel);
        if left.read_on || !left.changes.is_empty() || !left.heard.is_empty() {
            let newer = self.waiting.remove(&channel).unwrap_or_default();
            let mut work = left;
            work.read_on |= newer.read_on;
            work.heard.extend(newer.heard);
            work.changes.extend(newer.changes);
            self.waiting.insert(channel, work);
        }
        self.begin(channel);
    }

    fn take(&mut self, told: Told) {
        match told {
            Told::Down(fault) => self.intake.report(fault.health()),
            Told::Event(event) => match *event {
                Event::Ready(_) => {
                    self.intake.report(Health::Up);
                    self.everything();
                }
                Event::Resumed(_) => self.intake.report(Health::Up),
                Event::MessageCreate(event) if event.message.guild_id.is_none() => {
                    if event.message.author.id.get() == self.own {
                        return;
                    }
                    let channel = event.message.channel_id.get();
                    let heard = Heard {
                        id: event.message.id.get(),
                        user: event.message.author.id.to_string(),
                        json: json_of(&event.message),
                    };
                    if event.message.author.bot || heard.id < self.intake.since {
                        return;
                    }
                    let work = self.waiting.entry(channel).or_default();
                    work.read_on = true;
                    if work.heard.len() >= HEARD {
                        work.heard.pop_front();
                    }
                    work.heard.push_back(heard);
                    self.begin(channel);
                }
                Event::MessageUpdate(event) if event.guild_id.is_none() => {
                    let by_person = event
                        .author
                        .as_ref()
                        .is_none_or(|author| author.id.get() != self.own && !author.bot);
                    // Without both, a preview of a link was added, or the message was pinned.
                    if let (true, Some(_), Some(edited)) =
                        (by_person, &event.content, event.edited_timestamp)
                    {
                        let change = Change {
                            event: arrival::EDITED,
                            id: event.id.get(),
                            edited_at: Some(edited.to_string()),
                            json: json_of(&event),
                        };
                        self.change(event.channel_id.get(), change);
                    }
                }
                Event::MessageDelete(event) if event.guild_id.is_none() => {
                    let change = Change {
                        event: arrival::DELETED,
                        id: event.message_id.get(),
                        edited_at: None,
                        json: json_of(&event),
                    };
                    self.change(event.channel_id.get(), change);
                }
                Event::InteractionCreate(event) => self.interaction(&event.interaction),
                _ => {}
            },
        }
    }

    fn change(&mut self, channel: u64, change: Change) {
        let work = self.waiting.entry(channel).or_default();
        if work.changes.len() >= CHANGES {
            tracing::warn!(channel.name = %self.intake.name, "too many changes in one conversation; the oldest is left out");
            work.changes.pop_front();
        }
        work.changes.push_back(change);
        self.begin(channel);
    }

    fn interaction(&mut self, interaction: &Interaction) {
        // serenity reads the kind and does not write it.
        let (kind, mut json) = match interaction {
            Interaction::Command(command) => (2, serde_json::to_value(command)),
            Interaction::Component(component) => (3, serde_json::to_value(component)),
            Interaction::Modal(form) => (5, serde_json::to_value(form)),
            _ => return,
        };
        if let Ok(Value::Object(fields)) = &mut json {
            fields.insert("type".into(), json!(kind));
        }
        let Ok(json) = json else {
            tracing::error!(channel.name = %self.intake.name, "an interaction could not be written down; the person sees that it failed");
            return;
        };
        match self.asked.clone().try_acquire_owned() {
            Err(_) => {
                tracing::warn!(channel.name = %self.intake.name, "too many interactions at once; one was not taken, which the person sees");
            }
            Ok(turn) => {
                let intake = self.intake.clone();
                self.interactions.spawn(async move {
                    answer(&intake, json).await;
                    drop(turn);
                });
            }
        }
    }
}

fn json_of(event: &impl serde::Serialize) -> String {
    serde_json::to_string(event).unwrap_or_else(|_| "{}".into())
}

/// Reads a conversation on and stores its changes. Returns what could not be done now, and how long to wait with it.
async fn conversation(intake: &Intake, channel: u64, mut work: Work) -> (Work, Duration) {
    let Err(fault) = carry_out(intake, channel, &mut work).await else {
        work.failures = 0;
        return (work, Duration::ZERO);
    };
    let wait = fault.wait.unwrap_or_else(|| pause_after(work.failures));
    work.failures = work.failures.saturating_add(1);
    // A limit of one conversation says nothing about the others.
    if fault.kind != Kind::Limit {
        tracing::warn!(channel.name = %intake.name, error = %fault, "a conversation could not be read on; it is tried again");
        intake.report(fault.health());
    }
    (work, wait.max(Duration::from_millis(50)))
}

async fn carry_out(intake: &Intake, channel: u64, work: &mut Work) -> Result<(), Fault> {
    let struggling = work.failures > 0;
    if let Some(heard) = work.heard.front() {
        intake.book.add(channel, &heard.user).await?;
    }
    if work.read_on {
        match intake.read_on(channel).await {
            Ok((_, read)) => {
                work.read_on = false;
                // Told of and not handed out: removed in between, or the server is behind itself.
                while let Some(heard) = work.heard.front() {
                    if !read.contains(&heard.id) {
                        intake.keep(channel, heard).await?;
                    }
                    work.heard.pop_front();
                }
            }
            // The inbox works but the server does not: what it told is kept at once, the rest follows.
            Err(fault) if fault.kind != Kind::Door => {
                while let Some(heard) = work.heard.front() {
                    intake.keep(channel, heard).await?;
                    work.heard.pop_front();
                }
                return Err(fault);
            }
            Err(fault) => return Err(fault),
        }
    }
    while let Some(change) = work.changes.front() {
        intake.change(channel, change).await?;
        work.changes.pop_front();
    }
    if struggling {
        intake.report(Health::Up);
    }
    Ok(())
}

/// Stores an interaction, then tells the server that it was taken.
async fn answer(intake: &Intake, interaction: Value) {
    let Some(id) = text(&interaction, "/id").and_then(snowflake::parse) else {
        return;
    };
    let token = text(&interaction, "/token").unwrap_or_default();
    if !handle::is_token(token) {
        return;
    }
    let alone = arrival::is_public(&interaction);
    let kind = arrival::number(&interaction, "/type");
    if kind == Some(2) && asks_nothing(&interaction) {
        // Nothing was said yet: nothing is stored. A form cannot follow a deferred answer.
        let locale = text(&interaction, "/locale").unwrap_or_default();
        tell(intake, id, token, &encode::form(locale, alone)).await;
        return;
    }
    let deferred = if kind == Some(3) {
        encode::taken()
    } else {
        encode::deferred(alone)
    };
    let storing = intake.interaction(&interaction);
    tokio::pin!(storing);
    let mut told = false;
    let mut stored = tokio::select! {
        stored = &mut storing => stored,
        () = tokio::time::sleep(DEFER_AFTER) => {
            // Here alone the order is turned round: the server waits three seconds and no longer, and the inbox is slow, not
            // refusing. A crash at this moment loses an interaction the person saw taken.
            tell(intake, id, token, &deferred).await;
            told = true;
            storing.await
        }
    };
    // Once told that it was taken it has to be: tried for as long as it could be answered.
    let mut failures = 0;
    while let (true, Err(fault)) = (told && failures < 30, &stored) {
        intake.report(fault.health());
        tokio::time::sleep(pause_after(failures).min(Duration::from_secs(30))).await;
        failures += 1;
        stored = intake.interaction(&interaction).await;
    }
    match stored {
        Ok(()) if told => {}
        Ok(()) => tell(intake, id, token, &deferred).await,
        Err(fault) => {
            // Not told as taken: the server shows the person that it failed.
            tracing::error!(channel.name = %intake.name, error = %fault, "an interaction could not be stored");
            intake.report(fault.health());
        }
    }
}

/// `/ask` and nothing after it.
fn asks_nothing(interaction: &Value) -> bool {
    text(interaction, "/data/name") == Some(crate::commands::ASK)
        && arrival::list(interaction, "/data/options")
            .iter()
            .filter_map(|option| text(option, "/value"))
            .all(|value| value.trim().is_empty())
}

/// Answers an interaction for the first time; a short limit is waited for.
async fn tell(intake: &Intake, id: u64, token: &str, body: &Value) {
    for _ in 0..3 {
        match intake.rest.answer(id, token, body).await {
            Ok(()) => return,
            Err(RestError::Refused(refusal)) => match (refusal.code, refusal.retry_after) {
                (code::ALREADY_ACKNOWLEDGED, _) => return,
                (_, Some(wait)) if wait <= Duration::from_millis(1500) => {
                    tokio::time::sleep(wait).await;
                }
                (_, None) if refusal.status >= 500 => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                _ => {
                    tracing::warn!(channel.name = %intake.name, error = %refusal, "an interaction could not be answered in place; the answer goes as a direct message");
                    return;
                }
            },
            Err(error @ RestError::Away(_)) => {
                tracing::warn!(channel.name = %intake.name, error = %error, "an interaction could not be answered; it is tried again");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}
