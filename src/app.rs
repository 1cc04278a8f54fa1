//! The application opened: configuration, knowledge, texts, store and channels brought together into one [`Office`].

use crate::cli::Global;
use crate::config::{self, ChannelKind, Config, ConfigProblem};
use crate::domain::calendar::Calendar;
use crate::domain::ids::{AgentId, DeskId, QueueId};
use crate::domain::language::Lang;
use crate::domain::screen::Caps;
use crate::domain::sla::{Policy, Target};
use crate::domain::token::TokenKey;
use crate::faq::Reload;
use crate::faq::port::KnowledgeBase;
use crate::flow::office::{ChannelProfile, DeskProfile, Office};
use crate::flow::ports::{RandomSource, Store, TimeSource};
use crate::flow::send::RetrySchedule;
use crate::flow::triage::Decoder;
use crate::mail_seal::{DkimSeal, Seals, SmimeSeal};
use crate::mail_trust::{MailChecks, domain_of};
use crate::prompts::Prompts;
use crate::store::SqliteStore;
use crate::store::vault::{FileVault, Scanner};
use crate::web::{HealthRegistry, Metrics, WebState};
use anyhow::{Context, bail};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use madoguchi_channel::{Channel, DecodeError, InboundMessage, Party};
use madoguchi_discord::DiscordChannel;
use madoguchi_email::EmailChannel;
use madoguchi_line::LineChannel;
use madoguchi_maildir::{SpoolChannel, SpoolConfig};
use madoguchi_mime::Seal;
use madoguchi_telegram::TelegramChannel;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Where configuration is looked for when none is named.
const DEFAULT_FILE: &str = "madoguchi.toml";

/// The wall clock.
pub struct WallClock;

impl TimeSource for WallClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The operating system's randomness.
pub struct OsRandom;

impl RandomSource for OsRandom {
    fn bytes(&self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        // Without randomness no id is unguessable; there is nothing sensible to go on with.
        if let Err(error) = getrandom::fill(&mut bytes) {
            tracing::error!(%error, "The operating system gives no randomness");
            std::process::exit(1);
        }
        bytes
    }
}

/// The configuration a command runs with.
///
/// # Errors
/// Every problem found, with file and line.
pub fn read_config(global: &Global) -> Result<Config, Vec<ConfigProblem>> {
    let environment: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
        .collect();
    let (file, text) = match &global.config {
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|error| {
                vec![ConfigProblem {
                    file: file.display().to_string(),
                    line: 0,
                    message: format!("cannot be read: {error}"),
                }]
            })?;
            (file.display().to_string(), text)
        }
        // Nothing there is no fault: the built-in values make a whole desk.
        None => (
            DEFAULT_FILE.to_owned(),
            std::fs::read_to_string(DEFAULT_FILE).unwrap_or_default(),
        ),
    };
    config::load(&file, &text, &environment)
}

fn config_or_exit(global: &Global) -> anyhow::Result<Config> {
    read_config(global).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the configuration is wrong:\n{}", lines.join("\n"))
    })
}

/// Everything opened.
pub struct App {
    /// The configuration.
    pub config: Config,
    /// What the use cases need.
    pub office: Arc<Office>,
    /// Channels by name.
    pub channels: BTreeMap<String, Arc<dyn Channel>>,
    /// How the parts are.
    pub health: Arc<HealthRegistry>,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// Certificates letters are signed with.
    pub smime: Arc<SmimeSeal>,
    knowledge: Arc<KnowledgeBase>,
    sqlite: Arc<SqliteStore>,
    // A desk without a store keeps its scratch database for as long as it is asked.
    _scratch: Option<Scratch>,
}

/// The desks' certificates.
fn smime(config: &Config, desks: &BTreeMap<DeskId, DeskProfile>) -> anyhow::Result<SmimeSeal> {
    let mut seal = SmimeSeal::default();
    for (id, desk) in desks {
        let settings = config.desk.get(&id.0);
        let certificate = settings.and_then(|desk| desk.smime_certificate_file.as_deref());
        let key = settings.and_then(|desk| desk.smime_key_file.as_deref());
        match (certificate, key) {
            (None, None) => {}
            (Some(certificate), Some(key)) => seal
                .add(desk, certificate, key)
                .with_context(|| format!("desk.{id}.smime_certificate_file"))?,
            _ => bail!(
                "desk.{id}: smime_certificate_file and smime_key_file belong together; one is missing"
            ),
        }
    }
    Ok(seal)
}

/// A directory that is removed when it is done with.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl App {
    /// Opens everything of the configured desk.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub async fn open(global: &Global) -> anyhow::Result<Self> {
        let config = config_or_exit(global)?;
        crate::telemetry::start(&config.log).map_err(anyhow::Error::msg)?;
        let database = config.database();
        let knowledge = KnowledgeBase::open(config.knowledge.dir.as_deref());
        Self::assemble(config, knowledge, &database, None).await
    }

    /// Opens the desk for work with tickets: the same, but the knowledge without its entries.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub async fn open_for_staff(global: &Global) -> anyhow::Result<Self> {
        let config = config_or_exit(global)?;
        crate::telemetry::start(&config.log).map_err(anyhow::Error::msg)?;
        let database = config.database();
        let knowledge = KnowledgeBase::open_without_entries(config.knowledge.dir.as_deref());
        Self::assemble(config, knowledge, &database, None).await
    }

    /// Opens everything but the store: what is asked leaves no trace.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub async fn without_store(global: &Global) -> anyhow::Result<Self> {
        let config = config_or_exit(global)?;
        let random: String = OsRandom
            .bytes(8)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let dir = std::env::temp_dir().join(format!("madoguchi-ask-{random}"));
        let database = dir.join("scratch.sqlite");
        let knowledge = KnowledgeBase::open(config.knowledge.dir.as_deref());
        Self::assemble(config, knowledge, &database, Some(Scratch(dir))).await
    }

    async fn assemble(
        config: Config,
        knowledge: Result<KnowledgeBase, Vec<crate::faq::Problem>>,
        database: &Path,
        scratch: Option<Scratch>,
    ) -> anyhow::Result<Self> {
        let knowledge = knowledge.map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("the knowledge cannot serve:\n{}", lines.join("\n"))
        })?;
        let knowledge = Arc::new(knowledge);
        let prompts = Prompts::load(config.prompts.dir.as_deref()).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("the texts cannot be used:\n{}", lines.join("\n"))
        })?;
        let desks = desks(&config, &knowledge)?;
        let sqlite = SqliteStore::open(database).await.with_context(|| {
            format!(
                "the database {} cannot be opened; is `data_dir` right, writable, and is there space?",
                database.display()
            )
        })?;
        let store: Arc<dyn Store> = sqlite.clone();
        let installation = store
            .setting_or_insert("installation_id", &crate::store::new_installation_id()?)
            .await?;
        let former = store.setting("previous_installation_ids").await?;
        let fresh_key: String = OsRandom
            .bytes(32)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let token_key = store.setting_or_insert("token_key", &fresh_key).await?;
        let own_domains = || desks.values().map(|desk| domain_of(&desk.address));
        let smime = Arc::new(smime(&config, &desks)?);
        let mut seals: Vec<Arc<dyn Seal>> = Vec::new();
        if !smime.is_empty() {
            seals.push(smime.clone());
        }
        if let Some(dkim) = DkimSeal::open(&config.dkim, own_domains())? {
            seals.push(Arc::new(dkim));
        }
        let seal = Seals::together(seals);
        let looked_at = config
            .channels()
            .iter()
            .filter(|channel| config.trust.looks_at(&channel.kind))
            .map(|channel| channel.name.clone())
            .collect();
        let sender_checks = MailChecks::new(&config.trust, own_domains(), looked_at)?;
        let mut channels: BTreeMap<String, Arc<dyn Channel>> = BTreeMap::new();
        let mut profiles = BTreeMap::new();
        for channel in config.channels() {
            if let Some(desk) = &channel.desk
                && !desks.contains_key(&DeskId(desk.clone()))
            {
                bail!(
                    "channel `{}` belongs to the desk `{desk}`, which the knowledge does not have",
                    channel.name
                );
            }
            profiles.insert(
                channel.name.clone(),
                ChannelProfile {
                    desk: channel.desk.clone().map(DeskId),
                    address: channel.address.clone(),
                    chat: channel.kind.is_chat(),
                },
            );
            channels.insert(channel.name.clone(), open_channel(&channel, seal.as_ref())?);
        }
        let names: Vec<String> = channels.keys().cloned().collect();
        let version = knowledge.serving().knowledge.version.clone();
        let health = Arc::new(HealthRegistry::new(Arc::clone(&store), &names, version));
        let office = Office {
            store,
            knowledge: knowledge.clone(),
            prompts: Arc::new(prompts),
            time: Arc::new(WallClock),
            random: Arc::new(OsRandom),
            default_desk: DeskId(config.default_desk.clone()),
            desks,
            // Staff notices go by mail where there is mail.
            notice_channel: config
                .channels()
                .iter()
                .find(|c| matches!(c.kind, ChannelKind::Email(_)))
                .map(|c| c.name.clone())
                .or_else(|| names.first().cloned()),
            channels: profiles,
            agents: config
                .agents
                .iter()
                .map(|(name, address)| (AgentId(name.clone()), Some(address.clone())))
                .collect(),
            vault: Arc::new(FileVault::new(
                database.with_file_name("files"),
                config.clamav.socket.as_deref().map(Scanner::named),
                Duration::from_secs(config.clamav.timeout_seconds.clamp(1, 25)),
            )),
            sender_checks: Arc::new(sender_checks),
            caps: Caps {
                per_sender: config.caps.per_sender,
                per_ticket: config.caps.per_ticket,
                per_day: config.caps.per_day,
            },
            reopen_days: i64::from(config.tickets.reopen_days),
            installation,
            former_installations: former
                .and_then(|json| serde_json::from_str(&json).ok())
                .unwrap_or_default(),
            token_key: TokenKey::new(token_key.into_bytes()),
        };
        Ok(Self {
            config,
            office: Arc::new(office),
            channels,
            health,
            metrics: Arc::new(Metrics::new().context("metrics cannot be registered")?),
            smime,
            knowledge,
            sqlite,
            _scratch: scratch,
        })
    }

    /// The knowledge that serves.
    pub fn knowledge(&self) -> &Arc<KnowledgeBase> {
        &self.knowledge
    }

    /// The name of a channel bound to this desk, for `ask --desk`; one is made up where none is configured.
    ///
    /// # Errors
    /// There is no such desk.
    pub fn pretend_channel(&mut self, desk: &DeskId) -> anyhow::Result<String> {
        if !self.office.desks.contains_key(desk) {
            let known: Vec<&str> = self.office.desks.keys().map(DeskId::as_str).collect();
            bail!("there is no desk `{desk}`; there are: {}", known.join(", "));
        }
        let name = format!("ask:{desk}");
        let office = Arc::get_mut(&mut self.office).context("the office is in use")?;
        office.channels.insert(
            name.clone(),
            ChannelProfile {
                desk: Some(desk.clone()),
                address: None,
                chat: false,
            },
        );
        Ok(name)
    }

    /// Binds the web listener.
    ///
    /// # Errors
    /// The address is taken or not ours.
    pub async fn listen(&self) -> anyhow::Result<tokio::net::TcpListener> {
        let address = self.config.web.listen;
        tokio::net::TcpListener::bind(address).await.with_context(|| {
            format!("web.listen = \"{address}\" cannot be used; is another desk running? set another port")
        })
    }

    /// What the pages read.
    pub fn web_state(&self) -> WebState {
        WebState {
            health: Arc::clone(&self.health),
            metrics: Arc::clone(&self.metrics),
        }
    }

    /// Reads arrivals by channel.
    pub fn decoder(&self) -> Arc<dyn Decoder> {
        Arc::new(Decoders(self.channels.clone()))
    }

    /// When departures are tried again.
    pub fn retry_schedule(&self) -> RetrySchedule {
        let delivery = &self.config.delivery;
        RetrySchedule {
            first: SignedDuration::from_secs(i64::from(delivery.first_retry_seconds)),
            longest: SignedDuration::from_secs(i64::from(delivery.longest_retry_seconds)),
            attempts: delivery.attempts.max(1),
        }
    }

    /// The task that looks for changed knowledge files.
    pub fn upkeep(&self) -> Upkeep {
        Upkeep {
            dir: self.config.knowledge.dir.clone(),
            knowledge: Arc::clone(&self.knowledge),
            health: Arc::clone(&self.health),
        }
    }

    /// Closes the store cleanly.
    pub async fn close(&self) {
        if let Err(error) = self.sqlite.close().await {
            tracing::warn!(%error, "The database was not closed cleanly; it repairs itself at the next start");
        }
    }
}

/// Reads arrivals by the channel they came by.
struct Decoders(BTreeMap<String, Arc<dyn Channel>>);

#[async_trait]
impl Decoder for Decoders {
    fn decode(&self, channel: &str, bytes: &[u8]) -> Result<InboundMessage, DecodeError> {
        match self.0.get(channel) {
            Some(channel) => channel.decode(bytes),
            None => Err(DecodeError {
                reason: format!("the channel `{channel}` it came by is not configured any more"),
            }),
        }
    }

    async fn files(
        &self,
        channel: &str,
        bytes: &[u8],
    ) -> Result<Vec<Result<Vec<u8>, String>>, String> {
        let Some(channel) = self.0.get(channel).cloned() else {
            return Ok(Vec::new());
        };
        let bytes = bytes.to_vec();
        // In a task of its own: a reader that fails on a message must not take the worker along.
        match tokio::spawn(async move { channel.fetch(&bytes).await }).await {
            Ok(fetched) => fetched.map_err(|error| error.to_string()),
            Err(_) => Ok(Vec::new()),
        }
    }

    async fn working(&self, channel: &str, to: &Party) {
        if let Some(channel) = self.0.get(channel).cloned() {
            let to = to.clone();
            // Beside the work: nobody waits for a typing sign.
            tokio::spawn(async move { channel.working(&to).await });
        }
    }
}

/// Looks for changed knowledge files while the desk serves.
pub struct Upkeep {
    dir: Option<PathBuf>,
    knowledge: Arc<KnowledgeBase>,
    health: Arc<HealthRegistry>,
}

impl Upkeep {
    /// Works until stopped; does nothing where the knowledge is built in.
    pub async fn run(self, every: Duration, stop: CancellationToken) {
        let Some(dir) = self.dir.clone() else { return };
        let this = Arc::new(self);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(every) => {}
            }
            let (this, dir) = (Arc::clone(&this), dir.clone());
            // Reading files and building an index would hold up the async threads.
            let looked = tokio::task::spawn_blocking(move || this.look(&dir)).await;
            if looked.is_err() {
                tracing::error!("Looking for changed knowledge failed; trying again");
            }
        }
    }

    fn look(&self, dir: &Path) {
        match self.knowledge.reload_if_changed(dir) {
            Reload::Unchanged => {}
            Reload::Swapped(version) => {
                tracing::info!(knowledge.version = version, "Changed knowledge serves now");
                self.health.knowledge(Some(version), None);
            }
            Reload::Refused(problems) => {
                for problem in &problems {
                    tracing::error!(%problem, "Changed knowledge refused; the last good version goes on serving");
                }
                self.health
                    .knowledge(None, problems.first().map(ToString::to_string));
            }
        }
    }
}

fn open_channel(
    channel: &config::ChannelConfig,
    seal: Option<&Arc<dyn Seal>>,
) -> anyhow::Result<Arc<dyn Channel>> {
    let now = Arc::new(|| WallClock.now());
    Ok(match &channel.kind {
        ChannelKind::Maildir(spool) => {
            let opened = SpoolChannel::new(
                SpoolConfig {
                    name: channel.name.clone(),
                    inbox: spool.inbox.clone(),
                    sent: spool.sent.clone(),
                    poll: Duration::from_millis(spool.poll_ms.max(20)),
                },
                now,
            );
            Arc::new(match seal {
                Some(seal) => opened.sealed_by(Arc::clone(seal)),
                None => opened,
            })
        }
        ChannelKind::Telegram(settings) => Arc::new(
            TelegramChannel::new((**settings).clone(), now)
                .with_context(|| format!("channel `{}`", channel.name))?,
        ),
        ChannelKind::Discord(settings) => Arc::new(
            DiscordChannel::new((**settings).clone(), now)
                .with_context(|| format!("channel `{}`", channel.name))?,
        ),
        ChannelKind::Line(settings) => Arc::new(
            LineChannel::new((**settings).clone(), now)
                .with_context(|| format!("channel `{}`", channel.name))?,
        ),
        ChannelKind::Email(email) => {
            let opened = EmailChannel::new((**email).clone(), now)
                .with_context(|| format!("channel `{}`", channel.name))?;
            Arc::new(match seal {
                Some(seal) => opened.sealed_by(Arc::clone(seal)),
                None => opened,
            })
        }
    })
}

/// Desks as knowledge and configuration say together.
fn desks(
    config: &Config,
    knowledge: &KnowledgeBase,
) -> anyhow::Result<BTreeMap<DeskId, DeskProfile>> {
    let serving = knowledge.serving();
    let shared_calendar = calendar(&config.calendar, "calendar")?;
    let mut desks = BTreeMap::new();
    for desk in &serving.knowledge.desks {
        let own = config
            .desk
            .get(desk.id.as_str())
            .cloned()
            .unwrap_or_default();
        let target: Target = desk
            .sla
            .parse()
            .with_context(|| format!("desks/{}/desk.toml: sla", desk.id))?;
        let urgent = QueueId(format!("{}-urgent", desk.id));
        let has_urgent = desk.queues.iter().any(|queue| queue.id == urgent);
        let profile = DeskProfile {
            id: desk.id.clone(),
            names: desk
                .name
                .iter()
                .filter_map(|(lang, name)| Some((Lang::parse(lang)?, name.clone())))
                .collect(),
            address: own
                .address
                .unwrap_or_else(|| format!("{}@desk.example.jp", desk.id)),
            lead: own.lead,
            calendar: match &own.calendar {
                Some(spec) => calendar(spec, &format!("desk.{}.calendar", desk.id))?,
                None => Arc::clone(&shared_calendar),
            },
            policy: Policy {
                first_response: own.first_response.unwrap_or(target),
                resolution: own.resolution.unwrap_or(target),
            },
            urgent_queue: if has_urgent {
                urgent
            } else {
                desk.default_queue.clone()
            },
            default_queue: desk.default_queue.clone(),
            threshold: own.threshold,
            largest_file: own.largest_file_mb.map(|mb| u64::from(mb) * 1_000_000),
            plus_address: own.plus_address,
        };
        desks.insert(desk.id.clone(), profile);
    }
    for name in config.desk.keys() {
        if !desks.contains_key(&DeskId(name.clone())) {
            bail!("[desk.{name}]: the knowledge has no desk of this name");
        }
    }
    if !desks.contains_key(&DeskId(config.default_desk.clone())) {
        bail!(
            "default_desk = \"{}\": the knowledge has no desk of this name",
            config.default_desk
        );
    }
    Ok(desks)
}

fn calendar(
    spec: &crate::domain::calendar::CalendarSpec,
    place: &str,
) -> anyhow::Result<Arc<Calendar>> {
    Calendar::from_spec(spec)
        .map(Arc::new)
        .with_context(|| format!("[{place}]"))
}
