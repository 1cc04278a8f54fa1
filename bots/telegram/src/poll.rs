//! Long polling with a loop of the desk's own: what came is stored, together with where the next question begins, before that
//! question confirms it to Telegram. (teloxide's polling confirms what was pulled, not what was kept.)

use crate::TelegramChannel;
use crate::fault::{Fault, Kind, pause_after};
use crate::update::{self, WANTED};
use madoguchi_channel::{Cursor, Door, Health, RawInbound};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::time::Duration;
use teloxide::payloads::{DeleteWebhookSetters, GetUpdatesSetters};
use teloxide::requests::Requester;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What the cursor belongs to; its value is the number of the next update.
const SCOPE: &str = "updates";
/// Most updates in one answer: what the Bot API allows.
const BATCH: u8 = 100;
/// An answer that brings nothing new must not be asked for again at once, whatever stands between desk and Telegram.
const SHORTEST_ROUND: Duration = Duration::from_secs(1);

/// The updates of one answer.
#[derive(Default)]
struct Batch {
    updates: Vec<Box<RawValue>>,
}

/// All that is needed to pass an update, even one that cannot be understood.
#[derive(Deserialize)]
struct Numbered {
    update_id: i64,
}

impl TelegramChannel {
    /// Polls until stopped. An error is permanent.
    pub(crate) async fn poll(
        &self,
        door: &dyn Door,
        stop: &CancellationToken,
    ) -> Result<(), Fault> {
        let mut failures = 0_u32;
        let mut prepared = false;
        let mut answers = JoinSet::new();
        loop {
            let turn = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                turn = self.polling.lock() => turn,
            };
            let began = tokio::time::Instant::now();
            let asked = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                asked = self.ask_prepared(door, &mut prepared, self.config.poll_seconds) => asked,
            };
            // Not cut short by `stop`: what was asked for is kept.
            let kept = match asked {
                Ok(batch) => self.keep(door, batch, &mut answers).await,
                Err(fault) => Err(fault),
            };
            drop(turn);
            let pause = match kept {
                Ok(new) => {
                    failures = 0;
                    door.health(&self.config.name, Health::Up);
                    match new {
                        0 => SHORTEST_ROUND.saturating_sub(began.elapsed()),
                        _ => Duration::ZERO,
                    }
                }
                Err(fault) if fault.is_about_the_token() => return Err(fault),
                Err(fault) => {
                    let pause = pause_after(failures, &fault);
                    self.report(door, &fault, pause);
                    failures = failures.saturating_add(1);
                    // Another program may have set a webhook: look again.
                    prepared &= !fault.is_conflict();
                    pause
                }
            };
            while answers.try_join_next().is_some() {}
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Takes what waits, without waiting for more. Returns how many arrivals were new.
    pub(crate) async fn poll_once(&self, door: &dyn Door) -> Result<usize, Fault> {
        let _turn = self.polling.lock().await;
        let mut answers = JoinSet::new();
        let (mut new, mut prepared) = (0, false);
        loop {
            let batch = self.ask_prepared(door, &mut prepared, 0).await?;
            if batch.updates.is_empty() {
                break;
            }
            new += self.keep(door, batch, &mut answers).await?;
        }
        while answers.join_next().await.is_some() {}
        door.health(&self.config.name, Health::Up);
        Ok(new)
    }

    /// Asks for updates; before the first time, removes a webhook, which would keep them away from us. What waits stays.
    async fn ask_prepared(
        &self,
        door: &dyn Door,
        prepared: &mut bool,
        wait: u32,
    ) -> Result<Batch, Fault> {
        if !*prepared {
            let info = self.webhook_info().await?;
            if update::text(&info, "url").is_some() {
                tracing::warn!(channel.name = %self.config.name, "a webhook is set; it is removed, because the desk polls");
                let request = self.client.bot().delete_webhook();
                self.client
                    .call(&request.drop_pending_updates(false))
                    .await?;
            }
            *prepared = true;
        }
        self.ask(door, wait).await
    }

    async fn ask(&self, door: &dyn Door, wait: u32) -> Result<Batch, Fault> {
        // Read each time: another node of the desk may have polled in between.
        let offset = door.cursor(&self.config.name, SCOPE).await?;
        let mut request = self
            .client
            .bot()
            .get_updates()
            .limit(BATCH)
            .timeout(wait)
            .allowed_updates(WANTED);
        // An unreadable cursor is none: Telegram then begins with the first unconfirmed update, and nothing is lost.
        if let Some(offset) = offset.and_then(|offset| offset.parse().ok()) {
            request = request.offset(offset);
        }
        let limit = self.client.timeout() + Duration::from_secs(wait.into());
        let answer = self.client.call_within(&request, limit).await?;
        let updates = serde_json::from_str(answer.get()).map_err(|_| unreadable())?;
        Ok(Batch { updates })
    }

    /// Stores what came, and where to go on. Then buttons that were pressed are told so.
    async fn keep(
        &self,
        door: &dyn Door,
        batch: Batch,
        answers: &mut JoinSet<()>,
    ) -> Result<usize, Fault> {
        let numbers = batch.updates.iter().filter_map(|update| {
            let numbered: Numbered = serde_json::from_str(update.get()).ok()?;
            Some(numbered.update_id)
        });
        // The server's numbers, even if they are lower than before: they begin anew after a quiet week, or with another bot.
        let Some(last) = numbers.max() else {
            return match batch.updates.is_empty() {
                true => Ok(0),
                false => Err(unreadable()),
            };
        };
        let now = (self.now)();
        let mut arrivals = Vec::new();
        let mut queries = Vec::new();
        for raw in batch.updates {
            let Ok(update) = serde_json::from_str::<Value>(raw.get()) else {
                tracing::warn!(channel.name = %self.config.name, "an update that cannot be read was passed");
                continue;
            };
            queries.extend(update::query(&update).map(ToOwned::to_owned));
            arrivals.extend(self.arrival(&update, raw.get().as_bytes(), now));
        }
        let cursor = Cursor {
            scope: SCOPE.into(),
            value: last.saturating_add(1).to_string(),
        };
        let stored = door
            .store(&self.config.name, arrivals, Some(cursor))
            .await?;
        if !queries.is_empty() {
            let client = self.client.clone();
            answers.spawn(async move {
                for query in queries {
                    crate::answer_query(&client, query).await;
                }
            });
        }
        Ok(stored.new)
    }

    /// What the inbox stores of an update, if it does.
    pub(crate) fn arrival(
        &self,
        update: &Value,
        bytes: &[u8],
        now: jiff::Timestamp,
    ) -> Option<RawInbound> {
        Some(RawInbound {
            channel: self.config.name.clone(),
            external_id: update::external_id(&self.bot_id, update)?,
            received_at: update::received_at(update, now),
            bytes: bytes.to_vec(),
            silent: false,
            renumbered: false,
        })
    }

    /// Logs a fault and tells operators.
    pub(crate) fn report(&self, door: &dyn Door, fault: &Fault, pause: Duration) {
        tracing::warn!(
            channel.name = %self.config.name, error = %fault, retry.in_ms = pause.as_millis(),
            "Telegram cannot be reached as it should; trying again"
        );
        door.health(&self.config.name, fault.health());
    }
}

fn unreadable() -> Fault {
    Fault::new(Kind::Strange(200), "the list of updates cannot be read")
}
