//! Every message of the public test corpora, read in place (they are not part of this project): no panic, and what is known of
//! each is met. `MADOGUCHI_CORPORA` names the directory; without it `../shared/corpora` beside the workspace is tried.

#![allow(clippy::expect_used, clippy::indexing_slicing)]

use madoguchi_channel::{InboundMessage, MarkKind};
use serde_json::Value;
use std::path::PathBuf;

/// Expectations that are knowingly not met: folder, file, field, and why.
const DEVIATIONS: &[(&str, &str, &str, &str)] = &[(
    "email-reply-parser",
    "email_sent_from_my_not_signature.eml",
    "reply_text",
    "a sentence that begins like a phone's footer is kept: when in doubt nothing is cut",
)];

fn corpora() -> Option<PathBuf> {
    let named = std::env::var_os("MADOGUCHI_CORPORA").map(PathBuf::from);
    let beside =
        PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package"))
            .join("../../../shared/corpora");
    named
        .or(Some(beside))
        .map(|p| p.join("mail"))
        .filter(|p| p.is_dir())
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn kind_name(message: &InboundMessage) -> &'static str {
    match madoguchi_mime::kind(message) {
        None => "inquiry",
        Some(MarkKind::Bounce) => "bounce",
        Some(MarkKind::AutoReply) => "auto_reply",
        Some(MarkKind::List) => "list",
    }
}

/// (field, met, what was read) for every expectation of one message.
fn checks(expected: &Value, message: &InboundMessage) -> Vec<(String, bool, String)> {
    let mut found = Vec::new();
    let mut check =
        |field: &str, met: bool, read: String| found.push((field.to_owned(), met, read));
    let same = |wanted: &Value, read: &str| {
        squeezed(wanted.as_str().unwrap_or_default()) == squeezed(read)
    };
    for (field, wanted) in expected.as_object().expect("an object") {
        match field.as_str() {
            "subject" => {
                let read = message.subject.clone().unwrap_or_default();
                check(field, same(wanted, &read), read);
            }
            "from" => {
                let read = message.from.clone().map(|p| p.address).unwrap_or_default();
                check(
                    field,
                    squeezed(wanted.as_str().unwrap_or_default()).to_lowercase()
                        == squeezed(&read).to_lowercase(),
                    read,
                );
            }
            "text" => check(field, same(wanted, &message.text), message.text.clone()),
            "reply_text" => check(
                field,
                same(wanted, &message.reply_text),
                message.reply_text.clone(),
            ),
            "contains" => {
                let pieces: Vec<&str> = wanted
                    .as_array()
                    .map(|a| a.iter().filter_map(Value::as_str).collect())
                    .unwrap_or_else(|| vec![wanted.as_str().unwrap_or_default()]);
                let text = squeezed(&message.text);
                check(
                    field,
                    pieces.iter().all(|p| text.contains(&squeezed(p))),
                    message.text.clone(),
                );
            }
            "kind" => check(
                field,
                wanted.as_str() == Some(kind_name(message)),
                kind_name(message).to_owned(),
            ),
            "bounce" => check(
                field,
                wanted.as_bool() == Some(kind_name(message) == "bounce"),
                kind_name(message).to_owned(),
            ),
            "machine" => check(
                field,
                wanted.as_bool() == Some(kind_name(message) != "inquiry"),
                kind_name(message).to_owned(),
            ),
            "attachment_names" => {
                let wanted: Vec<&str> = wanted
                    .as_array()
                    .map(|a| a.iter().filter_map(Value::as_str).collect())
                    .unwrap_or_default();
                let read: Vec<&str> = message
                    .attachments
                    .iter()
                    .filter_map(|a| a.name.as_deref())
                    .collect();
                // Without a count the list may name only some of them.
                let all = expected.get("attachments_count").is_none() || wanted.len() == read.len();
                let found = wanted
                    .iter()
                    .all(|w| read.iter().any(|r| squeezed(r) == squeezed(w)));
                check(field, all && found, read.join(" | "));
            }
            "attachments_count" => {
                let read = message.attachments.len();
                check(
                    field,
                    wanted.as_u64() == Some(read as u64),
                    read.to_string(),
                );
            }
            "quote" => {
                // What stands above and below the quoted message was newly written; where there is neither, the whole is kept.
                let part = |name: &str| {
                    squeezed(wanted.get(name).and_then(Value::as_str).unwrap_or_default())
                };
                let (top, bottom) = (part("text_top"), part("text_bottom"));
                let read = squeezed(&message.reply_text);
                let met = if top.is_empty() && bottom.is_empty() {
                    read == squeezed(&message.text)
                } else {
                    // A signature below is cut.
                    read == format!("{top}{bottom}") || (bottom.starts_with("--") && read == top)
                };
                check(field, met, message.reply_text.clone());
            }
            _ => {}
        }
    }
    found
}

#[test]
fn every_message_of_the_corpora_is_read_as_expected() {
    let Some(root) = corpora() else {
        println!("the corpora are absent: not run (set MADOGUCHI_CORPORA)");
        return;
    };
    let show = std::env::var_os("MADOGUCHI_SHOW").is_some();
    let mut failures = Vec::new();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&root)
        .expect("corpora")
        .map(|e| e.expect("entry").path())
        .filter(|p| p.is_dir())
        .collect();
    folders.sort();
    let (mut all_met, mut all) = (0, 0);
    for folder in folders {
        let name = folder
            .file_name()
            .expect("name")
            .to_string_lossy()
            .into_owned();
        let expected: Value = serde_json::from_slice(
            &std::fs::read(folder.join("expected.json")).expect("expected.json"),
        )
        .expect("JSON");
        let (mut met_here, mut here, mut messages) = (0, 0, 0);
        for case in expected.as_array().expect("a list") {
            let file = case["file"].as_str().expect("file");
            let bytes = std::fs::read(folder.join(file)).expect("message");
            messages += 1;
            let message = match madoguchi_mime::decode(&bytes) {
                Ok(message) => message,
                Err(error) => {
                    failures.push(format!("{name}/{file}: not read: {error}"));
                    continue;
                }
            };
            for (field, met, read) in checks(case, &message) {
                here += 1;
                met_here += usize::from(met);
                if met {
                    continue;
                }
                if show {
                    println!(
                        "{name}/{file} {field}\n  wanted {}\n  read   {read:?}",
                        case[&field]
                    );
                }
                if !DEVIATIONS
                    .iter()
                    .any(|(d, f, what, _)| *d == name && *f == file && *what == field)
                {
                    failures.push(format!("{name}/{file}: {field}"));
                }
            }
            // Mojibake shows as U+FFFD; only where the sender's own bytes hold it (a loss on the way here) it may stand.
            if bytes.windows(3).any(|w| w == "\u{fffd}".as_bytes()) {
                continue;
            }
            for (what, text) in [
                ("subject", message.subject.as_deref().unwrap_or_default()),
                ("text", message.text.as_str()),
            ] {
                if text.contains('\u{fffd}') {
                    if show {
                        println!(
                            "{name}/{file} U+FFFD in {what}: {:?}",
                            text.chars().take(300).collect::<String>()
                        );
                    }
                    if !DEVIATIONS
                        .iter()
                        .any(|(d, f, w, _)| *d == name && *f == file && *w == "lost characters")
                    {
                        failures.push(format!("{name}/{file}: lost characters in {what}"));
                    }
                }
            }
        }
        println!("{name}: {met_here} of {here} expectations met in {messages} messages");
        all_met += met_here;
        all += here;
    }
    println!(
        "all folders: {all_met} of {all}, {} known deviations",
        DEVIATIONS.len()
    );
    assert!(all > 0, "the corpora hold no expectations");
    assert!(
        failures.is_empty(),
        "{} not as expected:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
