//! Messages a test writes and reads, without the code under test.

use std::path::Path;

/// A plain UTF-8 mail.
pub struct Mail<'a> {
    pub from: &'a str,
    pub to: &'a str,
    pub id: &'a str,
    pub subject: &'a str,
    pub body: &'a str,
    /// Further header lines, each ended by a line break.
    pub headers: String,
}

impl<'a> Mail<'a> {
    pub fn new(id: &'a str, subject: &'a str, body: &'a str) -> Self {
        Self {
            from: "applicant@example.com",
            to: "desk@desk.example.jp",
            id,
            subject,
            body,
            headers: String::new(),
        }
    }

    pub fn from(mut self, from: &'a str) -> Self {
        self.from = from;
        self
    }

    pub fn to(mut self, to: &'a str) -> Self {
        self.to = to;
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// Makes it an answer to a message of the desk.
    pub fn answering(self, sent: &Sent) -> Self {
        let references = format!("{} <{}>", sent.header("References"), sent.id());
        let id = format!("<{}>", sent.id());
        self.header("In-Reply-To", &id)
            .header("References", references.trim())
    }

    pub fn bytes(&self) -> Vec<u8> {
        use base64::Engine;
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let body: Vec<String> = encode(self.body)
            .as_bytes()
            .chunks(76)
            .map(|line| String::from_utf8(line.to_vec()).unwrap())
            .collect();
        format!(
            "Return-Path: <{from}>\r\nFrom: {from}\r\nTo: {to}\r\nMessage-ID: <{id}>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0900\r\n\
             Subject: =?UTF-8?B?{subject}?=\r\n{headers}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{body}\r\n",
            from = self.from,
            to = self.to,
            id = self.id,
            subject = encode(self.subject),
            headers = self.headers,
            body = body.join("\r\n"),
        )
        .into_bytes()
    }
}

/// A message the desk sent, read by an independent reader (`mail-parser` by itself, not the desk's code).
pub struct Sent {
    pub raw: Vec<u8>,
}

impl Sent {
    fn parsed(&self) -> mail_parser::Message<'_> {
        mail_parser::MessageParser::default()
            .parse(&self.raw)
            .expect("the desk sends readable mail")
    }

    pub fn id(&self) -> String {
        self.parsed().message_id().unwrap_or_default().to_owned()
    }

    pub fn in_reply_to(&self) -> String {
        self.header("In-Reply-To")
            .trim_matches(['<', '>'])
            .to_owned()
    }

    /// A header as it stands, unfolded; empty when it is missing.
    pub fn header(&self, name: &str) -> String {
        self.parsed()
            .header_raw(name)
            .map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
            .unwrap_or_default()
    }

    pub fn subject(&self) -> String {
        self.parsed().subject().unwrap_or_default().to_owned()
    }

    pub fn to(&self) -> String {
        self.parsed()
            .to()
            .and_then(|to| to.first())
            .and_then(|to| to.address())
            .unwrap_or_default()
            .to_owned()
    }

    pub fn body(&self) -> String {
        self.parsed()
            .body_text(0)
            .map(|text| text.replace("\r\n", "\n"))
            .unwrap_or_default()
    }
}

/// Every complete message in a directory.
pub fn read_dir(dir: &Path) -> Vec<Sent> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.ends_with(".eml") && !name.starts_with('.')
        })
        .filter_map(|entry| std::fs::read(entry.path()).ok())
        .map(|raw| Sent { raw })
        .collect()
}
