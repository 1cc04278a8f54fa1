//! Telegram's Bot API on loopback, for tests: real numbering of messages and updates, long polling that keeps updates until they
//! are confirmed, webhooks that are really called, blocked bots, files, and faults on command.
//!
//! [`FakeTelegram`] is the handle of one bot, and of the people who write to it. Every request is checked, by the vendor's schema
//! where `MADOGUCHI_CORPORA` is set, and so is every answer; [`FakeTelegram::assert_clean`] tells what was wrong. The state
//! lives in the test's own process: a desk may be killed and started again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod deliver;
mod fault;
mod methods;
mod people;
mod schema;
mod server;
mod state;

pub use fault::Fault;
pub use people::Contents;
pub use state::{Person, Request, Sent};

use serde_json::Value;
use state::{Bot, World};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Longer than this nothing is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// What all handles and the server share.
pub(crate) struct Shared {
    world: Mutex<World>,
    changed: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes everyone who waits for something.
    pub(crate) fn wake(&self) {
        self.changed.send_modify(|version| *version += 1);
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

/// One bot at the fake, and the people who write to it. Clones are the same bot.
#[derive(Clone)]
pub struct FakeTelegram {
    shared: Arc<Shared>,
    token: String,
    base_url: String,
}

impl FakeTelegram {
    /// Starts a server with one bot.
    pub async fn start() -> Self {
        let shared = Arc::new(Shared {
            world: Mutex::new(World::default()),
            changed: watch::Sender::new(0),
        });
        let base_url = server::start(shared.clone()).await;
        Self {
            shared,
            token: String::new(),
            base_url,
        }
        .another_bot()
    }

    /// One more bot at the same server.
    #[must_use]
    pub fn another_bot(&self) -> Self {
        let mut world = self.shared.world();
        let number = world.bots.len() as i64 + 1;
        let bot = Bot::new(number);
        let token = bot.token.clone();
        world.bots.insert(token.clone(), bot);
        drop(world);
        Self {
            token,
            ..self.clone()
        }
    }

    /// Where the Bot API is (`http://127.0.0.1:port`).
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The bot's token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The token is void from now on.
    pub fn revoke_token(&self) {
        self.with(|bot| bot.revoked = true);
    }

    /// The next `times` calls of a method (`*`: of any) fail.
    pub fn fail(&self, method: &str, fault: Fault, times: usize) {
        self.fail_after(0, method, fault, times);
    }

    /// The same, once `skip` more calls of that method went well.
    pub fn fail_after(&self, skip: usize, method: &str, fault: Fault, times: usize) {
        self.shared.world().plan(skip, method, fault, times);
    }

    /// Every connection is cut, those that are open as well, until it is switched on again.
    pub fn set_down(&self, down: bool) {
        self.shared.world().down = down;
        self.shared.wake();
    }

    /// All calls of a method so far, in their order.
    pub fn requests(&self, method: &str) -> Vec<Request> {
        let method = method.to_lowercase();
        let world = self.shared.world();
        let is_asked = |request: &&Request| {
            request.token == self.token && request.method.to_lowercase() == method
        };
        world.requests.iter().filter(is_asked).cloned().collect()
    }

    /// Waits until a method was called `count` times, counting from the start.
    pub async fn wait_requests(&self, method: &str, count: usize) -> Vec<Request> {
        self.until(&format!("{count} calls of {method}"), || {
            Some(self.requests(method)).filter(|requests| requests.len() >= count)
        })
        .await
    }

    /// Everything the bot sent to a person.
    pub fn sent_to(&self, person: i64) -> Vec<Sent> {
        self.with(|bot| bot.sent_to(person))
    }

    /// The next message to a person that was not returned before; waits for it.
    pub async fn next_sent(&self, person: i64) -> Sent {
        self.until(&format!("a message to {person}"), || {
            self.with(|bot| {
                let read = bot.read.get(&person).copied().unwrap_or_default();
                let next = bot.sent_to(person).get(read).cloned()?;
                bot.read.insert(person, read + 1);
                Some(next)
            })
        })
        .await
    }

    /// How often the bot was seen typing to a person.
    pub fn typing(&self, person: i64) -> usize {
        let world = self.shared.world();
        let seen = world.bots[&self.token].typing.get(&person).copied();
        seen.unwrap_or_default()
    }

    /// Pressed buttons that still turn on the person's screen.
    pub fn unanswered_presses(&self) -> usize {
        self.with(|bot| bot.queries.values().filter(|answered| !**answered).count())
    }

    /// Waits until no button turns any more.
    pub async fn wait_presses_answered(&self) {
        self.until("answers to pressed buttons", || {
            (self.unanswered_presses() == 0).then_some(())
        })
        .await;
    }

    /// Updates the server still holds.
    pub fn pending(&self) -> usize {
        self.with(|bot| bot.updates.len())
    }

    /// Waits until every update is confirmed or taken by the webhook.
    pub async fn wait_confirmed(&self) {
        self.until("all updates to be confirmed", || {
            (self.pending() == 0).then_some(())
        })
        .await;
    }

    /// The address the webhook leads to.
    pub fn webhook(&self) -> Option<String> {
        self.with(|bot| bot.webhook.as_ref().map(|hook| hook.url.clone()))
    }

    /// Someone else points the webhook elsewhere, or removes it.
    pub fn hijack_webhook(&self, url: Option<&str>) {
        self.with(|bot| bot.set_webhook(url.map(ToOwned::to_owned), None));
        if url.is_some() {
            deliver::start(self.shared.clone(), self.token.clone());
        }
    }

    /// The numbering of updates begins anew, as after a quiet week.
    pub fn renumber_updates(&self, next: i64) {
        self.with(|bot| bot.next_update = next);
    }

    /// The bytes of the updates the server holds, as a webhook would bring them.
    pub fn pending_updates(&self) -> Vec<Value> {
        self.with(|bot| {
            bot.updates
                .iter()
                .map(|(_, update)| update.clone())
                .collect()
        })
    }

    /// What was wrong so far, with the requests or with the fake's own answers.
    pub fn violations(&self) -> Vec<String> {
        self.shared.world().violations.clone()
    }

    /// # Panics
    /// When a request or an answer was not as the Bot API has it.
    pub fn assert_clean(&self) {
        let violations = self.violations();
        assert!(violations.is_empty(), "{}", violations.join("\n"));
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Bot) -> T) -> T {
        let mut world = self.shared.world();
        act(world.bots.get_mut(&self.token).expect("a bot"))
    }

    /// Waits, and never by the clock, until something is there.
    async fn until<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let mut changes = self.shared.watch();
        let wait = async {
            loop {
                changes.borrow_and_update();
                if let Some(found) = look() {
                    return found;
                }
                changes.changed().await.expect("the server");
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(found) => found,
            Err(_) => panic!(
                "waited in vain for {what}; {}",
                self.violations().join("\n")
            ),
        }
    }
}
