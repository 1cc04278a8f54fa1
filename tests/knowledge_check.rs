//! The linter finds what must not serve, with file and line; reloading never lets a wrong version in.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

use jiff::civil::{Date, date};
use madoguchi::domain::ids::DeskId;
use madoguchi::domain::language::Lang;
use madoguchi::faq::{Index, Knowledge, Library, Problem, Question, Reload, Severity, check};
use std::collections::BTreeMap;

const TODAY: Date = date(2026, 11, 20);

fn entry(id: &str, questions: &[&str], extra: &str) -> String {
    let list: String = questions.iter().map(|q| format!("  - \"{q}\"\n")).collect();
    format!(
        "---\nid: {id}\naudience: [payer]\ncategory: billing\nquestions:\n{list}source:\n  document: \"000\"\n  section: \"4(6)\"\nvalid_from: 2026-04-01\nupdated: 2026-11-20\n{extra}---\nThe answer about {id}.\n"
    )
}

const DUE_JA: [&str; 4] = [
    "振込の期限はいつですか",
    "いつまでに払えばいい",
    "支払期日",
    "締め切り教えて",
];
const DUE_EN: [&str; 4] = [
    "When is the transfer due?",
    "payment deadline",
    "until when must I pay",
    "last day for paying",
];
const NUMBER_JA: [&str; 4] = [
    "会員番号は何件まで発行できますか",
    "会員番号の数",
    "番号を追加したい",
    "番号いくつもらえる",
];
const NUMBER_EN: [&str; 4] = [
    "How many member numbers are issued?",
    "number of member numbers",
    "add a member number",
    "more membership ids",
];

fn good() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut put = |path: &str, text: String| files.insert(path.to_owned(), text);
    put("desks/water/desk.toml", "id = \"water\"\ndefault_queue = \"w\"\nsla = \"2bd\"\n[name]\nja = \"水\"\nen = \"Water\"\n[[queue]]\nid = \"w\"\nname = \"W\"\n".into());
    put(
        "sources.toml",
        "[[document]]\nid = \"000\"\ntitle = \"仕様書\"\nsections = [\"4(5)\", \"4(6)\"]\n".into(),
    );
    put("guards.toml", Knowledge::load_embedded().knowledge.guards);
    put("desks/water/faq/ja/due.md", entry("due", &DUE_JA, ""));
    put("desks/water/faq/en/due.md", entry("due", &DUE_EN, ""));
    put(
        "desks/water/faq/ja/number.md",
        entry("number", &NUMBER_JA, ""),
    );
    put(
        "desks/water/faq/en/number.md",
        entry("number", &NUMBER_EN, ""),
    );
    files
}

fn lint(files: &BTreeMap<String, String>) -> Vec<Problem> {
    check::check(
        &Knowledge::from_files(files),
        &|f| files.get(f).cloned(),
        TODAY,
    )
    .expect("an index is built")
}

fn errors(files: &BTreeMap<String, String>) -> Vec<String> {
    lint(files)
        .iter()
        .filter(|p| p.severity == Severity::Error)
        .map(ToString::to_string)
        .collect()
}

#[track_caller]
fn finds(files: &BTreeMap<String, String>, part: &str) {
    let all = errors(files);
    assert!(
        all.iter().any(|e| e.contains(part)),
        "«{part}» not in {all:#?}"
    );
}

#[test]
fn a_good_knowledge_has_no_errors() {
    assert_eq!(errors(&good()), Vec::<String>::new());
}

#[test]
fn a_missing_translation_is_found() {
    let mut files = good();
    files.remove("desks/water/faq/en/due.md");
    finds(&files, "write desks/water/faq/en/due.md");
}

#[test]
fn a_language_begun_for_one_entry_is_expected_of_all() {
    let mut files = good();
    files.insert(
        "desks/water/faq/vi/due.md".into(),
        entry(
            "due",
            &["hạn nộp", "khi nào", "bao giờ nộp", "hạn chót"],
            "",
        ),
    );
    finds(&files, "write desks/water/faq/vi/number.md");
}

#[test]
fn fewer_than_four_phrasings_are_found_with_their_line() {
    let mut files = good();
    files.insert(
        "desks/water/faq/ja/due.md".into(),
        entry("due", &["期限は？", "期限は", "いつ"], ""),
    );
    finds(
        &files,
        "desks/water/faq/ja/due.md:5: error: 2 different phrasings",
    );
}

#[test]
fn an_expired_entry_is_found_and_never_served() {
    let mut files = good();
    files.insert(
        "desks/water/faq/ja/due.md".into(),
        entry("due", &DUE_JA, "valid_until: 2026-11-19\n"),
    );
    finds(&files, "expired on 2026-11-19");
    let index = Index::build(&Knowledge::from_files(&files).knowledge).expect("built");
    let ask = |today| {
        index
            .search(&Question {
                text: DUE_JA[0].into(),
                lang: Lang::Ja,
                desk: None,
                today,
            })
            .iter()
            .any(|h| h.entry.as_str() == "due" && h.lang == Lang::Ja)
    };
    assert!(ask(date(2026, 11, 19)), "served on its last day");
    assert!(!ask(TODAY), "not served the day after");
    assert!(
        !ask(date(2026, 3, 31)),
        "not served the day before its first"
    );
}

#[test]
fn a_duplicate_id_is_found_across_desks() {
    let mut files = good();
    files.insert("desks/card/desk.toml".into(), "id = \"card\"\ndefault_queue = \"c\"\nsla = \"2bd\"\nname = {}\n[[queue]]\nid = \"c\"\nname = \"C\"\n".into());
    for lang in ["ja", "en"] {
        files.insert(
            format!("desks/card/faq/{lang}/due.md"),
            entry("due", &["a1", "b2", "c3", "d4"], ""),
        );
    }
    finds(&files, "the id `due` is used by");
}

#[test]
fn an_unknown_source_document_and_section_are_found_with_the_nearest_right_one() {
    let mut files = good();
    files.insert(
        "desks/water/faq/ja/due.md".into(),
        entry("due", &DUE_JA, "").replace("4(6)", "4(66)"),
    );
    finds(&files, "did you mean `4(6)`");
    files.insert(
        "desks/water/faq/ja/due.md".into(),
        entry("due", &DUE_JA, "").replace("\"000\"", "\"009\""),
    );
    finds(&files, "unknown source document `009`");
}

#[test]
fn two_entries_with_one_phrasing_are_found() {
    let mut files = good();
    let mut same = NUMBER_JA;
    same[3] = "いつまでに 払えばいい？";
    files.insert(
        "desks/water/faq/ja/number.md".into(),
        entry("number", &same, ""),
    );
    finds(
        &files,
        "the phrasing «いつまでに 払えばいい？» is one of desks/water/faq/ja/due.md too",
    );
}

#[test]
fn two_entries_that_answer_each_others_phrasings_are_warned_of() {
    let mut files = good();
    let mut near = NUMBER_JA;
    near[3] = "振込の期限はいつまでですか";
    files.insert(
        "desks/water/faq/ja/number.md".into(),
        entry("number", &near, ""),
    );
    let all = lint(&files);
    assert!(
        all.iter()
            .any(|p| p.severity == Severity::Warning
                && p.message.contains("would be answered by `due`")),
        "{all:#?}"
    );
}

#[test]
fn unknown_fields_wrong_names_and_empty_answers_are_all_reported_at_once() {
    let mut files = good();
    let text = entry("dew", &DUE_JA, "audiance: [x]\n").replace("The answer about dew.", "");
    files.insert(
        "desks/water/faq/ja/due.md".into(),
        text.replace("[payer]", "[payers]"),
    );
    finds(&files, "did you mean `audience`?");
    finds(&files, "the id `dew` is not the file name `due`");
    finds(&files, "the answer is empty");
    finds(&files, "`payers` is no audience");
}

#[test]
fn a_real_looking_contact_is_warned_of_and_an_example_is_not() {
    let mut files = good();
    files.insert(
        "desks/water/faq/ja/due.md".into(),
        entry("due", &DUE_JA, "").replace(
            "The answer",
            "someone@not-reserved.co.jp 03-1234-5678 office@desk.example.jp The answer",
        ),
    );
    let warnings: Vec<String> = lint(&files).iter().map(|p| p.message.clone()).collect();
    assert!(
        warnings
            .iter()
            .any(|w| w.contains("someone@not-reserved.co.jp")),
        "{warnings:?}"
    );
    assert!(
        warnings.iter().any(|w| w.contains("03-1234-5678")),
        "{warnings:?}"
    );
    assert!(
        !warnings
            .iter()
            .any(|w| w.contains("desk.example.jp` looks")),
        "{warnings:?}"
    );
}

#[test]
fn a_wrong_file_is_refused_and_the_last_good_version_goes_on_serving() {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    for (path, text) in good() {
        write(&path, &text);
    }
    let library = Library::open(dir.path()).expect("good knowledge");
    let first = library.current().knowledge.version.clone();
    assert_eq!(library.reload_if_changed(dir.path()), Reload::Unchanged);

    write("desks/water/faq/ja/due.md", "no front matter here");
    let Reload::Refused(problems) = library.reload_if_changed(dir.path()) else {
        panic!("refused")
    };
    assert_eq!(problems[0].file, "desks/water/faq/ja/due.md");
    assert_eq!(library.current().knowledge.version, first);
    assert_eq!(
        library.reload_if_changed(dir.path()),
        Reload::Unchanged,
        "said once a change"
    );

    let mut more = DUE_JA.to_vec();
    more.push("水道代はいつまで");
    write("desks/water/faq/ja/due.md", &entry("due", &more, ""));
    let Reload::Swapped(version) = library.reload_if_changed(dir.path()) else {
        panic!("swapped")
    };
    assert_ne!(version, first);
    let hits = library.current().index.search(&Question {
        text: "水道代はいつまで".into(),
        lang: Lang::Ja,
        desk: Some(DeskId::from("water")),
        today: TODAY,
    });
    assert_eq!(hits[0].entry.as_str(), "due");
}
