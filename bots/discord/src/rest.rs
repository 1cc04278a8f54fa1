//! Requests to the server: serenity's routes and limiter, our own reading of what comes back, because serenity drops the wait a
//! 429 asks for.

use crate::config::{DiscordConfig, Secret};
use crate::fault::{Fault, Kind};
use reqwest::{Client, Response, Url};
use serde_json::Value;
use serenity::http::{Http, HttpBuilder, LightMethod, Ratelimiter, Request, Route};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

/// Messages in one page of a conversation: the most the server gives.
pub const PAGE: usize = 100;

/// Error codes of the server that are told apart (`developers/docs/topics/opcodes-and-status-codes`).
pub mod code {
    /// The channel is gone.
    pub const UNKNOWN_CHANNEL: i64 = 10003;
    /// The message is gone.
    pub const UNKNOWN_MESSAGE: i64 = 10008;
    /// The interaction token has run out, or never was.
    pub const UNKNOWN_WEBHOOK: i64 = 10015;
    /// The interaction was not answered in time.
    pub const UNKNOWN_INTERACTION: i64 = 10062;
    /// The interaction has been answered.
    pub const ALREADY_ACKNOWLEDGED: i64 = 40060;
    /// Direct messages are opened too fast.
    pub const OPENING_TOO_FAST: i64 = 40003;
    /// The interaction token is not valid.
    pub const INVALID_WEBHOOK_TOKEN: i64 = 50027;
}

/// A request that had no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestError {
    /// The server answered that it will not.
    Refused(Refusal),
    /// No answer; whether the request was carried out is not known.
    Away(String),
}

/// The server's own words, without tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {code}: {message}")]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Error code in the body, 0 when there is none.
    pub code: i64,
    /// The server's words.
    pub message: String,
    /// The wait it asks for (429).
    pub retry_after: Option<Duration>,
}

impl std::fmt::Display for RestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Away(words) => f.write_str(words),
        }
    }
}

impl From<RestError> for Fault {
    fn from(error: RestError) -> Self {
        let problem = error.to_string();
        match error {
            RestError::Away(_) => Self::new(Kind::Unreachable, problem),
            RestError::Refused(refusal) => Self {
                kind: match refusal.status {
                    401 => Kind::SignIn,
                    429 => Kind::Limit,
                    500.. => Kind::Server,
                    _ => Kind::Refused,
                },
                problem,
                wait: refusal.retry_after,
            },
        }
    }
}

/// The server's REST interface for one bot.
pub struct Rest {
    http: Arc<Http>,
    client: Client,
    server: Option<Url>,
    token: Secret,
    patience: Duration,
    /// Until when serenity's limiter holds back requests to a path.
    held: Arc<Mutex<BTreeMap<String, Instant>>>,
}

impl Rest {
    /// By the settings; nothing is connected yet.
    ///
    /// # Errors
    /// Settings that cannot work.
    pub fn new(config: &DiscordConfig) -> Result<Self, Fault> {
        let server = config.server()?;
        let patience = Duration::from_secs(config.timeout_seconds.max(1));
        let client = Client::builder()
            .use_rustls_tls()
            .connect_timeout(patience.min(Duration::from_secs(10)))
            // A redirection would carry the token to another server.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Fault::new(Kind::Settings, format!("no HTTP client: {error}")))?;
        let held: Arc<Mutex<BTreeMap<String, Instant>>> = Arc::default();
        let mut builder = HttpBuilder::new(config.token.expose()).client(client.clone());
        let token = format!("Bot {}", config.token.expose());
        let mut limiter = Ratelimiter::new(client.clone(), token);
        let note = held.clone();
        limiter.set_ratelimit_callback(Box::new(move |info| {
            let mut held = note.lock().unwrap_or_else(PoisonError::into_inner);
            held.retain(|_, until| *until > Instant::now());
            held.insert(info.path, Instant::now() + info.timeout);
        }));
        builder = builder.ratelimiter(limiter);
        if let Some(server) = &server {
            // serenity ignores the proxy while its limiter is on.
            builder = builder
                .proxy(server.as_str().trim_end_matches('/'))
                .ratelimiter_disabled(true);
        }
        Ok(Self {
            http: Arc::new(builder.build()),
            client,
            server,
            token: config.token.clone(),
            patience,
            held,
        })
    }

    /// serenity's client, for the gateway.
    pub fn http(&self) -> Arc<Http> {
        self.http.clone()
    }

    /// The client for files.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The server used instead of Discord's.
    pub fn server(&self) -> Option<&Url> {
        self.server.as_ref()
    }

    /// How long an answer may take.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// A text without the token, should a server repeat it.
    pub fn scrub(&self, text: &str) -> String {
        text.replace(self.token.expose(), "…")
    }

    /// Asks and returns the body.
    pub(crate) async fn ask(
        &self,
        route: Route<'_>,
        method: LightMethod,
        body: Option<&Value>,
        params: Option<Vec<(&'static str, String)>>,
    ) -> Result<Vec<u8>, RestError> {
        // Requests that carry an interaction token are bound by no common limit; serenity's limiter would hold all of them back
        // together and remember each for ever.
        let limited = !matches!(
            route,
            Route::InteractionResponse { .. }
                | Route::WebhookOriginalInteractionResponse { .. }
                | Route::WebhookFollowupMessages { .. }
        );
        let path = route.path();
        let request = Request::new(route, method)
            .body(body.map(|body| body.to_string().into_bytes()))
            .params(params);
        let work = async {
            let response = match &self.http.ratelimiter {
                Some(limiter) if limited => limiter
                    .perform(request)
                    .await
                    .map_err(|error| self.away(&error))?,
                _ => {
                    let proxy = self.server.as_ref().map(|url| url.as_str());
                    let token = format!("Bot {}", self.token.expose());
                    request
                        .build(&self.client, &token, proxy)
                        .map_err(|error| self.away(&error))?
                        .send()
                        .await
                        .map_err(|error| self.away(&error.without_url()))?
                }
            };
            self.read(response).await
        };
        // serenity's spans and warnings repeat requests and messages: none of that belongs in a log.
        match tokio::time::timeout(self.patience, work.with_subscriber(Dispatch::none())).await {
            Ok(done) => done,
            Err(_) => Err(self.held_back(&path)),
        }
    }

    /// Nothing came in time: because the limiter waits, or because the server does not answer.
    fn held_back(&self, path: &str) -> RestError {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = held
            .get(path)
            .and_then(|until| until.checked_duration_since(Instant::now()));
        match wait {
            Some(wait) => RestError::Refused(Refusal {
                status: 429,
                code: 0,
                message: "a limit of Discord holds the request back".into(),
                retry_after: Some(wait),
            }),
            None => RestError::Away(format!(
                "no answer from Discord in {} seconds",
                self.patience.as_secs()
            )),
        }
    }

    async fn read(&self, response: Response) -> Result<Vec<u8>, RestError> {
        let status = response.status();
        let header_wait = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse::<f64>().ok());
        let bytes = response
            .bytes()
            .await
            .map_err(|error| self.away(&error.without_url()))?;
        if status.is_success() {
            return Ok(bytes.to_vec());
        }
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let message = body.get("message").and_then(Value::as_str);
        let wait = body
            .get("retry_after")
            .and_then(Value::as_f64)
            .or(header_wait)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Err(RestError::Refused(Refusal {
            status: status.as_u16(),
            code: body.get("code").and_then(Value::as_i64).unwrap_or_default(),
            message: self.scrub(message.or(status.canonical_reason()).unwrap_or("refused")),
            retry_after: (status.as_u16() == 429).then(|| {
                wait.unwrap_or(Duration::from_secs(5))
                    .min(Duration::from_secs(3600))
            }),
        }))
    }

    /// The chain of causes in one line, without addresses: those of interactions hold their tokens.
    pub fn away(&self, error: &(dyn Error + 'static)) -> RestError {
        let mut words = String::from("no connection to Discord");
        let mut next = Some(error);
        while let Some(cause) = next {
            let text = cause.to_string();
            if !text.contains("://") && !words.contains(&text) {
                words = format!("{words}: {text}");
            }
            next = cause.source();
        }
        RestError::Away(self.scrub(&words))
    }

    pub(crate) async fn json(
        &self,
        route: Route<'_>,
        method: LightMethod,
        body: Option<&Value>,
        params: Option<Vec<(&'static str, String)>>,
    ) -> Result<Value, RestError> {
        let bytes = self.ask(route, method, body, params).await?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes)
            .map_err(|_| RestError::Away("an answer of Discord could not be read".into()))
    }
}
