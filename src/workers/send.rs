//! Send worker: claims departures that are due and delivers them.

use super::BackOff;
use crate::flow::office::Office;
use crate::flow::ports::StoreError;
use crate::flow::send::{RetrySchedule, Sent, send_one};
use jiff::SignedDuration;
use madoguchi_channel::Channel;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Departures claimed at a time: one, so that a crash leaves no more than one with an unknown end.
const BATCH: u32 = 1;
/// How long a claim holds; longer than the longest delivery attempt.
const LEASE: SignedDuration = SignedDuration::from_secs(120);

/// Hears what became of each attempt (metrics).
pub trait DeliverySink: Send + Sync {
    /// One attempt came to its end.
    fn attempted(&self, channel: &str, result: Sent);
}

/// The worker's parts.
pub struct SendWorker {
    /// The office.
    pub office: Arc<Office>,
    /// Channels by name.
    pub channels: BTreeMap<String, Arc<dyn Channel>>,
    /// When to try again.
    pub schedule: RetrySchedule,
    /// Woken when something is to be sent.
    pub departing: Arc<Notify>,
    /// Hears the results.
    pub sink: Arc<dyn DeliverySink>,
}

impl SendWorker {
    /// Claims one batch and tries each once; returns how many were claimed.
    pub async fn run_once(&self) -> Result<usize, StoreError> {
        let now = self.office.time.now();
        let lease_until = now.checked_add(LEASE).unwrap_or(now);
        let claimed = self
            .office
            .store
            .claim_departures(now, lease_until, BATCH)
            .await?;
        let count = claimed.len();
        for departure in claimed {
            let channel = self.channels.get(&departure.channel).map(Arc::as_ref);
            let sent = send_one(&self.office, channel, &departure, &self.schedule).await?;
            self.sink.attempted(&departure.channel, sent);
        }
        Ok(count)
    }

    /// Works until stopped; the delivery at hand is finished first.
    pub async fn run(&self, stop: CancellationToken) {
        let mut back_off = BackOff::default();
        while !stop.is_cancelled() {
            let idle = match self.run_once().await {
                Ok(0) => {
                    back_off.worked();
                    Duration::from_millis(500)
                }
                Ok(_) => {
                    back_off.worked();
                    continue;
                }
                Err(error) => {
                    tracing::error!(%error, "Sending is held up");
                    back_off.failed()
                }
            };
            if !super::rest(&stop, Some(&self.departing), idle).await {
                break;
            }
        }
    }
}
