//! The public suites (openspf for RFC 7208, ValiMail's for ARC, signed messages of DKIM), in place; third-party material is not kept here.

use crate::checker;
use crate::dns::{Record, Zone, bytes, txt};
use madoguchi_trust::{Spf, Verdict};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Where the library deviates from the suite, and why. The test fails when one goes away or a new one comes.
const SPF_DEVIATIONS: &[(&str, &str)] = &[(
    "null-text",
    "the resolver refuses an answer with a TXT record without strings (RFC 1035 §3.3.14 wants one or more): temperror, not pass",
)];

fn suite(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("MADOGUCHI_CORPORA").map(PathBuf::from);
    let beside =
        PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package"))
            .join("../../../shared/corpora");
    let found = named
        .or(Some(beside))
        .map(|dir| dir.join("auth").join(name))
        .filter(|dir| dir.is_dir());
    if found.is_none() {
        println!("no corpora here: the suite `{name}` was not run");
    }
    found
}

fn json(path: PathBuf) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn zone(data: &Value) -> Zone {
    let mut zone = Zone::new();
    for (name, records) in data.as_object().unwrap() {
        let mut own = Vec::new();
        let (mut spf, mut txts) = (Vec::new(), Vec::new());
        for record in records.as_array().unwrap() {
            if record == "TIMEOUT" {
                own.push(Record::Timeout);
                continue;
            }
            let (kind, value) = record.as_object().unwrap().iter().next().unwrap();
            let text = || match value {
                Value::Array(parts) => {
                    Record::Txt(parts.iter().map(|p| bytes(p.as_str().unwrap())).collect())
                }
                Value::String(text) => txt(text),
                other => panic!("{other}"),
            };
            match kind.as_str() {
                "SPF" => spf.push(text()),
                "TXT" => txts.push((value.clone(), text())),
                "A" => own.push(Record::A(value.as_str().unwrap().parse().unwrap())),
                "AAAA" => own.push(Record::Aaaa(value.as_str().unwrap().parse().unwrap())),
                "MX" => own.push(Record::Mx(
                    value[0].as_u64().unwrap() as u16,
                    value[1].as_str().unwrap().to_owned(),
                )),
                "PTR" => own.push(Record::Ptr(value.as_str().unwrap().to_owned())),
                "CNAME" => own.push(Record::Cname(value.as_str().unwrap().to_owned())),
                other => panic!("{other}"),
            }
        }
        // As the suite says: a record of type SPF stands for one of type TXT where there is none.
        if txts.is_empty() {
            own.extend(spf);
        }
        own.extend(
            txts.into_iter()
                .filter(|(value, _)| value != "NONE")
                .map(|(_, record)| record),
        );
        zone.insert(name.trim_end_matches('.').to_lowercase(), own);
    }
    zone
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_the_spf_suite_ends_as_expected() {
    let Some(dir) = suite("spf") else { return };
    let (mut cases, mut deviations) = (0, BTreeSet::new());
    for scenario in json(dir.join("rfc7208-tests.json")).as_array().unwrap() {
        let checker = checker(zone(&scenario["zonedata"]));
        for (name, case) in scenario["tests"].as_object().unwrap() {
            cases += 1;
            let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
            let (helo, mail_from) = (text("helo"), text("mailfrom"));
            let ip = text("host").parse().unwrap();
            let output =
                Spf::check(checker.dns(), ip, &helo, &mail_from, "receiver.example.jp").await;
            let got = serde_json::to_value(output.verdict).unwrap();
            if let Some(explanation) = case["explanation"].as_str().filter(|e| *e != "DEFAULT")
                && output.explanation.as_deref() != Some(explanation)
            {
                println!(
                    "{name}: explained {:?}, not {explanation}",
                    output.explanation
                );
                deviations.insert(name.clone());
            }
            let right = match &case["result"] {
                Value::Array(several) => several.contains(&got),
                one => *one == got,
            };
            if !right {
                println!(
                    "{name}: {got}, not {} ({})",
                    case["result"], case["description"]
                );
                deviations.insert(name.clone());
            }
        }
    }
    assert_eq!(cases, 203);
    let known: BTreeSet<String> = SPF_DEVIATIONS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(deviations, known);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_signature_of_the_dkim_messages_ends_as_expected() {
    let Some(dir) = suite("dkim") else { return };
    let mut signatures = 0;
    for case in json(dir.join("expected.json")).as_array().unwrap() {
        let zone = case["dns"].as_object().unwrap().iter();
        let zone = zone
            .map(|(name, text)| (name.to_lowercase(), vec![txt(text.as_str().unwrap())]))
            .collect();
        let raw = std::fs::read(dir.join(case["file"].as_str().unwrap())).unwrap();
        let trust = checker(zone).check(&raw).await;
        let expected = case["dkimpy"].as_array().unwrap();
        assert_eq!(trust.dkim.len(), expected.len(), "{}", case["file"]);
        for (signature, expected) in trust.dkim.iter().zip(expected) {
            signatures += 1;
            let passes = signature.verdict == Verdict::Pass;
            assert_eq!(
                passes,
                expected == "pass",
                "{}: {signature:?}",
                case["file"]
            );
        }
    }
    assert!(signatures >= 6);
}

/// A chain the suite lets pass and the library does not: nobody is believed wrongly. No upstream issue speaks of it.
const ARC_DEVIATIONS: &[(&str, &str)] = &[(
    "ams_fields_h_empty",
    "the library refuses a signature over no field at all; so does RFC 6376 §5.4, as From is not among them",
)];

async fn arc_of(zone: Zone, raw: &[u8]) -> &'static str {
    match checker(zone).check(raw).await.arc {
        Verdict::Pass => "Pass",
        Verdict::None => "None",
        _ => "Fail",
    }
}

fn txt_zone(data: &Value) -> Zone {
    let records = data.as_object().into_iter().flatten();
    records
        .map(|(name, text)| {
            (
                name.to_lowercase(),
                vec![txt(&text.as_str().unwrap().replace('\n', ""))],
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_the_arc_suite_ends_as_expected() {
    let Some(dir) = suite("arc") else { return };
    let (mut cases, mut deviations) = (0, BTreeSet::new());
    for scenario in json(dir.join("arc-draft-validation-tests.json"))
        .as_array()
        .unwrap()
    {
        for (name, case) in scenario["tests"].as_object().unwrap() {
            cases += 1;
            let raw = case["message"].as_str().unwrap().replace('\n', "\r\n");
            let got = arc_of(txt_zone(&scenario["txt-records"]), raw.as_bytes()).await;
            let expected = case["cv"].as_str().unwrap();
            if !(expected.eq_ignore_ascii_case(got) || expected.is_empty() && got != "Pass") {
                println!("{name}: {got}, not {expected} ({})", case["description"]);
                deviations.insert(name.clone());
            }
        }
    }
    assert_eq!(cases, 171);
    let known: BTreeSet<String> = ARC_DEVIATIONS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(deviations, known);
}

#[test]
fn every_feedback_report_is_read_as_expected() {
    let Some(dir) = suite("arf") else { return };
    // The other reader folds white space and spells names in its own way.
    let plain = |value: &Value| -> String {
        value
            .as_str()
            .unwrap_or_default()
            .chars()
            .filter(|c| c.is_alphanumeric() || "@.:/".contains(*c))
            .collect::<String>()
            .to_lowercase()
    };
    for number in 1..=5 {
        let expected = json(dir.join(format!("00{number}.json")));
        let raw = std::fs::read(dir.join(format!("00{number}.eml"))).unwrap();
        let found = madoguchi_trust::feedback_report(&raw).unwrap();
        let found = serde_json::to_value(found).unwrap();
        for (theirs, ours) in [
            ("feedback_type", "kind"),
            ("user_agent", "user_agent"),
            ("original_mail_from", "original_mail_from"),
            ("original_rcpt_to", "original_rcpt_to"),
            ("original_envelope_id", "original_envelope_id"),
            ("reporting_mta", "reporting_mta"),
            ("source_ip", "source_ip"),
            ("dkim_domain", "dkim_domain"),
            ("dkim_identity", "dkim_identity"),
            ("dkim_selector", "dkim_selector"),
        ] {
            assert_eq!(
                plain(&found[ours]),
                plain(&expected[theirs]),
                "{number} {ours}"
            );
        }
        for (theirs, ours) in [
            ("version", "version"),
            ("incidents", "incidents"),
            ("arrival_date", "arrival_at"),
        ] {
            assert_eq!(found[ours], expected[theirs], "{number} {ours}");
        }
        for (theirs, ours) in [
            ("reported_domain", "reported_domains"),
            ("reported_uri", "reported_uris"),
            ("authentication_results", "authentication_results"),
        ] {
            let list = |value: &Value| -> Vec<String> {
                value.as_array().unwrap().iter().map(plain).collect()
            };
            assert_eq!(
                list(&found[ours]),
                list(&expected[theirs]),
                "{number} {ours}"
            );
        }
        let failure = plain(&expected["auth_failure"]).replace("unspecified", "");
        assert_eq!(plain(&found["auth_failure"]), failure, "{number}");
    }
    assert_eq!(
        madoguchi_trust::feedback_report(b"Subject: x\r\n\r\nx"),
        None
    );
}
