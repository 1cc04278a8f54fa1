//! Any RFC 5322 message to one [`InboundMessage`]. What is odd is named in `problems`; only bytes that are no message at all are refused.

use crate::charset::{is_broken, labelled, mend};
use crate::{marks, reply};
use jiff::Timestamp;
use madoguchi_channel::{Attachment, DecodeError, InboundMessage, Party};
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{
    Address, Encoding, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType,
};

/// Understands one message.
///
/// # Errors
/// The bytes are empty or begin with no header line.
pub fn decode(bytes: &[u8]) -> Result<InboundMessage, DecodeError> {
    let refuse = |reason: &str| {
        Err(DecodeError {
            reason: reason.to_owned(),
        })
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return refuse("the message is empty");
    }
    if !begins_like_a_message(bytes) {
        return refuse("the file does not begin with a mail header; it is no message");
    }
    let Some(message) = MessageParser::default().parse(bytes) else {
        return refuse("the headers cannot be read");
    };
    let mut problems = Vec::new();
    let from = first_party(message.from()).or_else(|| first_party(message.sender()));
    if from.is_none() {
        problems.push("no sender is named (From is missing or unreadable)".to_owned());
    }
    let subject = subject(&message);
    let text = body(&message);
    if is_broken(&text) {
        problems.push("some characters of the text could not be read".to_owned());
    }
    let references = ids(message.references());
    let inbound = InboundMessage {
        from,
        reply_to: first_party(message.reply_to()),
        envelope_from: header(&message, "Return-Path").map(|v| bare_address(&v)),
        to: recipients(&message),
        reply_text: reply::reply_text(&text),
        text,
        subject,
        lang_hint: None,
        sent_at: message
            .date()
            .and_then(|date| Timestamp::from_second(date.to_timestamp()).ok()),
        message_id: message.message_id().map(str::to_owned),
        in_reply_to: ids(message.in_reply_to()),
        references,
        installation: header(&message, "X-Madoguchi-Installation")
            .map(|v| v.trim().to_owned())
            .filter(|v| !v.is_empty()),
        marks: Vec::new(),
        attachments: message.attachments().map(attachment).collect(),
        problems,
    };
    Ok(InboundMessage {
        marks: marks::marks(&message, &inbound),
        ..inbound
    })
}

/// True when the first line that is not empty looks like `Name: value`, an mbox `From ` line or a continuation of one.
fn begins_like_a_message(bytes: &[u8]) -> bool {
    let line: Vec<u8> = bytes
        .iter()
        .copied()
        .skip_while(|b| b.is_ascii_whitespace())
        .take_while(|b| *b != b'\n' && *b != b'\r')
        .collect();
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
    if line.starts_with(b"From ") {
        return true;
    }
    let name: Vec<u8> = line.iter().copied().take_while(|b| *b != b':').collect();
    !name.is_empty()
        && name.len() < line.len()
        && name.len() < 80
        && name.iter().all(|b| b.is_ascii_graphic() || *b == b' ')
}

/// The last header of this name as it stands, unfolded.
pub(crate) fn header(message: &Message<'_>, name: &str) -> Option<String> {
    message
        .header_raw(name)
        .map(|raw| raw.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn bare_address(value: &str) -> String {
    value.trim().trim_matches(['<', '>']).trim().to_owned()
}

fn first_party(address: Option<&Address<'_>>) -> Option<Party> {
    parties(address).into_iter().next()
}

fn parties(address: Option<&Address<'_>>) -> Vec<Party> {
    address
        .into_iter()
        .flat_map(Address::iter)
        .filter_map(|addr| {
            let address = lower_domain(addr.address()?.trim());
            (!address.is_empty()).then(|| Party {
                address,
                name: addr.name().map(mend).filter(|name| !name.trim().is_empty()),
            })
        })
        .collect()
}

/// The domain of an address counts without case (RFC 5321 §2.3.5), its local part as given.
fn lower_domain(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
        None => address.to_owned(),
    }
}

fn recipients(message: &Message<'_>) -> Vec<Party> {
    let mut all = parties(message.to());
    all.extend(parties(message.cc()));
    for name in ["Delivered-To", "X-Original-To", "Envelope-To"] {
        if let Some(value) = header(message, name) {
            let address = lower_domain(&bare_address(&value));
            if address.contains('@') {
                all.push(Party {
                    address,
                    name: None,
                });
            }
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|party| seen.insert(party.address.clone()));
    all
}

fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    let list = match value {
        HeaderValue::Text(id) => vec![id.to_string()],
        HeaderValue::TextList(list) => list.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    list.into_iter()
        .map(|id| bare_address(&id))
        .filter(|id| !id.is_empty())
        .collect()
}

/// The subject; raw 8-bit or escape sequences outside encoded words are read by what they look like.
fn subject(message: &Message<'_>) -> Option<String> {
    let decoded = message.subject()?;
    let raw = raw_header(message, "subject");
    let text = match raw {
        Some(raw) if !raw.is_ascii() || decoded.contains('\u{1b}') => {
            if is_broken(decoded)
                || decoded.contains('\u{1b}')
                || std::str::from_utf8(&raw).is_err()
            {
                labelled(None, &raw)
            } else {
                decoded.to_owned()
            }
        }
        _ => decoded.to_owned(),
    };
    let text = text.split_whitespace_keeping_single();
    (!text.is_empty()).then_some(text)
}

trait Unfold {
    fn split_whitespace_keeping_single(&self) -> String;
}

impl Unfold for String {
    /// Line breaks of a folded header become nothing but a space.
    fn split_whitespace_keeping_single(&self) -> String {
        self.split(['\r', '\n'])
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

fn raw_header(message: &Message<'_>, name: &str) -> Option<Vec<u8>> {
    let header = message
        .headers()
        .iter()
        .rfind(|header| header.name().eq_ignore_ascii_case(name))?;
    let start = usize::try_from(header.offset_start).ok()?;
    let end = usize::try_from(header.offset_end).ok()?;
    Some(message.raw_message().get(start..end)?.to_vec())
}

/// Every text part in order; HTML where there is no plain text.
fn body(message: &Message<'_>) -> String {
    let mut texts = Vec::new();
    for index in &message.text_body {
        let Some(part) = usize::try_from(*index)
            .ok()
            .and_then(|i| message.parts.get(i))
        else {
            continue;
        };
        match &part.body {
            PartType::Text(text) => texts.push(part_text(message, part, text)),
            PartType::Html(html) => {
                let html = part_text(message, part, html);
                texts.push(mail_parser::decoders::html::html_to_text(&html));
            }
            _ => {}
        }
    }
    let text = texts
        .iter()
        .map(|text| text.trim_end())
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n");
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace('\0', "")
}

/// The text of a part. Where the label is missing, unknown or does not fit, the bytes are read again.
fn part_text(message: &Message<'_>, part: &MessagePart<'_>, decoded: &str) -> String {
    let label = part.content_type().and_then(|ct| ct.attribute("charset"));
    let odd = label.is_none() || is_broken(decoded) || decoded.contains('\u{1b}');
    if !odd {
        return decoded.to_owned();
    }
    let range = usize::try_from(part.raw_body_offset())
        .ok()
        .zip(usize::try_from(part.raw_end_offset()).ok());
    let Some(raw) = range.and_then(|(start, end)| message.raw_message().get(start..end)) else {
        return mend(decoded);
    };
    let bytes = match part.encoding {
        Encoding::None => Some(raw.to_vec()),
        Encoding::Base64 => base64_decode(raw),
        Encoding::QuotedPrintable => quoted_printable_decode(raw),
    };
    match bytes {
        Some(bytes) => labelled(label, &bytes),
        None => mend(decoded),
    }
}

fn attachment(part: &MessagePart<'_>) -> Attachment {
    let media_type = part.content_type().map_or_else(
        || "application/octet-stream".to_owned(),
        |ct| match ct.subtype() {
            Some(subtype) => format!("{}/{subtype}", ct.ctype()).to_lowercase(),
            None => ct.ctype().to_lowercase(),
        },
    );
    Attachment {
        name: part
            .attachment_name()
            .map(mend)
            .filter(|name| !name.trim().is_empty()),
        media_type,
        size: part.len(),
    }
}
