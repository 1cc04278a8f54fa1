//! Files that come along: kept by the hash of their content, looked into by a real scanner, refused in a friendly way where they are too large.

use crate::first_mail::UNKNOWN;
use crate::support::{TestDesk, eventually, root};
use base64::Engine;
use serde_json::Value;
use std::process::Command;

/// EICAR's test file, put together here so that no scanner takes this source for it.
fn eicar() -> Vec<u8> {
    [
        r"X5O!P%@AP[4\PZX54(P^)7CC)7}",
        "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!",
        "$H+H*",
    ]
    .concat()
    .into_bytes()
}

fn mail(id: &str, name: &str, kind: &str, content: &[u8]) -> Vec<u8> {
    let coded = base64::engine::general_purpose::STANDARD.encode(content);
    let lines: Vec<&str> = coded
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "Return-Path: <applicant@example.com>\r\nFrom: applicant@example.com\r\nTo: keieiryoku@desk.example.jp\r\nSubject: {id}\r\n\
         Message-ID: <{id}@example.com>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0900\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{UNKNOWN}\r\n--b\r\nContent-Type: {kind}; name=\"{name}\"\r\n\
         Content-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
        lines.join("\r\n")
    )
    .into_bytes()
}

fn decided(desk: &TestDesk, id: &str, bytes: &[u8]) -> Value {
    let name = format!("{id}.eml");
    desk.drop_mail(&name, bytes);
    desk.decided(&name)
}

/// A scanner of this test's own.
struct Clamd(tempfile::TempDir);

impl Clamd {
    fn new() -> Self {
        Self(
            tempfile::Builder::new()
                .prefix("md-clamd.")
                .tempdir()
                .unwrap(),
        )
    }

    fn start(&self) {
        let status = Command::new(root().join("tests/support/clamd/start"))
            .arg(self.0.path())
            .status()
            .unwrap();
        assert!(status.success(), "clamd starts");
    }

    fn settings(&self) -> String {
        format!("[clamav]\nsocket = {:?}\n", self.0.path().join("socket"))
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(self.0.path().join("pid")) {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
    }
}

#[test]
fn a_file_is_kept_once_told_by_its_content_and_taken_out_again() {
    let mut desk = TestDesk::new("");
    desk.start();
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";
    for id in ["one", "two"] {
        decided(&desk, id, &mail(id, "申請書.pdf", "application/pdf", png));
    }
    let shown = desk.cli_ok(&["ticket", "show", "1"]);
    assert!(shown.contains("really image/png"), "{shown}");
    let kept: Vec<_> = walk(&desk.data().join("files"));
    assert_eq!(kept.len(), 1, "one content, one file: {kept:?}");
    let out = desk.dir.path().join("out.png");
    desk.cli_ok(&["ticket", "file", "2", "1", "--out", out.to_str().unwrap()]);
    assert_eq!(std::fs::read(&out).unwrap(), png);
    // The backup is one file with everything in it.
    let copy = desk.dir.path().join("backup");
    desk.cli_ok(&["backup", copy.to_str().unwrap()]);
    desk.stop();
    std::fs::remove_dir_all(desk.data().join("files")).unwrap();
    desk.cli_ok(&["restore", copy.to_str().unwrap(), "--force"]);
    std::fs::remove_file(&out).unwrap();
    desk.cli_ok(&["ticket", "file", "1", "1", "--out", out.to_str().unwrap()]);
    assert_eq!(std::fs::read(out).unwrap(), png);
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(walk(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn a_virus_is_found_by_a_real_scanner_locked_and_not_answered() {
    let clamd = Clamd::new();
    clamd.start();
    let mut desk = TestDesk::new(&clamd.settings());
    desk.start();
    let line = decided(
        &desk,
        "virus",
        &mail("virus", "invoice.txt", "text/plain", &eicar()),
    );
    assert_eq!(
        (&line["outcome"], &line["reason"]),
        (&"ticketed".into(), &"virus".into())
    );
    decided(
        &desk,
        "clean",
        &mail("clean", "note.txt", "text/plain", b"nothing to see"),
    );
    desk.reply_to("clean@example.com");
    desk.settle();
    assert_eq!(
        desk.sent_mail().len(),
        1,
        "the infected mail is not answered by itself"
    );
    let shown = desk.cli_ok(&["ticket", "show", "1"]);
    assert!(
        shown.contains("INFECTED: locked") && shown.contains("Eicar-Test-Signature"),
        "{shown}"
    );
    let out = desk.dir.path().join("out");
    let refused = desk.cli(&["ticket", "file", "1", "1", "--out", out.to_str().unwrap()]);
    assert!(!refused.status.success() && !out.exists());
    desk.cli_ok(&["ticket", "file", "2", "1", "--out", out.to_str().unwrap()]);
    desk.balanced_ledger();
}

#[test]
fn while_the_scanner_is_away_files_are_locked_and_scanned_when_it_is_back() {
    let clamd = Clamd::new();
    let mut desk = TestDesk::new(&clamd.settings());
    desk.start();
    decided(
        &desk,
        "early",
        &mail("early", "note.txt", "text/plain", b"nothing to see"),
    );
    assert!(
        desk.cli_ok(&["ticket", "show", "1"])
            .contains("not yet scanned: locked")
    );
    let out = desk.dir.path().join("out");
    assert!(
        !desk
            .cli(&["ticket", "file", "1", "1", "--out", out.to_str().unwrap()])
            .status
            .success()
    );
    clamd.start();
    // The clock worker shows it to the scanner once a minute, and when the desk opens.
    desk.stop();
    desk.start();
    eventually("the file is scanned", || {
        desk.cli_ok(&["ticket", "show", "1"])
            .contains(", scanned)")
            .then_some(())
    });
}

#[test]
fn a_file_larger_than_the_desk_takes_is_refused_in_a_friendly_way_and_the_parts_end_in_one_ticket()
{
    let mut desk = TestDesk::new("[desk.keieiryoku]\nlargest_file_mb = 1\n");
    desk.start();
    let large = vec![b'x'; 1_200_000];
    let line = decided(
        &desk,
        "large",
        &mail("large", "all.bin", "application/octet-stream", &large),
    );
    assert_eq!(
        (&line["outcome"], &line["reason"]),
        (&"ticketed".into(), &"too-large".into())
    );
    let letter = desk.reply_to("large@example.com");
    assert!(
        letter.body().contains("1 MB") && letter.body().contains("（1/3）"),
        "{}",
        letter.body()
    );
    assert_eq!(
        desk.json(&["ticket", "show", "1"])[0]["ticket"]["state"],
        "waiting"
    );
    // The same in a follow-up: it joins the ticket, and the limit is told again.
    let again =
        String::from_utf8(mail("again", "all.bin", "application/octet-stream", &large)).unwrap();
    let again = again.replace(
        "Subject: again\r\n",
        &format!("Subject: Re: large\r\nIn-Reply-To: <{}>\r\n", letter.id()),
    );
    let line = decided(&desk, "again", again.as_bytes());
    assert_eq!(
        (&line["ticket"], &line["reason"]),
        (&"MD-000001".into(), &"too-large".into())
    );
    assert!(desk.reply_to("again@example.com").body().contains("1 MB"));
    assert_eq!(
        desk.json(&["ticket", "show", "1"])[0]["ticket"]["state"],
        "open"
    );
}
