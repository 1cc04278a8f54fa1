//! What goes wrong outside: the mail server is away, its certificate has ended, a mailbox is full, the disk is full. Each time the desk says
//! what is wrong and what to do, is not ready, goes on with the rest, and recovers by itself.

use crate::server::{Server, ready};
use crate::support::mail::Mail;
use crate::support::{TestDesk, eventually, eventually_step_by_step, get};
use std::path::{Path, PathBuf};
use std::process::Command;

const UNKNOWN: &str = "庁舎の前のバス停から駅へ行くバスは、土曜日は何時にありますか。";

/// Waits until the desk is not ready for a reason that holds all of these words.
fn not_ready(desk: &TestDesk, words: &[&str]) {
    let mut last = String::new();
    eventually(&format!("not ready: {words:?}"), || {
        let (status, body) = get(desk.port, "/readyz")?;
        last = format!("{status} {body}");
        (status == 503 && words.iter().all(|word| body.contains(word))).then_some(())
    });
}

#[test]
fn a_server_away_and_an_ended_certificate_hold_mail_up_and_lose_none() {
    let mut server = Server::own(31000);
    server.start("valid");
    let (user, requester) = ("guarantor@desk.example.jp", "agency@example.net");
    let mut desk = server.desk(
        user,
        "[delivery]\nfirst_retry_seconds = 1\nlongest_retry_seconds = 2\nattempts = 1000\n",
    );
    desk.start();
    ready(&desk);
    let send = |server: &Server, id: &str| {
        let mail = Mail::new(id, "バスの時刻", UNKNOWN)
            .from(requester)
            .to(user)
            .bytes();
        server.deliver(std::iter::once((requester, user, mail.as_slice())));
    };
    let receipt = |server: &Server, id: &str| {
        eventually("the receipt", || {
            server
                .replies(requester)
                .contains(&id.to_owned())
                .then_some(())
        });
    };
    send(&server, "before@example.net");
    receipt(&server, "before@example.net");

    server.stop();
    not_ready(&desk, &["no connection", "check host, port and network"]);
    desk.cli_ok(&["ticket", "reply", "1", "10時です。", "--by", "hanako"]);
    eventually("the reply waits with its reason", || {
        let waiting = desk.json(&["outbox", "list", "--state", "waiting"]);
        waiting
            .first()?
            .get("server_said")?
            .as_str()?
            .contains("no connection")
            .then_some(())
    });

    // It comes back with a certificate that has ended: a different fault, told as such.
    server.start("expired");
    not_ready(&desk, &["certificate has expired", "renew"]);
    send(&server, "meanwhile@example.net");
    assert_eq!(
        desk.json(&["outbox", "list", "--state", "waiting"]).len(),
        1,
        "nothing is sent to a server that cannot prove who it is"
    );

    server.start("valid");
    ready(&desk);
    receipt(&server, "meanwhile@example.net");
    eventually("the reply that waited arrives", || {
        server
            .mailbox(requester)
            .iter()
            .any(|m| m.body().contains("10時です"))
            .then_some(())
    });
    let sums = desk.balanced_ledger();
    assert_eq!(sums["stored"], 2, "{sums}");
    desk.stop();
    // The certificate's secret stays out of the log, and so does what people wrote.
    assert!(!desk.log().contains(server.get("MAILSERVER_PASSWORD")));
    assert!(!desk.log().contains("10時"));
}

#[test]
fn a_full_mailbox_is_told_to_staff_in_the_servers_words() {
    let server = Server::running();
    let user = "water-card@desk.example.jp";
    let mut desk = server.desk(user, "");
    desk.start();
    ready(&desk);
    let show = |number: &str| desk.json(&["ticket", "show", number]).remove(0);
    let ticket_of = |from: &str, id: &str| {
        let mail = Mail::new(id, "バスの時刻", UNKNOWN)
            .from(from)
            .to(user)
            .bytes();
        server.deliver(std::iter::once((
            "applicant@example.com",
            user,
            mail.as_slice(),
        )));
        eventually("the ticket", || {
            desk.json(&["ticket", "list", "--all"])
                .iter()
                .filter_map(|t| t["number"].as_str())
                .find(|n| show(n).to_string().contains(from))
                .map(str::to_owned)
        })
    };

    // Refused at the door (552): a dead letter with the server's words, and the ticket lies open before staff.
    let refused = ticket_of("toolarge@example.com", "refused@example.com");
    desk.cli_ok(&["ticket", "reply", &refused, "10時です。", "--by", "hanako"]);
    eventually("the dead letter", || {
        desk.json(&["outbox", "list", "--state", "dead"])
            .iter()
            .any(|d| d["server_said"].as_str().unwrap_or("").contains("552"))
            .then_some(())
    });
    eventually("the ticket tells it", || {
        let shown = show(&refused);
        (shown["ticket"]["state"] == "open" && shown.to_string().contains("552")).then_some(())
    });

    // Taken and sent back later (5.2.2): the bounce finds its ticket and opens it again; nobody is answered.
    let full = ticket_of("full@example.com", "full@example.com");
    let long = "10時です。".repeat(400);
    desk.cli_ok(&["ticket", "reply", &full, &long, "--by", "hanako"]);
    eventually("the bounce is in the ticket", || {
        let shown = show(&full);
        (shown["ticket"]["state"] == "open" && shown.to_string().contains("5.2.2")).then_some(())
    });
    desk.settle();
    assert_eq!(desk.json(&["ticket", "list", "--all"]).len(), 2);
    desk.balanced_ledger();
}

/// A small disk of its own; unmounted at the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, megabytes: u32) -> Self {
        std::fs::create_dir_all(at).unwrap();
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"])
            .arg(at)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "a small tmpfs is needed, which takes root: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Self(at.to_owned())
    }

    /// Writes until nothing fits any more, then gives `spare` bytes back.
    fn fill(&self, spare: u64) -> PathBuf {
        let ballast = self.0.join("ballast");
        let mut size = 0;
        let block = vec![0_u8; 64 * 1024];
        let mut file = std::fs::File::create(&ballast).unwrap();
        while std::io::Write::write_all(&mut file, &block).is_ok() {
            size += block.len() as u64;
        }
        file.set_len(size.saturating_sub(spare)).unwrap();
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a desk that is just ending may still hold a file.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_told_holds_mail_up_at_the_server_and_loses_none() {
    let server = Server::running();
    let (user, requester) = ("procurement@desk.example.jp", "bidder@example.net");
    let mut desk = server.desk(user, "");
    let disk = SmallDisk::mount(&desk.data(), 6);
    desk.start();
    ready(&desk);
    let ballast = disk.fill(0);
    const MAILS: usize = 12;
    let mails: Vec<Vec<u8>> = (0..MAILS)
        .map(|i| {
            let text = format!("{UNKNOWN}\n{}", format!("{i} ").repeat(20_000));
            Mail::new(&format!("disk{i}@example.net"), "バスの時刻", &text)
                .from(requester)
                .to(user)
                .bytes()
        })
        .collect();
    server.deliver(mails.iter().map(|m| (requester, user, m.as_slice())));
    not_ready(&desk, &["disk", "free"]);
    assert!(
        !desk.log().contains("panicked"),
        "a full disk is no reason to fall over"
    );
    std::fs::remove_file(ballast).unwrap();
    ready(&desk);
    eventually_step_by_step("every mail is decided", || {
        let sums = desk.json(&["ledger", "--summary"]).pop();
        let sums = sums.unwrap_or_default();
        let done = sums["stored"] == MAILS && sums["waiting"] == 0;
        if done { Ok(()) } else { Err(sums.to_string()) }
    });
    let sums = desk.balanced_ledger();
    assert_eq!(sums["stored"], MAILS, "{sums}");
    assert!(desk.stop(), "{}", desk.log());
}
