//! Messages nobody could be answered to by itself: no sender, imported history, staff.

use super::own::without_detail;
use super::{ScreenFacts, Verdict};
use crate::domain::inquiry::Inquiry;

pub(super) fn check(inquiry: &Inquiry, facts: &ScreenFacts) -> Option<Verdict> {
    let quiet = |reason: &str| {
        Some(Verdict::Quiet {
            reason: reason.to_owned(),
        })
    };
    if inquiry.silent {
        return quiet("imported");
    }
    let Some(party) = inquiry.reply_party() else {
        return quiet("no-sender");
    };
    let address = party.address.to_lowercase();
    if facts.own_addresses.contains(&without_detail(&address)) {
        return quiet("replies-to-desk");
    }
    if facts.staff_addresses.contains(&address) {
        return quiet("staff");
    }
    let local = address.split('@').next().unwrap_or_default();
    if matches!(
        local,
        "noreply" | "no-reply" | "donotreply" | "do-not-reply" | "mailer-daemon" | "postmaster"
    ) {
        return quiet("no-reply-address");
    }
    None
}
