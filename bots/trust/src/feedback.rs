//! Feedback reports (RFC 5965, RFC 6591): somebody complains about a message, or a server about its signature.

use mail_parser::{DateTime, MessageParser, MimeHeaders};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What a feedback report says. Absent fields are `None` or empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Feedback {
    /// `abuse`, `auth-failure`, `fraud` …, in lower case.
    pub kind: String,
    /// The program that wrote it.
    pub user_agent: Option<String>,
    /// Version of the format.
    pub version: Option<u32>,
    /// Envelope sender of the message it is about.
    pub original_mail_from: Option<String>,
    /// Envelope recipient of that message.
    pub original_rcpt_to: Option<String>,
    /// Envelope id of that message.
    pub original_envelope_id: Option<String>,
    /// When that message arrived, in seconds since 1970 UTC.
    pub arrival_at: Option<i64>,
    /// The server that reports.
    pub reporting_mta: Option<String>,
    /// Where that message came from.
    pub source_ip: Option<IpAddr>,
    /// How many such messages there were.
    pub incidents: u32,
    /// Domains it is about.
    pub reported_domains: Vec<String>,
    /// Addresses of pages or mailboxes it is about.
    pub reported_uris: Vec<String>,
    /// What the receiving server found.
    pub authentication_results: Vec<String>,
    /// What failed (`bodyhash`, `signature`, `dmarc` …), in lower case.
    pub auth_failure: Option<String>,
    /// The domain whose signature failed.
    pub dkim_domain: Option<String>,
    /// Whom the signature speaks for.
    pub dkim_identity: Option<String>,
    /// The key of the signature.
    pub dkim_selector: Option<String>,
}

/// Reads a feedback report; `None` where the message holds none.
pub fn feedback_report(raw: &[u8]) -> Option<Feedback> {
    let message = MessageParser::default().parse(raw)?;
    let part = message.parts.iter().find(|part| {
        part.content_type().is_some_and(|kind| {
            kind.ctype().eq_ignore_ascii_case("message")
                && kind
                    .subtype()
                    .is_some_and(|sub| sub.eq_ignore_ascii_case("feedback-report"))
        })
    })?;
    let text = String::from_utf8_lossy(part.contents());
    let fields = fields(&text);
    let all = |name: &str| -> Vec<String> {
        fields
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, value)| value.clone())
            .collect()
    };
    let one = |name: &str| all(name).into_iter().next();
    Some(Feedback {
        kind: one("feedback-type")?.to_lowercase(),
        user_agent: one("user-agent"),
        version: one("version").and_then(|v| v.parse().ok()),
        original_mail_from: one("original-mail-from"),
        original_rcpt_to: one("original-rcpt-to"),
        original_envelope_id: one("original-envelope-id"),
        arrival_at: one("arrival-date")
            .or_else(|| one("received-date"))
            .and_then(|date| DateTime::parse_rfc822(&date))
            .map(|date| date.to_timestamp()),
        reporting_mta: one("reporting-mta").map(|mta| {
            let name = mta.split_once(';').map_or(mta.as_str(), |(_, name)| name);
            name.trim().to_owned()
        }),
        source_ip: one("source-ip").and_then(|ip| ip.split_whitespace().next()?.parse().ok()),
        incidents: one("incidents").and_then(|n| n.parse().ok()).unwrap_or(1),
        reported_domains: all("reported-domain"),
        reported_uris: all("reported-uri"),
        authentication_results: all("authentication-results"),
        auth_failure: one("auth-failure").map(|v| v.to_lowercase()),
        dkim_domain: one("dkim-domain"),
        dkim_identity: one("dkim-identity"),
        dkim_selector: one("dkim-selector"),
    })
}

/// Fields, unfolded, names in lower case; a few hundred at most.
fn fields(text: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().take(400) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    fields
}
