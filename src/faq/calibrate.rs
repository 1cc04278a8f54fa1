//! Learns how to rank and how sure to be, by leaving things out of the knowledge itself: with one phrasing left out its entry must
//! still be found; with the whole entry left out the desk must abstain. No inquiry from outside is needed.

use super::classify::Classifier;
use super::features::{ConfidenceFeatures, RankFeatures, Without, weigh};
use super::index::{Asked, Index, IndexError};
use super::load::Knowledge;
use super::model::{CONFIDENCE, Calibration, Model, RANK, dot, sigmoid};
use super::parallel;
use crate::domain::ids::DeskId;
use crate::domain::language::Lang;
use jiff::civil::Date;
use std::collections::{BTreeMap, HashMap};

/// Share of inquiries assumed to be outside the knowledge. Fixed by design: the share in any sample says nothing about tomorrow's.
pub const ASSUMED_OUT_OF_SCOPE: f64 = 0.2;
/// Of the automatic answers, the share that may be wrong at that rate.
pub const WRONG_AT_MOST: f64 = 0.03;
/// Phrasings used at most.
const SAMPLE: usize = 1500;
/// Phrasings needed for learning anything.
const ENOUGH: usize = 50;
/// Distinct words of a phrasing that is asked as a question.
const FEWEST_WORDS: usize = 4;
pub(super) const FOLDS: u64 = 5;
/// How strongly weights are drawn towards those they start from.
const DRAW: f64 = 0.001;

/// What the learning saw, from folds that share no entry.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Learned {
    /// Phrasings left out in turn.
    pub samples: usize,
    /// Share found first without themselves, the hand-set weights.
    pub first_before: f64,
    /// Share found first without themselves, the learned weights.
    pub first_after: f64,
    /// Probability that a question with its entry in place gets more confidence than one whose entry is left out.
    pub auroc: f64,
    /// The threshold that keeps the promise.
    pub threshold: f64,
    /// Share of covered questions answered at it.
    pub answered: f64,
    /// Share of left-out questions abstained on at it.
    pub abstained: f64,
    /// Share of right answers among the answers at the assumed rate.
    pub precision: f64,
}

/// A question with what is known about its best entry.
pub(super) struct Sample {
    /// Samples of one fold are judged by what was learned from the others.
    pub(super) fold: u64,
    pub(super) features: ConfidenceFeatures,
    /// The best entry answers it.
    pub(super) right: bool,
    /// Some entry answers it.
    pub(super) covered: bool,
}

/// Learns from a knowledge. `None` when it holds too few phrasings to leave any out.
///
/// # Errors
/// The index could not be built.
pub fn train(
    knowledge: &Knowledge,
    today: Date,
) -> Result<Option<(Calibration, Learned)>, IndexError> {
    let mut index = Index::build(knowledge)?;
    index.model = Model::default();
    let Some(learned) = train_index(&mut index) else {
        return Ok(None);
    };
    let round = |v: f64| (v * 1000.0).round() / 1000.0;
    let percent = |v: f64| (v * 100.0).round();
    let mut threshold = BTreeMap::from([("default".to_owned(), round(learned.threshold))]);
    for desk in &knowledge.desks {
        threshold.insert(desk.id.0.clone(), round(learned.threshold));
    }
    let mut calibration = Calibration {
        made: format!(
            "{today}, from knowledge {} by leaving out {} phrasings (each once more with words exchanged) and their entries in turn, folds without a common entry: right entry first {} % ({} % with the weights set by hand), area under the curve {:.3}, {} % of covered questions answered, {} % of the others abstained",
            knowledge.version,
            learned.samples,
            percent(learned.first_after),
            percent(learned.first_before),
            learned.auroc,
            percent(learned.answered),
            percent(learned.abstained),
        ),
        assumed_out_of_scope: ASSUMED_OUT_OF_SCOPE,
        promise: format!(
            "at most {} % of the automatic answers are wrong when {} % of the inquiries are outside the knowledge",
            percent(WRONG_AT_MOST),
            percent(ASSUMED_OUT_OF_SCOPE)
        ),
        threshold,
        rank: BTreeMap::new(),
        confidence: BTreeMap::new(),
    };
    calibration.set_model(&index.model);
    Ok(Some((calibration, learned)))
}

/// Learns into an index, starting from (and drawn towards) the weights it has.
pub fn train_index(index: &mut Index) -> Option<Learned> {
    // People write sentences to a desk; two words alone are a search, and teach how sure to be of searches.
    let all: Vec<usize> = (0..index.variants.len())
        .filter(|v| {
            index
                .variants
                .get(*v)
                .is_some_and(|v| v.words.len() >= FEWEST_WORDS)
        })
        .collect();
    if all.len() < ENOUGH {
        return None;
    }
    let step = all.len().div_ceil(SAMPLE).max(1);
    let sample: Vec<usize> = all.into_iter().step_by(step).collect();
    let trials = trials(index, &sample);
    let prior = index.model.clone();
    let unseen = Unseen::of(index);
    let first_before = first_rate(index, &unseen, &trials);
    for _ in 0..2 {
        let lists = lists(index, &unseen, &trials);
        index.model.rank = fit_rank(&lists, &prior.rank);
    }
    let first_after = first_rate(index, &unseen, &trials);
    let samples = samples(index, &unseen, &trials);
    let weigh_of = |s: &Sample| weight(&samples, s.covered);
    let mut predicted: Vec<(f64, &Sample)> = Vec::new();
    for fold in 0..FOLDS {
        let rest: Vec<(&Sample, f64)> = samples
            .iter()
            .filter(|s| s.fold != fold)
            .map(|s| (s, weigh_of(s)))
            .collect();
        let (w, bias) = fit_confidence(&rest, &prior, DRAW);
        predicted.extend(
            samples
                .iter()
                .filter(|s| s.fold == fold)
                .map(|s| (sigmoid(bias + dot(&w, &s.features)), s)),
        );
    }
    let everything: Vec<(&Sample, f64)> = samples.iter().map(|s| (s, weigh_of(s))).collect();
    let (w, bias) = fit_confidence(&everything, &prior, DRAW);
    index.model.confidence = w;
    index.model.bias = bias;
    let covered = weight(&samples, true);
    let outside = weight(&samples, false);
    let (threshold, answered, abstained, precision) = promise(&mut predicted, covered, outside);
    let positive: Vec<f64> = predicted
        .iter()
        .filter(|(_, s)| s.covered && s.right)
        .map(|(p, _)| *p)
        .collect();
    let negative: Vec<f64> = predicted
        .iter()
        .filter(|(_, s)| !s.covered)
        .map(|(p, _)| *p)
        .collect();
    Some(Learned {
        samples: sample.len(),
        first_before,
        first_after,
        auroc: auroc(&positive, &negative),
        threshold,
        answered,
        abstained,
        precision,
    })
}

/// Weight of one sample so that the assumed share is outside.
pub(super) fn weight(samples: &[Sample], covered: bool) -> f64 {
    let n = samples
        .iter()
        .filter(|s| s.covered == covered)
        .count()
        .max(1) as f64;
    let share = if covered {
        1.0 - ASSUMED_OUT_OF_SCOPE
    } else {
        ASSUMED_OUT_OF_SCOPE
    };
    share / n
}

fn fold_of(index: &Index, variant: usize) -> u64 {
    let id = index
        .variants
        .get(variant)
        .and_then(|v| index.cards.get(v.card))
        .map_or("", |c| c.entry.as_str());
    id.bytes()
        .fold(7u64, |h, b| h.wrapping_mul(31).wrapping_add(u64::from(b)))
        % FOLDS
}

/// The question of a trial, judged by classifiers that never saw it: with its entry in place the one that missed its phrasing, with its
/// entry left out the one that missed the entry.
struct Unseen {
    phrasing: HashMap<(Lang, u64), Classifier>,
    entry: HashMap<(Lang, u64), Classifier>,
}

impl Unseen {
    fn of(index: &Index) -> Self {
        // Both kinds of folds for every language, side by side.
        let tasks: Vec<(bool, Lang, u64)> = [true, false]
            .into_iter()
            .flat_map(|by_phrasing| {
                Lang::ALL
                    .iter()
                    .flat_map(move |lang| (0..FOLDS).map(move |fold| (by_phrasing, *lang, fold)))
            })
            .collect();
        let learned = parallel::each(
            &tasks,
            |(by_phrasing, lang, fold)| {
                index.learn(*lang, |v| {
                    let of = if *by_phrasing {
                        v as u64 % FOLDS
                    } else {
                        fold_of(index, v)
                    };
                    of != *fold
                })
            },
            &parallel::quietly,
        );
        let (mut phrasing, mut entry) = (HashMap::new(), HashMap::new());
        for ((by_phrasing, lang, fold), classifier) in tasks.into_iter().zip(learned) {
            let folds = if by_phrasing {
                &mut phrasing
            } else {
                &mut entry
            };
            folds.insert((lang, fold), classifier);
        }
        Self { phrasing, entry }
    }

    fn ask(&self, index: &Index, trial: &Trial, covered: bool) -> Asked {
        let mut asked = index.ask(trial.lang, &trial.text);
        let classifier = if covered {
            self.phrasing
                .get(&(trial.lang, trial.variant as u64 % FOLDS))
        } else {
            self.entry.get(&(trial.lang, fold_of(index, trial.variant)))
        };
        if let Some(classifier) = classifier {
            asked.votes = classifier.votes(&index.analyser, trial.lang, &trial.text);
        }
        asked
    }
}

/// A question made of a phrasing, and what the index must pretend not to hold for it to be new.
struct Trial {
    text: String,
    variant: usize,
    card: usize,
    lang: Lang,
    without: Without,
}

/// Two questions a phrasing: the phrasing with itself left out (a paraphrase that shares little), and the phrasing with some of its
/// words exchanged for words of other phrasings (a paraphrase that shares much). People write both kinds.
fn trials(index: &Index, sample: &[usize]) -> Vec<Trial> {
    let mut out = Vec::new();
    for v in sample {
        let Some((variant, card)) = index
            .variants
            .get(*v)
            .and_then(|x| Some((x, index.cards.get(x.card)?)))
        else {
            continue;
        };
        let trial = |text: String, without| Trial {
            text,
            variant: *v,
            card: variant.card,
            lang: card.lang,
            without,
        };
        if card.variants.len() > 1 {
            out.push(trial(variant.text.clone(), Without::Variant(*v)));
        }
        out.push(trial(blur(index, *v), Without::Nothing));
    }
    out
}

/// The phrasing with about two words in five exchanged; the same every time.
fn blur(index: &Index, variant: usize) -> String {
    let Some((v, card)) = index
        .variants
        .get(variant)
        .and_then(|x| Some((x, index.cards.get(x.card)?)))
    else {
        return String::new();
    };
    let mut state = (variant as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(17);
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize
    };
    let mut out = String::new();
    for (piece, word) in index.analyser.pieces(&v.text) {
        if !word || random() % 5 >= 2 {
            out.push_str(&piece);
            continue;
        }
        // A word of some other phrasing in the language; words nobody uses are left out half of the time.
        let start = random() % index.variants.len().max(1);
        let other = (0..200).find_map(|i| {
            let o = index
                .variants
                .get((start + i * 7) % index.variants.len().max(1))?;
            index
                .cards
                .get(o.card)
                .filter(|c| c.lang == card.lang && o.card != v.card)
                .map(|_| o)
        });
        let words: Vec<String> = other
            .map(|o| {
                index
                    .analyser
                    .pieces(&o.text)
                    .into_iter()
                    .filter(|(_, w)| *w)
                    .map(|(p, _)| p)
                    .collect()
            })
            .unwrap_or_default();
        if random() % 2 == 0
            && let Some(w) = words.get(random() % words.len().max(1))
        {
            out.push_str(w);
        }
    }
    out
}

fn first_rate(index: &Index, unseen: &Unseen, trials: &[Trial]) -> f64 {
    let found = parallel::each(
        trials,
        |t| {
            let asked = unseen.ask(index, t, true);
            let (ranked, _) = weigh(index, &asked, t.without, &same_desk(index, t));
            ranked.first().is_some_and(|w| w.card == t.card)
        },
        &parallel::quietly,
    );
    let right = found.iter().filter(|first| **first).count();
    right as f64 / trials.len().max(1) as f64
}

/// Candidates of each question, and which is right.
fn lists(index: &Index, unseen: &Unseen, trials: &[Trial]) -> Vec<(Vec<RankFeatures>, usize)> {
    let lists = parallel::each(
        trials,
        |t| {
            let asked = unseen.ask(index, t, true);
            let (ranked, _) = weigh(index, &asked, t.without, &same_desk(index, t));
            let right = ranked.iter().position(|w| w.card == t.card)?;
            // The far end of the list teaches nothing.
            let kept: Vec<RankFeatures> = ranked
                .iter()
                .enumerate()
                .filter(|(i, _)| *i < 30 || *i == right)
                .map(|(_, w)| w.features)
                .collect();
            let right = right.min(kept.len().saturating_sub(1));
            Some((kept, right))
        },
        &parallel::quietly,
    );
    lists.into_iter().flatten().collect()
}

/// Listwise softmax, drawn towards the prior, no weight below zero: each feature speaks for an entry.
fn fit_rank(lists: &[(Vec<RankFeatures>, usize)], prior: &[f64; RANK.len()]) -> [f64; RANK.len()] {
    let mut w = *prior;
    let mut speed = [0.0; RANK.len()];
    let n = lists.len().max(1) as f64;
    for _ in 0..150 {
        let mut gradient = [0.0; RANK.len()];
        for (features, right) in lists {
            let scores: Vec<f64> = features.iter().map(|f| dot(&w, f)).collect();
            let top = scores.iter().copied().fold(f64::MIN, f64::max);
            let sum: f64 = scores.iter().map(|s| (s - top).exp()).sum();
            for (i, (f, s)) in features.iter().zip(&scores).enumerate() {
                let pull = (s - top).exp() / sum - f64::from(u8::from(i == *right));
                for (g, x) in gradient.iter_mut().zip(f) {
                    *g += pull * x / n;
                }
            }
        }
        for (((w, v), g), p) in w.iter_mut().zip(&mut speed).zip(gradient).zip(prior) {
            *v = 0.9 * *v - 0.5 * (g + 0.01 * (*w - p));
            *w = (*w + *v).max(0.0);
        }
    }
    w
}

/// A mailbox belongs to a desk: questions compete among its entries. Those outside come to each desk in turn.
fn same_desk<'a>(index: &'a Index, trial: &Trial) -> impl Fn(usize) -> bool + 'a {
    let mut desks: Vec<&DeskId> = index
        .cards
        .iter()
        .filter(|c| !c.outside)
        .map(|c| &c.desk)
        .collect();
    desks.sort();
    desks.dedup();
    let desk = index
        .cards
        .get(trial.card)
        .filter(|c| !c.desk.as_str().is_empty())
        .map(|c| &c.desk)
        .or_else(|| desks.get(trial.variant % desks.len().max(1)).copied());
    move |c| index.cards.get(c).is_some_and(|c| c.concerns(desk))
}

fn samples(index: &Index, unseen: &Unseen, trials: &[Trial]) -> Vec<Sample> {
    let of_trial = |t: &Trial| -> Vec<Sample> {
        let fold = fold_of(index, t.variant);
        let outside = index.is_outside(t.card);
        let cases: &[(Without, bool)] = if outside {
            &[(t.without, false)]
        } else {
            &[(t.without, true), (Without::Card(t.card), false)]
        };
        let one = |(without, covered): &(Without, bool)| {
            let asked = unseen.ask(index, t, *covered);
            let (ranked, known) = weigh(index, &asked, *without, &same_desk(index, t));
            // Nearest to what no entry answers: nothing is answered, and there is nothing to be sure of.
            let leads_out = ranked.first().is_some_and(|w| index.is_outside(w.card));
            Sample {
                fold,
                features: index
                    .features(&ranked, known)
                    .filter(|_| !leads_out)
                    .unwrap_or([0.0; CONFIDENCE.len()]),
                right: *covered && ranked.first().is_some_and(|w| w.card == t.card),
                covered: *covered,
            }
        };
        cases.iter().map(one).collect()
    };
    let all = parallel::each(trials, of_trial, &parallel::quietly);
    all.into_iter().flatten().collect()
}

/// Logistic regression, drawn towards the prior.
pub(super) fn fit_confidence(
    samples: &[(&Sample, f64)],
    prior: &Model,
    draw: f64,
) -> ([f64; CONFIDENCE.len()], f64) {
    let mut w = prior.confidence;
    let mut bias = prior.bias;
    let (mut speed, mut bias_speed) = ([0.0; CONFIDENCE.len()], 0.0);
    for _ in 0..400 {
        let mut gradient = [0.0; CONFIDENCE.len()];
        let mut bias_gradient = 0.0;
        for (s, weight) in samples {
            let pull =
                (sigmoid(bias + dot(&w, &s.features)) - f64::from(u8::from(s.right))) * weight;
            bias_gradient += pull;
            for (g, x) in gradient.iter_mut().zip(s.features) {
                *g += pull * x;
            }
        }
        for (((w, v), g), p) in w
            .iter_mut()
            .zip(&mut speed)
            .zip(gradient)
            .zip(prior.confidence)
        {
            *v = 0.9 * *v - 0.6 * (g + draw * (*w - p));
            // Every feature speaks for an answer. Left-out phrasings know few words by construction; "the fewer words are known, the
            // surer" would be learned from them and be wrong outside.
            *w = (*w + *v).max(0.0);
        }
        bias_speed = 0.9 * bias_speed - 0.6 * bias_gradient;
        bias += bias_speed;
    }
    (w, bias)
}

/// The lowest threshold that keeps the promise, with what it gives.
pub(super) fn promise(
    predicted: &mut [(f64, &Sample)],
    covered: f64,
    outside: f64,
) -> (f64, f64, f64, f64) {
    predicted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (all_in, all_out) = (
        predicted.iter().filter(|(_, s)| s.covered).count().max(1) as f64,
        predicted.iter().filter(|(_, s)| !s.covered).count().max(1) as f64,
    );
    let mut best = (0.95, 0.0, 1.0, 1.0);
    let (mut right, mut wrong, mut answered, mut let_in) = (0.0, 0.0, 0.0, 0.0);
    for (i, (p, s)) in predicted.iter().enumerate() {
        let weight = if s.covered { covered } else { outside };
        if s.right {
            right += weight
        } else {
            wrong += weight
        }
        if s.covered {
            answered += 1.0
        } else {
            let_in += 1.0
        }
        let precision = right / (right + wrong);
        if i >= 20 && precision >= 1.0 - WRONG_AT_MOST {
            best = (*p, answered / all_in, 1.0 - let_in / all_out, precision);
        }
    }
    best
}

/// Probability that a positive scores above a negative; ties count half.
pub fn auroc(positive: &[f64], negative: &[f64]) -> f64 {
    if positive.is_empty() || negative.is_empty() {
        return f64::NAN;
    }
    let mut sorted = negative.to_vec();
    sorted.sort_by(f64::total_cmp);
    let sum: f64 = positive
        .iter()
        .map(|p| {
            let below = sorted.partition_point(|n| n < p) as f64;
            let upto = sorted.partition_point(|n| n <= p) as f64;
            (below + upto) / 2.0
        })
        .sum();
    sum / (positive.len() as f64 * negative.len() as f64)
}
