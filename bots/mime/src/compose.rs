//! [`OutboundMessage`] → bytes, by lettre's builder.

use crate::words;
use jiff::Timestamp;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder, SinglePart};
use lettre::{Address, Message};
use madoguchi_channel::{Automatic, OutboundMessage, Party};
use std::time::SystemTime;

/// A message ready for SMTP or a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Composed {
    /// Envelope sender: the desk's own address, so that bounces come back and are seen (RFC 3834 §3.3 allows a real one).
    pub envelope_from: String,
    /// Envelope recipient.
    pub envelope_to: String,
    /// The message, lines ended by CRLF.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Composed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Composed")
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Puts a seal on a composed message before it leaves (a DKIM signature).
pub trait Seal: Send + Sync {
    /// The message with its seal; as it is where there is none for the sender `from`.
    ///
    /// # Errors
    /// Why it could not be sealed, in words for operators; the message is then not sent.
    fn seal(&self, from: &str, message: Vec<u8>) -> Result<Vec<u8>, String>;
}

/// A message that can't be written. Never contains addresses or text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// The named address is no valid mail address.
    #[error("the {0} address is not a valid mail address")]
    Address(&'static str),
    /// The named value holds characters that don't belong in a header (line breaks, blanks, brackets, not ASCII).
    #[error("the {0} holds characters that are not allowed in a header")]
    Header(&'static str),
    /// The builder refused.
    #[error("the message could not be built: {0}")]
    Build(String),
}

/// How many ids of a chain are written: the first, and the last ones (RFC 5322 §3.6.4 sets no limit; servers do).
const LONGEST_CHAIN: usize = 24;
/// A header line may hold 998 characters (RFC 5322 §2.1.1); an id is never folded.
const LONGEST_ID: usize = 500;

/// Writes a message: UTF-8 text, header-injection-proof, lines of at most 998 bytes ended by CRLF.
///
/// Line breaks and control characters in subject and names become blanks. Ids of others (`in_reply_to`, `references`) that no
/// header may hold are left out.
///
/// # Errors
/// [`ComposeError`] when an address, the message id, the installation id or the language can't be written.
pub fn compose(message: &OutboundMessage) -> Result<Composed, ComposeError> {
    let from = mailbox(&message.from, "sender")?;
    let to = mailbox(&message.to, "recipient")?;
    let envelope_from = from.email.to_string();
    let envelope_to = to.email.to_string();
    if !writable_id(&message.message_id) {
        return Err(ComposeError::Header("message id"));
    }
    if !token(&message.installation) {
        return Err(ComposeError::Header("installation id"));
    }
    if !token(&message.lang) {
        return Err(ComposeError::Header("language"));
    }

    let mut builder = Message::builder()
        .from(from)
        .to(to)
        .subject(one_line(&message.subject))
        .date(written(message.written_at))
        .message_id(Some(format!("<{}>", message.message_id)));
    if let Some(address) = &message.reply_to {
        let party = Party {
            address: address.clone(),
            name: None,
        };
        builder = builder.reply_to(mailbox(&party, "reply")?);
    }
    builder = thread(builder, message);
    builder = builder
        .header(ContentLanguage(message.lang.clone()))
        .header(Installation(message.installation.clone()));
    let auto = match message.automatic {
        Automatic::No => None,
        Automatic::Replied => Some("auto-replied"),
        Automatic::Generated => Some("auto-generated"),
    };
    if let Some(value) = auto {
        builder = builder
            .header(AutoSubmitted(value.to_owned()))
            .header(AutoResponseSuppress("All".to_owned()));
    }
    let built = builder
        .singlepart(SinglePart::plain(body(&message.body)))
        .map_err(|e| ComposeError::Build(e.to_string()))?;
    Ok(Composed {
        envelope_from,
        envelope_to,
        bytes: built.formatted(),
    })
}

fn thread(mut builder: MessageBuilder, message: &OutboundMessage) -> MessageBuilder {
    let bracketed = |id: &String| format!("<{id}>");
    if let Some(id) = message.in_reply_to.as_ref().filter(|id| writable_id(id)) {
        builder = builder.in_reply_to(bracketed(id));
    }
    let chain: Vec<&String> = message
        .references
        .iter()
        .filter(|id| writable_id(id))
        .collect();
    let skipped = chain.len().saturating_sub(LONGEST_CHAIN);
    let kept: Vec<String> = chain
        .iter()
        .enumerate()
        .filter(|(place, _)| *place == 0 || *place > skipped)
        .map(|(_, id)| bracketed(id))
        .collect();
    if !kept.is_empty() {
        builder = builder.references(kept.join(" "));
    }
    builder
}

fn mailbox(party: &Party, role: &'static str) -> Result<Mailbox, ComposeError> {
    let address = party.address.trim();
    if address.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(ComposeError::Address(role));
    }
    let email: Address = address.parse().map_err(|_| ComposeError::Address(role))?;
    let name = party
        .name
        .as_deref()
        .map(one_line)
        .filter(|n| !n.is_empty());
    Ok(Mailbox::new(name, email))
}

/// One line without control characters: nothing in it can begin a header of its own, or pass for an encoded word.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let blank = c.is_control() || matches!(c, ' ' | '\u{2028}' | '\u{2029}');
        if !blank {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.truncate(out.trim_end_matches(' ').len());
    without_encoded_words(&out)
}

/// What looks like an encoded word would be read as one: a blank inside makes it plain text again.
fn without_encoded_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, at)) = rest.find("=?").and_then(|at| rest.split_at_checked(at)) {
        out.push_str(before);
        out.push_str(if words::word_length(at) > 0 {
            "= ?"
        } else {
            "=?"
        });
        rest = at.get(2..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Lines ended by `\n` only (lettre makes them CRLF), without NUL.
fn body(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace('\0', "")
}

fn writable_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= LONGEST_ID
        && id
            .bytes()
            .all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>'))
}

fn token(value: &str) -> bool {
    !value.is_empty() && value.len() <= 100 && value.bytes().all(|b| b.is_ascii_graphic())
}

/// Seconds only: a Date field has no finer unit.
fn written(at: Timestamp) -> SystemTime {
    Timestamp::from_second(at.as_second()).map_or_else(|_| SystemTime::from(at), SystemTime::from)
}

macro_rules! plain_header {
    ($type:ident, $name:literal) => {
        #[derive(Clone)]
        struct $type(String);
        impl Header for $type {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($name)
            }
            fn parse(s: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok(Self(s.to_owned()))
            }
            fn display(&self) -> HeaderValue {
                HeaderValue::new(Self::name(), self.0.clone())
            }
        }
    };
}
plain_header!(AutoSubmitted, "Auto-Submitted");
plain_header!(AutoResponseSuppress, "X-Auto-Response-Suppress");
plain_header!(ContentLanguage, "Content-Language");
plain_header!(Installation, "X-Madoguchi-Installation");
