//! DMARC by our own cases (there is no published suite): who vouches for the address in From, and what forged trace fields are worth.

use crate::dns::{Record, Zone, txt};
use crate::signing::{MESSAGE, ed25519, zone};
use crate::{checker, dns};
use madoguchi_trust::{Checker, Override, Settings, Signer, Trust, Verdict, trace};
use std::time::Duration;

const IP: &str = "203.0.113.9";

/// A message from `from`, as our server hands it over: the envelope sender, the connecting address.
fn arrived(from: &str, envelope: &str) -> String {
    format!(
        "Return-Path: <{envelope}>\r\n\
         Received: from inner.inner.example.jp (inner.inner.example.jp [10.0.0.5]) by box.inner.example.jp with LMTP; Fri, 20 Nov 2026 10:00:02 +0900\r\n\
         Received: from mail.example.com (mail.example.com [{IP}])\r\n\tby mx.desk.example.jp (Postfix) with ESMTPS id 1;\r\n\tFri, 20 Nov 2026 10:00:01 +0900 (JST)\r\n\
         Received: from laptop ([192.0.2.77]) by mail.example.com; Fri, 20 Nov 2026 10:00:00 +0900\r\n\
         From: {from}\r\nTo: desk@desk.example.jp\r\nSubject: x\r\nDate: Fri, 20 Nov 2026 10:00:00 +0900\r\nMessage-ID: <a@example.com>\r\n\r\ntext\r\n"
    )
}

fn domain(records: &[(&str, &str)]) -> Zone {
    records
        .iter()
        .map(|(name, text)| ((*name).to_owned(), vec![txt(text)]))
        .collect()
}

async fn checked(zone: Zone, raw: &str) -> Trust {
    checker(zone).check(raw.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connecting_address_vouches_where_domains_agree() {
    let spf = format!("v=spf1 ip4:{IP} -all");
    for (policy, from, envelope, verdict, strict) in [
        (
            "v=DMARC1; p=reject",
            "a@example.com",
            "a@example.com",
            Verdict::Pass,
            true,
        ),
        (
            "v=DMARC1; p=reject",
            "a@example.com",
            "bounce@mail.example.com",
            Verdict::Pass,
            true,
        ),
        (
            "v=DMARC1; p=reject; aspf=s",
            "a@example.com",
            "bounce@mail.example.com",
            Verdict::Fail,
            true,
        ),
        (
            "v=DMARC1; p=quarantine",
            "a@example.com",
            "a@example.net",
            Verdict::Fail,
            true,
        ),
        (
            "v=DMARC1; p=none",
            "a@example.com",
            "a@example.net",
            Verdict::Fail,
            false,
        ),
        (
            "v=DMARC1; p=none; sp=reject",
            "a@sub.example.com",
            "a@example.net",
            Verdict::Fail,
            true,
        ),
        (
            "v=DMARC1; p=reject",
            "a@example.com",
            "",
            Verdict::Pass,
            true,
        ),
        (
            "no policy at all",
            "a@example.com",
            "a@example.net",
            Verdict::None,
            false,
        ),
        (
            "v=DMARC1; p=",
            "a@example.com",
            "a@example.net",
            Verdict::PermError,
            false,
        ),
    ] {
        let zone = domain(&[
            ("example.com", &spf),
            ("mail.example.com", &spf),
            ("example.net", &spf),
            ("sub.example.com", &spf),
            ("_dmarc.example.com", policy),
        ]);
        let trust = checked(zone, &arrived(from, envelope)).await;
        assert_eq!(trust.ip, Some(IP.parse().unwrap()));
        assert_eq!(trust.spf, Verdict::Pass, "{policy} {from} {envelope}");
        assert_eq!(
            trust.dmarc.verdict, verdict,
            "{policy} {from} {envelope}: {trust:?}"
        );
        if matches!(verdict, Verdict::Pass | Verdict::Fail) {
            assert_eq!(trust.dmarc.strict, strict, "{policy}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_vouches_where_nobody_says_where_the_message_came_from() {
    let signer = ed25519();
    let signed = String::from_utf8(signer.sign(MESSAGE.as_bytes()).unwrap()).unwrap();
    let with = |policy: &str| {
        let mut zone = zone(&[&signer]);
        zone.extend(domain(&[("_dmarc.desk.example.jp", policy)]));
        zone
    };
    let trust = checked(with("v=DMARC1; p=reject"), &signed).await;
    assert_eq!((trust.ip, trust.spf), (None, Verdict::None));
    assert_eq!(trust.dmarc.verdict, Verdict::Pass, "{trust:?}");
    // Signed by a domain that is not the one in From.
    let foreign = signed.replacen("<desk@desk.example.jp>", "<desk@other.example.jp>", 1);
    let mut zone = with("v=DMARC1; p=reject");
    zone.extend(domain(&[("_dmarc.other.example.jp", "v=DMARC1; p=reject")]));
    assert_eq!(checked(zone, &foreign).await.dmarc.verdict, Verdict::Fail);
}

/// A registry that publishes a record of its own must not let one registrant speak for another.
#[tokio::test(flavor = "multi_thread")]
async fn neighbours_under_a_public_suffix_are_strangers() {
    let spf = format!("v=spf1 ip4:{IP} -all");
    let zone = domain(&[
        ("mine.co.jp", &spf),
        ("mail.mine.co.jp", &spf),
        ("_dmarc.co.jp", "v=DMARC1; p=reject"),
    ]);
    for (from, envelope, verdict) in [
        ("a@yours.co.jp", "a@mine.co.jp", Verdict::Fail),
        ("a@mine.co.jp", "a@mail.mine.co.jp", Verdict::Pass),
    ] {
        let trust = checked(zone.clone(), &arrived(from, envelope)).await;
        assert_eq!(trust.spf, Verdict::Pass, "{from} {envelope}");
        assert_eq!(trust.dmarc.verdict, verdict, "{from} {envelope}: {trust:?}");
    }
    let signer = crate::signing::ed25519_of("mine.co.jp");
    let mut zone = zone;
    let (name, text) = signer.record();
    zone.insert(name, vec![txt(&text)]);
    for (author, verdict) in [
        ("yours.co.jp", Verdict::Fail),
        ("www.mine.co.jp", Verdict::Pass),
    ] {
        let message = MESSAGE.replacen("<desk@desk.example.jp>", &format!("<desk@{author}>"), 1);
        let signed_by = signer.sign(message.as_bytes()).unwrap();
        let trust = checked(zone.clone(), &String::from_utf8(signed_by).unwrap()).await;
        assert_eq!(trust.dkim[0].verdict, Verdict::Pass);
        assert_eq!(trust.dmarc.verdict, verdict, "{author}: {trust:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_name_server_is_neither_pass_nor_fail() {
    let mut zone = domain(&[("example.com", "v=spf1 -all")]);
    zone.insert("_dmarc.example.com".to_owned(), vec![Record::Timeout]);
    let checker = Checker::new(Settings {
        resolver: Some(dns::serve(zone)),
        timeout: Duration::from_millis(800),
        trusted_hosts: vec![
            "mx.desk.example.jp".to_owned(),
            ".inner.example.jp".to_owned(),
        ],
        own_networks: Vec::new(),
        authserv_ids: Vec::new(),
        trusted_sealers: Vec::new(),
    })
    .unwrap();
    let trust = checker
        .check(arrived("a@example.com", "a@example.com").as_bytes())
        .await;
    assert_eq!(trust.dmarc.verdict, Verdict::TempError, "{trust:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_froms_are_never_believed() {
    let spf = format!("v=spf1 ip4:{IP} -all");
    let zone = domain(&[
        ("example.com", &spf),
        ("_dmarc.example.com", "v=DMARC1; p=none"),
    ]);
    let twice = arrived("a@example.com\r\nFrom: evil@example.com", "a@example.com");
    let trust = checked(zone, &twice).await;
    assert_eq!(trust.dmarc.verdict, Verdict::Fail, "{trust:?}");
    assert!(trust.dmarc.strict);
}

#[test]
fn only_what_our_own_servers_wrote_is_believed() {
    let hosts = [
        "mx.desk.example.jp".to_owned(),
        ".inner.example.jp".to_owned(),
    ];
    let ids = ["mx.desk.example.jp".to_owned()];
    let seen = |text: &str| trace(text.as_bytes(), &hosts, &[], &ids);
    let plain = arrived("a@example.com", "a@example.com");
    let found = seen(&plain);
    assert_eq!(found.ip, Some(IP.parse().unwrap()));
    assert_eq!(found.helo, "mail.example.com");
    assert_eq!(found.mail_from.as_deref(), Some("a@example.com"));
    // Noted by our server: above its own Received.
    let noted = format!(
        "Authentication-Results: mx.desk.example.jp;\r\n dkim=none; dmarc=pass (p=none) header.from=example.com\r\n{plain}"
    );
    assert_eq!(seen(&noted).noted_dmarc.as_deref(), Some("pass"));
    // Forged by the sender: below it, or under another name.
    let below = plain.replace(
        "From: a@",
        "Authentication-Results: mx.desk.example.jp; dmarc=pass\r\nFrom: a@",
    );
    assert_eq!(seen(&below).noted_dmarc, None);
    let other = format!("Authentication-Results: mx.evil.test; dmarc=pass\r\n{plain}");
    assert_eq!(seen(&other).noted_dmarc, None);
    // A Received the sender wrote to look like ours lies below ours.
    let forged = plain.replace(
        "Received: from laptop",
        "Received: from trusted.example.com ([198.51.100.1]) by mx.desk.example.jp; x\r\nReceived: from laptop",
    );
    assert_eq!(seen(&forged).ip, Some(IP.parse().unwrap()));
    // A sender that calls itself by one of our names is no server of ours.
    let impostor = plain.replace(
        "from mail.example.com (mail.example.com",
        "from box.inner.example.jp (mail.example.com",
    );
    let impostor = impostor.replace(
        "Received: from laptop",
        "Received: from x ([198.51.100.9]) by mx.desk.example.jp; x\r\nReceived: from laptop",
    );
    assert_eq!(seen(&impostor).ip, Some(IP.parse().unwrap()));
    // An envelope sender below our fields was written by the sender.
    let forged = plain
        .replace("Return-Path: <a@example.com>\r\n", "")
        .replace("From: a@", "Return-Path: <a@example.com>\r\nFrom: a@");
    assert_eq!(seen(&forged).mail_from, None);
    // A server of ours outside the private networks.
    let outside = format!(
        "Received: from mx.desk.example.jp ([198.51.100.3]) by box.inner.example.jp; x\r\n{plain}"
    );
    let own = ["198.51.100.0/28".parse().unwrap()];
    let found = trace(outside.as_bytes(), &hosts, &own, &ids);
    assert_eq!(found.ip, Some(IP.parse().unwrap()));
    assert_eq!(seen(&outside).ip, Some("198.51.100.3".parse().unwrap()));
    // Nobody we know: nothing is believed.
    let unknown = trace(plain.as_bytes(), &[], &[], &ids);
    assert_eq!((unknown.ip, unknown.noted_dmarc), (None, None));
    for text in [
        "",
        "\r\n",
        "Received:",
        "Received: from",
        "Received: by",
        "Received: from (((((( by mx.desk.example.jp",
        "\u{0}\u{ff}",
    ] {
        assert_eq!(seen(text).ip, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_of_our_server_counts_only_where_we_cannot_see_for_ourselves() {
    let zone = domain(&[("_dmarc.example.com", "v=DMARC1; p=reject")]);
    let noted =
        "Authentication-Results: mx.desk.example.jp; dmarc=pass header.from=example.com\r\n";
    let blind = arrived("a@example.com", "a@example.com").replace(&format!(" [{IP}]"), "");
    let trust = checked(zone.clone(), &format!("{noted}{blind}")).await;
    assert_eq!(trust.ip, None);
    assert_eq!(trust.believed, Some(Override::Noted), "{trust:?}");
    let seen = arrived("a@example.com", "a@example.com");
    let trust = checked(zone, &format!("{noted}{seen}")).await;
    assert_eq!((trust.dmarc.verdict, trust.believed), (Verdict::Fail, None));
}

/// Whatever stands in a message, the checks end and say something.
#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_looked_at_without_harm() {
    let signer: Signer = ed25519();
    let signed = signer.sign(MESSAGE.as_bytes()).unwrap();
    let checker = checker(zone(&[&signer]));
    for cut in (0..signed.len()).step_by(7) {
        let _ = checker.check(&signed[..cut]).await;
    }
    let many: String = (0..500)
        .map(|n| {
            format!(
                "DKIM-Signature: v=1; a=rsa-sha256; d=d{n}.example.com; s=s; h=from; bh=; b=\r\n"
            )
        })
        .collect();
    let trust = checker
        .check(format!("{many}From: a@example.com\r\n\r\nx").as_bytes())
        .await;
    assert!(trust.dkim.len() <= 10);
    let huge = format!(
        "From: {}\r\nReceived: {}\r\n\r\nx",
        "a@example.com, ".repeat(50_000),
        "x ".repeat(100_000)
    );
    let _ = checker.check(huge.as_bytes()).await;
}
