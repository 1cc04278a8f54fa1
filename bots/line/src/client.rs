//! Calls to LINE: signing in, sending JSON, reading answers. Nothing here knows what a call is for.

use crate::config::{LineConfig, Secret};
use crate::fault::Fault;
use crate::scrub::scrub;
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use std::error::Error as _;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Most bytes read of an answer in JSON.
const LONGEST_ANSWER: usize = 256 * 1024;
/// Lifetime of a short token where LINE does not say.
const TOKEN_SECONDS: u64 = 900;

/// One call.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// GET, POST or PUT.
    pub method: Method,
    /// Path and query below LINE's address.
    pub path: &'a str,
    /// Whether it is about a file's content (another host).
    pub data: bool,
    /// What is sent.
    pub body: Option<&'a Value>,
    /// Key by which LINE knows the call again.
    pub retry_key: Option<&'a str>,
}

impl<'a> Call<'a> {
    /// Asks.
    pub fn get(path: &'a str) -> Self {
        Self {
            method: Method::GET,
            path,
            data: false,
            body: None,
            retry_key: None,
        }
    }

    /// Tells.
    pub fn post(path: &'a str, body: &'a Value) -> Self {
        Self {
            method: Method::POST,
            body: Some(body),
            ..Self::get(path)
        }
    }
}

/// What LINE answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// LINE's words, fit to be shown.
    pub words: String,
    /// The wait LINE asks for.
    pub retry_after: Option<Duration>,
    /// The body; null where it is no JSON.
    pub body: Value,
}

impl Answer {
    /// Status 2xx.
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The fault this answer is, where it is not one that means something of its own to the caller.
    pub fn fault(&self) -> Fault {
        match self.status {
            // 403 can be a proxy on the way; only 401 says that we are not who we say.
            401 => Fault::Refused(self.words.clone()),
            _ => Fault::Unserved(self.words.clone()),
        }
    }
}

/// LINE, as one account.
pub struct Client {
    http: reqwest::Client,
    base: String,
    data: String,
    fixed: Option<Secret>,
    channel_id: String,
    channel_secret: Secret,
    short: Mutex<Option<Short>>,
    patience: Duration,
}

/// A short token in use.
struct Short {
    token: String,
    renew_at: Instant,
}

impl Client {
    /// A client by its settings; nothing is connected yet.
    pub fn new(config: &LineConfig) -> Result<Self, Fault> {
        let patience = Duration::from_secs(config.timeout_seconds.max(1));
        let mut builder = reqwest::Client::builder()
            // A redirect would carry the token to a place nobody configured.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(patience)
            .read_timeout(patience)
            .user_agent(concat!("madoguchi/", env!("CARGO_PKG_VERSION")));
        if config.is_local() {
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|error| Fault::Settings(format!("HTTPS cannot be set up: {error}")))?;
        Ok(Self {
            http,
            base: config.base_url.trim_end_matches('/').to_owned(),
            data: config.data_url.trim_end_matches('/').to_owned(),
            fixed: config.access_token.clone(),
            channel_id: config.channel_id.clone().unwrap_or_default(),
            channel_secret: config.channel_secret.clone(),
            short: Mutex::new(None),
            patience,
        })
    }

    /// Calls and reads the answer, whatever its status.
    pub async fn call(&self, call: &Call<'_>) -> Result<Answer, Fault> {
        let (response, token) = self.open(call).await?;
        let reply_token = call
            .body
            .and_then(|body| body.get("replyToken"))
            .and_then(Value::as_str)
            .unwrap_or_default();
        self.read(response, &[&token, reply_token]).await
    }

    /// Calls and leaves the body to the caller. The token comes along to be kept out of words.
    pub async fn open(&self, call: &Call<'_>) -> Result<(Response, String), Fault> {
        let token = self.token().await?;
        let response = self.once(call, &token).await?;
        if response.status() != StatusCode::UNAUTHORIZED || self.fixed.is_some() {
            return Ok((response, token));
        }
        // A short token can end early; LINE did not act on this call, so it is made again with a fresh one.
        self.forget(&token).await;
        let token = self.token().await?;
        let response = self.once(call, &token).await?;
        Ok((response, token))
    }

    async fn once(&self, call: &Call<'_>, token: &str) -> Result<Response, Fault> {
        let host = if call.data { &self.data } else { &self.base };
        let mut request = self
            .http
            .request(call.method.clone(), format!("{host}{}", call.path))
            .bearer_auth(token);
        if !call.data {
            // For the answer as a whole; a file may take longer as long as it comes.
            request = request.timeout(self.patience);
        }
        if let Some(key) = call.retry_key {
            request = request.header("X-Line-Retry-Key", key);
        }
        if let Some(body) = call.body {
            request = request.json(body);
        }
        request
            .send()
            .await
            .map_err(|error| self.no_answer(error, &[token]))
    }

    /// Reads an answer in JSON.
    pub async fn read(&self, mut response: Response, secrets: &[&str]) -> Result<Answer, Fault> {
        let status = response.status().as_u16();
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let request_id = header("x-line-request-id");
        let retry_after = header("retry-after")
            .and_then(|seconds| seconds.trim().parse().ok())
            .map(Duration::from_secs);
        let mut bytes = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.no_answer(error, secrets))?
        {
            if bytes.len() + chunk.len() > LONGEST_ANSWER {
                return Err(Fault::Unserved(
                    "LINE's answer is longer than any of LINE's".into(),
                ));
            }
            bytes.extend_from_slice(&chunk);
        }
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let mut words = format!("LINE answered {status}");
        let said = said(&body);
        if !said.is_empty() {
            words = format!("{words}: {said}");
        }
        if let Some(id) = request_id {
            words = format!("{words} (request {id})");
        }
        Ok(Answer {
            status,
            words: self.scrub(&words, secrets),
            retry_after,
            body,
        })
    }

    /// A token that is good for a while.
    async fn token(&self) -> Result<String, Fault> {
        if let Some(fixed) = &self.fixed {
            return Ok(fixed.expose().to_owned());
        }
        // Held while one is fetched: others wait for it instead of asking too.
        let mut short = self.short.lock().await;
        match &*short {
            Some(known) if Instant::now() < known.renew_at => Ok(known.token.clone()),
            _ => {
                let fresh = self.issue().await?;
                let token = fresh.token.clone();
                *short = Some(fresh);
                Ok(token)
            }
        }
    }

    async fn forget(&self, token: &str) {
        let mut short = self.short.lock().await;
        if short.as_ref().is_some_and(|known| known.token == token) {
            *short = None;
        }
    }

    /// Asks for a short token (stateless: any number may be in use at once, so many nodes need not agree on one).
    async fn issue(&self) -> Result<Short, Fault> {
        let asked_at = Instant::now();
        let response = self
            .http
            .post(format!("{}/oauth2/v3/token", self.base))
            .timeout(self.patience)
            .form(&[
                ("grant_type", "client_credentials"),
                ("client_id", &self.channel_id),
                ("client_secret", self.channel_secret.expose()),
            ])
            .send()
            .await
            .map_err(|error| self.no_answer(error, &[]))?;
        let answer = self.read(response, &[]).await?;
        match (
            answer.ok(),
            answer.body.get("access_token").and_then(Value::as_str),
        ) {
            (true, Some(token)) => {
                let seconds = answer.body.get("expires_in").and_then(Value::as_u64);
                Ok(Short {
                    token: token.to_owned(),
                    // Renewed when a fifth of its life is left: a call under way must not outlive it.
                    renew_at: asked_at
                        + Duration::from_secs(
                            seconds.unwrap_or(TOKEN_SECONDS).min(TOKEN_SECONDS) * 4 / 5,
                        ),
                })
            }
            _ if matches!(answer.status, 400 | 401) => Err(Fault::Refused(format!(
                "no access token is issued: {}",
                answer.words
            ))),
            _ => Err(Fault::Unserved(format!(
                "no access token is issued: {}",
                answer.words
            ))),
        }
    }

    /// The words of an error without its address and without secrets.
    pub fn no_answer(&self, error: reqwest::Error, secrets: &[&str]) -> Fault {
        let maybe_taken = !error.is_connect() && !error.is_builder();
        let error = error.without_url();
        let mut words = if error.is_timeout() {
            "LINE did not answer in time".to_owned()
        } else {
            format!("no answer from LINE: {error}")
        };
        let mut cause = error.source();
        while let Some(inner) = cause {
            let inner_words = inner.to_string();
            if !words.contains(&inner_words) {
                words = format!("{words}: {inner_words}");
            }
            cause = inner.source();
        }
        Fault::NoAnswer {
            words: self.scrub(&words, secrets),
            maybe_taken,
        }
    }

    fn scrub(&self, words: &str, secrets: &[&str]) -> String {
        let mut all = vec![self.channel_secret.expose()];
        all.extend(self.fixed.as_ref().map(Secret::expose));
        all.extend_from_slice(secrets);
        scrub(words, &all)
    }
}

/// What an error's body says, details included.
fn said(body: &Value) -> String {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut said: Vec<String> = ["message", "error", "error_description"]
        .iter()
        .filter_map(|key| text(body, key))
        .collect();
    for detail in body
        .get("details")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .take(3)
    {
        let place = text(detail, "property").unwrap_or_default();
        let what = text(detail, "message").unwrap_or_default();
        said.push(format!("{place} {what}").trim().to_owned());
    }
    said.join("; ")
}
