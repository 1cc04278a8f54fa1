//! What can be said about a question and an entry in numbers between 0 and 1, each explainable to staff.

use super::classify::shares;
use super::index::{Asked, Counts, Index, Variant, idf};
use super::kinds::fit;
use super::model::{CONFIDENCE, RANK, dot};
use std::collections::HashMap;

/// In the order of [`RANK`].
pub type RankFeatures = [f64; RANK.len()];
/// In the order of [`CONFIDENCE`].
pub type ConfidenceFeatures = [f64; CONFIDENCE.len()];

/// What the index pretends not to hold (leaving out, for calibration and the linter).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Without {
    /// Nothing is left out.
    Nothing,
    /// One phrasing.
    Variant(usize),
    /// One card with all its phrasings.
    Card(usize),
}

/// One entry weighed against a question.
#[derive(Debug, Clone)]
pub struct Weighed {
    /// Its card.
    pub card: usize,
    /// Its phrasing that fits best.
    pub variant: usize,
    /// Why.
    pub features: RankFeatures,
    /// The weighted sum.
    pub score: f64,
}

/// One side of a question: its terms with what they tell.
struct Side {
    terms: Vec<(Option<u32>, f64)>,
    map: HashMap<u32, f64>,
    total: f64,
    square: f64,
    known: f64,
    rarest: Option<u32>,
}

fn side(
    list: &[(String, Option<u32>)],
    df: &HashMap<u32, u32>,
    n: u32,
    without: &dyn Fn(u32) -> u32,
) -> Side {
    let mut s = Side {
        terms: Vec::new(),
        map: HashMap::new(),
        total: 0.0,
        square: 0.0,
        known: 0.0,
        rarest: None,
    };
    let mut top = 0.0;
    for (_, id) in list {
        let with = id.map_or(0, |t| {
            df.get(&t).copied().unwrap_or(0).saturating_sub(without(t))
        });
        let w = idf(n, with);
        s.total += w;
        s.square += w * w;
        if with > 0 {
            s.known += w;
            if w > top {
                top = w;
                s.rarest = *id;
            }
        }
        if let Some(t) = id {
            s.map.insert(*t, w);
        }
        s.terms.push((*id, w));
    }
    s
}

struct Match {
    score: f64,
    covered: f64,
    covers: f64,
    cosine: f64,
}

/// Scores one view of one phrasing; `ideal` is what the question would score against itself.
fn compare(q: &Side, terms: &[u32], df: &HashMap<u32, u32>, n: u32, mean: f64) -> Match {
    const K1: f64 = 1.2;
    const B: f64 = 0.6;
    if q.total <= 0.0 || terms.is_empty() {
        return Match {
            score: 0.0,
            covered: 0.0,
            covers: 0.0,
            cosine: 0.0,
        };
    }
    let (mut hit, mut all, mut square, mut product, mut own) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for t in terms {
        let w = idf(n, df.get(t).copied().unwrap_or(0));
        all += w;
        square += w * w;
        if let Some(qw) = q.map.get(t) {
            hit += qw;
            own += w;
            product += qw * w;
        }
    }
    let long = |len: f64| K1 * (1.0 - B + B * len / mean.max(1.0));
    let saturation =
        (1.0 + long(q.terms.len() as f64)) / (1.0 + long(terms.len() as f64)).max(1e-9);
    Match {
        score: (hit / q.total * saturation).min(1.0),
        covered: (hit / q.total).min(1.0),
        covers: (own / all.max(1e-9)).min(1.0),
        cosine: (product / (q.square.sqrt() * square.sqrt()).max(1e-9)).min(1.0),
    }
}

/// The question weighed against every card worth it, the best first. `keep` says which cards may answer.
pub fn weigh(
    index: &Index,
    asked: &Asked,
    without: Without,
    keep: &dyn Fn(usize) -> bool,
) -> (Vec<Weighed>, Known) {
    let empty = Counts::default();
    let own = index.counts.get(&asked.lang).unwrap_or(&empty);
    let drop_words = |t: u32| dropped(index, without, t, true);
    let drop_runs = |t: u32| dropped(index, without, t, false);
    let words = side(&asked.words, &own.words, own.variants, &drop_words);
    let runs = side(&asked.runs, &own.runs, own.variants, &drop_runs);
    let shares = shares(&asked.votes, |c| without != Without::Card(c) && keep(c));
    let run_length = runs.square.sqrt().max(1e-9);
    let mut out: Vec<Weighed> = Vec::new();
    for c in index.candidates(asked) {
        if without == Without::Card(c) || !keep(c) {
            continue;
        }
        let Some(card) = index.cards.get(c) else {
            continue;
        };
        let Some(counts) = index.counts.get(&card.lang).or(Some(&empty)) else {
            continue;
        };
        let minus = match without {
            Without::Variant(v) if card.variants.contains(&v) => index.variants.get(v),
            _ => None,
        };
        let has = |map: &HashMap<u32, u32>, t: u32, gone: Option<&[u32]>| {
            let n = map.get(&t).copied().unwrap_or(0);
            n > u32::from(gone.is_some_and(|g| g.binary_search(&t).is_ok()))
        };
        let has_word = |t: u32| has(&card.words, t, minus.map(|v| v.words.as_slice()));
        let entry_covers = if words.total > 0.0 {
            words
                .terms
                .iter()
                .filter(|(t, _)| {
                    t.is_some_and(|t| has_word(t) || card.body_words.binary_search(&t).is_ok())
                })
                .map(|(_, w)| w)
                .sum::<f64>()
                / words.total
        } else {
            0.0
        };
        let body = if runs.total > 0.0 {
            runs.terms
                .iter()
                .filter(|(t, _)| t.is_some_and(|t| card.body_runs.binary_search(&t).is_ok()))
                .map(|(_, w)| w)
                .sum::<f64>()
                / runs.total
        } else {
            0.0
        };
        let rarest_in_entry = words
            .rarest
            .map_or(0.0, |t| f64::from(u8::from(has_word(t))));
        let share = shares.get(&c).copied().unwrap_or(0.0);
        let asks_for = fit(
            asked.kinds,
            &card.kinds,
            minus.map_or(0, |v| v.kinds),
            card.variants.len() - usize::from(minus.is_some()),
        );
        let similarity = centre_similarity(index, c, &runs, run_length, minus);
        let mut best: Option<Weighed> = None;
        for v in card
            .variants
            .iter()
            .filter(|v| without != Without::Variant(**v))
        {
            let Some(variant) = index.variants.get(*v) else {
                continue;
            };
            let w = compare(
                &words,
                &variant.words,
                &counts.words,
                counts.variants,
                counts.mean_words,
            );
            let r = compare(
                &runs,
                &variant.runs,
                &counts.runs,
                counts.variants,
                counts.mean_runs,
            );
            let features = [
                w.score,
                r.score,
                w.covered,
                w.covers,
                w.cosine,
                r.cosine,
                words.rarest.map_or(0.0, |t| {
                    f64::from(u8::from(variant.words.binary_search(&t).is_ok()))
                }),
                rarest_in_entry,
                entry_covers,
                body,
                similarity,
                dice(&asked.concepts, &variant.concepts),
                share,
                (1.0 + share.max(1e-4).ln() / 9.3).max(0.0),
                asks_for,
                f64::from(u8::from(
                    !asked.normal.is_empty() && asked.normal == variant.normal,
                )),
            ];
            let score = dot(&index.model.rank, &features);
            if best.as_ref().is_none_or(|b| score > b.score) {
                best = Some(Weighed {
                    card: c,
                    variant: *v,
                    features,
                    score,
                });
            }
        }
        // An entry whose only phrasing is left out still has its answer.
        if best.is_none() && !card.variants.is_empty() && (entry_covers > 0.0 || body > 0.0) {
            let mut features = [0.0; RANK.len()];
            let [.., covers, text, _, _, _, _, _, _] = &mut features;
            *covers = entry_covers;
            *text = body;
            let score = dot(&index.model.rank, &features);
            best = card.variants.first().map(|v| Weighed {
                card: c,
                variant: *v,
                features,
                score,
            });
        }
        out.extend(best);
    }
    out.sort_by(|a, b| {
        let own = |w: &Weighed| {
            index
                .cards
                .get(w.card)
                .is_some_and(|c| c.lang == asked.lang)
        };
        b.score
            .total_cmp(&a.score)
            .then_with(|| own(b).cmp(&own(a)))
            .then_with(|| a.card.cmp(&b.card))
    });
    let known = Known {
        words: if words.total > 0.0 {
            words.known / words.total
        } else {
            0.0
        },
        runs: if runs.total > 0.0 {
            runs.known / runs.total
        } else {
            0.0
        },
        length: asked.words.len(),
    };
    (out, known)
}

/// How much of a question the knowledge knows at all, weighted by how much the terms tell, 0 to 1.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Share of words.
    pub words: f64,
    /// Share of runs.
    pub runs: f64,
    /// Number of distinct words.
    pub length: usize,
}

fn dropped(index: &Index, without: Without, t: u32, words: bool) -> u32 {
    match without {
        Without::Nothing => 0,
        Without::Variant(v) => index.variants.get(v).map_or(0, |v| {
            let list = if words { &v.words } else { &v.runs };
            u32::from(list.binary_search(&t).is_ok())
        }),
        Without::Card(c) => index.cards.get(c).map_or(0, |c| {
            let map = if words { &c.words } else { &c.runs };
            map.get(&t).copied().unwrap_or(0)
        }),
    }
}

fn centre_similarity(
    index: &Index,
    card: usize,
    runs: &Side,
    run_length: f64,
    minus: Option<&Variant>,
) -> f64 {
    let Some(card) = index.cards.get(card) else {
        return 0.0;
    };
    let gone: HashMap<u32, f64> = minus
        .map(|v| index.unit_vector(card.lang, v).into_iter().collect())
        .unwrap_or_default();
    let mut square = card.centre_square;
    if !gone.is_empty() {
        let product: f64 = gone
            .iter()
            .map(|(t, w)| w * card.centre.get(t).copied().unwrap_or(0.0))
            .sum();
        square = (square - 2.0 * product + 1.0).max(0.0);
    }
    if square <= 1e-9 {
        return 0.0;
    }
    let product: f64 = runs
        .terms
        .iter()
        .filter_map(|(t, w)| {
            let t = (*t)?;
            let c = card.centre.get(&t)? - gone.get(&t).copied().unwrap_or(0.0);
            Some(w * c)
        })
        .sum();
    (product / (run_length * square.sqrt())).clamp(0.0, 1.0)
}

fn dice(a: &[u32], b: &[u32]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let both = a.iter().filter(|t| b.binary_search(t).is_ok()).count();
    2.0 * both as f64 / (a.len() + b.len()) as f64
}

/// What the confidence of the best entry is made of.
pub fn confidence_features(
    ranked: &[Weighed],
    known: Known,
    is_outside: &dyn Fn(usize) -> bool,
) -> Option<ConfidenceFeatures> {
    let top = ranked.first()?;
    let [
        score_words,
        score_runs,
        covered,
        covers,
        cosine_words,
        cosine_runs,
        _,
        rarest,
        entry,
        _,
        similarity,
        concepts,
        classifier,
        classifier_log,
        asks_for,
        identical,
    ] = top.features;
    let lead = ranked
        .get(1)
        .map_or(1.0, |second| ((top.score - second.score) / 4.0).tanh());
    let sum: f64 = ranked
        .iter()
        .take(10)
        .map(|w| (w.score - top.score).exp())
        .sum();
    let best_by = |f: fn(&RankFeatures) -> f64| {
        ranked
            .iter()
            .max_by(|a, b| f(&a.features).total_cmp(&f(&b.features)))
            .map(|w| w.card)
    };
    let agree = [
        best_by(|f| f[4]),
        best_by(|f| f[5]),
        best_by(|f| f[10]),
        best_by(|f| f[12]),
    ]
    .iter()
    .filter(|c| **c == Some(top.card))
    .count() as f64
        / 4.0;
    // How far the nearest question that no entry answers lies behind.
    let apart = ranked
        .iter()
        .find(|w| is_outside(w.card))
        .map_or(1.0, |w| ((top.score - w.score) / 4.0).tanh().max(0.0));
    let runner_up = ranked
        .iter()
        .skip(1)
        .map(|w| w.features[12])
        .fold(0.0, f64::max);
    Some([
        lead,
        1.0 / sum.max(1e-9),
        score_words,
        score_runs,
        covered,
        covers,
        cosine_words,
        cosine_runs,
        rarest,
        known.words,
        known.runs,
        entry,
        similarity,
        agree,
        ((1.0 + known.length as f64).ln() / 4.0).min(1.0),
        concepts,
        classifier,
        classifier_log,
        classifier - runner_up,
        asks_for,
        identical,
        apart,
    ])
}
