//! Parts that hold something else: forwarded messages, signed ones, `winmail.dat`, invitations, and pieces that lie elsewhere.
//!
//! The wrapping itself stays listed, so that nothing of the message is lost from sight.

use crate::calendar::Invitation;
use crate::charset::{self, Hints};
use crate::der;
use crate::field::Fields;
use crate::html;
use crate::ids::ids;
use crate::names;
use crate::params::Params;
use crate::structure::{Content, Structure, Text, clean};
use crate::tnef;
use crate::words;

/// Wrappings inside wrappings are opened this often.
const MOST_LAYERS: usize = 3;

/// One part and what is known of it.
pub(crate) struct Part<'a> {
    pub(crate) kind: &'a Params,
    pub(crate) media_type: &'a str,
    pub(crate) name: Option<String>,
    /// The content, transfer encoding undone.
    pub(crate) bytes: &'a [u8],
}

/// True when the content of such a part is looked into.
pub(crate) fn opens(media_type: &str, name: Option<&str>) -> bool {
    match media_type {
        "message/rfc822"
        | "message/global"
        | "text/rfc822-headers"
        | "message/global-headers"
        | "message/external-body"
        | "message/partial"
        | "application/pkcs7-mime"
        | "application/x-pkcs7-mime"
        | "application/ms-tnef"
        | "application/vnd.ms-tnef"
        | "text/calendar"
        | "application/ics" => true,
        "application/octet-stream" => name.is_some_and(|n| {
            n.eq_ignore_ascii_case("winmail.dat")
                || n.to_ascii_lowercase().ends_with(".ics")
                || n.eq_ignore_ascii_case("smime.p7m")
        }),
        _ => false,
    }
}

/// Lists the part and reads what is in it; the text inside, if any, is returned.
pub(crate) fn read(part: Part<'_>, hints: Hints, layers: usize, content: &mut Content) -> Text {
    let Part {
        kind,
        media_type,
        name,
        bytes,
    } = part;
    let lower = name.as_deref().unwrap_or_default().to_ascii_lowercase();
    match media_type {
        "message/rfc822" | "message/global" => {
            let fields = Fields::read(bytes);
            enclosed(&fields, hints, content);
            let name = name.or_else(|| {
                let subject = fields.first("subject");
                let subject = subject.map(|v| words::text(v, hints)).unwrap_or_default();
                Some(names::made(&subject, "eml"))
            });
            content.attach_content(name, media_type, bytes);
            Text::default()
        }
        "text/rfc822-headers" | "message/global-headers" => {
            enclosed(&Fields::read(bytes), hints, content);
            content.attach_content(name, media_type, bytes);
            Text::default()
        }
        "message/external-body" => {
            content.problem(
                "a part of the message lies elsewhere (message/external-body); it is not fetched",
            );
            let name = name.or_else(|| kind.get("name").map(str::to_owned));
            content.attach_content(name, media_type, bytes);
            Text::default()
        }
        "message/partial" => {
            content.problem("this is one piece of a message sent in several (message/partial)");
            content.attach_content(name, media_type, bytes);
            Text::default()
        }
        _ if media_type.ends_with("ms-tnef") || lower == "winmail.dat" => {
            content.attach_content(name, media_type, bytes);
            outlook(bytes, content)
        }
        _ if media_type.ends_with("pkcs7-mime") || lower == "smime.p7m" => {
            content.attach_content(name, media_type, bytes);
            sealed(bytes, layers, content)
        }
        _ if media_type == "text/calendar" || lower.ends_with(".ics") => {
            let label = kind.get("charset");
            let text = clean(charset::decode(bytes, label, hints).text);
            if content.invitation.is_none() {
                content.invitation = Invitation::read(&text);
            }
            let name = name.or_else(|| Some("invite.ics".to_owned()));
            content.attach_content(name, media_type, bytes);
            Text::default()
        }
        _ => {
            // A report whose content was read as such.
            content.attach_content(name, media_type, bytes);
            Text::default()
        }
    }
}

/// Keeps the id of a message that lies inside.
fn enclosed(fields: &Fields<'_>, hints: Hints, content: &mut Content) {
    if let Some(id) = fields.first("message-id") {
        content.enclosed.extend(ids(&words::line(id, hints)));
    }
}

/// `winmail.dat`: its files are listed too, its text counts where the message has no other.
fn outlook(bytes: &[u8], content: &mut Content) -> Text {
    let Some(inside) = tnef::read(bytes) else {
        content.problem("winmail.dat could not be read");
        return Text::default();
    };
    for file in inside.files {
        let kind = file.media_type.as_deref();
        content.attach_content(
            file.name,
            kind.unwrap_or("application/octet-stream"),
            file.content,
        );
    }
    let plain = inside.plain.map(clean).filter(|t| !t.trim().is_empty());
    let text = plain.or_else(|| inside.html.map(|h| html::html_to_text(&h)));
    content.set_aside(text.unwrap_or_default());
    Text::default()
}

/// S/MIME: what is only signed is read through, what is encrypted is said to be.
fn sealed(bytes: &[u8], layers: usize, content: &mut Content) -> Text {
    let Some(inner) = der::signed_content(bytes).filter(|_| layers < MOST_LAYERS) else {
        content.problem("the message is encrypted (S/MIME); the desk can't read it");
        return Text::default();
    };
    content.problem("the message is signed (S/MIME); the signature is not checked");
    let structure = Structure::inside(&inner, layers + 1);
    let inside = structure.content();
    let mut contents = match &content.contents {
        Some(_) => structure.files().into_iter(),
        None => Vec::new().into_iter(),
    };
    for file in inside.attachments {
        match contents.next() {
            Some(bytes) => content.attach_content(file.name, &file.media_type, &bytes),
            None => content.attach(file.name, &file.media_type, file.size),
        }
    }
    for problem in &inside.problems {
        content.problem(problem);
    }
    content.notices.extend(inside.notices);
    content.delivery_report.push_str(&inside.delivery_report);
    content.enclosed.extend(inside.enclosed);
    if content.invitation.is_none() {
        content.invitation = inside.invitation;
    }
    Text {
        plain: Some(inside.text),
        html: None,
    }
}
