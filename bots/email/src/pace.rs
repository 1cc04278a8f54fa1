//! How fast a server may be given messages: the operator's limit a minute, and the rest a server asks for.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A limit counts over so long.
const MINUTE: Duration = Duration::from_secs(60);
/// First rest after a server said that it takes nothing now (421).
const FIRST_REST: Duration = Duration::from_secs(30);
/// Longest rest.
const LONGEST_REST: Duration = Duration::from_secs(15 * 60);

/// The pace at one server.
#[derive(Debug, Default)]
pub struct Pace {
    most_per_minute: Option<u32>,
    /// When the messages of the last minute began.
    begun: VecDeque<Instant>,
    rest_until: Option<Instant>,
    rests: u32,
}

impl Pace {
    /// At most so many messages within any minute.
    pub fn new(most_per_minute: Option<u32>) -> Self {
        Self {
            most_per_minute: most_per_minute.map(|most| most.max(1)),
            ..Self::default()
        }
    }

    /// Counts a message that begins now, or tells how long to wait.
    ///
    /// # Errors
    /// The wait.
    pub fn begin(&mut self, now: Instant) -> Result<(), Duration> {
        if let Some(until) = self.rest_until.filter(|until| *until > now) {
            return Err(until - now);
        }
        while self
            .begun
            .front()
            .is_some_and(|first| *first + MINUTE <= now)
        {
            self.begun.pop_front();
        }
        let Some(most) = self.most_per_minute else {
            return Ok(());
        };
        if self.begun.len() >= most as usize
            && let Some(first) = self.begun.front()
        {
            return Err(*first + MINUTE - now);
        }
        self.begun.push_back(now);
        Ok(())
    }

    /// The server takes nothing now; tells how long it is left alone.
    pub fn rest(&mut self, now: Instant) -> Duration {
        let rest = FIRST_REST
            .saturating_mul(1 << self.rests.min(8))
            .min(LONGEST_REST);
        self.rests = self.rests.saturating_add(1);
        self.rest_until = Some(now + rest);
        rest
    }

    /// The server took a message.
    pub fn taken(&mut self) {
        self.rests = 0;
        self.rest_until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_holds_more_than_the_limit() {
        let (mut pace, start) = (Pace::new(Some(3)), Instant::now());
        let mut taken: Vec<u64> = Vec::new();
        let mut second = 0;
        while taken.len() < 10 {
            match pace.begin(start + Duration::from_secs(second)) {
                Ok(()) => taken.push(second),
                Err(wait) => second += wait.as_secs(),
            }
        }
        assert_eq!(taken, [0, 0, 0, 60, 60, 60, 120, 120, 120, 180]);
        let mut free = Pace::new(None);
        assert!((0..1000).all(|_| free.begin(start).is_ok()));
    }

    #[test]
    fn a_server_that_takes_nothing_is_left_alone_ever_longer() {
        let (mut pace, mut now) = (Pace::new(None), Instant::now());
        for seconds in [30, 60, 120, 240, 480, 900, 900] {
            let rest = pace.rest(now);
            assert_eq!(rest.as_secs(), seconds);
            assert_eq!(pace.begin(now), Err(rest));
            now += rest;
            assert_eq!(pace.begin(now), Ok(()));
        }
        pace.rest(now);
        pace.taken();
        assert_eq!(pace.begin(now), Ok(()));
        assert_eq!(pace.rest(now).as_secs(), 30);
    }
}
