//! Configuration: `madoguchi.toml`, then environment variables `MADOGUCHI_SECTION__KEY`. Secrets come from the environment or a
//! file only and are never printed. Reading order: [`Config`] (what there is), [`keys`] (each key documented once), [`load`].

pub mod keys;
pub mod load;

use crate::domain::calendar::CalendarSpec;
use crate::domain::sla::Target;
use madoguchi_discord::DiscordConfig;
use madoguchi_email::EmailConfig;
use madoguchi_line::LineConfig;
use madoguchi_telegram::TelegramConfig;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use keys::{example_toml, reference_markdown};
pub use load::{ConfigProblem, load};

/// Everything an operator can set.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Directory everything is kept below.
    pub data_dir: PathBuf,
    /// The desk that takes what no rule places.
    pub default_desk: String,
    /// Web part.
    pub web: WebConfig,
    /// Log.
    pub log: LogConfig,
    /// Knowledge.
    pub knowledge: DirConfig,
    /// Texts.
    pub prompts: DirConfig,
    /// Limits on automatic messages.
    pub caps: CapsConfig,
    /// Delivery.
    pub delivery: DeliveryConfig,
    /// Tickets.
    pub tickets: TicketConfig,
    /// How senders of mail are looked at.
    pub trust: TrustConfig,
    /// The signature on departing mail.
    pub dkim: DkimConfig,
    /// The virus scanner.
    pub clamav: ClamavConfig,
    /// Opening hours of every desk that has none of its own.
    pub calendar: CalendarSpec,
    /// What differs from the knowledge's `desk.toml`, by desk.
    pub desk: BTreeMap<String, DeskConfig>,
    /// Mail addresses of agents, by account name.
    pub agents: BTreeMap<String, String>,
    /// Channels; a maildir spool below `data_dir` when there are none.
    #[serde(skip)]
    pub channels: Vec<ChannelConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            default_desk: "keieiryoku".to_owned(),
            web: WebConfig::default(),
            log: LogConfig::default(),
            knowledge: DirConfig::default(),
            prompts: DirConfig::default(),
            caps: CapsConfig::default(),
            delivery: DeliveryConfig::default(),
            tickets: TicketConfig::default(),
            trust: TrustConfig::default(),
            dkim: DkimConfig::default(),
            clamav: ClamavConfig::default(),
            calendar: CalendarSpec::default(),
            desk: BTreeMap::new(),
            agents: BTreeMap::new(),
            channels: Vec::new(),
        }
    }
}

impl Config {
    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.data_dir.join("madoguchi.sqlite")
    }

    /// The channels; the embedded default when none is configured.
    pub fn channels(&self) -> Vec<ChannelConfig> {
        if self.channels.is_empty() {
            vec![ChannelConfig {
                name: "spool".to_owned(),
                desk: None,
                address: None,
                kind: ChannelKind::Maildir(MaildirConfig::below(&self.data_dir)),
            }]
        } else {
            self.channels.clone()
        }
    }
}

/// The web part.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebConfig {
    /// Where it listens.
    pub listen: SocketAddr,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
        }
    }
}

/// The log, on standard error.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// For people or for machines.
    pub format: LogFormat,
    /// Least level, or a filter such as `info,madoguchi=debug`.
    pub level: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Human,
            level: "info".to_owned(),
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One readable line an event.
    Human,
    /// One JSON object an event.
    Json,
}

/// A directory that overrides what is built in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DirConfig {
    /// The directory; built in when not given.
    pub dir: Option<PathBuf>,
}

/// How many automatic messages may go out within 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CapsConfig {
    /// To one address.
    pub per_sender: u32,
    /// In one ticket.
    pub per_ticket: u32,
    /// Of the whole desk.
    pub per_day: u32,
}

impl Default for CapsConfig {
    fn default() -> Self {
        Self {
            per_sender: 10,
            per_ticket: 5,
            per_day: 5000,
        }
    }
}

/// When a departure is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeliveryConfig {
    /// Seconds before the second attempt; doubled after each further one.
    pub first_retry_seconds: u32,
    /// Longest wait between two attempts, in seconds.
    pub longest_retry_seconds: u32,
    /// Attempts after which it is a dead letter.
    pub attempts: u32,
}

impl Default for DeliveryConfig {
    fn default() -> Self {
        Self {
            first_retry_seconds: 15,
            longest_retry_seconds: 3600,
            attempts: 20,
        }
    }
}

/// Tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TicketConfig {
    /// A follow-up to a ticket closed longer ago than this becomes a new, linked one.
    pub reopen_days: u32,
}

impl Default for TicketConfig {
    fn default() -> Self {
        Self { reopen_days: 30 }
    }
}

/// How senders of mail are looked at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrustConfig {
    /// The name server to ask; `system`, `off`, or an address. `None`: the system's for mail accounts, none for spools.
    pub dns: Option<String>,
    /// Longest time one message may take, in seconds.
    pub timeout_seconds: u64,
    /// Our own receiving servers.
    pub trusted_hosts: Vec<String>,
    /// Networks of our own servers beyond the private ones.
    pub own_networks: Vec<String>,
    /// Names our servers use in `Authentication-Results`.
    pub authserv_ids: Vec<String>,
    /// Forwarders whose ARC seal is believed.
    pub trusted_sealers: Vec<String>,
    /// Domains people know, besides the desks'; look-alikes of them are named.
    pub known_domains: Vec<String>,
}

impl Default for TrustConfig {
    fn default() -> Self {
        Self {
            dns: None,
            timeout_seconds: 5,
            trusted_hosts: Vec::new(),
            own_networks: Vec::new(),
            authserv_ids: Vec::new(),
            trusted_sealers: Vec::new(),
            known_domains: Vec::new(),
        }
    }
}

impl TrustConfig {
    /// The name server named; `None` for the system's.
    ///
    /// # Errors
    /// What is set is no address.
    pub fn resolver(&self) -> anyhow::Result<Option<SocketAddr>> {
        match self.dns.as_deref() {
            None | Some("system" | "off") => Ok(None),
            Some(address) => address
                .parse()
                .or_else(|_| {
                    address
                        .parse()
                        .map(|ip: std::net::IpAddr| SocketAddr::new(ip, 53))
                })
                .map(Some)
                .map_err(|_| {
                    anyhow::anyhow!(
                        "trust.dns = \"{address}\" is neither `system`, `off`, nor an address such as 127.0.0.1:53"
                    )
                }),
        }
    }

    /// Whether the senders of this kind of channel are looked at.
    pub fn looks_at(&self, kind: &ChannelKind) -> bool {
        match (self.dns.as_deref(), kind) {
            (Some("off"), _) => false,
            (None, kind) => matches!(kind, ChannelKind::Email(_)),
            (Some(_), _) => true,
        }
    }
}

/// The virus scanner.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClamavConfig {
    /// Where clamd listens: a socket file, or an address and port; files are not scanned without it.
    pub socket: Option<String>,
    /// Longest time one file may take, in seconds.
    pub timeout_seconds: u64,
}

impl Default for ClamavConfig {
    fn default() -> Self {
        Self {
            socket: None,
            timeout_seconds: 10,
        }
    }
}

/// The signature on departing mail (RFC 6376).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DkimConfig {
    /// File with the private key; nothing is signed without it.
    pub key_file: Option<PathBuf>,
    /// Name of the key below `_domainkey`.
    pub selector: String,
    /// Domains that are signed for; those of the desks when empty.
    pub domains: Vec<String>,
}

impl Default for DkimConfig {
    fn default() -> Self {
        Self {
            key_file: None,
            selector: "madoguchi".to_owned(),
            domains: Vec::new(),
        }
    }
}

/// One desk, as far as it differs from its `desk.toml`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeskConfig {
    /// The address its mail comes from.
    pub address: Option<String>,
    /// Where notices about its tickets go.
    pub lead: Option<String>,
    /// Target of the first response.
    pub first_response: Option<Target>,
    /// Target of the resolution.
    pub resolution: Option<Target>,
    /// Confidence from which an entry may be sent by itself.
    pub threshold: Option<f64>,
    /// Largest file taken, in megabytes.
    pub largest_file_mb: Option<u32>,
    /// PEM file with its S/MIME certificate, and those that vouch for it.
    pub smime_certificate_file: Option<PathBuf>,
    /// PEM file with the certificate's private key.
    pub smime_key_file: Option<PathBuf>,
    /// Put the signed token into the reply address too.
    pub plus_address: bool,
    /// Its own opening hours.
    pub calendar: Option<CalendarSpec>,
}

/// One way to reach the desk.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelConfig {
    /// Its name, unique.
    pub name: String,
    /// The desk all its messages belong to; routing decides when `None`.
    pub desk: Option<String>,
    /// The address answers come from; the desk's when `None`.
    pub address: Option<String>,
    /// What speaks.
    pub kind: ChannelKind,
}

/// What kind of channel, with its settings.
#[derive(Debug, Clone, PartialEq)]
pub enum ChannelKind {
    /// A spool directory.
    Maildir(MaildirConfig),
    /// IMAP in, SMTP out.
    Email(Box<EmailConfig>),
    /// A Telegram bot.
    Telegram(Box<TelegramConfig>),
    /// A Discord bot.
    Discord(Box<DiscordConfig>),
    /// A LINE official account.
    Line(Box<LineConfig>),
}

impl ChannelKind {
    /// A conversation without letters around it.
    pub fn is_chat(&self) -> bool {
        matches!(self, Self::Telegram(_) | Self::Discord(_) | Self::Line(_))
    }
}

/// A spool directory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MaildirConfig {
    /// Drop an .eml here.
    pub inbox: PathBuf,
    /// Get an .eml here.
    pub sent: PathBuf,
    /// Milliseconds between two looks.
    #[serde(default = "poll_ms")]
    pub poll_ms: u64,
}

fn poll_ms() -> u64 {
    250
}

impl MaildirConfig {
    /// The default spool below a data directory.
    pub fn below(data_dir: &Path) -> Self {
        Self {
            inbox: data_dir.join("mail/inbox"),
            sent: data_dir.join("mail/sent"),
            poll_ms: poll_ms(),
        }
    }
}
