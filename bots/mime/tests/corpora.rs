//! Messages nobody here wrote: read without a panic, and as their own suites expect. Run where the corpora are (`MADOGUCHI_CORPORA`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use madoguchi_channel::MarkKind;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Share of expectations met when this was written; a change may only raise it.
const MET_AT_LEAST: f64 = 0.98;

fn corpora() -> Option<PathBuf> {
    let dir = std::env::var_os("MADOGUCHI_CORPORA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    dir.join("mail").is_dir().then(|| dir.join("mail"))
}

fn squeeze(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[test]
fn every_message_of_the_corpora_is_read_and_most_expectations_are_met() {
    let Some(dir) = corpora() else {
        println!("The third-party corpora are not here: not run.");
        return;
    };
    let mut score: BTreeMap<(String, &str), (u32, u32)> = BTreeMap::new();
    let mut read = 0;
    for folder in std::fs::read_dir(dir).unwrap() {
        let folder = folder.unwrap().path();
        let Ok(text) = std::fs::read_to_string(folder.join("expected.json")) else {
            continue;
        };
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let expected: Vec<Value> = serde_json::from_str(&text).unwrap();
        for want in expected {
            let file = want["file"].as_str().unwrap();
            let bytes = std::fs::read(folder.join(file)).unwrap();
            let result = madoguchi_mime::decode(&bytes);
            read += 1;
            let Ok(message) = result else {
                score.entry((name.clone(), "readable")).or_default().1 += 1;
                continue;
            };
            let mut check = |what: &'static str, met: bool| {
                let entry = score.entry((name.clone(), what)).or_default();
                entry.0 += u32::from(met);
                entry.1 += 1;
                if !met && std::env::var_os("SHOW").is_some() {
                    println!("{name}/{file}: {what}");
                }
            };
            check("readable", true);
            if let Some(subject) = want["subject"].as_str() {
                check(
                    "subject",
                    squeeze(message.subject.as_deref().unwrap_or_default()) == squeeze(subject),
                );
            }
            if let Some(from) = want["from"].as_str() {
                let got = message
                    .from
                    .as_ref()
                    .map(|p| p.address.to_lowercase())
                    .unwrap_or_default();
                check(
                    "from",
                    from.to_lowercase().contains(&got) && !got.is_empty(),
                );
            }
            if let Some(text) = want["text"].as_str() {
                check("text", squeeze(&message.text) == squeeze(text));
            }
            let contains = match &want["contains"] {
                Value::String(one) => vec![one.as_str()],
                Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            };
            for part in contains {
                check("contains", squeeze(&message.text).contains(&squeeze(part)));
            }
            if let Some(reply) = want["reply_text"].as_str() {
                check("reply_text", squeeze(&message.reply_text) == squeeze(reply));
            }
            let kind = match madoguchi_mime::kind(&message) {
                None => "inquiry",
                Some(MarkKind::AutoReply) => "auto_reply",
                Some(MarkKind::Bounce) => "bounce",
                Some(MarkKind::List) => "list",
            };
            if let Some(want) = want["kind"].as_str() {
                check("kind", kind == want);
            }
            if let Some(machine) = want["machine"].as_bool() {
                check("machine", machine == (kind != "inquiry"));
            }
            if let Some(bounce) = want["bounce"].as_bool() {
                check("bounce", bounce == (kind == "bounce"));
            }
            if let Some(names) = want["attachment_names"].as_array() {
                let got: Vec<_> = message
                    .attachments
                    .iter()
                    .filter_map(|a| a.name.as_deref())
                    .collect();
                let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
                check("attachment_names", got == names);
            }
            if let Some(count) = want["attachments_count"].as_u64() {
                check(
                    "attachments_count",
                    message.attachments.len() as u64 == count,
                );
            }
        }
    }
    let (mut met, mut total) = (0, 0);
    for ((folder, what), (m, t)) in &score {
        println!("{folder:<20} {what:<18} {m}/{t}");
        met += m;
        total += t;
    }
    println!("{met}/{total} expectations met over {read} messages");
    assert!(read > 0);
    assert!(
        f64::from(met) >= MET_AT_LEAST * f64::from(total),
        "{met}/{total}"
    );
}
