//! Letters signed with S/MIME, verified by OpenSSL.

use crate::signing::MESSAGE;
use madoguchi_trust::{SmimeError, SmimeSigner};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

fn openssl(dir: &Path, arguments: &[&str]) -> Output {
    Command::new("openssl")
        .args(arguments)
        .current_dir(dir)
        .output()
        .unwrap()
}

fn done(dir: &Path, arguments: &[&str]) {
    let output = openssl(dir, arguments);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {words}");
}

/// An authority and a desk's certificate from it, with a key of the kind named.
fn certificates(dir: &Path, kind: &[&str]) {
    let mut authority = vec!["req", "-x509", "-newkey"];
    authority.extend(kind);
    authority.extend([
        "-nodes",
        "-days",
        "30",
        "-subj",
        "/CN=Test authority",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
    ]);
    done(dir, &authority);
    let mut request = vec!["req", "-newkey"];
    request.extend(kind);
    request.extend([
        "-nodes", "-subj", "/CN=desk", "-keyout", "desk.key", "-out", "desk.csr",
    ]);
    done(dir, &request);
    std::fs::write(
        dir.join("ext"),
        "subjectAltName=email:desk@desk.example.jp\nkeyUsage=digitalSignature\nextendedKeyUsage=emailProtection\n",
    )
    .unwrap();
    done(
        dir,
        &[
            "x509", "-req", "-in", "desk.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "20",
            "-extfile", "ext", "-out", "desk.pem",
        ],
    );
}

fn signer(dir: &Path) -> Result<SmimeSigner, SmimeError> {
    let read = |file: &str| std::fs::read(dir.join(file)).unwrap();
    SmimeSigner::from_pem(&read("desk.pem"), &read("desk.key"))
}

#[test]
fn openssl_believes_the_letter_and_nothing_that_was_changed() {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("no openssl here: S/MIME was not tried");
        return;
    }
    for kind in [
        &["rsa:2048"][..],
        &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"][..],
    ] {
        let dir = tempfile::tempdir().unwrap();
        certificates(dir.path(), kind);
        let signer = signer(dir.path()).unwrap();
        let left = signer.until().duration_since(SystemTime::now()).unwrap();
        assert!(left < Duration::from_secs(20 * 86_400) && left > Duration::from_secs(19 * 86_400));
        let ascii = MESSAGE.replace(
            "お問い合わせありがとうございます。",
            "SGVsbG8=\r\n--sig-\r\n",
        );
        for message in [MESSAGE.to_owned(), ascii] {
            let signed = signer.sign(message.as_bytes(), SystemTime::now()).unwrap();
            let text = String::from_utf8(signed).expect("nothing beyond ASCII is left");
            assert!(text.is_ascii());
            // The fields people and programs sort by stay where they were.
            assert!(text.starts_with("From: =?utf-8?b?56qT5Y+j?= <desk@desk.example.jp>\r\n"));
            assert_eq!(text.matches("MIME-Version: 1.0").count(), 1);
            let verify = |text: &str| {
                std::fs::write(dir.path().join("letter"), text).unwrap();
                openssl(
                    dir.path(),
                    &[
                        "cms",
                        "-verify",
                        "-in",
                        "letter",
                        "-CAfile",
                        "ca.pem",
                        "-purpose",
                        "smimesign",
                        "-out",
                        "content",
                    ],
                )
            };
            let output = verify(&text);
            assert!(
                output.status.success(),
                "{kind:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            let content = std::fs::read_to_string(dir.path().join("content")).unwrap();
            assert!(
                content.starts_with("Content-Type: text/plain; charset=utf-8"),
                "{content}"
            );
            // Our own reader shows what was written.
            let read = madoguchi_mime::decode(text.as_bytes()).unwrap();
            if message == MESSAGE {
                assert_eq!(read.text.trim(), "お問い合わせありがとうございます。");
            }
            let changed = text.replacen("charset=utf-8", "charset=utf-7", 1);
            assert!(!verify(&changed).status.success(), "{kind:?}");
        }
    }
}

#[test]
fn what_does_not_belong_together_is_refused_with_words() {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("no openssl here: S/MIME was not tried");
        return;
    }
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for dir in [&one, &other] {
        certificates(dir.path(), &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    }
    let read = |dir: &tempfile::TempDir, file: &str| std::fs::read(dir.path().join(file)).unwrap();
    let (certificate, key) = (read(&one, "desk.pem"), read(&one, "desk.key"));
    let refused =
        |certificate: &[u8], key: &[u8]| SmimeSigner::from_pem(certificate, key).unwrap_err();
    assert!(matches!(
        refused(&certificate, &read(&other, "desk.key")),
        SmimeError::Key(_)
    ));
    assert!(matches!(
        refused(&certificate, b"nothing"),
        SmimeError::Key(_)
    ));
    assert!(matches!(
        refused(b"nothing", &key),
        SmimeError::Certificate(_)
    ));
    let signer = SmimeSigner::from_pem(&certificate, &key).unwrap();
    assert!(signer.sign(b"no header at all", SystemTime::now()).is_err());
    assert!(!format!("{signer:?}").contains("key"));
}
