//! What a bounce reports, recipient by recipient (RFC 3464), and what can be read from the free forms before it.

use crate::patterns;
use madoguchi_channel::{DeliveryAction, DeliveryReport, ReportedRecipient};
use regex::Regex;
use std::sync::LazyLock;

/// More recipients than this are not told apart.
const MOST: usize = 50;
/// A diagnostic is cut here, in characters.
const LONGEST: usize = 500;
/// Lines after an address in which its reason is looked for.
const REASON_LINES: usize = 6;
/// Lines of a free-form text that are looked at.
const MOST_LINES: usize = 400;

/// What a bounce is made of.
pub(crate) struct Facts<'a> {
    /// The fields of its `message/delivery-status` parts, as text.
    pub(crate) status: &'a str,
    /// Values of `X-Failed-Recipients`.
    pub(crate) failed: Vec<String>,
    /// Its text.
    pub(crate) text: &'a str,
    /// The id of the message it speaks of, where it was found.
    pub(crate) original: Option<String>,
}

/// Reads a bounce.
pub(crate) fn report(facts: &Facts<'_>) -> DeliveryReport {
    let mut recipients = by_fields(facts.status);
    if recipients.is_empty() {
        recipients = by_text(facts.text, &facts.failed);
    }
    recipients.truncate(MOST);
    DeliveryReport {
        original_message_id: facts.original.clone(),
        recipients,
    }
}

/// Groups of fields, parted by blank lines; those with a recipient count (RFC 3464 §2.3).
fn by_fields(status: &str) -> Vec<ReportedRecipient> {
    let mut groups: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for line in status.lines() {
        if line.trim().is_empty() {
            groups.push(Vec::new());
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = groups.last_mut().and_then(|g| g.last_mut()) {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':')
            && let Some(group) = groups.last_mut()
        {
            group.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
        if groups.len() > MOST * 2 {
            break;
        }
    }
    groups.iter().filter_map(|group| recipient(group)).collect()
}

fn recipient(group: &[(String, String)]) -> Option<ReportedRecipient> {
    let field = |name: &str| {
        group
            .iter()
            .find(|(n, v)| n == name && !v.is_empty())
            .map(|(_, value)| value.as_str())
    };
    // The address we wrote to, where the report keeps it; a forwarder's own address says nothing to us.
    let address = field("original-recipient").or(field("final-recipient"))?;
    let action = match field("action")
        .unwrap_or_default()
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "delayed" => DeliveryAction::Delayed,
        "delivered" => DeliveryAction::Delivered,
        "relayed" => DeliveryAction::Relayed,
        "expanded" => DeliveryAction::Expanded,
        _ => DeliveryAction::Failed,
    };
    let status = field("status")
        .and_then(|status| status.split_whitespace().next())
        .map(|status| status.trim_end_matches(';').to_owned());
    let diagnostic = field("diagnostic-code").map(|code| {
        let words = code.split_once(';').map_or(code, |(_, words)| words);
        cut(words.trim())
    });
    Some(ReportedRecipient {
        address: typed_address(address),
        action,
        status,
        diagnostic,
    })
}

/// `rfc822; local+40part@example.com` (RFC 3464 §2.1.2; xtext, RFC 3461 §4).
fn typed_address(value: &str) -> String {
    let address = value.split_once(';').map_or(value, |(_, address)| address);
    let address = address.trim().trim_matches(['<', '>', '"']);
    let mut out = String::new();
    let mut rest = address;
    while let Some((head, tail)) = rest.split_once('+') {
        out.push_str(head);
        let code = tail.get(..2).filter(|code| {
            // Only what xtext must encode: a `+` in an address is common and stays.
            code.chars()
                .all(|c| c.is_ascii_digit() || ('A'..='F').contains(&c))
                && value.to_ascii_lowercase().contains("rfc822")
                && !tail.starts_with(|c: char| c.is_ascii_lowercase())
                && address.matches('@').count() == 0
        });
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                out.push(char::from(byte));
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push('+');
                rest = tail;
            }
        }
    }
    out.push_str(rest);
    out
}

/// `None` never happens: a test compiles every one.
type Pattern = LazyLock<Option<Regex>>;

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

fn speaks(pattern: &Pattern, text: &str) -> bool {
    pattern.as_ref().is_some_and(|p| p.is_match(text))
}

/// The first group of the first match.
fn group<'t>(pattern: &Pattern, text: &'t str) -> Option<&'t str> {
    pattern.as_ref()?.captures(text)?.get(1).map(|m| m.as_str())
}

static ADDRESS: Pattern = LazyLock::new(|| {
    pattern(r"([A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]+@[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?)")
});
static ENHANCED: Pattern =
    LazyLock::new(|| pattern(r"(?:^|[^\d.])([245]\.\d{1,3}\.\d{1,3})(?:[^\d.]|$)"));
static REPLY: Pattern =
    LazyLock::new(|| pattern(r"(?:^|[^\d.])([45]\d\d)[ \-](?:[245]\.\d|[A-Za-z<'#])"));
/// Addresses in a free-form text, each with the reason near it.
fn by_text(text: &str, failed: &[String]) -> Vec<ReportedRecipient> {
    let lines: Vec<&str> = text.lines().take(MOST_LINES).collect();
    // What follows is the returned message, whose addresses are others.
    let end = lines
        .iter()
        .position(|line| patterns::RETURNED.is_match(line))
        .unwrap_or(lines.len());
    let lines = lines.get(..end).unwrap_or_default();
    let later = lines.iter().any(|line| patterns::DELAYED.is_match(line));
    let mut found: Vec<ReportedRecipient> = Vec::new();
    let mut add = |address: &str, reason: &str| {
        let known = |r: &ReportedRecipient| r.address.eq_ignore_ascii_case(address);
        if found.iter().any(known) || found.len() >= MOST {
            return;
        }
        let status = group(&ENHANCED, reason).map(str::to_owned);
        let permanent = status.as_deref().is_some_and(|s| s.starts_with('5'))
            || group(&REPLY, reason).is_some_and(|code| code.starts_with('5'));
        found.push(ReportedRecipient {
            address: address.to_owned(),
            action: if later && !permanent {
                DeliveryAction::Delayed
            } else {
                DeliveryAction::Failed
            },
            status,
            diagnostic: Some(cut(reason.trim())).filter(|words| !words.is_empty()),
        });
    };
    for (n, line) in lines.iter().enumerate() {
        let Some(address) = group(&ADDRESS, line) else {
            continue;
        };
        let near = n + 1 + REASON_LINES;
        let reason = lines
            .get(n..near.min(lines.len()))
            .unwrap_or_default()
            .join(" ");
        let named = failed.iter().any(|f| f.eq_ignore_ascii_case(address));
        if named
            || speaks(&ENHANCED, &reason)
            || speaks(&REPLY, &reason)
            || patterns::REFUSAL.is_match(&reason)
        {
            add(address, &reason);
        }
    }
    for address in failed {
        let reason = lines.join(" ");
        add(address, &reason);
    }
    found
}

fn cut(words: &str) -> String {
    words.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(facts: &Facts<'_>) -> (String, DeliveryAction, Option<String>) {
        let report = report(facts);
        assert_eq!(report.recipients.len(), 1, "{report:?}");
        let r = report
            .recipients
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("one"));
        (r.address, r.action, r.status)
    }

    fn status(text: &str) -> Facts<'_> {
        Facts {
            status: text,
            failed: Vec::new(),
            text: "",
            original: None,
        }
    }

    fn text(text: &str) -> Facts<'_> {
        Facts {
            status: "",
            failed: Vec::new(),
            text,
            original: None,
        }
    }

    #[test]
    fn every_pattern_compiles() {
        for pattern in [&ADDRESS, &ENHANCED, &REPLY] {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn fields_are_read_group_by_group() {
        let report = report(&status(
            "Reporting-MTA: dns; mx.example.net\nArrival-Date: x\n\nFinal-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1 (gone)\nDiagnostic-Code: smtp; 550 5.1.1\n no such user\n\nFinal-Recipient: RFC822;<b@example.com>\nAction: delayed\nStatus: 4.4.1\nWill-Retry-Until: y\n\n",
        ));
        assert_eq!(report.recipients.len(), 2);
        let first = &report.recipients[0];
        assert_eq!(first.address, "a@example.com");
        assert_eq!(first.status.as_deref(), Some("5.1.1"));
        assert_eq!(first.diagnostic.as_deref(), Some("550 5.1.1 no such user"));
        assert_eq!(report.recipients[1].action, DeliveryAction::Delayed);
    }

    #[test]
    fn the_address_we_wrote_to_counts_and_its_plus_stays() {
        let (address, ..) = one(&status(
            "Original-Recipient: rfc822;me+desk@example.com\nFinal-Recipient: rfc822; real@inner.example\nAction: failed\nStatus: 5.0.0\n",
        ));
        assert_eq!(address, "me+desk@example.com");
        let (address, ..) = one(&status(
            "Final-Recipient: rfc822; a+40example.com\nAction: failed\n",
        ));
        assert_eq!(address, "a@example.com");
    }

    #[test]
    fn free_forms_are_read_near_the_address() {
        for (given, address, action, code) in [
            (
                "Hi. This is the qmail-send program at mail.example.net.\n\n<a@example.com>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nTo: desk@desk.example.jp\n",
                "a@example.com",
                DeliveryAction::Failed,
                Some("5.1.1"),
            ),
            (
                "This message was created automatically by mail delivery software.\nA message that you sent could not be delivered to one or more of its recipients.\n\n  a@example.com\n    host mx.example.com [192.0.2.1]\n    SMTP error from remote mail server after RCPT TO: 550 User unknown\n",
                "a@example.com",
                DeliveryAction::Failed,
                None,
            ),
            (
                "<a@docomo.example>: host mfsmax.docomo.example[192.0.2.1] said: 550 Unknown user a@docomo.example (in reply to RCPT TO command)\n",
                "a@docomo.example",
                DeliveryAction::Failed,
                None,
            ),
            (
                "次の宛先へ配信できませんでした。\na@example.com\nアドレスが見つかりません\n",
                "a@example.com",
                DeliveryAction::Failed,
                None,
            ),
            (
                "Your message to a@example.com has not yet been delivered. 4.4.1 no answer from host. The server will keep trying.\n",
                "a@example.com",
                DeliveryAction::Delayed,
                Some("4.4.1"),
            ),
        ] {
            let (found, did, status) = one(&text(given));
            assert_eq!(
                (found.as_str(), did, status.as_deref()),
                (address, action, code),
                "{given}"
            );
        }
    }

    #[test]
    fn a_text_without_reasons_names_nobody() {
        assert!(
            report(&text("Please write to desk@desk.example.jp\nThank you"))
                .recipients
                .is_empty()
        );
        assert!(report(&text("")).recipients.is_empty());
        assert!(
            report(&status("garbage\n::::\n\n\n:\n"))
                .recipients
                .is_empty()
        );
    }
}
