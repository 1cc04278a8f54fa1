//! `winmail.dat`: what Outlook wraps a message in for other Outlooks (MS-OXTNEF). The text and the attachments are taken out.

use crate::charset::{self, Hints};
use crate::rtf;

/// What was inside.
#[derive(Debug, Default)]
pub(crate) struct Wrapped<'a> {
    /// The body as plain text, when there is one.
    pub(crate) plain: Option<String>,
    /// The body as HTML, when there is one.
    pub(crate) html: Option<String>,
    /// Name, media type where it is said, and content of every file.
    pub(crate) files: Vec<File<'a>>,
}

/// A file inside.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct File<'a> {
    pub(crate) name: Option<String>,
    pub(crate) media_type: Option<String>,
    pub(crate) content: &'a [u8],
}

/// More files than this are not listed.
const MOST_FILES: usize = 1000;
/// More properties in one list than this are not read.
const MOST_PROPERTIES: u32 = 10_000;
const SIGNATURE: [u8; 4] = [0x78, 0x9f, 0x3e, 0x22];

// Attributes (MS-OXTNEF §2.1.3.3).
const OEM_CODE_PAGE: u32 = 0x0006_9007;
const BODY: u32 = 0x0002_800c;
const MESSAGE_PROPERTIES: u32 = 0x0006_9003;
const FILE_BEGINS: u32 = 0x0006_9002;
const FILE_TITLE: u32 = 0x0001_8010;
const FILE_DATA: u32 = 0x0006_800f;
const FILE_PROPERTIES: u32 = 0x0006_9005;

/// Bytes that are read from the front; a read past the end gives nothing.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }
    fn number(&mut self, length: usize) -> Option<u32> {
        let bytes = self.take(length)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |all, b| all << 8 | u32::from(*b)),
        )
    }
    /// Bytes with their length before them, filled up to a multiple of four.
    fn counted(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number(4)?).ok()?;
        let value = self.take(length)?;
        self.take((4 - length % 4) % 4);
        Some(value)
    }
}

/// Takes it apart; `None` when the bytes are no TNEF. What is broken ends the reading, what came before stays.
pub(crate) fn read(bytes: &[u8]) -> Option<Wrapped<'_>> {
    let mut reader = Reader(bytes.strip_prefix(&SIGNATURE)?);
    reader.number(2)?;
    let mut found = Wrapped::default();
    let mut code_page = 1252;
    while let Some((id, data)) = attribute(&mut reader) {
        match id {
            OEM_CODE_PAGE => code_page = Reader(data).number(4).unwrap_or(code_page),
            BODY => found.plain = Some(eight_bit(data, code_page)).filter(|t| !t.is_empty()),
            MESSAGE_PROPERTIES => properties(data, code_page, &mut |id, value| match (id, value) {
                (0x1000, Value::Text(text)) => found.plain = Some(text),
                (0x1013, Value::Text(text)) => found.html = Some(text),
                (0x1013, Value::Bytes(bytes)) => {
                    let label = crate::markup::declared_charset(bytes);
                    let label = label.unwrap_or_else(|| label_of(code_page));
                    let text = charset::decode(bytes, Some(&label), Hints::default()).text;
                    found.html = Some(text);
                }
                (0x1009, Value::Bytes(bytes)) => {
                    let body = rtf::expand(bytes).map(|rtf| rtf::read(&rtf));
                    match body {
                        Some(rtf::Body::Html(html)) => {
                            found.html.get_or_insert(html);
                        }
                        Some(rtf::Body::Text(text)) => {
                            found.plain.get_or_insert(text);
                        }
                        None => {}
                    }
                }
                _ => {}
            }),
            FILE_BEGINS if found.files.len() < MOST_FILES => found.files.push(File::default()),
            _ => {
                if let Some(file) = found.files.last_mut() {
                    file.attribute(id, data, code_page);
                }
            }
        }
    }
    Some(found)
}

impl<'a> File<'a> {
    fn attribute(&mut self, id: u32, data: &'a [u8], code_page: u32) {
        match id {
            FILE_TITLE if self.name.is_none() => {
                self.name = Some(eight_bit(data, code_page)).filter(|n| !n.is_empty())
            }
            FILE_DATA => self.content = data,
            FILE_PROPERTIES => properties(data, code_page, &mut |id, value| match (id, value) {
                // The long name is better than the short one of the title.
                (0x3707, Value::Text(name)) if !name.is_empty() => self.name = Some(name),
                (0x3001 | 0x3704, Value::Text(name)) if self.name.is_none() => {
                    self.name = Some(name).filter(|n| !n.is_empty())
                }
                (0x370e, Value::Text(kind)) => {
                    self.media_type = Some(kind.trim().to_ascii_lowercase())
                        .filter(|k| k.contains('/') && k.len() < 100)
                }
                (0x3701, Value::Bytes(data)) if self.content.is_empty() => self.content = data,
                _ => {}
            }),
            _ => {}
        }
    }
}

/// The next attribute: its id and data.
fn attribute<'a>(reader: &mut Reader<'a>) -> Option<(u32, &'a [u8])> {
    reader.number(1)?;
    let id = reader.number(4)?;
    let length = usize::try_from(reader.number(4)?).ok()?;
    let data = reader.take(length)?;
    reader.number(2);
    Some((id, data))
}

enum Value<'a> {
    Text(String),
    Bytes(&'a [u8]),
}

/// Calls `found` for every property that holds text or bytes (MS-OXTNEF §2.1.3.4).
fn properties<'a>(data: &'a [u8], code_page: u32, found: &mut dyn FnMut(u16, Value<'a>)) {
    let mut reader = Reader(data);
    let count = reader.number(4).unwrap_or(0).min(MOST_PROPERTIES);
    for _ in 0..count {
        if property(&mut reader, code_page, found).is_none() {
            return;
        }
    }
}

fn property<'a>(
    reader: &mut Reader<'a>,
    code_page: u32,
    found: &mut dyn FnMut(u16, Value<'a>),
) -> Option<()> {
    let kind = reader.number(2)?;
    let id = u16::try_from(reader.number(2)?).ok()?;
    if id >= 0x8000 {
        // A named property: its set, then a number or a name.
        reader.take(16)?;
        if reader.number(4)? == 0 {
            reader.number(4)?;
        } else {
            reader.counted()?;
        }
    }
    let several = kind & 0x1000 != 0;
    let kind = kind & 0x0fff;
    let fixed = match kind {
        0x0001 => Some(0),
        0x0002 | 0x0003 | 0x0004 | 0x000a | 0x000b => Some(4),
        0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => Some(8),
        0x0048 => Some(16),
        0x000d | 0x001e | 0x001f | 0x0102 => None,
        _ => return None,
    };
    let values = if several || fixed.is_none() {
        reader.number(4)?
    } else {
        1
    };
    for _ in 0..values.min(MOST_PROPERTIES) {
        if let Some(length) = fixed {
            reader.take(length)?;
            continue;
        }
        let value = reader.counted()?;
        match kind {
            0x001e => found(id, Value::Text(eight_bit(value, code_page))),
            0x001f => found(id, Value::Text(sixteen_bit(value))),
            // An object begins with the name of its interface.
            0x000d => found(id, Value::Bytes(value.get(16..).unwrap_or_default())),
            _ => found(id, Value::Bytes(value)),
        }
    }
    Some(())
}

fn sixteen_bit(bytes: &[u8]) -> String {
    let text = encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0;
    text.trim_end_matches('\0').to_owned()
}

fn eight_bit(bytes: &[u8], code_page: u32) -> String {
    let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    let bytes = bytes.get(..end).unwrap_or_default();
    charset::decode(bytes, Some(&label_of(code_page)), Hints::default()).text
}

/// The charset of a Windows code page.
pub(crate) fn label_of(code_page: u32) -> String {
    match code_page {
        65001 => "utf-8".to_owned(),
        50220..=50222 => "iso-2022-jp".to_owned(),
        51932 => "euc-jp".to_owned(),
        28591..=28606 => format!("iso-8859-{}", code_page - 28590),
        874 | 1250..=1258 => format!("windows-{code_page}"),
        other => format!("cp{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(id: u32, data: &[u8]) -> Vec<u8> {
        let mut out = vec![2];
        out.extend(id.to_le_bytes());
        out.extend((data.len() as u32).to_le_bytes());
        out.extend_from_slice(data);
        out.extend([0, 0]);
        out
    }

    fn text_property(id: u16, text: &str) -> Vec<u8> {
        let bytes: Vec<u8> = text
            .encode_utf16()
            .chain([0])
            .flat_map(u16::to_le_bytes)
            .collect();
        let mut out = [0x1f_u16.to_le_bytes(), id.to_le_bytes()].concat();
        out.extend(1u32.to_le_bytes());
        out.extend((bytes.len() as u32).to_le_bytes());
        out.extend(&bytes);
        out.extend(vec![0; (4 - bytes.len() % 4) % 4]);
        out
    }

    #[test]
    fn body_and_files_are_taken_out() {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([1, 0]);
        bytes.extend(attribute(OEM_CODE_PAGE, &[0xa4, 3, 0, 0, 0, 0, 0, 0]));
        bytes.extend(attribute(BODY, b"\x8a\xe9\x8b\xc6\0"));
        bytes.extend(attribute(FILE_BEGINS, &[0; 14]));
        bytes.extend(attribute(FILE_TITLE, b"KEIKAK~1.PDF\0"));
        bytes.extend(attribute(FILE_DATA, b"%PDF"));
        // One property with two values of eight bytes, then the long name.
        let mut list = 2u32.to_le_bytes().to_vec();
        list.extend([0x40, 0x10, 0x07, 0x30, 2, 0, 0, 0]);
        list.extend([0; 16]);
        list.extend(text_property(0x3707, "計画.pdf"));
        bytes.extend(attribute(FILE_PROPERTIES, &list));
        let read = read(&bytes).unwrap();
        assert_eq!(read.plain.as_deref(), Some("企業"));
        assert_eq!(
            read.files,
            [File {
                name: Some("計画.pdf".into()),
                media_type: None,
                content: b"%PDF"
            }]
        );
    }

    #[test]
    fn what_is_cut_or_something_else_does_no_harm() {
        assert!(read(b"PK").is_none());
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([1, 0]);
        bytes.extend(attribute(MESSAGE_PROPERTIES, &[0xff; 40]));
        bytes.extend(attribute(BODY, b"text"));
        for end in 6..bytes.len() {
            assert!(read(bytes.get(..end).unwrap()).is_some());
        }
        assert_eq!(read(&bytes).unwrap().plain.as_deref(), Some("text"));
    }
}
