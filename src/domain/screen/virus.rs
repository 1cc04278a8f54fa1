//! A file in which the scanner found something: nothing is answered by itself, staff get the ticket with the file locked.

use super::{ScreenFacts, Verdict};
use crate::domain::file::Scan;
use crate::domain::inquiry::Inquiry;

pub(super) fn check(inquiry: &Inquiry, _facts: &ScreenFacts) -> Option<Verdict> {
    let infected = inquiry.kept.iter().any(|file| file.scan == Scan::Infected);
    infected.then(|| Verdict::Quiet {
        reason: "virus".to_owned(),
    })
}
