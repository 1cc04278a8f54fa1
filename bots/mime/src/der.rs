//! The content of a signed S/MIME message (RFC 8551 §3.5.2): one octet string inside a handful of BER wrappings (X.690).
//!
//! Nothing is verified here; the signed text is only taken out, so that people can read it.

/// Wrappings and pieces deeper than this are not opened.
const DEEPEST: usize = 12;
/// More pieces of one string than this are not joined.
const MOST_PIECES: usize = 100_000;

/// One element: its tag byte, its content, and what follows it.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    rest: &'a [u8],
    /// The length was not written: the content runs up to an end mark, and `content` holds everything there is.
    open: bool,
}

const SEQUENCE: u8 = 0x30;
const OBJECT_ID: u8 = 0x06;
const OCTETS: u8 = 0x04;
/// An octet string in pieces.
const OCTETS_IN_PIECES: u8 = 0x24;
/// `[0]`, constructed.
const EXPLICIT: u8 = 0xa0;
/// 1.2.840.113549.1.7.2
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

/// The signed content of a `SignedData` (RFC 5652 §5.1), when it is inside.
pub(crate) fn signed_content(bytes: &[u8]) -> Option<Vec<u8>> {
    let outer = expect(bytes, SEQUENCE)?;
    let kind = expect(outer.content, OBJECT_ID)?;
    if kind.content != SIGNED_DATA {
        return None;
    }
    let signed = expect(expect(kind.rest, EXPLICIT)?.content, SEQUENCE)?;
    // version, digestAlgorithms, encapContentInfo
    let version = element(signed.content)?;
    let digests = skip(version.rest, 0)?;
    let inner = expect(digests, SEQUENCE)?;
    let kind = expect(inner.content, OBJECT_ID)?;
    let content = expect(kind.rest, EXPLICIT)?;
    let mut out = Vec::new();
    let mut pieces = 0;
    octets(content.content, 0, &mut out, &mut pieces)?;
    Some(out)
}

fn expect(bytes: &[u8], tag: u8) -> Option<Element<'_>> {
    element(bytes).filter(|e| e.tag == tag)
}

fn element(bytes: &[u8]) -> Option<Element<'_>> {
    let [tag, length, rest @ ..] = bytes else {
        return None;
    };
    // Tags of several bytes do not occur here.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (length, rest) = match length {
        0x80 => {
            return Some(Element {
                tag: *tag,
                content: rest,
                rest: &[],
                open: true,
            });
        }
        short @ 0..=0x7f => (usize::from(*short), rest),
        long => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            if digits.len() > 4 {
                return None;
            }
            let length = digits
                .iter()
                .fold(0usize, |all, b| all << 8 | usize::from(*b));
            (length, rest)
        }
    };
    // A message cut on its way shows what arrived of it.
    let (content, rest) = rest.split_at_checked(length).unwrap_or((rest, &[]));
    Some(Element {
        tag: *tag,
        content,
        rest,
        open: false,
    })
}

/// What follows the first element.
fn skip(bytes: &[u8], depth: usize) -> Option<&[u8]> {
    let first = element(bytes)?;
    if !first.open {
        return Some(first.rest);
    }
    if depth > DEEPEST {
        return None;
    }
    let mut inside = first.content;
    while !inside.starts_with(&[0, 0]) {
        inside = skip(inside, depth + 1)?;
    }
    inside.get(2..)
}

/// Gathers an octet string, whole or in pieces; returns what follows it.
fn octets<'a>(
    bytes: &'a [u8],
    depth: usize,
    out: &mut Vec<u8>,
    pieces: &mut usize,
) -> Option<&'a [u8]> {
    *pieces += 1;
    if depth > DEEPEST || *pieces > MOST_PIECES {
        return None;
    }
    let first = element(bytes)?;
    match first.tag {
        OCTETS if !first.open => {
            out.extend_from_slice(first.content);
            Some(first.rest)
        }
        OCTETS_IN_PIECES => {
            let mut inside = first.content;
            while !inside.is_empty() && !inside.starts_with(&[0, 0]) {
                inside = octets(inside, depth + 1, out, pieces)?;
            }
            if first.open {
                Some(inside.get(2..).unwrap_or_default())
            } else {
                Some(first.rest)
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        if content.len() < 0x80 {
            out.push(content.len() as u8);
        } else {
            out.extend([0x82, (content.len() >> 8) as u8, content.len() as u8]);
        }
        out.extend_from_slice(content);
        out
    }

    fn signed(content: &[u8]) -> Vec<u8> {
        let data = wrap(
            OBJECT_ID,
            &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01],
        );
        let inner = wrap(SEQUENCE, &[data, wrap(EXPLICIT, content)].concat());
        let all = [wrap(2, &[1]), wrap(0x31, &[]), inner].concat();
        let kind = wrap(OBJECT_ID, SIGNED_DATA);
        wrap(
            SEQUENCE,
            &[kind, wrap(EXPLICIT, &wrap(SEQUENCE, &all))].concat(),
        )
    }

    #[test]
    fn signed_text_is_taken_out_whole_and_in_pieces() {
        assert_eq!(
            signed_content(&signed(&wrap(OCTETS, b"text"))).unwrap(),
            b"text"
        );
        let pieces = wrap(
            OCTETS_IN_PIECES,
            &[wrap(OCTETS, b"te"), wrap(OCTETS, b"xt")].concat(),
        );
        assert_eq!(signed_content(&signed(&pieces)).unwrap(), b"text");
        let open = [
            &[OCTETS_IN_PIECES, 0x80][..],
            &wrap(OCTETS, b"text"),
            &[0, 0],
        ]
        .concat();
        assert_eq!(signed_content(&signed(&open)).unwrap(), b"text");
    }

    #[test]
    fn lengths_that_are_left_open_everywhere_are_followed() {
        let kind = wrap(OBJECT_ID, SIGNED_DATA);
        let data = wrap(OBJECT_ID, &[0x2a]);
        let mut all = vec![SEQUENCE, 0x80];
        all.extend(kind);
        all.extend([EXPLICIT, 0x80, SEQUENCE, 0x80, 2, 1, 1, 0x31, 0x80, 0, 0]);
        all.extend([SEQUENCE, 0x80]);
        all.extend(data);
        all.extend([EXPLICIT, 0x80, OCTETS_IN_PIECES, 0x80]);
        all.extend(wrap(OCTETS, b"open"));
        all.extend([0; 12]);
        assert_eq!(signed_content(&all).unwrap(), b"open");
    }

    #[test]
    fn what_is_something_else_gives_nothing() {
        assert_eq!(signed_content(b""), None);
        assert_eq!(signed_content(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(signed_content(&[SEQUENCE, 0x80].repeat(10_000)), None);
        assert_eq!(
            signed_content(&signed(&[OCTETS_IN_PIECES, 0x80].repeat(10_000))),
            None
        );
    }
}
