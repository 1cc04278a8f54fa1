//! A Discord on loopback: the REST interface, the gateway and the file hosts of one application, with the semantics a bot relies on.
//!
//! Every request is checked, by rules of its own and, where `MADOGUCHI_CORPORA` names the vendor's published schemas, by those; so is
//! every answer. What is wrong is collected; [`FakeDiscord::assert_clean`] tells it. The state lives in the process of the test:
//! a bot may be killed and started again.
//!
//! Reading order: [`FakeDiscord`] (starting, failing), `people` (what persons do), `looking` (what a test sees), `state`, `rest`, `calls`, `gateway`, `json`, `rules`, `schema`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod calls;
mod gateway;
mod json;
mod line;
mod looking;
mod people;
mod rest;
mod rules;
mod schema;
mod state;

pub use people::{Asked, File, Person, Place, Saying};
pub use state::{Seen, Sent, Trouble, Way};

use schema::Schemas;
use state::State;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;

/// No test waits longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The token of the one bot there is.
pub const TOKEN: &str = "ZmFrZS1ib3Q.GfAkE0.never-a-real-token";

pub(crate) struct Inner {
    state: Mutex<State>,
    changed: Notify,
    schemas: Schemas,
    line: line::Line,
}

/// A running fake. Clones are the same server; it ends with the last.
#[derive(Clone)]
pub struct FakeDiscord {
    inner: Arc<Inner>,
}

impl FakeDiscord {
    /// Starts on a free port of the loopback interface.
    pub async fn start() -> Self {
        let served = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let behind = served.local_addr().unwrap();
        let line = line::Line::open(behind).await;
        let inner = Arc::new_cyclic(|weak: &std::sync::Weak<Inner>| {
            let app = rest::router(weak.clone());
            let stop = line.stop.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    _ = axum::serve(served, app) => {}
                }
            });
            Inner {
                state: Mutex::new(State::new(line.address.to_string())),
                changed: Notify::new(),
                schemas: Schemas::load(),
                line,
            }
        });
        Self { inner }
    }

    /// For the setting `base_url`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.inner.line.address)
    }

    /// The bot's token.
    pub fn token(&self) -> String {
        TOKEN.to_owned()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state()
    }

    /// Waits until something is so, without sleeping for luck.
    ///
    /// # Panics
    /// After twenty seconds.
    pub(crate) async fn wait<T>(&self, what: &str, look: impl Fn(&mut State) -> Option<T>) -> T {
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                let changed = self.inner.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if let Some(found) = look(&mut self.state()) {
                    return found;
                }
                changed.await;
            }
        })
        .await;
        waited.unwrap_or_else(|_| {
            let state = self.state();
            let wrong = &state.violations;
            let last: Vec<String> = state.seen.iter().rev().take(12).map(Seen::line).collect();
            panic!("waited in vain for {what}; violations: {wrong:#?}; last requests: {last:#?}")
        })
    }

    /// The next `times` requests whose `METHOD path` contains `part` meet this trouble.
    pub fn trouble(&self, part: &str, trouble: Trouble, times: usize) {
        self.trouble_later(part, trouble, times, 0);
    }

    /// The same after so many such requests went well.
    pub fn trouble_later(&self, part: &str, trouble: Trouble, times: usize, after: usize) {
        let planned = state::Planned {
            part: part.into(),
            trouble,
            times,
            after,
        };
        self.state().troubles.push(planned);
    }

    /// The network is gone (true) or back (false): connections break, new ones are refused.
    pub fn cut_network(&self, cut: bool) {
        self.inner.line.cut(cut);
    }

    /// Breaks the gateway connections; they may be resumed.
    pub fn drop_gateway(&self) {
        self.inner.state().close_sockets(None);
    }

    /// Closes the gateway connections with a code of the server's.
    pub fn close_gateway(&self, code: u16) {
        self.inner.state().close_sockets(Some(code));
    }

    /// From now on every connection that identifies itself is closed with this code; `None` lets them in again.
    pub fn refuse_identify(&self, code: Option<u16>) {
        self.state().refuse_identify = code;
    }

    /// Sessions are forgotten: a resumption is refused and begins anew.
    pub fn forget_sessions(&self) {
        let mut state = self.state();
        state.close_sockets(None);
        state.sessions.clear();
    }

    /// Tells every event of the sessions once more, as a server does that is not sure what arrived.
    pub fn repeat_events(&self) {
        let mut state = self.state();
        for session in state.sessions.values_mut() {
            let told = session.log.clone();
            for (_, packet) in told.iter().filter(|(_, packet)| packet["t"] != "READY") {
                let event = packet["t"].as_str().unwrap().to_owned();
                session.tell(&event, packet["d"].clone());
            }
        }
    }

    /// Events are not told (true): what happens is seen only by who looks.
    pub fn hide_events(&self, hide: bool) {
        self.state().hide_events = hide;
    }

    /// The application's commands were removed by somebody.
    pub fn forget_commands(&self) {
        self.state().commands.clear();
    }

    /// Waits until a bot is connected and ready.
    pub async fn connected(&self) {
        self.wait("a bot at the gateway", |state| {
            state
                .sessions
                .values()
                .any(|s| s.socket.is_some())
                .then_some(())
        })
        .await;
    }

    /// Waits until no bot is connected.
    pub async fn disconnected(&self) {
        self.wait("no bot at the gateway", |state| {
            state
                .sessions
                .values()
                .all(|s| s.socket.is_none())
                .then_some(())
        })
        .await;
    }

    /// Requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// Waits until as many requests whose `METHOD path` contains `part` were answered.
    pub async fn seen_at_least(&self, part: &str, count: usize) {
        self.wait(part, |state| {
            let found = state.seen.iter().filter(|seen| seen.line().contains(part));
            (found.count() >= count).then_some(())
        })
        .await;
    }

    /// Times a resumption was granted.
    pub fn resumed(&self) -> usize {
        self.state().resumed
    }

    /// Times a bot identified itself anew.
    pub fn identified(&self) -> usize {
        self.state().identified
    }

    /// Names of the slash commands registered.
    pub fn command_names(&self) -> Vec<String> {
        let state = self.state();
        let names = state
            .commands
            .iter()
            .map(|c| c["name"].as_str().unwrap().to_owned());
        names.collect()
    }

    /// What was wrong so far.
    pub fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    /// # Panics
    /// When a request or an answer broke a rule.
    pub fn assert_clean(&self) {
        let violations = self.violations();
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

impl Inner {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn tell(&self) {
        self.changed.notify_waiters();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.line.stop.cancel();
    }
}
