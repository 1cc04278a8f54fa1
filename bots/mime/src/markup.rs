//! The pieces HTML is made of: tags, hidden elements, character references.

/// A start or end tag.
pub(crate) struct Tag<'a> {
    pub(crate) name: String,
    pub(crate) attributes: &'a str,
    pub(crate) closing: bool,
}

impl Tag<'_> {
    /// The value of an attribute, character references undone.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        let mut rest = self.attributes;
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '/'));
            let (key, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
            if key.is_empty() && after.is_empty() {
                return None;
            }
            let after = after.trim_start();
            let (value, after) = match after.strip_prefix('=').map(str::trim_start) {
                None => ("", after),
                Some(value) => match value.chars().next() {
                    Some(quote @ ('"' | '\'')) => {
                        let inner = value.get(1..)?;
                        inner.split_once(quote).unwrap_or((inner, ""))
                    }
                    _ => {
                        let end = value.find(char::is_whitespace).unwrap_or(value.len());
                        value.split_at_checked(end)?
                    }
                },
            };
            if key.eq_ignore_ascii_case(name) {
                return Some(entities(value));
            }
            if after.len() >= rest.len() {
                return None;
            }
            rest = after;
        }
    }

    /// True when people don't see the element.
    pub(crate) fn invisible(&self) -> bool {
        if self.closing || self.attributes.is_empty() {
            return false;
        }
        let style = || self.attribute("style").unwrap_or_default();
        // Most elements have neither word; only the others are taken apart.
        let lower = self.attributes.to_ascii_lowercase();
        (lower.contains("display") && {
            let style: String = style().to_ascii_lowercase().split_whitespace().collect();
            style
                .split(';')
                .any(|s| s == "display:none" || s == "display:none!important")
        }) || (lower.contains("hidden") && self.attribute("hidden").is_some_and(|v| v != "false"))
    }

    /// True for elements that end a paragraph (HTML, "optional tags").
    pub(crate) fn block(&self) -> bool {
        matches!(
            self.name.as_str(),
            "p" | "div"
                | "table"
                | "ul"
                | "ol"
                | "dl"
                | "blockquote"
                | "pre"
                | "hr"
                | "form"
                | "h1"
                | "h2"
                | "h3"
                | "h4"
                | "h5"
                | "h6"
                | "section"
                | "article"
                | "address"
        )
    }

    /// True for elements that have no content.
    pub(crate) fn void(&self) -> bool {
        matches!(
            self.name.as_str(),
            "" | "br" | "hr" | "img" | "input" | "meta" | "link" | "area" | "base" | "col" | "wbr"
        )
    }
}

/// Reads a tag. `<a@example.org>` and `a < b` are none.
pub(crate) fn tag(text: &str) -> Option<(Tag<'_>, &str)> {
    let inner = text.strip_prefix('<')?;
    let (closing, inner) = match inner.strip_prefix('/') {
        Some(rest) => (true, rest),
        None => (false, inner),
    };
    let first = inner.chars().next()?;
    if first == '!' || first == '?' {
        let end = inner.find('>')?;
        let tag = Tag {
            name: String::new(),
            attributes: "",
            closing,
        };
        return Some((tag, inner.get(end + 1..).unwrap_or_default()));
    }
    if !first.is_ascii_alphabetic() {
        return None;
    }
    let name_end =
        inner.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_')))?;
    let (name, after) = inner.split_at_checked(name_end)?;
    if !after.starts_with(|c: char| c.is_whitespace() || matches!(c, '>' | '/')) {
        return None;
    }
    let mut quote: Option<char> = None;
    let mut end = None;
    for (at, c) in after.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '>') => {
                end = Some(at);
                break;
            }
            // A quote that was never closed must not swallow the page.
            (None, '<') => break,
            _ => {}
        }
        if at > 16_384 {
            break;
        }
    }
    let end = end.or_else(|| after.find('>'))?;
    let tag = Tag {
        name: name.to_ascii_lowercase(),
        attributes: after.get(..end).unwrap_or_default(),
        closing,
    };
    Some((tag, after.get(end + 1..).unwrap_or_default()))
}

/// Elements whose content is no text for people.
pub(crate) fn hidden(name: &str) -> Option<&'static str> {
    [
        "script", "style", "head", "title", "template", "noscript", "svg", "object",
    ]
    .into_iter()
    .find(|h| *h == name)
}

/// What follows the end of a hidden element, if it has one; a head ends at the body too.
pub(crate) fn after_hidden<'a>(rest: &'a str, name: &str) -> Option<&'a str> {
    let mut from = rest;
    while let Some(at) = from.find('<') {
        let tail = from.get(at + 1..)?;
        if let Some(after) = tail.strip_prefix('/')
            && starts_without_case(after, name)
        {
            let end = after.find('>')?;
            return after.get(end + 1..);
        }
        if name == "head" && starts_without_case(tail, "body") {
            return from.get(at..);
        }
        from = tail;
    }
    None
}

fn starts_without_case(text: &str, prefix: &str) -> bool {
    text.as_bytes()
        .get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// Replaces character references; what is none stays.
pub(crate) fn entities(raw: &str) -> String {
    if !raw.contains('&') {
        return raw.to_owned();
    }
    let mut out = String::with_capacity(raw.len());
    let mut pieces = raw.split('&');
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let end = piece
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '#'))
            .unwrap_or(piece.len());
        let (name, after) = piece.split_at_checked(end.min(32)).unwrap_or((piece, ""));
        match entity(name) {
            Some(c) => {
                out.push(c);
                out.push_str(after.strip_prefix(';').unwrap_or(after));
            }
            None => {
                out.push('&');
                out.push_str(piece);
            }
        }
    }
    out
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let value = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        // 128–159 are meant as windows-1252 (HTML, "numeric character reference end state").
        if let Ok(byte @ 0x80..=0x9f) = u8::try_from(value) {
            return encoding_rs::WINDOWS_1252.decode(&[byte]).0.chars().next();
        }
        return char::from_u32(value).filter(|c| *c != '\0');
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "" => return None,
        other => {
            let decoded = mail_parser::decoders::html::html_to_text(&format!("&{other};"));
            let mut chars = decoded.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => c,
                _ => return None,
            }
        }
    })
}

/// The charset an HTML page names itself.
pub(crate) fn declared_charset(bytes: &[u8]) -> Option<String> {
    let head: String = bytes
        .iter()
        .take(2048)
        .map(|b| char::from(b.to_ascii_lowercase()))
        .collect();
    let (_, after) = head.split_once("charset=")?;
    let name: String = after
        .trim_start_matches(['"', '\'', ' '])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.'))
        .collect();
    (!name.is_empty()).then_some(name)
}
