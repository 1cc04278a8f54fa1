//! Messages their own domain disowns: a letter in answer would go to somebody who never wrote (back-scatter).

use super::{ScreenFacts, Verdict};
use crate::domain::inquiry::Inquiry;

pub(super) fn check(inquiry: &Inquiry, _facts: &ScreenFacts) -> Option<Verdict> {
    (inquiry.trust.failed() && inquiry.trust.strict).then(|| Verdict::Quiet {
        reason: "sender-unproven".to_owned(),
    })
}
