//! The loops that keep the desk running: [`intake`] → [`triage`] → [`send`], and the [`clock`]. Each exposes `run_once`, which
//! tests call; the loops around them wait for work, back off on faults and stop on request.

pub mod clock;
pub mod intake;
pub mod send;
pub mod triage;

use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Waits until woken, until `idle` has passed, or until asked to stop; true when it should go on.
async fn rest(stop: &CancellationToken, wake: Option<&Notify>, idle: Duration) -> bool {
    let woken = async {
        match wake {
            Some(wake) => wake.notified().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = stop.cancelled() => false,
        () = woken => true,
        () = tokio::time::sleep(idle) => true,
    }
}

/// Pause after a fault, doubled up to half a minute, reset by success.
#[derive(Debug, Default)]
struct BackOff(u32);

impl BackOff {
    fn failed(&mut self) -> Duration {
        self.0 = (self.0 + 1).min(6);
        Duration::from_millis(500) * 2u32.pow(self.0)
    }

    fn worked(&mut self) {
        self.0 = 0;
    }
}
