//! The numbers in `calibration.toml`: how entries are ranked, how sure to be, and from when to answer.

use super::load::Problem;
use crate::domain::ids::DeskId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Names of the features that rank entries, in the order of [`super::features::RankFeatures`].
pub const RANK: [&str; 16] = [
    "score_words",
    "score_runs",
    "question_covered",
    "phrasing_covered",
    "cosine_words",
    "cosine_runs",
    "rarest_in_phrasing",
    "rarest_in_entry",
    "entry_covers_words",
    "answer_covers_runs",
    "entry_similarity",
    "concepts",
    "classifier",
    "classifier_log",
    "asks_for",
    "identical",
];
/// Names of the features the confidence is made of.
pub const CONFIDENCE: [&str; 22] = [
    "lead",
    "share",
    "score_words",
    "score_runs",
    "question_covered",
    "phrasing_covered",
    "cosine_words",
    "cosine_runs",
    "rarest_in_entry",
    "known_words",
    "known_runs",
    "entry_covers_words",
    "entry_similarity",
    "views_agree",
    "length",
    "concepts",
    "classifier",
    "classifier_log",
    "classifier_lead",
    "asks_for",
    "identical",
    "apart_from_outside",
];

/// The file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// How and when it was made, in words.
    pub made: String,
    /// The share of inquiries assumed to be outside the knowledge, 0 to 1.
    pub assumed_out_of_scope: f64,
    /// The promise of the thresholds in words.
    pub promise: String,
    /// Confidence from which an entry is sent, per desk; `default` for the others.
    pub threshold: BTreeMap<String, f64>,
    /// Weights that rank entries, by feature.
    pub rank: BTreeMap<String, f64>,
    /// Weights of the confidence, by feature, and `bias`.
    pub confidence: BTreeMap<String, f64>,
}

/// The numbers in the order they are multiplied in.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Rank weights.
    pub rank: [f64; RANK.len()],
    /// Confidence weights.
    pub confidence: [f64; CONFIDENCE.len()],
    /// Confidence intercept.
    pub bias: f64,
}

impl Default for Model {
    /// Set by hand, for a knowledge that has not been calibrated.
    fn default() -> Self {
        Self {
            rank: [
                4.0, 2.5, 1.0, 1.0, 3.0, 3.0, 0.5, 0.5, 1.5, 0.5, 4.0, 1.0, 2.0, 4.0, 1.0, 5.0,
            ],
            confidence: [
                2.0, 2.0, 1.0, 1.0, 0.5, 0.5, 1.0, 1.0, 0.5, 1.0, 1.0, 1.0, 1.0, 0.5, 0.0, 0.3,
                1.0, 1.0, 1.0, 1.0, 3.0, 1.0,
            ],
            bias: -6.0,
        }
    }
}

impl Calibration {
    /// Reads the file.
    ///
    /// # Errors
    /// The file is no valid TOML, or a field is unknown or missing.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let c: Self = toml::from_str(text).map_err(|e| {
            let line = e.span().map_or(1, |s| super::load::line_at(text, s.start));
            Problem::error(
                "calibration.toml",
                line,
                format!("{}: correct it, or make the file anew", e.message()),
            )
        })?;
        for (name, known) in c
            .rank
            .keys()
            .map(|n| (n, RANK.contains(&n.as_str())))
            .chain(
                c.confidence
                    .keys()
                    .map(|n| (n, n == "bias" || CONFIDENCE.contains(&n.as_str()))),
            )
        {
            if !known {
                return Err(Problem::error(
                    "calibration.toml",
                    super::load::line_of(text, name),
                    format!("unknown feature `{name}`: take it out"),
                ));
            }
        }
        Ok(c)
    }

    /// Confidence from which this desk lets an entry be sent, 0 to 1.
    pub fn threshold(&self, desk: &DeskId) -> f64 {
        self.threshold
            .get(desk.as_str())
            .or_else(|| self.threshold.get("default"))
            .copied()
            .unwrap_or(0.8)
    }

    /// The numbers in order.
    pub fn model(&self) -> Model {
        let pick = |map: &BTreeMap<String, f64>, name: &str| map.get(name).copied().unwrap_or(0.0);
        Model {
            rank: RANK.map(|n| pick(&self.rank, n)),
            confidence: CONFIDENCE.map(|n| pick(&self.confidence, n)),
            bias: pick(&self.confidence, "bias"),
        }
    }

    /// Puts numbers in, rounded so that the file stays readable.
    pub fn set_model(&mut self, m: &Model) {
        let round = |v: f64| (v * 1000.0).round() / 1000.0;
        self.rank = RANK
            .iter()
            .zip(m.rank)
            .map(|(n, v)| ((*n).to_owned(), round(v)))
            .collect();
        self.confidence = CONFIDENCE
            .iter()
            .zip(m.confidence)
            .map(|(n, v)| ((*n).to_owned(), round(v)))
            .collect();
        self.confidence.insert("bias".to_owned(), round(m.bias));
    }
}

impl Model {
    /// The probability that belongs to confidence features.
    pub fn probability(&self, features: &[f64; CONFIDENCE.len()]) -> f64 {
        sigmoid(self.bias + dot(&self.confidence, features))
    }
}

/// Sum of products.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The logistic function.
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
