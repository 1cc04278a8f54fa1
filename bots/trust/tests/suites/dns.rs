//! A name server of a test: answers from a table, on loopback.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

/// One record.
#[derive(Debug, Clone)]
pub enum Record {
    Txt(Vec<Vec<u8>>),
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Mx(u16, String),
    Ptr(String),
    Cname(String),
    /// The server keeps silent.
    Timeout,
}

/// Names in lower case without the last dot.
pub type Zone = BTreeMap<String, Vec<Record>>;

pub fn txt(text: &str) -> Record {
    Record::Txt(bytes(text).chunks(255).map(<[u8]>::to_vec).collect())
}

/// The suites write bytes as characters of Latin-1.
pub fn bytes(text: &str) -> Vec<u8> {
    if text.chars().all(|c| (c as u32) < 256) {
        text.chars().map(|c| c as u8).collect()
    } else {
        text.as_bytes().to_vec()
    }
}

/// Serves a zone until the process ends.
pub fn serve(zone: Zone) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let zone = Arc::new(zone);
    std::thread::spawn(move || {
        let mut buffer = [0u8; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if let Some(answer) = answer(&buffer[..length], &zone) {
                let _ = socket.send_to(&answer, from);
            }
        }
    });
    address
}

fn answer(query: &[u8], zone: &Zone) -> Option<Vec<u8>> {
    let mut at = 12;
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*query.get(at)?);
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(query.get(at + 1..at + 1 + length)?).into_owned());
        at += 1 + length;
    }
    let question = query.get(12..at + 5)?;
    let kind = u16::from_be_bytes([*query.get(at + 1)?, *query.get(at + 2)?]);
    let mut name = labels.join(".").to_lowercase();
    let mut answers: Vec<(u16, String, Vec<u8>)> = Vec::new();
    let mut exists = false;
    for _ in 0..8 {
        let records = zone.get(&name).cloned().unwrap_or_default();
        exists |= !records.is_empty();
        // Silence is about what is asked for where other records stand beside it.
        if records.iter().any(|r| matches!(r, Record::Timeout))
            && !records.iter().any(|r| r.kind() == kind)
        {
            return None;
        }
        let mut next = None;
        for record in &records {
            if let Record::Cname(target) = record {
                answers.push((5, name.clone(), encode_name(target)));
                next = Some(target.trim_end_matches('.').to_lowercase());
            } else if record.kind() == kind {
                answers.push((kind, name.clone(), record.data()));
            }
        }
        match next {
            Some(target) => name = target,
            None => break,
        }
    }
    let parent = zone
        .keys()
        .any(|known| known.ends_with(&format!(".{name}")));
    let code = if exists || parent { 0 } else { 3 };
    let mut out = query.get(..2)?.to_vec();
    out.extend([0x85, 0x80 | code, 0, 1]);
    out.extend((answers.len() as u16).to_be_bytes());
    out.extend([0, 0, 0, 0]);
    out.extend(question);
    for (kind, name, data) in answers {
        out.extend(encode_name(&name));
        out.extend(kind.to_be_bytes());
        out.extend([0, 1, 0, 0, 0, 60]);
        out.extend((data.len() as u16).to_be_bytes());
        out.extend(data);
    }
    Some(out)
}

impl Record {
    fn kind(&self) -> u16 {
        match self {
            Self::A(_) => 1,
            Self::Cname(_) => 5,
            Self::Ptr(_) => 12,
            Self::Mx(..) => 15,
            Self::Txt(_) => 16,
            Self::Aaaa(_) => 28,
            Self::Timeout => 0,
        }
    }

    fn data(&self) -> Vec<u8> {
        match self {
            Self::A(ip) => ip.octets().to_vec(),
            Self::Aaaa(ip) => ip.octets().to_vec(),
            Self::Ptr(name) | Self::Cname(name) => encode_name(name),
            Self::Mx(preference, name) => {
                let mut out = preference.to_be_bytes().to_vec();
                out.extend(encode_name(name));
                out
            }
            Self::Txt(parts) => parts
                .iter()
                .flat_map(|part| {
                    let mut one = vec![part.len() as u8];
                    one.extend(part);
                    one
                })
                .collect(),
            Self::Timeout => Vec::new(),
        }
    }
}

fn encode_name(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name
        .trim_end_matches('.')
        .split('.')
        .filter(|l| !l.is_empty())
    {
        let label = bytes(label);
        out.push(label.len().min(63) as u8);
        out.extend(&label[..label.len().min(63)]);
    }
    out.push(0);
    out
}
