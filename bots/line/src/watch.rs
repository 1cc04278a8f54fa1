//! LINE calls us, so there is nothing to poll: this looks whether it can and does, and says so to the operators.

use crate::client::{Answer, Call};
use crate::deliver::Sender;
use crate::fault::Fault;
use crate::scrub::scrub;
use madoguchi_channel::{Door, Health, ReceiveError};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Longest pause after a failed look.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Wait before the second look, the first with a trial call: the desk's web server is up by then.
const SETTLING: Duration = Duration::from_secs(20);

/// What came of the last trial call.
struct Trial {
    at: Instant,
    outcome: Result<(), Fault>,
}

/// What looks.
pub struct Watch {
    /// Configured name of the channel.
    pub channel: String,
    /// Address LINE is to call, where the desk sets it.
    pub webhook_url: Option<String>,
    /// Time between two looks that found nothing wrong.
    pub every: Duration,
    /// The sender, for its connection and what it knows of the quota.
    pub sender: Arc<Sender>,
    trial: Mutex<Option<Trial>>,
}

/// How LINE sees the account.
#[derive(Debug)]
pub struct Standing {
    /// The account's name and id.
    pub account: String,
    /// True: staff may also answer by hand in LINE's own console.
    pub chat_mode: bool,
    /// Address LINE calls; `None` when it has none.
    pub endpoint: Option<String>,
    /// Whether LINE calls it.
    pub active: bool,
}

impl Watch {
    /// A watch that has not looked yet.
    pub fn new(
        channel: &str,
        webhook_url: Option<&str>,
        every: Duration,
        sender: Arc<Sender>,
    ) -> Self {
        Self {
            channel: channel.to_owned(),
            webhook_url: webhook_url.map(str::to_owned),
            every,
            sender,
            trial: Mutex::new(None),
        }
    }

    /// Looks until `stop`, reporting each time. Ends early only when LINE refuses our token.
    pub async fn run(
        &self,
        door: &Arc<dyn Door>,
        stop: &CancellationToken,
    ) -> Result<(), ReceiveError> {
        let mut failures = 0_u32;
        let mut first = true;
        loop {
            let looked = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                looked = self.once(door, !first) => looked,
            };
            let pause = match looked {
                Ok(()) => {
                    failures = 0;
                    if first {
                        SETTLING.min(self.every)
                    } else {
                        self.every
                    }
                }
                Err(fault @ Fault::Refused(_)) => return Err(fault.into()),
                Err(fault) => {
                    tracing::warn!(channel.name = %self.channel, error = fault.problem(), "LINE is not in order; looking again");
                    failures = failures.saturating_add(1);
                    // A wait without end or a mistake in the console will not heal in a second, but a broken line may.
                    let doubled = Duration::from_secs(1_u64 << failures.min(6).saturating_sub(1));
                    doubled.min(LONGEST_PAUSE).min(self.every)
                }
            };
            first = false;
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.sender.quota_changed.notified() => {}
                () = tokio::time::sleep(spread(pause)) => {}
            }
        }
    }

    /// One look, told through the door; with a trial call of LINE's to the desk, where one is due.
    pub async fn once(&self, door: &Arc<dyn Door>, trial: bool) -> Result<(), Fault> {
        let outcome = self.look(trial).await;
        door.health(
            &self.channel,
            match &outcome {
                Ok(()) => Health::Up,
                Err(fault) => fault.health(),
            },
        );
        outcome
    }

    async fn look(&self, trial: bool) -> Result<(), Fault> {
        let standing = self.standing().await?;
        let mut endpoint = standing.endpoint;
        if let Some(wanted) = &self.webhook_url
            && endpoint.as_ref() != Some(wanted)
        {
            self.set_endpoint(wanted).await?;
            tracing::info!(channel.name = %self.channel, "LINE was told the desk's webhook address");
            endpoint = Some(wanted.clone());
        }
        if endpoint.is_none() {
            return Err(Fault::Webhook(
                "LINE has no webhook address for this account".into(),
            ));
        }
        if !standing.active {
            return Err(Fault::Webhook(
                "the webhook is switched off at LINE: nothing arrives".into(),
            ));
        }
        if trial {
            self.trial().await?;
        }
        self.quota().await
    }

    /// Lets LINE call the desk with nothing in it, as `Verify` in the console does: that shows a wrong channel secret, a broken
    /// certificate and a closed way alike. LINE allows 60 such calls an hour, so between two of them the last one counts.
    async fn trial(&self) -> Result<(), Fault> {
        let last = |trial: &Option<Trial>| {
            let trial = trial.as_ref()?;
            (trial.at.elapsed() < self.every).then(|| trial.outcome.clone())
        };
        if let Some(outcome) = last(&self.trial.lock().unwrap_or_else(PoisonError::into_inner)) {
            return outcome;
        }
        // The desk's own address where it is known: LINE takes up to a minute to call a new one.
        let body = match &self.webhook_url {
            Some(url) => json!({ "endpoint": url }),
            None => json!({}),
        };
        let answer = self
            .sender
            .client
            .call(&Call::post("/v2/bot/channel/webhook/test", &body))
            .await?;
        // An answer without a result (too many trials) says nothing about the webhook.
        let outcome = match answer.body.get("success").and_then(Value::as_bool) {
            Some(false) if answer.ok() => Err(not_reached(&answer.body)),
            _ => Ok(()),
        };
        let mut trial = self.trial.lock().unwrap_or_else(PoisonError::into_inner);
        *trial = Some(Trial {
            at: Instant::now(),
            outcome: outcome.clone(),
        });
        outcome
    }

    /// Asks LINE about the account and its webhook.
    pub async fn standing(&self) -> Result<Standing, Fault> {
        let info = self.get("/v2/bot/info").await?;
        if !info.ok() {
            return Err(info.fault());
        }
        let text = |key: &str| info.body.get(key).and_then(Value::as_str).unwrap_or("?");
        let hook = self.get("/v2/bot/channel/webhook/endpoint").await?;
        // 404: none was ever set.
        if !hook.ok() && hook.status != 404 {
            return Err(hook.fault());
        }
        let endpoint = hook.body.get("endpoint").and_then(Value::as_str);
        Ok(Standing {
            account: format!("{} ({})", text("displayName"), text("basicId")),
            chat_mode: text("chatMode") == "chat",
            endpoint: endpoint
                .filter(|url| !url.is_empty() && hook.ok())
                .map(str::to_owned),
            active: hook.body.get("active").and_then(Value::as_bool) == Some(true),
        })
    }

    async fn set_endpoint(&self, url: &str) -> Result<(), Fault> {
        let body = json!({ "endpoint": url });
        let mut call = Call::post("/v2/bot/channel/webhook/endpoint", &body);
        call.method = reqwest::Method::PUT;
        let answer = self.sender.client.call(&call).await?;
        match answer.status {
            200..=299 => Ok(()),
            400 => Err(Fault::Webhook(format!(
                "LINE does not take webhook_url: {}",
                answer.words
            ))),
            _ => Err(answer.fault()),
        }
    }

    /// Down while the month's messages are used up; asks LINE whether there is room again.
    async fn quota(&self) -> Result<(), Fault> {
        let Some(words) = self.sender.quota_words() else {
            return Ok(());
        };
        if let Some((used, Some(limit))) = self.usage().await
            && used >= limit
        {
            return Err(Fault::Quota(words));
        }
        self.sender.set_quota(None);
        Ok(())
    }

    /// Messages sent this month and the month's limit, where LINE says so.
    pub async fn usage(&self) -> Option<(u64, Option<u64>)> {
        let limit = self
            .get("/v2/bot/message/quota")
            .await
            .ok()
            .filter(Answer::ok)?;
        let used = self
            .get("/v2/bot/message/quota/consumption")
            .await
            .ok()
            .filter(Answer::ok)?;
        Some((
            used.body.get("totalUsage").and_then(Value::as_u64)?,
            limit.body.get("value").and_then(Value::as_u64),
        ))
    }

    async fn get(&self, path: &str) -> Result<Answer, Fault> {
        self.sender.client.call(&Call::get(path)).await
    }
}

/// What LINE met when it called the desk.
fn not_reached(result: &Value) -> Fault {
    let text = |key: &str| result.get(key).and_then(Value::as_str).unwrap_or_default();
    let status = result
        .get("statusCode")
        .and_then(Value::as_i64)
        .unwrap_or(0);
    let words = format!(
        "LINE's calls do not get through to the desk: {} {}",
        text("reason"),
        text("detail")
    );
    Fault::NotReached {
        words: scrub(&words, &[]),
        turned_away: status == 401,
    }
}

/// The pause give or take a tenth, so that many channels do not look at once.
fn spread(pause: Duration) -> Duration {
    let chance = f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX);
    pause.mul_f64(0.9 + 0.2 * chance)
}
