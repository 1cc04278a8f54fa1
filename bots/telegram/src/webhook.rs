//! The webhook: registering it, watching it, and taking its calls.

use crate::TelegramChannel;
use crate::fault::{Fault, Kind, pause_after};
use crate::update::{self, WANTED};
use jiff::Timestamp;
use madoguchi_channel::{Door, Health, RawInbound, WebhookError};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::time::Duration;
use subtle::ConstantTimeEq;
use teloxide::payloads::SetWebhookSetters;
use teloxide::requests::Requester;
use tokio_util::sync::CancellationToken;

/// The header Telegram shows the secret in.
const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";
/// An error older than this is history.
const FRESH: i64 = 600;
/// More updates than this wait at Telegram only when the desk is too slow.
const MANY: i64 = 100;

/// How the webhook is.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Fine,
    /// It leads somewhere else, or nowhere.
    Elsewhere,
    Troubled {
        problem: String,
        advice: &'static str,
    },
}

impl TelegramChannel {
    /// Registers the webhook and watches it until stopped. It stays registered: another node, or the desk's next start, goes
    /// on with it, and meanwhile Telegram keeps what it cannot deliver. An error is permanent.
    pub(crate) async fn watch(
        &self,
        url: &reqwest::Url,
        door: &dyn Door,
        stop: &CancellationToken,
    ) -> Result<(), Fault> {
        let period = Duration::from_secs(self.config.webhook_watch_seconds);
        let mut presses = self.presses.1.lock().await;
        let (mut failures, mut waiting, mut registered) = (0_u32, 0, false);
        loop {
            let looked = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                looked = self.look(url, &mut registered, &mut waiting) => looked,
            };
            let pause = match looked {
                Ok(health) => {
                    failures = 0;
                    door.health(&self.config.name, health);
                    period
                }
                Err(fault) if fault.is_about_the_token() => return Err(fault),
                Err(fault) => {
                    let pause = pause_after(failures, &fault);
                    self.report(door, &fault, pause);
                    failures = failures.saturating_add(1);
                    pause
                }
            };
            let until = tokio::time::Instant::now() + pause;
            loop {
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep_until(until) => break,
                    Some(query) = presses.recv() => crate::answer_query(&self.client, query).await,
                }
            }
        }
    }

    /// One look at the webhook; it is registered when it is not, or not any more.
    pub(crate) async fn look(
        &self,
        url: &reqwest::Url,
        registered: &mut bool,
        waiting: &mut i64,
    ) -> Result<Health, Fault> {
        if !*registered {
            self.register(url).await?;
            *registered = true;
        }
        let info = self.webhook_info().await?;
        let before = std::mem::replace(waiting, pending(&info));
        Ok(match judge(&info, url, before, (self.now)()) {
            State::Fine => Health::Up,
            State::Troubled { problem, advice } => Health::Down {
                problem: self.client.scrub(&problem),
                advice: advice.into(),
            },
            State::Elsewhere => {
                self.register(url).await?;
                Health::Down {
                    problem: "the webhook was removed or led to another address; it is set again"
                        .into(),
                    advice:
                        "another program uses this bot: stop it, or give each desk a bot of its own"
                            .into(),
                }
            }
        })
    }

    async fn register(&self, url: &reqwest::Url) -> Result<(), Fault> {
        let request = self
            .client
            .bot()
            .set_webhook(url.clone())
            .secret_token(self.config.secret())
            .max_connections(self.config.webhook_connections)
            .allowed_updates(WANTED);
        self.client.call(&request).await.map(drop)
    }

    /// What Telegram knows of the webhook.
    pub(crate) async fn webhook_info(&self) -> Result<Value, Fault> {
        let request = self.client.bot().get_webhook_info();
        let info = self.client.call(&request).await?;
        serde_json::from_str(info.get()).map_err(|_| {
            Fault::new(
                Kind::Strange(200),
                "what Telegram says of the webhook cannot be read",
            )
        })
    }

    /// Takes one call. A pressed button is noted, so that [`TelegramChannel::watch`] tells Telegram it was seen.
    pub(crate) fn take_call(
        &self,
        header: &(dyn for<'a> Fn(&'a str) -> Option<String> + Sync),
        body: &[u8],
        now: Timestamp,
    ) -> Result<Vec<RawInbound>, WebhookError> {
        let shown = header(SECRET_HEADER).unwrap_or_default();
        if self.webhook.is_none() || !same(&shown, &self.config.secret()) {
            return Err(WebhookError::Forged);
        }
        let update: Value = serde_json::from_slice(body).map_err(|_| WebhookError::Malformed)?;
        if update::number(&update, "update_id").is_none() {
            return Err(WebhookError::Malformed);
        }
        if let Some(query) = update::query(&update) {
            // Full: the button goes on turning for a while, and nothing else happens.
            let _ = self.presses.0.try_send(query.to_owned());
        }
        Ok(self.arrival(&update, body, now).into_iter().collect())
    }
}

/// Compares without telling by the time it takes how much was right, not even the length.
fn same(shown: &str, secret: &str) -> bool {
    let (shown, secret) = (Sha256::digest(shown), Sha256::digest(secret));
    shown.ct_eq(&secret).into()
}

fn pending(info: &Value) -> i64 {
    update::number(info, "pending_update_count").unwrap_or_default()
}

/// How the webhook is, by what Telegram says of it, when `before` updates waited at the last look.
fn judge(info: &Value, url: &reqwest::Url, before: i64, now: Timestamp) -> State {
    let registered = update::text(info, "url").and_then(|text| reqwest::Url::parse(text).ok());
    if registered.as_ref() != Some(url) {
        return State::Elsewhere;
    }
    let waiting = pending(info);
    let failed = update::number(info, "last_error_date").unwrap_or_default();
    let age = now.as_second().saturating_sub(failed);
    if waiting > 0
        && age <= FRESH
        && let Some(words) = update::text(info, "last_error_message")
    {
        return State::Troubled {
            problem: format!("Telegram cannot deliver, {waiting} updates wait: {words}"),
            advice: "check that public_url leads to this desk, its certificate and the proxy before it; Telegram keeps updates for 24 hours",
        };
    }
    if waiting > MANY && waiting >= before && before > MANY {
        return State::Troubled {
            problem: format!("{waiting} updates wait at Telegram, and they do not get fewer"),
            advice: "raise webhook_connections, or find out why the desk answers slowly",
        };
    }
    State::Fine
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judged(info: Value, before: i64) -> State {
        let url = reqwest::Url::parse("https://desk.example.jp/webhooks/telegram/a").unwrap();
        judge(&info, &url, before, Timestamp::from_second(10_000).unwrap())
    }

    #[test]
    fn a_fresh_error_with_updates_waiting_is_trouble_and_an_old_one_is_not() {
        let info = |pending: i64, at: i64| {
            json!({"url": "https://desk.example.jp/webhooks/telegram/a", "pending_update_count": pending,
                "last_error_date": at, "last_error_message": "Wrong response from the webhook: 502 Bad Gateway"})
        };
        assert!(
            matches!(judged(info(3, 9_900), 0), State::Troubled { problem, .. } if problem.contains("502"))
        );
        assert_eq!(judged(info(0, 9_900), 3), State::Fine);
        assert_eq!(judged(info(3, 5_000), 3), State::Fine);
    }

    #[test]
    fn a_pile_that_does_not_shrink_is_trouble() {
        let info = |pending: i64| json!({"url": "https://desk.example.jp/webhooks/telegram/a", "pending_update_count": pending});
        assert_eq!(judged(info(500), 0), State::Fine);
        assert_eq!(judged(info(400), 500), State::Fine);
        assert!(matches!(judged(info(600), 500), State::Troubled { .. }));
    }

    #[test]
    fn a_webhook_that_leads_elsewhere_is_noticed() {
        for url in ["", "https://other.example.org/hook"] {
            assert_eq!(
                judged(json!({"url": url, "pending_update_count": 0}), 0),
                State::Elsewhere
            );
        }
    }

    #[test]
    fn secrets_are_the_same_only_when_they_are() {
        assert!(
            same("abc", "abc") && !same("abd", "abc") && !same("", "abc") && !same("abcd", "abc")
        );
    }
}
