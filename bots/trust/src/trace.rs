//! What our own receiving servers wrote into a message, told from what the sender could have written.
//!
//! Every server adds its fields on top (RFC 5321 §4.4). So the fields above, and at, the first `Received` that our outermost server wrote
//! are ours; everything below came with the message and proves nothing.

use crate::network::Network;
use std::net::IpAddr;

/// Where a message entered our servers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// The address that connected to our outermost server.
    pub ip: Option<IpAddr>,
    /// The name it gave (HELO).
    pub helo: String,
    /// The envelope sender, from the `Return-Path` our servers wrote; empty for `<>`, `None` where there is no such field.
    pub mail_from: Option<String>,
    /// The DMARC result one of our servers noted (`pass`, `fail` …), from a believed `Authentication-Results`.
    pub noted_dmarc: Option<String>,
}

/// Reads the trace. `trusted_hosts` are the names of our receiving servers as they stand behind `by`; one that begins with a dot stands for
/// every host below it. `own_networks` are those of our own servers beyond the private ones. `authserv_ids` are the names they use in
/// `Authentication-Results`.
pub fn trace(
    raw: &[u8],
    trusted_hosts: &[String],
    own_networks: &[Network],
    authserv_ids: &[String],
) -> Trace {
    let mut found = Trace::default();
    let mut inside = true;
    for (name, value) in fields(raw) {
        match name.as_str() {
            "return-path" if inside && found.mail_from.is_none() => {
                let address = value.trim().trim_start_matches('<').trim_end_matches('>');
                found.mail_from = Some(address.trim().to_owned());
            }
            "received" if inside => match hop(&value) {
                Some(hop) if named(trusted_hosts, &hop.by) => {
                    let internal = hop.ip.is_none_or(|ip| {
                        private(&ip) || own_networks.iter().any(|own| own.holds(&ip))
                    });
                    if !internal {
                        found.ip = hop.ip;
                        found.helo = hop.helo;
                        inside = false;
                    }
                }
                _ => inside = false,
            },
            "authentication-results" if inside && found.noted_dmarc.is_none() => {
                found.noted_dmarc = noted_dmarc(&value, authserv_ids);
            }
            _ => {}
        }
    }
    found
}

/// Fields of the header, unfolded, names in lower case; at most a few hundred are looked at.
fn fields(raw: &[u8]) -> Vec<(String, String)> {
    const MOST: usize = 400;
    const LONGEST: usize = 16 * 1024;
    let mut all: Vec<(String, String)> = Vec::new();
    for line in raw.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || all.len() >= MOST {
            break;
        }
        let text = String::from_utf8_lossy(line.get(..LONGEST).unwrap_or(line));
        if text.starts_with([' ', '\t']) {
            if let Some((_, value)) = all.last_mut()
                && value.len() < LONGEST
            {
                value.push(' ');
                value.push_str(text.trim());
            }
        } else if let Some((name, value)) = text.split_once(':') {
            all.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    all
}

struct Hop {
    helo: String,
    ip: Option<IpAddr>,
    by: String,
}

/// `from HELO (name [1.2.3.4]) by HOST with …` (RFC 5321 §4.4), and the looser forms in use.
fn hop(value: &str) -> Option<Hop> {
    let (from, rest) = split_word(value, "by")?;
    let by = rest
        .split([' ', ';', '('])
        .find(|word| !word.is_empty())?
        .trim_end_matches('.')
        .to_ascii_lowercase();
    let from = from.trim_start();
    let from = from.strip_prefix("from ").unwrap_or(from);
    let helo = from
        .split([' ', '('])
        .next()
        .unwrap_or_default()
        .trim_end_matches('.')
        .to_ascii_lowercase();
    let ip = from
        .split(['[', ']', '(', ')', ' '])
        .map(|word| word.strip_prefix("IPv6:").unwrap_or(word))
        .filter_map(|word| word.parse().ok())
        .next_back();
    Some(Hop { helo, ip, by })
}

/// Splits at a word that stands alone outside parentheses.
fn split_word<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let mut depth = 0usize;
    let mut at = 0;
    for piece in text.split_inclusive([' ', '\t', '(', ')']) {
        if depth == 0 && piece.trim_end() == word {
            return Some((text.get(..at)?, text.get(at + piece.len()..)?));
        }
        match piece.chars().last() {
            Some('(') => depth += 1,
            Some(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += piece.len();
    }
    None
}

/// The DMARC result of an `Authentication-Results` field, where its author is believed.
fn noted_dmarc(value: &str, authserv_ids: &[String]) -> Option<String> {
    let (id, results) = value.split_once(';')?;
    let id = id.split_whitespace().next()?;
    if !authserv_ids.iter().any(|own| own.eq_ignore_ascii_case(id)) {
        return None;
    }
    results.split(';').find_map(|result| {
        let rest = result.trim_start().strip_prefix("dmarc=")?;
        Some(
            rest.split(|c: char| !c.is_ascii_alphabetic())
                .next()?
                .to_ascii_lowercase(),
        )
    })
}

fn named(hosts: &[String], host: &str) -> bool {
    hosts.iter().any(|own| {
        let own = own.to_ascii_lowercase();
        host == own || (own.starts_with('.') && host.ends_with(&own))
    })
}

/// An address of an inner network: a hop between our own servers.
fn private(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => {
            ip.is_loopback()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip
                    .to_ipv4_mapped()
                    .is_some_and(|ip| private(&IpAddr::V4(ip)))
        }
    }
}
