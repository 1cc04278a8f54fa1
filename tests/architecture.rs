//! The arrows between the rooms: what may use what. Sources are read as text, so a forbidden path fails here before a reviewer sees it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::PathBuf;

fn sources(dir: &str) -> Vec<(PathBuf, String)> {
    let root =
        PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package"));
    let mut found = Vec::new();
    let mut open = vec![root.join(dir)];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&root).unwrap().to_owned(), text));
            }
        }
    }
    assert!(!found.is_empty(), "{dir} has sources");
    found
}

/// The code of a file without comments and its unit tests.
fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    body.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn forbid(dir: &str, words: &[&str]) {
    for (path, text) in sources(dir) {
        let code = code(&text);
        for word in words {
            assert!(
                !code.contains(word),
                "{} must not use `{word}`",
                path.display()
            );
        }
    }
}

#[test]
fn the_domain_knows_no_io_no_clock_and_nobody_outside() {
    forbid(
        "src/domain",
        &[
            "crate::flow",
            "crate::store",
            "crate::faq",
            "crate::web",
            "crate::workers",
            "crate::cli",
            "crate::config",
            "crate::app",
            "crate::prompts",
            "tokio::",
            "sqlx::",
            "tantivy::",
            "tracing::",
            "std::fs",
            "std::env",
            "std::net",
            "Timestamp::now",
            "SystemTime::now",
            "Instant::now",
        ],
    );
}

#[test]
fn the_use_cases_know_only_the_domain_the_port_and_the_texts() {
    forbid(
        "src/flow",
        &[
            "crate::store",
            "crate::faq",
            "crate::web",
            "crate::workers",
            "crate::cli",
            "crate::config",
            "crate::app",
            "sqlx::",
            "tantivy::",
            "Timestamp::now",
            "madoguchi_email",
            "madoguchi_maildir",
        ],
    );
}

#[test]
fn the_rim_does_not_reach_into_its_neighbours() {
    forbid(
        "src/store",
        &["crate::cli", "crate::workers", "crate::web", "crate::faq"],
    );
    forbid(
        "src/faq",
        &["crate::cli", "crate::workers", "crate::web", "crate::store"],
    );
    forbid(
        "src/workers",
        &["crate::cli", "crate::web", "crate::store", "crate::faq"],
    );
}

#[test]
fn bots_know_the_port_and_no_desk() {
    for bot in [
        "channel", "mime", "email", "maildir", "trust", "telegram", "discord", "line",
    ] {
        forbid(&format!("bots/{bot}/src"), &["madoguchi::", "TicketId"]);
    }
    forbid(
        "bots/channel/src",
        &["madoguchi_mime", "madoguchi_email", "madoguchi_maildir"],
    );
    forbid(
        "bots/mime/src",
        &[
            "tokio::",
            "std::fs",
            "std::net",
            "madoguchi_email",
            "madoguchi_maildir",
        ],
    );
}

#[test]
fn files_stay_small_enough_to_be_one_subject() {
    for dir in ["src", "bots"] {
        for (path, text) in sources(dir) {
            let lines = text.lines().count();
            assert!(
                lines <= 700,
                "{} has {lines} lines: it is two subjects",
                path.display()
            );
        }
    }
}
