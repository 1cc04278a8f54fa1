//! Delivers a message, part by part.

use crate::client::Client;
use crate::encode;
use crate::fault::{Fault, Kind};
use madoguchi_channel::{OutboundMessage, Receipt, SendError};
use serde::Deserialize;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// So many messages are remembered.
const MEMORY: usize = 4096;

/// What this process delivered. Telegram cannot be asked whether a message was delivered before.
#[derive(Default)]
pub(crate) struct Delivered(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    of: HashMap<String, Parts>,
    oldest: VecDeque<String>,
}

/// What was delivered of one message.
#[derive(Clone, Default)]
struct Parts {
    /// How many of its parts, from the first on.
    count: usize,
    /// The ids of those this process delivered.
    ids: Vec<String>,
}

impl Delivered {
    fn of(&self, message_id: &str) -> Parts {
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.of.get(message_id).cloned().unwrap_or_default()
    }

    fn remember(&self, message_id: &str, parts: &Parts) {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if memory
            .of
            .insert(message_id.to_owned(), parts.clone())
            .is_some()
        {
            return;
        }
        memory.oldest.push_back(message_id.to_owned());
        if memory.oldest.len() > MEMORY
            && let Some(oldest) = memory.oldest.pop_front()
        {
            memory.of.remove(&oldest);
        }
    }
}

/// All the desk wants to know of a delivered message.
#[derive(Deserialize)]
struct Taken {
    message_id: i64,
}

/// Delivers what is not delivered yet.
pub(crate) async fn send(
    client: &Client,
    delivered: &Delivered,
    message: &OutboundMessage,
) -> Result<Receipt, SendError> {
    let requests = encode::requests(client.bot(), message).map_err(SendError::Permanent)?;
    let mut parts = delivered.of(&message.message_id);
    let earlier = message.chat.as_ref().map_or(0, |chat| chat.parts_sent);
    parts.count = parts.count.max(earlier);
    let waiting = requests.iter().skip(parts.count);
    for request in waiting {
        let taken = match client.call(request).await {
            Ok(taken) => taken,
            Err(fault) => return Err(failure(fault, parts.count)),
        };
        // Delivered, whatever else the answer says.
        if let Ok(taken) = serde_json::from_str::<Taken>(taken.get()) {
            let id = format!("{}/{}", message.to.address, taken.message_id);
            parts.ids.push(id);
        }
        parts.count += 1;
        if !message.message_id.is_empty() {
            delivered.remember(&message.message_id, &parts);
        }
    }
    Ok(Receipt {
        server_said: match parts.ids.len() {
            0 => "delivered before".into(),
            _ => format!("delivered as {}", parts.ids.join(", ")),
        },
        server_ids: parts.ids,
    })
}

/// What a fault means for the message. One that says nothing against the recipient is temporary, our own token's included.
fn failure(fault: Fault, parts_sent: usize) -> SendError {
    let words = fault.words;
    match (fault.kind, fault.retry_after) {
        (Kind::Refused(400 | 403 | 413), _) => SendError::Permanent(words),
        (_, retry_after) if parts_sent > 0 => SendError::Partly {
            parts_sent,
            words,
            retry_after,
        },
        (_, Some(retry_after)) => SendError::Later { words, retry_after },
        (_, None) => SendError::Temporary(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_forgets_the_oldest() {
        let delivered = Delivered::default();
        let one = Parts {
            count: 1,
            ids: vec!["1/2".into()],
        };
        for number in 0..=MEMORY {
            delivered.remember(&format!("m{number}"), &one);
            delivered.remember(&format!("m{number}"), &one);
        }
        assert_eq!(delivered.of("m0").count, 0);
        assert_eq!(delivered.of("m1").count, 1);
        assert_eq!(delivered.0.lock().unwrap().of.len(), MEMORY);
    }
}
