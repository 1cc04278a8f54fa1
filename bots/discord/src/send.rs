//! One message on its way: where the person asked while the interaction lasts, in the conversation of two afterwards.

use crate::arrival::{id, number, text};
use crate::book::Book;
use crate::encode::{self, Part};
use crate::handle::{Handle, Kind};
use crate::rest::{Refusal, Rest, RestError, code};
use crate::snowflake;
use jiff::Timestamp;
use madoguchi_channel::{OutboundMessage, Receipt, SendError};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Deliveries remembered, so that a message handed in again is not sent again.
const REMEMBERED: usize = 2000;

/// Sends for one bot.
pub struct Sender {
    rest: Arc<Rest>,
    book: Arc<Book>,
    done: Mutex<VecDeque<Progress>>,
}

/// How far a message got.
struct Progress {
    message_id: String,
    /// Parts delivered, by other processes too.
    sent: usize,
    /// Ids of those this process delivered.
    ids: Vec<String>,
}

/// Where the next part goes. In a conversation of two everything but the first answer to a command is a message of its own: the
/// server keeps those from doubling, and others not.
enum Way {
    /// Into the message of the deferred answer.
    Original(Handle),
    /// Below it.
    FollowUp(Handle),
    /// Into the conversation of two; below the answer if the person takes no direct messages.
    Direct(Option<Handle>),
}

impl Way {
    /// By a handle, after the deferred answer was filled.
    fn beside(handle: Handle, alone: bool) -> Self {
        if alone {
            Self::FollowUp(handle)
        } else {
            Self::Direct(Some(handle))
        }
    }
}

/// Why a part did not go out.
enum Failed {
    /// The interaction is over: another way must be taken.
    WayClosed,
    /// As the server says.
    Rest(RestError),
}

impl From<RestError> for Failed {
    fn from(error: RestError) -> Self {
        Self::Rest(error)
    }
}

impl Sender {
    /// A sender over one bot's interface.
    pub fn new(rest: Arc<Rest>, book: Arc<Book>) -> Self {
        Self {
            rest,
            book,
            done: Mutex::default(),
        }
    }

    /// Delivers what is left of a message.
    pub async fn send(
        &self,
        message: &OutboundMessage,
        now: Timestamp,
    ) -> Result<Receipt, SendError> {
        let user = snowflake::parse(&message.to.address).ok_or_else(|| {
            SendError::Permanent("the recipient's address is no Discord account".into())
        })?;
        let chat = message.chat.clone().unwrap_or_default();
        let parts = encode::parts(&message.message_id, &message.body, &chat.choices);
        let (before, mut ids) = self.progress(&message.message_id);
        let mut sent = chat.parts_sent.max(before);
        if sent >= parts.len() {
            return Ok(receipt(ids));
        }
        let handle = chat
            .reply_handle
            .as_ref()
            .and_then(|lent| Handle::live(lent, now));
        let mut way = match handle {
            Some(handle) if sent == 0 && handle.kind == Kind::Command => Way::Original(handle),
            Some(handle) => Way::beside(handle, chat.public),
            None => Way::Direct(None),
        };
        for part in parts.iter().skip(sent) {
            let outcome = loop {
                match self.deliver(&mut way, user, part, chat.public).await {
                    Err(Failed::WayClosed) => way = Way::Direct(None),
                    Err(Failed::Rest(error)) => match way {
                        Way::Direct(Some(handle)) if is_closed_to_us(&error) => {
                            way = Way::FollowUp(handle);
                        }
                        _ => break Err(error),
                    },
                    Ok(id) => break Ok(id),
                }
            };
            match outcome {
                Ok(id) => {
                    ids.push(id);
                    sent = sent.saturating_add(1);
                    self.remember(message, sent, &ids);
                }
                Err(error) => return Err(failure(&error, sent)),
            }
        }
        Ok(receipt(ids))
    }

    /// Delivers one part and returns the id it got.
    async fn deliver(
        &self,
        way: &mut Way,
        user: u64,
        part: &Part,
        alone: bool,
    ) -> Result<String, Failed> {
        let answer = match way {
            Way::Direct(_) => return Ok(self.direct(user, part).await?),
            Way::FollowUp(handle) => {
                let body = encode::follow_up(part, alone);
                self.rest
                    .follow_up(handle.application, &handle.token, &body)
                    .await
            }
            Way::Original(handle) => {
                let handle = handle.clone();
                let standing = self.rest.original(handle.application, &handle.token).await;
                // Later parts, and later answers by the same handle, go below.
                *way = Way::beside(handle.clone(), alone);
                match standing {
                    Ok(original) if waits(&original) => {
                        let body = encode::original(part);
                        let (application, token) = (handle.application, &handle.token);
                        self.rest.edit_original(application, token, &body).await
                    }
                    // An earlier attempt filled it and did not hear so.
                    Ok(original) if text(&original, "/content") == Some(&part.text) => Ok(original),
                    // Another message stands there already, or the person removed it.
                    Ok(_) => return Box::pin(self.deliver(way, user, part, alone)).await,
                    Err(RestError::Refused(refusal)) if refusal.code == code::UNKNOWN_MESSAGE => {
                        return Box::pin(self.deliver(way, user, part, alone)).await;
                    }
                    Err(error) => Err(error),
                }
            }
        };
        match answer {
            Ok(message) => Ok(server_id(&message)),
            Err(RestError::Refused(refusal)) if is_over(&refusal) => Err(Failed::WayClosed),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes into the conversation of two, which may have to be opened.
    async fn direct(&self, user: u64, part: &Part) -> Result<String, RestError> {
        let body = encode::direct(part);
        if let Some(channel) = self.book.channel(user) {
            match self.rest.post(channel, &body).await {
                Ok(message) => return Ok(server_id(&message)),
                Err(RestError::Refused(refusal)) if refusal.code == code::UNKNOWN_CHANNEL => {}
                Err(error) => return Err(error),
            }
        }
        let opened = self.rest.open(user).await?;
        let channel = id(&opened, "/id")
            .ok_or_else(|| RestError::Away("the opened conversation has no id".into()))?;
        if let Err(fault) = self.book.add(channel, &user.to_string()).await {
            // The message still goes out; the conversation becomes known when the person writes.
            tracing::warn!(error = %fault, "a new conversation could not be noted");
        }
        Ok(server_id(&self.rest.post(channel, &body).await?))
    }

    fn progress(&self, message_id: &str) -> (usize, Vec<String>) {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.iter()
            .find(|known| known.message_id == message_id)
            .map_or((0, Vec::new()), |known| (known.sent, known.ids.clone()))
    }

    fn remember(&self, message: &OutboundMessage, sent: usize, ids: &[String]) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.retain(|known| known.message_id != message.message_id);
        if done.len() >= REMEMBERED {
            done.pop_front();
        }
        done.push_back(Progress {
            message_id: message.message_id.clone(),
            sent,
            ids: ids.to_vec(),
        });
    }
}

fn receipt(ids: Vec<String>) -> Receipt {
    Receipt {
        server_said: format!("taken as {} message(s)", ids.len().max(1)),
        server_ids: ids,
    }
}

/// In the form of [`crate::decode::message_id`], so that a button pressed under it is recognised.
fn server_id(message: &Value) -> String {
    let part = |path| text(message, path).unwrap_or_default();
    crate::decode::message_id(part("/channel_id"), part("/id"))
}

/// Whether the message of a deferred answer still says "thinking".
fn waits(original: &Value) -> bool {
    number(original, "/flags").unwrap_or_default() & encode::LOADING != 0
}

/// The interaction cannot be answered any more.
fn is_over(refusal: &Refusal) -> bool {
    matches!(
        refusal.code,
        code::UNKNOWN_WEBHOOK | code::UNKNOWN_INTERACTION | code::INVALID_WEBHOOK_TOKEN
    ) || matches!(refusal.status, 401 | 403 | 404)
}

/// The person takes no direct messages.
fn is_closed_to_us(error: &RestError) -> bool {
    matches!(error, RestError::Refused(refusal) if refusal.status == 403)
}

/// What the desk is told. Faults of our own token say nothing against the person: they pass when it is mended.
fn failure(error: &RestError, sent: usize) -> SendError {
    let words = error.to_string();
    let retry_after = match error {
        RestError::Away(_) => None,
        RestError::Refused(refusal) => match (refusal.status, refusal.code) {
            (_, code::OPENING_TOO_FAST) => Some(Duration::from_secs(600)),
            (429, _) => Some(refusal.retry_after.unwrap_or(Duration::from_secs(5))),
            (401 | 408 | 500.., _) => None,
            _ => return SendError::Permanent(words),
        },
    };
    match (sent, retry_after) {
        (0, Some(retry_after)) => SendError::Later { words, retry_after },
        (0, None) => SendError::Temporary(words),
        _ => SendError::Partly {
            parts_sent: sent,
            words,
            retry_after,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: i64) -> RestError {
        RestError::Refused(Refusal {
            status,
            code,
            message: "words".into(),
            retry_after: (status == 429).then(|| Duration::from_millis(1500)),
        })
    }

    #[test]
    fn what_speaks_against_the_person_is_final_and_what_speaks_against_us_is_not() {
        for (status, code) in [(403, 50007), (403, 50278), (404, 10013), (400, 50035)] {
            let found = failure(&refused(status, code), 0);
            assert!(matches!(found, SendError::Permanent(_)), "{code}");
            let later = failure(&refused(status, code), 2);
            assert!(matches!(later, SendError::Permanent(_)), "{code}");
        }
        for (status, code) in [(401, 0), (500, 0), (503, 0)] {
            let found = failure(&refused(status, code), 0);
            assert!(matches!(found, SendError::Temporary(_)), "{status}");
        }
    }

    #[test]
    fn the_wait_the_server_asks_for_is_passed_on() {
        let wait = Duration::from_millis(1500);
        assert_eq!(failure(&refused(429, 0), 0).retry_after(), Some(wait));
        let partly = failure(&refused(429, 0), 1);
        assert_eq!(partly.retry_after(), Some(wait));
        assert!(matches!(partly, SendError::Partly { parts_sent: 1, .. }));
        let opening = failure(&refused(400, 40003), 0).retry_after();
        assert_eq!(opening, Some(Duration::from_secs(600)));
    }
}
