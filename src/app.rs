//! The application opened: configuration, knowledge, texts and store brought together into one [`Office`].

use crate::cli::Global;
use crate::config::Config;
use crate::flow::office::Office;
use crate::flow::ports::{RandomSource, TimeSource};
use jiff::Timestamp;

/// The wall clock.
pub struct WallClock;

impl TimeSource for WallClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The operating system's randomness.
pub struct OsRandom;

impl RandomSource for OsRandom {
    fn bytes(&self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        // Without randomness no id is unguessable; there is nothing sensible to go on with.
        if let Err(error) = getrandom::fill(&mut bytes) {
            tracing::error!(%error, "The operating system gives no randomness");
            std::process::exit(1);
        }
        bytes
    }
}
