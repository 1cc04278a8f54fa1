//! How long to wait before trying again.

use std::time::Duration;

const LONGEST: Duration = Duration::from_secs(60);

/// 1 s, 2 s, 4 s … 60 s, between half and the whole of it, so that many desks do not return at the same moment.
pub fn pause_after(failures: u32) -> Duration {
    let whole = Duration::from_secs(1_u64 << failures.min(6)).min(LONGEST);
    let share = getrandom::u32().unwrap_or_default() % 500;
    whole.mul_f64(0.5 + f64::from(share) / 1000.0)
}
