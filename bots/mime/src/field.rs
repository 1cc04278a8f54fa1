//! Splitting a header block into fields (RFC 5322 §2.2), without understanding any of them.

/// One header field as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Field<'a> {
    /// The name, lower case.
    pub(crate) name: String,
    /// The value with its folding, byte for byte.
    pub(crate) value: &'a [u8],
}

/// A header block.
#[derive(Debug, Default, Clone)]
pub(crate) struct Fields<'a> {
    fields: Vec<Field<'a>>,
    /// Lines that are neither a field nor the continuation of one.
    pub(crate) stray_lines: usize,
}

/// No sensible name is longer; a line of text with a colon somewhere is no field.
const LONGEST_NAME: usize = 80;
/// Of a longer value only the beginning is kept: no list of recipients or references is as long.
const LONGEST_VALUE: usize = 1 << 20;
/// More fields than this are not kept: a hostile message must not cost more than it is worth.
const MOST_FIELDS: usize = 4096;

impl<'a> Fields<'a> {
    /// Reads fields up to the first blank line.
    pub(crate) fn read(bytes: &'a [u8]) -> Self {
        let mut found = Self::default();
        let mut start = 0usize;
        // Name, where its value begins, where it ends so far.
        let mut open: Option<(String, usize, usize)> = None;
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            let end = start + line.len();
            let content = line.trim_ascii_end();
            if content.is_empty() {
                if matches!(line, [b' ' | b'\t', ..]) && open.is_some() {
                    // A folded line of blanks only: old mailers did this; the field goes on.
                    start = end;
                    continue;
                }
                break;
            }
            if matches!(line, [b' ' | b'\t', ..]) {
                match &mut open {
                    Some((_, _, value_end)) => *value_end = end,
                    None => found.stray_lines += 1,
                }
            } else if let Some((name, value_at)) = name_of(line) {
                found.close(bytes, open.take());
                open = Some((name, start + value_at, end));
            } else {
                found.stray_lines += 1;
            }
            start = end;
        }
        found.close(bytes, open);
        found
    }

    fn close(&mut self, bytes: &'a [u8], open: Option<(String, usize, usize)>) {
        if let Some((name, start, end)) = open
            && self.fields.len() < MOST_FIELDS
        {
            let end = end.min(start.saturating_add(LONGEST_VALUE));
            let value = bytes.get(start..end).unwrap_or_default();
            self.fields.push(Field { name, value });
        }
    }

    /// True when there is no field at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The first field of this (lower-case) name.
    pub(crate) fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// Every field of this (lower-case) name, in order.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields
            .iter()
            .filter(move |f| f.name == name)
            .map(|f| f.value)
    }

    /// All fields in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field<'a>> {
        self.fields.iter()
    }
}

/// Name and offset of the value, when the line begins a field.
fn name_of(line: &[u8]) -> Option<(String, usize)> {
    let colon = line.iter().take(LONGEST_NAME).position(|b| *b == b':')?;
    let name = line.get(..colon)?.trim_ascii_end();
    if name.is_empty() || !name.iter().all(|b| matches!(b, 33..=57 | 59..=126)) {
        return None;
    }
    let name = name
        .iter()
        .map(|b| char::from(b.to_ascii_lowercase()))
        .collect();
    Some((name, colon + 1))
}

/// True when a line begins a header field.
pub(crate) fn begins_field(line: &[u8]) -> bool {
    name_of(line).is_some()
}

/// True when a message has at least one field every mail program knows; binary rubbish has none.
pub(crate) fn has_known_field(fields: &Fields<'_>) -> bool {
    const KNOWN: &[&str] = &[
        "from",
        "to",
        "cc",
        "subject",
        "date",
        "message-id",
        "received",
        "return-path",
        "mime-version",
        "content-type",
        "sender",
        "reply-to",
        "delivered-to",
        "in-reply-to",
        "references",
        "x-mailer",
        "bcc",
        "content-transfer-encoding",
    ];
    fields.iter().any(|f| KNOWN.contains(&f.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_fields_keep_all_their_lines_and_the_body_is_not_read() {
        let fields = Fields::read(b"Subject: a\r\n b\r\nX-Y : c\r\n\r\nTo: nobody\r\n");
        assert_eq!(fields.first("subject"), Some(&b" a\r\n b\r\n"[..]));
        assert_eq!(fields.first("x-y"), Some(&b" c\r\n"[..]));
        assert_eq!(fields.first("to"), None);
    }

    #[test]
    fn lines_that_are_no_fields_are_counted_and_skipped() {
        let fields = Fields::read(b"garbage line\nFrom: a\nmore garbage\nTo: b\n");
        assert_eq!(fields.stray_lines, 2);
        assert_eq!(fields.iter().count(), 2);
    }
}
