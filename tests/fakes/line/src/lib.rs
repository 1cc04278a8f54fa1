//! LINE on loopback, for tests.
//!
//! [`FakeLine::start`] serves LINE's calls on 127.0.0.1, remembers every one, and checks each by LINE's published schema (where
//! `MADOGUCHI_CORPORA` names it) and by LINE's written limits. People ([`FakeLine::say`], [`FakeLine::press`] …) make it call the desk as
//! LINE does: signed, and again until the desk takes the call. It can be told to fail ([`FakeLine::trouble`]). All of it lives in the
//! test's process, so the desk may be killed and started again beside it. End a test with [`FakeLine::assert_clean`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a fake may fail loudly: it serves tests only"
)]

mod hook;
mod messages;
mod people;
mod render;
mod rules;
mod schema;
mod server;
mod state;

pub use state::{Button, By, Content, Recorded, Sent, Trouble};

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use jiff::Timestamp;
use state::{Published, State};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// So long a test waits for something that should happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// LINE. Clones are the same LINE.
#[derive(Clone)]
pub struct FakeLine {
    inside: Arc<Inside>,
}

struct Inside {
    state: Mutex<State>,
    changed: Notify,
    published: Option<&'static Published>,
    http: reqwest::Client,
    url: String,
    server: Mutex<Option<tokio::task::AbortHandle>>,
}

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(server) = self
            .server
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            server.abort();
        }
    }
}

impl FakeLine {
    /// Starts LINE on a free port of this machine.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let fake = Self {
            inside: Arc::new(Inside {
                state: Mutex::new(State::new()),
                changed: Notify::new(),
                published: Published::find(),
                http: reqwest::Client::builder()
                    .no_proxy()
                    .timeout(server::HOOK_PATIENCE)
                    .build()
                    .unwrap(),
                url,
                server: Mutex::new(None),
            }),
        };
        // The server must not keep the fake alive, or it would never stop.
        let weak = Arc::downgrade(&fake.inside);
        let app = axum::Router::new().fallback(
            move |method: Method, uri: Uri, headers: HeaderMap, bytes: Bytes| {
                let inside = weak.upgrade();
                async move {
                    server::handle(
                        Self {
                            inside: inside.expect("the test goes on"),
                        },
                        method,
                        uri,
                        headers,
                        bytes,
                    )
                    .await
                }
            },
        );
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        *fake.inside.server.lock().unwrap() = Some(server.abort_handle());
        fake
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(
            &mut self
                .inside
                .state
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Where it is: both `base_url` and `data_url`.
    pub fn url(&self) -> &str {
        &self.inside.url
    }

    /// The channel secret, by which calls are signed.
    pub fn channel_secret(&self) -> String {
        self.with(|state| state.channel_secret.clone())
    }

    /// Calls are signed with another secret from now on (reissued in the console).
    pub fn set_channel_secret(&self, secret: &str) {
        self.with(|state| state.channel_secret = secret.to_owned());
    }

    /// The channel's id, for short tokens.
    pub fn channel_id(&self) -> &str {
        "1656000001"
    }

    /// A long-lived access token.
    pub fn access_token(&self) -> &str {
        "fakeLongLivedAccessToken/+0123456789="
    }

    /// The account's own id.
    pub fn bot_id(&self) -> String {
        Self::user_id("the account itself")
    }

    /// The id of a person by name.
    pub fn user_id(name: &str) -> String {
        format!("U{}", state::hex(name))
    }

    /// Calls go to this address from now on, and the webhook is switched on.
    pub fn point_to(&self, url: &str) {
        self.with(|state| {
            state.target = Some(url.to_owned());
            state.active = true;
            state.endpoint.get_or_insert_with(|| url.to_owned());
        });
    }

    /// What the console says: address and switch.
    pub fn set_webhook(&self, endpoint: Option<&str>, active: bool) {
        self.with(|state| {
            state.endpoint = endpoint.map(str::to_owned);
            state.active = active;
        });
    }

    /// The webhook address LINE has.
    pub fn endpoint(&self) -> Option<String> {
        self.with(|state| state.endpoint.clone())
    }

    /// Whether calls the desk did not take are made again (a switch of the console). On from the start.
    pub fn set_redelivery(&self, on: bool) {
        self.with(|state| state.redelivers = on);
    }

    /// The next `times` calls to paths that contain `path` meet this trouble.
    pub fn trouble(&self, path: &str, times: usize, trouble: Trouble) {
        self.with(|state| state.troubles.push((path.to_owned(), times, trouble)));
    }

    /// Every token is refused, or served again.
    pub fn set_refuse_tokens(&self, refuse: bool) {
        self.with(|state| state.refuse_tokens = refuse);
    }

    /// Short tokens issued so far end now.
    pub fn end_short_tokens(&self) {
        self.with(|state| state.short_tokens.clear());
    }

    /// How long short tokens issued from now on last.
    pub fn set_token_life(&self, life: Duration) {
        self.with(|state| state.token_life = life);
    }

    /// How long a reply token can be used.
    pub fn set_reply_life(&self, life: Duration) {
        self.with(|state| state.reply_life = life);
    }

    /// Most pushes of the month; `None` for no limit.
    pub fn set_quota(&self, limit: Option<u64>) {
        self.with(|state| state.quota = limit);
    }

    /// The time LINE gives events; `None` for the real one.
    pub fn set_time(&self, time: Option<Timestamp>) {
        self.with(|state| state.time = time);
    }

    /// Everything sent to a person so far.
    pub fn sent_to(&self, name: &str) -> Vec<Sent> {
        let user = Self::user_id(name);
        self.with(|state| {
            state
                .sent
                .iter()
                .filter(|sent| sent.to == user)
                .cloned()
                .collect()
        })
    }

    /// The next message to a person that no earlier call has returned; waits for it.
    ///
    /// # Panics
    /// None came in 20 s.
    pub async fn next_sent(&self, name: &str) -> Sent {
        let user = Self::user_id(name);
        let next = || {
            self.with(|state| {
                let seen = *state.looked_at.get(&user).unwrap_or(&0);
                let next = state
                    .sent
                    .iter()
                    .filter(|sent| sent.to == user)
                    .nth(seen)
                    .cloned()?;
                state.looked_at.insert(user.clone(), seen + 1);
                Some(next)
            })
        };
        self.wait(&format!("a message to {name}"), next).await
    }

    /// Waits until the desk has taken every call.
    ///
    /// # Panics
    /// It has not in 20 s.
    pub async fn settled(&self) {
        let done = || self.with(|state| (state.undelivered == 0).then_some(()));
        self.wait("the desk to take every call", done).await;
    }

    async fn wait<T>(&self, what: &str, ready: impl Fn() -> Option<T>) -> T {
        let waiting = async {
            loop {
                let changed = self.inside.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if let Some(found) = ready() {
                    return found;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(found) => found,
            Err(_) => panic!(
                "waited in vain for {what}; violations: {:?}",
                self.violations()
            ),
        }
    }

    /// People to whom the dots of "an answer is coming" were shown.
    pub fn dots(&self) -> Vec<String> {
        self.with(|state| state.dots.clone())
    }

    /// Every call so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.with(|state| state.requests.clone())
    }

    /// Calls so far to paths that contain `path`.
    pub fn requests_to(&self, path: &str) -> Vec<Recorded> {
        let mut requests = self.requests();
        requests.retain(|request| request.path.contains(path));
        requests
    }

    /// What the desk answered to each call, 0 for nothing.
    pub fn hook_statuses(&self) -> Vec<u16> {
        self.with(|state| state.hook_statuses.clone())
    }

    /// What was wrong with calls so far.
    pub fn violations(&self) -> Vec<String> {
        self.with(|state| state.violations.clone())
    }

    fn violation(&self, words: String) {
        self.with(|state| state.violations.push(words));
    }

    /// Fails when anything was wrong with any call.
    ///
    /// # Panics
    /// Something was.
    pub fn assert_clean(&self) {
        let violations = self.violations();
        assert!(
            violations.is_empty(),
            "LINE would not have liked this:\n{}",
            violations.join("\n")
        );
    }
}
