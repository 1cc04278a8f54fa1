//! The checks against a name server of our own: our own cases, and the public suites where the corpora are there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

mod dmarc;
mod dns;
mod public;
mod signing;
mod smime;

use dns::Zone;
use madoguchi_trust::{Checker, Settings};
use std::time::Duration;

/// Checks that ask the given zone; `mx.desk.example.jp` is our receiving server.
pub fn checker(zone: Zone) -> Checker {
    Checker::new(Settings {
        resolver: Some(dns::serve(zone)),
        timeout: Duration::from_secs(4),
        trusted_hosts: vec![
            "mx.desk.example.jp".to_owned(),
            ".inner.example.jp".to_owned(),
        ],
        own_networks: vec!["198.51.100.0/28".parse().unwrap()],
        authserv_ids: vec!["mx.desk.example.jp".to_owned()],
        trusted_sealers: vec!["lists.example.org".to_owned()],
    })
    .unwrap()
}
