//! What can go wrong with the Bot API, in two voices: the problem with the server's own words, and what to do.

use madoguchi_channel::{DoorError, Health, ReceiveError};
use std::time::Duration;

/// Kinds of faults that are treated differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No connection: the request was never made.
    Unreachable,
    /// The connection ended or the time was up before the answer came: the request may have been carried out.
    Lost,
    /// The Bot API answered that it does not do it; its error code.
    Refused(u16),
    /// The answer is not one of the Bot API's; the status.
    Strange(u16),
    /// The desk's own inbox could not store.
    Door,
}

/// One fault. Its text carries neither token nor personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub(crate) struct Fault {
    /// What kind.
    pub(crate) kind: Kind,
    /// What is wrong, with the server's own words.
    pub(crate) words: String,
    /// How long the server wants to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

impl Fault {
    /// A fault of a kind.
    pub(crate) fn new(kind: Kind, words: impl Into<String>) -> Self {
        Self {
            kind,
            words: words.into(),
            retry_after: None,
        }
    }

    /// The Bot API does not know the token. It says 401 to a wrong one and 404 to one that never was.
    pub(crate) fn is_about_the_token(&self) -> bool {
        matches!(self.kind, Kind::Refused(401 | 404))
    }

    /// Someone else takes the updates, or is told of them.
    pub(crate) fn is_conflict(&self) -> bool {
        self.kind == Kind::Refused(409)
    }

    /// What the operator can do.
    pub(crate) fn advice(&self) -> &'static str {
        match self.kind {
            Kind::Refused(401 | 404) => {
                "get a new token from BotFather (/token) and set it; the old one is void"
            }
            Kind::Refused(409) => {
                "another program reads the updates of this bot: stop it, or give each desk a bot of its own; the desk keeps trying"
            }
            Kind::Refused(429) => {
                "nothing to do: the desk waits as long as Telegram asks; if it goes on, find out who floods the bot"
            }
            Kind::Refused(400) => {
                "check public_url: a public host name, a valid certificate, port 443, 80, 88 or 8443; the desk keeps trying"
            }
            Kind::Unreachable => "check network, name service and base_url; the desk keeps trying",
            Kind::Refused(_) | Kind::Lost => {
                "nothing to do if it is back within minutes; the desk keeps trying"
            }
            Kind::Strange(_) => {
                "check base_url and whether a proxy stands between; the desk keeps trying"
            }
            Kind::Door => {
                "free disk space or repair the database; the updates stay at Telegram for up to 24 hours and are taken then"
            }
        }
    }

    /// The health this fault means.
    pub(crate) fn health(&self) -> Health {
        Health::Down {
            problem: self.words.clone(),
            advice: self.advice().into(),
        }
    }
}

impl From<Fault> for ReceiveError {
    fn from(fault: Fault) -> Self {
        Self {
            advice: fault.advice().into(),
            permanent: fault.is_about_the_token(),
            problem: fault.words,
        }
    }
}

impl From<DoorError> for Fault {
    fn from(error: DoorError) -> Self {
        Self::new(
            Kind::Door,
            format!("the inbox could not store or read: {error}"),
        )
    }
}

/// 1 s, 2 s, 4 s … 60 s, between half and the whole of it, so that many desks do not return at the same moment; longer when
/// the server asks for it.
pub(crate) fn pause_after(failures: u32, fault: &Fault) -> Duration {
    let whole = Duration::from_secs(1_u64 << failures.min(6)).min(Duration::from_secs(60));
    let share = getrandom::u32().unwrap_or_default() % 500;
    let pause = whole.mul_f64(0.5 + f64::from(share) / 1000.0);
    pause.max(fault.retry_after.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_never_undercut_the_server() {
        let mut fault = Fault::new(Kind::Lost, "gone");
        for failures in 0..40 {
            let pause = pause_after(failures, &fault);
            assert!(pause >= Duration::from_millis(500) && pause <= Duration::from_secs(60));
        }
        assert!(pause_after(40, &fault) >= Duration::from_secs(30));
        fault.retry_after = Some(Duration::from_secs(400));
        assert_eq!(pause_after(0, &fault), Duration::from_secs(400));
    }

    #[test]
    fn only_a_refused_token_ends_receiving() {
        for (kind, permanent) in [
            (Kind::Refused(401), true),
            (Kind::Refused(404), true),
            (Kind::Refused(409), false),
            (Kind::Strange(404), false),
            (Kind::Unreachable, false),
            (Kind::Door, false),
        ] {
            assert_eq!(
                ReceiveError::from(Fault::new(kind, "x")).permanent,
                permanent
            );
        }
    }
}
