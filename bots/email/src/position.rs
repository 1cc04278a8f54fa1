//! What is remembered of one folder, saved together with the messages it covers.

use crate::config::FirstConnection;
use jiff::Timestamp;

/// Where the desk stands in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The numbering all ids below belong to.
    pub uid_validity: u32,
    /// The first id the desk is responsible for.
    pub start: u32,
    /// Ids below were there at the first connection: imported history.
    pub silent_until: u32,
    /// Ids below were there when the server renumbered: most are known already, under other ids.
    pub renumbered_until: u32,
    /// The last id taken.
    pub last: u32,
    /// When the desk met this folder, in seconds since 1970. After a renumbering it tells history from arrivals.
    pub met_at: i64,
}

impl Position {
    /// The position on meeting a folder for the first time; `next` is the id the next message gets.
    pub fn first(mode: FirstConnection, uid_validity: u32, next: u32, now: Timestamp) -> Self {
        let start = match mode {
            FirstConnection::FromNow => next,
            FirstConnection::Import => 1,
        };
        Self {
            uid_validity,
            start,
            silent_until: next,
            renumbered_until: 0,
            last: start.saturating_sub(1),
            met_at: now.as_second(),
        }
    }

    /// The position after the server renumbered: everything is looked at again.
    pub fn renumbered(&self, uid_validity: u32, next: u32) -> Self {
        Self {
            uid_validity,
            start: 1,
            silent_until: 0,
            renumbered_until: next,
            last: 0,
            met_at: self.met_at,
        }
    }

    /// Whether a message is history that nobody must be answered for.
    pub fn is_silent(&self, uid: u32, internal_date: Option<Timestamp>) -> bool {
        uid < self.silent_until
            || (self.is_renumbered(uid)
                && internal_date.is_some_and(|date| date.as_second() < self.met_at))
    }

    /// Whether a message may be known under an id of an older numbering.
    pub fn is_renumbered(&self, uid: u32) -> bool {
        uid < self.renumbered_until
    }

    /// The form that is saved: numbers parted by colons, the version first.
    pub fn encode(&self) -> String {
        let Self {
            uid_validity,
            start,
            silent_until,
            renumbered_until,
            last,
            met_at,
        } = self;
        format!("1:{uid_validity}:{start}:{silent_until}:{renumbered_until}:{last}:{met_at}")
    }

    /// Reads the saved form; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        if parts.next()? != "1" {
            return None;
        }
        let mut id = || parts.next()?.parse::<u32>().ok();
        let (uid_validity, start, silent_until, renumbered_until, last) =
            (id()?, id()?, id()?, id()?, id()?);
        let met_at = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Self {
            uid_validity,
            start,
            silent_until,
            renumbered_until,
            last,
            met_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_position_survives_being_saved_and_nothing_else_is_read_as_one() {
        let position = Position::first(FirstConnection::Import, 7, 30, at(1000)).renumbered(8, 40);
        assert_eq!(Position::parse(&position.encode()), Some(position));
        for odd in [
            "",
            "7:1:0",
            "2:1:1:1:1:1:1",
            "1:1:1:1:1:1:1:1",
            "1:x:1:1:1:1:1",
        ] {
            assert_eq!(Position::parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn history_is_silent_at_the_first_meeting_and_after_a_renumbering() {
        let met = Position::first(FirstConnection::Import, 7, 30, at(1000));
        assert!(met.is_silent(29, Some(at(2000))) && !met.is_silent(30, Some(at(2000))));
        let again = met.renumbered(8, 40);
        assert!(again.is_silent(5, Some(at(999))) && !again.is_silent(5, Some(at(1001))));
        assert!(!again.is_silent(40, Some(at(999))) && !again.is_renumbered(40));
    }

    #[test]
    fn from_now_begins_at_the_next_id() {
        let met = Position::first(FirstConnection::FromNow, 7, 30, at(1000));
        assert_eq!((met.start, met.last), (30, 29));
    }
}
