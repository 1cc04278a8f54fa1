//! Reads a knowledge directory, or the one built in, into one immutable [`Knowledge`]. Wrong files are all reported, not the first only.

use crate::domain::ids::{DeskId, EntryId, QueueId};
use crate::domain::language::Lang;
use crate::domain::ticket::Audience;
use include_dir::{Dir, include_dir};
use jiff::civil::Date;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

pub use super::problem::{Problem, Severity};

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/knowledge");

/// One entry in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The same in every language.
    pub id: EntryId,
    /// Whose it is.
    pub desk: DeskId,
    /// The language of this file.
    pub lang: Lang,
    /// Whom it is for.
    pub audience: Vec<Audience>,
    /// Group for reports and routing.
    pub category: String,
    /// How people ask for it.
    pub questions: Vec<String>,
    /// Document the answer rests on.
    pub document: String,
    /// Its section.
    pub section: String,
    /// First day it is served.
    pub valid_from: Date,
    /// Last day it is served; no end when `None`.
    pub valid_until: Option<Date>,
    /// Last changed.
    pub updated: Date,
    /// The answer, Markdown.
    pub answer: String,
    /// Path below the knowledge directory.
    pub file: String,
}

impl Entry {
    /// True on the days the entry may be served, both ends included.
    pub fn valid_on(&self, day: Date) -> bool {
        self.valid_from <= day && self.valid_until.is_none_or(|end| day <= end)
    }
}

/// A queue of a desk.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// Its id.
    pub id: QueueId,
    /// What staff see.
    pub name: String,
}

/// A desk as its `desk.toml` describes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Desk {
    /// Its id, the name of its directory.
    pub id: DeskId,
    /// Where inquiries lie that no rule sends elsewhere.
    pub default_queue: QueueId,
    /// The promise, for instance `2bd`.
    pub sla: String,
    /// Its name in each language.
    pub name: BTreeMap<String, String>,
    /// Its queues.
    #[serde(default, rename = "queue")]
    pub queues: Vec<Queue>,
}

/// Words for one thing, per language; the first is the proper one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Japanese.
    #[serde(default)]
    pub ja: Vec<String>,
    /// English.
    #[serde(default)]
    pub en: Vec<String>,
    /// Chinese.
    #[serde(default)]
    pub zh: Vec<String>,
    /// Vietnamese.
    #[serde(default)]
    pub vi: Vec<String>,
}

impl Term {
    /// The words in one language.
    pub fn words(&self, lang: Lang) -> &[String] {
        match lang {
            Lang::Ja => &self.ja,
            Lang::En => &self.en,
            Lang::Zh => &self.zh,
            Lang::Vi => &self.vi,
        }
    }
}

/// A document entries may cite.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceDocument {
    /// Its number.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The title in English.
    #[serde(default)]
    pub title_en: String,
    /// The sections that may be cited.
    pub sections: Vec<String>,
}

/// Everything a version of the knowledge holds. Immutable.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    /// Desks, by id.
    pub desks: Vec<Desk>,
    /// Entries, by file name.
    pub entries: Vec<Entry>,
    /// The glossary of all desks.
    pub glossary: Vec<Term>,
    /// Documents that may be cited.
    pub sources: Vec<SourceDocument>,
    /// `guards.toml` as text, for [`crate::domain::guard::Guards::compile`].
    pub guards: String,
    /// `calibration.toml` as text.
    pub calibration: String,
    /// `small-talk.toml` as text.
    pub small_talk: String,
    /// `outside.toml` as text; empty when there is none.
    pub outside: String,
    /// The same of the desks.
    pub desk_outside: BTreeMap<DeskId, String>,
    /// `guard_examples.toml` as text; empty when there is none.
    pub guard_examples: String,
    /// `question-kinds.toml` as text; empty when there is none.
    pub question_kinds: String,
    /// Every other TOML file, path → text: routes, look-up tables, intake forms; parsed by who uses them.
    pub texts: BTreeMap<String, String>,
    /// Hash of every file, hexadecimal.
    pub version: String,
}

/// What reading gave: as much as could be read, and all that is wrong.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// As much as could be read.
    pub knowledge: Knowledge,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl Loaded {
    /// The knowledge, unless a problem forbids serving it.
    ///
    /// # Errors
    /// All problems, when one of them is an error.
    pub fn into_result(self) -> Result<Knowledge, Vec<Problem>> {
        if self.problems.iter().any(|p| p.severity == Severity::Error) {
            Err(self.problems)
        } else {
            Ok(self.knowledge)
        }
    }
}

impl Knowledge {
    /// Reads the knowledge built into the program.
    pub fn load_embedded() -> Loaded {
        let mut files = BTreeMap::new();
        collect_embedded(&EMBEDDED, &mut files);
        Self::from_files(&files)
    }

    /// Reads a directory.
    pub fn load_dir(dir: &Path) -> Loaded {
        let mut files = BTreeMap::new();
        let mut problems = Vec::new();
        collect_dir(dir, dir, &mut files, &mut problems);
        let mut loaded = Self::from_files(&files);
        problems.append(&mut loaded.problems);
        Loaded {
            knowledge: loaded.knowledge,
            problems,
        }
    }

    /// Reads files given as path → text (UTF-8 lossless).
    pub fn from_files(files: &BTreeMap<String, String>) -> Loaded {
        let mut out = Loaded::default();
        let mut hash = Sha256::new();
        for (path, text) in files {
            hash.update((path.len() as u64).to_be_bytes());
            hash.update(path);
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
            read_file(path, text, &mut out);
        }
        out.knowledge.version = hash
            .finalize()
            .iter()
            .take(12)
            .map(|b| format!("{b:02x}"))
            .collect();
        if out.knowledge.desks.is_empty() {
            out.problems.push(Problem::error(
                "desks",
                1,
                "there is no desk: add desks/<desk>/desk.toml",
            ));
        }
        out
    }

    /// The languages a desk has any entry in.
    pub fn languages(&self, desk: &DeskId) -> Vec<Lang> {
        Lang::ALL
            .iter()
            .copied()
            .filter(|l| self.entries.iter().any(|e| e.desk == *desk && e.lang == *l))
            .collect()
    }

    /// An entry in a language.
    pub fn entry(&self, desk: &DeskId, id: &EntryId, lang: Lang) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|e| e.id == *id && e.lang == lang && e.desk == *desk)
    }
}

fn collect_embedded(dir: &Dir<'static>, files: &mut BTreeMap<String, String>) {
    for file in dir.files() {
        let path = file.path().to_string_lossy().replace('\\', "/");
        if wanted(&path) {
            files.insert(path, String::from_utf8_lossy(file.contents()).into_owned());
        }
    }
    for sub in dir.dirs() {
        collect_embedded(sub, files);
    }
}

/// Markdown and TOML; hidden files and editors' backups are not knowledge.
pub(crate) fn wanted(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    !name.starts_with(['.', '#']) && (name.ends_with(".md") || name.ends_with(".toml"))
}

fn collect_dir(
    root: &Path,
    dir: &Path,
    files: &mut BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) {
    let shown = |p: &Path| {
        p.strip_prefix(root)
            .unwrap_or(p)
            .to_string_lossy()
            .replace('\\', "/")
    };
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) => {
            problems.push(Problem::error(
                &shown(dir),
                1,
                format!(
                    "the directory cannot be read ({e}): check that it exists and its permissions"
                ),
            ));
            return;
        }
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect_dir(root, &path, files, problems);
        } else if wanted(&shown(&path)) {
            match std::fs::read(&path).map(String::from_utf8) {
                Ok(Ok(text)) => {
                    files.insert(shown(&path), text);
                }
                Ok(Err(_)) => problems.push(Problem::error(
                    &shown(&path),
                    1,
                    "the file is not UTF-8: save it as UTF-8",
                )),
                Err(e) => problems.push(Problem::error(
                    &shown(&path),
                    1,
                    format!("the file cannot be read ({e})"),
                )),
            }
        }
    }
}

fn read_file(path: &str, text: &str, out: &mut Loaded) {
    let parts: Vec<&str> = path.split('/').collect();
    let k = &mut out.knowledge;
    match parts.as_slice() {
        ["sources.toml"] => {
            #[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            struct File {
                #[serde(default)]
                document: Vec<SourceDocument>,
            }
            if let Some(f) = read_toml::<File>(path, text, &mut out.problems) {
                k.sources = f.document;
            }
        }
        ["guards.toml"] => k.guards = text.to_owned(),
        ["calibration.toml"] => k.calibration = text.to_owned(),
        ["small-talk.toml"] => k.small_talk = text.to_owned(),
        ["outside.toml"] => k.outside = text.to_owned(),
        ["desks", desk, "outside.toml"] => {
            k.desk_outside.insert(DeskId::from(*desk), text.to_owned());
        }
        ["guard_examples.toml"] => k.guard_examples = text.to_owned(),
        ["question-kinds.toml"] => k.question_kinds = text.to_owned(),
        ["desks", desk, "desk.toml"] => {
            if let Some(d) = read_toml::<Desk>(path, text, &mut out.problems) {
                if d.id.as_str() != *desk {
                    out.problems.push(Problem::error(
                        path,
                        line_of(text, "id"),
                        format!(
                            "the desk calls itself `{}` but lies in `{desk}`: make them equal",
                            d.id
                        ),
                    ));
                }
                if !d.queues.iter().any(|q| q.id == d.default_queue) {
                    out.problems.push(Problem::error(
                        path,
                        line_of(text, "default_queue"),
                        format!(
                            "default_queue `{}` is no [[queue]] of this desk",
                            d.default_queue
                        ),
                    ));
                }
                k.desks.push(d);
            }
        }
        ["desks", _, "glossary.toml"] => {
            #[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            struct File {
                #[serde(default)]
                term: Vec<Term>,
            }
            if let Some(f) = read_toml::<File>(path, text, &mut out.problems) {
                k.glossary.extend(f.term);
            }
        }
        ["desks", desk, "faq", lang, file] if file.ends_with(".md") => match Lang::parse(lang) {
            None => out.problems.push(Problem::error(
                path,
                1,
                format!("`{lang}` is no language here: the directories are ja, en, zh, vi"),
            )),
            Some(lang) => {
                if let Some(e) = read_entry(path, text, desk, lang, file, &mut out.problems) {
                    k.entries.push(e);
                }
            }
        },
        [.., file] if file.ends_with(".md") => {
            if !file.eq_ignore_ascii_case("readme.md") {
                out.problems.push(Problem::error(
                    path,
                    1,
                    "an entry lies at desks/<desk>/faq/<lang>/<id>.md: move it there",
                ));
            }
        }
        _ => {
            k.texts.insert(path.to_owned(), text.to_owned());
        }
    }
}

fn read_toml<T: serde::de::DeserializeOwned>(
    path: &str,
    text: &str,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    match toml::from_str(text) {
        Ok(v) => Some(v),
        Err(e) => {
            let line = e.span().map_or(1, |s| line_at(text, s.start));
            problems.push(Problem::error(
                path,
                line,
                format!("{}: correct this line", e.message()),
            ));
            None
        }
    }
}

/// The line a byte offset lies on, from 1.
pub(crate) fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
}

/// The line a key stands on, from 1; 1 when it is missing.
pub(crate) fn line_of(text: &str, key: &str) -> usize {
    text.lines()
        .position(|l| {
            l.trim_start()
                .strip_prefix(key)
                .is_some_and(|r| r.trim_start().starts_with([':', '=']))
        })
        .map_or(1, |i| i + 1)
}

/// The line a phrase stands on, from 1; 1 when it is not found.
pub(crate) fn line_with(text: &str, phrase: &str) -> usize {
    text.lines()
        .position(|l| l.contains(phrase))
        .map_or(1, |i| i + 1)
}

const KEYS: &[&str] = &[
    "id",
    "audience",
    "category",
    "questions",
    "source",
    "valid_from",
    "valid_until",
    "updated",
];

#[derive(Deserialize)]
struct Source {
    document: String,
    section: String,
}

fn read_entry(
    path: &str,
    text: &str,
    desk: &str,
    lang: Lang,
    file: &str,
    problems: &mut Vec<Problem>,
) -> Option<Entry> {
    let clean = text
        .strip_prefix('\u{feff}')
        .unwrap_or(text)
        .replace("\r\n", "\n");
    let Some((front, body)) = clean.strip_prefix("---\n").and_then(|rest| {
        rest.split_once("\n---\n")
            .or_else(|| rest.strip_suffix("\n---").map(|f| (f, "")))
    }) else {
        problems.push(Problem::error(path, 1, "the front matter is missing: begin the file with a line `---`, the fields, and a line `---`"));
        return None;
    };
    let map: BTreeMap<String, serde_json::Value> = match serde_saphyr::from_str(front) {
        Ok(m) => m,
        Err(e) => {
            let message = e.to_string();
            let line = e.location().map_or(2, |l| l.line() as usize + 1);
            problems.push(Problem::error(
                path,
                line,
                format!(
                    "the front matter is no valid YAML: {}",
                    message.lines().next().unwrap_or_default()
                ),
            ));
            return None;
        }
    };
    let line = |key: &str| line_of(&clean, key);
    for key in map.keys().filter(|k| !KEYS.contains(&k.as_str())) {
        let near = KEYS
            .iter()
            .max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key)))
            .copied()
            .unwrap_or("id");
        problems.push(Problem::error(
            path,
            line(key),
            format!("unknown field `{key}`: did you mean `{near}`?"),
        ));
    }
    let mut text_of = |key: &str, required: bool| -> Option<String> {
        match map.get(key) {
            Some(serde_json::Value::String(s)) if !s.trim().is_empty() => Some(s.trim().to_owned()),
            Some(serde_json::Value::Null) | None if !required => None,
            None => {
                problems.push(Problem::error(
                    path,
                    1,
                    format!("the field `{key}` is missing: add it"),
                ));
                None
            }
            Some(_) => {
                problems.push(Problem::error(
                    path,
                    line_of(&clean, key),
                    format!("`{key}` must be a text: write it in quotation marks"),
                ));
                None
            }
        }
    };
    let id = text_of("id", true);
    let category = text_of("category", true);
    let dates: Vec<(&str, Option<String>)> = [
        ("valid_from", true),
        ("valid_until", false),
        ("updated", true),
    ]
    .into_iter()
    .map(|(k, r)| (k, text_of(k, r)))
    .collect();
    let mut date_of = |key: &str| -> Option<Date> {
        let value = dates
            .iter()
            .find(|(k, _)| *k == key)
            .and_then(|(_, v)| v.as_deref())?;
        match value.parse() {
            Ok(d) => Some(d),
            Err(_) => {
                problems.push(Problem::error(
                    path,
                    line_of(&clean, key),
                    format!("`{key}: {value}` is no date: write it like 2026-04-01"),
                ));
                None
            }
        }
    };
    let valid_from = date_of("valid_from");
    let valid_until = date_of("valid_until");
    let updated = date_of("updated");
    let list = |key: &str| -> Option<Vec<String>> {
        serde_json::from_value::<Vec<String>>(map.get(key)?.clone()).ok()
    };
    let questions = list("questions").unwrap_or_else(|| {
        problems.push(Problem::error(
            path,
            line("questions"),
            "`questions` must be a list of phrasings in quotation marks",
        ));
        Vec::new()
    });
    let mut audience = Vec::new();
    for name in list("audience").unwrap_or_else(|| {
        problems.push(Problem::error(
            path,
            line("audience"),
            "`audience` must be a list, for instance [applicant]",
        ));
        Vec::new()
    }) {
        match Audience::parse(&name) {
            Some(a) => audience.push(a),
            None => {
                let all: Vec<&str> = Audience::ALL.iter().map(|a| a.as_str()).collect();
                problems.push(Problem::error(
                    path,
                    line("audience"),
                    format!("`{name}` is no audience: there are {}", all.join(", ")),
                ));
            }
        }
    }
    let source = match map
        .get("source")
        .cloned()
        .map(serde_json::from_value::<Source>)
    {
        Some(Ok(s)) => s,
        _ => {
            problems.push(Problem::error(
                path,
                line("source"),
                "`source` must name `document` and `section`, both in quotation marks",
            ));
            return None;
        }
    };
    let stem = file.strip_suffix(".md").unwrap_or(file);
    if let Some(id) = id.as_deref().filter(|id| *id != stem) {
        problems.push(Problem::error(
            path,
            line("id"),
            format!("the id `{id}` is not the file name `{stem}`: make them equal"),
        ));
    }
    if body.trim().is_empty() {
        let last = clean.lines().count();
        problems.push(Problem::error(
            path,
            last,
            "the answer is empty: write it below the second `---`",
        ));
    }
    if let (Some(from), Some(until)) = (valid_from, valid_until)
        && until < from
    {
        problems.push(Problem::error(
            path,
            line("valid_until"),
            "`valid_until` lies before `valid_from`: correct one of them",
        ));
    }
    Some(Entry {
        id: EntryId(id?),
        desk: DeskId(desk.to_owned()),
        lang,
        audience,
        category: category?,
        questions,
        document: source.document,
        section: source.section,
        valid_from: valid_from?,
        valid_until,
        updated: updated?,
        answer: body.trim().to_owned(),
        file: path.to_owned(),
    })
}
