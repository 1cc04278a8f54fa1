//! The decision: what becomes of one inquiry, as a closed set, each with its reason and evidence.

use crate::domain::ids::{DeskId, EntryId};
use crate::domain::language::Lang;
use serde::{Deserialize, Serialize};

/// One entry the index offers, with why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The entry.
    pub entry: EntryId,
    /// Its desk.
    pub desk: DeskId,
    /// Language of the variant that matched.
    pub lang: Lang,
    /// Score relative to the query's own ideal score, 0 to 1.
    pub score: f64,
    /// Calibrated probability that this entry answers the question, 0 to 1.
    pub confidence: f64,
    /// The phrasing that matched best.
    pub variant: String,
    /// Terms of the question that the entry knows, normalised.
    pub matched: Vec<String>,
    /// Terms of the question that the entry does not know.
    pub missing: Vec<String>,
}
