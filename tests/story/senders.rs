//! Who may continue a ticket: a sender whose own domain disowns the message never does, and is told nothing. What the desk sends is signed.

use crate::dns::{Zone, serve, txt};
use crate::first_mail::UNKNOWN;
use crate::support::TestDesk;
use crate::support::mail::Mail;
use serde_json::Value;
use std::process::Command;

/// The address mail of the applicant's domain really comes from.
const HONEST: &str = "203.0.113.9";

fn zone(policy: &str) -> Zone {
    [
        ("example.com", format!("v=spf1 ip4:{HONEST} -all")),
        ("_dmarc.example.com", format!("v=DMARC1; p={policy}")),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), vec![txt(&text)]))
    .collect()
}

fn desk(policy: &str) -> TestDesk {
    let more = format!(
        "[trust]\ndns = \"{}\"\ntrusted_hosts = [\"mx.desk.example.jp\"]\nknown_domains = [\"ministry.example.jp\"]\n",
        serve(zone(policy))
    );
    let mut desk = TestDesk::new(&more);
    desk.start();
    desk
}

fn from_ip<'a>(mail: Mail<'a>, ip: &str) -> Mail<'a> {
    let hop = format!(
        "from mail.example.com (mail.example.com [{ip}]) by mx.desk.example.jp with ESMTPS id 1; Fri, 20 Nov 2026 10:00:00 +0900"
    );
    mail.header("Received", &hop)
}

fn ticket(desk: &TestDesk, number: &str) -> Value {
    desk.json(&["ticket", "show", number]).remove(0)
}

#[test]
fn a_forged_sender_neither_continues_a_ticket_nor_is_written_to() {
    let desk = desk("reject");
    desk.drop_mail(
        "one.eml",
        &from_ip(Mail::new("one@example.com", "バス", UNKNOWN), HONEST).bytes(),
    );
    let letter = desk.reply_to("one@example.com");
    let shown = ticket(&desk, "1");
    assert_eq!(shown["articles"][0]["trust"]["proof"], "pass", "{shown}");
    // The forger holds the whole thread: the token in the subject and the id the desk made up.
    let subject = letter.subject();
    let forged = Mail::new(
        "forged@example.com",
        &subject,
        "これまでのやり取りを全部送ってください。",
    )
    .answering(&letter);
    desk.drop_mail("forged.eml", &from_ip(forged, "198.51.100.66").bytes());
    let line = desk.decided("forged.eml");
    assert_eq!(line["ticket"], "MD-000002", "{line}");
    assert_eq!(line["reason"], "sender-unproven");
    desk.settle();
    assert_eq!(
        desk.sent_mail().len(),
        1,
        "nothing is sent to whom the forger names"
    );
    let shown = ticket(&desk, "2");
    assert_eq!(shown["ticket"]["linked"][0], 1);
    assert_eq!(shown["articles"][0]["trust"]["proof"], "fail", "{shown}");
    let text = desk.cli_ok(&["ticket", "show", "2"]);
    assert!(text.contains("DMARC fail (example.com"), "{text}");
    // The honest sender goes on.
    let honest = Mail::new(
        "two@example.com",
        &subject,
        "追加です。庁舎のバスの件です。",
    )
    .answering(&letter);
    desk.drop_mail("two.eml", &from_ip(honest, HONEST).bytes());
    assert_eq!(desk.decided("two.eml")["ticket"], "MD-000001");
    desk.balanced_ledger();
}

#[test]
fn where_the_domain_only_watches_a_new_inquiry_is_taken_but_no_ticket_continued() {
    let desk = desk("none");
    desk.drop_mail(
        "one.eml",
        &from_ip(
            Mail::new("one@example.com", "バス", UNKNOWN),
            "198.51.100.66",
        )
        .bytes(),
    );
    let letter = desk.reply_to("one@example.com");
    let subject = letter.subject();
    let again = Mail::new(
        "two@example.com",
        &subject,
        "追加です。庁舎のバスの件です。",
    )
    .answering(&letter);
    desk.drop_mail("two.eml", &from_ip(again, "198.51.100.66").bytes());
    assert_eq!(desk.decided("two.eml")["ticket"], "MD-000002");
}

#[test]
fn tricks_with_names_are_shown_to_staff() {
    let desk = desk("none");
    let trick = Mail::new("t@example.net", "至急", UNKNOWN)
        .from("a@m1nistry.example.jp")
        .header("Reply-To", "b@example.org");
    desk.drop_mail("t.eml", &trick.bytes());
    desk.decided("t.eml");
    let text = desk.cli_ok(&["ticket", "show", "1"]);
    assert!(
        text.contains("only looks like ministry.example.jp"),
        "{text}"
    );
    assert!(
        text.contains("answers would go to another domain: example.org"),
        "{text}"
    );
}

#[test]
fn what_the_desk_sends_is_signed_for_its_domain() {
    let mut desk = TestDesk::new("");
    let key = desk.dir.path().join("dkim.pem");
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "ed25519", "-out"])
        .arg(&key)
        .status()
        .unwrap();
    assert!(made.success());
    desk.configure(&format!(
        "data_dir = {:?}\n\n[web]\nlisten = \"127.0.0.1:{}\"\n\n[dkim]\nkey_file = {key:?}\n",
        desk.data(),
        desk.port
    ));
    desk.start();
    desk.drop_mail(
        "one.eml",
        &Mail::new("one@example.com", "バス", UNKNOWN).bytes(),
    );
    let letter = desk.reply_to("one@example.com");
    let record = desk.json(&["mail", "dkim"]).remove(0);
    assert_eq!(record["name"], "madoguchi._domainkey.desk.example.jp");
    // Another desk, which looks at its senders, finds the signature good.
    let records = [
        (
            record["name"].as_str().unwrap().to_owned(),
            vec![txt(record["text"].as_str().unwrap())],
        ),
        (
            "_dmarc.desk.example.jp".to_owned(),
            vec![txt("v=DMARC1; p=reject")],
        ),
    ];
    let mut other = TestDesk::new(&format!(
        "[desk.keieiryoku]\naddress = \"other@desk.example.com\"\n\n[trust]\ndns = \"{}\"\n",
        serve(records.into_iter().collect())
    ));
    other.start();
    // Without its marks, so that it is taken for a person's.
    let text = String::from_utf8(letter.raw.clone()).unwrap();
    let shown = |name: &str, text: &str| {
        other.drop_mail(name, text.as_bytes());
        other.decided(name);
        let list = other.json(&["quarantine", "list"]);
        let id = list.last().unwrap()["id"].to_string();
        other.cli_ok(&["quarantine", "restore", &id]);
        let tickets = crate::support::eventually("it is a ticket", || {
            let tickets = other.json(&["ticket", "list"]);
            (!tickets.is_empty()).then_some(tickets)
        });
        let number = tickets.last().unwrap()["number"]
            .as_str()
            .unwrap()
            .to_owned();
        ticket(&other, &number)["articles"][0]["trust"].clone()
    };
    let trust = shown("good.eml", &text);
    assert_eq!(trust["proof"], "pass", "{trust}");
    assert!(
        trust["checks"]
            .to_string()
            .contains("DKIM pass (desk.example.jp"),
        "{trust}"
    );
}

/// The desk's certificate around the content, the domain's signature over all of it; OpenSSL believes the first.
#[test]
fn letters_of_a_desk_with_a_certificate_are_signed() {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("no openssl here: S/MIME was not tried");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(dir.path())
            .output()
            .unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let made = openssl(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "20",
        "-subj",
        "/CN=desk",
        "-keyout",
        "desk.key",
        "-out",
        "desk.pem",
        "-addext",
        "subjectAltName=email:keieiryoku@desk.example.jp",
        "-addext",
        "extendedKeyUsage=emailProtection",
    ]);
    assert!(made.0, "{}", made.1);
    let made = openssl(&["genrsa", "-out", "dkim.pem", "2048"]);
    assert!(made.0, "{}", made.1);
    let file = |name: &str| dir.path().join(name).display().to_string();
    let mut desk = TestDesk::new(&format!(
        "[desk.keieiryoku]\nsmime_certificate_file = {:?}\nsmime_key_file = {:?}\n[dkim]\nkey_file = {:?}\n",
        file("desk.pem"),
        file("desk.key"),
        file("dkim.pem"),
    ));
    desk.start();
    desk.drop_mail(
        "one.eml",
        &Mail::new("one@example.com", "バス", UNKNOWN).bytes(),
    );
    let letter = desk.reply_to("one@example.com");
    std::fs::write(dir.path().join("letter"), &letter.raw).unwrap();
    let head = String::from_utf8_lossy(&letter.raw).into_owned();
    assert!(head.starts_with("DKIM-Signature:"), "{head}");
    let verified = openssl(&[
        "cms",
        "-verify",
        "-in",
        "letter",
        "-CAfile",
        "desk.pem",
        "-purpose",
        "smimesign",
        "-out",
        "content",
    ]);
    assert!(verified.0, "{}", verified.1);
    let warned = desk.cli(&["check"]);
    let words = String::from_utf8_lossy(&warned.stdout).into_owned();
    assert!(
        words.contains("S/MIME certificate of keieiryoku@desk.example.jp")
            && words.contains("19 days"),
        "{words}"
    );
}
