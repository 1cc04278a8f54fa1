//! The index: tantivy in memory finds the phrasings worth a closer look; the terms of every phrasing lie beside it for that look.
//! Immutable once built; shared between threads.

use super::analyse::{Analyser, Concepts, View, ViewTokenizer};
use super::classify::{ANSWER_WEIGHT, Classifier, Lesson};
use super::kinds::{KindCounts, Kinds};
use super::load::Knowledge;
use super::model::{Calibration, Model};
use super::retrieve::{Fields, schema};
use super::small_talk::SmallTalk;
use crate::domain::ids::{DeskId, EntryId};
use crate::domain::language::Lang;
use crate::domain::text::{is_han, is_hiragana, normalise};
use jiff::civil::Date;
use std::collections::HashMap;
use tantivy::{IndexReader, ReloadPolicy, TantivyDocument};

/// The index could not be built.
#[derive(Debug, thiserror::Error)]
#[error("the search index cannot be built: {0}")]
pub struct IndexError(#[from] pub tantivy::TantivyError);

/// A past question of which staff confirmed the entry: becomes a phrasing of it.
#[derive(Debug, Clone)]
pub struct Confirmed {
    /// The desk, where known.
    pub desk: Option<DeskId>,
    /// The entry.
    pub entry: EntryId,
    /// The language of the question.
    pub lang: Lang,
    /// The question.
    pub text: String,
}

/// One entry in one language, as the index sees it.
#[derive(Debug)]
pub struct Card {
    /// The entry.
    pub entry: EntryId,
    /// Its desk.
    pub desk: DeskId,
    /// The language.
    pub lang: Lang,
    /// First day.
    pub valid_from: Date,
    /// Last day.
    pub valid_until: Option<Date>,
    /// Its phrasings, positions in [`Index::variants`].
    pub variants: Vec<usize>,
    /// Positions of the same entry in all its languages.
    pub siblings: Vec<Lang>,
    /// How many phrasings hold a word.
    pub words: HashMap<u32, u32>,
    /// How many phrasings hold a run.
    pub runs: HashMap<u32, u32>,
    /// Words of the answer.
    pub body_words: Vec<u32>,
    /// Runs of the answer.
    pub body_runs: Vec<u32>,
    /// The answer as written.
    pub answer: String,
    /// True for a topic of `outside.toml`: it never answers, whatever the desk.
    pub outside: bool,
    /// How many phrasings ask for each kind of thing.
    pub kinds: KindCounts,
    /// Sum of the phrasings' unit vectors.
    pub centre: HashMap<u32, f64>,
    /// Its squared length.
    pub centre_square: f64,
}

impl Card {
    /// Does it bear on questions that come to this desk? Topics outside without a desk bear on all.
    pub fn concerns(&self, desk: Option<&DeskId>) -> bool {
        self.outside && self.desk.as_str().is_empty() || desk.is_none_or(|desk| *desk == self.desk)
    }
}

/// One phrasing.
#[derive(Debug)]
pub struct Variant {
    /// Its card.
    pub card: usize,
    /// As written.
    pub text: String,
    /// Normalised, for exact matches.
    pub normal: String,
    /// Distinct words, sorted.
    pub words: Vec<u32>,
    /// Distinct runs, sorted.
    pub runs: Vec<u32>,
    /// Concepts, sorted.
    pub concepts: Vec<u32>,
    /// What it asks for.
    pub kinds: u32,
}

/// Counts of one language.
#[derive(Debug, Default)]
pub struct Counts {
    /// Phrasings.
    pub variants: u32,
    /// Phrasings that hold a word.
    pub words: HashMap<u32, u32>,
    /// Phrasings that hold a run.
    pub runs: HashMap<u32, u32>,
    /// Mean number of distinct words of a phrasing.
    pub mean_words: f64,
    /// Mean number of distinct runs of a phrasing.
    pub mean_runs: f64,
}

/// A question as terms, each once.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The language.
    pub lang: Lang,
    /// Normalised.
    pub normal: String,
    /// Distinct words, with their number where the index knows them.
    pub words: Vec<(String, Option<u32>)>,
    /// Distinct runs, likewise.
    pub runs: Vec<(String, Option<u32>)>,
    /// Concepts.
    pub concepts: Vec<u32>,
    /// What it asks for.
    pub kinds: u32,
    /// What the classifier of the language says for each of its cards.
    pub votes: Vec<(usize, f32)>,
}

/// The index of one version of the knowledge.
pub struct Index {
    /// Cuts texts.
    pub analyser: Analyser,
    /// Cards.
    pub cards: Vec<Card>,
    /// Phrasings.
    pub variants: Vec<Variant>,
    /// Counts per language.
    pub counts: HashMap<Lang, Counts>,
    /// How entries are ranked.
    pub model: Model,
    /// The calibration read from the knowledge; `None` when it has none.
    pub calibration: Option<Calibration>,
    /// Words around a question.
    pub small_talk: SmallTalk,
    /// Tells what a question asks for.
    pub kinds: Kinds,
    /// Classifiers by language.
    pub classifiers: HashMap<Lang, Classifier>,
    word_ids: HashMap<String, u32>,
    run_ids: HashMap<String, u32>,
    concepts: Concepts,
    pub(super) fields: Fields,
    pub(super) reader: IndexReader,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("cards", &self.cards.len())
            .field("variants", &self.variants.len())
            .finish()
    }
}

impl Index {
    /// Builds the index of a knowledge.
    ///
    /// # Errors
    /// tantivy refused (out of memory).
    pub fn build(knowledge: &Knowledge) -> Result<Self, IndexError> {
        Self::build_with(knowledge, &[])
    }

    /// Builds the index of a knowledge together with past questions that staff confirmed.
    ///
    /// # Errors
    /// tantivy refused (out of memory).
    pub fn build_with(knowledge: &Knowledge, history: &[Confirmed]) -> Result<Self, IndexError> {
        let analyser = Analyser::default();
        let concepts = Concepts::new(&analyser, &knowledge.glossary);
        let kinds = Kinds::compile(&knowledge.question_kinds).unwrap_or_default();
        let (schema, fields) = schema();
        let tantivy = tantivy::Index::create_in_ram(schema);
        for lang in Lang::ALL {
            for (name, view) in [("words", View::Words), ("runs", View::Runs)] {
                tantivy.tokenizers().register(
                    &format!("{name}_{lang}"),
                    ViewTokenizer {
                        analyser: analyser.clone(),
                        lang: *lang,
                        view,
                    },
                );
            }
        }
        let mut writer = tantivy.writer_with_num_threads(1, 20_000_000)?;
        let mut index = Parts::default();
        let mut past: HashMap<(&EntryId, Lang), Vec<&Confirmed>> = HashMap::new();
        for c in history {
            past.entry((&c.entry, c.lang)).or_default().push(c);
        }
        let mut languages: HashMap<(&DeskId, &EntryId), Vec<Lang>> = HashMap::new();
        for e in &knowledge.entries {
            languages.entry((&e.desk, &e.id)).or_default().push(e.lang);
        }
        let mut lots: Vec<Lot<'_>> = Vec::new();
        for e in &knowledge.entries {
            let mut texts: Vec<&str> = e.questions.iter().map(String::as_str).collect();
            for c in past.get(&(&e.id, e.lang)).into_iter().flatten() {
                if c.desk.as_ref().is_none_or(|d| *d == e.desk) {
                    texts.push(&c.text);
                }
            }
            lots.push(Lot {
                entry: e.id.clone(),
                desk: e.desk.clone(),
                lang: e.lang,
                valid_from: e.valid_from,
                valid_until: e.valid_until,
                texts,
                answer: &e.answer,
                siblings: languages
                    .get(&(&e.desk, &e.id))
                    .cloned()
                    .unwrap_or_default(),
                outside: false,
            });
        }
        let topics = super::outside::all(knowledge).unwrap_or_default();
        for (desk, topic) in &topics {
            for lang in Lang::ALL {
                let texts: Vec<&str> = topic.questions(*lang).iter().map(String::as_str).collect();
                if !texts.is_empty() {
                    lots.push(Lot {
                        entry: EntryId(topic.name.clone()),
                        desk: desk.clone().unwrap_or(DeskId(String::new())),
                        lang: *lang,
                        valid_from: Date::MIN,
                        valid_until: None,
                        texts,
                        answer: "",
                        siblings: Lang::ALL.to_vec(),
                        outside: true,
                    });
                }
            }
        }
        for e in lots {
            let card = index.cards.len();
            let mut variants = Vec::new();
            for text in &e.texts {
                let terms = analyser.terms(e.lang, text);
                let found = concepts.find(&analyser, e.lang, text);
                let mut doc = TantivyDocument::default();
                doc.add_text(fields.lang, e.lang.as_str());
                doc.add_u64(fields.card, card as u64);
                doc.add_u64(fields.variant, index.variants.len() as u64);
                for (map, value) in [(&fields.words, text), (&fields.runs, text)] {
                    if let Some(field) = map.get(&e.lang) {
                        doc.add_text(*field, value);
                    }
                }
                for c in &found {
                    doc.add_text(fields.concepts, c.to_string());
                }
                writer.add_document(doc)?;
                variants.push(index.variants.len());
                let words = intern(&mut index.word_ids, terms.words);
                let runs = intern(&mut index.run_ids, terms.runs);
                index.variants.push(Variant {
                    card,
                    text: (*text).to_owned(),
                    normal: bare(text),
                    words,
                    runs,
                    concepts: found,
                    kinds: kinds.of(text),
                });
            }
            let body = analyser.terms(e.lang, e.answer);
            if !e.answer.is_empty()
                && let Some(field) = fields.body.get(&e.lang)
            {
                let mut doc = TantivyDocument::default();
                doc.add_text(fields.lang, e.lang.as_str());
                doc.add_u64(fields.card, card as u64);
                doc.add_u64(fields.variant, u64::MAX);
                doc.add_text(*field, e.answer);
                writer.add_document(doc)?;
            }
            index.cards.push(Card {
                entry: e.entry,
                desk: e.desk,
                lang: e.lang,
                valid_from: e.valid_from,
                valid_until: e.valid_until,
                variants,
                siblings: e.siblings,
                words: HashMap::new(),
                runs: HashMap::new(),
                body_words: intern(&mut index.word_ids, body.words),
                body_runs: intern(&mut index.run_ids, body.runs),
                answer: e.answer.to_owned(),
                outside: e.outside,
                kinds: KindCounts::default(),
                centre: HashMap::new(),
                centre_square: 0.0,
            });
        }
        writer.commit()?;
        writer.wait_merging_threads()?;
        let reader = tantivy
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        let calibration = Calibration::parse(&knowledge.calibration).ok();
        let mut built = Self {
            analyser,
            cards: index.cards,
            variants: index.variants,
            counts: HashMap::new(),
            model: calibration
                .as_ref()
                .map(Calibration::model)
                .unwrap_or_default(),
            calibration,
            small_talk: SmallTalk::compile(&knowledge.small_talk).unwrap_or_default(),
            kinds,
            classifiers: HashMap::new(),
            word_ids: index.word_ids,
            run_ids: index.run_ids,
            concepts,
            fields,
            reader,
        };
        built.count();
        let shared = &built;
        let classifiers = std::thread::scope(|scope| {
            let learning: Vec<_> = Lang::ALL
                .iter()
                .map(|lang| scope.spawn(|| (*lang, shared.learn(*lang, |_| true))))
                .collect();
            // A classifier that could not be learned is one that says nothing.
            learning.into_iter().filter_map(|l| l.join().ok()).collect()
        });
        built.classifiers = classifiers;
        Ok(built)
    }

    /// A classifier of one language, from the phrasings that `keep` lets in and the answers of their cards.
    pub fn learn(&self, lang: Lang, keep: impl Fn(usize) -> bool) -> Classifier {
        let mut lessons: Vec<Lesson<'_>> = Vec::new();
        for (i, card) in self
            .cards
            .iter()
            .enumerate()
            .filter(|(_, c)| c.lang == lang)
        {
            let before = lessons.len();
            lessons.extend(
                card.variants
                    .iter()
                    .filter(|v| keep(**v))
                    .filter_map(|v| self.variants.get(*v))
                    .map(|v| Lesson {
                        card: i,
                        text: &v.text,
                        weight: 1.0,
                    }),
            );
            if lessons.len() > before && !card.answer.is_empty() {
                lessons.push(Lesson {
                    card: i,
                    text: &card.answer,
                    weight: ANSWER_WEIGHT,
                });
            }
        }
        Classifier::learn(&self.analyser, lang, &lessons)
    }

    fn count(&mut self) {
        for v in &self.variants {
            let Some(card) = self.cards.get_mut(v.card) else {
                continue;
            };
            let counts = self.counts.entry(card.lang).or_default();
            counts.variants += 1;
            counts.mean_words += v.words.len() as f64;
            counts.mean_runs += v.runs.len() as f64;
            for (kind, count) in card.kinds.iter_mut().enumerate() {
                *count += u16::from(v.kinds & 1 << kind != 0);
            }
            for t in &v.words {
                *counts.words.entry(*t).or_default() += 1;
                *card.words.entry(*t).or_default() += 1;
            }
            for t in &v.runs {
                *counts.runs.entry(*t).or_default() += 1;
                *card.runs.entry(*t).or_default() += 1;
            }
        }
        for counts in self.counts.values_mut() {
            let n = f64::from(counts.variants.max(1));
            counts.mean_words /= n;
            counts.mean_runs /= n;
        }
        for i in 0..self.variants.len() {
            let Some(v) = self.variants.get(i) else {
                continue;
            };
            let Some(lang) = self.cards.get(v.card).map(|c| c.lang) else {
                continue;
            };
            let vector = self.unit_vector(lang, v);
            if let Some(card) = self.cards.get_mut(v.card) {
                for (t, w) in vector {
                    *card.centre.entry(t).or_default() += w;
                }
            }
        }
        for card in &mut self.cards {
            card.centre_square = card.centre.values().map(|w| w * w).sum();
        }
    }

    /// The phrasing as a vector of length one over its runs.
    pub(crate) fn unit_vector(&self, lang: Lang, v: &Variant) -> Vec<(u32, f64)> {
        let Some(counts) = self.counts.get(&lang) else {
            return Vec::new();
        };
        let weights: Vec<(u32, f64)> = v
            .runs
            .iter()
            .map(|t| {
                (
                    *t,
                    idf(counts.variants, counts.runs.get(t).copied().unwrap_or(0)),
                )
            })
            .collect();
        let length = weights
            .iter()
            .map(|(_, w)| w * w)
            .sum::<f64>()
            .sqrt()
            .max(1e-9);
        weights.into_iter().map(|(t, w)| (t, w / length)).collect()
    }

    /// A text as a question.
    pub fn ask(&self, lang: Lang, text: &str) -> Asked {
        let terms = self.analyser.terms(lang, text);
        let distinct = |list: Vec<String>, ids: &HashMap<String, u32>| {
            let mut seen = std::collections::HashSet::new();
            list.into_iter()
                .filter(|t| seen.insert(t.clone()))
                .map(|t| {
                    let id = ids.get(&t).copied();
                    (t, id)
                })
                .collect()
        };
        Asked {
            lang,
            normal: bare(text),
            words: distinct(terms.words, &self.word_ids),
            runs: distinct(terms.runs, &self.run_ids),
            concepts: self.concepts.find(&self.analyser, lang, text),
            kinds: self.kinds.of(text),
            votes: self
                .classifiers
                .get(&lang)
                .map(|c| c.votes(&self.analyser, lang, text))
                .unwrap_or_default(),
        }
    }

    /// How much of a question an entry knows at all, from its phrasings and its answer, each sign weighted by how much it tells, 0 to 1.
    /// Signs are words, for Japanese and Chinese single characters and other runs, for Vietnamese syllables without marks.
    pub fn known_share(&self, asked: &Asked, card: &Card) -> f64 {
        let empty = Counts::default();
        let counts = self.counts.get(&asked.lang).unwrap_or(&empty);
        let (list, tally, own, body) = match asked.lang {
            Lang::En => (&asked.words, &counts.words, &card.words, &card.body_words),
            _ => (&asked.runs, &counts.runs, &card.runs, &card.body_runs),
        };
        let (mut known, mut all) = (0.0, 0.0);
        for (text, id) in list {
            let pair = match asked.lang {
                Lang::Vi => text.contains('_'),
                Lang::En => false,
                // Groups of two Chinese characters: their single characters count already. Hiragana is mostly endings.
                _ => {
                    (text.chars().all(is_han) && text.chars().count() > 1)
                        || text.chars().all(is_hiragana)
                }
            };
            // A bare number is rare, but says nothing of what is asked.
            let number = text.chars().all(|c| c.is_ascii_digit());
            if pair || number {
                continue;
            }
            let with = id.map_or(0, |t| tally.get(&t).copied().unwrap_or(0));
            let weight = idf(counts.variants, with);
            all += weight;
            if id.is_some_and(|t| own.contains_key(&t) || body.binary_search(&t).is_ok()) {
                known += weight;
            }
        }
        if all > 0.0 { known / all } else { 0.0 }
    }
}

/// What becomes a card.
struct Lot<'a> {
    entry: EntryId,
    desk: DeskId,
    lang: Lang,
    valid_from: Date,
    valid_until: Option<Date>,
    texts: Vec<&'a str>,
    answer: &'a str,
    siblings: Vec<Lang>,
    outside: bool,
}

#[derive(Default)]
struct Parts {
    cards: Vec<Card>,
    variants: Vec<Variant>,
    word_ids: HashMap<String, u32>,
    run_ids: HashMap<String, u32>,
}

fn intern(ids: &mut HashMap<String, u32>, terms: Vec<String>) -> Vec<u32> {
    let mut out: Vec<u32> = terms
        .into_iter()
        .map(|t| {
            let next = ids.len() as u32;
            *ids.entry(t).or_insert(next)
        })
        .collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// Letters and digits only, normalised: equal for phrasings that differ in punctuation alone.
pub fn bare(text: &str) -> String {
    normalise(text)
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect()
}

/// How much a term tells, from the number of phrasings and of those that hold it.
pub fn idf(all: u32, with: u32) -> f64 {
    (1.0 + (f64::from(all.saturating_sub(with)) + 0.5) / (f64::from(with) + 0.5)).ln()
}
