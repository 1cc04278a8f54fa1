//! Bytes → [`InboundMessage`]: the order of the steps.

use crate::address;
use crate::bounce;
use crate::field::{self, Fields};
use crate::ids::ids;
use crate::marks::{self, MailFacts};
use crate::reply::reply_text;
use crate::source;
use crate::structure::{Structure, clean};
use crate::words;
use jiff::Timestamp;
use madoguchi_channel::{DecodeError, InboundMessage, MarkKind, Party};
use mail_parser::DateTime;

/// Header fields that name a recipient, in the order they are listed.
const RECIPIENT_FIELDS: &[&str] = &[
    "to",
    "cc",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "apparently-to",
];

/// Understands one Internet message (RFC 5322). Pure; never panics; depth and counts are bounded.
///
/// What is odd is listed in `problems`, and the rest is read all the same.
///
/// # Errors
/// Only bytes that are no message at all: nothing, or binary data without any header field.
pub fn decode(bytes: &[u8]) -> Result<InboundMessage, DecodeError> {
    let raw = source::regular(bytes);
    if raw.trim_ascii().is_empty() {
        return Err(DecodeError {
            reason: "the message is empty".to_owned(),
        });
    }
    let fields = Fields::read(&raw);
    if !field::has_known_field(&fields) {
        if binary(&raw) {
            return Err(DecodeError {
                reason:
                    "these bytes are no message: there is no header, and the content is not text"
                        .to_owned(),
            });
        }
        if fields.is_empty() {
            return Ok(bare_text(&raw));
        }
    }
    let structure = Structure::read(&raw);
    let hints = structure.hints;
    let content = structure.content();
    let mut problems = Vec::new();

    let text_of = |name: &str| {
        fields
            .first(name)
            .map(|v| words::text(v, hints))
            .filter(|t| !t.is_empty())
    };
    let people = |name: &str| -> Vec<Party> {
        fields
            .all(name)
            .flat_map(|v| address::parties(v, hints))
            .collect()
    };

    let mut from = people("from").into_iter().find(|p| !p.address.is_empty());
    if from.is_none() {
        from = people("sender")
            .into_iter()
            .find(|p| p.address.contains('@'));
        problems.push(match &from {
            Some(_) => "the message has no readable From; the address is that of Sender".to_owned(),
            None => "the message does not say who wrote it".to_owned(),
        });
    }
    let reply_to = people("reply-to")
        .into_iter()
        .find(|p| p.address.contains('@'))
        .filter(|p| from.as_ref().is_none_or(|f| f.address != p.address));
    let mut to: Vec<Party> = Vec::new();
    for party in RECIPIENT_FIELDS.iter().flat_map(|name| people(name)) {
        if party.address.contains('@') && !to.iter().any(|p| p.address == party.address) {
            to.push(party);
        }
    }

    let id = |name: &str| {
        fields
            .first(name)
            .map(|v| ids(&words::line(v, hints)))
            .unwrap_or_default()
    };
    let message_id = id("message-id").into_iter().next();
    if message_id.is_none() {
        problems.push("the message has no Message-ID".to_owned());
    }
    let sent_at = fields
        .first("date")
        .and_then(|v| date(&words::line(v, hints)));
    if sent_at.is_none() {
        problems.push("the message has no readable date".to_owned());
    }
    if fields.stray_lines > 0 {
        problems.push("some header lines could not be read".to_owned());
    }
    problems.extend(content.problems.iter().cloned());

    let subject = text_of("subject");
    let envelope_from = fields
        .first("return-path")
        .map(|v| address::bare(&words::line(v, hints)));
    let mut text = content.text;
    text.truncate(text.trim_end().len());
    let reply_text = reply_text(&text);
    let marks = marks::machine_marks(&MailFacts {
        fields: &fields,
        hints,
        from: from
            .as_ref()
            .map(|p| p.address.as_str())
            .unwrap_or_default(),
        has_other_reply_to: reply_to.is_some(),
        envelope_from: envelope_from.as_deref(),
        subject: subject.as_deref().unwrap_or_default(),
        notices: &content.notices,
        calendar_method: content
            .invitation
            .as_ref()
            .map(|i| i.method.as_str())
            .unwrap_or_default(),
        delivery_report: &content.delivery_report,
        text: &text,
    });

    let mut references = id("references");
    let bounced = marks.iter().any(|m| m.kind == MarkKind::Bounce);
    let delivery_report = (bounced || !content.delivery_report.is_empty()).then(|| {
        let original = content.enclosed.first().cloned();
        bounce::report(&bounce::Facts {
            status: &content.delivery_report,
            failed: people("x-failed-recipients")
                .into_iter()
                .map(|party| party.address)
                .collect(),
            text: &text,
            original: original.or_else(|| quoted_ids(&text).into_iter().next()),
        })
    });
    if bounced {
        // A bounce answers the message it brings back (RFC 3464 §2), or speaks of (free-form ones quote its header).
        for id in content.enclosed.iter().cloned().chain(quoted_ids(&text)) {
            if !references.contains(&id) {
                references.push(id);
            }
        }
    }

    Ok(InboundMessage {
        reply_to,
        envelope_from,
        to,
        subject,
        text,
        reply_text,
        lang_hint: None,
        sent_at,
        message_id,
        in_reply_to: id("in-reply-to"),
        references,
        installation: text_of("x-madoguchi-installation"),
        marks,
        attachments: content.attachments,
        delivery_report,
        problems,
        from,
        chat: None,
    })
}

/// The contents of a message's attachments, in the order [`decode`] lists them, transfer encodings taken off.
pub fn files(bytes: &[u8]) -> Vec<Vec<u8>> {
    Structure::read(&source::regular(bytes)).files()
}

/// Ids in lines of a text that look like the `Message-ID` field of a quoted header.
fn quoted_ids(text: &str) -> Vec<String> {
    const NAME: &str = "message-id:";
    text.lines()
        .map(|line| line.trim_start_matches(['>', '|', ' ', '\t']))
        .filter(|line| {
            line.get(..NAME.len())
                .is_some_and(|name| name.eq_ignore_ascii_case(NAME))
        })
        .filter_map(|line| line.get(NAME.len()..))
        .flat_map(ids)
        .take(20)
        .collect()
}

/// Text without any header: somebody saved a body only.
fn bare_text(raw: &[u8]) -> InboundMessage {
    let text = clean(crate::charset::decode(raw, None, crate::charset::Hints::default()).text);
    let text = text.trim_end().to_owned();
    InboundMessage {
        reply_text: reply_text(&text),
        text,
        problems: vec!["there is no header at all; the whole file is shown as text".to_owned()],
        ..InboundMessage::default()
    }
}

/// True when the beginning is not what people or mail programs write.
fn binary(raw: &[u8]) -> bool {
    let sample = raw.get(..1024).unwrap_or(raw);
    let odd = sample
        .iter()
        .filter(|b| matches!(b, 0..=8 | 11 | 14..=26 | 28..=31 | 127))
        .count();
    odd * 20 > sample.len()
}

/// A date in any of the forms seen in mail.
fn date(line: &str) -> Option<Timestamp> {
    let line = line.trim();
    let parsed = DateTime::parse_rfc822(line)
        .filter(DateTime::is_valid)
        .or_else(|| DateTime::parse_rfc3339(line).filter(DateTime::is_valid))?;
    Timestamp::from_second(parsed.to_timestamp()).ok()
}
