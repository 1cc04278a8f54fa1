//! Marks a machine left on its message (RFC 3834, RFC 3464, RFC 2919); reading them is the channel's work.

use super::{ScreenFacts, Verdict};
use crate::domain::inquiry::Inquiry;
use madoguchi_channel::MarkKind;

pub(super) fn check(inquiry: &Inquiry, _facts: &ScreenFacts) -> Option<Verdict> {
    // A bounce is also an automatic reply; the stronger statement names it.
    let mark = [MarkKind::Bounce, MarkKind::AutoReply, MarkKind::List]
        .iter()
        .find_map(|kind| inquiry.message.marks.iter().find(|m| m.kind == *kind))?;
    Some(Verdict::Machine {
        kind: Some(mark.kind),
        reason: mark.reason.clone(),
    })
}
