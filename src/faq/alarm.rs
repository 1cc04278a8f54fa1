//! Guards that were learned: from example sentences (`guard_examples.toml`) a classifier tells what patterns cannot foresee. Each
//! sentence of a message is judged by itself, so that a cry for help in the middle of an everyday letter is heard.

use super::analyse::Analyser;
use super::classify::{Classifier, Lesson, shares};
use super::load::{Knowledge, Problem};
use crate::domain::guard::{GuardHit, GuardKind};
use crate::domain::language::{Lang, recognise};
use crate::domain::text::sentences;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// Sentences looked at; a longer message is looked at in its first and last ones.
const MOST_SENTENCES: usize = 60;
/// A sentence of fewer letters says too little (English, Vietnamese).
const FEWEST_LETTERS: usize = 16;
/// The same for Japanese and Chinese.
const FEWEST_SIGNS: usize = 8;
/// The class of sentences no guard speaks at.
const NOTHING: usize = 0;
/// A phrasing of an entry teaches what is harmless, but there are many of them.
const PHRASING_WEIGHT: f32 = 0.12;
/// A sentence of an answer likewise.
const ANSWER_WEIGHT: f32 = 0.06;
/// All kinds together, from which a person looks at the message first.
const PERHAPS: f64 = 0.5;
/// Name of the evidence; the share follows.
const NAME: &str = "examples";

/// Example sentences of one kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The guard that must speak.
    pub kind: GuardKind,
    #[serde(default)]
    ja: Vec<String>,
    #[serde(default)]
    en: Vec<String>,
    #[serde(default)]
    zh: Vec<String>,
    #[serde(default)]
    vi: Vec<String>,
    #[serde(default)]
    not_ja: Vec<String>,
    #[serde(default)]
    not_en: Vec<String>,
    #[serde(default)]
    not_zh: Vec<String>,
    #[serde(default)]
    not_vi: Vec<String>,
}

impl Example {
    /// Sentences it must speak at, and sentences it must be silent at.
    fn of(&self, lang: Lang) -> (&[String], &[String]) {
        match lang {
            Lang::Ja => (&self.ja, &self.not_ja),
            Lang::En => (&self.en, &self.not_en),
            Lang::Zh => (&self.zh, &self.not_zh),
            Lang::Vi => (&self.vi, &self.not_vi),
        }
    }
}

/// The file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    #[serde(default)]
    example: Vec<Example>,
    /// Sentences of ordinary letters, by language.
    #[serde(default)]
    harmless: BTreeMap<Lang, Vec<String>>,
}

/// Reads the file; an empty one has no examples.
///
/// # Errors
/// It is no valid TOML, or a field is unknown.
pub fn parse(text: &str) -> Result<Examples, Problem> {
    toml::from_str::<Examples>(text).map_err(|e| {
        let line = e.span().map_or(1, |s| super::load::line_at(text, s.start));
        Problem::error(
            "guard_examples.toml",
            line,
            format!("{}: correct this", e.message()),
        )
    })
}

/// Classifiers by language.
#[derive(Default)]
pub struct Alarm {
    analyser: Analyser,
    by_language: HashMap<Lang, Classifier>,
}

impl std::fmt::Debug for Alarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alarm")
            .field("languages", &self.by_language.len())
            .finish_non_exhaustive()
    }
}

impl Alarm {
    /// Learns from the examples; everything else in the knowledge teaches what is harmless.
    pub fn learn(examples: &Examples, knowledge: &Knowledge) -> Self {
        if examples.example.is_empty() {
            return Self::default();
        }
        let analyser = Analyser::default();
        let outside = super::outside::all(knowledge).unwrap_or_default();
        let learn = |lang: Lang| {
            let mut taught: Vec<(usize, &str, f32)> = Vec::new();
            for text in examples.harmless.get(&lang).into_iter().flatten() {
                taught.push((NOTHING, text, 1.0));
            }
            for example in &examples.example {
                let (loud, quiet) = example.of(lang);
                for text in loud {
                    taught.push((class_of(example.kind), text, 1.0));
                }
                for text in quiet {
                    taught.push((NOTHING, text, 1.0));
                }
            }
            for entry in knowledge.entries.iter().filter(|e| e.lang == lang) {
                for text in &entry.questions {
                    taught.push((NOTHING, text, PHRASING_WEIGHT));
                }
                for text in sentences(&entry.answer) {
                    taught.push((NOTHING, text, ANSWER_WEIGHT));
                }
            }
            for (_, topic) in &outside {
                for text in topic.questions(lang) {
                    taught.push((NOTHING, text, PHRASING_WEIGHT));
                }
            }
            let lessons: Vec<Lesson<'_>> = taught
                .into_iter()
                .map(|(card, text, weight)| Lesson { card, text, weight })
                .collect();
            Classifier::learn_from(&analyser, lang, &lessons, true)
        };
        let by_language = std::thread::scope(|scope| {
            let learning: Vec<_> = Lang::ALL
                .iter()
                .map(|lang| scope.spawn(|| (*lang, learn(*lang))))
                .collect();
            learning.into_iter().filter_map(|l| l.join().ok()).collect()
        });
        Self {
            analyser,
            by_language,
        }
    }

    /// The guards that speak at some sentence, one hit a kind.
    pub fn speaks(&self, text: &str) -> Vec<GuardHit> {
        if self.by_language.is_empty() {
            return Vec::new();
        }
        let mut loudest: BTreeMap<GuardKind, f64> = BTreeMap::new();
        let whole = recognise(text, None).lang;
        let all = sentences(text);
        let skipped = all.len().saturating_sub(MOST_SENTENCES);
        let looked_at = all.iter().enumerate().filter(|(i, _)| {
            skipped == 0 || *i < MOST_SENTENCES / 2 || *i >= MOST_SENTENCES / 2 + skipped
        });
        for (_, sentence) in looked_at {
            let heard = self.weigh(sentence, whole);
            // Something no entry should answer, though nobody can tell which: a person looks.
            let any: f64 = heard.iter().map(|(_, share)| share).sum();
            if any >= PERHAPS {
                let perhaps = loudest.entry(GuardKind::Doubt).or_insert(0.0);
                *perhaps = f64::max(*perhaps, any);
            }
            for (kind, share) in heard {
                if share >= loud_from(kind) {
                    let loudest = loudest.entry(kind).or_insert(0.0);
                    *loudest = f64::max(*loudest, share);
                }
            }
        }
        loudest
            .into_iter()
            .map(|(kind, share)| GuardHit {
                kind,
                pattern_name: format!("{NAME} {share:.2}"),
            })
            .collect()
    }

    /// How likely each kind is for one sentence, 0 to 1.
    pub fn weigh(&self, sentence: &str, whole: Lang) -> Vec<(GuardKind, f64)> {
        let lang = recognise(sentence, Some(whole)).lang;
        let Some(classifier) = self.by_language.get(&lang) else {
            return Vec::new();
        };
        // "Now what", "Yours faithfully": too little to judge.
        let letters = sentence.chars().filter(|c| c.is_alphanumeric()).count();
        let spaced = matches!(lang, Lang::En | Lang::Vi);
        if letters < if spaced { FEWEST_LETTERS } else { FEWEST_SIGNS } {
            return Vec::new();
        }
        let votes = classifier.votes(&self.analyser, lang, sentence);
        let shares = shares(&votes, |_| true);
        GuardKind::ALL
            .iter()
            .filter_map(|kind| Some((*kind, *shares.get(&class_of(*kind))?)))
            .collect()
    }
}

fn class_of(kind: GuardKind) -> usize {
    GuardKind::ALL
        .iter()
        .position(|other| *other == kind)
        .map_or(NOTHING, |at| at + 1)
}

/// The share from which a kind is heard: as low as sentences of ordinary letters allow, the lower the more harm silence would do. Set on
/// labelled inquiries; veiled words of despair look like much else, so patterns hear those.
fn loud_from(kind: GuardKind) -> f64 {
    match kind {
        GuardKind::Emergency => 0.4,
        GuardKind::SelfHarm => 0.9,
        _ => 0.6,
    }
}
