//! A spool directory as a channel: drop an `.eml`, get an `.eml`.
//!
//! Reading order: [`SpoolChannel`] (the [`Channel`]), `look` (which files are complete), `sent` (departures).

mod look;
mod sent;

use async_trait::async_trait;
use jiff::Timestamp;
use look::{Found, Watch};
use madoguchi_channel::{
    Channel, DecodeError, Door, Health, InboundMessage, OutboundMessage, RawInbound, Receipt,
    ReceiveError, Reconciliation, SendError,
};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The time a channel is handed: every arrival is stamped with it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Where a spool lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolConfig {
    /// Name of the channel, unique in the desk.
    pub name: String,
    /// Directory files are dropped into; a maildir's `new/` and `cur/` inside it are read as well.
    pub inbox: PathBuf,
    /// Directory that departures are written to, one `.eml` each.
    pub sent: PathBuf,
    /// Time between two looks at the inbox.
    pub poll: Duration,
}

/// A spool directory as a [`Channel`].
pub struct SpoolChannel {
    config: SpoolConfig,
    now: Clock,
    watch: Arc<Mutex<Watch>>,
    seal: Option<Arc<dyn madoguchi_mime::Seal>>,
}

impl SpoolChannel {
    /// A channel over the directories of `config`, which are made when they are missing; `now` stamps arrivals.
    pub fn new(config: SpoolConfig, now: Clock) -> Self {
        let watch = Arc::new(Mutex::new(Watch::new(config.inbox.clone())));
        Self {
            config,
            now,
            watch,
            seal: None,
        }
    }

    /// The same channel, sealing what it sends.
    #[must_use]
    pub fn sealed_by(mut self, seal: Arc<dyn madoguchi_mime::Seal>) -> Self {
        self.seal = Some(seal);
        self
    }

    /// Runs file work on a thread where it may block.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Watch) -> T + Send + 'static,
    ) -> Result<T, ReceiveError> {
        let watch = self.watch.clone();
        tokio::task::spawn_blocking(move || {
            work(&mut watch.lock().unwrap_or_else(PoisonError::into_inner))
        })
        .await
        .map_err(|error| fault("reading the inbox directory stopped", &error.to_string()))
    }

    /// One look: stores every complete file, then moves it aside. Returns how many were new and whether some were
    /// not complete yet; files that could not be read are named in the health report and do not stop the others.
    async fn look(&self, door: &Arc<dyn Door>) -> Result<(usize, bool), ReceiveError> {
        let moment = tokio::time::Instant::now().into_std();
        let seen = self.blocking(move |watch| watch.look(moment)).await?;
        let seen = seen.map_err(|error| directory_fault(&self.config.inbox, &error))?;
        let mut problems = seen.problems;
        let mut new = 0;
        for path in seen.ready {
            let wanted = path.clone();
            match self.blocking(move |_| look::read(&wanted)).await? {
                Ok(None) => {} // taken away in between
                Ok(Some(found)) => {
                    new += self.store(door, &found).await?;
                    let external_id = found.external_id;
                    if let Err(error) = self
                        .blocking(move |watch| watch.set_aside(&path, &external_id, moment))
                        .await?
                    {
                        problems.push(format!("a stored file could not be moved aside: {error}"));
                    }
                }
                Err(error) => problems.push(format!("a file could not be read: {error}")),
            }
        }
        for late in seen.late {
            let wanted = late.clone();
            if let Ok(Some(found)) = self.blocking(move |_| look::read(&wanted)).await? {
                tracing::warn!(channel.name = %self.config.name, "a file was still being written after it was taken; taken again");
                new += self.store(door, &found).await?;
            }
        }
        door.health(&self.config.name, self.health(&problems));
        Ok((new, seen.waiting))
    }

    async fn store(&self, door: &Arc<dyn Door>, found: &Found) -> Result<usize, ReceiveError> {
        let arrival = RawInbound {
            channel: self.config.name.clone(),
            external_id: found.external_id.clone(),
            received_at: (self.now)(),
            bytes: found.bytes.clone(),
            silent: false,
            renumbered: false,
        };
        match door.store(&self.config.name, vec![arrival], None).await {
            Ok(stored) => Ok(stored.new),
            Err(error) => Err(ReceiveError {
                problem: format!("the inbox could not store an arrival: {error}"),
                advice: "free disk space or repair the database; the file stays in the spool and is taken then"
                    .into(),
                permanent: false,
            }),
        }
    }

    fn health(&self, problems: &[String]) -> Health {
        match problems.first() {
            None => Health::Up,
            Some(first) => Health::Down {
                problem: format!("{first} ({} in all)", problems.len()),
                advice: format!(
                    "give the desk's account the right to read and rename the files in {}",
                    self.config.inbox.display()
                ),
            },
        }
    }
}

#[async_trait]
impl Channel for SpoolChannel {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn decode(&self, bytes: &[u8]) -> Result<InboundMessage, DecodeError> {
        madoguchi_mime::decode(bytes)
    }

    fn files(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        madoguchi_mime::files(bytes)
    }

    async fn receive(
        &self,
        door: Arc<dyn Door>,
        stop: CancellationToken,
    ) -> Result<(), ReceiveError> {
        while !stop.is_cancelled() {
            let mut pause = self.config.poll;
            match self.look(&door).await {
                Ok((_, true)) => pause = pause.min(look::SETTLE),
                Ok((_, false)) => {}
                Err(error) => {
                    tracing::warn!(channel.name = %self.config.name, error = %error, "the spool could not be read");
                    let ReceiveError {
                        problem, advice, ..
                    } = error;
                    door.health(&self.config.name, Health::Down { problem, advice });
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        Ok(())
    }

    /// Looks, and once more after a short rest when something is not known to be complete yet.
    async fn receive_once(&self, door: Arc<dyn Door>) -> Result<usize, ReceiveError> {
        let (mut new, waiting) = self.look(&door).await?;
        if waiting {
            tokio::time::sleep(look::SETTLE).await;
            new += self.look(&door).await?.0;
        }
        Ok(new)
    }

    async fn reconcile(&self, door: Arc<dyn Door>) -> Result<Reconciliation, ReceiveError> {
        let name = &self.config.name;
        let stored: std::collections::BTreeSet<String> = door
            .stored_ids(name, "")
            .await
            .map_err(|error| fault("the inbox could not say what it holds", &error.0))?
            .into_iter()
            .collect();
        let files = self
            .blocking(|watch| watch.taken())
            .await?
            .map_err(|error| directory_fault(&self.config.inbox, &error))?;
        let mut result = Reconciliation::default();
        for path in files {
            let read = self.blocking(move |_| look::read(&path)).await?;
            let Some(found) = read.map_err(|e| directory_fault(&self.config.inbox, &e))? else {
                continue;
            };
            result.at_server += 1;
            if stored.contains(&found.external_id) {
                result.stored += 1;
            } else {
                self.store(&door, &found).await?;
                result.missing.push(found.external_id);
            }
        }
        Ok(result)
    }

    async fn send(&self, message: &OutboundMessage) -> Result<Receipt, SendError> {
        let mut composed = madoguchi_mime::compose(message)
            .map_err(|error| SendError::Permanent(error.to_string()))?;
        if let Some(seal) = &self.seal {
            composed.bytes = seal
                .seal(&composed.envelope_from, composed.bytes)
                .map_err(SendError::Temporary)?;
        }
        let (directory, id) = (self.config.sent.clone(), message.message_id.clone());
        tokio::task::spawn_blocking(move || sent::write(&directory, &id, &composed.bytes))
            .await
            .map_err(|error| SendError::Temporary(error.to_string()))?
    }

    async fn check(&self) -> Result<Vec<String>, ReceiveError> {
        let inbox = self.config.inbox.clone();
        self.blocking(|watch| watch.prepare())
            .await?
            .map_err(|error| directory_fault(&inbox, &error))?;
        let directory = self.config.sent.clone();
        tokio::task::spawn_blocking(move || sent::check(&directory))
            .await
            .map_err(|error| fault("the check stopped", &error.to_string()))?
            .map_err(|error| directory_fault(&self.config.sent, &error))?;
        Ok(Vec::new())
    }
}

fn fault(what: &str, why: &str) -> ReceiveError {
    ReceiveError {
        problem: format!("{what}: {why}"),
        advice: "the channel tries again by itself".into(),
        permanent: false,
    }
}

fn directory_fault(directory: &std::path::Path, error: &std::io::Error) -> ReceiveError {
    ReceiveError {
        problem: format!(
            "the directory {} cannot be used: {error}",
            directory.display()
        ),
        advice:
            "make it a directory the desk's account may read, write and search, with free space"
                .into(),
        permanent: false,
    }
}
