//! Learns from questions people labelled (and staff corrected) how sure to be: the confidence learned by leaving entries out is drawn
//! towards what really came, and the threshold is the lowest that keeps the promise on questions it did not learn from.

use super::calibrate::{FOLDS, Sample, auroc, fit_confidence, promise, weight};
use super::index::Index;
use super::model::{CONFIDENCE, Model, dot, sigmoid};
use super::search::Question;
use crate::domain::ids::{DeskId, EntryId};
use crate::domain::language::Lang;
use jiff::civil::Date;
use serde::Deserialize;

/// How strongly the weights are drawn towards those learned by leaving out: some hundred questions must not overturn them.
const DRAW: f64 = 0.004;
/// Questions needed of each kind.
const ENOUGH: usize = 50;

/// A question somebody labelled: the entries that answer it, or none.
#[derive(Debug, Clone, Deserialize)]
pub struct Labelled {
    /// The desk it came to.
    pub desk: DeskId,
    /// Its language.
    pub lang: Lang,
    /// The question.
    pub text: String,
    /// The entry that answers it, where there is one only.
    #[serde(default)]
    pub entry: Option<EntryId>,
    /// The entries that answer it.
    #[serde(default)]
    pub relevant: Vec<EntryId>,
}

impl Labelled {
    fn covered(&self) -> bool {
        self.entry.is_some() || !self.relevant.is_empty()
    }

    fn is_answered_by(&self, entry: &EntryId) -> bool {
        self.entry.as_ref() == Some(entry) || self.relevant.contains(entry)
    }
}

/// What was found, on questions that were not learned from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adapted {
    /// The lowest threshold that keeps the promise.
    pub threshold: f64,
    /// Share of covered questions answered at it.
    pub answered: f64,
    /// Share of the others abstained on.
    pub abstained: f64,
    /// Share of right answers among the answers at the assumed rate.
    pub precision: f64,
    /// Probability that a rightly found question gets more confidence than one no entry answers.
    pub auroc: f64,
}

/// Learns the confidence anew; what a guard takes away teaches nothing. `None` when there are too few questions of one kind.
pub fn adapt(
    index: &mut Index,
    labelled: &[Labelled],
    guarded: &dyn Fn(&str) -> bool,
    today: Date,
) -> Option<Adapted> {
    let samples: Vec<Sample> = (0_u64..)
        .zip(labelled)
        .filter(|(_, question)| !guarded(&question.text))
        .map(|(at, question)| sample(index, question, at % FOLDS, today))
        .collect();
    let of = |covered: bool| samples.iter().filter(|s| s.covered == covered).count();
    if of(true) < ENOUGH || of(false) < ENOUGH {
        return None;
    }
    let prior = index.model.clone();
    let weighed = |keep: &dyn Fn(&Sample) -> bool| -> Vec<(&Sample, f64)> {
        let kept = samples.iter().filter(|s| keep(s));
        kept.map(|s| (s, weight(&samples, s.covered))).collect()
    };
    let mut predicted: Vec<(f64, &Sample)> = Vec::new();
    for fold in 0..FOLDS {
        let (w, bias) = fit_confidence(&weighed(&|s| s.fold != fold), &prior, DRAW);
        let held = samples.iter().filter(|s| s.fold == fold);
        predicted.extend(held.map(|s| (sure(&w, bias, s), s)));
    }
    let (weights, bias) = fit_confidence(&weighed(&|_| true), &prior, DRAW);
    index.model = Model {
        confidence: weights,
        bias,
        ..prior
    };
    let (covered, outside) = (weight(&samples, true), weight(&samples, false));
    let (threshold, answered, abstained, precision) = promise(&mut predicted, covered, outside);
    let share = |keep: &dyn Fn(&Sample) -> bool| -> Vec<f64> {
        let kept = predicted.iter().filter(|(_, s)| keep(s));
        kept.map(|(p, _)| *p).collect()
    };
    Some(Adapted {
        threshold,
        answered,
        abstained,
        precision,
        auroc: auroc(&share(&|s| s.right), &share(&|s| !s.covered)),
    })
}

/// No features: nothing can be answered, and no weight changes that.
fn sure(weights: &[f64; CONFIDENCE.len()], bias: f64, sample: &Sample) -> f64 {
    if sample.features.iter().all(|f| *f == 0.0) {
        return 0.0;
    }
    sigmoid(bias + dot(weights, &sample.features))
}

fn sample(index: &Index, question: &Labelled, fold: u64, today: Date) -> Sample {
    let reading = index.read(&Question {
        text: question.text.clone(),
        lang: question.lang,
        desk: Some(question.desk.clone()),
        today,
    });
    let top = reading.as_ref().and_then(|r| r.ranked.first());
    let entry = top.and_then(|top| index.cards.get(top.card));
    Sample {
        fold,
        features: reading
            .as_ref()
            .and_then(|r| r.features)
            .unwrap_or([0.0; CONFIDENCE.len()]),
        right: entry.is_some_and(|card| !card.outside && question.is_answered_by(&card.entry)),
        covered: question.covered(),
    }
}
