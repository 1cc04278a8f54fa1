//! Stories: one inquiry from the front door to the answer, told on the built program. One file a subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

#[path = "../../bots/trust/tests/suites/dns.rs"]
#[allow(dead_code)]
mod dns;
#[path = "../support/mod.rs"]
mod support;

mod bounces;
mod files;
mod first_mail;
mod machines;
mod offers;
mod once;
mod quarantine;
mod senders;
mod staff;
mod threads;
mod trouble;
mod two_desks;
