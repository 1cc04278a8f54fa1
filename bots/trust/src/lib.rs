//! Is the sender who the message says?
//!
//! | module | subject |
//! | --- | --- |
//! | `check` | DKIM (RFC 6376), DMARC (RFC 7489, RFC 9989) and ARC (RFC 8617) of one arrived message |
//! | `spf`, `spf_record` | SPF (RFC 7208): evaluation, grammar |
//! | `arc_form` | the form of ARC fields |
//! | `trace` | what our own receiving servers wrote into it: the connecting address, their results (RFC 8601) |
//! | `lookalike` | domains and names made to look like others |
//! | `feedback` | reports of complaints and failed signatures (RFC 5965, RFC 6591) |
//! | `sign` | DKIM signatures on departing messages |
//! | `smime` | S/MIME signatures on departing messages |
//!
//! Mail is read from a mailbox, after the servers have taken it: where it came from is known from their trace fields alone, and those are
//! believed only where the configuration names the servers.

mod arc_form;
mod check;
mod feedback;
mod lookalike;
mod network;
mod sign;
mod smime;
mod spf;
mod spf_record;
mod trace;

pub use check::{Checker, Dmarc, Override, Settings, SetupError, Signature, Trust, Verdict};
pub use feedback::{Feedback, feedback_report};
pub use lookalike::{Warning, warnings};
pub use network::{Network, NetworkError};
pub use sign::{SignError, Signer};
pub use smime::{SmimeError, SmimeSigner};
pub use spf::{Spf, SpfResult};
pub use trace::{Trace, trace};
