//! How the parts of the desk are: what `/readyz` says, with what to do where something is wrong.

use crate::flow::ports::Store;
use crate::flow::receive::HealthSink;
use madoguchi_channel::Health;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// One part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// It works.
    pub ok: bool,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Part {
    fn fine() -> Self {
        Self {
            ok: true,
            problem: None,
            advice: None,
        }
    }

    fn broken(problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            ok: false,
            problem: Some(problem.into()),
            advice: Some(advice.into()),
        }
    }
}

/// Every part at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// The desk can do its work.
    pub ready: bool,
    /// The database.
    pub store: Part,
    /// The knowledge that serves.
    pub knowledge: Part,
    /// Channels by name.
    pub channels: BTreeMap<String, Part>,
    /// Arrivals that wait for a decision.
    pub inbox_waiting: Option<u64>,
    /// Version of the knowledge that serves.
    pub knowledge_version: String,
}

#[derive(Debug)]
struct State {
    channels: BTreeMap<String, Part>,
    knowledge: Part,
    knowledge_version: String,
}

/// Hears from every part and answers for all.
pub struct HealthRegistry {
    store: Arc<dyn Store>,
    state: Mutex<State>,
}

impl HealthRegistry {
    /// Begins with channels that have not reported yet: not ready until each has.
    pub fn new(store: Arc<dyn Store>, channels: &[String], knowledge_version: String) -> Self {
        let waiting = || Part::broken("has not connected yet", "wait a moment");
        Self {
            store,
            state: Mutex::new(State {
                channels: channels.iter().map(|c| (c.clone(), waiting())).collect(),
                knowledge: Part::fine(),
                knowledge_version,
            }),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The knowledge was looked at: the version that serves, and what is wrong with a newer one.
    pub fn knowledge(&self, version: Option<String>, problem: Option<String>) {
        let mut state = self.state();
        if let Some(version) = version {
            state.knowledge_version = version;
        }
        state.knowledge = match problem {
            None => Part::fine(),
            Some(problem) => Part::broken(
                problem,
                "the last good version goes on serving; mend the file, see `madoguchi knowledge check`",
            ),
        };
    }

    /// How everything is now; asks the store to write.
    pub async fn snapshot(&self) -> Snapshot {
        let (store, inbox_waiting) = match self.store.check_writable().await {
            Ok(()) => (Part::fine(), self.store.waiting().await.ok()),
            Err(error) => (
                Part::broken(
                    error.to_string(),
                    "free disk space, or give the desk's account the right to write in `data_dir`; \
                     messages stay at their servers and are taken when this is mended",
                ),
                None,
            ),
        };
        let state = self.state();
        let channels = state.channels.clone();
        Snapshot {
            // A refused knowledge file does not stop the desk: the last good version serves.
            ready: store.ok && channels.values().all(|part| part.ok),
            store,
            knowledge: state.knowledge.clone(),
            channels,
            inbox_waiting,
            knowledge_version: state.knowledge_version.clone(),
        }
    }
}

impl HealthSink for HealthRegistry {
    fn channel(&self, name: &str, health: Health) {
        let part = match health {
            Health::Up => Part::fine(),
            Health::Down { problem, advice } => Part::broken(problem, advice),
        };
        let mut state = self.state();
        let before = state.channels.insert(name.to_owned(), part.clone());
        if before.as_ref() == Some(&part) {
            return;
        }
        // The server's words may hold an account name; they stay in /readyz and out of the log.
        match &part.advice {
            Some(advice) => {
                tracing::warn!(channel.name = name, advice, "Channel does not work");
            }
            None => tracing::info!(channel.name = name, "Channel works"),
        }
    }

    fn store(&self, result: Result<(), String>) {
        if let Err(problem) = result {
            tracing::error!(
                problem,
                "The inbox could not store; arrivals stay at their servers"
            );
        }
    }
}
