//! One arrived message, looked at: who vouches for it?

use crate::arc_form::{relax, well_formed};
use crate::network::Network;
use crate::spf::Spf;
use crate::trace::{Trace, trace};
use mail_auth::common::crypto::Algorithm;
use mail_auth::dmarc::Policy;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::{
    ArcOutput, AuthenticatedMessage, DkimOutput, DkimResult, DmarcResult, MessageAuthenticator,
    SpfOutput, SpfResult,
};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Signatures looked at; a message with more is not made by a mail server (RFC 6376 §8.4 allows a limit).
const MOST_SIGNATURES: usize = 10;

/// How senders are looked at.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name server to ask; the system's when `None`.
    pub resolver: Option<SocketAddr>,
    /// Longest time one message may take.
    pub timeout: Duration,
    /// Names of our own receiving servers, as they stand behind `by` in their `Received` fields.
    pub trusted_hosts: Vec<String>,
    /// Networks of our own servers beyond the private ones: a hop from one of them is a hop between our servers.
    pub own_networks: Vec<Network>,
    /// Names our receiving servers use in `Authentication-Results`.
    pub authserv_ids: Vec<String>,
    /// Forwarders whose ARC seal is believed (RFC 8617 §7.2.1).
    pub trusted_sealers: Vec<String>,
}

/// The checks cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("name servers cannot be asked: {0}")]
pub struct SetupError(String);

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// There is nothing to check.
    #[default]
    None,
    /// It holds.
    Pass,
    /// It does not hold.
    Fail,
    /// It probably does not hold (SPF `~all`).
    SoftFail,
    /// The domain says neither.
    Neutral,
    /// A name server was silent: nobody knows.
    TempError,
    /// The record or the message is faulty.
    PermError,
}

/// One DKIM signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The domain that signed.
    pub domain: String,
    /// Which of its keys.
    pub selector: String,
    /// Whether it holds.
    pub verdict: Verdict,
    /// Why not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// What the domain in From says of the message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Dmarc {
    /// Whether the domain vouches for it.
    pub verdict: Verdict,
    /// The domain in From.
    pub domain: String,
    /// It asks for failing messages to be refused or set aside.
    pub strict: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// Why a message that fails DMARC is believed all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Override {
    /// A forwarder we trust saw it pass (its domain).
    Arc(String),
    /// Our receiving server noted that it passed, and we cannot see the connecting address ourselves.
    Noted,
}

/// Everything found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trust {
    /// The address that connected to our servers.
    pub ip: Option<IpAddr>,
    /// Does the connecting address belong to the envelope sender's domain?
    pub spf: Verdict,
    /// The domain SPF spoke of.
    pub spf_domain: String,
    /// Signatures, in the order they stand.
    pub dkim: Vec<Signature>,
    /// The policy of the domain in From.
    pub dmarc: Dmarc,
    /// The chain of forwarders.
    pub arc: Verdict,
    /// Why a failing message is believed.
    pub believed: Option<Override>,
}

/// Looks at senders.
pub struct Checker {
    dns: Arc<MessageAuthenticator>,
    settings: Settings,
}

impl std::fmt::Debug for Checker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checker")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Checker {
    /// Prepares the checks.
    ///
    /// # Errors
    /// The system names no name server.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        let dns = match settings.resolver {
            None => MessageAuthenticator::new_system_conf(),
            Some(server) => {
                let mut name_server = NameServerConfig::udp_and_tcp(server.ip());
                for connection in &mut name_server.connections {
                    connection.port = server.port();
                }
                let mut options = ResolverOpts::default();
                options.timeout = settings.timeout / 4;
                options.attempts = 1;
                let config = ResolverConfig::from_parts(None, Vec::new(), vec![name_server]);
                MessageAuthenticator::new(config, options)
            }
        };
        Ok(Self {
            dns: Arc::new(dns.map_err(|error| SetupError(error.to_string()))?),
            settings,
        })
    }

    /// The checks' own view of a name server, for the suites of the standards.
    pub fn dns(&self) -> &MessageAuthenticator {
        &self.dns
    }

    /// Looks at one message. Never fails: what could not be found out says so.
    pub async fn check(&self, raw: &[u8]) -> Trust {
        let settings = &self.settings;
        let trace = trace(
            raw,
            &settings.trusted_hosts,
            &settings.own_networks,
            &settings.authserv_ids,
        );
        let (dns, raw) = (Arc::clone(&self.dns), wire_form(raw));
        let sealers = settings.trusted_sealers.clone();
        let seen = trace.clone();
        // In a task of its own: the library may meet a message it panics at, and a silent name server must not hold the desk up.
        let looking = tokio::spawn(async move { look(&dns, &raw, &trace, &sealers).await });
        match tokio::time::timeout(settings.timeout, looking).await {
            Ok(Ok(trust)) => trust,
            Ok(Err(_)) => unknown(&seen, "the message could not be looked at"),
            Err(_) => unknown(&seen, "the name servers did not answer in time"),
        }
    }
}

/// Lines ended as on the wire: signatures are made over that form, files are often kept in another.
fn wire_form(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + raw.len() / 40);
    let mut before = 0;
    for byte in raw {
        if *byte == b'\n' && before != b'\r' {
            out.push(b'\r');
        }
        out.push(*byte);
        before = *byte;
    }
    out
}

fn unknown(trace: &Trace, why: &str) -> Trust {
    Trust {
        ip: trace.ip,
        dmarc: Dmarc {
            verdict: Verdict::TempError,
            why: why.to_owned(),
            ..Dmarc::default()
        },
        ..Trust::default()
    }
}

async fn look(dns: &MessageAuthenticator, raw: &[u8], trace: &Trace, sealers: &[String]) -> Trust {
    let Some(mut message) = AuthenticatedMessage::parse(raw) else {
        return Trust::default();
    };
    message.dkim_headers.truncate(MOST_SIGNATURES);
    relax(&mut message);
    let mail_from = trace.mail_from.clone().unwrap_or_default();
    let spf = spf(dns, trace, &mail_from).await;
    let dkim = dns.verify_dkim(&message).await;
    let arc = dns.verify_arc(&message).await;
    let mail_from_domain = match mail_from.rsplit_once('@') {
        Some((_, domain)) => domain,
        None => trace.helo.as_str(),
    };
    let author = author_domain(&message);
    let vouching: Vec<DkimOutput<'_>> = dkim
        .iter()
        .filter(|output| {
            output
                .signature()
                .is_some_and(|by| strong(output) && same_organisation(&author, &by.d))
        })
        .cloned()
        .collect();
    let spf_output = SpfOutput::new(mail_from_domain.to_owned()).with_result(match spf {
        _ if !same_organisation(&author, mail_from_domain) => SpfResult::None,
        Verdict::Pass => SpfResult::Pass,
        Verdict::TempError => SpfResult::TempError,
        _ => SpfResult::None,
    });
    let output = dns
        .verify_dmarc(DmarcParameters::new(
            &message,
            &vouching,
            mail_from_domain,
            &spf_output,
        ))
        .await;
    let (verdict, why) = dmarc_verdict(&output.result());
    let mut dmarc = Dmarc {
        verdict,
        domain: output.domain().to_owned(),
        strict: matches!(output.policy(), Policy::Quarantine | Policy::Reject),
        why,
    };
    if from_fields(&message) > 1 {
        // Readers show one of them, and not the one that was checked (RFC 7489 §6.6.1).
        dmarc.verdict = Verdict::Fail;
        dmarc.strict = true;
        "there is more than one From".clone_into(&mut dmarc.why);
    }
    let arc_verdict = arc_verdict(&message, &arc);
    let believed = (dmarc.verdict == Verdict::Fail && from_fields(&message) == 1)
        .then(|| believed(trace, arc_verdict, arc.sets(), sealers))
        .flatten();
    Trust {
        ip: trace.ip,
        spf,
        spf_domain: mail_from_domain.to_owned(),
        dkim: dkim.iter().map(signature).collect(),
        dmarc,
        arc: arc_verdict,
        believed,
    }
}

/// What SPF says. Where nobody we trust says where the message came from, it has nothing to speak of.
async fn spf(dns: &MessageAuthenticator, trace: &Trace, mail_from: &str) -> Verdict {
    match trace.ip {
        Some(ip) => {
            Spf::check(dns, ip, &trace.helo, mail_from, "localhost")
                .await
                .verdict
        }
        None => Verdict::None,
    }
}

/// The domain in From, in the form of the name service.
fn author_domain(message: &AuthenticatedMessage<'_>) -> String {
    let domain = message.from.iter().find_map(|from| from.rsplit_once('@'));
    ascii(domain.map_or("", |(_, domain)| domain))
}

fn ascii(domain: &str) -> String {
    let domain = domain.trim().trim_end_matches('.');
    idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_ascii_lowercase())
}

/// Do two domains belong to one registration (public suffix list)? The tree walk of RFC 9989 alone would let one registrant speak for
/// another wherever a registry publishes a DMARC record without `psd=y`.
fn same_organisation(author: &str, other: &str) -> bool {
    let other = ascii(other);
    author == other
        || matches!((psl::domain_str(author), psl::domain_str(&other)), (Some(a), Some(b)) if a == b)
}

/// SHA-1 is no signature any more (RFC 8301 §3.1).
fn strong(output: &DkimOutput<'_>) -> bool {
    output
        .signature()
        .is_some_and(|signature| signature.a != Algorithm::RsaSha1)
}

fn believed(
    trace: &Trace,
    arc: Verdict,
    sets: &[mail_auth::arc::Set<'_>],
    sealers: &[String],
) -> Option<Override> {
    if trace.ip.is_none() && trace.noted_dmarc.as_deref() == Some("pass") {
        return Some(Override::Noted);
    }
    let last = sets.last().filter(|_| arc == Verdict::Pass)?;
    let sealer = &last.seal.header.d;
    let trusted = sealers.iter().any(|own| own.eq_ignore_ascii_case(sealer));
    let saw_it_pass = sets
        .first()
        .is_some_and(|set| String::from_utf8_lossy(set.results.value).contains("dmarc=pass"));
    (trusted && saw_it_pass).then(|| Override::Arc(sealer.clone()))
}

fn arc_verdict(message: &AuthenticatedMessage<'_>, output: &ArcOutput<'_>) -> Verdict {
    if well_formed(message.raw_parsed_headers()) {
        dkim_verdict(output.result()).0
    } else {
        Verdict::Fail
    }
}

fn from_fields(message: &AuthenticatedMessage<'_>) -> usize {
    message
        .raw_parsed_headers()
        .iter()
        .filter(|(name, _)| name.trim_ascii().eq_ignore_ascii_case(b"from"))
        .count()
}

fn signature(output: &DkimOutput<'_>) -> Signature {
    let (mut verdict, mut why) = dkim_verdict(output.result());
    if verdict == Verdict::Pass && !strong(output) {
        (verdict, why) = (Verdict::PermError, "rsa-sha1 is not believed".to_owned());
    }
    Signature {
        domain: output.signature().map(|s| s.d.clone()).unwrap_or_default(),
        selector: output.signature().map(|s| s.s.clone()).unwrap_or_default(),
        verdict,
        why,
    }
}

fn dkim_verdict(result: &DkimResult) -> (Verdict, String) {
    match result {
        DkimResult::Pass => (Verdict::Pass, String::new()),
        DkimResult::Neutral(why) => (Verdict::Neutral, why.to_string()),
        DkimResult::Fail(why) => (Verdict::Fail, why.to_string()),
        DkimResult::PermError(why) => (Verdict::PermError, why.to_string()),
        DkimResult::TempError(why) => (Verdict::TempError, why.to_string()),
        DkimResult::None => (Verdict::None, String::new()),
    }
}

fn dmarc_verdict(result: &DmarcResult) -> (Verdict, String) {
    match result {
        DmarcResult::Pass => (Verdict::Pass, String::new()),
        DmarcResult::Fail(why) => (Verdict::Fail, why.to_string()),
        DmarcResult::TempError(why) => (Verdict::TempError, why.to_string()),
        DmarcResult::PermError(why) => (Verdict::PermError, why.to_string()),
        DmarcResult::None => (Verdict::None, String::new()),
    }
}
