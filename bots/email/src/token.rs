//! Access tokens (RFC 6749): fetched, kept until shortly before they end, renewed when refused.

use crate::config::{Grant, OAuth2Config, Secret};
use crate::fault::{Fault, Kind};
use crate::https::Poster;
use crate::sasl::printable;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// A token is replaced this long before its end: signing in takes a moment, and clocks differ.
const MARGIN: Duration = Duration::from_secs(60);
/// Lifetime of a token that names none (RFC 6749 §5.1 only recommends it).
const UNNAMED: Duration = Duration::from_secs(300);
/// After a refusal the provider is not asked again for so long.
const REFUSED: Duration = Duration::from_secs(60);

/// Hands out access tokens of one account.
pub struct TokenSource {
    config: OAuth2Config,
    poster: Poster,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    access: Option<(Secret, Instant)>,
    /// The newest refresh token; `None` before the first use.
    refresh: Option<Secret>,
    refused: Option<(Fault, Instant)>,
}

impl TokenSource {
    /// Checks the settings; nothing is connected yet.
    pub fn new(config: &OAuth2Config) -> Result<Self, Fault> {
        let lacks = |what: &str| {
            Fault::new(
                Kind::Settings,
                format!("oauth2 has no {what}, which its grant needs"),
            )
        };
        match config.grant {
            Grant::RefreshToken if config.refresh_token.is_none() => {
                return Err(lacks("refresh_token"));
            }
            Grant::ClientCredentials if config.client_secret.is_none() => {
                return Err(lacks("client_secret"));
            }
            Grant::RefreshToken | Grant::ClientCredentials => {}
        }
        Ok(Self {
            poster: Poster::new(&config.token_url, config.ca_file.as_deref())?,
            config: config.clone(),
            state: Mutex::default(),
        })
    }

    /// The settings this source was made from.
    pub fn config(&self) -> &OAuth2Config {
        &self.config
    }

    /// A token that is good for some time yet.
    pub async fn token(&self) -> Result<Secret, Fault> {
        let mut state = self.state.lock().await;
        if let Some((token, until)) = &state.access
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        self.fetch(&mut state).await
    }

    /// Another token than one a server refused.
    pub async fn renew(&self, refused: &Secret) -> Result<Secret, Fault> {
        let mut state = self.state.lock().await;
        if let Some((token, _)) = &state.access
            && token != refused
        {
            return Ok(token.clone()); // somebody else renewed it meanwhile
        }
        state.access = None;
        self.fetch(&mut state).await
    }

    async fn fetch(&self, state: &mut State) -> Result<Secret, Fault> {
        if let Some((fault, until)) = &state.refused
            && Instant::now() < *until
        {
            return Err(fault.clone());
        }
        let outcome = self.ask(state).await;
        state.refused = match &outcome {
            Err(fault) if fault.kind == Kind::Token => {
                Some((fault.clone(), Instant::now() + REFUSED))
            }
            _ => None,
        };
        outcome
    }

    async fn ask(&self, state: &mut State) -> Result<Secret, Fault> {
        let refresh = match self.config.grant {
            Grant::ClientCredentials => None,
            Grant::RefreshToken => {
                let given = self.config.refresh_token.clone();
                let kept = || self.kept(given.as_ref()?);
                state.refresh.clone().or_else(kept).or(given.clone())
            }
        };
        let mut form = vec![("client_id", self.config.client_id.as_str())];
        match &refresh {
            Some(token) => {
                form.extend([
                    ("grant_type", "refresh_token"),
                    ("refresh_token", token.expose()),
                ]);
            }
            None => form.push(("grant_type", "client_credentials")),
        }
        if let Some(secret) = &self.config.client_secret {
            form.push(("client_secret", secret.expose()));
        }
        if let Some(scope) = &self.config.scope {
            form.push(("scope", scope));
        }
        let (status, body) = self.poster.post(&form).await?;
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        let field = |name: &str| answer.get(name).and_then(Value::as_str);
        let token = match (status, field("access_token")) {
            (200, Some(token)) if !token.is_empty() => Secret::new(token),
            _ => return Err(self.refusal(status, &answer, refresh.as_ref())),
        };
        let lifetime = answer
            .get("expires_in")
            .and_then(|value| match value {
                // Some providers write the number as a text.
                Value::String(text) => text.parse().ok(),
                other => other.as_u64(),
            })
            .map_or(UNNAMED, Duration::from_secs);
        let good_for = lifetime.saturating_sub(MARGIN.min(lifetime / 2));
        state.access = Some((token.clone(), Instant::now() + good_for));
        if let Some(new) = field("refresh_token")
            && refresh.as_ref().is_some_and(|old| old.expose() != new)
        {
            let new = Secret::new(new);
            self.keep(&new);
            state.refresh = Some(new);
        }
        Ok(token)
    }

    /// What a refusal means. 4xx with an `error` is the provider's word on us (RFC 6749 §5.2); everything else may pass.
    fn refusal(&self, status: u16, answer: &Value, refresh: Option<&Secret>) -> Fault {
        let field = |name: &str| answer.get(name).and_then(Value::as_str);
        let mut words = format!(
            "{} gives no access token: status {status}",
            self.poster.server()
        );
        for part in [field("error"), field("error_description")]
            .into_iter()
            .flatten()
        {
            words = format!("{words}, {}", printable(part));
        }
        // A provider that repeats what it was told must not bring a secret into a log.
        for secret in [refresh, self.config.client_secret.as_ref()]
            .into_iter()
            .flatten()
        {
            if !secret.expose().is_empty() {
                words = words.replace(secret.expose(), "…");
            }
        }
        let ours = (400..500).contains(&status) && status != 429 && field("error").is_some();
        let passing = field("error") == Some("temporarily_unavailable");
        let kind = if ours && !passing {
            Kind::Token
        } else {
            Kind::Refused
        };
        Fault::new(kind, words)
    }

    /// The token that replaced the configured one in an earlier run. Where somebody has signed in anew since, the configured one is
    /// another, and what replaced the old one is of no use.
    fn kept(&self, given: &Secret) -> Option<Secret> {
        let all = replacements(self.config.token_file.as_ref()?);
        all.get(&mark(given))
            .and_then(Value::as_str)
            .map(Secret::new)
    }

    fn keep(&self, new: &Secret) {
        let Some(given) = &self.config.refresh_token else {
            return;
        };
        let Some(path) = &self.config.token_file else {
            tracing::warn!(
                server.host = %self.poster.server(),
                "The provider replaced the refresh token; set oauth2.token_file, or the new one is lost when the desk stops"
            );
            return;
        };
        let mut all = replacements(path);
        all.insert(mark(given), Value::from(new.expose()));
        if let Err(error) = write_private(path, Value::Object(all).to_string().as_bytes()) {
            tracing::error!(
                file = %path.display(), error = %error,
                "The replaced refresh token could not be written; it is lost when the desk stops"
            );
        }
    }
}

/// Replaced tokens by the mark of the configured one: accounts of one channel may share the file.
fn replacements(path: &Path) -> serde_json::Map<String, Value> {
    std::fs::read_to_string(path)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

/// Tells a configured token without keeping it.
fn mark(token: &Secret) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for byte in Sha256::digest(token.expose()) {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Whole or not at all, and readable by nobody else from the first byte on.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let new = path.with_extension("new");
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}
