//! One [`OutboundMessage`] to bytes, by lettre's builder. Nothing a requester wrote can become a header of its own.

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::{Address, Message};
use madoguchi_channel::{Automatic, OutboundMessage, Party};
use std::time::{Duration, SystemTime};

/// Most ids kept in References: the first and the nearest ones (RFC 5322 §3.6.4 allows a shorter chain).
const REFERENCES: usize = 20;

/// A message ready for a server.
#[derive(Clone, PartialEq, Eq)]
pub struct Composed {
    /// Where a server reports failures to (RFC 5321 MAIL FROM).
    pub envelope_from: String,
    /// Who gets it (RCPT TO).
    pub envelope_to: String,
    /// The message.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Composed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Composed({} bytes)", self.bytes.len())
    }
}

/// A message that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// An address is none.
    #[error("the {0} address cannot be used: {1}")]
    Address(&'static str, String),
    /// The builder refused.
    #[error("the message cannot be built: {0}")]
    Build(String),
}

macro_rules! text_header {
    ($name:ident, $text:literal) => {
        #[derive(Clone)]
        struct $name(String);
        impl Header for $name {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($text)
            }
            fn parse(s: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok(Self(s.to_owned()))
            }
            fn display(&self) -> HeaderValue {
                // Ids and fixed words only: written as they are, never as encoded words.
                HeaderValue::dangerous_new_pre_encoded(Self::name(), self.0.clone(), self.0.clone())
            }
        }
    };
}
text_header!(AutoSubmitted, "Auto-Submitted");
text_header!(Suppress, "X-Auto-Response-Suppress");
text_header!(Language, "Content-Language");
text_header!(Installation, "X-Madoguchi-Installation");
text_header!(RawReferences, "References");
text_header!(RawInReplyTo, "In-Reply-To");
text_header!(RawMessageId, "Message-ID");

/// Writes a message.
///
/// # Errors
/// An address is none, or the builder refuses.
pub fn compose(message: &OutboundMessage) -> Result<Composed, ComposeError> {
    let from = mailbox("sender's", &message.from)?;
    let to = mailbox("requester's", &message.to)?;
    let (envelope_from, envelope_to) = (from.email.to_string(), to.email.to_string());
    let seconds = u64::try_from(message.written_at.as_second()).unwrap_or(0);
    let mut builder = Message::builder()
        .header(RawMessageId(bracketed(&message.message_id)))
        .from(from)
        .to(to)
        .subject(one_line(&message.subject))
        .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    if let Some(reply_to) = &message.reply_to {
        let party = Party {
            address: reply_to.clone(),
            name: None,
        };
        builder = builder.reply_to(mailbox("reply", &party)?);
    }
    if let Some(id) = &message.in_reply_to {
        builder = builder.header(RawInReplyTo(bracketed(id)));
    }
    if !message.references.is_empty() {
        builder = builder.header(RawReferences(chain(&message.references)));
    }
    let automatic = match message.automatic {
        Automatic::No => None,
        Automatic::Replied => Some("auto-replied"),
        Automatic::Generated => Some("auto-generated"),
    };
    if let Some(word) = automatic {
        builder = builder
            .header(AutoSubmitted(word.to_owned()))
            .header(Suppress("All".to_owned()));
    }
    let part = SinglePart::builder()
        .header(ContentType::TEXT_PLAIN)
        .body(message.body.replace("\r\n", "\n"));
    let built = builder
        .header(Language(word(&message.lang)))
        .header(Installation(word(&message.installation)))
        .singlepart(part)
        .map_err(|error| ComposeError::Build(error.to_string()))?;
    Ok(Composed {
        envelope_from,
        envelope_to,
        bytes: built.formatted(),
    })
}

fn mailbox(whose: &'static str, party: &Party) -> Result<Mailbox, ComposeError> {
    let address: Address =
        party
            .address
            .trim()
            .parse()
            .map_err(|error: lettre::address::AddressError| {
                ComposeError::Address(whose, error.to_string())
            })?;
    let name = party
        .name
        .as_deref()
        .map(one_line)
        .filter(|name| !name.is_empty());
    Ok(Mailbox::new(name, address))
}

/// Control characters, line breaks above all, become spaces: a header is one line.
fn one_line(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Printable ASCII only, as ids and language tags are.
fn word(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).collect()
}

fn bracketed(id: &str) -> String {
    let id: String = word(id).chars().filter(|c| !"<>".contains(*c)).collect();
    format!("<{id}>")
}

/// The chain, one id a line, so that no line grows beyond what servers take (RFC 5322 §2.1.1).
fn chain(ids: &[String]) -> String {
    let skip = ids.len().saturating_sub(REFERENCES);
    let kept = ids
        .iter()
        .enumerate()
        .filter(|(i, _)| *i == 0 || *i > skip || skip == 0)
        .map(|(_, id)| bracketed(id));
    kept.collect::<Vec<_>>().join("\r\n ")
}
