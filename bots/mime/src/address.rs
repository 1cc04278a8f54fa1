//! Address lists (RFC 5322 §3.4), read as leniently as they are written.

use crate::charset::Hints;
use crate::words;
use madoguchi_channel::Party;

/// More recipients than this are not listed.
const MOST_PARTIES: usize = 2000;

/// What is gathered of one address.
#[derive(Default)]
struct Pending {
    /// Text outside brackets: the name, or the bare address.
    words: String,
    /// Text in quotes is part of the name even when it holds an `@`.
    quoted: bool,
    angle: Option<String>,
    comment: String,
}

/// Everyone a field names. Groups are opened (`undisclosed-recipients:;` names nobody).
pub(crate) fn parties(field: &[u8], hints: Hints) -> Vec<Party> {
    let line = words::line(field, hints);
    let found = read(&line, hints);
    if found.iter().any(|p| p.address.contains('@')) || !line.contains("=?") {
        return found;
    }
    // The whole value went through RFC 2047, the address too.
    let decoded = read(&words::decode(&line, hints), hints);
    if decoded.iter().any(|p| p.address.contains('@')) {
        decoded
    } else {
        found
    }
}

fn read(line: &str, hints: Hints) -> Vec<Party> {
    let mut found = Vec::new();
    let mut pending = Pending::default();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        // An encoded word is one piece, whatever stands in it.
        let coded = words::word_length(rest);
        if coded > 0 {
            let (word, after) = rest.split_at_checked(coded).unwrap_or((rest, ""));
            pending.words.push_str(word);
            rest = after;
            continue;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '"' => {
                let (inner, after) = until(rest, '"');
                rest = after;
                if rest.starts_with('@') {
                    // `"local part"@example.org`: the quotes belong to the address.
                    let end = rest
                        .find([',', ';', '<', '(', ' ', '\t'])
                        .unwrap_or(rest.len());
                    let (domain, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                    pending.angle = Some(format!("\"{inner}\"{domain}"));
                    rest = after;
                } else {
                    pending.words.push_str(&inner);
                    pending.quoted = true;
                }
            }
            '(' => {
                let (inner, after) = comment(rest);
                pending.comment = inner;
                rest = after;
            }
            '<' => {
                let (inner, after) = rest.split_once('>').unwrap_or((rest, ""));
                // `<<a@b>>` and `<a@b> <c@d>`: the last one that is an address counts.
                let inner = inner.trim_matches('<');
                if pending.angle.is_none() || inner.contains('@') {
                    pending.angle = Some(inner.to_owned());
                }
                rest = after;
            }
            ',' | ';' => pending.settle(&mut found, hints),
            // What stood before the colon was a group's name.
            ':' if !pending.words.contains('@')
                && pending.angle.is_none()
                && !pending.words.trim().is_empty() =>
            {
                pending = Pending::default();
            }
            '>' => {}
            c => pending.words.push(c),
        }
        if found.len() >= MOST_PARTIES {
            return found;
        }
    }
    pending.settle(&mut found, hints);
    found
}

impl Pending {
    fn settle(&mut self, found: &mut Vec<Party>, hints: Hints) {
        let Pending {
            words: text,
            quoted,
            angle,
            comment,
        } = std::mem::take(self);
        let text = words::decode(text.trim(), hints);
        let (address, name) = match angle {
            Some(angle) => (bare(&words::decode(&angle, hints)), text),
            None => match text
                .split_whitespace()
                .find(|w| w.contains('@'))
                .filter(|_| !quoted || !text.contains(' '))
            {
                // A bare address, perhaps with the name beside it in no brackets at all.
                Some(word) => {
                    let name = text.replacen(word, "", 1);
                    (bare(word), name.trim().to_owned())
                }
                None if quoted => match text.rsplit(' ').find(|w| w.contains('@')) {
                    Some(word) => (bare(word), text.replacen(word, "", 1).trim().to_owned()),
                    None => (String::new(), text),
                },
                None => (
                    text.split_whitespace().collect::<Vec<_>>().join(" "),
                    String::new(),
                ),
            },
        };
        let name = if name.trim().is_empty() {
            words::decode(&comment, hints)
        } else {
            name
        };
        let name = tidy(&name);
        if address.is_empty() && name.is_none() {
            return;
        }
        found.push(Party { address, name });
    }
}

/// The name in one line, without the quotes some programs add; `None` when nothing is left.
fn tidy(name: &str) -> Option<String> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = name.trim_matches(['"', '\'']).trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// An address without route, comments, blanks and `mailto:`; its domain in lower case.
pub(crate) fn bare(text: &str) -> String {
    let text = without_comments(text);
    let text = text.trim();
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    // RFC 5322 §4.4: `<@relay,@relay:local@domain>`.
    let text = match text.split_once(':') {
        Some((route, rest)) if route.starts_with('@') => rest,
        _ => text,
    };
    // Two words where one address should stand: the one with the @ is it.
    let text = match text.split_whitespace().rfind(|w| w.contains('@')) {
        Some(word) if !text.starts_with('"') => word,
        _ => text,
    };
    let quoted = text.starts_with('"');
    let text: String = text
        .chars()
        .filter(|c| (quoted || !c.is_whitespace()) && !c.is_control())
        .collect();
    let text = text.trim_matches(['<', '>', ',', ';', '\'']);
    match text.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
        None => text.to_owned(),
    }
}

/// Comments may stand anywhere in an address, quoted local parts aside: `a(his account)@example.org(his host)`.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    if text.trim_start().starts_with('"') {
        return text.to_owned();
    }
    while let Some((before, inner)) = rest.split_once('(') {
        out.push_str(before);
        rest = comment(inner).1;
    }
    out.push_str(rest);
    out
}

/// Text up to an unescaped `end`, escapes undone.
fn until(text: &str, end: char) -> (String, &str) {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c if c == end => return (out, chars.as_str()),
            c => out.push(c),
        }
    }
    (out, "")
}

/// A comment, nested ones in it (RFC 5322 §3.2.2).
fn comment(text: &str) -> (String, &str) {
    let mut out = String::new();
    let mut depth = 1usize;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                out.extend(chars.next());
                continue;
            }
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (out, chars.as_str());
        }
        out.push(c);
    }
    (out, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &str) -> Vec<(String, Option<String>)> {
        parties(field.as_bytes(), Hints::default())
            .into_iter()
            .map(|p| (p.address, p.name))
            .collect()
    }
    fn one(address: &str, name: Option<&str>) -> Vec<(String, Option<String>)> {
        vec![(address.to_owned(), name.map(str::to_owned))]
    }

    #[test]
    fn names_in_all_their_forms_are_read() {
        assert_eq!(read("a@Example.ORG"), one("a@example.org", None));
        assert_eq!(read("Ai <a@example.org>"), one("a@example.org", Some("Ai")));
        assert_eq!(
            read("\"Ai, Ltd.\" <a@example.org>"),
            one("a@example.org", Some("Ai, Ltd."))
        );
        assert_eq!(
            read("a@example.org (Ai (B))"),
            one("a@example.org", Some("Ai (B)"))
        );
        assert_eq!(
            read("=?utf-8?Q?A,_B?= <a@example.org>"),
            one("a@example.org", Some("A, B"))
        );
        assert_eq!(
            read("\"=?utf-8?B?56qT5Y+j?=\" <a@example.org>"),
            one("a@example.org", Some("窓口"))
        );
        assert_eq!(
            read("窓口 <a@example.org>"),
            one("a@example.org", Some("窓口"))
        );
        assert_eq!(
            read("\"a@example.org\" <b@example.org>"),
            one("b@example.org", Some("a@example.org"))
        );
    }

    #[test]
    fn groups_are_opened_and_empty_ones_name_nobody() {
        assert_eq!(read("undisclosed-recipients:;"), vec![]);
        assert_eq!(
            read("Team: a@example.org, b@example.org;, c@example.org").len(),
            3
        );
    }

    #[test]
    fn broken_forms_still_yield_the_address() {
        assert_eq!(read("Ai a@example.org"), one("a@example.org", Some("Ai")));
        assert_eq!(read("<a@example.org"), one("a@example.org", None));
        assert_eq!(read("<<a@example.org>>"), one("a@example.org", None));
        assert_eq!(read("<@x,@y:a@example.org>"), one("a@example.org", None));
        assert_eq!(
            read("\"x@\" <y.example postmaster@y.example>"),
            one("postmaster@y.example", Some("x@"))
        );
        assert_eq!(read("root"), one("root", None));
        assert_eq!(
            read("=?utf-8?B?QWkgPGFAZXhhbXBsZS5vcmc+?="),
            one("a@example.org", Some("Ai"))
        );
        assert_eq!(read(""), vec![]);
        assert_eq!(
            read("Ai <a(his account)@example.org(his host)>"),
            one("a@example.org", Some("Ai"))
        );
        assert_eq!(
            read("\"a b\"@example.org"),
            one("\"a b\"@example.org", None)
        );
    }
}
