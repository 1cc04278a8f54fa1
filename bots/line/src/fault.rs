//! What can be wrong with LINE, in two voices: the problem with LINE's own words, and what to do.

use madoguchi_channel::{Health, ReceiveError, SendError};

/// One fault. Its words carry no secret and no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No answer: no connection, a broken one, or none in time.
    NoAnswer {
        /// What happened.
        words: String,
        /// True when the call may have reached LINE all the same.
        maybe_taken: bool,
    },
    /// LINE does not accept who we say we are: nothing works until the settings change.
    Refused(String),
    /// LINE answered that it cannot serve now, or in a form that cannot be read.
    Unserved(String),
    /// LINE answers, but calls nobody: no webhook address, or not switched on.
    Webhook(String),
    /// LINE calls and does not get through to the desk, or is turned away there.
    NotReached {
        /// What LINE met.
        words: String,
        /// True when the desk took LINE's call for a forged one.
        turned_away: bool,
    },
    /// The month's messages are used up.
    Quota(String),
    /// The settings cannot work.
    Settings(String),
}

impl Fault {
    /// What is wrong.
    pub fn problem(&self) -> &str {
        match self {
            Self::NoAnswer { words, .. }
            | Self::NotReached { words, .. }
            | Self::Refused(words)
            | Self::Unserved(words)
            | Self::Webhook(words)
            | Self::Quota(words)
            | Self::Settings(words) => words,
        }
    }

    /// What the operator can do.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NoAnswer { .. } => {
                "check that this machine reaches api.line.me over HTTPS; the desk keeps trying"
            }
            Self::Refused(_) => {
                "check access_token, or channel_id and channel_secret, in the LINE Developers console and start again"
            }
            Self::Unserved(_) => {
                "nothing to do if it is over within minutes; else look at LINE's status page"
            }
            Self::Webhook(_) => {
                "in the LINE Developers console (Messaging API) set the webhook URL and switch on `Use webhook`, or set webhook_url"
            }
            Self::NotReached {
                turned_away: true, ..
            } => {
                "check channel_secret: it must be the one of this very channel in the LINE Developers console"
            }
            Self::NotReached { .. } => {
                "check that the webhook URL leads to this desk from the internet over HTTPS with a public certificate"
            }
            Self::Quota(_) => {
                "raise the account's message limit in LINE Official Account Manager; replies within a minute still go out"
            }
            Self::Settings(_) => "correct the settings of this channel and start again",
        }
    }

    /// The health this fault means.
    pub fn health(&self) -> Health {
        Health::Down {
            problem: self.problem().to_owned(),
            advice: self.advice().into(),
        }
    }
}

impl From<Fault> for ReceiveError {
    fn from(fault: Fault) -> Self {
        Self {
            advice: fault.advice().into(),
            permanent: matches!(fault, Fault::Refused(_) | Fault::Settings(_)),
            problem: fault.problem().to_owned(),
        }
    }
}

impl From<Fault> for SendError {
    /// Faults of the connection and of our own sign-in say nothing against the recipient: they pass or are mended.
    fn from(fault: Fault) -> Self {
        Self::Temporary(fault.problem().to_owned())
    }
}
