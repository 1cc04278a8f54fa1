//! Clock worker: looks at every unsettled ticket once a minute for warnings, breaches and moved due instants.

use crate::domain::file::Scan;
use crate::flow::office::Office;
use crate::flow::remind::{Reminded, remind_one};
use crate::flow::triage::TriageError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Time between two rounds.
const EVERY: Duration = Duration::from_secs(60);

/// Files shown to the scanner in one round.
const SCANNED_AT_ONCE: u32 = 200;

/// Hears of breaches (metrics).
pub trait ClockSink: Send + Sync {
    /// So many clocks were breached.
    fn breached(&self, count: usize);
}

/// The worker's parts.
pub struct ClockWorker {
    /// The office.
    pub office: Arc<Office>,
    /// Woken when a notice is to be sent.
    pub departing: Arc<Notify>,
    /// Hears of breaches.
    pub sink: Arc<dyn ClockSink>,
}

impl ClockWorker {
    /// One round over every unsettled ticket.
    pub async fn run_once(&self) -> Result<Reminded, TriageError> {
        let mut sum = Reminded::default();
        self.scan_waiting().await?;
        for id in self.office.store.unsettled().await? {
            let reminded = remind_one(&self.office, id).await?;
            sum.warnings += reminded.warnings;
            sum.breaches += reminded.breaches;
            sum.moved += reminded.moved;
        }
        if sum.warnings > 0 {
            self.departing.notify_one();
        }
        self.sink.breached(sum.breaches);
        Ok(sum)
    }

    /// Shows the scanner the files it has not answered for.
    async fn scan_waiting(&self) -> Result<(), TriageError> {
        let office = &self.office;
        for mut file in office.store.unscanned(SCANNED_AT_ONCE).await? {
            let Some(content) = office.vault.read(&file.sha256).await? else {
                continue;
            };
            let (scan, words) = office.vault.scan(&content).await;
            if scan == Scan::Waiting {
                // It is still away: the others would wait for it in vain.
                return Ok(());
            }
            file.scan = if scan == Scan::Off {
                Scan::Waiting
            } else {
                scan
            };
            file.scan_words = words;
            office.store.keep_file(&file).await?;
        }
        Ok(())
    }

    /// Works until stopped.
    pub async fn run(&self, stop: CancellationToken) {
        loop {
            match self.run_once().await {
                Ok(sum) if sum != Reminded::default() => tracing::info!(
                    warnings = sum.warnings,
                    breaches = sum.breaches,
                    moved = sum.moved,
                    "Clocks looked at"
                ),
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "The clocks could not be looked at"),
            }
            if !super::rest(&stop, None, EVERY).await {
                break;
            }
        }
    }
}
