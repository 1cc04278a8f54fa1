//! Signatures on departing messages, verified by the checks of this crate and by an independent program.

use crate::checker;
use crate::dns::{Zone, txt};
use madoguchi_trust::{SignError, Signer, Verdict};
use mail_auth::common::crypto::Ed25519Key;
use std::process::{Command, Stdio};

pub const MESSAGE: &str = "From: =?utf-8?b?56qT5Y+j?= <desk@desk.example.jp>\r\nTo: applicant@example.com\r\nSubject: Re: \r\n  =?utf-8?b?6LOq5ZWP?=\r\nDate: Fri, 20 Nov 2026 10:00:00 +0900\r\nMessage-ID: <out1@desk.example.jp>\r\nIn-Reply-To: <in1@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nお問い合わせありがとうございます。 \r\n\r\n\r\n";

fn pem(kind: &str, der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n",
        lines.join("\n")
    )
}

pub fn ed25519() -> Signer {
    ed25519_of("desk.example.jp")
}

pub fn ed25519_of(domain: &str) -> Signer {
    let key = pem("PRIVATE KEY", &Ed25519Key::generate_pkcs8().unwrap());
    Signer::from_pem(&key, domain, "ed").unwrap()
}

fn rsa() -> Option<Signer> {
    let made = Command::new("openssl")
        .args(["genrsa", "2048"])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let key = String::from_utf8(made.stdout).unwrap();
    Some(Signer::from_pem(&key, "desk.example.jp", "rsa").unwrap())
}

pub fn zone(signers: &[&Signer]) -> Zone {
    let records = signers.iter().map(|signer| signer.record());
    records
        .map(|(name, text)| (name, vec![txt(&text)]))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_holds_and_breaks_with_any_change_that_matters() {
    let mut signers = vec![ed25519()];
    match rsa() {
        Some(rsa) => signers.push(rsa),
        None => println!("no openssl here: RSA was not tried"),
    }
    for signer in &signers {
        let checker = checker(zone(&[signer]));
        let signed = String::from_utf8(signer.sign(MESSAGE.as_bytes()).unwrap()).unwrap();
        let verdict = async |text: &str| {
            let trust = checker.check(text.as_bytes()).await;
            assert_eq!(trust.dkim.len(), 1, "{text}");
            trust.dkim[0].verdict
        };
        assert_eq!(verdict(&signed).await, Verdict::Pass, "{signer:?}");
        // Line ends as files keep them, and white space that mail servers change.
        assert_eq!(verdict(&signed.replace("\r\n", "\n")).await, Verdict::Pass);
        assert_eq!(
            verdict(&signed.replace("Subject: Re: \r\n  ", "Subject: Re: ")).await,
            Verdict::Pass
        );
        for changed in [
            signed.replace("ありがとう", "申し訳"),
            signed.replace("To: applicant@example.com", "To: other@example.com"),
            format!("Subject: another\r\n{signed}"),
            format!("From: evil@example.net\r\n{signed}"),
            format!("Reply-To: evil@example.net\r\n{signed}"),
        ] {
            assert_ne!(verdict(&changed).await, Verdict::Pass, "{changed}");
        }
        // Named once more than they stand there, so that none can be added (RFC 6376 §8.15).
        let (_, names) = signed.split_once("h=").unwrap();
        let (names, _) = names.split_once(';').unwrap();
        let times = |field: &str| {
            let all = names.split(':').map(str::trim);
            all.filter(|name| name.eq_ignore_ascii_case(field)).count()
        };
        assert_eq!((times("From"), times("Subject")), (2, 2), "{names}");
        assert!(times("Reply-To") > 0, "{names}");
        assert!(
            !format!("{signer:?}").contains("PRIVATE"),
            "the key stays hidden"
        );
    }
}

#[test]
fn what_is_no_key_is_refused_with_words() {
    for text in [
        "",
        "no key",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ] {
        let error = Signer::from_pem(text, "desk.example.jp", "s").unwrap_err();
        assert!(matches!(error, SignError::Key(_)), "{error}");
    }
}

/// Python's dkimpy, where it is installed (`tests/run` sees to it).
#[test]
fn an_independent_program_agrees() {
    let python = std::env::var("MADOGUCHI_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python)
        .args(["-c", "import dkim, nacl"])
        .stderr(Stdio::null())
        .status();
    if !has.is_ok_and(|status| status.success()) {
        println!("no dkimpy here: the signatures were not shown to it");
        return;
    }
    let signers = [Some(ed25519()), rsa()];
    for signer in signers.iter().flatten() {
        let signed = signer.sign(MESSAGE.as_bytes()).unwrap();
        let (name, text) = signer.record();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &signed).unwrap();
        let program = format!(
            "import dkim,sys\nraw=open(sys.argv[1],'rb').read()\n\
             dns=lambda name,timeout=5: b'{text}' if name.rstrip(b'.')==b'{name}' else None\n\
             sys.exit(0 if dkim.verify(raw,dnsfunc=dns) else 1)\n"
        );
        let status = Command::new(&python)
            .arg("-c")
            .arg(&program)
            .arg(file.path())
            .status()
            .unwrap();
        assert!(status.success(), "{signer:?}");
    }
}

/// SHA-1 signatures are made and held by old programs; here they prove nothing (RFC 8301 §3.1).
#[tokio::test(flavor = "multi_thread")]
async fn a_sha1_signature_vouches_for_nobody() {
    let python = std::env::var("MADOGUCHI_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let Ok(made) = Command::new("openssl")
        .args(["genrsa", "-traditional", "2048"])
        .output()
    else {
        println!("no openssl here: SHA-1 was not tried");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (key, file) = (dir.path().join("key"), dir.path().join("message"));
    std::fs::write(&key, &made.stdout).unwrap();
    std::fs::write(&file, MESSAGE).unwrap();
    let program = "import dkim,sys\nraw=open(sys.argv[2],'rb').read()\n\
        sys.stdout.buffer.write(dkim.sign(raw,b'old',b'desk.example.jp',open(sys.argv[1],'rb').read(),\
        signature_algorithm=sys.argv[3].encode(),include_headers=[b'from',b'subject'])+raw)\n";
    let record = Signer::from_pem(
        &String::from_utf8(made.stdout).unwrap(),
        "desk.example.jp",
        "old",
    )
    .unwrap()
    .record();
    for (algorithm, signature, dmarc) in [
        ("rsa-sha256", Verdict::Pass, Verdict::Pass),
        ("rsa-sha1", Verdict::PermError, Verdict::Fail),
    ] {
        let signed = Command::new(&python)
            .args(["-c", program])
            .args([&key, &file])
            .arg(algorithm)
            .output()
            .unwrap();
        if !signed.status.success() {
            println!("no dkimpy here: {algorithm} was not tried");
            return;
        }
        let mut zone = Zone::default();
        zone.insert(record.0.clone(), vec![txt(&record.1)]);
        zone.insert(
            "_dmarc.desk.example.jp".to_owned(),
            vec![txt("v=DMARC1; p=reject")],
        );
        let trust = checker(zone).check(&signed.stdout).await;
        assert_eq!(trust.dkim[0].verdict, signature, "{algorithm}");
        assert_eq!(trust.dmarc.verdict, dmarc, "{algorithm}: {trust:?}");
    }
}
