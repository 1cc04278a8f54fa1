//! The two clocks of a ticket.

use crate::domain::ticket::closed_set;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

closed_set!(
    /// Which clock.
    ClockKind {
        /// Until the requester got an answer in substance. Never stands still.
        FirstResponse = "first_response",
        /// Until the matter is settled. Stands still while the desk waits for the requester.
        Resolution = "resolution",
    }
);

closed_set!(
    /// How near a clock is to its end.
    WarningLevel {
        /// Half the business time is gone.
        Half = "half",
        /// Four business hours are left.
        FourHours = "four_hours",
        /// The due instant has passed.
        Breach = "breach",
    }
);

/// One clock as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// When it is due (end of the business day of the rule, pauses added).
    pub due_at: Timestamp,
    /// When it was met; `None` while it runs or stands still.
    pub met_at: Option<Timestamp>,
    /// Since when it stands still.
    pub paused_since: Option<Timestamp>,
}

/// Both clocks of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocks {
    /// Until the first answer in substance.
    pub first_response: Clock,
    /// Until it is settled.
    pub resolution: Clock,
}
