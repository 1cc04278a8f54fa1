//! Transfer encodings (RFC 2045 §6), read leniently: a broken character costs itself, never the rest.

use std::borrow::Cow;

/// How a part's content was made fit for transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// As it is.
    Identity,
    /// Base64.
    Base64,
    /// Quoted-printable.
    QuotedPrintable,
    /// `x-uuencode`.
    Uuencode,
}

impl Transfer {
    /// Reads the field; unknown names mean "as it is".
    pub(crate) fn named(value: &str) -> Self {
        let value = value.to_ascii_lowercase();
        if value.contains("base64") {
            Self::Base64
        } else if value.contains("quoted") {
            Self::QuotedPrintable
        } else if value.contains("uue") {
            Self::Uuencode
        } else {
            Self::Identity
        }
    }

    /// How long the content is when it is undone; nothing is kept, however large the file.
    pub(crate) fn decoded_length(self, bytes: &[u8]) -> usize {
        match self {
            Self::Base64 if mostly_base64(bytes) => {
                let mut counted = 0;
                base64_bytes(bytes, |_| counted += 1);
                counted
            }
            _ => self.decode(bytes).0.len(),
        }
    }

    /// Undoes it. The flag tells that the content was not encoded as declared and was taken as it is.
    pub(crate) fn decode(self, bytes: &[u8]) -> (Cow<'_, [u8]>, bool) {
        match self {
            Self::Identity => (Cow::Borrowed(bytes), false),
            Self::QuotedPrintable => (Cow::Owned(quoted_printable(bytes)), false),
            Self::Base64 if !mostly_base64(bytes) => (Cow::Borrowed(bytes), true),
            Self::Base64 => (Cow::Owned(base64(bytes)), false),
            Self::Uuencode => match uuencoded(bytes) {
                Some(decoded) => (Cow::Owned(decoded), false),
                None => (Cow::Borrowed(bytes), true),
            },
        }
    }
}

/// What each byte stands for; 255 for what is not of the alphabet (RFC 4648 §4 and §5).
static SEXTETS: [u8; 256] = {
    let mut table = [255u8; 256];
    let mut byte = 0u8;
    #[allow(clippy::indexing_slicing)] // computed when compiled; a place outside would not compile
    while byte < 128 {
        table[byte as usize] = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => 255,
        };
        byte += 1;
    }
    table
};

fn is_base64(byte: u8) -> bool {
    SEXTETS.get(usize::from(byte)).is_some_and(|v| *v < 64)
}

/// Text that only claims to be base64 has blanks inside its lines and characters outside the alphabet.
fn mostly_base64(bytes: &[u8]) -> bool {
    let sample = bytes.get(..4096).unwrap_or(bytes);
    let strange = sample
        .iter()
        .filter(|b| !is_base64(**b) && !matches!(b, b'=' | b'\r' | b'\n'))
        .count();
    strange * 10 <= sample.len()
}

/// Base64; skips what is not of the alphabet, starts anew after padding (parts that were encoded one by one and joined).
pub(crate) fn base64(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3 + 3);
    base64_bytes(bytes, |byte| out.push(byte));
    out
}

fn base64_bytes(bytes: &[u8], mut put: impl FnMut(u8)) {
    let (mut bits, mut held) = (0u32, 0u32);
    for &byte in bytes {
        let value = match SEXTETS.get(usize::from(byte)) {
            Some(value @ 0..64) => u32::from(*value),
            _ => {
                if byte == b'=' {
                    (bits, held) = (0, 0);
                }
                continue;
            }
        };
        held = (held << 6) | value;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            put(((held >> bits) & 0xff) as u8);
            held &= (1 << bits) - 1;
        }
    }
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|d| u8::try_from(d).ok())
}

/// Quoted-printable of a body: soft line ends vanish, blanks at line ends too (RFC 2045 §6.7).
pub(crate) fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let content = line.trim_ascii_end();
        let ended = line.ends_with(b"\n");
        let (content, soft) = match content.strip_suffix(b"=") {
            Some(rest) if ended || !content.is_empty() => (rest, true),
            _ => (content, false),
        };
        escapes(content, b'=', &mut out);
        if ended && !soft {
            out.extend_from_slice(if line.ends_with(b"\r\n") {
                b"\r\n"
            } else {
                b"\n"
            });
        }
    }
    out
}

/// Replaces `=XX` (or `%XX`) by the byte; what is no such escape stays.
pub(crate) fn escapes(bytes: &[u8], mark: u8, out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == mark
            && let [high, low, after @ ..] = tail
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            out.push(high << 4 | low);
            rest = after;
        } else {
            out.push(*first);
        }
    }
}

/// The first uuencoded file in the text.
fn uuencoded(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut lines = bytes.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_end);
    lines.by_ref().find(|l| l.starts_with(b"begin "))?;
    let mut out = Vec::new();
    for line in lines.take_while(|l| *l != b"end") {
        let Some((length, data)) = line.split_first() else {
            continue;
        };
        let length = usize::from(length.wrapping_sub(32) & 63);
        let before = out.len();
        let (mut bits, mut held) = (0u32, 0u32);
        for byte in data {
            held = (held << 6) | u32::from(byte.wrapping_sub(32) & 63);
            bits += 6;
            if bits >= 8 {
                bits -= 8;
                out.push(((held >> bits) & 0xff) as u8);
                held &= (1 << bits) - 1;
            }
        }
        out.truncate(before + length);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_survives_line_ends_rubbish_and_pieces_that_were_padded_one_by_one() {
        assert_eq!(base64(b"44GC\r\n 44GE*"), "あい".as_bytes());
        assert_eq!(base64(b"YQ==Yg=="), b"ab");
        assert_eq!(base64(b"YWI"), b"ab");
    }

    #[test]
    fn quoted_printable_keeps_what_is_no_escape() {
        assert_eq!(
            quoted_printable(b"a=E3=81=82 = b=3\r\nc=\r\nd \t\r\ne="),
            "aあ = b=3\r\ncd\r\ne".as_bytes()
        );
    }

    #[test]
    fn text_that_only_claims_to_be_base64_is_taken_as_it_is() {
        let text = "こんにちは, this is plain text.".as_bytes();
        assert_eq!(Transfer::Base64.decode(text), (Cow::Borrowed(text), true));
    }

    #[test]
    fn uuencoded_content_is_decoded() {
        assert_eq!(
            Transfer::Uuencode
                .decode(b"begin 644 a.txt\n#8V%T\n`\nend\n")
                .0
                .as_ref(),
            b"cat"
        );
    }
}
