//! The channel against a Discord on loopback: serenity's real client, a real inbox contract.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

mod answering;
mod arriving;
mod asking;
mod changing;
mod delivering;
mod trouble;
mod world;
