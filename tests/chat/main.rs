//! Chats end to end: the real desk, the real client code, and a fake of each service on loopback. The same drill for each of them, in each
//! language, with the desk killed between the steps.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "../support/mod.rs"]
mod support;

mod drill;
mod street;
