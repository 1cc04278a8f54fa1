//! Taken out of quarantine by a member of staff: a person has judged, but the marks of a machine may still be true, so nothing is
//! answered by itself.

use super::{ScreenFacts, Verdict};
use crate::domain::inquiry::Inquiry;

pub(super) fn check(inquiry: &Inquiry, _facts: &ScreenFacts) -> Option<Verdict> {
    inquiry.restored.then(|| Verdict::Quiet {
        reason: "restored".to_owned(),
    })
}
