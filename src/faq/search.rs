//! From a question to at most ten entries with a calibrated confidence for the first.

use super::features::{ConfidenceFeatures, Known, Weighed, Without, confidence_features, weigh};
use super::index::{Asked, Index};
use crate::domain::decide::Hit;
use crate::domain::ids::DeskId;
use crate::domain::language::Lang;
use jiff::civil::Date;

/// A question as the index is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// What the sender newly wrote.
    pub text: String,
    /// Its language.
    pub lang: Lang,
    /// Only entries of this desk; of every desk when `None`.
    pub desk: Option<DeskId>,
    /// The day it is asked: an entry outside its validity is not returned.
    pub today: Date,
}

/// A message, or a part of it, weighed against the entries.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Its terms.
    pub asked: Asked,
    /// The entries, the best first.
    pub ranked: Vec<Weighed>,
    /// What the confidence is made of; `None` where nothing can be answered.
    pub features: Option<ConfidenceFeatures>,
    /// The probability that the first entry answers it, 0 to 1.
    pub sure: f64,
}

/// Hits returned at most.
pub const MAX_HITS: usize = 10;

impl Index {
    /// The entries that may answer, the best first, at most ten. The first carries the calibrated probability that it answers the
    /// question; the others what is left of it, by their share.
    pub fn search(&self, question: &Question) -> Vec<Hit> {
        self.read(question)
            .map(|r| self.hits(r.sure, &r.asked, &r.ranked))
            .unwrap_or_default()
    }

    /// The reading of a message the index is surest of: all of it, or one sentence of it.
    pub fn read(&self, question: &Question) -> Option<Reading> {
        let keep = |c: usize| {
            self.cards.get(c).is_some_and(|card| {
                card.concerns(question.desk.as_ref())
                    && card.valid_from <= question.today
                    && card.valid_until.is_none_or(|end| question.today <= end)
            })
        };
        if self.small_talk.is_only_small_talk(&question.text) {
            return None;
        }
        let mut best: Option<Reading> = None;
        for (i, text) in self.small_talk.readings(&question.text).iter().enumerate() {
            let asked = self.ask(question.lang, text);
            // A sentence by itself must say enough: "Is that right?" is no question to the index.
            if i > 0 && asked.words.len() < 3 {
                continue;
            }
            let (ranked, known) = weigh(self, &asked, Without::Nothing, &keep);
            // Nearest to what no entry answers: nothing is answered, and there is nothing to be sure of.
            let features = self
                .features(&ranked, known)
                .filter(|_| !ranked.first().is_some_and(|w| self.is_outside(w.card)));
            let sure = features.map_or(0.0, |f| self.model.probability(&f));
            if best.as_ref().is_none_or(|b| sure > b.sure) {
                best = Some(Reading {
                    asked,
                    ranked,
                    features,
                    sure,
                });
            }
        }
        best
    }

    /// What the confidence of the first of these is made of.
    pub fn features(&self, ranked: &[Weighed], known: Known) -> Option<ConfidenceFeatures> {
        confidence_features(ranked, known, &|card| self.is_outside(card))
    }

    /// True for a question that no entry answers.
    pub fn is_outside(&self, card: usize) -> bool {
        self.cards.get(card).is_some_and(|card| card.outside)
    }

    fn hits(&self, sure: f64, asked: &Asked, ranked: &[Weighed]) -> Vec<Hit> {
        let mut out: Vec<Hit> = Vec::new();
        let top = ranked.first().map_or(0.0, |w| w.score);
        for w in ranked {
            let (Some(card), Some(variant)) =
                (self.cards.get(w.card), self.variants.get(w.variant))
            else {
                continue;
            };
            if card.outside {
                continue;
            }
            if out
                .iter()
                .any(|h| h.entry == card.entry && h.desk == card.desk)
            {
                continue;
            }
            let (mut matched, mut missing) = (Vec::new(), Vec::new());
            for (text, id) in &asked.words {
                let known = id.is_some_and(|t| {
                    card.words.contains_key(&t) || card.body_words.binary_search(&t).is_ok()
                });
                if known {
                    matched.push(text.clone())
                } else {
                    missing.push(text.clone())
                }
            }
            let share = if out.is_empty() {
                1.0
            } else {
                (w.score - top).exp().min(1.0) * 0.9
            };
            let [words, runs, ..] = w.features;
            out.push(Hit {
                entry: card.entry.clone(),
                desk: card.desk.clone(),
                lang: card.lang,
                score: ((words + 0.6 * runs) / 1.6).clamp(0.0, 1.0),
                known: self.known_share(asked, card),
                confidence: sure * share,
                variant: variant.text.clone(),
                matched,
                missing,
            });
            if out.len() == MAX_HITS {
                break;
            }
        }
        out
    }
}
