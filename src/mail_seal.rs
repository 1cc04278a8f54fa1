//! What departing mail is sealed with: the desk's S/MIME signature around the content, then the domain's DKIM signature over all of it.

use crate::config::DkimConfig;
use crate::flow::office::DeskProfile;
use crate::mail_trust::domain_of;
use anyhow::{Context, bail};
use madoguchi_mime::Seal;
use madoguchi_trust::{Signer, SmimeSigner};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A certificate that ends sooner is warned of.
const SOON: Duration = Duration::from_secs(30 * 86_400);

/// Seals in the order they are put on.
pub struct Seals(Vec<Arc<dyn Seal>>);

impl Seals {
    /// All of them as one; `None` when there is none.
    pub fn together(seals: Vec<Arc<dyn Seal>>) -> Option<Arc<dyn Seal>> {
        (!seals.is_empty()).then(|| Arc::new(Self(seals)) as Arc<dyn Seal>)
    }
}

impl Seal for Seals {
    fn seal(&self, from: &str, message: Vec<u8>) -> Result<Vec<u8>, String> {
        self.0
            .iter()
            .try_fold(message, |message, seal| seal.seal(from, message))
    }
}

/// Signs the letters of desks that have a certificate (RFC 8551).
#[derive(Debug, Default)]
pub struct SmimeSeal {
    signers: BTreeMap<String, SmimeSigner>,
}

impl SmimeSeal {
    /// Takes a desk's certificate and key.
    ///
    /// # Errors
    /// They cannot be read or used, or the certificate has ended.
    pub fn add(
        &mut self,
        desk: &DeskProfile,
        certificate: &std::path::Path,
        key: &std::path::Path,
    ) -> anyhow::Result<()> {
        let read = |file: &std::path::Path| {
            std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))
        };
        let signer = SmimeSigner::from_pem(&read(certificate)?, &read(key)?)?;
        if signer.until() <= SystemTime::now() {
            bail!("the S/MIME certificate {} has ended", certificate.display());
        }
        self.signers.insert(desk.address.to_lowercase(), signer);
        Ok(())
    }

    /// True when no desk signs.
    pub fn is_empty(&self) -> bool {
        self.signers.is_empty()
    }

    /// Addresses whose certificate ends soon, with the days left.
    pub fn ending(&self, now: SystemTime) -> Vec<(String, u64)> {
        let left = |signer: &SmimeSigner| signer.until().duration_since(now).unwrap_or_default();
        self.signers
            .iter()
            .filter(|(_, signer)| left(signer) < SOON)
            .map(|(address, signer)| (address.clone(), left(signer).as_secs() / 86_400))
            .collect()
    }
}

impl Seal for SmimeSeal {
    fn seal(&self, from: &str, message: Vec<u8>) -> Result<Vec<u8>, String> {
        let Some(signer) = self.signers.get(&from.to_lowercase()) else {
            return Ok(message);
        };
        let now = SystemTime::now();
        if signer.until() <= now {
            // An answer without a signature is better than none; programs would call this one forged.
            tracing::error!("The S/MIME certificate has ended; letters leave without a signature");
            return Ok(message);
        }
        signer
            .sign(&message, now)
            .map_err(|error| error.to_string())
    }
}

/// Signs departing mail.
#[derive(Debug)]
pub struct DkimSeal {
    signers: BTreeMap<String, Signer>,
}

impl DkimSeal {
    /// Reads the key; `own_domains` are signed for where the configuration names none.
    ///
    /// # Errors
    /// The key cannot be read or used.
    pub fn open(
        config: &DkimConfig,
        own_domains: impl IntoIterator<Item = String>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(file) = &config.key_file else {
            return Ok(None);
        };
        let pem = std::fs::read_to_string(file)
            .with_context(|| format!("dkim.key_file {} cannot be read", file.display()))?;
        let domains: BTreeSet<String> = if config.domains.is_empty() {
            own_domains.into_iter().collect()
        } else {
            config.domains.iter().cloned().collect()
        };
        let mut signers = BTreeMap::new();
        for domain in domains {
            let domain = domain.to_lowercase();
            let signer = Signer::from_pem(&pem, &domain, &config.selector)?;
            signers.insert(domain, signer);
        }
        Ok(Some(Self { signers }))
    }

    /// Names and texts of the records the domains have to publish.
    pub fn records(&self) -> Vec<(String, String)> {
        self.signers.values().map(Signer::record).collect()
    }
}

impl Seal for DkimSeal {
    fn seal(&self, from: &str, message: Vec<u8>) -> Result<Vec<u8>, String> {
        let domain = domain_of(from);
        match self.signers.get(&domain) {
            Some(signer) => signer.sign(&message).map_err(|error| error.to_string()),
            None => Ok(message),
        }
    }
}
