//! The mail channel against real servers (Dovecot and Postfix). A missing service fails these tests, it does not skip them.

mod receiving;
mod sending;
mod world;
