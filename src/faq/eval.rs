//! `knowledge eval`: a labelled set asked against a corpus, with the figures of the contract. What is indexed is the corpus alone,
//! and what was learned from the history, as the running desk would learn it.

use super::calibrate::{auroc, train_index};
use super::index::{Confirmed, Index, IndexError};
use super::load::{Entry, Knowledge};
use super::parallel;
use super::search::Question;
use crate::domain::decide::grounded;
use crate::domain::ids::{DeskId, EntryId};
use crate::domain::language::{Lang, recognise};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One entry of a corpus.
#[derive(Debug, Clone, Deserialize)]
pub struct CorpusLine {
    /// Its id.
    pub id: String,
    /// Its language tag.
    pub lang: String,
    /// The question.
    pub question: String,
    /// The answer.
    #[serde(default)]
    pub answer: String,
    /// Other phrasings.
    #[serde(default)]
    pub variants: Vec<String>,
}

/// One labelled question.
#[derive(Debug, Clone, Deserialize)]
pub struct QueryLine {
    /// Its id.
    pub id: String,
    /// Its language tag.
    pub lang: String,
    /// The question.
    pub text: String,
    /// Entries that answer it; none means it must not be answered.
    pub relevant: Vec<String>,
    /// How well each answers it, 1 or 2.
    #[serde(default)]
    pub grades: BTreeMap<String, f64>,
}

/// One entry of a ranking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ranked {
    /// The entry.
    pub entry: String,
    /// Its confidence.
    pub score: f64,
}

/// What became of one question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PerQuery {
    /// The question's id.
    pub id: String,
    /// `answer`, `offer` (shown to staff or as a suggestion) or `escalate`.
    pub decision: &'static str,
    /// Probability that the first entry is right.
    pub confidence: f64,
    /// At most ten entries.
    pub ranking: Vec<Ranked>,
    /// Time of the search, microseconds.
    pub micros: u64,
}

/// The figures. `null` where a figure has nothing to be made from.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// Questions.
    pub queries: usize,
    /// Of the entries that are right (at most k), the share among the first k; mean over answerable questions.
    #[serde(rename = "recall@1")]
    pub recall_1: Option<f64>,
    /// Likewise.
    #[serde(rename = "recall@3")]
    pub recall_3: Option<f64>,
    /// Likewise.
    #[serde(rename = "recall@5")]
    pub recall_5: Option<f64>,
    /// Mean of one over the rank of the first right entry.
    pub mrr: Option<f64>,
    /// Discounted gain of the first ten over the best possible.
    #[serde(rename = "ndcg@10")]
    pub ndcg_10: Option<f64>,
    /// Share of all questions answered automatically.
    pub answered: Option<f64>,
    /// Share of right ones among them.
    pub precision_answered: Option<f64>,
    /// Largest share of all questions that could be answered with at most 5 % wrong.
    pub coverage_at_precision_95: Option<f64>,
    /// Share of the questions that must not be answered that were not.
    pub oos_recall: Option<f64>,
    /// Probability that an answerable question gets more confidence than one that must not be answered.
    pub auroc: Option<f64>,
    /// Mean distance of confidence from what came true, ten bins.
    pub ece: Option<f64>,
    /// Half of the searches took less, microseconds.
    pub p50_us: Option<u64>,
    /// 99 of 100 took less.
    pub p99_us: Option<u64>,
}

/// The result: overall and per language tag.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Over all questions.
    #[serde(flatten)]
    pub overall: Metrics,
    /// The threshold used.
    pub threshold: f64,
    /// Per language tag of the questions.
    pub languages: BTreeMap<String, Metrics>,
    /// Where the calibration came from: `corpus` (leaving entries out) or `shipped`.
    pub calibration: &'static str,
    /// Every question.
    #[serde(skip)]
    pub per_query: Vec<PerQuery>,
}

/// What is left of the confidence in an entry that knows little of the question.
const UNGROUNDED: f64 = 0.3;
/// The desk a corpus is put behind.
const DESK: &str = "corpus";

fn lang_of(tag: &str, text: &str) -> Lang {
    Lang::from_tag(tag).unwrap_or_else(|| recognise(text, None).lang)
}

/// Makes a knowledge of a corpus; words around a question and calibration are those of `base`.
pub fn knowledge_of(corpus: &[CorpusLine], base: &Knowledge) -> Knowledge {
    let day = Date::constant(1970, 1, 1);
    let entries = corpus
        .iter()
        .map(|c| Entry {
            id: EntryId(c.id.clone()),
            desk: DeskId::from(DESK),
            lang: lang_of(&c.lang, &c.question),
            audience: Vec::new(),
            category: String::new(),
            questions: std::iter::once(&c.question)
                .chain(&c.variants)
                .filter(|q| !q.trim().is_empty())
                .cloned()
                .collect(),
            document: String::new(),
            section: String::new(),
            valid_from: day,
            valid_until: None,
            updated: day,
            answer: c.answer.clone(),
            file: String::new(),
        })
        .collect();
    Knowledge {
        entries,
        small_talk: base.small_talk.clone(),
        question_kinds: base.question_kinds.clone(),
        calibration: base.calibration.clone(),
        ..Knowledge::default()
    }
}

/// Evaluates a corpus; `clock` gives microseconds from any origin, `told` hears how many questions are done.
///
/// # Errors
/// The index could not be built.
pub fn evaluate_corpus(
    corpus: &[CorpusLine],
    history: &[QueryLine],
    queries: &[QueryLine],
    base: &Knowledge,
    threshold: Option<f64>,
    clock: &(dyn Fn() -> u64 + Sync),
    told: &(dyn Fn(usize) + Sync),
) -> Result<Report, IndexError> {
    let knowledge = knowledge_of(corpus, base);
    let confirmed: Vec<Confirmed> = history
        .iter()
        .flat_map(|h| {
            h.relevant.iter().map(|r| Confirmed {
                desk: None,
                entry: EntryId(r.clone()),
                lang: lang_of(&h.lang, &h.text),
                text: h.text.clone(),
            })
        })
        .collect();
    let mut index = Index::build_with(&knowledge, &confirmed)?;
    let learned = train_index(&mut index);
    let calibration = if learned.is_some() {
        "corpus"
    } else {
        "shipped"
    };
    let threshold = threshold
        .or(learned.map(|l| l.threshold))
        .or(index
            .calibration
            .as_ref()
            .map(|c| c.threshold(&DeskId::from(DESK))))
        .unwrap_or(0.8);
    Ok(measure(
        &index,
        queries,
        None,
        Date::constant(2000, 1, 1),
        threshold,
        calibration,
        clock,
        told,
    ))
}

/// Evaluates a knowledge that serves on a labelled set.
#[allow(
    clippy::too_many_arguments,
    reason = "each is one thing the figures depend on"
)]
pub fn measure(
    index: &Index,
    queries: &[QueryLine],
    desk: Option<&DeskId>,
    today: Date,
    threshold: f64,
    calibration: &'static str,
    clock: &(dyn Fn() -> u64 + Sync),
    told: &(dyn Fn(usize) + Sync),
) -> Report {
    let ask = |q: &QueryLine| {
        let question = Question {
            text: q.text.clone(),
            lang: lang_of(&q.lang, &q.text),
            desk: desk.cloned(),
            today,
        };
        let start = clock();
        let hits = index.search(&question);
        let micros = clock().saturating_sub(start);
        // As the desk does: an entry that knows little of what is said never answers by itself.
        let confidence = hits.first().map_or(0.0, |h| {
            let share = if grounded(h) { 1.0 } else { UNGROUNDED };
            h.confidence * share
        });
        let decision = if hits.is_empty() {
            "escalate"
        } else if confidence >= threshold {
            "answer"
        } else if confidence >= threshold / 2.0 {
            "offer"
        } else {
            "escalate"
        };
        let ranking = hits
            .into_iter()
            .map(|h| Ranked {
                entry: h.entry.0,
                score: h.confidence,
            })
            .collect();
        PerQuery {
            id: q.id.clone(),
            decision,
            confidence,
            ranking,
            micros,
        }
    };
    let per_query = parallel::each(queries, ask, told);
    let all: Vec<(&QueryLine, &PerQuery)> = queries.iter().zip(&per_query).collect();
    let mut by_language: BTreeMap<String, Vec<(&QueryLine, &PerQuery)>> = BTreeMap::new();
    for pair in &all {
        by_language
            .entry(pair.0.lang.clone())
            .or_default()
            .push(*pair);
    }
    let overall = metrics(&all);
    let languages = by_language
        .into_iter()
        .map(|(l, list)| (l, metrics(&list)))
        .collect();
    Report {
        overall,
        threshold,
        languages,
        calibration,
        per_query,
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0usize), |(s, n), v| (s + v, n + 1));
    (n > 0).then(|| sum / n as f64)
}

fn metrics(list: &[(&QueryLine, &PerQuery)]) -> Metrics {
    let covered: Vec<&(&QueryLine, &PerQuery)> = list
        .iter()
        .filter(|(q, _)| !q.relevant.is_empty())
        .collect();
    let outside: Vec<&(&QueryLine, &PerQuery)> =
        list.iter().filter(|(q, _)| q.relevant.is_empty()).collect();
    let right = |(q, p): &(&QueryLine, &PerQuery)| {
        p.ranking
            .first()
            .is_some_and(|r| q.relevant.contains(&r.entry))
    };
    let recall = |k: usize| {
        mean(covered.iter().map(|(q, p)| {
            let found = p
                .ranking
                .iter()
                .take(k)
                .filter(|r| q.relevant.contains(&r.entry))
                .count();
            found as f64 / q.relevant.len().min(k).max(1) as f64
        }))
    };
    let answered: Vec<_> = list
        .iter()
        .filter(|(_, p)| p.decision == "answer")
        .collect();
    let mut by_confidence: Vec<_> = list.iter().filter(|(_, p)| !p.ranking.is_empty()).collect();
    by_confidence.sort_by(|a, b| b.1.confidence.total_cmp(&a.1.confidence));
    let (mut good, mut best) = (0usize, 0usize);
    for (i, pair) in by_confidence.iter().enumerate() {
        good += usize::from(right(pair));
        // Equal confidences cannot be told apart by a threshold.
        let tied = by_confidence
            .get(i + 1)
            .is_some_and(|next| next.1.confidence == pair.1.confidence);
        if !tied && good as f64 >= 0.95 * (i + 1) as f64 {
            best = i + 1;
        }
    }
    let inside: Vec<f64> = covered.iter().map(|(_, p)| p.confidence).collect();
    let out: Vec<f64> = outside.iter().map(|(_, p)| p.confidence).collect();
    let mut times: Vec<u64> = list.iter().map(|(_, p)| p.micros).collect();
    times.sort_unstable();
    let at = |share: f64| {
        let i = ((times.len() as f64 * share).ceil() as usize).saturating_sub(1);
        times.get(i).copied()
    };
    Metrics {
        queries: list.len(),
        recall_1: recall(1),
        recall_3: recall(3),
        recall_5: recall(5),
        mrr: mean(covered.iter().map(|(q, p)| {
            p.ranking
                .iter()
                .position(|r| q.relevant.contains(&r.entry))
                .map_or(0.0, |i| 1.0 / (i + 1) as f64)
        })),
        ndcg_10: mean(covered.iter().map(|(q, p)| ndcg(q, p))),
        answered: (!list.is_empty()).then(|| answered.len() as f64 / list.len() as f64),
        precision_answered: mean(answered.iter().map(|p| f64::from(u8::from(right(p))))),
        coverage_at_precision_95: (!list.is_empty()).then(|| best as f64 / list.len() as f64),
        oos_recall: mean(
            outside
                .iter()
                .map(|(_, p)| f64::from(u8::from(p.decision != "answer"))),
        ),
        auroc: Some(auroc(&inside, &out)).filter(|a| !a.is_nan()),
        ece: ece(list.iter().map(|pair| (pair.1.confidence, right(pair)))),
        p50_us: at(0.5),
        p99_us: at(0.99),
    }
}

fn ndcg(q: &QueryLine, p: &PerQuery) -> f64 {
    let grade = |id: &String| {
        if q.relevant.contains(id) {
            q.grades.get(id).copied().unwrap_or(1.0)
        } else {
            0.0
        }
    };
    let gain = |grades: &mut dyn Iterator<Item = f64>| -> f64 {
        grades
            .take(10)
            .enumerate()
            .map(|(i, g)| (g.exp2() - 1.0) / ((i + 2) as f64).log2())
            .sum()
    };
    let mut best: Vec<f64> = q.relevant.iter().map(grade).collect();
    best.sort_by(|a, b| b.total_cmp(a));
    let ideal = gain(&mut best.into_iter());
    if ideal > 0.0 {
        gain(&mut p.ranking.iter().map(|r| grade(&r.entry))) / ideal
    } else {
        0.0
    }
}

fn ece(pairs: impl Iterator<Item = (f64, bool)>) -> Option<f64> {
    let mut bins = [(0usize, 0.0, 0usize); 10];
    let mut n = 0usize;
    for (confidence, right) in pairs {
        n += 1;
        if let Some((count, sum, good)) = bins.get_mut(((confidence * 10.0) as usize).min(9)) {
            *count += 1;
            *sum += confidence;
            *good += usize::from(right);
        }
    }
    (n > 0).then(|| {
        bins.iter()
            .map(|(_, sum, good)| (sum - *good as f64).abs())
            .sum::<f64>()
            / n as f64
    })
}
