//! The mail service of the tests: settings, deliveries from outside, what lies in a mailbox.

use crate::support::{PATIENCE, TestDesk, eventually, get, root};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Command;

pub struct Server {
    env: BTreeMap<String, String>,
    /// Its directory and first port, when it is this test's own: stopped and removed at the end.
    own: Option<(tempfile::TempDir, u16)>,
}

impl Server {
    /// The running service; fails when there is none, because a skipped test proves nothing.
    pub fn running() -> Self {
        let file = std::env::var("MADOGUCHI_MAILSERVER_ENV")
            .expect("MADOGUCHI_MAILSERVER_ENV is not set: run these tests by tests/run, which starts the mail servers");
        Self {
            env: settings(&file),
            own: None,
        }
    }

    /// A service of its own beside the shared one, to be stopped and started at will; not started.
    pub fn own(port_base: u16) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("md-own.")
            .tempdir()
            .unwrap();
        Self {
            env: BTreeMap::new(),
            own: Some((dir, port_base)),
        }
    }

    fn script(&self, name: &str, args: &[&str], tls: &str) {
        let (dir, port_base) = self.own.as_ref().expect("only an own service is touched");
        let output = Command::new(root().join("tests/support/mailserver").join(name))
            .args(args)
            .env("MAILSERVER_DIR", dir.path())
            .env("MAILSERVER_PORT_BASE", port_base.to_string())
            .env("MAILSERVER_TLS", tls)
            .output()
            .expect("the script runs");
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Starts it; `tls` is `valid` or `expired`.
    pub fn start(&mut self, tls: &str) {
        self.script("start", &[], tls);
        let (dir, _) = self.own.as_ref().unwrap();
        self.env = settings(&dir.path().join("env").to_string_lossy());
    }

    /// Stops it; its mail stays.
    pub fn stop(&self) {
        self.script("stop", &[], "valid");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.own.is_some() {
            self.script("stop", &["--purge"], "valid");
        }
    }
}

fn settings(file: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{file}: {e}"));
    text.lines()
        .filter_map(|line| line.trim_start_matches("export ").split_once('='))
        .map(|(key, value)| (key.to_owned(), value.trim_matches(['"', '\'']).to_owned()))
        .collect()
}

impl Server {
    pub fn get(&self, key: &str) -> &str {
        self.env
            .get(key)
            .unwrap_or_else(|| panic!("{key} is not in the settings of the mail service"))
    }

    /// Configuration of a channel for one mailbox of the desk.
    pub fn channel(&self, user: &str, more: &str) -> String {
        format!(
            "[trust]\ndns = \"off\"\n\n[[channel]]\nname = \"mail\"\nkind = \"email\"\naddress = \"{user}\"\n{more}\n\
             [channel.imap]\nhost = \"127.0.0.1\"\nport = {imaps}\nuser = \"{user}\"\npassword_env = \"DESK_PASSWORD\"\nca_file = \"{ca}\"\npoll_seconds = 2\n\
             [channel.smtp]\nhost = \"127.0.0.1\"\nport = {submission}\ntls = \"starttls\"\nuser = \"{user}\"\npassword_env = \"DESK_PASSWORD\"\nca_file = \"{ca}\"\n",
            imaps = self.get("MAILSERVER_IMAPS_PORT"),
            submission = self.get("MAILSERVER_SUBMISSION_PORT"),
            ca = self.get("MAILSERVER_CA"),
        )
    }

    /// A desk that reads `user`'s mailbox, emptied before; not started.
    pub fn desk(&self, user: &str, more: &str) -> TestDesk {
        self.empty(user);
        let mut desk = TestDesk::new(&format!("{more}\n{}", self.channel(user, "")));
        desk.env.push((
            "DESK_PASSWORD".to_owned(),
            self.get("MAILSERVER_PASSWORD").to_owned(),
        ));
        desk
    }

    /// Makes the service refuse a recipient for the time being, as greylisting does (RFC 6647), or take it again.
    pub fn greylist(&self, address: &str, refuse: bool) {
        let dir = std::path::Path::new(self.get("MAILSERVER_DIR")).join("postfix");
        let file = dir.join("recipients");
        let line = format!("{address} 450 4.2.0 Greylisted, see you later\n");
        let mut text = std::fs::read_to_string(&file).unwrap().replace(&line, "");
        if refuse {
            text.push_str(&line);
        }
        std::fs::write(&file, text).unwrap();
        let status = Command::new("postfix")
            .arg("-c")
            .arg(&dir)
            .arg("reload")
            .output()
            .unwrap();
        assert!(
            status.status.success(),
            "{}",
            String::from_utf8_lossy(&status.stderr)
        );
    }

    pub fn doveadm(&self, args: &[&str]) -> String {
        let conf = format!("{}/dovecot/dovecot.conf", self.get("MAILSERVER_DIR"));
        let output = Command::new("doveadm")
            .arg("-c")
            .arg(conf)
            .args(args)
            .output()
            .expect("doveadm runs");
        assert!(
            output.status.success(),
            "doveadm {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Cuts the connections of a user, where there are any at the moment.
    pub fn kick(&self, user: &str) {
        let conf = format!("{}/dovecot/dovecot.conf", self.get("MAILSERVER_DIR"));
        Command::new("doveadm")
            .args(["-c", &conf, "kick", user])
            .output()
            .expect("doveadm runs");
    }

    pub fn empty(&self, user: &str) {
        self.doveadm(&["expunge", "-u", user, "mailbox", "*", "all"]);
    }

    /// In-Reply-To (without brackets) and the whole text of every message in an INBOX.
    pub fn mailbox(&self, user: &str) -> Vec<crate::support::mail::Sent> {
        let text = self.doveadm(&[
            "-f", "json", "fetch", "-u", user, "text", "mailbox", "INBOX", "all",
        ]);
        let list: serde_json::Value =
            serde_json::from_str(&text).unwrap_or(serde_json::Value::Array(Vec::new()));
        list.as_array()
            .into_iter()
            .flatten()
            .map(|item| crate::support::mail::Sent {
                raw: item["text"].as_str().unwrap().as_bytes().to_vec(),
            })
            .collect()
    }

    /// In-Reply-To of every message in an INBOX, without brackets; cheaper than whole messages.
    pub fn replies(&self, user: &str) -> Vec<String> {
        self.doveadm(&[
            "-f",
            "flow",
            "fetch",
            "-u",
            user,
            "hdr.in-reply-to",
            "mailbox",
            "INBOX",
            "all",
        ])
        .lines()
        .filter_map(|line| line.split_once('<'))
        .filter_map(|(_, id)| id.split_once('>'))
        .map(|(id, _)| id.to_owned())
        .collect()
    }

    /// Delivers from outside, as another mail server would, over one connection.
    pub fn deliver<'a>(&self, mails: impl Iterator<Item = (&'a str, &'a str, &'a [u8])>) {
        let port: u16 = self.get("MAILSERVER_SMTP_PORT").parse().unwrap();
        let mut wire = Wire::connect(port);
        wire.say("EHLO sender.example.net", "250");
        for (from, to, bytes) in mails {
            wire.say(&format!("MAIL FROM:<{from}>"), "250");
            wire.say(&format!("RCPT TO:<{to}>"), "250");
            wire.say("DATA", "354");
            let text = String::from_utf8(bytes.to_vec())
                .unwrap()
                .replace("\r\n.", "\r\n..");
            wire.say(&format!("{}\r\n.", text.trim_end()), "250");
        }
        wire.say("QUIT", "221");
    }
}

struct Wire {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Wire {
    fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the SMTP server listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        let mut wire = Self { stream, reader };
        wire.expect("220");
        wire
    }

    fn say(&mut self, line: &str, code: &str) {
        self.stream
            .write_all(format!("{line}\r\n").as_bytes())
            .unwrap();
        self.expect(code);
    }

    fn expect(&mut self, code: &str) {
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).unwrap();
            assert!(
                line.starts_with(code),
                "the server said {line:?} instead of {code}"
            );
            if line.as_bytes().get(3) != Some(&b'-') {
                return;
            }
        }
    }
}

/// Waits until every channel of the desk works.
pub fn ready(desk: &TestDesk) {
    eventually("ready", || {
        (get(desk.port, "/readyz")?.0 == 200).then_some(())
    });
}
