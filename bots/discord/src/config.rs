//! The settings of one bot. The token arrives resolved: where it is kept is the desk's business.

use crate::fault::{Fault, Kind};
pub use madoguchi_channel::Secret;
use reqwest::Url;
use serde::Deserialize;

/// One Discord bot. Several bots are several channels, each with a name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscordConfig {
    /// Name of the channel, unique in the desk.
    pub name: String,
    /// The bot's token, from the page "Bot" of the application.
    pub token: Secret,
    /// Where the interface is served, without `/api`; Discord itself when not given. Plain http only on this machine. A server
    /// named here keeps to the limits itself: requests are not held back before they are sent.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Largest file taken from a message, in bytes. Default 20 MiB; a larger one is named to staff and left at Discord.
    #[serde(default = "twenty_mib")]
    pub largest_file_bytes: u64,
    /// Seconds to wait for an answer of the server. Default 30.
    #[serde(default = "thirty")]
    pub timeout_seconds: u64,
    /// Whether the slash commands are kept in step with those this version knows. Default true; false when something else
    /// manages the commands of the application.
    #[serde(default = "yes")]
    pub register_commands: bool,
    /// How many days back the conversations are compared with what was stored. Default 3.
    #[serde(default = "three")]
    pub reconcile_days: u16,
}

impl DiscordConfig {
    /// The settings of a bot with all the rest as it is by default.
    pub fn new(name: impl Into<String>, token: Secret) -> Self {
        Self {
            name: name.into(),
            token,
            base_url: None,
            largest_file_bytes: twenty_mib(),
            timeout_seconds: thirty(),
            register_commands: yes(),
            reconcile_days: three(),
        }
    }

    /// The other server than Discord's that is to be used, when one is.
    ///
    /// # Errors
    /// A token or an address that cannot work or would carry the token in the open.
    pub(crate) fn server(&self) -> Result<Option<Url>, Fault> {
        let token = self.token.expose();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Fault::new(
                Kind::Settings,
                "the token is empty or has characters no token has",
            ));
        }
        let Some(text) = &self.base_url else {
            return Ok(None);
        };
        let url = Url::parse(text)
            .map_err(|error| Fault::new(Kind::Settings, format!("base_url: {error}")))?;
        let host = url.host_str().unwrap_or_default();
        let here = host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        if url.scheme() == "https" || (url.scheme() == "http" && here) {
            Ok(Some(url))
        } else {
            Err(Fault::new(
                Kind::Settings,
                "base_url must begin with https:// unless it is on this machine: the token would go in the open",
            ))
        }
    }
}

fn twenty_mib() -> u64 {
    20 * 1024 * 1024
}
fn thirty() -> u64 {
    30
}
fn yes() -> bool {
    true
}
fn three() -> u16 {
    3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &str) -> Result<DiscordConfig, serde_json::Error> {
        serde_json::from_str(&format!(
            r#"{{"name":"discord","token":"hidden.token.value"{more}}}"#
        ))
    }

    #[test]
    fn what_is_not_given_has_a_safe_value_and_the_token_is_never_shown() {
        let config = read("").unwrap();
        assert_eq!(
            config,
            DiscordConfig::new("discord", Secret::new("hidden.token.value"))
        );
        assert_eq!(config.largest_file_bytes, 20 * 1024 * 1024);
        assert!(!format!("{config:?}").contains("hidden"));
        assert!(config.server().unwrap().is_none());
    }

    #[test]
    fn unknown_settings_and_an_open_way_for_the_token_are_refused() {
        assert!(read(r#","tokn":"x""#).is_err());
        for (address, fine) in [
            ("http://127.0.0.1:9000", true),
            ("http://localhost:9000/", true),
            ("http://[::1]:9000", true),
            ("https://discord-proxy.example.org", true),
            ("http://discord-proxy.example.org", false),
            ("http://127.0.0.1.example.org", false),
            ("ftp://127.0.0.1", false),
            ("discord.example.org", false),
        ] {
            let config = read(&format!(r#","base_url":"{address}""#)).unwrap();
            assert_eq!(config.server().is_ok(), fine, "{address}");
        }
    }

    #[test]
    fn a_token_that_is_none_is_told_before_anything_is_sent() {
        for token in ["", "two words", "ends with a line\n"] {
            let config = DiscordConfig::new("discord", Secret::new(token));
            let fault = config.server().unwrap_err();
            assert_eq!(fault.kind, Kind::Settings);
        }
    }
}
