//! The settings of one LINE channel. Secrets arrive resolved: where they are kept is the desk's business.

pub use madoguchi_channel::Secret;
use serde::Deserialize;

/// LINE's own address for everything but files.
const LINE: &str = "https://api.line.me";
/// LINE's own address for files.
const LINE_DATA: &str = "https://api-data.line.me";

/// One LINE Official Account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineConfig {
    /// Name of the channel, unique in the desk; the last piece of the webhook's path.
    pub name: String,
    /// Channel secret (console, Basic settings): every call of LINE is signed with it.
    pub channel_secret: Secret,
    /// Long-lived channel access token (console, Messaging API). When it is not given, short tokens are asked for with
    /// `channel_id` and `channel_secret`, and renewed by themselves.
    #[serde(default)]
    pub access_token: Option<Secret>,
    /// Channel ID (console, Basic settings), a number. Needed unless `access_token` is given.
    #[serde(default)]
    pub channel_id: Option<String>,
    /// Path on the desk's own server under which LINE calls, before the channel's name. Default `/webhooks/line`.
    #[serde(default = "webhooks")]
    pub path: String,
    /// Public address LINE is told to call (`https://…/webhooks/line/<name>`). When it is not given, the address set in the
    /// console stays as it is.
    #[serde(default)]
    pub webhook_url: Option<String>,
    /// Whether an answer that names its source is shown as a card with title, text and source. Default true.
    #[serde(default = "yes")]
    pub flex_answers: bool,
    /// Largest file that is fetched, in bytes. Default 20 MiB.
    #[serde(default = "twenty_mib")]
    pub max_file_bytes: usize,
    /// Seconds between two looks at the token and the webhook, each with a trial call of LINE's to the desk; LINE allows 60 an hour,
    /// counted over all nodes. Default 300.
    #[serde(default = "five_minutes")]
    pub check_seconds: u64,
    /// Seconds to wait for a connection or an answer. Default 30.
    #[serde(default = "thirty")]
    pub timeout_seconds: u64,
    /// Where LINE is. Default `https://api.line.me`; `http` is allowed on this machine only.
    #[serde(default = "line")]
    pub base_url: String,
    /// Where LINE keeps files. Default `https://api-data.line.me`; `http` is allowed on this machine only.
    #[serde(default = "line_data")]
    pub data_url: String,
}

impl LineConfig {
    /// What is wrong with the settings, if anything.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub fn validate(&self) -> Result<(), String> {
        if self.name.is_empty()
            || !self
                .name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        {
            return Err(
                "name is a part of an address: letters, digits, `-`, `_` and `.` only".into(),
            );
        }
        if self.channel_secret.expose().is_empty() {
            return Err("channel_secret is empty: every call could be forged".into());
        }
        let token = self.access_token.as_ref().map(Secret::expose);
        if token == Some("")
            || (token.is_none() && self.channel_id.as_deref().unwrap_or("").is_empty())
        {
            return Err("access_token or channel_id must be given".into());
        }
        if !self.path.starts_with('/') || self.path.contains(['?', '#', ' ']) {
            return Err("path must begin with `/` and hold no `?`, `#` or space".into());
        }
        if let Some(url) = &self.webhook_url
            && !url.starts_with("https://")
            && !loopback(url)
        {
            return Err("webhook_url must begin with https://, LINE calls nothing else".into());
        }
        for (key, url) in [("base_url", &self.base_url), ("data_url", &self.data_url)] {
            let parsed = reqwest::Url::parse(url)
                .map_err(|error| format!("{key} is no address: {error}"))?;
            if parsed.scheme() != "https" && !loopback(url) {
                return Err(format!(
                    "{key} must begin with https://, the token would be readable on its way"
                ));
            }
        }
        Ok(())
    }

    /// Whether LINE stands on this machine (tests): no proxy lies between then.
    pub(crate) fn is_local(&self) -> bool {
        loopback(&self.base_url)
    }
}

/// An `http` address of this very machine.
fn loopback(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| {
        url.scheme() == "http"
            && url.host_str().is_some_and(|host| {
                host == "localhost"
                    || host
                        .trim_matches(['[', ']'])
                        .parse::<std::net::IpAddr>()
                        .is_ok_and(|address| address.is_loopback())
            })
    })
}

fn webhooks() -> String {
    "/webhooks/line".into()
}
fn yes() -> bool {
    true
}
fn twenty_mib() -> usize {
    20 * 1024 * 1024
}
fn five_minutes() -> u64 {
    300
}
fn thirty() -> u64 {
    30
}
fn line() -> String {
    LINE.into()
}
fn line_data() -> String {
    LINE_DATA.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &str) -> Result<LineConfig, String> {
        let text = format!(r#"{{"name":"line","channel_secret":"hidden-1"{more}}}"#);
        let config: LineConfig = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        config.validate().map(|()| config)
    }

    #[test]
    fn what_is_not_given_has_a_safe_value_and_a_secret_is_never_shown() {
        let config = read(r#","access_token":"hidden-2""#).unwrap();
        assert_eq!(config.path, "/webhooks/line");
        assert_eq!(config.base_url, LINE);
        assert_eq!(config.data_url, LINE_DATA);
        assert!(config.flex_answers);
        assert_eq!(config.max_file_bytes, 20 * 1024 * 1024);
        let shown = format!("{config:?}");
        assert!(!shown.contains("hidden"), "{shown}");
        read(r#","channel_id":"1656000000""#).unwrap();
    }

    #[test]
    fn settings_that_cannot_work_or_are_not_safe_are_refused() {
        for (more, words) in [
            ("", "access_token or channel_id"),
            (r#","access_token":"""#, "access_token or channel_id"),
            (r#","access_token":"t","acess_token":"t""#, "unknown field"),
            (
                r#","access_token":"t","base_url":"http://api.line.me""#,
                "https",
            ),
            (
                r#","access_token":"t","data_url":"http://127.0.0.1.example.com""#,
                "https",
            ),
            (r#","access_token":"t","base_url":"line""#, "no address"),
            (
                r#","access_token":"t","webhook_url":"http://desk.example.jp/x""#,
                "https",
            ),
            (r#","access_token":"t","path":"webhooks""#, "path"),
        ] {
            let error = read(more).unwrap_err();
            assert!(error.contains(words), "{more}: {error}");
        }
        for here in ["http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9"] {
            read(&format!(r#","access_token":"t","base_url":"{here}""#)).unwrap();
        }
    }

    #[test]
    fn an_empty_secret_or_a_name_that_breaks_the_path_is_refused() {
        let config = read(r#","access_token":"t""#).unwrap();
        let nameless = LineConfig {
            name: "a/b".into(),
            ..config.clone()
        };
        assert!(nameless.validate().unwrap_err().contains("name"));
        let open = LineConfig {
            channel_secret: Secret::new(""),
            ..config
        };
        assert!(open.validate().unwrap_err().contains("channel_secret"));
    }
}
