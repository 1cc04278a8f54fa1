//! Caps on automatic messages: the last line against loops no header gives away (row "Never" of the requirements).

use super::{ScreenFacts, Verdict};
use crate::domain::inquiry::Inquiry;

pub(super) fn check(_inquiry: &Inquiry, facts: &ScreenFacts) -> Option<Verdict> {
    let caps = facts.caps;
    let reason = if facts.sent_in_ticket >= caps.per_ticket {
        "cap-per-ticket"
    } else if facts.sent_to_sender >= caps.per_sender {
        "cap-per-sender"
    } else if facts.sent_in_all >= caps.per_day {
        "cap-per-day"
    } else {
        return None;
    };
    Some(Verdict::Quiet {
        reason: reason.to_owned(),
    })
}
