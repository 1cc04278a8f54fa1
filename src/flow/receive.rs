//! Receive: the door channels knock at. Everything is durable in the inbox before the channel may tell its server so.

use crate::flow::ports::Store;
use async_trait::async_trait;
use madoguchi_channel::{Cursor, Door, DoorError, Health, RawInbound, Stored};
use std::sync::Arc;
use tokio::sync::Notify;

/// Hears how channels are (the health registry).
pub trait HealthSink: Send + Sync {
    /// A channel said how it is.
    fn channel(&self, name: &str, health: Health);
    /// The store took or refused a write.
    fn store(&self, result: Result<(), String>);
}

/// The inbox as channels see it.
pub struct InboxDoor {
    store: Arc<dyn Store>,
    health: Arc<dyn HealthSink>,
    arrived: Arc<Notify>,
}

impl InboxDoor {
    /// Opens the door; `arrived` is notified whenever something new was stored.
    pub fn new(store: Arc<dyn Store>, health: Arc<dyn HealthSink>, arrived: Arc<Notify>) -> Self {
        Self {
            store,
            health,
            arrived,
        }
    }
}

#[async_trait]
impl Door for InboxDoor {
    async fn store(
        &self,
        channel: &str,
        arrivals: Vec<RawInbound>,
        cursor: Option<Cursor>,
    ) -> Result<Stored, DoorError> {
        let result = self.store.store(channel, &arrivals, cursor.as_ref()).await;
        match result {
            Ok(stored) => {
                self.health.store(Ok(()));
                if stored.new > 0 {
                    tracing::info!(
                        channel.name = channel,
                        arrivals.new = stored.new,
                        arrivals.known = stored.known,
                        "Arrivals stored"
                    );
                    self.arrived.notify_one();
                }
                Ok(stored)
            }
            Err(error) => {
                self.health.store(Err(error.to_string()));
                Err(DoorError(error.to_string()))
            }
        }
    }

    async fn cursor(&self, channel: &str, scope: &str) -> Result<Option<String>, DoorError> {
        self.store
            .cursor(channel, scope)
            .await
            .map_err(|error| DoorError(error.to_string()))
    }

    async fn stored_ids(&self, channel: &str, prefix: &str) -> Result<Vec<String>, DoorError> {
        self.store
            .stored_ids(channel, prefix)
            .await
            .map_err(|error| DoorError(error.to_string()))
    }

    fn health(&self, channel: &str, health: Health) {
        self.health.channel(channel, health);
    }
}
