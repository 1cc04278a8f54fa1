//! SPF (RFC 7208): may this address send for that domain?
//!
//! Written here because the library's evaluator ends otherwise than the public suite in a quarter of its cases: it takes the first of several
//! records, forgives malformed ones, and knows no limit on lookups that find nothing.

use crate::check::Verdict;
use crate::network::{same_v4, same_v6};
use crate::spf_record::{Cidr, Macro, Mechanism, Qualifier, Record, is_macro_string, is_spf};
use mail_auth::MessageAuthenticator;
use mail_auth::hickory_resolver::proto::op::ResponseCode;
use mail_auth::hickory_resolver::proto::rr::{Name, RData, RecordType};
use std::net::IpAddr;

/// Terms that ask a name server (§4.6.4).
const MOST_LOOKUPS: u32 = 10;
/// Lookups that find nothing (§4.6.4).
const MOST_VOIDS: u32 = 2;
/// Names of one MX or PTR answer that are looked at (§4.6.4).
const MOST_NAMES: usize = 10;

/// What SPF says of one arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpfResult {
    /// The verdict.
    pub verdict: Verdict,
    /// What the domain says to those it refuses.
    pub explanation: Option<String>,
}

/// One evaluation.
pub struct Spf<'a> {
    dns: &'a MessageAuthenticator,
    ip: IpAddr,
    local: String,
    sender_domain: String,
    helo: String,
    receiver: String,
    lookups: u32,
    voids: u32,
    explanation: Option<String>,
}

/// Why an evaluation ends before its time.
enum Stop {
    Temp,
    Perm,
}

type Step<T> = Result<T, Stop>;

impl<'a> Spf<'a> {
    /// Evaluates `mail_from`, or the HELO name where that is empty (§2.3, §2.4). `receiver` is our own name, for explanations.
    pub async fn check(
        dns: &'a MessageAuthenticator,
        ip: IpAddr,
        helo: &str,
        mail_from: &str,
        receiver: &str,
    ) -> SpfResult {
        let ip = match ip {
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
            IpAddr::V4(_) => ip,
        };
        let (local, domain) = match mail_from.rsplit_once('@') {
            Some((local, domain)) => (local, domain),
            None if mail_from.is_empty() => ("", helo),
            None => ("", mail_from),
        };
        let local = if local.is_empty() {
            "postmaster"
        } else {
            local
        };
        let mut spf = Self {
            dns,
            ip,
            local: local.to_owned(),
            sender_domain: domain.to_owned(),
            helo: helo.to_owned(),
            receiver: receiver.to_owned(),
            lookups: 0,
            voids: 0,
            explanation: None,
        };
        if !is_sender_domain(domain) {
            return SpfResult {
                verdict: Verdict::None,
                explanation: None,
            };
        }
        let domain = domain.trim_end_matches('.').to_owned();
        let verdict = match spf.check_host(&domain, true).await {
            Ok(verdict) => verdict,
            Err(Stop::Temp) => Verdict::TempError,
            Err(Stop::Perm) => Verdict::PermError,
        };
        SpfResult {
            verdict,
            explanation: spf.explanation.filter(|_| verdict == Verdict::Fail),
        }
    }

    /// `check_host()` (§4). `explains`: not inside an include, whose explanations do not count (§6.2).
    async fn check_host(&mut self, domain: &str, explains: bool) -> Step<Verdict> {
        let texts: Vec<Vec<u8>> = self.texts(domain).await?;
        let mut records = texts.iter().filter(|text| is_spf(text));
        let Some(text) = records.next() else {
            return Ok(Verdict::None);
        };
        if records.next().is_some() {
            return Err(Stop::Perm);
        }
        let record = Record::parse(text).map_err(|_| Stop::Perm)?;
        for (qualifier, mechanism) in &record.directives {
            if self.matches(mechanism, domain).await? {
                let verdict = match qualifier {
                    Qualifier::Pass => Verdict::Pass,
                    Qualifier::Fail => Verdict::Fail,
                    Qualifier::SoftFail => Verdict::SoftFail,
                    Qualifier::Neutral => Verdict::Neutral,
                };
                if verdict == Verdict::Fail && explains {
                    self.explanation = self.explain(record.exp.as_deref(), domain).await;
                }
                return Ok(verdict);
            }
        }
        let Some(redirect) = &record.redirect else {
            return Ok(Verdict::Neutral);
        };
        self.count_lookup()?;
        let target = self.expand_domain(redirect, domain).await?;
        let verdict = match target {
            Some(target) => Box::pin(self.check_host(&target, explains)).await?,
            None => Verdict::None,
        };
        match verdict {
            Verdict::None => Err(Stop::Perm),
            verdict => Ok(verdict),
        }
    }

    async fn matches(&mut self, mechanism: &Mechanism, domain: &str) -> Step<bool> {
        match mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Ip4(network, bits) => Ok(match self.ip {
                IpAddr::V4(ip) => same_v4(ip, *network, *bits),
                IpAddr::V6(_) => false,
            }),
            Mechanism::Ip6(network, bits) => Ok(match self.ip {
                IpAddr::V6(ip) => same_v6(ip, *network, *bits),
                IpAddr::V4(_) => false,
            }),
            Mechanism::Include(spec) => {
                self.count_lookup()?;
                let verdict = match self.expand_domain(spec, domain).await? {
                    Some(target) => Box::pin(self.check_host(&target, false)).await?,
                    None => Verdict::None,
                };
                match verdict {
                    Verdict::Pass => Ok(true),
                    Verdict::None => Err(Stop::Perm),
                    _ => Ok(false),
                }
            }
            Mechanism::A(spec, cidr) => {
                self.count_lookup()?;
                let Some(target) = self.target(spec.as_deref(), domain).await? else {
                    return self.count_void().map(|()| false);
                };
                let found = self.addresses(&target).await?;
                if found.is_empty() {
                    self.count_void()?;
                }
                Ok(found.iter().any(|ip| self.agrees(ip, *cidr)))
            }
            Mechanism::Mx(spec, cidr) => {
                self.count_lookup()?;
                let Some(target) = self.target(spec.as_deref(), domain).await? else {
                    return self.count_void().map(|()| false);
                };
                let hosts = self.mail_exchangers(&target).await?;
                if hosts.is_empty() {
                    self.count_void()?;
                }
                if hosts.len() > MOST_NAMES {
                    return Err(Stop::Perm);
                }
                for host in hosts {
                    let found = self.addresses_of(host).await?;
                    if found.iter().any(|ip| self.agrees(ip, *cidr)) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Mechanism::Ptr(spec) => {
                self.count_lookup()?;
                let Some(target) = self.target(spec.as_deref(), domain).await? else {
                    return Ok(false);
                };
                let names = self.validated_names().await;
                Ok(names.iter().any(|name| below(name, &target)))
            }
            Mechanism::Exists(spec) => {
                self.count_lookup()?;
                let Some(target) = self.expand_domain(spec, domain).await? else {
                    return self.count_void().map(|()| false);
                };
                // The type is A even where the connection is IPv6 (§5.7).
                let found = self.lookup(&target, RecordType::A).await?;
                if found.is_empty() {
                    self.count_void()?;
                }
                Ok(!found.is_empty())
            }
        }
    }

    fn count_lookup(&mut self) -> Step<()> {
        self.lookups += 1;
        if self.lookups > MOST_LOOKUPS {
            return Err(Stop::Perm);
        }
        Ok(())
    }

    fn count_void(&mut self) -> Step<()> {
        self.voids += 1;
        if self.voids > MOST_VOIDS {
            return Err(Stop::Perm);
        }
        Ok(())
    }

    fn agrees(&self, ip: &IpAddr, cidr: Cidr) -> bool {
        match (self.ip, ip) {
            (IpAddr::V4(own), IpAddr::V4(ip)) => same_v4(own, *ip, cidr.v4),
            (IpAddr::V6(own), IpAddr::V6(ip)) => same_v6(own, *ip, cidr.v6),
            _ => false,
        }
    }

    async fn target(&mut self, spec: Option<&str>, domain: &str) -> Step<Option<String>> {
        match spec {
            Some(spec) => self.expand_domain(spec, domain).await,
            None => Ok(Some(domain.to_owned())),
        }
    }

    /// Answers of one type; none where the name does not exist.
    async fn lookup(&self, name: &str, kind: RecordType) -> Step<Vec<RData>> {
        match wire_name(name) {
            Some(name) => self.lookup_name(name, kind).await,
            None => Ok(Vec::new()),
        }
    }

    async fn lookup_name(&self, name: Name, kind: RecordType) -> Step<Vec<RData>> {
        match self.dns.0.lookup(name, kind).await {
            Ok(found) => Ok(found
                .answers()
                .iter()
                .map(|record| record.data.clone())
                .filter(|data| data.record_type() == kind)
                .collect()),
            Err(error) => match mail_auth::Error::from(error) {
                mail_auth::Error::Dns(mail_auth::DnsError::RecordNotFound(
                    ResponseCode::NoError | ResponseCode::NXDomain,
                )) => Ok(Vec::new()),
                _ => Err(Stop::Temp),
            },
        }
    }

    async fn texts(&self, name: &str) -> Step<Vec<Vec<u8>>> {
        let found = self.lookup(name, RecordType::TXT).await?;
        let texts = found.into_iter().filter_map(|data| match data {
            RData::TXT(text) => Some(text.txt_data.concat()),
            _ => None,
        });
        Ok(texts.collect())
    }

    async fn addresses(&self, name: &str) -> Step<Vec<IpAddr>> {
        match wire_name(name) {
            Some(name) => self.addresses_of(name).await,
            None => Ok(Vec::new()),
        }
    }

    async fn addresses_of(&self, name: Name) -> Step<Vec<IpAddr>> {
        let kind = match self.ip {
            IpAddr::V4(_) => RecordType::A,
            IpAddr::V6(_) => RecordType::AAAA,
        };
        let found = self.lookup_name(name, kind).await?;
        let ips = found.into_iter().filter_map(|data| match data {
            RData::A(ip) => Some(IpAddr::V4(ip.0)),
            RData::AAAA(ip) => Some(IpAddr::V6(ip.0)),
            _ => None,
        });
        Ok(ips.collect())
    }

    async fn mail_exchangers(&self, name: &str) -> Step<Vec<Name>> {
        let found = self.lookup(name, RecordType::MX).await?;
        let hosts = found.into_iter().filter_map(|data| match data {
            RData::MX(mx) => Some(mx.exchange),
            _ => None,
        });
        Ok(hosts.collect())
    }

    /// Names of the connecting address that lead back to it (§5.5).
    async fn validated_names(&self) -> Vec<String> {
        let reverse = Name::from(self.ip).to_ascii();
        let Ok(found) = self.lookup(&reverse, RecordType::PTR).await else {
            return Vec::new();
        };
        let mut names = Vec::new();
        for data in found.into_iter().take(MOST_NAMES) {
            let RData::PTR(name) = data else { continue };
            let name = name.0.to_ascii().trim_end_matches('.').to_lowercase();
            if let Ok(ips) = self.addresses(&name).await
                && ips.contains(&self.ip)
            {
                names.push(name);
            }
        }
        names
    }

    /// A domain-spec with its macros put in; `None` where the result can be no name (§4.3: as if it did not exist).
    async fn expand_domain(&mut self, spec: &str, domain: &str) -> Step<Option<String>> {
        let mut name = self.expand(spec, domain).await?;
        if let Some(bare) = name.strip_suffix('.') {
            name.truncate(bare.len());
        }
        // Longer than a name may be: the left labels go (§7.3).
        while name.len() > 253 {
            match name.split_once('.') {
                Some((_, rest)) => name = rest.to_owned(),
                None => return Ok(None),
            }
        }
        let possible = name.split('.').all(|label| (1..=63).contains(&label.len()));
        Ok(possible.then_some(name))
    }

    async fn expand(&mut self, text: &str, domain: &str) -> Step<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if c != '%' {
                out.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
                continue;
            }
            let (found, after) = Macro::at(rest).ok_or(Stop::Perm)?;
            rest = after;
            match found {
                Macro::Literal(text) => out.push_str(text),
                Macro::Value {
                    letter,
                    digits,
                    reverse,
                    delimiters,
                } => {
                    let value = self.value(letter.to_ascii_lowercase(), domain).await;
                    let value = transform(&value, digits, reverse, &delimiters);
                    if letter.is_ascii_uppercase() {
                        out.push_str(&url_escape(&value));
                    } else {
                        out.push_str(&value);
                    }
                }
            }
        }
        Ok(out)
    }

    async fn value(&self, letter: char, domain: &str) -> String {
        match letter {
            's' => format!("{}@{}", self.local, self.sender_domain),
            'l' => self.local.clone(),
            'o' => self.sender_domain.clone(),
            'd' => domain.to_owned(),
            'i' => match self.ip {
                IpAddr::V4(ip) => ip.to_string(),
                IpAddr::V6(ip) => {
                    let nibbles: Vec<String> = ip
                        .octets()
                        .iter()
                        .flat_map(|byte| [byte >> 4, byte & 15])
                        .map(|nibble| format!("{nibble:X}"))
                        .collect();
                    nibbles.join(".")
                }
            },
            'p' => {
                let names = self.validated_names().await;
                let own = names.iter().find(|name| *name == domain);
                own.or_else(|| names.iter().find(|name| below(name, domain)))
                    .or(names.first())
                    .cloned()
                    .unwrap_or_else(|| "unknown".to_owned())
            }
            'v' if self.ip.is_ipv4() => "in-addr".to_owned(),
            'v' => "ip6".to_owned(),
            'h' => self.helo.clone(),
            'c' => self.ip.to_string(),
            'r' => self.receiver.clone(),
            // The time is for people; nobody looks up a domain by it.
            _ => "0".to_owned(),
        }
    }

    /// What the domain says to those it refuses (§6.2); anything wrong with it means: nothing.
    async fn explain(&mut self, spec: Option<&str>, domain: &str) -> Option<String> {
        let name = self.expand_domain(spec?, domain).await.ok()??;
        let texts = self.texts(&name).await.ok()?;
        let [text] = texts.as_slice() else {
            return None;
        };
        let text = std::str::from_utf8(text).ok().filter(|t| t.is_ascii())?;
        if !is_macro_string(text, true) {
            return None;
        }
        self.expand(text, domain).await.ok()
    }
}

/// A domain worth asking for (§4.3): at least two labels of lawful length, no address literal.
fn is_sender_domain(domain: &str) -> bool {
    let bare = domain.strip_suffix('.').unwrap_or(domain);
    bare.len() <= 253
        && bare.contains('.')
        && !bare.starts_with('[')
        && bare.split('.').all(|label| (1..=63).contains(&label.len()))
}

/// A name as the name server is asked: label by label, so that no sign is taken for an escape.
fn wire_name(name: &str) -> Option<Name> {
    let labels = name.trim_end_matches('.').split('.').map(str::as_bytes);
    let mut name = Name::from_labels(labels).ok()?;
    name.set_fqdn(true);
    Some(name)
}

fn below(name: &str, domain: &str) -> bool {
    let (name, domain) = (name.to_lowercase(), domain.to_lowercase());
    name == domain
        || name
            .strip_suffix(&domain)
            .is_some_and(|head| head.ends_with('.'))
}

/// Splits at the delimiters, turns the order around, keeps the last so many parts (§7.3).
fn transform(value: &str, digits: Option<usize>, reverse: bool, delimiters: &str) -> String {
    let delimiters = if delimiters.is_empty() {
        "."
    } else {
        delimiters
    };
    let mut parts: Vec<&str> = value.split(|c| delimiters.contains(c)).collect();
    if reverse {
        parts.reverse();
    }
    let skipped = digits.map_or(0, |digits| parts.len().saturating_sub(digits));
    parts.get(skipped..).unwrap_or_default().join(".")
}

fn url_escape(value: &str) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
