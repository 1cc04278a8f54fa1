//! Messages a second from stored to committed decision, beside the floor: the same arrivals merely stored (one durable transaction each).
//! Synthetic mails of four languages; a third of them is covered by the knowledge.

#![allow(clippy::expect_used, reason = "a benchmark")]

use madoguchi::app::App;
use madoguchi::cli::Global;
use madoguchi::flow::ports::{Outcome, StoreError};
use madoguchi::workers::triage::{DecisionSink, TriageWorker};
use madoguchi_channel::RawInbound;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

const MAILS: usize = 64;

struct Silent;

impl DecisionSink for Silent {
    fn decided(&self, _outcome: Outcome) {}
    fn store_failed(&self, _error: &StoreError) {}
}

fn main() {
    divan::main();
}

fn arrivals(round: usize) -> Vec<RawInbound> {
    const TEXTS: [&str; 6] = [
        "認定書をなくしました。再発行してもらえますか。",
        "庁舎の前のバス停から駅へ行くバスは何時にありますか。",
        "How do we submit the monthly report?",
        "The cafeteria was closed yesterday, is it open on Sunday?",
        "你好，附近有停车场吗？",
        "Gần đây có bãi đỗ xe không?",
    ];
    (0..MAILS)
        .map(|i| {
            let text = TEXTS.get(i % TEXTS.len()).copied().unwrap_or_default();
            let bytes = format!(
                "From: person{i}@example.net\r\nTo: desk@desk.example.jp\r\nMessage-ID: <{round}.{i}@example.net>\r\n\
                 Subject: {i}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
            );
            RawInbound {
                channel: "spool".to_owned(),
                external_id: format!("{round}/{i}"),
                received_at: "2026-11-20T01:00:00Z".parse().expect("an instant"),
                bytes: bytes.into_bytes(),
                silent: false,
                renumbered: false,
            }
        })
        .collect()
}

fn open(runtime: &Runtime) -> App {
    let global = Global {
        config: None,
        json: false,
    };
    runtime
        .block_on(App::without_store(&global))
        .expect("the desk opens")
}

#[divan::bench(sample_count = 10)]
fn stored_to_committed(bencher: divan::Bencher) {
    let runtime = Runtime::new().expect("a runtime");
    let app = open(&runtime);
    let worker = TriageWorker {
        office: Arc::clone(&app.office),
        decoder: app.decoder(),
        arrived: Arc::new(Notify::new()),
        departing: Arc::new(Notify::new()),
        sink: Arc::new(Silent),
    };
    let mut round = 0;
    bencher
        .counter(divan::counter::ItemsCount::new(MAILS))
        .with_inputs(|| {
            round += 1;
            let store = &app.office.store;
            runtime
                .block_on(store.store("spool", &arrivals(round), None))
                .expect("stored");
        })
        .bench_local_values(|()| {
            runtime.block_on(async { while worker.run_once().await.expect("decided") > 0 {} });
        });
}

#[divan::bench(sample_count = 10)]
fn floor_merely_stored_one_by_one(bencher: divan::Bencher) {
    let runtime = Runtime::new().expect("a runtime");
    let app = open(&runtime);
    let mut round = 0;
    bencher
        .counter(divan::counter::ItemsCount::new(MAILS))
        .with_inputs(|| {
            round += 1;
            arrivals(round)
        })
        .bench_local_values(|mails| {
            runtime.block_on(async {
                for mail in &mails {
                    let one = std::slice::from_ref(mail);
                    app.office
                        .store
                        .store("spool", one, None)
                        .await
                        .expect("stored");
                }
            });
        });
}
