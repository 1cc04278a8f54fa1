//! The grammar of an SPF record (RFC 7208 §4.6, §5, §6, §7). A record with one fault anywhere is no record.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A record that does not follow the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// What a matching mechanism says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qualifier {
    Pass,
    Fail,
    SoftFail,
    Neutral,
}

/// A domain with macros, checked, not expanded.
pub type DomainSpec = String;

/// Bits of a network that must agree, by address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    pub v4: u8,
    pub v6: u8,
}

/// What is compared with the connecting address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mechanism {
    All,
    Include(DomainSpec),
    A(Option<DomainSpec>, Cidr),
    Mx(Option<DomainSpec>, Cidr),
    Ptr(Option<DomainSpec>),
    Ip4(Ipv4Addr, u8),
    Ip6(Ipv6Addr, u8),
    Exists(DomainSpec),
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    pub directives: Vec<(Qualifier, Mechanism)>,
    pub redirect: Option<DomainSpec>,
    pub exp: Option<DomainSpec>,
}

/// True for a text that begins with the version section (§4.5).
pub fn is_spf(text: &[u8]) -> bool {
    let version = text
        .get(..6)
        .is_some_and(|v| v.eq_ignore_ascii_case(b"v=spf1"));
    version && text.get(6).is_none_or(|next| *next == b' ')
}

impl Record {
    /// Reads a record that [`is_spf`].
    pub fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(text).map_err(|_| Malformed)?;
        if !text.is_ascii() {
            return Err(Malformed);
        }
        let mut record = Self::default();
        for term in text.split(' ').skip(1).filter(|term| !term.is_empty()) {
            match modifier(term) {
                Some(("redirect", value)) => once(&mut record.redirect, value)?,
                Some(("exp", value)) => once(&mut record.exp, value)?,
                Some((_, value)) => {
                    // Unknown ones are ignored, but must be well formed.
                    if !is_macro_string(value, false) {
                        return Err(Malformed);
                    }
                }
                None => record.directives.push(directive(term)?),
            }
        }
        Ok(record)
    }
}

fn once(slot: &mut Option<DomainSpec>, value: &str) -> Result<(), Malformed> {
    if slot.is_some() {
        return Err(Malformed);
    }
    *slot = Some(domain_spec(value)?);
    Ok(())
}

/// `name=value`; the name in lower case would need a copy, so the two that count are compared without case.
fn modifier(term: &str) -> Option<(&str, &str)> {
    let (name, value) = term.split_once('=')?;
    let mut chars = name.chars();
    let begins = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
    let goes_on = chars.all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !begins || !goes_on {
        return None;
    }
    let name = ["redirect", "exp"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(name))
        .unwrap_or(name);
    Some((name, value))
}

fn directive(term: &str) -> Result<(Qualifier, Mechanism), Malformed> {
    let (qualifier, rest) = match term.split_at_checked(1) {
        Some(("+", rest)) => (Qualifier::Pass, rest),
        Some(("-", rest)) => (Qualifier::Fail, rest),
        Some(("~", rest)) => (Qualifier::SoftFail, rest),
        Some(("?", rest)) => (Qualifier::Neutral, rest),
        _ => (Qualifier::Pass, term),
    };
    let end = rest.find([':', '/']).unwrap_or(rest.len());
    let (name, argument) = rest.split_at_checked(end).ok_or(Malformed)?;
    let value = argument.strip_prefix(':');
    let mechanism = match (name.to_ascii_lowercase().as_str(), value) {
        ("all", None) if argument.is_empty() => Mechanism::All,
        ("include", Some(value)) => Mechanism::Include(domain_spec(value)?),
        ("exists", Some(value)) => Mechanism::Exists(domain_spec(value)?),
        ("ptr", None) if argument.is_empty() => Mechanism::Ptr(None),
        ("ptr", Some(value)) => Mechanism::Ptr(Some(domain_spec(value)?)),
        ("a", _) => {
            let (domain, cidr) = domain_and_cidr(argument)?;
            Mechanism::A(domain, cidr)
        }
        ("mx", _) => {
            let (domain, cidr) = domain_and_cidr(argument)?;
            Mechanism::Mx(domain, cidr)
        }
        ("ip4", Some(value)) => {
            let (ip, bits) = network(value, 32)?;
            Mechanism::Ip4(ip.parse().map_err(|_| Malformed)?, bits)
        }
        ("ip6", Some(value)) => {
            let (ip, bits) = network(value, 128)?;
            Mechanism::Ip6(ip.parse().map_err(|_| Malformed)?, bits)
        }
        _ => return Err(Malformed),
    };
    Ok((qualifier, mechanism))
}

fn network(value: &str, most: u8) -> Result<(&str, u8), Malformed> {
    match value.split_once('/') {
        None => Ok((value, most)),
        Some((ip, bits)) => Ok((ip, length(bits, most)?)),
    }
}

/// A prefix length without leading zeros.
fn length(text: &str, most: u8) -> Result<u8, Malformed> {
    let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return Err(Malformed);
    }
    text.parse()
        .ok()
        .filter(|bits| *bits <= most)
        .ok_or(Malformed)
}

/// `[:domain-spec][/n][//n]`. A slash may stand in a domain-spec as well, so the lengths are looked for from the end.
fn domain_and_cidr(argument: &str) -> Result<(Option<DomainSpec>, Cidr), Malformed> {
    let is_length = |t: &str| !t.is_empty() && t.chars().all(|c| c.is_ascii_digit());
    let mut cidr = Cidr { v4: 32, v6: 128 };
    let mut rest = argument;
    if let Some((head, bits)) = rest.rsplit_once("//")
        && is_length(bits)
    {
        cidr.v6 = length(bits, 128)?;
        rest = head;
    }
    if let Some((head, bits)) = rest.rsplit_once('/')
        && is_length(bits)
    {
        cidr.v4 = length(bits, 32)?;
        rest = head;
    }
    match rest.strip_prefix(':') {
        Some(domain) => Ok((Some(domain_spec(domain)?), cidr)),
        None if rest.is_empty() => Ok((None, cidr)),
        None => Err(Malformed),
    }
}

/// Checks a domain-spec: a macro-string that ends in a macro or in a dot and a top label (§7.1).
fn domain_spec(text: &str) -> Result<DomainSpec, Malformed> {
    if !is_macro_string(text, false) {
        return Err(Malformed);
    }
    let ends_in_macro = text.ends_with('}') && text.contains("%{")
        || ["%%", "%_", "%-"]
            .iter()
            .any(|escape| text.ends_with(escape));
    let bare = text.strip_suffix('.').unwrap_or(text);
    let top = bare.rsplit_once('.').map(|(_, top)| top);
    let good_top = top.is_some_and(|top| {
        let signs = !top.is_empty() && top.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let numeric = top.chars().all(|c| c.is_ascii_digit());
        signs && !numeric && !top.starts_with('-') && !top.ends_with('-')
    });
    if ends_in_macro || good_top {
        Ok(text.to_owned())
    } else {
        Err(Malformed)
    }
}

/// True for visible signs and well-formed macros (§7.1); in an explanation spaces and three more letters are allowed.
pub fn is_macro_string(text: &str, explanation: bool) -> bool {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c != '%' {
            if !(c.is_ascii_graphic() || (explanation && c == ' ')) {
                return false;
            }
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            continue;
        }
        match Macro::at(rest) {
            Some((found, after)) => {
                if let Macro::Value { letter, .. } = found
                    && !explanation
                    && "crt".contains(letter.to_ascii_lowercase())
                {
                    return false;
                }
                rest = after;
            }
            None => return false,
        }
    }
    true
}

/// A macro.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Macro {
    /// `%%`, `%_`, `%-`: what it stands for.
    Literal(&'static str),
    /// `%{l2r-}`.
    Value {
        letter: char,
        digits: Option<usize>,
        reverse: bool,
        delimiters: String,
    },
}

impl Macro {
    /// Reads the macro a text begins with, and what follows it.
    pub fn at(text: &str) -> Option<(Self, &str)> {
        for (sign, literal) in [("%%", "%"), ("%_", " "), ("%-", "%20")] {
            if let Some(after) = text.strip_prefix(sign) {
                return Some((Self::Literal(literal), after));
            }
        }
        let (inside, after) = text.strip_prefix("%{")?.split_once('}')?;
        let letter = inside.chars().next()?;
        if !"slodiphvcrt".contains(letter.to_ascii_lowercase()) {
            return None;
        }
        let rest = inside.get(letter.len_utf8()..)?;
        let count = rest.chars().take_while(char::is_ascii_digit).count();
        let (digits, rest) = rest.split_at_checked(count)?;
        let digits = match digits {
            "" => None,
            digits => Some(digits.parse().ok().filter(|n| *n > 0)?),
        };
        let reverse = rest.starts_with(['r', 'R']);
        let delimiters = if reverse { rest.get(1..)? } else { rest };
        delimiters.chars().all(|c| ".-+,/_=".contains(c)).then(|| {
            let value = Self::Value {
                letter,
                digits,
                reverse,
                delimiters: delimiters.to_owned(),
            };
            (value, after)
        })
    }
}
