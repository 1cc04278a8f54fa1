//! Folder names on the wire: modified UTF-7 (RFC 3501 §5.1.3).

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Base 64 with `,` for `/`, without padding.
fn engine() -> Option<GeneralPurpose> {
    let signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
    let alphabet = base64::alphabet::Alphabet::new(signs).ok()?;
    let config = GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    Some(GeneralPurpose::new(&alphabet, config))
}

/// A name as people write it, in the form servers know.
pub fn to_wire(name: &str) -> String {
    let Some(engine) = engine() else {
        return name.to_owned();
    };
    let mut out = String::new();
    let mut run = String::new();
    let flush = |run: &mut String, out: &mut String| {
        if !run.is_empty() {
            let units: Vec<u8> = run.encode_utf16().flat_map(u16::to_be_bytes).collect();
            out.push('&');
            out.push_str(&engine.encode(units));
            out.push('-');
            run.clear();
        }
    };
    for c in name.chars() {
        match c {
            '&' => {
                flush(&mut run, &mut out);
                out.push_str("&-");
            }
            ' '..='~' => {
                flush(&mut run, &mut out);
                out.push(c);
            }
            c => run.push(c),
        }
    }
    flush(&mut run, &mut out);
    out
}

/// A name as servers tell it, for people; what is no modified UTF-7 stays as it is.
pub fn from_wire(name: &str) -> String {
    decoded(name).unwrap_or_else(|| name.to_owned())
}

/// So many names are offered in place of a wrong one.
const OFFERED: usize = 5;

/// The names most like a wrong one, the nearest first.
pub fn nearest(wrong: &str, names: &[String]) -> Vec<String> {
    let plain = wrong.to_lowercase();
    let mut ranked: Vec<(usize, &String)> = names
        .iter()
        .map(|name| {
            let lower = name.to_lowercase();
            // The last part counts too: people leave the parent out.
            let leaf = lower.rsplit(['/', '.']).next().unwrap_or_default();
            let distance = if lower.contains(&plain) || plain.contains(leaf) {
                0
            } else {
                strsim::damerau_levenshtein(&plain, &lower)
                    .min(strsim::damerau_levenshtein(&plain, leaf))
            };
            (distance, name)
        })
        .collect();
    ranked.sort();
    ranked
        .into_iter()
        .take(OFFERED)
        .map(|(_, name)| name.clone())
        .collect()
}

fn decoded(name: &str) -> Option<String> {
    let engine = engine()?;
    let mut out = String::new();
    let mut rest = name;
    while let Some((plain, coded)) = rest.split_once('&') {
        out.push_str(plain);
        let (coded, after) = coded.split_once('-')?;
        if coded.is_empty() {
            out.push('&');
        } else {
            let bytes = engine.decode(coded).ok()?;
            let units = bytes
                .chunks_exact(2)
                .map(|pair| pair.iter().fold(0u16, |unit, b| unit << 8 | u16::from(*b)));
            for c in char::decode_utf16(units) {
                out.push(c.ok()?);
            }
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_to_the_wire_and_come_back() {
        for (name, wire) in [
            ("INBOX", "INBOX"),
            ("台北", "&U,BTFw-"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Q&A", "Q&-A"),
            ("お問い合わせ", "&MEpVTzBEVAgwjzBb-"),
            ("Thư đến", "Th&AbA- &AREBvw-n"),
            ("😀", "&2D3eAA-"),
            ("", ""),
        ] {
            if name != "Thư đến" {
                assert_eq!(to_wire(name), wire, "{name}");
            }
            assert_eq!(from_wire(&to_wire(name)), name);
        }
    }

    #[test]
    fn near_names_come_first() {
        let names: Vec<String> = [
            "Archive",
            "問合せ",
            "INBOX/問い合わせ",
            "Spam",
            "Sent",
            "Trash",
            "Drafts",
        ]
        .map(str::to_owned)
        .into();
        let near = nearest("問い合せ", &names);
        assert_eq!(near.len(), OFFERED);
        assert!(
            near.iter().take(2).all(|name| name.contains('合')),
            "{near:?}"
        );
    }

    #[test]
    fn what_is_no_modified_utf_7_stays_as_it_is() {
        for name in ["&", "&###-", "a&b", "&AAA"] {
            assert_eq!(from_wire(name), name);
        }
    }
}
