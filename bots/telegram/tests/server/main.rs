//! The channel against a server: the real requests, over real connections.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod receiving;
mod sending;
mod understanding;
mod webhook;
mod world;
