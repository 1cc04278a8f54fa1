//! What is said when signing in with an access token, and what refusals mean.

use serde_json::Value;

/// A way to sign in with an access token. Passwords go the ways the client libraries know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 7628.
    OauthBearer,
    /// Google's and Microsoft's forerunner of it.
    Xoauth2,
}

impl Mechanism {
    /// The best one on offer, or `None`.
    pub fn choose(offered: impl Fn(&str) -> bool) -> Option<Self> {
        [Self::OauthBearer, Self::Xoauth2]
            .into_iter()
            .find(|one| offered(one.name()))
    }

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::OauthBearer => "OAUTHBEARER",
            Self::Xoauth2 => "XOAUTH2",
        }
    }

    /// The first words, before their base64.
    pub fn first(self, user: &str, token: &str, host: &str, port: u16) -> String {
        match self {
            Self::Xoauth2 => format!("user={user}\x01auth=Bearer {token}\x01\x01"),
            Self::OauthBearer => {
                // RFC 5801 §4: "," and "=" in the name are written as =2C and =3D.
                let name = user.replace('=', "=3D").replace(',', "=2C");
                format!("n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01")
            }
        }
    }

    /// The answer to an error: empty (XOAUTH2) or a lone control-A (RFC 7628 §3.2.3); only then does the server refuse.
    pub fn last(self) -> &'static str {
        match self {
            Self::Xoauth2 => "",
            Self::OauthBearer => "\x01",
        }
    }
}

/// The error a server sends as JSON, as words.
pub fn error_words(challenge: &[u8]) -> Option<String> {
    let Value::Object(fields) = serde_json::from_slice(challenge).ok()? else {
        return None;
    };
    let words: Vec<String> = ["status", "error", "schemes", "scope", "error_description"]
        .iter()
        .filter_map(|name| {
            let value = match fields.get(*name)? {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            Some(format!("{name} {}", printable(&value)))
        })
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// One line of at most 300 characters without control characters.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_said_as_the_providers_write_it() {
        assert_eq!(
            Mechanism::Xoauth2.first("someuser@example.com", "ya29.vF9", "", 0),
            "user=someuser@example.com\x01auth=Bearer ya29.vF9\x01\x01"
        );
        // RFC 7628 §4.1
        let bearer = Mechanism::OauthBearer;
        assert_eq!(
            bearer.first("user@example.com", "vF9=", "server.example.com", 143),
            "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9=\x01\x01"
        );
        assert!(
            bearer
                .first("a,b=c", "t", "h", 1)
                .starts_with("n,a=a=2Cb=3Dc,")
        );
        assert_eq!(
            Mechanism::choose(|name| name == "XOAUTH2"),
            Some(Mechanism::Xoauth2)
        );
        assert_eq!(Mechanism::choose(|_| false), None);
    }

    #[test]
    fn the_servers_error_is_shown_in_words() {
        let json = br#"{"status":"401","schemes":"bearer","scope":"https://mail.example.org/"}"#;
        assert_eq!(
            error_words(json).as_deref(),
            Some("status 401, schemes bearer, scope https://mail.example.org/")
        );
        for odd in ["", "hi", "{}"] {
            assert_eq!(error_words(odd.as_bytes()), None, "{odd}");
        }
    }
}
