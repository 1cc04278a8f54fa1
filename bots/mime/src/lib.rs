//! Pure reading and writing of Internet messages (placeholder)

use madoguchi_channel::{DecodeError, InboundMessage, OutboundMessage};

/// Composed message.
pub struct Composed {
    /// Envelope sender.
    pub envelope_from: String,
    /// Envelope recipient.
    pub envelope_to: String,
    /// The message.
    pub bytes: Vec<u8>,
}

/// Composing failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ComposeError(pub String);

/// Placeholder.
pub fn decode(bytes: &[u8]) -> Result<InboundMessage, DecodeError> {
    Ok(InboundMessage {
        text: String::from_utf8_lossy(bytes).into_owned(),
        ..InboundMessage::default()
    })
}

/// Placeholder.
pub fn compose(m: &OutboundMessage) -> Result<Composed, ComposeError> {
    let text = format!(
        "From: {}\r\nTo: {}\r\nMessage-ID: <{}>\r\nSubject: {}\r\n\r\n{}",
        m.from.address,
        m.to.address,
        m.message_id,
        m.subject,
        m.body.replace('\n', "\r\n")
    );
    Ok(Composed {
        envelope_from: m.from.address.clone(),
        envelope_to: m.to.address.clone(),
        bytes: text.into_bytes(),
    })
}
