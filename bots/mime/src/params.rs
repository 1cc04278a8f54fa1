//! Values with parameters: `Content-Type`, `Content-Disposition` (RFC 2045 §5.1, RFC 2183, RFC 2231).

use crate::charset::{self, Hints};
use crate::transfer;
use crate::words;
use std::collections::BTreeMap;

/// A value and its parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Params {
    /// What stands before the first semicolon, lower case, without comments.
    pub(crate) value: String,
    params: BTreeMap<String, String>,
}

impl Params {
    /// Reads a field value.
    pub(crate) fn read(field: &[u8], hints: Hints) -> Self {
        let line = words::line(field, hints);
        let mut pieces = split(&line).into_iter();
        let head = without_comments(&pieces.next().unwrap_or_default())
            .replace(" /", "/")
            .replace("/ ", "/");
        // A forgotten semicolon: `multipart/mixed boundary=x`.
        let (value, loose) = match head.trim().split_once(' ') {
            Some((value, rest)) if rest.contains('=') => (value.to_owned(), Some(rest.to_owned())),
            _ => (head, None),
        };
        let value: String = value
            .to_ascii_lowercase()
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect();
        let pieces = loose.into_iter().chain(pieces);
        let mut plain: BTreeMap<String, String> = BTreeMap::new();
        let mut sections: BTreeMap<String, BTreeMap<u32, (String, bool)>> = BTreeMap::new();
        for piece in pieces {
            let Some((name, value)) = piece.split_once('=') else {
                continue;
            };
            let name = without_comments(name).trim().to_ascii_lowercase();
            let value = unquoted(value.trim());
            match name.split_once('*') {
                None => {
                    plain.entry(name).or_insert(value);
                }
                Some((name, mark)) => {
                    let extended = mark.is_empty() || mark.ends_with('*');
                    let number = mark.trim_end_matches('*').parse().unwrap_or(0);
                    sections
                        .entry(name.to_owned())
                        .or_default()
                        .entry(number)
                        .or_insert((value, extended));
                }
            }
        }
        let mut params: BTreeMap<String, String> = plain
            .into_iter()
            .map(|(name, value)| (name, words::decode(&value, hints)))
            .collect();
        for (name, sections) in sections {
            let value = joined(&sections, hints);
            if !value.is_empty() {
                params.insert(name, value);
            }
        }
        Self { value, params }
    }

    /// A parameter by its lower-case name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.params
            .get(name)
            .map(String::as_str)
            .filter(|v| !v.is_empty())
    }
}

/// RFC 2231 §3–4: numbered sections, percent escapes, `charset'language'` before the first.
fn joined(sections: &BTreeMap<u32, (String, bool)>, hints: Hints) -> String {
    let mut label = None;
    let mut bytes = Vec::new();
    for (order, (value, extended)) in sections.values().enumerate() {
        if !extended {
            bytes.extend_from_slice(value.as_bytes());
            continue;
        }
        let mut content = value.as_str();
        if order == 0 {
            let mut quoted = value.splitn(3, '\'');
            if let (Some(charset), Some(_), Some(rest)) =
                (quoted.next(), quoted.next(), quoted.next())
            {
                label = Some(charset.to_owned());
                content = rest;
            }
        }
        transfer::escapes(content.as_bytes(), b'%', &mut bytes);
    }
    let text = charset::decode(&bytes, label.as_deref(), hints).text;
    // Some wrap encoded words in RFC 2231 sections.
    words::decode(&text, hints)
}

/// Splits at semicolons outside quotes.
fn split(line: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in line.chars() {
        let ends = c == ';' && !quoted;
        if escaped {
            escaped = false;
        } else if c == '\\' && quoted {
            escaped = true;
        } else if c == '"' {
            quoted = !quoted;
        }
        if ends {
            pieces.push(String::new());
        } else if let Some(last) = pieces.last_mut() {
            last.push(c);
        }
    }
    pieces
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else {
        return without_comments(value).trim().to_owned();
    };
    let mut out = String::new();
    let mut escaped = false;
    for c in inner.chars() {
        if escaped {
            // Windows paths are not escaped by those who send them: only quote and backslash are.
            if !matches!(c, '"' | '\\') {
                out.push('\\');
            }
            out.push(c);
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == '"' {
            break;
        } else {
            out.push(c);
        }
    }
    out
}

/// Takes `(comments)` out, except where a bracket follows a name directly, as in `report(1).pdf`.
fn without_comments(text: &str) -> String {
    let mut out = String::new();
    let mut depth = 0usize;
    let mut after_blank = true;
    for c in text.chars() {
        match c {
            '(' if after_blank || depth > 0 => depth += 1,
            ')' if depth > 0 => depth -= 1,
            c if depth == 0 => out.push(c),
            _ => {}
        }
        after_blank = c.is_whitespace();
    }
    if depth > 0 { text.to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &str) -> Params {
        Params::read(field.as_bytes(), Hints::default())
    }

    #[test]
    fn type_and_parameters_are_read_with_comments_quotes_and_odd_case() {
        let params = read("Text/Plain (a comment); CharSet=\"utf-8\"; name=a\\b(1).txt; x");
        assert_eq!(params.value, "text/plain");
        assert_eq!(params.get("charset"), Some("utf-8"));
        assert_eq!(params.get("name"), Some("a\\b(1).txt"));
        assert_eq!(
            read("multipart/mixed boundary=\"x\"").get("boundary"),
            Some("x")
        );
        assert_eq!(read("a; n=\"x;y \\\"z\\\"\"").get("n"), Some("x;y \"z\""));
    }

    #[test]
    fn file_names_in_sections_with_charset_are_joined_before_they_are_decoded() {
        let params = read(
            "attachment; filename*0*=utf-8''%E5%A4%89%E6%9B; filename*1*=%B4; filename*2=\".pdf\"",
        );
        assert_eq!(params.get("filename"), Some("変更.pdf"));
        let params =
            read("attachment; filename*=iso-2022-jp'ja'%1B$B4k6H%1B%28B.pdf; filename=\"x.pdf\"");
        assert_eq!(params.get("filename"), Some("企業.pdf"));
    }

    #[test]
    fn file_names_as_encoded_words_or_raw_bytes_are_decoded() {
        assert_eq!(
            read("a; name=\"=?UTF-8?B?5aSJ5pu0?= =?UTF-8?B?LnBkZg==?=\"").get("name"),
            Some("変更.pdf")
        );
        let raw = Params::read(
            b"a; filename=\"\x8a\xe9\x8b\xc6.pdf\"",
            Hints {
                encoding: Some(encoding_rs::SHIFT_JIS),
            },
        );
        assert_eq!(raw.get("filename"), Some("企業.pdf"));
    }
}
