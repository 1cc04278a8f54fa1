//! The same desk over real SMTP and IMAP with TLS: Postfix and Dovecot on loopback, started by `tests/run`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

#[path = "../support/mod.rs"]
mod support;

mod crash_drill;
mod over_the_wire;
mod server;
mod servers;
mod troubles;
