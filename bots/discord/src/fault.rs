//! What can be wrong with Discord, in two voices: the problem with the server's own words, and what to do.

use madoguchi_channel::{Health, ReceiveError};
use std::time::Duration;

/// Kinds of faults an operator treats differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No connection, or no answer.
    Unreachable,
    /// The server has trouble of its own (5xx).
    Server,
    /// The token is refused.
    SignIn,
    /// The application may not receive what it asks for.
    Intents,
    /// Too many requests, or too many connections in a day.
    Limit,
    /// The gateway connection does not come about.
    Gateway,
    /// The server refused a request.
    Refused,
    /// The desk's own inbox could not store.
    Door,
    /// The settings cannot work.
    Settings,
}

/// One fault. Its text carries no token and no personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Fault {
    /// What kind.
    pub kind: Kind,
    /// What is wrong, with the server's own words.
    pub problem: String,
    /// The wait the server asks for.
    pub wait: Option<Duration>,
}

impl Fault {
    /// A fault of a kind.
    pub fn new(kind: Kind, problem: impl Into<String>) -> Self {
        Self {
            kind,
            problem: problem.into(),
            wait: None,
        }
    }

    /// What the operator can do.
    pub fn advice(&self) -> &'static str {
        match self.kind {
            Kind::Unreachable => {
                "check the network and that discord.com can be reached from this machine; the desk keeps trying"
            }
            Kind::Server => {
                "nothing to do; see discordstatus.com if it lasts; the desk keeps trying"
            }
            Kind::SignIn => {
                "make a new token on the page \"Bot\" of the application, set it as this channel's token and start again"
            }
            Kind::Intents => {
                "see the page \"Bot\" of the application: the desk needs no privileged intent; update the desk if this persists"
            }
            Kind::Limit => "nothing to do; the desk waits as long as Discord asks",
            Kind::Gateway => {
                "check that this machine may open secure WebSocket connections to gateway.discord.gg; the desk keeps trying"
            }
            Kind::Refused => {
                "check the bot's permissions and the desk's log; the desk keeps trying"
            }
            Kind::Door => {
                "free disk space or repair the database; direct messages stay at Discord and are taken then"
            }
            Kind::Settings => "correct the settings of this channel and start again",
        }
    }

    /// Whether only a changed configuration can help.
    pub fn permanent(&self) -> bool {
        matches!(self.kind, Kind::SignIn | Kind::Intents | Kind::Settings)
    }

    /// The health this fault means.
    pub fn health(&self) -> Health {
        Health::Down {
            problem: self.problem.clone(),
            advice: self.advice().into(),
        }
    }
}

impl From<Fault> for ReceiveError {
    fn from(fault: Fault) -> Self {
        Self {
            advice: fault.advice().into(),
            permanent: fault.permanent(),
            problem: fault.problem,
        }
    }
}

impl From<madoguchi_channel::DoorError> for Fault {
    fn from(error: madoguchi_channel::DoorError) -> Self {
        Self::new(
            Kind::Door,
            format!("the inbox could not store or read: {error}"),
        )
    }
}
