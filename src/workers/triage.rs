//! Triage worker: claims stored arrivals and brings each to its one decision.

use super::BackOff;
use crate::domain::ids::InboxId;
use crate::flow::office::Office;
use crate::flow::ports::{Claimed, Outcome, StoreError};
use crate::flow::triage::{Decoder, Prepared, TriageError, prepare, triage_one};
use jiff::SignedDuration;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// How many arrivals are claimed at a time.
const BATCH: u32 = 32;
/// How long a claim holds; after a crash the arrival is taken up again when it has passed.
const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// Wait after a fault before the same arrival is tried again.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// Hears what became of each arrival (metrics).
pub trait DecisionSink: Send + Sync {
    /// One arrival came to its end.
    fn decided(&self, outcome: Outcome);
    /// The store failed.
    fn store_failed(&self, error: &StoreError);
}

/// The worker's parts.
pub struct TriageWorker {
    /// The office.
    pub office: Arc<Office>,
    /// Reads arrivals by channel.
    pub decoder: Arc<dyn Decoder>,
    /// Woken when something arrived.
    pub arrived: Arc<Notify>,
    /// Woken when something is to be sent.
    pub departing: Arc<Notify>,
    /// Hears the outcomes.
    pub sink: Arc<dyn DecisionSink>,
}

impl TriageWorker {
    /// Claims one batch and decides it; returns how many arrivals came to an end.
    pub async fn run_once(&self) -> Result<usize, TriageError> {
        let now = self.office.time.now();
        let lease_until = now.checked_add(LEASE).unwrap_or(now);
        let claimed = self.office.store.claim(now, lease_until, BATCH).await?;
        let mut ended = 0;
        for (id, span, preparing) in self.prepare_all(claimed) {
            let Ok(arrival) = preparing.await else {
                // The task was thrown away with the runtime: the lease ends by itself.
                continue;
            };
            match triage_one(&self.office, arrival)
                .instrument(span.clone())
                .await
            {
                Ok(outcome) => {
                    ended += 1;
                    self.sink.decided(outcome);
                    span.in_scope(|| tracing::info!(%outcome, "Decided"));
                    self.departing.notify_one();
                }
                Err(TriageError::Store(StoreError::Conflict)) => {
                    // Its ticket changed under us, or another node ended it: look again soon.
                    self.office.store.release(id, now).await?;
                }
                Err(error) => {
                    span.in_scope(|| {
                        tracing::error!(%error, "Could not be decided; tried again later");
                    });
                    if let TriageError::Store(store) = &error {
                        self.sink.store_failed(store);
                    }
                    let not_before = now.checked_add(PAUSE).unwrap_or(now);
                    self.office.store.release(id, not_before).await?;
                    if matches!(error, TriageError::Store(_)) {
                        return Err(error);
                    }
                }
            }
        }
        Ok(ended)
    }

    /// Reads a batch side by side; the decisions are then made one after the other, in the order of arrival.
    fn prepare_all(
        &self,
        claimed: Vec<Claimed>,
    ) -> Vec<(InboxId, tracing::Span, JoinHandle<Prepared>)> {
        claimed
            .into_iter()
            .map(|arrival| {
                let id = arrival.id;
                let span = tracing::info_span!(
                    "inquiry",
                    inbox.id = id.0,
                    channel.name = %arrival.raw.channel
                );
                let (office, decoder) = (Arc::clone(&self.office), Arc::clone(&self.decoder));
                let task = async move { prepare(&office, &decoder, arrival).await };
                (id, span.clone(), tokio::spawn(task.instrument(span)))
            })
            .collect()
    }

    /// Works until stopped; the arrival at hand is finished first.
    pub async fn run(&self, stop: CancellationToken) {
        let mut back_off = BackOff::default();
        while !stop.is_cancelled() {
            let idle = match self.run_once().await {
                Ok(0) => {
                    back_off.worked();
                    Duration::from_secs(1)
                }
                Ok(_) => {
                    back_off.worked();
                    continue;
                }
                Err(error) => {
                    tracing::error!(%error, "Triage is held up");
                    if let TriageError::Store(store) = &error {
                        self.sink.store_failed(store);
                    }
                    back_off.failed()
                }
            };
            if !super::rest(&stop, Some(&self.arrived), idle).await {
                break;
            }
        }
    }
}
