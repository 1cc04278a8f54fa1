//! What a report about an undelivered message means: for the ticket, and for the address.

use madoguchi_channel::{DeliveryAction, DeliveryReport, ReportedRecipient};

/// What became of the desk's message, as the report says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It will not arrive.
    Failed,
    /// It has not arrived yet; the server goes on trying (RFC 3464 §2.3.3 `delayed`).
    Delayed,
    /// It arrived, or went on to where nobody reports from.
    Arrived,
}

/// The worst any recipient met; a report that names none is about a failure.
pub fn fate(report: Option<&DeliveryReport>) -> Fate {
    let Some(report) = report.filter(|report| !report.recipients.is_empty()) else {
        return Fate::Failed;
    };
    let any = |action| report.recipients.iter().any(|r| r.action == action);
    if any(DeliveryAction::Failed) {
        Fate::Failed
    } else if any(DeliveryAction::Delayed) {
        Fate::Delayed
    } else {
        Fate::Arrived
    }
}

/// True when nothing will ever reach this address, as far as the server knows (RFC 3463 §3.2): not for a full mailbox, a message that is too
/// large or a policy against its content, which another message may pass.
pub fn is_dead(recipient: &ReportedRecipient) -> bool {
    recipient.action == DeliveryAction::Failed
        && says_dead(
            recipient.status.as_deref(),
            recipient.diagnostic.as_deref().unwrap_or_default(),
        )
}

/// The same judgement on a server's refusal, by its enhanced status code or, where it has none, its words.
pub fn says_dead(status: Option<&str>, words: &str) -> bool {
    let lower = words.to_lowercase();
    let coded = status
        .map(str::to_owned)
        .or_else(|| enhanced_code(&lower).map(str::to_owned));
    match coded.as_deref().map(str::trim) {
        // 5.0.0 and 5.1.0 say no more than "failed"; the words decide.
        Some("5.0.0" | "5.1.0" | "5.2.0" | "5.7.0") | None => {
            const DEAD: [&str; 14] = [
                "user unknown",
                "unknown user",
                "no such user",
                "no such recipient",
                "no mailbox",
                "mailbox unavailable",
                "does not exist",
                "not exist",
                "address rejected",
                "recipient rejected",
                "unrouteable address",
                "host not found",
                "host unknown",
                "見つかりません",
            ];
            DEAD.iter().any(|words| lower.contains(words))
        }
        Some(code) => matches!(
            code,
            "5.1.1" | "5.1.2" | "5.1.3" | "5.1.6" | "5.1.10" | "5.2.1" | "5.4.4"
        ),
    }
}

/// The first `x.y.z` of class 5 in a line.
fn enhanced_code(words: &str) -> Option<&str> {
    words
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .find(|token| {
            token.starts_with("5.")
                && token.split('.').count() == 3
                && token.split('.').all(|n| !n.is_empty() && n.len() <= 3)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_addresses_are_told_from_full_mailboxes_and_policies() {
        for (status, words, dead) in [
            (Some("5.1.1"), "", true),
            (Some("5.2.2"), "mailbox full", false),
            (Some("5.3.4"), "too big", false),
            (Some("5.7.1"), "rejected as spam", false),
            (Some("5.7.26"), "unauthenticated", false),
            (None, "550 5.1.1 <a@example.com>: user unknown", true),
            (None, "550 No such user here", true),
            (None, "552 5.2.2 over quota", false),
            (None, "554 message refused", false),
            (Some("5.0.0"), "550 unknown user", true),
            (Some("4.4.1"), "no answer from host", false),
        ] {
            assert_eq!(says_dead(status, words), dead, "{status:?} {words}");
        }
    }
}
