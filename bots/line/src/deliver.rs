//! Delivering one message: as a reply while its token lasts (free of charge), else as a push.

use crate::client::{Answer, Call, Client};
use crate::encode::{self, MOST_MESSAGES, Part};
use crate::fault::Fault;
use crate::memory::Memory;
use jiff::Timestamp;
use madoguchi_channel::{OutboundMessage, Receipt, ReplyHandle, SendError};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

/// Wait after "too many calls", where LINE names none (it does not).
const BREATH: Duration = Duration::from_secs(10);
/// Wait after "monthly limit": an operator may have raised it.
const QUOTA_WAIT: Duration = Duration::from_secs(3600);

/// What delivers.
pub struct Sender {
    pub client: Client,
    pub memory: Memory,
    pub flex_answers: bool,
    /// LINE's words when the month's messages are used up; cleared when a push goes out or the watch sees room again.
    pub quota: Mutex<Option<String>>,
    /// Wakes the watch when [`Self::quota`] changes.
    pub quota_changed: tokio::sync::Notify,
}

/// What became of a reply.
enum Replied {
    Delivered(Receipt),
    /// The token is of no use any more.
    TokenGone,
}

impl Sender {
    /// Delivers the parts that are still to go, five a call.
    pub async fn send(
        &self,
        message: &OutboundMessage,
        now: Timestamp,
    ) -> Result<Receipt, SendError> {
        if let Some(receipt) = self.memory.receipt(&message.message_id) {
            return Ok(receipt);
        }
        let parts = encode::parts(message, self.flex_answers);
        if parts.is_empty() {
            return Err(SendError::Permanent(
                "the message is empty; LINE takes no empty text".into(),
            ));
        }
        let before = message.chat.as_ref().map_or(0, |chat| chat.parts_sent);
        let mut sent = before.min(parts.len());
        let mut receipt = Receipt::new("every part was delivered before");
        while sent < parts.len() {
            let batch: Vec<&Part> = parts.iter().skip(sent).take(MOST_MESSAGES).collect();
            match self.batch(message, sent, &batch, now).await {
                Ok(done) => {
                    receipt.server_said = done.server_said;
                    receipt.server_ids.extend(done.server_ids);
                    sent += batch.len();
                }
                Err(error) if sent > before => return Err(partly(error, sent)),
                Err(error) => return Err(error),
            }
        }
        self.memory.delivered(&message.message_id, &receipt);
        Ok(receipt)
    }

    async fn batch(
        &self,
        message: &OutboundMessage,
        first: usize,
        batch: &[&Part],
        now: Timestamp,
    ) -> Result<Receipt, SendError> {
        // The token answers the beginning of a message; further calls are pushes.
        let handle = message
            .chat
            .as_ref()
            .and_then(|chat| chat.reply_handle.as_ref());
        if let Some(handle) = handle.filter(|_| first == 0)
            && let Replied::Delivered(receipt) = self.reply(message, handle, batch, now).await?
        {
            return Ok(receipt);
        }
        self.push(message, first, batch).await
    }

    /// A reply has no key against doubles, but its token works once: after a call without an answer the same token tells
    /// whether that call was taken.
    async fn reply(
        &self,
        message: &OutboundMessage,
        handle: &ReplyHandle,
        batch: &[&Part],
        now: Timestamp,
    ) -> Result<Replied, SendError> {
        let id = &message.message_id;
        let in_time = now < handle.until;
        let mut unsure = self.memory.unsure(id);
        if self.memory.used_by_another(&handle.value, id) || !(in_time || unsure) {
            return Ok(Replied::TokenGone);
        }
        let mut attempts = 0;
        loop {
            attempts += 1;
            let body =
                |cards| json!({"replyToken": handle.value, "messages": values(batch, cards)});
            let answer = self
                .with_cards_or_without(batch, "/v2/bot/message/reply", None, body)
                .await;
            match answer {
                Ok(answer) if answer.ok() => {
                    self.memory.used(&handle.value, id);
                    return Ok(Replied::Delivered(receipt(&answer)));
                }
                Ok(answer) if is_token_gone(&answer) => {
                    if unsure && in_time {
                        self.memory.used(&handle.value, id);
                        let words =
                            "LINE took an earlier call that got no answer: its reply token is used";
                        return Ok(Replied::Delivered(Receipt::new(words)));
                    }
                    return Ok(Replied::TokenGone);
                }
                Ok(answer) if answer.status >= 500 => {
                    unsure = true;
                    self.memory.became_unsure(id);
                    if attempts > 1 {
                        return Err(SendError::Temporary(answer.words));
                    }
                }
                Ok(answer) => return Err(self.refusal(&answer)),
                Err(Fault::NoAnswer {
                    maybe_taken: true,
                    words,
                }) => {
                    unsure = true;
                    self.memory.became_unsure(id);
                    if attempts > 1 {
                        return Err(SendError::Temporary(words));
                    }
                }
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    async fn push(
        &self,
        message: &OutboundMessage,
        first: usize,
        batch: &[&Part],
    ) -> Result<Receipt, SendError> {
        let to = &message.to.address;
        if to.is_empty() {
            return Err(SendError::Permanent(
                "LINE did not say who this person is, and the minute for a reply is over".into(),
            ));
        }
        let key = encode::retry_key(&message.message_id, first);
        let body = |cards| json!({"to": to, "messages": values(batch, cards)});
        let answer = self
            .with_cards_or_without(batch, "/v2/bot/message/push", Some(&key), body)
            .await?;
        // 409: an earlier attempt with this key was taken.
        if answer.ok() || answer.status == 409 {
            if answer.ok() {
                self.set_quota(None);
            }
            return Ok(receipt(&answer));
        }
        Err(self.refusal(&answer))
    }

    /// Calls; should LINE find a fault with a card, the same words go out as a text.
    async fn with_cards_or_without(
        &self,
        batch: &[&Part],
        path: &str,
        retry_key: Option<&str>,
        body: impl Fn(bool) -> Value,
    ) -> Result<Answer, Fault> {
        let with = body(true);
        let call = |body| {
            let mut call = Call::post(path, body);
            call.retry_key = retry_key;
            call
        };
        let answer = self.client.call(&call(&with)).await?;
        if answer.status != 400
            || is_token_gone(&answer)
            || batch.iter().all(|part| part.card.is_none())
        {
            return Ok(answer);
        }
        tracing::warn!(line.answer = %answer.words, "LINE refused a card; its text is sent instead");
        let without = body(false);
        self.client.call(&call(&without)).await
    }

    fn refusal(&self, answer: &Answer) -> SendError {
        let words = answer.words.clone();
        match answer.status {
            429 if words.contains("monthly limit") => {
                let words = format!("the month's messages are used up (quota): {words}");
                self.set_quota(Some(words.clone()));
                SendError::Later {
                    words,
                    retry_after: QUOTA_WAIT,
                }
            }
            429 => SendError::Later {
                words,
                retry_after: answer.retry_after.unwrap_or(BREATH),
            },
            // Our token or our plan; it says nothing against the recipient.
            401 | 403 => SendError::Temporary(words),
            400..=499 if answer.status != 408 => SendError::Permanent(words),
            _ => SendError::Temporary(words),
        }
    }

    /// Keeps what is known of the month's messages, and wakes the watch when that changes.
    pub fn set_quota(&self, words: Option<String>) {
        let mut quota = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = quota.is_some() != words.is_some();
        *quota = words;
        drop(quota);
        if changed {
            self.quota_changed.notify_one();
        }
    }

    /// LINE's words when the month's messages are used up.
    pub fn quota_words(&self) -> Option<String> {
        self.quota
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn values(batch: &[&Part], cards: bool) -> Vec<Value> {
    batch.iter().map(|part| part.value(cards).clone()).collect()
}

fn is_token_gone(answer: &Answer) -> bool {
    answer.status == 400
        && answer
            .body
            .get("message")
            .and_then(Value::as_str)
            .is_some_and(|words| words.to_ascii_lowercase().contains("invalid reply token"))
}

fn receipt(answer: &Answer) -> Receipt {
    let ids = answer.body.get("sentMessages").and_then(Value::as_array);
    Receipt {
        server_said: answer.words.clone(),
        server_ids: ids
            .into_iter()
            .flatten()
            .filter_map(|sent| sent.get("id").and_then(Value::as_str))
            .map(str::to_owned)
            .collect(),
    }
}

/// The same error, for a message whose first parts are with the person already.
fn partly(error: SendError, parts_sent: usize) -> SendError {
    SendError::Partly {
        parts_sent,
        retry_after: error.retry_after(),
        words: error.to_string(),
    }
}
