//! The form of ARC fields (RFC 8617 §4, with the tag lists of RFC 6376 §3.2), which the library takes more easily than the public suite: a
//! chain with a malformed link proves nothing.

use mail_auth::AuthenticatedMessage;
use mail_auth::common::crypto::HashAlgorithm;
use mail_auth::dkim::Canonicalization;
use std::collections::BTreeSet;

/// True where every ARC field among the header fields is well formed and each kind stands there as often as the others.
pub fn well_formed(headers: &[(&[u8], &[u8])]) -> bool {
    let mut counts = [0usize; 3];
    for (name, value) in headers {
        let name = String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase();
        let value = String::from_utf8_lossy(value);
        let (kind, good) = match name.as_str() {
            "arc-seal" => (0, seal(&value)),
            "arc-message-signature" => (1, signature(&value)),
            "arc-authentication-results" => (2, true),
            _ => continue,
        };
        if let Some(count) = counts.get_mut(kind) {
            *count += 1;
        }
        if !good {
            return false;
        }
    }
    counts.iter().all(|count| Some(count) == counts.first())
}

/// A message signature without `c=` is relaxed/relaxed: so the public suite and other programs read it, unlike DKIM (RFC 6376 §3.5) and
/// the library.
pub fn relax(message: &mut AuthenticatedMessage<'_>) {
    let mut relaxed = false;
    for field in &mut message.ams_headers {
        let bare = tags(&String::from_utf8_lossy(field.value))
            .is_some_and(|tags| tags.iter().all(|(tag, _)| *tag != "c"));
        let signature = &mut field.header;
        if bare && HashAlgorithm::from(signature.a) == HashAlgorithm::Sha256 && signature.l == 0 {
            signature.ch = Canonicalization::Relaxed;
            signature.cb = Canonicalization::Relaxed;
            relaxed = true;
        }
    }
    let is_it = |known: &Canonicalization, hash: &HashAlgorithm, length: u64| {
        *known == Canonicalization::Relaxed && *hash == HashAlgorithm::Sha256 && length == 0
    };
    let known = message
        .body_hashes
        .iter()
        .any(|(c, hash, length, _)| is_it(c, hash, *length));
    if relaxed && !known {
        let body = Canonicalization::Relaxed.canonical_body(message.raw_body(), 0);
        let hash = HashAlgorithm::Sha256.hash(body).as_ref().to_vec();
        message
            .body_hashes
            .push((Canonicalization::Relaxed, HashAlgorithm::Sha256, 0, hash));
    }
}

fn seal(value: &str) -> bool {
    let Some(tags) = tags(value) else {
        return false;
    };
    let has = |name| tags.iter().any(|(tag, _)| *tag == name);
    ["a", "b", "cv", "d", "i", "s"].into_iter().all(has) && strong(&tags)
}

fn signature(value: &str) -> bool {
    let Some(tags) = tags(value) else {
        return false;
    };
    let has = |name| tags.iter().any(|(tag, _)| *tag == name);
    let signs_seals = tags.iter().any(|(tag, value)| {
        *tag == "h"
            && value
                .split(':')
                .any(|name| name.trim().eq_ignore_ascii_case("arc-seal"))
    });
    ["a", "b", "bh", "d", "h", "i", "s"].into_iter().all(has) && strong(&tags) && !signs_seals
}

/// SHA-1 is no signature any more (RFC 8301).
fn strong(tags: &[(&str, &str)]) -> bool {
    tags.iter()
        .any(|(tag, value)| *tag == "a" && value.ends_with("-sha256"))
}

/// `name=value; …`: names in lower case, each once, nothing empty but the end.
fn tags(value: &str) -> Option<Vec<(&str, &str)>> {
    let value = value.trim();
    let value = value.strip_suffix(';').unwrap_or(value);
    let mut seen = BTreeSet::new();
    let mut tags = Vec::new();
    for tag in value.split(';') {
        let (name, value) = tag.split_once('=')?;
        let name = name.trim();
        let good = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !good || !seen.insert(name) {
            return None;
        }
        tags.push((name, value.trim()));
    }
    Some(tags)
}
