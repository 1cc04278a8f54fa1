//! How one raw message is understood: the object `mail inspect` prints (command line contract in the design).

use crate::domain::ids::TicketId;
use crate::domain::token::mentions;
use madoguchi_channel::{InboundMessage, MarkKind};
use serde_json::{Value, json};

/// Understands one message. Always one object with the same keys; for a file that is no message, `error` says why and the
/// rest is empty.
///
/// `language` recognises the language of a text (as a BCP 47 tag). `ticket` is the number the subject names: information only,
/// a number alone joins no ticket.
pub fn inspect(file_name: &str, bytes: &[u8], language: &dyn Fn(&str) -> Option<String>) -> Value {
    let (message, error) = match madoguchi_mime::decode(bytes) {
        Ok(message) => (message, None),
        Err(error) => (InboundMessage::default(), Some(error.reason)),
    };
    // What can't be read is a ticket for people, like an inquiry.
    let kind = match madoguchi_mime::kind(&message) {
        None => "inquiry",
        Some(MarkKind::AutoReply) => "auto_reply",
        Some(MarkKind::Bounce) => "bounce",
        Some(MarkKind::List) => "list",
    };
    let subject = message.subject.as_deref().unwrap_or_default();
    let ticket = mentions(subject)
        .first()
        .map(|(ticket, _)| TicketId::number(*ticket));
    json!({
        "file": file_name,
        "kind": kind,
        "from": message.from.as_ref().map(|p| p.address.as_str()),
        "to": message.to.iter().map(|p| p.address.as_str()).collect::<Vec<_>>(),
        "subject": message.subject,
        "text": message.text,
        "reply_text": message.reply_text,
        "lang": written_in(&message, language),
        "message_id": message.message_id,
        "in_reply_to": message.in_reply_to.first(),
        "references": message.references,
        "ticket": ticket,
        "attachments": message.attachments,
        "error": error,
    })
}

/// The language of what was newly written; where nothing was, of the whole text, or of the subject.
fn written_in(
    message: &InboundMessage,
    language: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    let subject = message.subject.as_deref().unwrap_or_default();
    [message.reply_text.as_str(), message.text.as_str(), subject]
        .into_iter()
        .find(|text| !text.trim().is_empty())
        .and_then(language)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 14] = [
        "attachments",
        "error",
        "file",
        "from",
        "in_reply_to",
        "kind",
        "lang",
        "message_id",
        "references",
        "reply_text",
        "subject",
        "text",
        "ticket",
        "to",
    ];

    fn keys(value: &Value) -> Vec<&str> {
        let mut keys: Vec<&str> = value
            .as_object()
            .map(|o| o.keys().map(String::as_str).collect())
            .unwrap_or_default();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn a_reply_is_shown_with_exactly_the_keys_of_the_contract() {
        let raw = "From: Applicant <applicant@example.org>\r\nTo: desk@desk.example.jp\r\n\
                   Subject: Re: [MD-000042 k3f9x2m7qa] Question\r\nMessage-ID: <m2@example.org>\r\n\
                   In-Reply-To: <m1@desk.example.jp>\r\nReferences: <m0@example.org> <m1@desk.example.jp>\r\n\
                   Date: Fri, 20 Nov 2026 10:00:00 +0900\r\n\r\nYes.\r\n\r\nOn Fri, Nov 20, 2026, Desk wrote:\r\n> Really?\r\n";
        let shown = inspect("a.eml", raw.as_bytes(), &|text| {
            (text == "Yes.").then(|| "en".to_owned())
        });
        assert_eq!(keys(&shown), KEYS);
        assert_eq!(shown["kind"], "inquiry");
        assert_eq!(shown["from"], "applicant@example.org");
        assert_eq!(shown["to"], json!(["desk@desk.example.jp"]));
        assert_eq!(shown["reply_text"], "Yes.");
        assert_eq!(shown["lang"], "en");
        assert_eq!(shown["in_reply_to"], "m1@desk.example.jp");
        assert_eq!(
            shown["references"],
            json!(["m0@example.org", "m1@desk.example.jp"])
        );
        assert_eq!(shown["ticket"], "MD-000042");
        assert_eq!(shown["error"], Value::Null);
    }

    #[test]
    fn what_is_no_message_still_gives_one_object() {
        let shown = inspect("b.eml", b"\0\x01\x02\x03\0\x05\x06", &|_| None);
        assert_eq!(keys(&shown), KEYS);
        assert!(shown["error"].is_string());
        assert_eq!(shown["kind"], "inquiry");
        assert_eq!(shown["to"], json!([]));
    }
}
