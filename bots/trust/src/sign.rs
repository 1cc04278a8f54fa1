//! DKIM signatures on departing messages (RFC 6376, RFC 8463).

use mail_auth::common::crypto::{Ed25519Key, RsaKey, Sha256};
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::{DkimSigner, Done};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;

/// Fields that are signed. Those named twice are signed once more than they stand in the message, so that nobody can add a second one
/// (RFC 6376 §8.15).
const SIGNED: [&str; 22] = [
    "From",
    "From",
    "To",
    "To",
    "Subject",
    "Subject",
    "Date",
    "Date",
    "Message-ID",
    "Message-ID",
    "Reply-To",
    "Reply-To",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Language",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Madoguchi-Installation",
];

/// A message could not be signed, or the key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The file is no private key we can use.
    #[error(
        "the DKIM key cannot be used ({0}); it must be an RSA or Ed25519 private key in PEM (PKCS#8, or PKCS#1 for RSA)"
    )]
    Key(String),
    /// The library refused the message.
    #[error("the message cannot be signed: {0}")]
    Message(String),
}

enum Key {
    Rsa(DkimSigner<RsaKey<Sha256>, Done>, Vec<u8>),
    Ed25519(DkimSigner<Ed25519Key, Done>, Vec<u8>),
}

/// Signs messages in the name of a domain.
pub struct Signer {
    key: Key,
    domain: String,
    selector: String,
}

impl std::fmt::Debug for Signer {
    /// Leaves the key out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("domain", &self.domain)
            .field("selector", &self.selector)
            .finish_non_exhaustive()
    }
}

impl Signer {
    /// Reads a private key.
    ///
    /// # Errors
    /// [`SignError::Key`].
    pub fn from_pem(pem: &str, domain: &str, selector: &str) -> Result<Self, SignError> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| SignError::Key(error.to_string()))?;
        let ed25519 = match &der {
            PrivateKeyDer::Pkcs8(der) => {
                Ed25519Key::from_pkcs8_maybe_unchecked_der(der.secret_pkcs8_der()).ok()
            }
            _ => None,
        };
        let key = match ed25519 {
            Some(key) => {
                let public = key.public_key();
                Key::Ed25519(
                    DkimSigner::from_key(key)
                        .domain(domain)
                        .selector(selector)
                        .headers(SIGNED),
                    public,
                )
            }
            None => {
                let key = RsaKey::<Sha256>::from_key_der(der)
                    .map_err(|error| SignError::Key(error.to_string()))?;
                let public = key.public_key();
                Key::Rsa(
                    DkimSigner::from_key(key)
                        .domain(domain)
                        .selector(selector)
                        .headers(SIGNED),
                    public,
                )
            }
        };
        Ok(Self {
            key,
            domain: domain.to_owned(),
            selector: selector.to_owned(),
        })
    }

    /// The message with its signature on top.
    ///
    /// # Errors
    /// [`SignError::Message`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = match &self.key {
            Key::Rsa(signer, _) => signer.sign(message),
            Key::Ed25519(signer, _) => signer.sign(message),
        };
        let mut signed = signature
            .map_err(|error| SignError::Message(error.to_string()))?
            .to_header()
            .into_bytes();
        signed.extend_from_slice(message);
        Ok(signed)
    }

    /// Name and text of the record the domain has to publish (RFC 6376 §3.6).
    pub fn record(&self) -> (String, String) {
        use base64::Engine;
        let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
        let name = format!("{}._domainkey.{}", self.selector, self.domain);
        let text = match &self.key {
            Key::Rsa(_, public) => format!("v=DKIM1; k=rsa; p={}", encode(public)),
            Key::Ed25519(_, public) => format!("v=DKIM1; k=ed25519; p={}", encode(public)),
        };
        (name, text)
    }
}
