//! Senders looked at: `madoguchi-trust` behind the desk's port.

use crate::config::TrustConfig;
use crate::domain::sender::{Proof, SenderTrust};
use crate::flow::ports::SenderChecks;
use anyhow::Context;
use async_trait::async_trait;
use madoguchi_channel::InboundMessage;
use madoguchi_trust::{Checker, Network, Override, Settings, Trust, Verdict, Warning, warnings};
use std::collections::BTreeSet;
use std::time::Duration;

/// Looks at the senders of mail.
pub struct MailChecks {
    /// `None` where no channel's senders are looked at: then no name server is needed.
    checker: Option<Checker>,
    known_domains: Vec<String>,
    channels: BTreeSet<String>,
}

impl MailChecks {
    /// Checks for these channels; `own_domains` are the desks'.
    ///
    /// # Errors
    /// No name server is known.
    pub fn new(
        config: &TrustConfig,
        own_domains: impl IntoIterator<Item = String>,
        channels: BTreeSet<String>,
    ) -> anyhow::Result<Self> {
        let settings = Settings {
            resolver: config.resolver()?,
            timeout: Duration::from_secs(config.timeout_seconds.clamp(1, 20)),
            trusted_hosts: config.trusted_hosts.clone(),
            own_networks: config
                .own_networks
                .iter()
                .map(|network| network.parse::<Network>())
                .collect::<Result<_, _>>()
                .context("trust.own_networks")?,
            authserv_ids: config.authserv_ids.clone(),
            trusted_sealers: config.trusted_sealers.clone(),
        };
        let mut known_domains: Vec<String> = own_domains
            .into_iter()
            .chain(config.known_domains.iter().cloned())
            .map(|domain| domain.to_lowercase())
            .collect();
        known_domains.sort();
        known_domains.dedup();
        let checker = if channels.is_empty() {
            None
        } else {
            Some(
                Checker::new(settings)
                    .context("set `trust.dns` to a name server, or to \"off\"")?,
            )
        };
        Ok(Self {
            checker,
            known_domains,
            channels,
        })
    }
}

#[async_trait]
impl SenderChecks for MailChecks {
    async fn check(&self, channel: &str, raw: &[u8], message: &InboundMessage) -> SenderTrust {
        let Some(from) = &message.from else {
            return SenderTrust::default();
        };
        let tricks = warnings(
            &from.address,
            from.name.as_deref(),
            message.reply_to.as_ref().map(|p| p.address.as_str()),
            &self.known_domains,
        );
        let mut trust = SenderTrust {
            warnings: tricks.iter().map(in_words).collect(),
            ..SenderTrust::default()
        };
        if let Some(checker) = &self.checker
            && self.channels.contains(channel)
        {
            let found = checker.check(raw).await;
            trust.proof = proof(&found);
            trust.strict = found.dmarc.strict;
            trust.checks = lines(&found);
        }
        trust
    }
}

fn proof(found: &Trust) -> Proof {
    match (found.dmarc.verdict, &found.believed) {
        (_, Some(_)) | (Verdict::Pass, None) => Proof::Pass,
        (Verdict::Fail, None) => Proof::Fail,
        (Verdict::TempError, None) => Proof::Unknown,
        _ => Proof::None,
    }
}

/// One line a check that had something to look at.
fn lines(found: &Trust) -> Vec<String> {
    let word = |verdict: Verdict| format!("{verdict:?}").to_lowercase();
    let mut lines = Vec::new();
    if found.spf != Verdict::None {
        let ip = found.ip.map(|ip| ip.to_string()).unwrap_or_default();
        lines.push(format!(
            "SPF {} ({}, {ip})",
            word(found.spf),
            found.spf_domain
        ));
    }
    for signature in &found.dkim {
        let why = if signature.why.is_empty() {
            String::new()
        } else {
            format!(": {}", signature.why)
        };
        lines.push(format!(
            "DKIM {} ({}{why})",
            word(signature.verdict),
            signature.domain
        ));
    }
    if found.arc != Verdict::None {
        lines.push(format!("ARC {}", word(found.arc)));
    }
    if found.dmarc.verdict != Verdict::None {
        let why = if found.dmarc.why.is_empty() {
            String::new()
        } else {
            format!(": {}", found.dmarc.why)
        };
        lines.push(format!(
            "DMARC {} ({}{why})",
            word(found.dmarc.verdict),
            found.dmarc.domain
        ));
    }
    match &found.believed {
        Some(Override::Arc(sealer)) => lines.push(format!("believed: {sealer} saw it pass")),
        Some(Override::Noted) => lines.push("believed: our server noted a pass".to_owned()),
        None => {}
    }
    lines
}

fn in_words(warning: &Warning) -> String {
    match warning {
        Warning::LookAlike { known } => format!("the sender's domain only looks like {known}"),
        Warning::MixedScripts => {
            "the sender's domain mixes letters of several scripts that look alike".to_owned()
        }
        Warning::NameHoldsAddress { address } => {
            format!("the sender's name shows another address: {address}")
        }
        Warning::NameClaims { known } => {
            format!("the sender's name speaks of {known}, the address does not belong there")
        }
        Warning::HiddenSigns => {
            "the sender's name or address holds signs that are not seen".to_owned()
        }
        Warning::RepliesElsewhere { domain } => {
            format!("answers would go to another domain: {domain}")
        }
    }
}

/// The domain of an address, in lower case.
pub fn domain_of(address: &str) -> String {
    address
        .rsplit_once('@')
        .map_or(String::new(), |(_, domain)| domain.to_lowercase())
}
