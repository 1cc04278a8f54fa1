//! The mail service, a folder of one's own in it, and a door that remembers.

use async_trait::async_trait;
use jiff::Timestamp;
use madoguchi_channel::{
    Automatic, Cursor, Door, DoorError, Health, OutboundMessage, Party, RawInbound, Stored,
};
use madoguchi_email::{
    EmailChannel, EmailConfig, FirstConnection, ImapConfig, Secret, Security, SmtpConfig,
};
use std::collections::BTreeMap;
use std::fs::File;
use std::future::Future;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// Most tests share the service; one that stops it is alone. Held until the test ends, across processes.
pub struct Service {
    settings: BTreeMap<String, String>,
    _lock: File,
}

impl Service {
    pub fn shared() -> Self {
        Self::open(File::lock_shared)
    }

    pub fn alone() -> Self {
        Self::open(File::lock)
    }

    fn open(lock: fn(&File) -> std::io::Result<()>) -> Self {
        let path = std::env::var("MADOGUCHI_MAILSERVER_ENV").expect(
            "these tests talk to a real mail service: run them by tests/run, which starts one and sets \
             MADOGUCHI_MAILSERVER_ENV (by hand: tests/support/mailserver/start, then name its env file)",
        );
        let lock_path = PathBuf::from(&path).with_file_name("tests.lock");
        let file = File::create(lock_path).unwrap();
        lock(&file).unwrap();
        let text = std::fs::read_to_string(&path).expect("the env file of the mail service");
        let settings = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        Self {
            settings,
            _lock: file,
        }
    }

    pub fn get(&self, key: &str) -> &str {
        &self.settings[&format!("MAILSERVER_{key}")]
    }

    pub fn port(&self, key: &str) -> u16 {
        self.get(&format!("{key}_PORT")).parse().unwrap()
    }

    pub fn doveadm(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut child = Command::new("doveadm")
            .arg("-c")
            .arg(format!("{}/dovecot/dovecot.conf", self.get("DIR")))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("doveadm");
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "doveadm {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs `start` or `stop` for this very service.
    pub fn control(&self, script: &str, tls: &str) {
        let path =
            PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package"))
                .join("../../tests/support/mailserver")
                .join(script);
        let log = File::create(PathBuf::from(self.get("DIR")).join("control.log")).unwrap();
        let status = Command::new(path)
            .envs(&self.settings)
            .env("MAILSERVER_TLS", tls)
            .stdout(log)
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{script}");
    }

    pub fn config(&self, account: &Account) -> EmailConfig {
        let ca_file = Some(PathBuf::from(self.get("CA")));
        EmailConfig {
            name: "mail".into(),
            imap: ImapConfig {
                host: self.get("TLS_NAME").into(),
                port: Some(self.port("IMAPS")),
                tls: Security::Implicit,
                user: account.user.into(),
                password: Some(Secret::new(self.get("PASSWORD"))),
                password_file: None,
                oauth2: None,
                folders: vec![account.folder.into()],
                ca_file: ca_file.clone(),
                poll_seconds: 3600,
                idle: true,
                first_connection: FirstConnection::Import,
                batch_messages: 50,
                batch_bytes: 8 << 20,
                move_to: None,
                timeout_seconds: 20,
            },
            smtp: SmtpConfig {
                host: self.get("TLS_NAME").into(),
                port: Some(self.port("SUBMISSION")),
                tls: Security::Starttls,
                user: account.user.into(),
                password: Some(Secret::new(self.get("PASSWORD"))),
                password_file: None,
                oauth2: None,
                ca_file,
                timeout_seconds: 20,
                most_per_minute: None,
            },
        }
    }

    /// Delivers over LMTP in one session, straight into INBOX.
    pub fn deliver(&self, user: &str, messages: impl Iterator<Item = String>) {
        let stream = TcpStream::connect((self.get("HOST"), self.port("LMTP"))).unwrap();
        let mut answers = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        let mut say = |text: String, expected: &str| {
            stream.write_all(text.as_bytes()).unwrap();
            let mut line = String::new();
            while !line.starts_with(expected) || line.as_bytes()[3] == b'-' {
                line.clear();
                assert!(answers.read_line(&mut line).unwrap() > 0);
                assert!(line.starts_with(expected), "{line}");
            }
        };
        say(String::new(), "220");
        say("LHLO test.example.org\r\n".into(), "250");
        for message in messages {
            say("MAIL FROM:<applicant@example.com>\r\n".into(), "250");
            say(format!("RCPT TO:<{user}>\r\n"), "250");
            say("DATA\r\n".into(), "354");
            say(format!("{message}\r\n.\r\n"), "250");
        }
    }
}

/// A folder that belongs to one test.
pub struct Account {
    pub user: &'static str,
    pub folder: &'static str,
}

impl Account {
    pub fn fresh(service: &Service, user: &'static str, folder: &'static str) -> Self {
        let account = Self { user, folder };
        if folder == "INBOX" {
            service.doveadm(&["expunge", "-u", user, "mailbox", "INBOX", "all"], b"");
        } else {
            if service
                .doveadm(&["mailbox", "list", "-u", user], b"")
                .lines()
                .any(|name| name == folder)
            {
                account.remove(service);
            }
            account.create(service);
        }
        account
    }

    pub fn create(&self, service: &Service) {
        service.doveadm(&["mailbox", "create", "-u", self.user, self.folder], b"");
    }

    pub fn remove(&self, service: &Service) {
        service.doveadm(
            &["mailbox", "delete", "-u", self.user, "-s", self.folder],
            b"",
        );
    }

    pub fn put(&self, service: &Service, subject: &str) {
        service.doveadm(
            &["save", "-u", self.user, "-m", self.folder],
            mail(subject).as_bytes(),
        );
    }

    pub fn flags(&self, service: &Service) -> String {
        service.doveadm(
            &[
                "fetch",
                "-u",
                self.user,
                "flags",
                "mailbox",
                self.folder,
                "all",
            ],
            b"",
        )
    }
}

pub fn mail(subject: &str) -> String {
    format!(
        "From: applicant@example.com\r\nTo: desk@desk.example.jp\r\nSubject: {subject}\r\n\r\nHello\r\n"
    )
}

pub fn channel(config: EmailConfig) -> EmailChannel {
    EmailChannel::new(config, Arc::new(Timestamp::now)).unwrap()
}

pub fn message(id: &str, to: &str) -> OutboundMessage {
    let party = |address: &str| Party {
        address: address.into(),
        name: None,
    };
    OutboundMessage {
        message_id: id.into(),
        installation: "i1".into(),
        from: party("desk@desk.example.jp"),
        to: party(to),
        reply_to: None,
        subject: "Answer".into(),
        body: "Hello\n".into(),
        lang: "en".into(),
        in_reply_to: None,
        references: vec![],
        automatic: Automatic::Replied,
        written_at: "2026-11-20T00:00:00Z".parse().unwrap(),
        ..OutboundMessage::default()
    }
}

/// Ends a test that would wait for ever.
pub async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(60), work).await {
        Ok(done) => done,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

#[derive(Default)]
struct Inside {
    stored: BTreeMap<String, RawInbound>,
    cursors: BTreeMap<String, String>,
    batches: Vec<usize>,
    known: usize,
    full: bool,
    health: Option<Health>,
}

/// A door over memory, with the contract of the real one.
#[derive(Default)]
pub struct MemoryDoor {
    inside: Mutex<Inside>,
    changed: Notify,
}

impl MemoryDoor {
    pub fn arrivals(&self) -> Vec<RawInbound> {
        self.inside
            .lock()
            .unwrap()
            .stored
            .values()
            .cloned()
            .collect()
    }

    pub fn known(&self) -> usize {
        self.inside.lock().unwrap().known
    }

    pub fn batches(&self) -> Vec<usize> {
        self.inside.lock().unwrap().batches.clone()
    }

    pub fn set_full(&self, full: bool) {
        self.inside.lock().unwrap().full = full;
    }

    pub fn lose(&self, id: &str) {
        self.inside.lock().unwrap().stored.remove(id).unwrap();
    }

    async fn wait(&self, what: &str, reached: impl Fn(&Inside) -> bool) {
        soon(what, async {
            loop {
                let changed = self.changed.notified();
                if reached(&self.inside.lock().unwrap()) {
                    return;
                }
                changed.await;
            }
        })
        .await;
    }

    pub async fn wait_for(&self, count: usize) {
        self.wait("arrivals", |inside| inside.stored.len() >= count)
            .await;
    }

    pub async fn wait_up(&self) {
        self.wait("the channel to work", |inside| {
            inside.health == Some(Health::Up)
        })
        .await;
    }

    pub async fn wait_down(&self, words: &str) {
        self.wait(words, |inside| match &inside.health {
            Some(Health::Down { problem, advice }) => {
                format!("{problem}; {advice}").contains(words)
            }
            _ => false,
        })
        .await;
    }
}

#[async_trait]
impl Door for MemoryDoor {
    async fn store(
        &self,
        _: &str,
        arrivals: Vec<RawInbound>,
        cursor: Option<Cursor>,
    ) -> Result<Stored, DoorError> {
        let mut inside = self.inside.lock().unwrap();
        if inside.full {
            return Err(DoorError("no space left on device".into()));
        }
        let mut done = Stored::default();
        if !arrivals.is_empty() {
            inside.batches.push(arrivals.len());
        }
        for arrival in arrivals {
            let seen = inside.stored.contains_key(&arrival.external_id)
                || (arrival.renumbered
                    && inside
                        .stored
                        .values()
                        .any(|known| known.bytes == arrival.bytes));
            if seen {
                done.known += 1;
            } else {
                done.new += 1;
                inside.stored.insert(arrival.external_id.clone(), arrival);
            }
        }
        inside.known += done.known;
        if let Some(cursor) = cursor {
            inside.cursors.insert(cursor.scope, cursor.value);
        }
        drop(inside);
        self.changed.notify_waiters();
        Ok(done)
    }

    async fn cursor(&self, _: &str, scope: &str) -> Result<Option<String>, DoorError> {
        Ok(self.inside.lock().unwrap().cursors.get(scope).cloned())
    }

    async fn stored_ids(&self, _: &str, prefix: &str) -> Result<Vec<String>, DoorError> {
        let inside = self.inside.lock().unwrap();
        Ok(inside
            .stored
            .keys()
            .filter(|id| id.starts_with(prefix))
            .cloned()
            .collect())
    }

    fn health(&self, _: &str, health: Health) {
        self.inside.lock().unwrap().health = Some(health);
        self.changed.notify_waiters();
    }
}
