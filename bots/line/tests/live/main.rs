//! The LINE channel against LINE as it is published, over real HTTP in both directions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod faults;
mod files;
mod receiving;
mod sending;
mod watching;
mod world;
