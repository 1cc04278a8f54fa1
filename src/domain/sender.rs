//! Whether a sender is who the message says: what the checks on arrival found, in the form the judgements use and staff read.

use serde::{Deserialize, Serialize};

/// Result of the domain's own policy (DMARC, RFC 7489) for the address in From.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The domain vouches for the message.
    Pass,
    /// The domain says the message is not its own.
    Fail,
    /// It could not be found out (a name server was silent); neither for nor against.
    Unknown,
    /// The domain says nothing, or nobody looked.
    #[default]
    None,
}

/// What the checks on arrival found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SenderTrust {
    /// May the address in From be believed?
    pub proof: Proof,
    /// The domain asks that messages that fail be refused or set aside (`p=reject`, `p=quarantine`).
    #[serde(default)]
    pub strict: bool,
    /// One line a check, for staff (`SPF pass (example.com)`).
    #[serde(default)]
    pub checks: Vec<String>,
    /// What looks like a trick, for staff (a look-alike domain, an address in the name).
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl SenderTrust {
    /// True when the message must not be taken for the sender's.
    pub fn failed(&self) -> bool {
        self.proof == Proof::Fail
    }
}
