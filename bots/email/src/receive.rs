//! Which messages are taken, and when. All of this runs on a thread that may block, one per folder.

use crate::config::ImapConfig;
use crate::fault::{Fault, Kind};
use crate::link::Plug;
use crate::mailbox::{Fetched, ImapMailbox, Mailbox, Selected};
use crate::position::Position;
use crate::sign_in::SignIn;
use jiff::Timestamp;
use madoguchi_channel::{Cursor, Door, DoorError, Health, RawInbound, Reconciliation, Stored};
use rustls::ClientConfig;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longest stay in one IDLE: some routers forget a silent connection after ten minutes.
const LONGEST_IDLE: Duration = Duration::from_secs(8 * 60);
/// So often the file of a refused password is looked at.
const LOOK_AT_PASSWORD: Duration = Duration::from_secs(1);
/// Longest pause before connecting again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// One channel's health out of its folders': down while any folder is down.
#[derive(Default)]
pub struct Board(Mutex<BTreeMap<String, Health>>);

impl Board {
    fn report(&self, door: &dyn Door, channel: &str, folder: &str, health: Health) {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        board.insert(folder.to_owned(), health);
        let down = board
            .values()
            .find(|health| matches!(health, Health::Down { .. }));
        door.health(channel, down.cloned().unwrap_or(Health::Up));
    }
}

/// Everything needed to read one folder.
#[derive(Clone)]
pub struct Reader {
    pub channel: String,
    pub folder: String,
    pub config: Arc<ImapConfig>,
    pub account: Arc<SignIn>,
    pub tls: Arc<ClientConfig>,
    pub now: crate::Clock,
    pub door: Arc<dyn Door>,
    pub board: Arc<Board>,
    pub plug: Plug,
    pub runtime: tokio::runtime::Handle,
}

impl Reader {
    /// Receives until the plug is pulled.
    pub fn run(&self) {
        let mut failures = 0_u32;
        while !self.plug.pulled() {
            let Err(fault) = self.stay_connected(&mut failures) else {
                continue;
            };
            if self.plug.pulled() {
                return;
            }
            let pause = pause_after(failures);
            tracing::warn!(
                channel.name = %self.channel, mailbox.folder = %self.folder, error = %fault, retry.in_ms = pause.as_millis(),
                "mail cannot be received; trying again"
            );
            self.report(fault.health());
            failures = failures.saturating_add(1);
            if fault.kind == Kind::SignIn {
                self.rest_until_changed(pause);
            } else {
                self.rest(pause);
            }
        }
    }

    /// Reports the folder's health.
    pub fn report(&self, health: Health) {
        self.board
            .report(&*self.door, &self.channel, &self.folder, health);
    }

    /// Connects, then takes and waits in turn until something fails or the plug is pulled.
    fn stay_connected(&self, failures: &mut u32) -> Result<(), Fault> {
        let mut mailbox = self.connect()?;
        let idle = self.config.idle && mailbox.can_idle()?;
        let poll = Duration::from_secs(self.config.poll_seconds.max(1));
        while !self.plug.pulled() {
            self.take_new(&mut mailbox)?;
            *failures = 0;
            self.report(Health::Up);
            if idle {
                mailbox.idle(poll.min(LONGEST_IDLE))?;
            } else {
                self.rest(poll);
            }
        }
        Ok(())
    }

    fn connect(&self) -> Result<ImapMailbox, Fault> {
        ImapMailbox::connect(
            &self.config,
            &self.account,
            &self.tls,
            &self.plug,
            &self.runtime,
        )
    }

    /// Connects, takes what is new, signs out.
    pub fn once(&self) -> Result<usize, Fault> {
        let outcome = self.connect().and_then(|mut mailbox| {
            let new = self.take_new(&mut mailbox)?;
            mailbox.close();
            Ok(new)
        });
        self.report(match &outcome {
            Ok(_) => Health::Up,
            Err(fault) => fault.health(),
        });
        outcome
    }

    /// Takes every message above the remembered position, whatever its flags.
    fn take_new(&self, mailbox: &mut dyn Mailbox) -> Result<usize, Fault> {
        let selected = mailbox.select(&self.folder)?;
        let mut position = self.position(mailbox, selected)?;
        let waiting = mailbox.uids_from(position.last.saturating_add(1))?;
        let mut new = 0;
        for group in waiting.chunks(self.config.batch_messages.max(1)) {
            for batch in self.batches(mailbox, group)? {
                if self.plug.pulled() {
                    return Ok(new);
                }
                let Some(last) = batch.last() else { continue };
                let messages = fetch_each(mailbox, &batch)?;
                let gone = batch.len().saturating_sub(messages.len());
                if gone > 0 {
                    tracing::warn!(
                        channel.name = %self.channel, mailbox.folder = %self.folder, messages.gone = gone,
                        "messages left the mailbox before they were read"
                    );
                }
                let taken: Vec<u32> = messages.iter().map(|message| message.uid).collect();
                let arrivals = messages
                    .into_iter()
                    .map(|m| self.arrival(&position, m))
                    .collect();
                position.last = *last;
                new += self.store(arrivals, Some(&position))?.new;
                self.clear_away(mailbox, selected, &taken);
            }
        }
        Ok(new)
    }

    /// Where the desk stands in the folder; a change is saved before anything is read.
    fn position(&self, mailbox: &mut dyn Mailbox, selected: Selected) -> Result<Position, Fault> {
        let saved = self.wait(self.door.cursor(&self.channel, &self.folder))?;
        let saved = match saved {
            None => None,
            Some(text) => Some(Position::parse(&text).ok_or_else(|| {
                Fault::new(
                    Kind::Door,
                    format!("the saved position in {} cannot be read", self.folder),
                )
            })?),
        };
        if let Some(position) = &saved
            && position.uid_validity == selected.uid_validity
        {
            return Ok(position.clone());
        }
        let next = match selected.uid_next {
            Some(next) => next,
            None => mailbox
                .uids_from(1)?
                .last()
                .map_or(1, |last| last.saturating_add(1)),
        };
        let position = match saved {
            Some(before) => {
                tracing::warn!(
                    channel.name = %self.channel, mailbox.folder = %self.folder,
                    "the server renumbered its messages; all are compared with those stored"
                );
                before.renumbered(selected.uid_validity, next)
            }
            None => Position::first(
                self.config.first_connection,
                selected.uid_validity,
                next,
                (self.now)(),
            ),
        };
        self.store(Vec::new(), Some(&position))?;
        Ok(position)
    }

    /// Parts ids so that no batch is larger than the limit; a message above it comes alone. Those that left are kept
    /// in, so that the position passes them.
    fn batches(&self, mailbox: &mut dyn Mailbox, uids: &[u32]) -> Result<Vec<Vec<u32>>, Fault> {
        let sizes: BTreeMap<u32, u64> = mailbox.sizes(uids)?.into_iter().collect();
        let mut batches = Vec::new();
        let (mut batch, mut bytes) = (Vec::new(), 0_u64);
        for uid in uids {
            let size = sizes.get(uid).copied().unwrap_or_default();
            if !batch.is_empty() && bytes.saturating_add(size) > self.config.batch_bytes {
                batches.push(std::mem::take(&mut batch));
                bytes = 0;
            }
            batch.push(*uid);
            bytes = bytes.saturating_add(size);
        }
        batches.push(batch);
        Ok(batches)
    }

    fn arrival(&self, position: &Position, message: Fetched) -> RawInbound {
        let now: Timestamp = (self.now)();
        RawInbound {
            channel: self.channel.clone(),
            external_id: format!("{}{}", self.prefix(position), message.uid),
            received_at: message.internal_date.map_or(now, |date| date.min(now)),
            silent: position.is_silent(message.uid, message.internal_date),
            renumbered: position.is_renumbered(message.uid),
            bytes: message.bytes,
        }
    }

    fn prefix(&self, position: &Position) -> String {
        format!("{}/{}/", self.folder, position.uid_validity)
    }

    fn store(
        &self,
        arrivals: Vec<RawInbound>,
        position: Option<&Position>,
    ) -> Result<Stored, Fault> {
        let cursor = position.map(|position| Cursor {
            scope: self.folder.clone(),
            value: position.encode(),
        });
        self.wait(self.door.store(&self.channel, arrivals, cursor))
    }

    /// Marks or moves what was taken. Nothing depends on it: the position tells what was taken, and the comparison moves what stayed.
    fn clear_away(&self, mailbox: &mut dyn Mailbox, selected: Selected, uids: &[u32]) {
        if let Some(folder) = &self.config.move_to
            && !uids.is_empty()
        {
            if let Err(error) = mailbox.move_away(uids, folder) {
                tracing::warn!(
                    channel.name = %self.channel, mailbox.folder = %self.folder, error = %error,
                    "taken messages could not be moved; they stay where they are"
                );
            }
            return;
        }
        if selected.keeps_flags
            && !uids.is_empty()
            && let Err(error) = mailbox.mark_taken(uids)
        {
            tracing::debug!(channel.name = %self.channel, error = %error, "taken messages could not be flagged");
        }
    }

    /// Takes what is new, then compares the whole folder with what is stored, and stores what is missing.
    pub fn reconcile(&self) -> Result<Reconciliation, Fault> {
        let mut mailbox = self.connect()?;
        self.take_new(&mut mailbox)?;
        let selected = mailbox.select(&self.folder)?;
        let position = self.position(&mut mailbox, selected)?;
        let prefix = self.prefix(&position);
        let stored: BTreeSet<String> = self
            .wait(self.door.stored_ids(&self.channel, &prefix))?
            .into_iter()
            .collect();
        let mut result = Reconciliation::default();
        let (mut absent, mut stayed) = (Vec::new(), Vec::new());
        for uid in mailbox.uids_from(position.start)? {
            if uid > position.last {
                continue; // arrived this moment; the next look takes it
            }
            result.at_server += 1;
            if stored.contains(&format!("{prefix}{uid}")) {
                result.stored += 1;
                stayed.push(uid);
            } else {
                absent.push(uid);
            }
        }
        if self.config.move_to.is_some() {
            self.clear_away(&mut mailbox, selected, &stayed);
        }
        for uid in absent {
            for message in fetch_each(&mut mailbox, &[uid])? {
                let outcome = self.store(vec![self.arrival(&position, message)], None)?;
                if outcome.known > 0 {
                    result.stored += 1; // stored under an id of an older numbering
                } else {
                    result.missing.push(format!("{prefix}{uid}"));
                }
                self.clear_away(&mut mailbox, selected, &[uid]);
            }
        }
        mailbox.close();
        Ok(result)
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T, DoorError>>) -> Result<T, Fault> {
        self.runtime.block_on(work).map_err(|error| {
            Fault::new(
                Kind::Door,
                format!("the inbox could not store or read: {error}"),
            )
        })
    }

    /// Rests, or less when the password in its file becomes another.
    fn rest_until_changed(&self, time: Duration) {
        let end = Instant::now() + time;
        while !self.plug.pulled() && !self.account.changed() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            self.rest(left.min(LOOK_AT_PASSWORD));
        }
    }

    /// Sleeps, or less when the plug is pulled.
    fn rest(&self, time: Duration) {
        self.runtime.block_on(async {
            tokio::select! {
                () = self.plug.stop().cancelled() => {}
                () = tokio::time::sleep(time) => {}
            }
        });
    }
}

/// Connects, signs in and opens each folder.
pub fn check(
    config: &ImapConfig,
    account: &SignIn,
    tls: &Arc<ClientConfig>,
    runtime: &tokio::runtime::Handle,
) -> Result<Vec<String>, Fault> {
    let plug = Plug::new(tokio_util::sync::CancellationToken::new());
    let mut mailbox = ImapMailbox::connect(config, account, tls, &plug, runtime)?;
    // The folder to move to as well: a misspelt one would show only when the first mail stays behind.
    for folder in config.folders.iter().chain(&config.move_to) {
        mailbox.select(folder)?;
    }
    let server = format!("{}:{}", config.host, config.port());
    let news = if !config.idle {
        "is looked at from time to time (idle is off)"
    } else if mailbox.can_idle()? {
        "tells of new mail by itself"
    } else {
        "does not tell of new mail by itself (no IDLE); it is looked at from time to time"
    };
    mailbox.close();
    Ok(vec![format!("{server} {news}")])
}

/// Fetches a batch; when the server refuses it, one by one, so that one damaged message does not hold up the rest.
fn fetch_each(mailbox: &mut dyn Mailbox, uids: &[u32]) -> Result<Vec<Fetched>, Fault> {
    match mailbox.fetch(uids) {
        Err(fault) if fault.kind == Kind::Refused && uids.len() > 1 => {
            let mut messages = Vec::new();
            for uid in uids {
                messages.extend(fetch_each(mailbox, &[*uid])?);
            }
            Ok(messages)
        }
        Err(fault) if fault.kind == Kind::Refused => {
            tracing::error!(error = %fault, "the server does not hand out a message; each comparison tries it again");
            Ok(Vec::new())
        }
        other => other,
    }
}

/// 1 s, 2 s, 4 s … 60 s, between half and the whole of it, so that many desks do not return at the same moment.
fn pause_after(failures: u32) -> Duration {
    let whole = Duration::from_secs(1_u64 << failures.min(6)).min(LONGEST_PAUSE);
    let share = getrandom::u32().unwrap_or_default() % 500;
    whole.mul_f64(0.5 + f64::from(share) / 1000.0)
}

#[cfg(test)]
#[path = "receive_tests.rs"]
mod tests;
