//! Rich text as Outlook sends it inside `winmail.dat`: compressed (MS-OXRTFCP), often with the HTML it was made from (MS-OXRTFEX).

use crate::charset::{self, Hints};
use crate::tnef::label_of;

/// More text than this is not expanded.
const LONGEST: usize = 8 << 20;
/// Deeper groups are read like the last one that counts.
const DEEPEST: usize = 200;

/// What the window of the decompressor holds at first (MS-OXRTFCP §2.1.2.1).
const WINDOW: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// Undoes the compression; `None` when it is none.
pub(crate) fn expand(bytes: &[u8]) -> Option<Vec<u8>> {
    let (head, data) = bytes.split_at_checked(16)?;
    match head.get(8..12)? {
        b"MELA" => return Some(data.get(..data.len().min(LONGEST))?.to_vec()),
        b"LZFu" => {}
        _ => return None,
    }
    // The beginning is found at the places of the window it would have had.
    let mut window = [0u8; 4096];
    let mut at = 0usize;
    let put = |byte: u8, at: &mut usize, window: &mut [u8; 4096]| {
        if let Some(slot) = window.get_mut(*at % 4096) {
            *slot = byte;
        }
        *at += 1;
    };
    for byte in WINDOW {
        put(*byte, &mut at, &mut window);
    }
    let mut out = Vec::new();
    let mut input = data.iter().copied();
    while let Some(control) = input.next() {
        for bit in 0..8 {
            if out.len() >= LONGEST {
                return Some(out);
            }
            if control >> bit & 1 == 0 {
                let Some(byte) = input.next() else {
                    return Some(out);
                };
                put(byte, &mut at, &mut window);
                out.push(byte);
                continue;
            }
            let (Some(high), Some(low)) = (input.next(), input.next()) else {
                return Some(out);
            };
            let from = usize::from(high) << 4 | usize::from(low >> 4);
            if from == at % 4096 {
                return Some(out);
            }
            for step in 0..usize::from(low & 15) + 2 {
                let byte = window.get((from + step) % 4096).copied().unwrap_or(b' ');
                put(byte, &mut at, &mut window);
                out.push(byte);
            }
        }
    }
    Some(out)
}

/// The body in the form it was written in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Text(String),
    Html(String),
}

/// How the content of a group is taken.
#[derive(Clone, Copy)]
struct Group {
    /// Not text: tables of fonts, pictures …
    hidden: bool,
    /// A piece of the HTML the text was made from.
    markup: bool,
    /// Only for readers of rich text.
    rich_only: bool,
    /// Characters after `\u` that stand for it elsewhere.
    stand_in: u32,
}

struct Reader {
    html: bool,
    code_page: u32,
    out: String,
    /// Eight-bit bytes that wait for the rest of their character.
    held: Vec<u8>,
    skip: u32,
    group: Group,
    groups: Vec<Group>,
    lost_groups: usize,
}

/// Reads rich text.
pub(crate) fn read(bytes: &[u8]) -> Body {
    let html = bytes
        .get(..1000)
        .unwrap_or(bytes)
        .windows(9)
        .any(|w| w == b"\\fromhtml");
    let mut reader = Reader {
        html,
        code_page: 1252,
        out: String::new(),
        held: Vec::new(),
        skip: 0,
        group: Group {
            hidden: false,
            markup: false,
            rich_only: false,
            stand_in: 1,
        },
        groups: Vec::new(),
        lost_groups: 0,
    };
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'{' => reader.open(),
            b'}' => reader.close(),
            b'\r' | b'\n' => {}
            b'\\' => rest = reader.control(tail),
            byte => reader.byte(*byte),
        }
    }
    reader.flush();
    let out = reader.out;
    if html {
        Body::Html(out)
    } else {
        Body::Text(out.trim().to_owned())
    }
}

impl Reader {
    fn open(&mut self) {
        self.flush();
        if self.groups.len() < DEEPEST {
            self.groups.push(self.group);
        } else {
            self.lost_groups += 1;
        }
    }

    fn close(&mut self) {
        self.flush();
        self.skip = 0;
        if self.lost_groups > 0 {
            self.lost_groups -= 1;
        } else if let Some(group) = self.groups.pop() {
            self.group = group;
        }
    }

    fn shown(&self) -> bool {
        let group = self.group;
        // Inside HTML, what is only for readers of rich text is a double.
        let double = self.html && group.rich_only && !group.markup;
        !(group.hidden || double)
    }

    fn byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.shown() {
            self.held.push(byte);
        }
    }

    fn text(&mut self, text: &str) {
        self.flush();
        if self.shown() {
            self.out.push_str(text);
        }
    }

    fn flush(&mut self) {
        if !self.held.is_empty() {
            let label = label_of(self.code_page);
            let text = charset::decode(&self.held, Some(&label), Hints::default()).text;
            self.out.push_str(&text);
            self.held.clear();
        }
    }

    /// A control word or sign; returns what follows it.
    fn control<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let Some((first, after)) = rest.split_first() else {
            return rest;
        };
        if !first.is_ascii_alphabetic() {
            match first {
                b'\'' => {
                    let mut byte = Vec::new();
                    let escape = [b"=", after.get(..2).unwrap_or_default()].concat();
                    crate::transfer::escapes(&escape, b'=', &mut byte);
                    if let [byte] = byte.as_slice() {
                        self.byte(*byte);
                        return after.get(2..).unwrap_or_default();
                    }
                }
                b'*' => self.group.hidden = true,
                b'~' => self.text(" "),
                b'_' => self.text("-"),
                b'\\' | b'{' | b'}' => self.byte(*first),
                b'\r' | b'\n' => self.text("\n"),
                _ => {}
            }
            return after;
        }
        let length = rest.iter().take(32).take_while(|b| b.is_ascii_alphabetic());
        let (word, rest) = rest.split_at_checked(length.count()).unwrap_or((rest, &[]));
        let length = rest.iter().take(12).enumerate();
        let length = length.take_while(|(at, b)| b.is_ascii_digit() || (*at == 0 && **b == b'-'));
        let (number, rest) = rest.split_at_checked(length.count()).unwrap_or((rest, &[]));
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let number: Option<i64> = std::str::from_utf8(number)
            .ok()
            .and_then(|n| n.parse().ok());
        self.word(word, number);
        rest
    }

    fn word(&mut self, word: &[u8], number: Option<i64>) {
        match word {
            b"par" | b"line" | b"row" | b"sect" | b"page" if !self.html || self.group.markup => {
                self.text("\n")
            }
            b"tab" | b"cell" if !self.html || self.group.markup => self.text("\t"),
            b"emdash" => self.text("—"),
            b"endash" => self.text("–"),
            b"bullet" => self.text("•"),
            b"lquote" => self.text("‘"),
            b"rquote" => self.text("’"),
            b"ldblquote" => self.text("“"),
            b"rdblquote" => self.text("”"),
            b"u" => {
                let unit = number.unwrap_or(0).rem_euclid(0x1_0000);
                let units = u16::try_from(unit).unwrap_or(0xfffd);
                if self.skip == 0 && self.shown() {
                    self.flush();
                    self.unit(units);
                }
                self.skip = self.group.stand_in;
            }
            b"uc" => self.group.stand_in = number.and_then(|n| u32::try_from(n).ok()).unwrap_or(1),
            b"ansicpg" => {
                self.code_page = number.and_then(|n| u32::try_from(n).ok()).unwrap_or(1252)
            }
            b"htmltag" => {
                self.group.hidden = false;
                self.group.markup = true;
            }
            b"htmlrtf" => {
                self.flush();
                self.group.rich_only = number != Some(0);
            }
            b"fonttbl" | b"colortbl" | b"stylesheet" | b"info" | b"pict" | b"object"
            | b"header" | b"footer" | b"themedata" | b"listtable" | b"generator" => {
                self.group.hidden = true
            }
            _ => {}
        }
    }

    /// One unit of UTF-16; halves of a pair come one after the other.
    fn unit(&mut self, unit: u16) {
        // A first half waits in the private use area, where no text of a mail is.
        const WAITING: u32 = 0xf_0000;
        if (0xd800..0xdc00).contains(&unit) {
            self.out
                .extend(char::from_u32(WAITING + u32::from(unit - 0xd800)));
            return;
        }
        let before = self.out.chars().next_back().map(u32::from);
        let waiting = before
            .and_then(|b| b.checked_sub(WAITING))
            .filter(|w| *w < 0x400);
        match (waiting.and_then(|w| u16::try_from(w).ok()), unit) {
            (Some(first), 0xdc00..=0xdfff) => {
                self.out.pop();
                let pair = char::decode_utf16([first + 0xd800, unit]);
                self.out
                    .extend(pair.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
            }
            _ => self
                .out
                .push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_rich_text_becomes_lines() {
        let rtf = b"{\\rtf1\\ansi\\ansicpg932{\\fonttbl{\\f0 Arial;}}\\pard\\'8a\\'e9\\'8b\\'c6\\par {\\b next} \\u22805?\\u-10179 ?\\u-8704 ?\\{x\\}}";
        assert_eq!(
            read(rtf),
            Body::Text("企業\nnext 夕\u{1f600}{x}".to_owned())
        );
    }

    #[test]
    fn the_html_a_text_was_made_from_is_found() {
        let rtf = b"{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 {\\*\\htmltag64 <p>}\\htmlrtf {\\htmlrtf0 Hello\\htmlrtf }\\htmlrtf0 {\\*\\htmltag72 </p>}}";
        assert_eq!(read(rtf), Body::Html("<p>Hello</p>".to_owned()));
    }

    #[test]
    fn the_example_of_the_specification_expands() {
        // MS-OXRTFCP §3.1.
        let bytes = [
            0x2d, 0, 0, 0, 0x2b, 0, 0, 0, b'L', b'Z', b'F', b'u', 0xf1, 0xc5, 0xc7, 0xa7, 0x03,
            0x00, 0x0a, 0x00, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3,
            0x20, 0x68, 0x65, 0x6c, 0x09, 0x00, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d,
            0x0a, 0x80, 0x0f, 0xa0,
        ];
        assert_eq!(
            expand(&bytes).unwrap(),
            b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
        );
        assert_eq!(expand(b"short"), None);
    }
}
