//! Which parts of a message are its text, which are attachments, what kind of report it is.

use crate::calendar::Invitation;
use crate::charset::{self, Hints};
use crate::embedded;
use crate::field::Fields;
use crate::flowed;
use crate::html;
use crate::markup;
use crate::names;
use crate::params::Params;
use crate::parts::Parts;
use crate::patterns;
use crate::transfer::Transfer;
use crate::words;
use crate::wrapped;
use madoguchi_channel::Attachment;

/// More attachments than this are not listed.
const MOST_ATTACHMENTS: usize = 1000;

/// What the parts of a message say.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// The text people read, lines ended by `\n`.
    pub(crate) text: String,
    /// Everything else.
    pub(crate) attachments: Vec<Attachment>,
    /// Media types of all parts that are reports or notices (`message/delivery-status` …).
    pub(crate) notices: Vec<String>,
    /// The fields of delivery reports, as text.
    pub(crate) delivery_report: String,
    /// Ids of the messages that lie inside this one, as in a bounce.
    pub(crate) enclosed: Vec<String>,
    /// Text of `winmail.dat`: counts where there is no other.
    set_aside: String,
    /// The first invitation: the text where there is no other, and its method (`REPLY` is an answer of a calendar).
    pub(crate) invitation: Option<Invitation>,
    /// What was odd.
    pub(crate) problems: Vec<String>,
    /// The contents of the attachments, where they are wanted.
    pub(crate) contents: Option<Vec<Vec<u8>>>,
}

impl Content {
    pub(crate) fn problem(&mut self, words: &str) {
        if !self.problems.iter().any(|p| p == words) {
            self.problems.push(words.to_owned());
        }
    }

    /// Keeps a text for the case that there is no other.
    pub(crate) fn set_aside(&mut self, text: String) {
        if self.set_aside.is_empty() {
            self.set_aside = text;
        }
    }

    /// Lists a file; more than anybody sends are only counted as a problem.
    pub(crate) fn attach(&mut self, name: Option<String>, media_type: &str, size: usize) {
        if self.attachments.len() >= MOST_ATTACHMENTS {
            self.problem("the message has more attachments than are listed");
            return;
        }
        self.attachments.push(Attachment {
            name: name.as_deref().and_then(names::cleaned),
            media_type: media_type.to_owned(),
            size,
        });
        if let Some(contents) = &mut self.contents {
            contents.push(Vec::new());
        }
    }

    /// Lists a file whose content is at hand.
    pub(crate) fn attach_content(&mut self, name: Option<String>, media_type: &str, bytes: &[u8]) {
        let before = self.attachments.len();
        self.attach(name, media_type, bytes.len());
        if self.attachments.len() > before
            && let Some(last) = self.contents.as_mut().and_then(|c| c.last_mut())
        {
            *last = bytes.to_vec();
        }
    }
}

/// A message taken apart.
pub(crate) struct Structure<'a> {
    parts: Parts<'a>,
    /// What text without a label may be in.
    pub(crate) hints: Hints,
    /// How many wrappings (signatures, `winmail.dat`) this lies in.
    layers: usize,
}

impl<'a> Structure<'a> {
    /// Finds the parts.
    pub(crate) fn read(raw: &'a [u8]) -> Self {
        Self::inside(raw, 0)
    }

    /// Finds the parts of what was taken out of `layers` wrappings.
    pub(crate) fn inside(raw: &'a [u8], layers: usize) -> Self {
        let parts = Parts::read(raw);
        // The first part with a usable label speaks for the header and for parts without one.
        let encoding = parts.iter().take(50).find_map(|part| {
            let fields = Fields::read(part.header);
            let kind = Params::read(fields.first("content-type")?, Hints::default());
            charset::encoding(kind.get("charset")?).filter(|e| !e.is_single_byte())
        });
        Self {
            parts,
            hints: Hints { encoding },
            layers,
        }
    }

    /// Reads text and attachments.
    pub(crate) fn content(&self) -> Content {
        let mut content = Content::default();
        content.text = self.part(0, 0, &mut content).best();
        if self.parts.cut {
            content.problem("the message has more parts, or deeper ones, than are read");
        }
        if content.text.trim().is_empty() {
            content.text = std::mem::take(&mut content.set_aside);
        }
        if content.text.trim().is_empty()
            && let Some(invitation) = &content.invitation
        {
            content.text = invitation.text();
        }
        note_pgp(&mut content);
        content
    }

    /// The contents of the attachments, in the order they are listed; empty for a file inside another one, which holds it.
    pub(crate) fn files(&self) -> Vec<Vec<u8>> {
        let mut content = Content {
            contents: Some(Vec::new()),
            ..Content::default()
        };
        self.part(0, 0, &mut content);
        content.contents.unwrap_or_default()
    }

    /// One part and all below it. Returns its text; attachments and problems go to `content`.
    fn part(&self, place: usize, depth: usize, content: &mut Content) -> Text {
        let Some(part) = self.parts.get(place) else {
            return Text::default();
        };
        let fields = Fields::read(part.header);
        let read = |name| {
            fields
                .first(name)
                .map(|v| Params::read(v, self.hints))
                .unwrap_or_default()
        };
        let kind = read("content-type");
        let disposition = read("content-disposition");
        note_wrapper(&kind, content);

        if !part.children.is_empty() {
            return self.multipart(&kind, &part.children, depth, content);
        }
        let transfer = fields
            .first("content-transfer-encoding")
            .map_or(Transfer::Identity, |v| {
                Transfer::named(&words::line(v, Hints::default()))
            });
        let name = disposition
            .get("filename")
            .or_else(|| disposition.get("name"))
            .or_else(|| kind.get("name"))
            .or_else(|| kind.get("filename"))
            .map(str::to_owned);
        let media_type = media_type(&kind, depth);
        let attached = disposition.value == "attachment"
            || (name.is_some() && (depth > 0 || disposition.value == "inline"));
        let readable = matches!(
            media_type.as_str(),
            "text/plain" | "text/html" | "text/enriched" | "text/richtext"
        ) || (depth == 0
            && media_type.starts_with("text/")
            && media_type != "text/calendar"
            && disposition.value.is_empty());
        let opened = is_notice(&media_type) || wrapped::opens(&media_type, name.as_deref());
        if (attached || !readable) && !opened {
            if content.contents.is_some() {
                let (bytes, _) = transfer.decode(part.body);
                content.attach_content(name, &media_type, &bytes);
            } else {
                let size = transfer.decoded_length(part.body);
                content.attach(name, &media_type, size);
            }
            return Text::default();
        }
        let (bytes, undeclared) = transfer.decode(part.body);
        if undeclared {
            content.problem("a part is not encoded as it declares");
        }
        if is_notice(&media_type) {
            content.notices.push(media_type.clone());
            if media_type.ends_with("delivery-status") {
                content
                    .delivery_report
                    .push_str(&String::from_utf8_lossy(&bytes));
                content.delivery_report.push('\n');
            }
        }
        if attached || !readable {
            let part = wrapped::Part {
                kind: &kind,
                media_type: &media_type,
                name,
                bytes: &bytes,
            };
            return wrapped::read(part, self.hints, self.layers, content);
        }
        let (bytes, files) = embedded::take(&bytes, self.hints);
        for file in files {
            content.attach(file.name, file.media_type, file.size);
        }
        self.text(&media_type, &kind, &bytes, content)
    }

    fn text(&self, media_type: &str, kind: &Params, bytes: &[u8], content: &mut Content) -> Text {
        let marked_up = media_type != "text/plain" && media_type != "text/calendar";
        let label = kind.get("charset").map(str::to_owned).or_else(|| {
            if marked_up {
                markup::declared_charset(bytes)
            } else {
                None
            }
        });
        let decoded = charset::decode(bytes, label.as_deref(), self.hints);
        if decoded.doubtful {
            content.problem("the charset of the text is declared wrongly or not at all; it was recognised by its bytes");
        }
        let text = clean(decoded.text);
        if text.contains(char::REPLACEMENT_CHARACTER) && !decoded_has_them(bytes) {
            content.problem("some characters could not be read");
        }
        if bytes.contains(&0) {
            content.problem("NUL bytes were taken out of the text");
        }
        if marked_up {
            return Text {
                plain: None,
                html: Some(html::html_to_text(&text)),
            };
        }
        let flowed = kind
            .get("format")
            .is_some_and(|f| f.eq_ignore_ascii_case("flowed"));
        let delsp = kind
            .get("delsp")
            .is_some_and(|d| d.eq_ignore_ascii_case("yes"));
        let text = if flowed {
            flowed::unflow(&text, delsp)
        } else {
            text
        };
        Text {
            plain: Some(text),
            html: None,
        }
    }

    fn multipart(
        &self,
        kind: &Params,
        children: &[usize],
        depth: usize,
        content: &mut Content,
    ) -> Text {
        let texts: Vec<Text> = children
            .iter()
            .map(|child| self.part(*child, depth + 1, content))
            .collect();
        if kind.value == "multipart/alternative" {
            // The same content several times: one plain and one marked-up version are enough.
            let mut all = Text::default();
            for text in texts {
                all.plain = all.plain.filter(|t| !t.trim().is_empty()).or(text.plain);
                all.html = all.html.filter(|t| !t.trim().is_empty()).or(text.html);
            }
            return all;
        }
        let mut pieces: Vec<String> = texts
            .into_iter()
            .map(Text::best)
            .filter(|t| !t.trim().is_empty())
            .collect();
        if pieces.is_empty() {
            Text::default()
        } else {
            let only = if pieces.len() == 1 {
                pieces.pop()
            } else {
                None
            };
            Text {
                plain: Some(only.unwrap_or_else(|| pieces.join("\n"))),
                html: None,
            }
        }
    }
}

/// The text of a part in the versions it has.
#[derive(Debug, Default)]
pub(crate) struct Text {
    pub(crate) plain: Option<String>,
    pub(crate) html: Option<String>,
}

impl Text {
    /// The plain version, unless it is empty or only says that one should look at the other.
    pub(crate) fn best(self) -> String {
        match (self.plain, self.html) {
            (Some(plain), Some(html)) if plain.trim().is_empty() || is_stub(&plain, &html) => html,
            (Some(plain), _) => plain,
            (None, html) => html.unwrap_or_default(),
        }
    }
}

/// The media type; what is missing or no type at all counts as text (RFC 2045 §5.2), or as bytes inside a multipart.
fn media_type(kind: &Params, depth: usize) -> String {
    match kind.value.split_once('/') {
        Some((main, sub)) if !main.is_empty() && !sub.is_empty() => match kind.value.as_str() {
            "plain/text" | "text/text" | "text/ascii" => "text/plain".to_owned(),
            "html/text" | "application/xhtml+xml" if depth == 0 => "text/html".to_owned(),
            // A multipart whose parts could not be found: what there is, is text.
            value if value.starts_with("multipart/") => "text/plain".to_owned(),
            value => value.to_owned(),
        },
        _ if kind.value == "html" => "text/html".to_owned(),
        _ => "text/plain".to_owned(),
    }
}

fn is_notice(media_type: &str) -> bool {
    matches!(
        media_type,
        "message/delivery-status"
            | "message/global-delivery-status"
            | "message/disposition-notification"
            | "message/global-disposition-notification"
            | "message/feedback-report"
    )
}

/// Keeps what the type of a part says of the whole message: a report, or sealed content.
fn note_wrapper(kind: &Params, content: &mut Content) {
    match kind.value.as_str() {
        // Even when its parts can't be found.
        "multipart/report" => {
            let of = kind
                .get("report-type")
                .unwrap_or_default()
                .to_ascii_lowercase();
            content.notices.push(format!("multipart/report;{of}"));
        }
        "multipart/encrypted" => {
            content.problem("the message is encrypted (OpenPGP); the desk can't read it")
        }
        _ => {}
    }
}

/// OpenPGP written into the text (RFC 9580 §6.2) is left as it is; staff is told.
fn note_pgp(content: &mut Content) {
    let (mut sealed, mut signed) = (false, false);
    for line in content
        .text
        .lines()
        .filter(|l| l.starts_with("-----BEGIN PGP "))
    {
        sealed |= line.starts_with("-----BEGIN PGP MESSAGE");
        signed |= line.starts_with("-----BEGIN PGP SIGNED MESSAGE");
    }
    if sealed {
        content.problem("the text is encrypted (OpenPGP); the desk can't read it");
    }
    if signed {
        content.problem("the text is signed (OpenPGP); the signature is not checked");
    }
}

/// A plain version that says nothing but that the reader should show the other one.
fn is_stub(plain: &str, html: &str) -> bool {
    let plain = plain.trim();
    plain.chars().count() <= 400
        && html.trim().len() > plain.len()
        && patterns::STUB.is_match(plain)
}

/// Line ends as `\n`, without NUL and byte order marks. Done in place: a text may be as large as the message.
pub(crate) fn clean(mut text: String) -> String {
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    if !text.contains(['\r', '\0']) {
        return text;
    }
    let ends = text.as_bytes().iter().filter(|b| **b == b'\r').count();
    if ends == text.matches("\r\n").count() {
        text.retain(|c| !matches!(c, '\r' | '\0'));
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\0' => {}
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// True when the sender's own text holds U+FFFD: the harm was done elsewhere.
fn decoded_has_them(bytes: &[u8]) -> bool {
    bytes.windows(3).any(|w| w == [0xef, 0xbf, 0xbd])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Content {
        Structure::read(raw.as_bytes()).content()
    }

    #[test]
    fn the_plain_version_is_the_text_and_pictures_of_the_other_count_as_attachments() {
        let content = read(
            "Content-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain\n\nplain\n--a\n\
             Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>html\n--b\n\
             Content-Type: image/png; name=x.png\nContent-Transfer-Encoding: base64\n\nAAAA\n--b--\n--a--\n",
        );
        assert_eq!(content.text.trim(), "plain");
        assert_eq!(
            content.attachments,
            [Attachment {
                name: Some("x.png".into()),
                media_type: "image/png".into(),
                size: 3
            }]
        );
    }

    #[test]
    fn a_named_text_part_is_an_attachment_but_a_lone_one_is_the_text() {
        let content = read(
            "Content-Type: multipart/mixed; boundary=a\n\n--a\n\nbody\n--a\nContent-Type: text/plain; name=a.txt\n\nfile\n--a--\n",
        );
        assert_eq!(
            (content.text.trim(), content.attachments.len()),
            ("body", 1)
        );
        let content = read("Content-Type: text/plain; name=a.txt\n\nbody\n");
        assert_eq!(
            (content.text.trim(), content.attachments.len()),
            ("body", 0)
        );
    }

    #[test]
    fn messages_in_messages_without_end_are_read_without_overflowing() {
        let mut raw = String::from("Subject: deep\n");
        for _ in 0..20_000 {
            raw.push_str("Content-Type: message/rfc822\n\n");
        }
        assert_eq!(read(&raw).attachments.len(), 1);
        let mut raw = String::from("Subject: deep\n");
        for level in 0..5_000 {
            raw.push_str(&format!(
                "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"
            ));
        }
        assert!(!read(&raw).problems.is_empty());
    }

    #[test]
    fn a_part_that_lies_about_its_encoding_and_a_missing_boundary_still_show_their_text() {
        assert_eq!(
            read("Content-Transfer-Encoding: base64\n\nこれは本文です。そのまま。\n")
                .text
                .trim(),
            "これは本文です。そのまま。"
        );
        assert_eq!(
            read("Content-Type: multipart/mixed; boundary=none\n\nthe text\n")
                .text
                .trim(),
            "the text"
        );
        assert_eq!(
            read("Content-Type: multipart/mixed\n\nthe text\n")
                .text
                .trim(),
            "the text"
        );
    }
}
