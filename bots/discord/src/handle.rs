//! What an answer needs to stand where the person asked: the token of the interaction, good for fifteen minutes.

use crate::arrival::{id, text};
use crate::snowflake;
use jiff::{SignedDuration, Timestamp};
use madoguchi_channel::ReplyHandle;
use serde_json::Value;

/// The server keeps a token for 15 minutes; the rest is for the way of the answer.
const LASTS: SignedDuration = SignedDuration::from_secs(14 * 60);

/// What the interaction was; it decides where the first part goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A command or a form: a message that says "thinking" waits to be filled.
    Command,
    /// A button: the message above it stays as it is.
    Press,
}

/// A token and what it belongs to.
#[derive(Clone, PartialEq, Eq)]
pub struct Handle {
    /// The application that was asked.
    pub application: u64,
    /// What the interaction was.
    pub kind: Kind,
    /// Acts in the person's conversation: never shown.
    pub token: String,
    /// Useless from then on.
    pub until: Timestamp,
}

impl Handle {
    /// The handle of an interaction.
    pub fn of(interaction: &Value, kind: Kind) -> Option<Self> {
        let made = snowflake::made_at(id(interaction, "/id")?);
        Some(Self {
            application: id(interaction, "/application_id")?,
            kind,
            token: text(interaction, "/token")
                .filter(|token| is_token(token))?
                .to_owned(),
            until: made.checked_add(LASTS).ok()?,
        })
    }

    /// In the form the desk carries.
    pub fn lend(&self) -> ReplyHandle {
        let kind = match self.kind {
            Kind::Command => "command",
            Kind::Press => "press",
        };
        ReplyHandle {
            value: format!("{}/{kind}/{}", self.application, self.token),
            until: self.until,
        }
    }

    /// Takes back what was lent, while it lasts.
    pub fn live(lent: &ReplyHandle, now: Timestamp) -> Option<Self> {
        let mut parts = lent.value.splitn(3, '/');
        let application = snowflake::parse(parts.next()?)?;
        let kind = match parts.next()? {
            "command" => Kind::Command,
            "press" => Kind::Press,
            _ => return None,
        };
        let token = parts.next().filter(|token| is_token(token))?.to_owned();
        (now < lent.until).then_some(Self {
            application,
            kind,
            token,
            until: lent.until,
        })
    }
}

/// It becomes part of an address: nothing else may stand in it.
pub fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'='))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_lent_comes_back_until_it_has_run_out() {
        let made: Timestamp = "2026-11-20T01:00:00Z".parse().unwrap();
        let interaction = json!({
            "id": snowflake::first_of(made).to_string(), "application_id": "77", "token": "aW50-_x",
        });
        let handle = Handle::of(&interaction, Kind::Press).unwrap();
        let lent = handle.lend();
        assert_eq!(lent.until, "2026-11-20T01:14:00Z".parse().unwrap());
        let back = Handle::live(&lent, made).unwrap();
        assert!(back == handle);
        assert!(Handle::live(&lent, lent.until).is_none());
    }

    #[test]
    fn a_token_that_would_lead_elsewhere_is_none() {
        for token in ["", "a/b", "../x", "a?b", "a#b", "a b", "あ"] {
            let lent = ReplyHandle {
                value: format!("77/command/{token}"),
                until: Timestamp::MAX,
            };
            assert!(
                Handle::live(&lent, Timestamp::UNIX_EPOCH).is_none(),
                "{token}"
            );
        }
    }
}
