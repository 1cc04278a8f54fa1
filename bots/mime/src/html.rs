//! HTML → readable text. Quotations become `>` lines, so that `reply` needs no second way of finding them.

/// Deeper quotations are written at this depth.
const DEEPEST_QUOTE: usize = 8;
/// Elements still open; more are forgotten.
const MOST_OPEN: usize = 512;

/// Converts an HTML body to text: blocks become lines, quotations `>` lines; scripts, styles and comments vanish, nothing is fetched.
pub fn html_to_text(html: &str) -> String {
    let mut page = Page::default();
    let mut rest = html;
    let mut comments_end = true;
    // Elements that were looked for to the end of the page in vain: looking again for each would cost the square of its size.
    let mut never_closed: Vec<&str> = Vec::new();
    let after_last_tag = html.len() - html.rfind('>').map_or(0, |at| at + 1);
    while let Some(at) = rest.find('<').filter(|_| rest.len() > after_last_tag) {
        let (text, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        page.text(text);
        if let Some(comment) = tail.strip_prefix("<!--") {
            let end = if comments_end {
                comment.find("-->")
            } else {
                None
            };
            comments_end = end.is_some();
            // A comment that never ends hides only its first tag.
            let skipped = end
                .map(|e| e + 3)
                .or_else(|| comment.find('>').map(|e| e + 1));
            rest = skipped.and_then(|s| comment.get(s..)).unwrap_or_default();
            continue;
        }
        match tag(tail) {
            Some((tag, after)) => {
                rest = after;
                if !tag.closing
                    && let Some(name) = hidden(&tag.name)
                {
                    if !never_closed.contains(&name) {
                        match after_hidden(rest, name) {
                            Some(after) => rest = after,
                            // Code stays hidden; of a head or title there is shown what there is.
                            None if matches!(name, "head" | "title" | "object" | "noscript") => {
                                never_closed.push(name)
                            }
                            None => rest = "",
                        }
                    }
                } else {
                    page.tag(&tag);
                }
            }
            None => {
                page.text("<");
                rest = tail.get(1..).unwrap_or_default();
            }
        }
    }
    page.text(rest);
    page.finish()
}

/// A start or end tag.
struct Tag<'a> {
    name: String,
    attributes: &'a str,
    closing: bool,
}

/// Reads a tag. `<a@example.org>` and `a < b` are none.
fn tag(text: &str) -> Option<(Tag<'_>, &str)> {
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
fn hidden(name: &str) -> Option<&'static str> {
    [
        "script", "style", "head", "title", "template", "noscript", "svg", "object",
    ]
    .into_iter()
    .find(|h| *h == name)
}

/// What follows the end of a hidden element, if it has one; a head ends at the body too.
fn after_hidden<'a>(rest: &'a str, name: &str) -> Option<&'a str> {
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

/// The page as far as it is written.
#[derive(Default)]
struct Page {
    out: String,
    line: String,
    /// A blank is due before the next word of this line.
    space: bool,
    /// Elements that matter and are open: name, and whether they quote.
    open: Vec<(String, bool)>,
    blank_lines: usize,
}

impl Page {
    fn quotes(&self) -> usize {
        self.open
            .iter()
            .filter(|(_, quotes)| *quotes)
            .count()
            .min(DEEPEST_QUOTE)
    }

    fn preformatted(&self) -> bool {
        self.open.iter().any(|(name, _)| name == "pre")
    }

    fn text(&mut self, raw: &str) {
        let preformatted = self.preformatted();
        for c in entities(raw).chars() {
            match c {
                '\n' if preformatted => self.end_line(false),
                '\u{a0}' => {
                    self.line.push(' ');
                    self.space = false;
                }
                ' ' | '\t' if preformatted => self.line.push(c),
                ' ' | '\t' | '\n' | '\r' | '\u{c}' => self.space = true,
                '\u{ad}' | '\u{200b}' | '\u{feff}' => {}
                c => {
                    if self.space && !self.line.is_empty() && !self.line.ends_with(' ') {
                        self.line.push(' ');
                    }
                    self.space = false;
                    self.line.push(c);
                }
            }
        }
    }

    fn tag(&mut self, tag: &Tag<'_>) {
        match tag.name.as_str() {
            "br" => self.end_line(true),
            "hr" => {
                self.end_line(false);
                self.line.push_str("________________________________");
                self.end_line(false);
            }
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "dl" | "table" => {
                self.end_line(false);
                self.blank_line();
                self.track(tag, false);
            }
            "blockquote" | "div" => {
                self.end_line(false);
                let quotes = !tag.closing && quoting(tag);
                self.track(tag, quotes);
            }
            "pre" => {
                self.end_line(false);
                self.track(tag, false);
            }
            "li" if !tag.closing => {
                self.end_line(false);
                self.line.push_str("- ");
            }
            "tr" | "li" | "dt" | "dd" | "section" | "article" | "header" | "footer" | "address"
            | "center" | "body" | "form" | "fieldset" | "main" | "nav" | "aside" | "caption" => {
                self.end_line(false)
            }
            "td" | "th" if tag.closing && !self.line.is_empty() => self.line.push(' '),
            _ => {}
        }
    }

    /// Keeps count of open blocks, so that a quotation ends with its own element.
    fn track(&mut self, tag: &Tag<'_>, quotes: bool) {
        if !matches!(tag.name.as_str(), "blockquote" | "div" | "pre") {
            return;
        }
        if !tag.closing {
            if self.open.len() < MOST_OPEN {
                self.open.push((tag.name.clone(), quotes));
            }
        } else if let Some(at) = self.open.iter().rposition(|(name, _)| *name == tag.name) {
            self.open.truncate(at);
        }
    }

    fn blank_line(&mut self) {
        if !self.out.is_empty() && self.blank_lines == 0 {
            self.end_line(true);
        }
    }

    /// Ends the line; an empty one is written only where the page asks for it.
    fn end_line(&mut self, even_empty: bool) {
        let line = std::mem::take(&mut self.line);
        let content = line.trim_end();
        self.space = false;
        if content.is_empty() {
            if !even_empty || self.blank_lines >= 2 || self.out.is_empty() {
                return;
            }
            self.blank_lines += 1;
        } else {
            self.blank_lines = 0;
        }
        let depth = self.quotes();
        if depth > 0 {
            self.out.extend(std::iter::repeat_n('>', depth));
            if !content.is_empty() {
                self.out.push(' ');
            }
        }
        self.out.push_str(content);
        self.out.push('\n');
    }

    fn finish(mut self) -> String {
        self.end_line(false);
        self.out.trim_end().to_owned()
    }
}

/// True for the elements mail programs put a quotation in. A blockquote without a sign of that is only indented.
fn quoting(tag: &Tag<'_>) -> bool {
    let attributes = tag.attributes.to_ascii_lowercase();
    let signs: &[&str] = if tag.name == "blockquote" {
        &["cite", "quote", "border-left", "mailcontainer"]
    } else {
        &[
            "yahoo_quoted",
            "protonmail_quote",
            "ms-outlook-mobile-reference",
            "qmbox_quote",
        ]
    };
    signs.iter().any(|sign| attributes.contains(sign))
}

/// Replaces character references; what is none stays.
fn entities(raw: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_lines_and_code_vanishes() {
        let html = "<html><head><title>t</title><style>p{}</style></head><body><p>一つ目</p><p>二つ&nbsp;目<br>次</p>\
                    <script>alert('<p>')</script><!-- <p>no</p> --><ul><li>a<li>b</ul>x &amp; y &lt;z&gt; &#12354; &eacute;</body>";
        assert_eq!(
            html_to_text(html),
            "一つ目\n\n二つ 目\n次\n\n- a\n- b\n\nx & y <z> あ é"
        );
    }

    #[test]
    fn quotations_become_marked_lines_and_indented_text_does_not() {
        let html = "Hello<blockquote type=\"cite\">old<br><blockquote class='gmail_quote'>older</blockquote></blockquote>\
                    new<blockquote style='margin-left: 3em'>indented</blockquote>";
        assert_eq!(html_to_text(html), "Hello\n> old\n>> older\nnew\nindented");
    }

    #[test]
    fn what_only_looks_like_a_tag_stays() {
        assert_eq!(
            html_to_text("On Friday, A <a@example.org> wrote: 1 < 2 & 3 &unknownthing; <"),
            "On Friday, A <a@example.org> wrote: 1 < 2 & 3 &unknownthing; <"
        );
    }

    #[test]
    fn a_page_that_never_closes_anything_is_still_read() {
        assert_eq!(
            html_to_text("<head><meta x><body>text <!-- open <b>more"),
            "text more"
        );
        assert_eq!(html_to_text("<style>p{} never closed"), "");
        assert_eq!(html_to_text("<a href=\"x>broken</a> after"), "broken after");
    }

    #[test]
    fn the_charset_a_page_names_is_found() {
        assert_eq!(
            declared_charset(b"<META content='text/html; charset=Shift_JIS'>").as_deref(),
            Some("shift_jis")
        );
        assert_eq!(
            declared_charset(b"<meta charset=\"utf-8\">").as_deref(),
            Some("utf-8")
        );
        assert_eq!(declared_charset(b"<p>"), None);
    }
}
