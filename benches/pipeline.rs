//! Messages a second from stored to committed decision, beside the floor: the same arrivals merely stored (one durable transaction each).
//! Synthetic mails of four languages, a third of them covered by the knowledge; and a mix of forms that mail programs really send: the
//! project's fixtures, or every message below `MADOGUCHI_CORPORA` when that is set.

#![allow(clippy::expect_used, reason = "a benchmark")]

use madoguchi::app::App;
use madoguchi::cli::Global;
use madoguchi::flow::ports::{Outcome, StoreError};
use madoguchi::workers::triage::{DecisionSink, TriageWorker};
use madoguchi_channel::RawInbound;
use std::path::Path;
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

fn synthetic(round: usize) -> Vec<RawInbound> {
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
            arrival(round, i, bytes.into_bytes())
        })
        .collect()
}

fn arrival(round: usize, i: usize, bytes: Vec<u8>) -> RawInbound {
    RawInbound {
        channel: "spool".to_owned(),
        external_id: format!("{round}/{i}"),
        received_at: "2026-11-20T01:00:00Z".parse().expect("an instant"),
        bytes,
        silent: false,
        renumbered: false,
    }
}

/// Messages in the forms people and programs really send.
fn real() -> Vec<Vec<u8>> {
    let dir = std::env::var_os("MADOGUCHI_CORPORA").map_or_else(
        || {
            std::path::PathBuf::from(
                std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package"),
            )
            .join("bots/mime/fixtures")
        },
        |corpora| Path::new(&corpora).join("mail"),
    );
    let mut files = Vec::new();
    let mut dirs = vec![dir];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|e| e == "eml") {
                files.push(path);
            }
        }
    }
    files.sort();
    println!("real mail mix: {} messages", files.len());
    files
        .iter()
        .map(|file| std::fs::read(file).expect("a message"))
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

/// Stores what `arrivals` makes for each round, and times from there to the last committed decision.
fn decide(bencher: divan::Bencher, arrivals: impl Fn(usize) -> Vec<RawInbound>) {
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
        .counter(divan::counter::ItemsCount::new(arrivals(0).len()))
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
fn stored_to_committed_synthetic(bencher: divan::Bencher) {
    decide(bencher, synthetic);
}

#[divan::bench(sample_count = 5)]
fn stored_to_committed_real_mix(bencher: divan::Bencher) {
    let mix = real();
    decide(bencher, |round| {
        (0..mix.len())
            .map(|i| arrival(round, i, mix.get(i).cloned().unwrap_or_default()))
            .collect()
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
            synthetic(round)
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
