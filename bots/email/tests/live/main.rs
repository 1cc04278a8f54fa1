//! The mail channel against real servers (Dovecot and Postfix). A missing service fails these tests, it does not skip them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod odd;
mod receiving;
mod script;
mod sending;
mod signing_in;
mod world;
