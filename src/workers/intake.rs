//! Intake: one task a channel receives until stopped; once an hour what the server holds is compared with the inbox.

use crate::flow::receive::HealthSink;
use madoguchi_channel::{Channel, Door, Health};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Time between two reconciliations of a channel.
const RECONCILE_EVERY: Duration = Duration::from_secs(3600);

/// Receives on every channel until stopped.
pub async fn run(
    channels: Vec<Arc<dyn Channel>>,
    door: Arc<dyn Door>,
    health: Arc<dyn HealthSink>,
    stop: CancellationToken,
) {
    let mut tasks = JoinSet::new();
    for channel in channels {
        let (door_in, health_in, stop_in) = (Arc::clone(&door), Arc::clone(&health), stop.clone());
        let receiving = Arc::clone(&channel);
        tasks.spawn(async move {
            if let Err(error) = receiving.receive(door_in, stop_in).await {
                tracing::error!(channel.name = receiving.name(), %error, "Channel stopped for good");
                health_in.channel(
                    receiving.name(),
                    Health::Down {
                        problem: error.problem,
                        advice: error.advice,
                    },
                );
            }
        });
        let (door, stop) = (Arc::clone(&door), stop.clone());
        tasks.spawn(async move {
            while super::rest(&stop, None, RECONCILE_EVERY).await {
                reconcile_once(channel.as_ref(), &door).await;
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

/// Compares one channel's server with the inbox; a difference is an alarm in the log (the channel fetches what is missing).
pub async fn reconcile_once(channel: &dyn Channel, door: &Arc<dyn Door>) {
    match channel.reconcile(Arc::clone(door)).await {
        Ok(result) if result.missing.is_empty() => tracing::info!(
            channel.name = channel.name(),
            messages.at_server = result.at_server,
            "Server and inbox agree"
        ),
        Ok(result) => tracing::error!(
            channel.name = channel.name(),
            messages.at_server = result.at_server,
            messages.stored = result.stored,
            messages.missing = result.missing.len(),
            "Server holds messages the inbox did not have; they were fetched now. See `madoguchi ledger`"
        ),
        Err(error) => tracing::warn!(
            channel.name = channel.name(),
            %error,
            "Server and inbox could not be compared"
        ),
    }
}
