//! The signed token that proves a reply belongs to a ticket.
//!
//! The number alone is public knowledge; the token is a truncated HMAC-SHA-256 (RFC 2104) of the ticket id under the
//! installation's key, 50 bits in Crockford's base 32, short enough to stand in a subject line.

use crate::domain::ids::{TICKET_PREFIX, TicketId};
use hmac::{Hmac, Mac};
use regex::Regex;
use sha2::Sha256;
use std::sync::OnceLock;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TOKEN_CHARS: usize = 10;

/// The key tokens are signed with; redacted in `Debug`.
#[derive(Clone)]
pub struct TokenKey(Vec<u8>);

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

impl TokenKey {
    /// Takes the key's bytes (at least 16 are sensible).
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The token of a ticket.
    pub fn sign(&self, ticket: TicketId) -> String {
        // HMAC takes keys of any length (RFC 2104 §3), so this cannot fail; an empty token would match nothing.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        mac.update(b"ticket:");
        mac.update(ticket.0.to_string().as_bytes());
        let digest = mac.finalize().into_bytes();
        let bits = digest
            .iter()
            .take(8)
            .fold(0u64, |bits, byte| (bits << 8) | u64::from(*byte));
        (0..TOKEN_CHARS)
            .filter_map(|i| {
                let index = usize::try_from((bits >> (5 * i)) & 31).ok()?;
                ALPHABET.get(index).map(|c| char::from(*c))
            })
            .collect()
    }

    /// True when the token was signed for this ticket; compared in constant time.
    pub fn verify(&self, ticket: TicketId, token: &str) -> bool {
        let expected = self.sign(ticket);
        let given = token.to_lowercase();
        expected.len() == given.len()
            && !expected.is_empty()
            && expected
                .bytes()
                .zip(given.bytes())
                .fold(0u8, |diff, (a, b)| diff | (a ^ b))
                == 0
    }

    /// The tag for subject lines: `[MD-000042 k3f9x2m7qa]`.
    pub fn tag(&self, ticket: TicketId) -> String {
        format!("[{} {}]", ticket.number(), self.sign(ticket))
    }

    /// The detail for a reply address: `md-000042.k3f9x2m7qa` in `desk+md-000042.k3f9x2m7qa@…`.
    pub fn address_detail(&self, ticket: TicketId) -> String {
        format!("{}.{}", ticket.number().to_lowercase(), self.sign(ticket))
    }

    /// The first ticket named in `text` with a token that was signed for it.
    pub fn find_signed(&self, text: &str) -> Option<TicketId> {
        mentions(text)
            .into_iter()
            .find(|(ticket, token)| token.as_ref().is_some_and(|t| self.verify(*ticket, t)))
            .map(|(ticket, _)| ticket)
    }
}

/// Every ticket number in a text, with the token that follows it, if any.
pub fn mentions(text: &str) -> Vec<(TicketId, Option<String>)> {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = PATTERN.get_or_init(|| {
        Regex::new(&format!(
            r"(?i)\b{TICKET_PREFIX}([0-9]{{1,12}})(?:[ .]([0-9a-z]{{{TOKEN_CHARS}}})\b)?"
        ))
        .ok()
    });
    let Some(pattern) = pattern else {
        return Vec::new();
    };
    pattern
        .captures_iter(text)
        .filter_map(|found| {
            let ticket = TicketId::parse(found.get(1)?.as_str())?;
            Some((ticket, found.get(2).map(|t| t.as_str().to_owned())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_its_own_ticket_only() {
        let key = TokenKey::new(b"a key of this installation".to_vec());
        let other = TokenKey::new(b"a key of another installation".to_vec());
        let ticket = TicketId(42);
        let subject = format!("Re: Question {}", key.tag(ticket));
        assert_eq!(key.find_signed(&subject), Some(ticket));
        assert_eq!(key.find_signed(&subject.to_uppercase()), Some(ticket));
        assert_eq!(other.find_signed(&subject), None);
        let forged = subject.replace("MD-000042", "MD-000043");
        assert_eq!(key.find_signed(&forged), None);
        assert_eq!(
            mentions("about MD-000043, please"),
            vec![(TicketId(43), None)]
        );
        let address = format!("desk+{}@desk.example.jp", key.address_detail(ticket));
        assert_eq!(key.find_signed(&address), Some(ticket));
    }
}
