//! Splitting a message into its parts (RFC 2046 §5.1), by position in the raw bytes.
//!
//! Done here and not by mail-parser: that one lets a multipart that was never closed swallow its parent's parts, builds nested
//! messages as nested structures (whose release overflows the stack when they are thousands deep), searches the rest of the
//! message anew for every boundary that is missing, and hands out text already converted with a charset that may be wrong.
//! One pass over the lines with a stack of open boundaries has none of this.

use crate::charset::Hints;
use crate::field::{self, Fields};
use crate::params::Params;

/// Multiparts nested deeper than this are not opened.
const DEEPEST: usize = 64;
/// More parts than this are not told apart.
const MOST_PARTS: usize = 20_000;

/// One part.
#[derive(Debug, Default)]
pub(crate) struct Part<'a> {
    /// Its header block.
    pub(crate) header: &'a [u8],
    /// Its content as it came; of a multipart whose parts were found, nothing.
    pub(crate) body: &'a [u8],
    /// Places of its own parts.
    pub(crate) children: Vec<usize>,
}

/// The parts of a message; the first is the message itself.
#[derive(Debug, Default)]
pub(crate) struct Parts<'a> {
    all: Vec<Part<'a>>,
    /// True when there were more parts, or deeper ones, than are told apart.
    pub(crate) cut: bool,
}

/// A multipart that is being read.
struct Open {
    boundary: Vec<u8>,
    part: usize,
}

/// The part whose content is being read.
struct Current {
    part: usize,
    from: usize,
}

impl<'a> Parts<'a> {
    /// Splits a message.
    pub(crate) fn read(raw: &'a [u8]) -> Self {
        let mut found = Self::default();
        let mut open: Vec<Open> = Vec::new();
        let mut at = 0;
        let mut current = Some(found.begin(raw, &mut at, None, &mut open));
        while let Some(line) = line_at(raw, at) {
            let start = at;
            at += line.len();
            let Some((level, closes)) = delimiter(line, &open) else {
                continue;
            };
            // A boundary of an outer multipart ends every inner one.
            if let Some(done) = current.take() {
                found.end(raw, &done, start);
            }
            open.truncate(level + 1);
            let parent = open.get(level).map(|o| o.part);
            if closes {
                open.pop();
            } else if found.all.len() < MOST_PARTS {
                current = Some(found.begin(raw, &mut at, parent, &mut open));
            } else {
                found.cut = true;
            }
        }
        if let Some(done) = current {
            found.end(raw, &done, raw.len());
        }
        found
    }

    /// One part by its place.
    pub(crate) fn get(&self, place: usize) -> Option<&Part<'a>> {
        self.all.get(place)
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Part<'a>> {
        self.all.iter()
    }

    /// Reads the header of a part and opens it when it is a multipart. `at` moves behind the header.
    fn begin(
        &mut self,
        raw: &'a [u8],
        at: &mut usize,
        parent: Option<usize>,
        open: &mut Vec<Open>,
    ) -> Current {
        let start = *at;
        let outermost = parent.is_none();
        let mut first = true;
        while let Some(line) = line_at(raw, *at) {
            let blank =
                line.trim_ascii().is_empty() && (first || !matches!(line, [b' ' | b'\t', ..]));
            if delimiter(line, open).is_some() {
                break;
            }
            // Text that follows its boundary at once: there is no header at all.
            if !blank && first && !outermost && !field::begins_field(line) {
                break;
            }
            *at += line.len();
            if blank {
                break;
            }
            first = false;
        }
        let header = raw.get(start..*at).unwrap_or_default();
        let part = self.all.len();
        self.all.push(Part {
            header,
            ..Part::default()
        });
        if let Some(parent) = parent.and_then(|p| self.all.get_mut(p)) {
            parent.children.push(part);
        }
        if let Some(boundary) = boundary(header, raw.get(*at..).unwrap_or_default()) {
            if open.len() < DEEPEST {
                open.push(Open { boundary, part });
            } else {
                self.cut = true;
            }
        }
        Current { part, from: *at }
    }

    /// The content of a part ends where a boundary line begins; the line end before that belongs to the boundary.
    fn end(&mut self, raw: &'a [u8], current: &Current, to: usize) {
        let body = raw.get(current.from..to).unwrap_or_default();
        let body = if to < raw.len() {
            let body = body.strip_suffix(b"\n").unwrap_or(body);
            body.strip_suffix(b"\r").unwrap_or(body)
        } else {
            body
        };
        if let Some(part) = self.all.get_mut(current.part) {
            part.body = body;
        }
    }
}

/// The line that begins at `at`, its end included.
fn line_at(raw: &[u8], at: usize) -> Option<&[u8]> {
    let rest = raw.get(at..)?;
    let end = rest
        .iter()
        .position(|b| *b == b'\n')
        .map_or(rest.len(), |e| e + 1);
    rest.get(..end).filter(|line| !line.is_empty())
}

/// Which open multipart a line delimits, and whether it closes it. Inner ones are asked first.
fn delimiter(line: &[u8], open: &[Open]) -> Option<(usize, bool)> {
    let content = line.strip_prefix(b"--")?.trim_ascii_end();
    open.iter()
        .enumerate()
        .rev()
        .find_map(|(level, multipart)| {
            match content.strip_prefix(multipart.boundary.as_slice())? {
                b"" => Some((level, false)),
                b"--" => Some((level, true)),
                _ => None,
            }
        })
}

/// The boundary of a multipart; where its header forgot it, the one its first part is seen to have.
fn boundary(header: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    let kind = Params::read(
        Fields::read(header).first("content-type")?,
        Hints::default(),
    );
    if !kind.value.starts_with("multipart/") {
        return None;
    }
    if let Some(declared) = kind.get("boundary") {
        return Some(declared.trim_end().as_bytes().to_vec());
    }
    let mut lines = body.split_inclusive(|b| *b == b'\n').take(200).peekable();
    while let Some(line) = lines.next() {
        let begins = lines.peek().is_some_and(|next| {
            next.get(..8)
                .is_some_and(|head| head.eq_ignore_ascii_case(b"content-"))
        });
        if let Some(seen) = line.strip_prefix(b"--").filter(|_| begins) {
            return Some(seen.trim_ascii_end().to_vec()).filter(|b| !b.is_empty());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(raw: &str) -> Vec<String> {
        Parts::read(raw.as_bytes())
            .iter()
            .filter(|p| p.children.is_empty())
            .map(|p| String::from_utf8_lossy(p.body).into_owned())
            .collect()
    }

    #[test]
    fn parts_end_at_their_boundary_without_the_line_end_before_it() {
        let raw = "Content-Type: multipart/mixed; boundary=a\r\n\r\npreamble\r\n--a\r\n\r\none\r\n\r\n--a  \r\nX: y\r\n\r\ntwo\r\n--a--\r\nepilogue";
        assert_eq!(bodies(raw), ["one\r\n", "two"]);
    }

    #[test]
    fn an_inner_multipart_that_is_never_closed_keeps_its_hands_off_the_outer_parts() {
        let raw = "Content-Type: multipart/mixed; boundary=1\n\n--1\nContent-Type: multipart/mixed; boundary=2\n\n--2\n\none\n--1\n\ntwo\n";
        assert_eq!(bodies(raw), ["one", "two\n"]);
    }

    #[test]
    fn boundaries_that_begin_alike_are_told_apart() {
        let raw = "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=ab\n\n--ab\n\none\n--ab--\n--a\n\n--abc\n--a--\n";
        assert_eq!(bodies(raw), ["one", "--abc"]);
    }

    #[test]
    fn missing_headers_blank_lines_and_boundaries_are_made_up_for() {
        assert_eq!(
            bodies("Content-Type: multipart/mixed; boundary=a\n\n--a\ntext at once\n--a--\n"),
            ["text at once"]
        );
        assert_eq!(
            bodies(
                "Content-Type: multipart/mixed\n\n--guess\nContent-Type: text/plain\n\none\n--guess--\n"
            ),
            ["one"]
        );
        assert_eq!(
            bodies("Content-Type: multipart/mixed; boundary=a\n\nno parts\n"),
            ["no parts\n"]
        );
        assert_eq!(bodies("Subject: x"), [""]);
    }

    #[test]
    fn nesting_without_end_is_cut() {
        let raw: String = (0..5000)
            .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"))
            .collect();
        assert!(Parts::read(raw.as_bytes()).cut);
    }
}
