//! How one raw message is understood, as the object `mail inspect` prints.

use crate::domain::ids::TicketId;
use crate::domain::token::mentions;
use madoguchi_channel::MarkKind;
use serde_json::{Value, json};

/// Reads one message. `lang` recognises the language of a text. An unreadable message has `error` set and nothing else.
pub fn inspect(file: &str, bytes: &[u8], lang: &dyn Fn(&str) -> Option<String>) -> Value {
    match madoguchi_mime::decode(bytes) {
        Err(error) => json!({
            "file": file, "kind": "inquiry", "from": null, "to": [], "subject": null, "text": null, "reply_text": null,
            "lang": null, "message_id": null, "in_reply_to": null, "references": [], "ticket": null, "attachments": [],
            "error": error.reason,
        }),
        Ok(message) => {
            let kind = match madoguchi_mime::kind(&message) {
                None => "inquiry",
                Some(MarkKind::AutoReply) => "auto_reply",
                Some(MarkKind::Bounce) => "bounce",
                Some(MarkKind::List) => "list",
            };
            let subject = message.subject.clone().unwrap_or_default();
            let ticket = mentions(&subject)
                .first()
                .map(|(id, _)| TicketId::number(*id));
            let to: Vec<&str> = message
                .to
                .iter()
                .map(|party| party.address.as_str())
                .collect();
            json!({
                "file": file,
                "kind": kind,
                "from": message.from.as_ref().map(|party| &party.address),
                "to": to,
                "subject": message.subject,
                "text": message.text,
                "reply_text": message.reply_text,
                "lang": lang(&format!("{subject}\n{}", message.reply_text)),
                "message_id": message.message_id,
                "in_reply_to": message.in_reply_to.first(),
                "references": message.references,
                "ticket": ticket,
                "attachments": message.attachments,
                "error": null,
            })
        }
    }
}
