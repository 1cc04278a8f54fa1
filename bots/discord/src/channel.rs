//! The channel: one bot, and the desk's contract over it.

use crate::arrival::{id, number, text};
use crate::book::Book;
use crate::config::DiscordConfig;
use crate::fault::{Fault, Kind};
use crate::gateway::{self, Gate, Told};
use crate::intake::{Clock, Intake};
use crate::pause::pause_after;
use crate::rest::Rest;
use crate::send::Sender;
use crate::{commands, decode, files, listen, snowflake};
use async_trait::async_trait;
use jiff::SignedDuration;
use madoguchi_channel::{
    Channel, DecodeError, Door, Health, InboundMessage, OutboundMessage, Party, Receipt,
    ReceiveError, Reconciliation, SendError,
};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Typing is shown while somebody waits, never longer than it takes to be late.
const TYPING: Duration = Duration::from_secs(5);
/// So long each step of ending may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// A connection that lasted so long was a good one: the next failure is a first.
const STEADY: Duration = Duration::from_secs(120);

/// What stays while gateway connections come and go.
struct Receiving {
    intake: Arc<Intake>,
    tell: mpsc::UnboundedSender<Told>,
    end: DropGuard,
    sorter: tokio::task::JoinHandle<()>,
}

impl Receiving {
    async fn stop(self) {
        drop(self.end);
        let abort = self.sorter.abort_handle();
        if tokio::time::timeout(FAREWELL, self.sorter).await.is_err() {
            abort.abort();
        }
    }
}

/// One Discord bot as a [`Channel`].
pub struct DiscordChannel {
    config: DiscordConfig,
    rest: Arc<Rest>,
    book: Arc<Book>,
    sender: Sender,
    now: Clock,
}

impl DiscordChannel {
    /// A channel by its settings; nothing is connected yet. `now` judges which handles still last.
    ///
    /// # Errors
    /// Settings that cannot work: a token that is none, an address that would carry it in the open.
    pub fn new(config: DiscordConfig, now: Clock) -> Result<Self, ReceiveError> {
        let rest = Arc::new(Rest::new(&config)?);
        let book = Arc::new(Book::new(config.name.clone()));
        Ok(Self {
            sender: Sender::new(rest.clone(), book.clone()),
            config,
            rest,
            book,
            now,
        })
    }

    /// Signs in; returns the bot's own id.
    async fn sign_in(&self) -> Result<u64, Fault> {
        let me = self.rest.me().await?;
        id(&me, "/id").ok_or_else(|| Fault::new(Kind::Server, "the bot's account has no id"))
    }

    async fn intake(&self, door: &Arc<dyn Door>) -> Result<Intake, Fault> {
        let since = self.book.open(door, (self.now)()).await?;
        Ok(Intake {
            name: self.config.name.clone(),
            rest: self.rest.clone(),
            door: door.clone(),
            book: self.book.clone(),
            now: self.now.clone(),
            since,
            health: Mutex::default(),
            edits: Mutex::default(),
        })
    }

    /// Registers the slash commands where they are not as they should be.
    async fn register(&self) -> Result<(), Fault> {
        if !self.config.register_commands {
            return Ok(());
        }
        let application = self.rest.application().await?;
        let number = id(&application, "/id")
            .ok_or_else(|| Fault::new(Kind::Server, "the application has no id"))?;
        if text(&application, "/interactions_endpoint_url").is_some_and(|url| !url.is_empty()) {
            tracing::error!(
                channel.name = %self.config.name,
                "Discord sends this bot's commands and buttons to a web address: clear \"Interactions Endpoint URL\" of the application"
            );
        }
        let ours = commands::all();
        if !commands::same(&ours, &self.rest.commands(number).await?) {
            self.rest.set_commands(number, &ours).await?;
            tracing::info!(channel.name = %self.config.name, "slash commands were registered");
        }
        Ok(())
    }

    /// Where the gateway is; a fault with a wait when it may not be entered any more today.
    async fn gate(&self) -> Result<Gate, Fault> {
        let gateway = self.rest.gateway().await?;
        let left = number(&gateway, "/session_start_limit/remaining").unwrap_or(1);
        if left == 0 {
            let wait = number(&gateway, "/session_start_limit/reset_after").unwrap_or(60_000);
            return Err(Fault {
                wait: Some(Duration::from_millis(wait)),
                ..Fault::new(Kind::Limit, "Discord allows no further connection today")
            });
        }
        let url = text(&gateway, "/url")
            .ok_or_else(|| Fault::new(Kind::Server, "Discord names no gateway"))?;
        let here = self
            .rest
            .server()
            .is_some_and(|server| server.scheme() == "http");
        if !(url.starts_with("wss://") || (here && url.starts_with("ws://"))) {
            return Err(Fault::new(
                Kind::Server,
                "Discord names a gateway without TLS",
            ));
        }
        Ok(Gate {
            http: self.rest.http(),
            url: url.trim_end_matches('/').to_owned(),
            shards: number(&gateway, "/shards")
                .and_then(|shards| u32::try_from(shards).ok())
                .unwrap_or(1)
                .max(1),
        })
    }

    /// Signs in, and begins to sort what the gateway will tell.
    async fn begin(&self, door: &Arc<dyn Door>) -> Result<Receiving, Fault> {
        let own = self.sign_in().await?;
        let intake = Arc::new(self.intake(door).await?);
        let (tell, told) = mpsc::unbounded_channel();
        let end = CancellationToken::new();
        let sorter = tokio::spawn(listen::run(intake.clone(), own, told, end.clone()));
        Ok(Receiving {
            intake,
            tell,
            end: end.drop_guard(),
            sorter,
        })
    }

    /// Registers the commands once; then stays at the gateway until stopped, or until something is wrong.
    async fn stay(
        &self,
        receiving: &Receiving,
        registered: &mut bool,
        stop: &CancellationToken,
    ) -> Result<(), Fault> {
        if !*registered {
            match self.register().await {
                Ok(()) => *registered = true,
                Err(fault) if fault.permanent() => return Err(fault),
                // Direct messages need no commands.
                Err(fault) => {
                    tracing::warn!(channel.name = %self.config.name, error = %fault, "slash commands could not be registered");
                }
            }
        }
        let gate = self.gate().await?;
        gateway::listen(gate, receiving.tell.clone(), stop.clone()).await
    }

    async fn once(&self, door: &Arc<dyn Door>) -> Result<usize, Fault> {
        self.sign_in().await?;
        let intake = self.intake(door).await?;
        let mut new = 0;
        for channel in self.book.channels() {
            new += intake.read_on(channel).await?.0;
        }
        Ok(new)
    }
}

#[async_trait]
impl Channel for DiscordChannel {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn decode(&self, bytes: &[u8]) -> Result<InboundMessage, DecodeError> {
        decode::decode(bytes)
    }

    async fn fetch(&self, bytes: &[u8]) -> Result<Vec<Result<Vec<u8>, String>>, ReceiveError> {
        let stored: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let found = files::fetch(&self.rest, &stored, self.config.largest_file_bytes).await;
        Ok(found.map_err(Fault::from)?)
    }

    async fn receive(
        &self,
        door: Arc<dyn Door>,
        stop: CancellationToken,
    ) -> Result<(), ReceiveError> {
        let mut failures = 0;
        let mut receiving: Option<Receiving> = None;
        let mut registered = false;
        let outcome = loop {
            let began = tokio::time::Instant::now();
            let attempt = async {
                let receiving = match &mut receiving {
                    Some(known) => known,
                    None => receiving.insert(self.begin(&door).await?),
                };
                self.stay(receiving, &mut registered, &stop).await
            };
            let outcome = tokio::select! {
                outcome = attempt => outcome,
                // The gateway ends by itself when told to; whatever comes before it may be cut off.
                () = async { stop.cancelled().await; tokio::time::sleep(FAREWELL).await } => Ok(()),
            };
            if stop.is_cancelled() {
                break Ok(());
            }
            let fault = match outcome {
                Ok(()) => Fault::new(Kind::Gateway, "the gateway connection ended"),
                Err(fault) => fault,
            };
            match &receiving {
                Some(receiving) => receiving.intake.report(fault.health()),
                None => door.health(&self.config.name, fault.health()),
            }
            if fault.permanent() {
                break Err(fault.into());
            }
            tracing::warn!(channel.name = %self.config.name, error = %fault, "receiving broke off; it begins again");
            if began.elapsed() > STEADY {
                failures = 0;
            }
            let wait = fault.wait.unwrap_or_else(|| pause_after(failures));
            failures = failures.saturating_add(1);
            tokio::select! {
                () = stop.cancelled() => break Ok(()),
                () = tokio::time::sleep(wait) => {}
            }
        };
        if let Some(receiving) = receiving {
            receiving.stop().await;
        }
        outcome
    }

    async fn receive_once(&self, door: Arc<dyn Door>) -> Result<usize, ReceiveError> {
        match self.once(&door).await {
            Ok(new) => {
                door.health(&self.config.name, Health::Up);
                Ok(new)
            }
            Err(fault) => {
                door.health(&self.config.name, fault.health());
                Err(fault.into())
            }
        }
    }

    async fn reconcile(&self, door: Arc<dyn Door>) -> Result<Reconciliation, ReceiveError> {
        let intake = self.intake(&door).await?;
        let days = i64::from(self.config.reconcile_days.max(1));
        let from = (self.now)()
            .checked_sub(SignedDuration::from_hours(days.saturating_mul(24)))
            .map_or(intake.since, snowflake::first_of);
        let mut total = Reconciliation::default();
        for channel in self.book.channels() {
            intake.compare(channel, from, &mut total).await?;
        }
        Ok(total)
    }

    async fn send(&self, message: &OutboundMessage) -> Result<Receipt, SendError> {
        self.sender.send(message, (self.now)()).await
    }

    async fn working(&self, to: &Party) {
        // Only where a conversation stands: a deferred answer says "thinking" by itself.
        let user = snowflake::parse(&to.address);
        if let Some(channel) = user.and_then(|user| self.book.channel(user)) {
            let _ = tokio::time::timeout(TYPING, self.rest.typing(channel)).await;
        }
    }

    async fn check(&self) -> Result<Vec<String>, ReceiveError> {
        let me = self.rest.me().await.map_err(Fault::from)?;
        let application = self.rest.application().await.map_err(Fault::from)?;
        if text(&application, "/interactions_endpoint_url").is_some_and(|url| !url.is_empty()) {
            return Err(ReceiveError {
                problem: "Discord sends this bot's commands and buttons to a web address".into(),
                advice: "clear \"Interactions Endpoint URL\" of the application".into(),
                permanent: true,
            });
        }
        let gate = self.gate().await?;
        let number = id(&application, "/id").unwrap_or_default();
        let registered = match self.rest.commands(number.max(1)).await {
            Ok(theirs) if commands::same(&commands::all(), &theirs) => "registered",
            Ok(_) if self.config.register_commands => "registered when the desk starts",
            Ok(_) => "not those of this version, and register_commands is off",
            Err(_) => "cannot be read",
        };
        Ok(vec![
            format!(
                "signed in as {} (application {number})",
                self.rest.scrub(text(&me, "/username").unwrap_or("a bot"))
            ),
            format!(
                "receives over the gateway ({} connection), direct messages only, no privileged intent",
                gate.shards
            ),
            format!("slash commands: {registered}"),
        ])
    }
}
