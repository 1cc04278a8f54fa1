//! Calls of the Bot API. teloxide's [`Bot`] builds each request; it is carried out here, over teloxide's own connection.
//!
//! Why not by teloxide: it waits ten seconds inside a request when the server fails, drops the error code, loses fields of an
//! update it does not know, and takes a delivered message for a failure when its answer has a form it does not know – the desk
//! would send it twice.

use crate::config::{TelegramConfig, is_loopback};
use crate::fault::{Fault, Kind};
use madoguchi_channel::ReceiveError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::time::Duration;
use teloxide::Bot;
use teloxide::requests::{HasPayload, Payload};

/// The bot and the way to it.
pub(crate) struct Client {
    bot: Bot,
    timeout: Duration,
}

/// What the Bot API wraps every answer in. Fields nobody needs are left alone, whatever their form.
#[derive(Deserialize)]
struct Envelope<'a> {
    ok: bool,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error_code: Option<u16>,
    description: Option<String>,
    parameters: Option<Value>,
}

impl Client {
    /// Nothing is connected yet.
    pub(crate) fn new(config: &TelegramConfig, base: reqwest::Url) -> Result<Self, ReceiveError> {
        let mut settings = teloxide::net::default_reqwest_settings()
            // A redirect would carry the token, which is part of the address, to another server.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false);
        if is_loopback(&base) {
            settings = settings.no_proxy();
        }
        let connection = settings.build().map_err(|_| ReceiveError {
            problem: "no TLS client could be made".into(),
            advice: "check the proxy settings in the environment".into(),
            permanent: true,
        })?;
        Ok(Self {
            bot: Bot::with_client(config.token.expose(), connection).set_api_url(base),
            timeout: Duration::from_secs(config.timeout_seconds),
        })
    }

    /// The builder of requests.
    pub(crate) fn bot(&self) -> &Bot {
        &self.bot
    }

    /// How long an answer may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Makes a request and returns its result as the server wrote it.
    pub(crate) async fn call<R>(&self, request: &R) -> Result<Box<RawValue>, Fault>
    where
        R: HasPayload,
        R::Payload: Payload + Serialize,
    {
        self.call_within(request, self.timeout).await
    }

    /// The same with a time limit of its own.
    pub(crate) async fn call_within<R>(
        &self,
        request: &R,
        limit: Duration,
    ) -> Result<Box<RawValue>, Fault>
    where
        R: HasPayload,
        R::Payload: Payload + Serialize,
    {
        let url = self.address(&[], <R::Payload as Payload>::NAME);
        let response = self
            .bot
            .client()
            .post(url)
            .json(request.payload_ref())
            .timeout(limit)
            .send()
            .await
            .map_err(|error| self.connection_fault(&error))?;
        let status = response.status().as_u16();
        let body = response
            .bytes()
            .await
            .map_err(|error| self.connection_fault(&error))?;
        self.open(status, &body)
    }

    /// Takes an answer out of its envelope.
    fn open(&self, status: u16, body: &[u8]) -> Result<Box<RawValue>, Fault> {
        let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(body) else {
            return Err(Fault::new(
                Kind::Strange(status),
                format!("the answer is not the Bot API's (HTTP status {status})"),
            ));
        };
        if envelope.ok {
            let result = envelope.result.map(ToOwned::to_owned);
            return result.ok_or_else(|| {
                Fault::new(
                    Kind::Strange(status),
                    "the Bot API answered without a result",
                )
            });
        }
        let code = envelope.error_code.unwrap_or(status);
        let words = envelope.description.unwrap_or_default();
        let wait = envelope
            .parameters
            .as_ref()
            .and_then(|parameters| parameters.get("retry_after"))
            .and_then(Value::as_u64);
        let mut fault = Fault::new(Kind::Refused(code), self.scrub(&format!("{code} {words}")));
        fault.retry_after = match (code, wait) {
            (_, Some(seconds)) => Some(Duration::from_secs(seconds.min(86_400))),
            (429, None) => Some(Duration::from_secs(5)),
            _ => None,
        };
        Err(fault)
    }

    /// Begins to read a file by the path `getFile` gave.
    pub(crate) async fn download(&self, path: &str) -> Result<reqwest::Response, Fault> {
        self.bot
            .client()
            .get(self.address(&["file"], path))
            .timeout(self.timeout.saturating_mul(6))
            .send()
            .await
            .map_err(|error| self.connection_fault(&error))
    }

    /// `<base>/<before>/bot<token>/<path>`. teloxide's own would escape the slashes in a file's path.
    fn address(&self, before: &[&str], path: &str) -> reqwest::Url {
        let mut url = self.bot.api_url();
        // Never an error: the base was checked when the channel was made.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments
                .pop_if_empty()
                .extend(before)
                .push(&format!("bot{}", self.bot.token()))
                .extend(path.split('/'));
        }
        url
    }

    /// What reqwest says of a broken connection, without the address, which holds the token.
    pub(crate) fn connection_fault(&self, error: &reqwest::Error) -> Fault {
        let mut words = match error {
            e if e.is_timeout() => "no answer in time".to_owned(),
            e if e.is_connect() => "no connection to the Bot API".to_owned(),
            _ => "the connection to the Bot API broke".to_owned(),
        };
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            let inner_words = inner.to_string();
            if !words.contains(&inner_words) {
                words = format!("{words}: {inner_words}");
            }
            cause = inner.source();
        }
        let kind = if error.is_connect() {
            Kind::Unreachable
        } else {
            Kind::Lost
        };
        Fault::new(kind, self.scrub(&words))
    }

    /// Removes the token, whole or its secret half, however it is written.
    pub(crate) fn scrub(&self, words: &str) -> String {
        let token = self.bot.token();
        let key = token.split_once(':').map_or(token, |(_, key)| key);
        words.replace(token, "<token>").replace(key, "<token>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn client(base: &str) -> Client {
        let mut config = TelegramConfig::new("chat", Secret::new("123:top-secret"));
        config.base_url = base.into();
        let (base, _) = config.validate().unwrap();
        Client::new(&config, base).unwrap()
    }

    #[test]
    fn addresses_have_no_doubled_and_no_escaped_slashes() {
        for base in ["https://api.example.org", "https://api.example.org/tg/"] {
            let at = client(base);
            let root = base.trim_end_matches('/');
            assert_eq!(
                at.address(&["file"], "photos/file_0.jpg").as_str(),
                format!("{root}/file/bot123:top-secret/photos/file_0.jpg")
            );
            assert_eq!(
                at.address(&[], "GetMe").as_str(),
                format!("{root}/bot123:top-secret/GetMe")
            );
        }
    }

    #[test]
    fn answers_are_read_whatever_else_they_hold_and_never_repeat_the_token() {
        let at = client("https://api.example.org");
        let taken = at.open(200, br#"{"ok":true,"new":[1],"result":{"b":1, "a":2.50}}"#);
        assert_eq!(taken.unwrap().get(), r#"{"b":1, "a":2.50}"#);
        let refused = at
            .open(
                429,
                br#"{"ok":false,"error_code":429,"description":"slow 123:top-secret","parameters":{"retry_after":7,"x":1}}"#,
            )
            .unwrap_err();
        assert_eq!(refused.retry_after, Some(Duration::from_secs(7)));
        assert_eq!(refused.words, "429 slow <token>");
        let strange = at.open(502, b"<html>bad gateway</html>").unwrap_err();
        assert_eq!(strange.kind, Kind::Strange(502));
        assert!(at.open(200, br#"{"ok":true}"#).is_err());
    }
}
