//! Stories: one inquiry from the front door to the answer, told on the built program. One file a subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

#[path = "../support/mod.rs"]
mod support;

mod first_mail;
mod machines;
mod once;
mod quarantine;
mod staff;
mod threads;
mod trouble;
mod two_desks;
