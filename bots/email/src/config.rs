//! The settings of one mail channel. Passwords arrive resolved: where they are kept is the desk's business.

pub use madoguchi_channel::Secret;
use serde::Deserialize;
use std::path::PathBuf;

/// How an access token is got (RFC 6749).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// Somebody signed in once; the refresh token of then is exchanged (§6).
    #[default]
    RefreshToken,
    /// The desk is an application with a right of its own (§4.4), as service accounts at Microsoft 365 are.
    ClientCredentials,
}

/// Signing in with an access token instead of a password.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth2Config {
    /// Where tokens are handed out; `https` only.
    pub token_url: String,
    /// Id of the application at the provider.
    pub client_id: String,
    /// Its secret, where it has one.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// `refresh_token` (default) or `client_credentials`.
    #[serde(default)]
    pub grant: Grant,
    /// The refresh token, with the grant of that name.
    #[serde(default)]
    pub refresh_token: Option<Secret>,
    /// What is asked for, parted by blanks; some providers want none.
    #[serde(default)]
    pub scope: Option<String>,
    /// File (mode 0600) a refresh token the provider replaced is kept in. Without it a new one is lost when the desk stops.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// PEM file of authorities to trust instead of the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// When TLS begins. There is no setting without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// From the first byte (RFC 8314): IMAP 993, SMTP 465.
    #[default]
    Implicit,
    /// By the STARTTLS command, refused when the server does not offer it: IMAP 143, SMTP 587.
    Starttls,
}

/// What becomes of messages that lie in a folder when the desk meets it for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum FirstConnection {
    /// They are left alone; only what arrives from then on is taken.
    #[default]
    FromNow,
    /// They are taken as history: tickets, but nobody is answered.
    Import,
}

/// One mail channel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailConfig {
    /// Name of the channel, unique in the desk.
    pub name: String,
    /// Where mail is read.
    pub imap: ImapConfig,
    /// Where mail is sent.
    pub smtp: SmtpConfig,
}

/// Where mail is read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImapConfig {
    /// Server name; the certificate must carry it.
    pub host: String,
    /// Port; 993 or 143 by `tls` when not given.
    #[serde(default)]
    pub port: Option<u16>,
    /// When TLS begins: `implicit` (default) or `starttls`.
    #[serde(default)]
    pub tls: Security,
    /// User name.
    pub user: String,
    /// Password; this, `password_file` or `oauth2`.
    #[serde(default)]
    pub password: Option<Secret>,
    /// File whose first line is the password, read anew at each sign-in.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// An access token instead of a password.
    #[serde(default)]
    pub oauth2: Option<OAuth2Config>,
    /// Folders to read; `["INBOX"]` when not given.
    #[serde(default = "inbox")]
    pub folders: Vec<String>,
    /// PEM file of authorities to trust instead of the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Seconds between two looks; with `idle` the longest time without one. Default 60.
    #[serde(default = "sixty")]
    pub poll_seconds: u64,
    /// Whether the server is asked to tell of new mail at once (RFC 2177). Default true.
    #[serde(default = "yes")]
    pub idle: bool,
    /// What becomes of mail that is there already: `from_now` (default) or `import`.
    #[serde(default)]
    pub first_connection: FirstConnection,
    /// Most messages stored in one transaction. Default 50.
    #[serde(default = "fifty")]
    pub batch_messages: usize,
    /// Most bytes fetched at once; a larger message comes alone. Default 8 MiB.
    #[serde(default = "eight_mib")]
    pub batch_bytes: u64,
    /// Folder messages are moved to once they are stored. Without it (default) nothing is moved.
    #[serde(default)]
    pub move_to: Option<String>,
    /// Seconds to wait for a connection or an answer. Default 30.
    #[serde(default = "thirty")]
    pub timeout_seconds: u64,
}

/// Where mail is sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    /// Server name; the certificate must carry it.
    pub host: String,
    /// Port; 465 or 587 by `tls` when not given.
    #[serde(default)]
    pub port: Option<u16>,
    /// When TLS begins: `implicit` (default) or `starttls`.
    #[serde(default)]
    pub tls: Security,
    /// User name.
    pub user: String,
    /// Password; this, `password_file` or `oauth2`.
    #[serde(default)]
    pub password: Option<Secret>,
    /// File whose first line is the password, read anew at each sign-in.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// An access token instead of a password.
    #[serde(default)]
    pub oauth2: Option<OAuth2Config>,
    /// PEM file of authorities to trust instead of the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Seconds to wait for a connection or an answer. Default 60.
    #[serde(default = "sixty")]
    pub timeout_seconds: u64,
    /// Most messages a minute; no limit when not given.
    #[serde(default)]
    pub most_per_minute: Option<u32>,
}

impl ImapConfig {
    /// The port in use.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            Security::Implicit => 993,
            Security::Starttls => 143,
        })
    }
}

impl SmtpConfig {
    /// The port in use.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            Security::Implicit => 465,
            Security::Starttls => 587,
        })
    }
}

fn inbox() -> Vec<String> {
    vec!["INBOX".into()]
}
fn yes() -> bool {
    true
}
fn thirty() -> u64 {
    30
}
fn sixty() -> u64 {
    60
}
fn fifty() -> usize {
    50
}
fn eight_mib() -> u64 {
    8 * 1024 * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(imap: &str) -> Result<EmailConfig, serde_json::Error> {
        serde_json::from_str(&format!(
            r#"{{"name":"mail","imap":{{"host":"mail.example.org","user":"desk","password":"hidden-1"{imap}}},
                "smtp":{{"host":"mail.example.org","user":"desk","password":"hidden-2","tls":"starttls"}}}}"#
        ))
    }

    #[test]
    fn what_is_not_given_has_a_safe_value_and_a_password_is_never_shown() {
        let config = read("").unwrap();
        assert_eq!((config.imap.port(), config.smtp.port()), (993, 587));
        assert_eq!(config.imap.first_connection, FirstConnection::FromNow);
        assert_eq!(config.imap.folders, ["INBOX"]);
        let shown = format!("{config:?}");
        assert!(!shown.contains("hidden"), "{shown}");
        let oauth = read(
            r#","oauth2":{"token_url":"https://login.example.org/token","client_id":"desk","client_secret":"hidden-3","refresh_token":"hidden-4"}"#,
        )
        .unwrap();
        let shown = format!("{oauth:?}");
        assert!(
            shown.contains("login.example.org") && !shown.contains("hidden"),
            "{shown}"
        );
    }

    #[test]
    fn unknown_settings_and_a_connection_without_tls_are_refused() {
        assert!(read(r#","tls":"none""#).is_err());
        assert!(read(r#","fodlers":["INBOX"]"#).is_err());
    }
}
