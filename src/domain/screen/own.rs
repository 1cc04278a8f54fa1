//! The desk's own mail coming back: loops between desks, forwarded copies, a desk address as sender.

use super::{ScreenFacts, Verdict};
use crate::domain::inquiry::Inquiry;

pub(super) fn check(inquiry: &Inquiry, facts: &ScreenFacts) -> Option<Verdict> {
    let message = &inquiry.message;
    if let Some(installation) = &message.installation {
        // Another desk of this make is a machine as well: two of them must never talk to each other.
        let reason = if facts.own_installations.contains(installation) {
            "own-installation"
        } else {
            "other-desk"
        };
        return Some(Verdict::Machine {
            kind: None,
            reason: reason.to_owned(),
        });
    }
    let from = message.from.as_ref()?.address.to_lowercase();
    facts
        .own_addresses
        .contains(&without_detail(&from))
        .then(|| Verdict::Machine {
            kind: None,
            reason: "own-address".to_owned(),
        })
}

/// `Desk+anything@example.jp` is `desk@example.jp` (RFC 5233 sub-addressing).
pub fn without_detail(address: &str) -> String {
    let address = &address.to_lowercase();
    match address.split_once('@') {
        Some((local, domain)) => {
            let local = local.split('+').next().unwrap_or(local);
            format!("{local}@{domain}")
        }
        None => address.to_owned(),
    }
}
