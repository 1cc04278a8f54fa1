//! The linter: what can be read but must not, or should not, serve.

use super::features::{Without, weigh};
use super::index::{Index, IndexError, bare};
use super::load::{Entry, Knowledge, Loaded, Problem, line_of, line_with};
use super::model::Calibration;
use super::small_talk::SmallTalk;
use crate::domain::guard::Guards;
use crate::domain::ids::{DeskId, EntryId};
use crate::domain::language::Lang;
use jiff::civil::Date;
use regex::Regex;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

/// Phrasings an entry needs in each language.
pub const PHRASINGS: usize = 4;
/// Languages every desk must offer.
const REQUIRED: [Lang; 2] = [Lang::Ja, Lang::En];

/// Everything that is wrong with a knowledge on a day: what reading it found, then what the linter finds, by file and line.
///
/// # Errors
/// The index for the comparison of phrasings could not be built.
pub fn check(
    loaded: &Loaded,
    sources: &dyn Fn(&str) -> Option<String>,
    today: Date,
) -> Result<Vec<Problem>, IndexError> {
    let k = &loaded.knowledge;
    let mut out = loaded.problems.clone();
    for e in &k.entries {
        entry(k, e, &sources(&e.file).unwrap_or_default(), today, &mut out);
    }
    duplicates(k, sources, &mut out);
    translations(k, &mut out);
    files(k, &mut out);
    identical(k, sources, &mut out);
    collisions(k, sources, &mut out)?;
    out.sort();
    out.dedup();
    Ok(out)
}

fn entry(k: &Knowledge, e: &Entry, text: &str, today: Date, out: &mut Vec<Problem>) {
    let f = &e.file;
    if !k.desks.iter().any(|d| d.id == e.desk) {
        out.push(Problem::error(
            f,
            1,
            format!("the desk `{}` has no desk.toml: add it", e.desk),
        ));
    }
    let mut distinct: Vec<String> = e
        .questions
        .iter()
        .map(|q| bare(q))
        .filter(|q| !q.is_empty())
        .collect();
    distinct.sort();
    distinct.dedup();
    if distinct.len() < PHRASINGS {
        out.push(Problem::error(f, line_of(text, "questions"), format!("{} different phrasings, at least {PHRASINGS} are needed: add what people really write (polite, terse, misspelt, colloquial)", distinct.len())));
    }
    if let Some(end) = e.valid_until.filter(|end| *end < today) {
        out.push(Problem::error(
            f,
            line_of(text, "valid_until"),
            format!("expired on {end}: it is not served; renew it or take it out"),
        ));
    }
    if e.valid_from > today {
        out.push(Problem::warning(
            f,
            line_of(text, "valid_from"),
            format!("not served before {}", e.valid_from),
        ));
    }
    if e.audience.is_empty() {
        out.push(Problem::error(
            f,
            line_of(text, "audience"),
            "no audience: say whom it is for",
        ));
    }
    match k.sources.iter().find(|d| d.id == e.document) {
        None => {
            let known: Vec<&str> = k.sources.iter().map(|d| d.id.as_str()).collect();
            out.push(Problem::error(
                f,
                line_of(text, "document"),
                format!(
                    "unknown source document `{}`: there are {}",
                    e.document,
                    known.join(", ")
                ),
            ));
        }
        Some(d) if !d.sections.contains(&e.section) => {
            let near = d.sections.iter().max_by(|a, b| {
                strsim::jaro_winkler(a, &e.section).total_cmp(&strsim::jaro_winkler(b, &e.section))
            });
            out.push(Problem::error(
                f,
                line_of(text, "section"),
                format!(
                    "document {} has no section `{}` in sources.toml: did you mean `{}`?",
                    d.id,
                    e.section,
                    near.map_or("", String::as_str)
                ),
            ));
        }
        Some(_) => {}
    }
    for contact in contacts(&e.answer) {
        out.push(Problem::warning(f, line_with(text, &contact), format!("`{contact}` looks like a real contact: use desk.example.jp, example.com or a field of the desk")));
    }
}

/// Telephone numbers and mailboxes outside the domains kept for examples. Emergency numbers are short and stay.
fn contacts(answer: &str) -> Vec<String> {
    static MAIL: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"[\w.+-]+@[\w-]+(\.[\w-]+)+").ok());
    static PHONE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(\+\d{1,3}[- ]?)?\(?0\d{1,4}\)?[- ]\d{1,4}[- ]\d{3,4}").ok());
    let mut out: Vec<String> = Vec::new();
    if let Some(re) = MAIL.as_ref() {
        out.extend(
            re.find_iter(answer)
                .map(|m| m.as_str().to_owned())
                .filter(|m| {
                    let domain = m.rsplit('@').next().unwrap_or_default();
                    !["example.jp", "example.com", "example.org", "example.net"]
                        .iter()
                        .any(|d| domain == *d || domain.ends_with(&format!(".{d}")))
                }),
        );
    }
    if let Some(re) = PHONE.as_ref() {
        out.extend(re.find_iter(answer).map(|m| m.as_str().to_owned()));
    }
    out
}

fn duplicates(k: &Knowledge, sources: &dyn Fn(&str) -> Option<String>, out: &mut Vec<Problem>) {
    // One id is one entry, whatever the desk: an answer is cited by its id alone.
    let mut first: HashMap<(&EntryId, Lang), &Entry> = HashMap::new();
    for e in &k.entries {
        match first.get(&(&e.id, e.lang)) {
            None => {
                first.insert((&e.id, e.lang), e);
            }
            Some(other) => {
                let line = line_of(&sources(&e.file).unwrap_or_default(), "id");
                out.push(Problem::error(
                    &e.file,
                    line,
                    format!(
                        "the id `{}` is used by {} too: rename one of them",
                        e.id, other.file
                    ),
                ));
            }
        }
    }
}

fn translations(k: &Knowledge, out: &mut Vec<Problem>) {
    let mut by_id: BTreeMap<(&DeskId, &EntryId), Vec<&Entry>> = BTreeMap::new();
    for e in &k.entries {
        by_id.entry((&e.desk, &e.id)).or_default().push(e);
    }
    for ((desk, id), entries) in by_id {
        let mut wanted = k.languages(desk);
        wanted.extend(
            REQUIRED
                .iter()
                .filter(|l| !wanted.contains(l))
                .copied()
                .collect::<Vec<_>>(),
        );
        let Some(any) = entries.first() else { continue };
        for lang in wanted {
            if !entries.iter().any(|e| e.lang == lang) {
                out.push(Problem::error(
                    &any.file,
                    1,
                    format!("`{id}` is missing in `{lang}`: write desks/{desk}/faq/{lang}/{id}.md"),
                ));
            }
        }
    }
}

fn files(k: &Knowledge, out: &mut Vec<Problem>) {
    if k.guards.is_empty() {
        out.push(Problem::error(
            "guards.toml",
            1,
            "the file is missing: without it no emergency is recognised",
        ));
    } else if let Err(p) = Guards::compile(&k.guards) {
        out.push(Problem::error("guards.toml", p.line, p.message));
    }
    if k.calibration.is_empty() {
        out.push(Problem::warning(
            "calibration.toml",
            1,
            "the file is missing: cautious weights set by hand are used",
        ));
    } else if let Err(p) = Calibration::parse(&k.calibration) {
        out.push(p);
    }
    if let Err(p) = SmallTalk::compile(&k.small_talk) {
        out.push(p);
    }
    if let Err(p) = super::outside::all(k) {
        out.push(p);
    }
    if let Err(p) = super::alarm::parse(&k.guard_examples) {
        out.push(p);
    }
    if let Err(p) = super::kinds::Kinds::compile(&k.question_kinds) {
        out.push(p);
    }
}

fn identical(k: &Knowledge, sources: &dyn Fn(&str) -> Option<String>, out: &mut Vec<Problem>) {
    let mut seen: HashMap<(Lang, String), Vec<(&Entry, &str)>> = HashMap::new();
    for e in &k.entries {
        for q in &e.questions {
            seen.entry((e.lang, bare(q))).or_default().push((e, q));
        }
    }
    for ((_, normal), uses) in &seen {
        if normal.is_empty() {
            continue;
        }
        for (i, (e, q)) in uses.iter().enumerate() {
            for (other, _) in uses
                .iter()
                .take(i)
                .filter(|(o, _)| o.id != e.id || o.desk != e.desk)
            {
                let line = line_with(&sources(&e.file).unwrap_or_default(), q);
                let message = format!(
                    "the phrasing «{q}» is one of {} too: take it out of one of them",
                    other.file
                );
                // At different desks the same words may rightly mean different things.
                out.push(if other.desk == e.desk {
                    Problem::error(&e.file, line, message)
                } else {
                    Problem::warning(&e.file, line, message)
                });
            }
        }
    }
}

/// Confidence from which a phrasing counts as answered by another entry. High: neighbours may well resemble each other.
const SURE_OF_ANOTHER: f64 = 0.9;

/// Two entries that answer each other's phrasings: a phrasing, asked as if it were not there, that another entry of the desk would be
/// sent for, or whose every word another phrasing shares.
fn collisions(
    k: &Knowledge,
    sources: &dyn Fn(&str) -> Option<String>,
    out: &mut Vec<Problem>,
) -> Result<(), IndexError> {
    let index = Index::build(k)?;
    for v in 0..index.variants.len() {
        let Some((variant, card)) = index
            .variants
            .get(v)
            .and_then(|x| Some((x, index.cards.get(x.card)?)))
        else {
            continue;
        };
        if card.outside {
            continue;
        }
        let mut asked = index.ask(card.lang, &variant.text);
        // The classifier has learned this very phrasing.
        asked.votes.clear();
        let same = |c: usize| {
            index
                .cards
                .get(c)
                .is_some_and(|x| x.desk == card.desk && x.lang == card.lang)
        };
        let (ranked, known) = weigh(&index, &asked, Without::Variant(v), &same);
        let Some(top) = ranked.first().filter(|w| w.card != variant.card) else {
            continue;
        };
        let (Some(other), Some(by)) = (index.cards.get(top.card), index.variants.get(top.variant))
        else {
            continue;
        };
        if other.entry == card.entry {
            continue;
        }
        let (words, runs) = (top.features[4], top.features[5]);
        if index
            .features(&ranked, known)
            .is_some_and(|f| index.model.probability(&f) >= SURE_OF_ANOTHER)
            || (words >= 0.85 && runs >= 0.85)
        {
            let file = format!("desks/{}/faq/{}/{}.md", card.desk, card.lang, card.entry);
            let line = line_with(&sources(&file).unwrap_or_default(), &variant.text);
            out.push(Problem::warning(&file, line, format!("«{}» would be answered by `{}` (its «{}») if it were not written here: make the two entries' phrasings differ, or merge them", variant.text, other.entry, by.text)));
        }
    }
    Ok(())
}
