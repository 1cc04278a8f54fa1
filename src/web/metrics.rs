//! Counters and gauges for `/metrics` (Prometheus text format).

use super::health::Snapshot;
use crate::flow::ports::{Outcome, StoreError};
use crate::flow::send::Sent;
use crate::workers::clock::ClockSink;
use crate::workers::send::DeliverySink;
use crate::workers::triage::DecisionSink;
use prometheus::{
    Encoder, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

/// Everything counted.
pub struct Metrics {
    registry: Registry,
    decisions: IntCounterVec,
    deliveries: IntCounterVec,
    breaches: IntCounter,
    store_faults: IntCounter,
    inbox_waiting: IntGauge,
    up: IntGaugeVec,
}

impl Metrics {
    /// Registers every metric.
    ///
    /// # Errors
    /// Two metrics have one name (a mistake in this file).
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let metrics = Self {
            decisions: IntCounterVec::new(
                Opts::new(
                    "madoguchi_decisions_total",
                    "Arrivals brought to their end, by outcome",
                ),
                &["outcome"],
            )?,
            deliveries: IntCounterVec::new(
                Opts::new(
                    "madoguchi_deliveries_total",
                    "Delivery attempts, by channel and result",
                ),
                &["channel", "result"],
            )?,
            breaches: IntCounter::new(
                "madoguchi_sla_breaches_total",
                "Clocks that passed their due instant",
            )?,
            store_faults: IntCounter::new(
                "madoguchi_store_faults_total",
                "Times the database failed a worker",
            )?,
            inbox_waiting: IntGauge::new(
                "madoguchi_inbox_waiting",
                "Arrivals that wait for a decision",
            )?,
            up: IntGaugeVec::new(
                Opts::new("madoguchi_up", "1 when a part works, by part"),
                &["part"],
            )?,
            registry,
        };
        let r = &metrics.registry;
        r.register(Box::new(metrics.decisions.clone()))?;
        r.register(Box::new(metrics.deliveries.clone()))?;
        r.register(Box::new(metrics.breaches.clone()))?;
        r.register(Box::new(metrics.store_faults.clone()))?;
        r.register(Box::new(metrics.inbox_waiting.clone()))?;
        r.register(Box::new(metrics.up.clone()))?;
        Ok(metrics)
    }

    /// The text of `/metrics`.
    ///
    /// # Errors
    /// The encoder failed.
    pub fn render(&self, snapshot: &Snapshot) -> Result<String, prometheus::Error> {
        if let Some(waiting) = snapshot.inbox_waiting {
            self.inbox_waiting
                .set(i64::try_from(waiting).unwrap_or(i64::MAX));
        }
        let up = |part: &str, ok: bool| self.up.with_label_values(&[part]).set(i64::from(ok));
        up("store", snapshot.store.ok);
        up("knowledge", snapshot.knowledge.ok);
        for (name, part) in &snapshot.channels {
            up(&format!("channel:{name}"), part.ok);
        }
        let mut bytes = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl DecisionSink for Metrics {
    fn decided(&self, outcome: Outcome) {
        self.decisions.with_label_values(&[outcome.as_str()]).inc();
    }

    fn store_failed(&self, _error: &StoreError) {
        self.store_faults.inc();
    }
}

impl DeliverySink for Metrics {
    fn attempted(&self, channel: &str, result: Sent) {
        let result = match result {
            Sent::Delivered => "delivered",
            Sent::Later => "later",
            Sent::Dead => "dead",
        };
        self.deliveries.with_label_values(&[channel, result]).inc();
    }
}

impl ClockSink for Metrics {
    fn breached(&self, count: usize) {
        self.breaches
            .inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }
}
