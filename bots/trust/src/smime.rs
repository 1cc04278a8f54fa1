//! S/MIME signatures on departing messages (RFC 8551, detached), with the desk's own certificate.
//!
//! Only signing: the requester's mail program shows that the letter is the desk's. Nothing is encrypted.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use der::asn1::{GeneralizedTime, ObjectIdentifier, OctetString, SetOfVec, UtcTime};
use der::{Any, DateTime, Decode, Encode, Tag};
use rustls::SignatureScheme;
use rustls::sign::SigningKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use x509_cert::Certificate;
use x509_cert::attr::Attribute;
use x509_cert::spki::AlgorithmIdentifierOwned;

const ID_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ID_SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ECDSA_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// Characters of a line of base64 (RFC 2045 §6.8).
const LINE: usize = 76;

/// A letter cannot be signed, or certificate and key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SmimeError {
    /// The certificate file.
    #[error("the S/MIME certificate cannot be used: {0}")]
    Certificate(String),
    /// The key file.
    #[error(
        "the S/MIME key cannot be used: {0}; it must be the certificate's RSA or P-256 key in PEM"
    )]
    Key(String),
    /// The signature itself.
    #[error("the message cannot be signed: {0}")]
    Message(String),
}

/// Signs letters of one address.
pub struct SmimeSigner {
    chain: Vec<Certificate>,
    key: Arc<dyn SigningKey>,
    until: SystemTime,
    issuer: IssuerAndSerialNumber,
}

impl std::fmt::Debug for SmimeSigner {
    /// Leaves the key out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmimeSigner")
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

impl SmimeSigner {
    /// Reads a certificate, followed by those that vouch for it, and its private key.
    ///
    /// # Errors
    /// [`SmimeError::Certificate`], [`SmimeError::Key`].
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, SmimeError> {
        let unusable = |error: &dyn std::fmt::Display| SmimeError::Certificate(error.to_string());
        let mut chain = Vec::new();
        for pem in CertificateDer::pem_slice_iter(certificates) {
            let der = pem.map_err(|e| unusable(&e))?;
            chain.push(Certificate::from_der(&der).map_err(|e| unusable(&e))?);
        }
        let own = chain
            .first()
            .ok_or_else(|| SmimeError::Certificate("the file holds none".to_owned()))?;
        let until = own.tbs_certificate.validity.not_after.to_system_time();
        let issuer = IssuerAndSerialNumber {
            issuer: own.tbs_certificate.issuer.clone(),
            serial_number: own.tbs_certificate.serial_number.clone(),
        };
        let refused = |error: &dyn std::fmt::Display| SmimeError::Key(error.to_string());
        let der = PrivateKeyDer::from_pem_slice(key).map_err(|e| refused(&e))?;
        let key = rustls::crypto::ring::sign::any_supported_type(&der).map_err(|e| refused(&e))?;
        let public = own
            .tbs_certificate
            .subject_public_key_info
            .to_der()
            .map_err(|e| unusable(&e))?;
        if key
            .public_key()
            .is_some_and(|own| own.as_ref() != public.as_slice())
        {
            return Err(refused(&"it is not the certificate's"));
        }
        let signer = Self {
            chain,
            key,
            until,
            issuer,
        };
        signer
            .scheme()
            .ok_or_else(|| refused(&"its kind is not supported"))?;
        Ok(signer)
    }

    /// The certificate's last moment.
    pub fn until(&self) -> SystemTime {
        self.until
    }

    fn scheme(&self) -> Option<(Box<dyn rustls::sign::Signer>, AlgorithmIdentifierOwned)> {
        let offered = [
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::ECDSA_NISTP256_SHA256,
        ];
        let signer = self.key.choose_scheme(&offered)?;
        let algorithm = match signer.scheme() {
            // RFC 3370 §3.2: parameters are NULL for RSA, RFC 5754 §3.3: absent for ECDSA.
            SignatureScheme::RSA_PKCS1_SHA256 => AlgorithmIdentifierOwned {
                oid: RSA,
                parameters: Some(Any::null()),
            },
            _ => AlgorithmIdentifierOwned {
                oid: ECDSA_SHA_256,
                parameters: None,
            },
        };
        Some((signer, algorithm))
    }

    /// The message as `multipart/signed` (RFC 1847): its own content becomes the first part, unchanged but for letters beyond ASCII,
    /// which are put in base64 so that no server on the way changes them.
    ///
    /// # Errors
    /// [`SmimeError::Message`].
    pub fn sign(&self, message: &[u8], now: SystemTime) -> Result<Vec<u8>, SmimeError> {
        let (outer, content) = taken_apart(message)?;
        let signature = self.signature(&content, now)?;
        // Part of the digest, so no line of the content can be the boundary.
        let boundary = format!("sig-{}", hex(&Sha256::digest(&content)));
        let mut out = outer;
        out.extend_from_slice(
            format!(
                "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n micalg=sha-256; boundary=\"{0}\"\r\n\r\n\
                 This letter is signed (S/MIME).\r\n--{0}\r\n",
                boundary.get(..36).unwrap_or(&boundary)
            )
            .as_bytes(),
        );
        let boundary = boundary.get(..36).unwrap_or(&boundary);
        out.extend_from_slice(&content);
        out.extend_from_slice(
            format!(
                "\r\n--{boundary}\r\nContent-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n\
                 Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n{}--{boundary}--\r\n",
                in_lines(&signature)
            )
            .as_bytes(),
        );
        Ok(out)
    }

    fn signature(&self, content: &[u8], now: SystemTime) -> Result<Vec<u8>, SmimeError> {
        let failed = |error: der::Error| SmimeError::Message(error.to_string());
        let (signer, signature_algorithm) = self
            .scheme()
            .ok_or_else(|| SmimeError::Message("no algorithm".to_owned()))?;
        let sha_256 = AlgorithmIdentifierOwned {
            oid: SHA_256,
            parameters: None,
        };
        let mut attributes = SetOfVec::new();
        for (oid, value) in [
            (CONTENT_TYPE, Any::from(ID_DATA)),
            (SIGNING_TIME, time(now).map_err(failed)?),
            (
                MESSAGE_DIGEST,
                Any::new(Tag::OctetString, Sha256::digest(content).to_vec()).map_err(failed)?,
            ),
        ] {
            let mut values = SetOfVec::new();
            values.insert(value).map_err(failed)?;
            attributes
                .insert(Attribute { oid, values })
                .map_err(failed)?;
        }
        // RFC 5652 §5.4: what is signed is the SET OF, not the implicit tag it travels under.
        let signed = attributes.to_der().map_err(failed)?;
        let signature = signer
            .sign(&signed)
            .map_err(|error| SmimeError::Message(error.to_string()))?;
        let info = SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(self.issuer.clone()),
            digest_alg: sha_256.clone(),
            signed_attrs: Some(attributes),
            signature_algorithm,
            signature: OctetString::new(signature).map_err(failed)?,
            unsigned_attrs: None,
        };
        let mut digest_algorithms = SetOfVec::new();
        digest_algorithms.insert(sha_256).map_err(failed)?;
        let mut certificates = SetOfVec::new();
        for certificate in &self.chain {
            certificates
                .insert(CertificateChoices::Certificate(certificate.clone()))
                .map_err(failed)?;
        }
        let mut infos = SetOfVec::new();
        infos.insert(info).map_err(failed)?;
        let data = SignedData {
            version: CmsVersion::V1,
            digest_algorithms,
            encap_content_info: EncapsulatedContentInfo {
                econtent_type: ID_DATA,
                econtent: None,
            },
            certificates: Some(CertificateSet(certificates)),
            crls: None,
            signer_infos: SignerInfos(infos),
        };
        ContentInfo {
            content_type: ID_SIGNED_DATA,
            content: Any::encode_from(&data).map_err(failed)?,
        }
        .to_der()
        .map_err(failed)
    }
}

/// Until 2049 in two digits (RFC 5652 §11.3).
fn time(now: SystemTime) -> Result<Any, der::Error> {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let whole = Duration::from_secs(since.as_secs());
    let when = DateTime::from_unix_duration(whole)?;
    match UtcTime::from_date_time(when) {
        Ok(short) => Any::encode_from(&short),
        Err(_) => Any::encode_from(&GeneralizedTime::from_date_time(when)),
    }
}

/// The header that stays outside, and the content with the fields that describe it.
fn taken_apart(message: &[u8]) -> Result<(Vec<u8>, Vec<u8>), SmimeError> {
    let end = message
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or_else(|| SmimeError::Message("it has no header".to_owned()))?;
    let (header, rest) = message.split_at(end + 2);
    let body = rest.get(2..).unwrap_or_default();
    let (mut outer, mut inner, mut describes) = (Vec::new(), Vec::new(), false);
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            describes = matches!(
                name.as_str(),
                "content-type" | "content-transfer-encoding" | "content-disposition"
            );
        }
        if describes {
            inner.extend_from_slice(line);
        } else {
            outer.extend_from_slice(line);
        }
    }
    if body.is_ascii() {
        inner.extend_from_slice(b"\r\n");
        inner.extend_from_slice(body);
        return Ok((outer, inner));
    }
    let text = String::from_utf8_lossy(&inner).into_owned();
    let kept: String = text
        .split_inclusive("\r\n")
        .filter(|line| {
            !line
                .to_ascii_lowercase()
                .starts_with("content-transfer-encoding")
        })
        .collect();
    let content = format!(
        "{kept}Content-Transfer-Encoding: base64\r\n\r\n{}",
        in_lines(body)
    );
    Ok((outer, content.into_bytes()))
}

fn in_lines(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut out = String::with_capacity(text.len() + text.len() / LINE * 2 + 2);
    for (at, sign) in text.chars().enumerate() {
        if at > 0 && at % LINE == 0 {
            out.push_str("\r\n");
        }
        out.push(sign);
    }
    out.push_str("\r\n");
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
