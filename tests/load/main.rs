//! Load through the front door: a thousand mails at once, a quarter of them the project's real-form fixtures, the last quarter timed
//! against the first and memory against that of the idle desk. Prints ratios; asserts what must hold however slow the machine is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "../support/mod.rs"]
mod support;

use std::time::{Duration, Instant};
use support::TestDesk;
use support::mail::Mail;

const MAILS: usize = 1000;

/// Resident memory of a process in KiB, from /proc.
fn resident(pid: u32, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status
        .lines()
        .find_map(|line| line.strip_prefix(what))
        .and_then(|rest| rest.trim_end_matches("kB").trim().parse().ok())
        .unwrap()
}

#[test]
fn a_thousand_mails_at_once_are_all_decided_in_bounded_memory() {
    let fixtures: Vec<Vec<u8>> = std::fs::read_dir(support::root().join("bots/mime/fixtures"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "eml"))
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    assert!(fixtures.len() > 20);
    let texts = [
        "庁舎の前のバス停から駅へ行くバスは何時にありますか。",
        "How do we submit the monthly report of our agency?",
        "你好，附近有停车场吗？",
        "Gần đây có bãi đỗ xe không?",
    ];
    let mut desk = TestDesk::new("[caps]\nper_day = 100000\n");
    desk.start();
    let idle = resident(desk.pid(), "VmRSS:");
    let begun = Instant::now();
    for i in 0..MAILS {
        let bytes = if i % 4 == 3 {
            fixtures[i / 4 % fixtures.len()].clone()
        } else {
            let from = format!("person{i}@example.net");
            Mail::new(&format!("load{i}@example.net"), "件名", texts[i / 4 % 4])
                .from(&from)
                .bytes()
        };
        desk.drop_mail(&format!("{i:04}.eml"), &bytes);
    }
    let mut marks: Vec<(usize, Duration)> = Vec::new();
    loop {
        let sums = desk.json(&["ledger", "--summary"]).pop().unwrap();
        let stored = usize::try_from(sums["stored"].as_u64().unwrap()).unwrap();
        let waiting = usize::try_from(sums["waiting"].as_u64().unwrap()).unwrap();
        marks.push((stored - waiting, begun.elapsed()));
        if stored == MAILS && waiting == 0 {
            break;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(300),
            "held up: {sums}"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    let peak = resident(desk.pid(), "VmHWM:");
    let at = |count: usize| {
        marks
            .iter()
            .find(|(done, _)| *done >= count)
            .map(|(_, when)| when.as_secs_f64())
            .unwrap()
    };
    let (first, last) = (at(MAILS / 4), at(MAILS) - at(MAILS * 3 / 4));
    println!(
        "{MAILS} mails: {:.0} a second; the last quarter took {:.2} × the first; peak memory {:.2} × idle ({idle} KiB)",
        MAILS as f64 / at(MAILS),
        last / first.max(0.001),
        peak as f64 / idle as f64
    );
    desk.settle();
    let sums = desk.balanced_ledger();
    assert_eq!(sums["stored"], MAILS, "{sums}");
    assert!(
        peak < idle * 3,
        "memory grew from {idle} to {peak} KiB for a backlog"
    );
}
