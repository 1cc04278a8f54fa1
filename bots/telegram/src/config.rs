//! The settings of one bot. The token arrives resolved: where it is kept is the desk's business.

use madoguchi_channel::ReceiveError;
pub use madoguchi_channel::Secret;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::net::IpAddr;

/// Who calls whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The desk asks Telegram for updates, and waits for the answer (long polling). Needs no open port.
    #[default]
    Polling,
    /// Telegram calls the desk under `public_url`.
    Webhook,
}

/// One bot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelegramConfig {
    /// Name of the channel, unique in the desk. It is part of the webhook's path.
    pub name: String,
    /// The token BotFather gave (`digits:letters`).
    pub token: Secret,
    /// `polling` (default) or `webhook`.
    #[serde(default)]
    pub mode: Mode,
    /// Webhook only: the desk's address as the world sees it, without a path (`https://desk.example.jp`). Telegram calls
    /// ports 443, 80, 88 and 8443.
    #[serde(default)]
    pub public_url: Option<String>,
    /// Webhook only: what Telegram must show to be believed, 1–256 of `A–Z a–z 0–9 _ -`. Made from the token when not given,
    /// so that all nodes know the same.
    #[serde(default)]
    pub webhook_secret: Option<Secret>,
    /// Webhook only: most calls Telegram makes at the same time, 1–100. Default 20.
    #[serde(default = "twenty")]
    pub webhook_connections: u8,
    /// Webhook only: seconds between two looks at how the webhook is. Default 60.
    #[serde(default = "sixty")]
    pub webhook_watch_seconds: u64,
    /// Polling only: seconds Telegram may hold a question open when nothing is new, 1–50. Default 30.
    #[serde(default = "thirty")]
    pub poll_seconds: u32,
    /// Seconds to wait for an answer, beyond `poll_seconds` when polling. Default 20.
    #[serde(default = "twenty_seconds")]
    pub timeout_seconds: u64,
    /// Largest file fetched, in bytes. Default 20 MiB, which is also the most Telegram hands to a bot.
    #[serde(default = "twenty_mib")]
    pub max_file_bytes: usize,
    /// Where the Bot API is. Default `https://api.telegram.org`; plain `http` only to this machine.
    #[serde(default = "vendor")]
    pub base_url: String,
}

impl TelegramConfig {
    /// Settings with every default.
    pub fn new(name: impl Into<String>, token: Secret) -> Self {
        Self {
            name: name.into(),
            token,
            mode: Mode::Polling,
            public_url: None,
            webhook_secret: None,
            webhook_connections: twenty(),
            webhook_watch_seconds: sixty(),
            poll_seconds: thirty(),
            timeout_seconds: twenty_seconds(),
            max_file_bytes: twenty_mib(),
            base_url: vendor(),
        }
    }

    /// The path Telegram calls.
    pub(crate) fn path(&self) -> String {
        format!("/webhooks/telegram/{}", self.name)
    }

    /// What Telegram shows when it calls.
    pub(crate) fn secret(&self) -> String {
        match &self.webhook_secret {
            Some(secret) => secret.expose().to_owned(),
            None => {
                // One way: whoever learns it can forge calls, but does not learn the token.
                let hash = Sha256::new()
                    .chain_update("madoguchi webhook secret of ")
                    .chain_update(self.token.expose())
                    .finalize();
                format!("{hash:x}")
            }
        }
    }

    /// The account id of the bot: the first half of its token.
    pub(crate) fn bot_id(&self) -> String {
        let (id, _) = self.token.expose().split_once(':').unwrap_or_default();
        id.to_owned()
    }

    /// Checks what serde cannot; returns the Bot API's address and the webhook's.
    pub(crate) fn validate(&self) -> Result<(reqwest::Url, Option<reqwest::Url>), ReceiveError> {
        let (id, key) = self.token.expose().split_once(':').unwrap_or_default();
        let id_is_right = id.parse().is_ok_and(|id: u64| id > 0);
        if !id_is_right || key.is_empty() || !key.chars().all(is_plain) {
            return Err(wrong(
                "the token does not look like one",
                "copy the whole token from BotFather (digits, a colon, letters)",
            ));
        }
        let base = address("base_url", &self.base_url)?;
        if !(1..=50).contains(&self.poll_seconds) || self.timeout_seconds == 0 {
            return Err(wrong(
                "poll_seconds or timeout_seconds is out of range",
                "set poll_seconds to 1–50 and timeout_seconds to at least 1",
            ));
        }
        if self.mode == Mode::Polling {
            return Ok((base, None));
        }
        if self.name.is_empty() || !self.name.chars().all(is_plain) {
            return Err(wrong(
                "the channel's name cannot be part of an address",
                "use only A–Z a–z 0–9 _ - in the name of a channel with a webhook",
            ));
        }
        let secret = self.secret();
        if !(1..=256).contains(&secret.len()) || !secret.chars().all(is_plain) {
            return Err(wrong(
                "webhook_secret is not of the form Telegram takes",
                "use 1–256 characters of A–Z a–z 0–9 _ -, or leave the setting out",
            ));
        }
        if !(1..=100).contains(&self.webhook_connections) || self.webhook_watch_seconds == 0 {
            return Err(wrong(
                "webhook_connections or webhook_watch_seconds is out of range",
                "set webhook_connections to 1–100 and webhook_watch_seconds to at least 1",
            ));
        }
        let Some(public) = &self.public_url else {
            return Err(wrong(
                "public_url is missing",
                "set it to the address Telegram can reach the desk at, or set mode to polling",
            ));
        };
        let public = address("public_url", public)?;
        let webhook = public.join(&self.path()).map_err(|_| {
            wrong(
                "public_url is no address",
                "write it as https://desk.example.jp",
            )
        })?;
        Ok((base, Some(webhook)))
    }
}

/// Characters that need no escape anywhere.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// Reads an address and refuses one over which the token could be read by others.
fn address(setting: &str, text: &str) -> Result<reqwest::Url, ReceiveError> {
    let url = reqwest::Url::parse(text.trim_end_matches('/')).map_err(|_| {
        wrong(
            &format!("{setting} is no address"),
            "write it as https://host or https://host:port",
        )
    })?;
    let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    if !safe || url.cannot_be_a_base() || url.query().is_some() || !url.username().is_empty() {
        return Err(wrong(
            &format!("{setting} cannot be used"),
            "use https (http only to this machine), without user name and query",
        ));
    }
    Ok(url)
}

/// Whether an address leads to this very machine.
pub(crate) fn is_loopback(url: &reqwest::Url) -> bool {
    url.host_str().is_some_and(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    })
}

fn wrong(problem: &str, advice: &str) -> ReceiveError {
    ReceiveError {
        problem: problem.into(),
        advice: advice.into(),
        permanent: true,
    }
}

fn twenty() -> u8 {
    20
}
fn twenty_seconds() -> u64 {
    20
}
fn thirty() -> u32 {
    30
}
fn sixty() -> u64 {
    60
}
fn twenty_mib() -> usize {
    20 * 1024 * 1024
}
fn vendor() -> String {
    "https://api.telegram.org".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &str) -> TelegramConfig {
        serde_json::from_str(&format!(
            r#"{{"name":"chat","token":"110201543:hidden-key_A1"{more}}}"#
        ))
        .unwrap()
    }

    #[test]
    fn what_is_not_given_has_a_safe_value_and_a_token_is_never_shown() {
        let config = read("");
        let (base, webhook) = config.validate().unwrap();
        assert_eq!(base.as_str(), "https://api.telegram.org/");
        assert_eq!(webhook, None);
        assert_eq!(config, TelegramConfig::new("chat", config.token.clone()));
        assert!(!format!("{config:?}").contains("hidden"));
        assert_eq!(config.bot_id(), "110201543");
    }

    #[test]
    fn a_webhook_has_the_channels_name_in_its_path_and_a_secret_that_does_not_show_the_token() {
        let config = read(r#","mode":"webhook","public_url":"https://desk.example.jp/""#);
        let (_, webhook) = config.validate().unwrap();
        assert_eq!(
            webhook.unwrap().as_str(),
            "https://desk.example.jp/webhooks/telegram/chat"
        );
        assert_eq!(config.secret().len(), 64);
        assert_eq!(config.secret(), config.clone().secret());
    }

    #[test]
    fn what_cannot_work_is_refused_before_anything_is_connected() {
        for more in [
            r#","base_url":"http://api.example.org""#,
            r#","base_url":"api.example.org""#,
            r#","base_url":"https://api.example.org/?a=b""#,
            r#","poll_seconds":0"#,
            r#","poll_seconds":51"#,
            r#","timeout_seconds":0"#,
            r#","mode":"webhook""#,
            r#","mode":"webhook","public_url":"http://desk.example.jp""#,
            r#","mode":"webhook","public_url":"https://desk.example.jp","webhook_secret":"with blank""#,
            r#","mode":"webhook","public_url":"https://desk.example.jp","webhook_connections":0"#,
        ] {
            let refused = read(more).validate().unwrap_err();
            assert!(refused.permanent, "{more}");
        }
        for token in ["", "abc", "12:", ":abc", "-5:abc", "12:a/b", "12:a b"] {
            let config = TelegramConfig::new("chat", Secret::new(token));
            let refused = config.validate().unwrap_err().to_string();
            assert!(token.len() < 3 || !refused.contains(token), "{refused}");
        }
        assert!(
            read(r#","base_url":"http://[::1]:8081""#)
                .validate()
                .is_ok()
        );
        assert!(
            serde_json::from_str::<TelegramConfig>(r#"{"name":"a","token":"b","tokne":"c"}"#)
                .is_err()
        );
    }
}
