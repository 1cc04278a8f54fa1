//! What a bounce says, for machines: who was not reached, for good or for now, and which message it was about.
//!
//! Reports in standard form (RFC 3464) are read field by field; where there is none, the addresses and codes are looked for in
//! the text, where qmail, Exim, Postfix, Exchange and the carriers write them.

use crate::decode::understood;
use crate::field::Fields;
use crate::patterns;
use crate::transfer;
use crate::words;
use madoguchi_channel::MarkKind;

/// What became of a message at one recipient (RFC 3464 §2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It will not arrive.
    Failed,
    /// It has not arrived yet; the mail system goes on trying.
    Delayed,
    /// It arrived.
    Delivered,
    /// It went on to a system that gives no reports.
    Relayed,
    /// It arrived and was sent on to several others.
    Expanded,
}

/// One recipient of a [`BounceReport`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BouncedRecipient {
    /// The address the message was sent to (`Original-Recipient` where it is told, else `Final-Recipient`).
    pub address: String,
    /// What became of the message there.
    pub action: Action,
    /// The enhanced status code (RFC 3463), such as `5.1.1`.
    pub status: Option<String>,
    /// What the other system said, on one line.
    pub diagnostic: Option<String>,
    /// True when trying again is of no use: the action is `failed` and the status does not say "for now" (`4.…`).
    pub permanent: bool,
}

/// What a delivery report says (RFC 3464), or a bounce in no standard form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BounceReport {
    /// Every recipient it speaks of, in order.
    pub recipient: Vec<BouncedRecipient>,
    /// The `Message-ID` of the message it is about, without brackets.
    pub original_message_id: Option<String>,
}

/// More recipients than this are not listed.
const MOST: usize = 500;
/// A diagnostic longer than this many characters is cut.
const LONGEST_DIAGNOSTIC: usize = 500;
/// So many lines of a free-form bounce are looked at.
const MOST_LINES: usize = 400;

/// Reads a message as a delivery report. `None` when it is none: a person's mail that merely speaks of one is not.
///
/// Reports that say only good things (delivered, relayed) are read too, although such a message is no bounce.
pub fn bounce_report(bytes: &[u8]) -> Option<BounceReport> {
    let (message, facts) = understood(bytes).ok()?;
    let bounced = message.marks.iter().any(|m| m.kind == MarkKind::Bounce);
    if facts.delivery_report.is_empty() && !bounced {
        return None;
    }
    let mut found = standard(&facts.delivery_report);
    if found.is_empty() {
        found = free_form(&message.text, &facts.failed_recipients);
    }
    let own: Vec<&str> = message.to.iter().map(|p| p.address.as_str()).collect();
    if found.len() > 1 && facts.delivery_report.is_empty() {
        // A bounce names the one it is sent to as well.
        found.retain(|r| !own.contains(&r.address.as_str()));
    }
    let original_message_id = facts
        .enclosed
        .into_iter()
        .chain(message.references)
        .chain(message.in_reply_to)
        .next();
    Some(BounceReport {
        recipient: found,
        original_message_id,
    })
}

/// The recipients of a report in standard form: groups of fields, a blank line between them.
fn standard(report: &str) -> Vec<BouncedRecipient> {
    let mut found: Vec<BouncedRecipient> = Vec::new();
    let mut rest = report.as_bytes();
    while !rest.is_empty() && found.len() < MOST {
        let (group, after) = group(rest);
        rest = after;
        let fields = Fields::read(group);
        let value = |name: &str| {
            fields
                .first(name)
                .map(|v| words::text(v, crate::charset::Hints::default()))
                .filter(|v| !v.is_empty())
        };
        let named = |name: &str| value(name).map(|v| address(&v)).filter(|a| a.contains('@'));
        let Some(address) = named("original-recipient")
            .or_else(|| named("final-recipient"))
            .or_else(|| named("x-actual-recipient"))
        else {
            continue;
        };
        let status = value("status").and_then(|v| status_in(&v));
        let diagnostic = value("diagnostic-code").map(|v| {
            let words = match v.split_once(';') {
                Some((kind, words)) if kind.trim().len() <= 20 => words,
                _ => &v,
            };
            shortened(words)
        });
        let diagnostic = diagnostic.filter(|d| !d.is_empty());
        let action = value("action").and_then(|v| action_named(&v)).unwrap_or({
            match status.as_deref().and_then(|s| s.chars().next()) {
                Some('2') => Action::Delivered,
                Some('4') => Action::Delayed,
                _ => Action::Failed,
            }
        });
        // "5.0.0" and the like say nothing; what the other system said says more.
        let vague = status.as_deref().is_none_or(|s| s.ends_with(".0.0"));
        let status = diagnostic
            .as_deref()
            .filter(|_| vague)
            .and_then(status_in)
            .or(status);
        found.push(recipient(address, action, status, diagnostic));
    }
    found
}

/// Splits after the next blank line.
fn group(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    let mut filled = false;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        at += line.len();
        let blank = line.trim_ascii().is_empty();
        if blank && filled {
            break;
        }
        filled |= !blank;
    }
    let (group, rest) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
    (group.trim_ascii_start(), rest)
}

fn recipient(
    address: String,
    action: Action,
    status: Option<String>,
    diagnostic: Option<String>,
) -> BouncedRecipient {
    let for_now = status.as_deref().is_some_and(|s| s.starts_with('4'));
    BouncedRecipient {
        permanent: action == Action::Failed && !for_now,
        address,
        action,
        status,
        diagnostic,
    }
}

fn action_named(value: &str) -> Option<Action> {
    let word: String = value
        .trim()
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    Some(match word.to_ascii_lowercase().as_str() {
        "failed" | "failure" => Action::Failed,
        "delayed" => Action::Delayed,
        "delivered" => Action::Delivered,
        "relayed" => Action::Relayed,
        "expanded" => Action::Expanded,
        _ => return None,
    })
}

/// `rfc822; a@example.org`, also in brackets, and with xtext escapes (RFC 3461 §4).
fn address(value: &str) -> String {
    let (kind, value) = match value.split_once(';') {
        Some((kind, rest)) => (kind.trim().to_ascii_lowercase(), rest),
        None => (String::new(), value),
    };
    let plain = crate::address::bare(value.trim().trim_matches(['<', '>']));
    if kind != "rfc822" || !plain.contains('+') {
        return plain;
    }
    // `+2B` stands for `+`; a plus sign before anything else is the sender's own.
    let escaped = plain.split('+').skip(1).all(|p| {
        p.get(..2)
            .is_some_and(|h| h.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F')))
    });
    if !escaped {
        return plain;
    }
    let mut out = Vec::new();
    transfer::escapes(plain.as_bytes(), b'+', &mut out);
    match String::from_utf8(out) {
        Ok(text) if text.chars().all(|c| !c.is_control()) && text.contains('@') => text,
        _ => plain,
    }
}

/// The first enhanced status code in a text (RFC 3463): class 2, 4 or 5, subject and detail.
fn status_in(text: &str) -> Option<String> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .map(|word| word.trim_end_matches('.'))
        .find(|word| {
            let parts: Vec<&str> = word.split('.').collect();
            matches!(parts.as_slice(), ["2" | "4" | "5", subject, detail]
                if (1..=3).contains(&subject.len()) && (1..=3).contains(&detail.len()))
        })
        .map(str::to_owned)
}

/// The first SMTP reply code of a refusal (RFC 5321 §4.2), such as `550`.
fn reply_code(text: &str) -> Option<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| {
            word.len() == 3
                && word.starts_with(['4', '5'])
                && word.bytes().all(|b| b.is_ascii_digit())
                && word
                    .get(1..2)
                    .is_some_and(|d| matches!(d, "0" | "1" | "2" | "3" | "4" | "5" | "7"))
        })
}

fn shortened(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST_DIAGNOSTIC).collect()
}

/// Addresses in a text, in order.
fn addresses(line: &str) -> Vec<String> {
    let inside = |c: char| c.is_alphanumeric() || "!#$%&*+-/=?^_{|}~.@'".contains(c);
    line.split(|c: char| !inside(c))
        .map(|word| {
            word.trim_matches(['.', '\'', '='])
                .trim_start_matches("mailto:")
        })
        .filter(|word| {
            word.rsplit_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && !local.contains('@')
                    && domain.contains('.')
                    && domain
                        .chars()
                        .all(|c| c.is_alphanumeric() || matches!(c, '-' | '.'))
            })
        })
        .map(crate::address::bare)
        .collect()
}

/// Recipients named in a header of their own, and those the text names before it quotes the message.
fn free_form(text: &str, failed: &[String]) -> Vec<BouncedRecipient> {
    let lines: Vec<&str> = text
        .lines()
        .take(MOST_LINES)
        .take_while(|line| !patterns::RETURNED.is_match(line))
        .collect();
    let delayed = lines.iter().any(|line| patterns::DELAYED.is_match(line));
    let mut found: Vec<BouncedRecipient> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let quoted = line.trim_start().starts_with('>');
        for address in addresses(line) {
            let known = found
                .iter()
                .any(|r| r.address.eq_ignore_ascii_case(&address));
            let wanted =
                failed.is_empty() || failed.iter().any(|f| f.eq_ignore_ascii_case(&address));
            let daemon = ["mailer-daemon", "postmaster", "mail-daemon"]
                .iter()
                .any(|d| address.to_ascii_lowercase().starts_with(d));
            if quoted || known || daemon || !wanted || found.len() >= MOST {
                continue;
            }
            // What is said of it stands behind it, or in the lines below, up to the next address.
            let below = lines.iter().skip(at + 1).take(12).take_while(|l| {
                addresses(l)
                    .iter()
                    .all(|a| a.eq_ignore_ascii_case(&address))
            });
            let said: Vec<&str> = std::iter::once(*line).chain(below.copied()).collect();
            found.push(said_of(address, &said, delayed));
        }
    }
    for address in failed.iter().take(MOST.saturating_sub(found.len())) {
        if !found
            .iter()
            .any(|r| r.address.eq_ignore_ascii_case(address))
        {
            found.push(said_of(address.clone(), &lines, delayed));
        }
    }
    // Where some come with a code, those without are other people the text mentions.
    if found.iter().any(|r| r.diagnostic.is_some()) && failed.is_empty() {
        found.retain(|r| r.diagnostic.is_some());
    }
    found
}

/// What the lines say about one address.
fn said_of(address: String, lines: &[&str], delayed: bool) -> BouncedRecipient {
    let line = lines
        .iter()
        .find(|l| status_in(l).is_some() || reply_code(l).is_some())
        .or_else(|| lines.iter().find(|l| patterns::REFUSAL.is_match(l)));
    let status = line.and_then(|l| status_in(l)).or_else(|| {
        let code = line.and_then(|l| reply_code(l))?;
        let class = code.chars().next()?;
        Some(format!("{class}.0.0"))
    });
    let action = if delayed {
        Action::Delayed
    } else {
        Action::Failed
    };
    recipient(address, action, status, line.map(|l| shortened(l)))
}

#[cfg(test)]
#[path = "bounce_tests.rs"]
mod tests;
