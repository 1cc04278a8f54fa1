//! Header text: raw bytes to one line of Unicode, and RFC 2047 encoded words.

use crate::charset::{self, Hints};
use crate::transfer;

/// A header value as one unfolded line, raw eight-bit or ISO-2022 bytes decoded; encoded words are still in it.
pub(crate) fn line(value: &[u8], hints: Hints) -> String {
    let text = charset::decode(value, None, hints).text;
    let mut out = String::with_capacity(text.len());
    let mut blank = true;
    for c in text.chars() {
        match c {
            '\r' | '\n' | '\t' | ' ' => {
                if !blank {
                    out.push(' ');
                }
                blank = true;
            }
            c if c.is_control() => {}
            c => {
                out.push(c);
                blank = false;
            }
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// A header value as text: unfolded, every encoded word decoded.
pub(crate) fn text(value: &[u8], hints: Hints) -> String {
    decode(&line(value, hints), hints)
}

/// One encoded word.
struct Word<'a> {
    charset: &'a str,
    base64: bool,
    content: &'a str,
}

/// Decodes the encoded words of a line. Words in a row are decoded as one run, because senders cut inside a character
/// (and inside an ISO-2022-JP shift state); the blanks between them go (RFC 2047 §6.2).
pub(crate) fn decode(line: &str, hints: Hints) -> String {
    if !line.contains("=?") {
        return line.to_owned();
    }
    let mut out = String::with_capacity(line.len());
    let mut run: Vec<Word<'_>> = Vec::new();
    let mut rest = line;
    while let Some((before, at)) = find(rest) {
        let Some((word, after)) = word(at) else {
            flush(&mut run, &mut out, hints);
            out.push_str(before);
            out.push_str("=?");
            rest = at.get(2..).unwrap_or_default();
            continue;
        };
        if !before.trim().is_empty() || run.is_empty() {
            flush(&mut run, &mut out, hints);
            out.push_str(before);
        }
        run.push(word);
        rest = after;
    }
    flush(&mut run, &mut out, hints);
    out.push_str(rest);
    out.retain(|c| !c.is_control() || c == '\t');
    out
}

/// Splits before the next `=?`.
fn find(text: &str) -> Option<(&str, &str)> {
    text.find("=?").and_then(|at| text.split_at_checked(at))
}

/// Length in bytes of the encoded word `text` begins with; 0 when it begins with none.
pub(crate) fn word_length(text: &str) -> usize {
    word(text).map_or(0, |(_, after)| text.len() - after.len())
}

/// Reads the encoded word `text` begins with. Blanks inside it are accepted: folding put them there.
fn word(text: &str) -> Option<(Word<'_>, &str)> {
    let (charset, rest) = text.strip_prefix("=?")?.split_once('?')?;
    if charset.is_empty() || charset.len() > 60 || !charset.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    let (kind, rest) = rest.split_once('?')?;
    let base64 = match kind.trim() {
        "B" | "b" => true,
        "Q" | "q" => false,
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(end_of(rest)?)?;
    let after = after.get(2..)?;
    Some((
        Word {
            charset,
            base64,
            content,
        },
        after,
    ))
}

/// Where a word's content ends. A word that never ended must not swallow the next one; so this looks no further than to that.
fn end_of(content: &str) -> Option<usize> {
    let bytes = content.as_bytes();
    bytes
        .windows(2)
        .enumerate()
        .find_map(|(at, pair)| match pair {
            b"?=" => Some(Some(at)),
            b"=?" if bytes.get(at + 2) != Some(&b'=') => Some(None),
            _ => None,
        })
        .flatten()
}

/// Decodes a run of words, those of one charset together.
fn flush(run: &mut Vec<Word<'_>>, out: &mut String, hints: Hints) {
    let mut words = run.drain(..).peekable();
    while let Some(first) = words.next() {
        let label = first.charset;
        let mut group = vec![first];
        while let Some(next) = words.next_if(|w| w.charset.eq_ignore_ascii_case(label)) {
            group.push(next);
        }
        let read = |bytes: Vec<u8>| charset::decode(&bytes, Some(label), hints);
        let joined = read(bytes_of(&group, true));
        let ragged = group.len() > 1
            && group
                .iter()
                .any(|w| w.base64 && !significant(w.content).is_multiple_of(4));
        if !ragged {
            out.push_str(&joined.text);
            continue;
        }
        // Base64 cut at any character belongs together; words that merely lack their padding don't. The better reading tells.
        let apart = read(bytes_of(&group, false));
        let losses = |t: &str| {
            t.chars()
                .filter(|c| *c == char::REPLACEMENT_CHARACTER || c.is_control())
                .count()
        };
        let better =
            (joined.doubtful, losses(&joined.text)) <= (apart.doubtful, losses(&apart.text));
        out.push_str(if better { &joined.text } else { &apart.text });
    }
}

/// Characters of a base64 text, padding counted.
fn significant(content: &str) -> usize {
    content.chars().filter(|c| !c.is_whitespace()).count()
}

/// The bytes of words of one charset. `across`: base64 may go on in the next word.
fn bytes_of(group: &[Word<'_>], across: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut coded = String::new();
    // Counted as it grows: counting the whole anew for each word would cost the square of the field.
    let mut count = 0;
    for word in group {
        if word.base64 {
            coded.push_str(word.content);
            count += significant(word.content);
        }
        if !word.base64 || !across || coded.ends_with('=') || count % 4 == 0 {
            bytes.extend(transfer::base64(coded.as_bytes()));
            coded.clear();
            count = 0;
        }
        if !word.base64 {
            let plain: Vec<u8> = word
                .content
                .bytes()
                .map(|b| if b == b'_' { b' ' } else { b })
                .collect();
            transfer::escapes(&plain, b'=', &mut bytes);
        }
    }
    bytes.extend(transfer::base64(coded.as_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> String {
        text(value.as_bytes(), Hints::default())
    }

    #[test]
    fn a_character_cut_between_two_words_is_whole_again() {
        assert_eq!(
            read("=?UTF-8?B?5aSJ5pu055Q=?= =?UTF-8?B?s+iriw==?="),
            "変更申請"
        );
        assert_eq!(
            read("=?utf-8?Q?=E5=A4=89=E6?=\r\n =?utf-8?Q?=9B=B4?="),
            "変更"
        );
        assert_eq!(read("=?utf-8?B?5aSJ5?= =?utf-8?B?pu0?="), "変更");
        assert_eq!(
            read("=?utf-8?B?57WM5Za25Y?= =?utf-8?B?qb5ZCR5LiK6K?= =?utf-8?B?iI55S7?="),
            "経営力向上計画"
        );
        assert_eq!(read("=?utf-8?B?YWI?= =?utf-8?B?Y2Rl?="), "abcde");
    }

    #[test]
    fn a_shift_state_that_goes_on_in_the_next_word_is_kept() {
        assert_eq!(
            read("=?ISO-2022-JP?B?GyRCNGs=?= =?ISO-2022-JP?B?NkgbKEI=?="),
            "企業"
        );
        assert_eq!(
            read("=?ISO-2022-JP?B?GyRCNGsbKEI=?=\r\n\t=?ISO-2022-JP?B?GyRCNkgbKEI=?="),
            "企業"
        );
    }

    #[test]
    fn blanks_between_words_go_and_blanks_beside_text_stay() {
        assert_eq!(read("Re: =?utf-8?Q?a?= =?utf-8?Q?b?= c"), "Re: ab c");
        assert_eq!(read("=?utf-8?Q?a_b?="), "a b");
        assert_eq!(read("=?x-unknown?Q?plain?="), "plain");
    }

    #[test]
    fn what_only_looks_like_a_word_stays_as_it_is() {
        for text in [
            "=?",
            "=?utf-8?",
            "=?utf-8?X?abc?=",
            "a =?b c?Q?d?=",
            "1 =? 2",
        ] {
            assert_eq!(read(text), text);
        }
        assert_eq!(read("=?utf-8?Q?open =?utf-8?Q?b?="), "=?utf-8?Q?open b");
    }

    #[test]
    fn raw_bytes_in_a_header_are_decoded() {
        assert_eq!(text(b" \x1b$B4k6H\x1b(B", Hints::default()), "企業");
        assert_eq!(
            text("変更\r\n 申請".as_bytes(), Hints::default()),
            "変更 申請"
        );
    }
}
