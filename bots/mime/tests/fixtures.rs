//! Pairs of files, each named by its situation: a raw message and how it is understood. `MADOGUCHI_UPDATE=1` rewrites the
//! expected side for review.

#![allow(clippy::expect_used, clippy::indexing_slicing)]

use madoguchi_channel::InboundMessage;
use serde_json::{Value, json};

fn understood(message: &InboundMessage) -> Value {
    let mut value = serde_json::to_value(message).expect("a message is plain data");
    value["kind"] = json!(madoguchi_mime::kind(message));
    value
}

#[test]
fn every_fixture_is_understood_as_written_beside_it() {
    let folder = std::path::PathBuf::from(
        std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package"),
    )
    .join("fixtures");
    let update = std::env::var_os("MADOGUCHI_UPDATE").is_some();
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .expect("fixtures")
        .map(|e| e.expect("entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "eml"))
        .collect();
    names.sort();
    assert!(names.len() >= 25, "fixtures are missing");
    let mut wrong = Vec::new();
    for raw in names {
        let bytes = std::fs::read(&raw).expect("fixture");
        let read = match madoguchi_mime::decode(&bytes) {
            Ok(message) => understood(&message),
            Err(error) => json!({ "error": error.reason }),
        };
        let beside = raw.with_extension("expected.json");
        if update {
            let text = serde_json::to_string_pretty(&read).expect("JSON");
            std::fs::write(&beside, text + "\n").expect("written");
            continue;
        }
        let expected: Value =
            serde_json::from_slice(&std::fs::read(&beside).expect("expected side")).expect("JSON");
        if read != expected {
            wrong.push(format!(
                "{}\n  expected {expected}\n  read     {read}",
                raw.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Contents and list must not get out of step: a file would go by another's name.
#[test]
fn the_contents_of_the_files_come_in_the_order_of_the_list() {
    let folder = std::path::PathBuf::from(
        std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package"),
    )
    .join("fixtures");
    let mut with_files = 0;
    for entry in std::fs::read_dir(folder).expect("fixtures") {
        let path = entry.expect("a file").path();
        if path.extension().is_none_or(|e| e != "eml") {
            continue;
        }
        let bytes = std::fs::read(&path).expect("a message");
        let Ok(message) = madoguchi_mime::decode(&bytes) else {
            continue;
        };
        let contents = madoguchi_mime::files(&bytes);
        assert_eq!(
            contents.len(),
            message.attachments.len(),
            "{}",
            path.display()
        );
        for (content, attachment) in contents.iter().zip(&message.attachments) {
            assert!(
                content.is_empty() || content.len() == attachment.size,
                "{}: {attachment:?}",
                path.display()
            );
            with_files += usize::from(!content.is_empty());
        }
    }
    assert!(with_files > 5);
}
