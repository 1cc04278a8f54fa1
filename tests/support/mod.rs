//! A whole desk for a test: the real binary, its own directory, its own port. Comes in by the front door, leaves a tidy house.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

pub mod mail;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// How long a test waits for something that must happen; generous, so that a slow machine fails nothing.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_madoguchi");

/// Calls `look` until it gives something; panics with `what` when patience ends.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The same for work that takes its time: `look` gives how far it has come, and patience begins anew with every step.
pub fn eventually_step_by_step<T, P: PartialEq + std::fmt::Debug>(
    what: &str,
    mut look: impl FnMut() -> Result<T, P>,
) -> T {
    let mut begun = Instant::now();
    let mut last = None;
    loop {
        match look() {
            Ok(found) => return found,
            Err(step) => {
                if last.as_ref() != Some(&step) {
                    begun = Instant::now();
                    last = Some(step);
                }
            }
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "never happened: {what}; it stands at {last:?}"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A port nobody uses at the moment. Below those the system gives to outgoing connections and to listeners without a wish: another
/// program's connection could take one of them before the desk does.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 89).unwrap_or_default() * 100;
    loop {
        let port = 10_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 8_900;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// One desk in a directory of its own.
pub struct TestDesk {
    /// Everything it writes.
    pub dir: tempfile::TempDir,
    /// Where its web part listens.
    pub port: u16,
    child: Option<Child>,
    /// Extra environment of every process.
    pub env: Vec<(String, String)>,
}

impl TestDesk {
    /// A desk with the embedded defaults and a maildir spool; `more` is appended to its configuration.
    pub fn new(more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let desk = Self {
            dir,
            port,
            child: None,
            env: Vec::new(),
        };
        desk.configure(&format!(
            "data_dir = {:?}\n\n[web]\nlisten = \"127.0.0.1:{port}\"\n\n{more}",
            desk.data()
        ));
        desk
    }

    /// Replaces the configuration.
    pub fn configure(&self, toml: &str) {
        std::fs::write(self.config_file(), toml).unwrap();
    }

    pub fn config_file(&self) -> PathBuf {
        self.dir.path().join("madoguchi.toml")
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn inbox(&self) -> PathBuf {
        self.data().join("mail/inbox")
    }

    pub fn sent(&self) -> PathBuf {
        self.data().join("mail/sent")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(args)
            .arg("--config")
            .arg(self.config_file())
            .current_dir(self.dir.path())
            .envs(self.env.iter().cloned());
        command
    }

    /// Starts `serve` and waits until it is alive.
    pub fn start(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file())
            .unwrap();
        let child = self
            .command(&["serve"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        eventually("the desk answers /healthz", || {
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait().unwrap()
            {
                panic!("the desk ended with {status}:\n{}", self.log());
            }
            (get(self.port, "/healthz")?.0 == 200).then_some(())
        });
    }

    pub fn log_file(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// What it wrote to standard error so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("started").id()
    }

    /// SIGKILL, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// SIGTERM; waits for the end and returns whether it ended well.
    pub fn stop(&mut self) -> bool {
        let Some(mut child) = self.child.take() else {
            return true;
        };
        let ok = Command::new("kill")
            .arg(child.id().to_string())
            .status()
            .unwrap()
            .success();
        assert!(ok, "SIGTERM could not be sent");
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status.success();
            }
            if begun.elapsed() > PATIENCE {
                child.kill().unwrap();
                child.wait().unwrap();
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Runs a command of the same desk.
    pub fn cli(&self, args: &[&str]) -> Output {
        self.command(args).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs a command that must succeed; its standard output.
    pub fn cli_ok(&self, args: &[&str]) -> String {
        let output = self.cli(args);
        assert!(
            output.status.success(),
            "`madoguchi {}` failed: {}{}",
            args.join(" "),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command with `--json`; one value a line.
    pub fn json(&self, args: &[&str]) -> Vec<serde_json::Value> {
        let mut all = args.to_vec();
        all.push("--json");
        self.cli_ok(&all)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Drops a message into the spool, complete at once.
    pub fn drop_mail(&self, name: &str, bytes: &[u8]) {
        std::fs::create_dir_all(self.inbox()).unwrap();
        let part = self.inbox().join(format!(".{name}.tmp"));
        std::fs::write(&part, bytes).unwrap();
        std::fs::rename(part, self.inbox().join(name)).unwrap();
    }

    /// Every message sent so far.
    pub fn sent_mail(&self) -> Vec<mail::Sent> {
        mail::read_dir(&self.sent())
    }

    /// Waits for the one message sent in reply to `message_id`.
    pub fn reply_to(&self, message_id: &str) -> mail::Sent {
        eventually(&format!("a reply to {message_id}"), || {
            self.sent_mail()
                .into_iter()
                .find(|sent| sent.in_reply_to() == message_id)
        })
    }

    /// Waits until nothing waits for a decision or for delivery.
    pub fn settle(&self) {
        eventually("inbox and outbox are empty", || {
            let ledger = self.json(&["ledger", "--summary"]);
            let waiting = self.json(&["outbox", "list", "--state", "waiting"]).len()
                + self.json(&["outbox", "list", "--state", "sending"]).len();
            (ledger.last()?["waiting"] == 0 && waiting == 0).then_some(())
        });
    }

    /// The ledger's sums; asserts that it balances.
    pub fn balanced_ledger(&self) -> serde_json::Value {
        let sums = self.json(&["ledger", "--summary"]).pop().unwrap();
        assert_eq!(sums["balanced"], true, "{sums}");
        sums
    }

    /// The ledger line of one arrival whose server id begins with `prefix`, once it is decided.
    pub fn decided(&self, prefix: &str) -> serde_json::Value {
        eventually(&format!("{prefix} is decided"), || {
            self.json(&["ledger"])
                .into_iter()
                .find(|line| {
                    line["external_id"]
                        .as_str()
                        .is_some_and(|id| id.starts_with(prefix))
                })
                .filter(|line| line["outcome"] != "waiting")
        })
    }
}

impl Drop for TestDesk {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("── the desk's log ──\n{}", self.log());
        }
    }
}

/// GET over plain HTTP on loopback; status and body. `None` while nobody listens.
pub fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let status = text.split_whitespace().nth(1)?.parse().ok()?;
    let body = text.split_once("\r\n\r\n")?.1.to_owned();
    Some((status, body))
}

/// The workspace root, from the run and not from the build: compiled tests may outlive the clone they were built in.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package"))
    });
    &ROOT
}
