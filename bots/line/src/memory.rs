//! What this process remembers of its deliveries. It spares doubles where LINE offers no key for it (replies).

use madoguchi_channel::Receipt;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Most entries of a kind; the oldest go first.
const MOST: usize = 10_000;

/// A map that forgets its oldest entries.
struct Bounded<K, V> {
    entries: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K: Hash + Eq + Clone, V> Bounded<K, V> {
    fn new() -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    fn put(&mut self, key: K, value: V) {
        if self.entries.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
    }
}

struct Inside {
    delivered: Bounded<String, Receipt>,
    /// Reply tokens and the message that used them.
    used: Bounded<String, String>,
    /// Messages whose reply got no answer: LINE may have delivered them.
    unsure: Bounded<String, ()>,
}

/// The memory of one channel.
pub struct Memory(Mutex<Inside>);

impl Default for Memory {
    fn default() -> Self {
        Self(Mutex::new(Inside {
            delivered: Bounded::new(),
            used: Bounded::new(),
            unsure: Bounded::new(),
        }))
    }
}

impl Memory {
    fn with<T>(&self, work: impl FnOnce(&mut Inside) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The receipt of a message delivered before.
    pub fn receipt(&self, message_id: &str) -> Option<Receipt> {
        self.with(|inside| inside.delivered.entries.get(message_id).cloned())
    }

    /// Keeps the receipt of a message.
    pub fn delivered(&self, message_id: &str, receipt: &Receipt) {
        self.with(|inside| inside.delivered.put(message_id.to_owned(), receipt.clone()));
    }

    /// True when another message is known to have used the token.
    pub fn used_by_another(&self, token: &str, message_id: &str) -> bool {
        self.with(|inside| {
            inside
                .used
                .entries
                .get(token)
                .is_some_and(|user| user != message_id)
        })
    }

    /// Keeps which message used a token.
    pub fn used(&self, token: &str, message_id: &str) {
        self.with(|inside| inside.used.put(token.to_owned(), message_id.to_owned()));
    }

    /// True when a reply with this message got no answer.
    pub fn unsure(&self, message_id: &str) -> bool {
        self.with(|inside| inside.unsure.entries.contains_key(message_id))
    }

    /// Keeps that a reply with this message got no answer.
    pub fn became_unsure(&self, message_id: &str) {
        self.with(|inside| inside.unsure.put(message_id.to_owned(), ()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_and_the_number_stays_bounded() {
        let memory = Memory::default();
        for at in 0..=MOST {
            memory.delivered(&at.to_string(), &Receipt::new("ok"));
        }
        assert_eq!(memory.receipt("0"), None);
        assert!(memory.receipt("1").is_some());
        assert!(memory.receipt(&MOST.to_string()).is_some());
    }

    #[test]
    fn a_token_is_foreign_only_when_another_message_used_it() {
        let memory = Memory::default();
        assert!(!memory.used_by_another("t", "m1"));
        memory.used("t", "m1");
        assert!(!memory.used_by_another("t", "m1"));
        assert!(memory.used_by_another("t", "m2"));
    }
}
