//! The decision: what becomes of one inquiry, as a closed set, each with its reason and evidence.
//!
//! `flow::triage` gathers, [`decide`] judges, `flow::triage` acts on every arm. Guards outrank the index: a patient in danger
//! never gets a FAQ entry, and no entry is served to a question that only the ministry, an authority or a doctor may answer (G8).

use crate::domain::guard::{GuardHit, GuardKind};
use crate::domain::ids::{DeskId, EntryId, TicketId};
use crate::domain::language::Lang;
use crate::domain::screen::Verdict;
use crate::domain::thread::Threading;
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
    /// How much of the question the entry knows at all, each word weighted by how much it tells, 0 to 1.
    pub known: f64,
    /// Calibrated probability that this entry answers the question, 0 to 1.
    pub confidence: f64,
    /// The phrasing that matched best.
    pub variant: String,
    /// Terms of the question that the entry knows, normalised.
    pub matched: Vec<String>,
    /// Terms of the question that the entry does not know.
    pub missing: Vec<String>,
}

/// What the desk says when it takes an inquiry in for staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// The usual acknowledgement with number and due date.
    Acknowledge,
    /// The same, and that the desk cannot judge this (G8).
    CannotJudge,
    /// What to do at once about a leaked number (W2).
    LeakedSecret,
    /// Sorry that the answer did not help; a person takes over.
    NotHelped,
}

/// What a follow-up does to its ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FollowUp {
    /// The automatic answer did not help: it no longer counts, the first arrival's clock runs.
    RejectAnswer,
    /// It is added, and the ticket is open (again).
    Reopen,
    /// The same, and the requester is asked for smaller files.
    TooLarge,
    /// A mere thank-you: it is added, nothing else changes.
    Append,
    /// One of the entries offered is chosen: it is the answer.
    Chosen(EntryId),
}

/// What is missing where files are larger than a desk takes.
pub const SMALLER_FILES: &str = "smaller_files";

/// What becomes of one inquiry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// The knowledge answers it.
    Answer {
        /// The entry, with its evidence.
        hit: Hit,
    },
    /// A ticket for staff, and a few entries one of which may answer it: the requester chooses, or waits.
    Offer {
        /// The entries, the likeliest first.
        hits: Vec<Hit>,
        /// Stable reason (`below-threshold`).
        why: String,
    },
    /// Something is missing; the desk asks for it and waits.
    AskFor {
        /// What is missing (`question`).
        missing: Vec<String>,
    },
    /// A ticket for staff.
    Escalate {
        /// Stable reason (`below-threshold`, `guard:prediction`, `urgent-route` …).
        why: String,
        /// At once, at any hour.
        urgent: bool,
        /// What the requester is told.
        promise: Promise,
    },
    /// Signs of danger: the emergency guidance and a staff page at once.
    Emergency {
        /// Stable reason (`guard:emergency`, `guard:self_harm`).
        why: String,
        /// The ticket it joins, where there is one.
        ticket: Option<TicketId>,
    },
    /// It continues a ticket.
    Join {
        /// Which.
        ticket: TicketId,
        /// What it does to it.
        follow_up: FollowUp,
        /// It names a leaked number or an incident: the ticket becomes urgent.
        urgent: bool,
        /// Stable reason (`reference`, `token`, `part`, `not-helped`).
        why: String,
    },
    /// Not answered, no ticket; findable in the ledger.
    Ignore {
        /// Stable reason.
        why: String,
        /// The ticket it speaks of (a bounce, a vacation note).
        ticket: Option<TicketId>,
        /// The desk's own message came back undelivered.
        bounce: bool,
    },
}

impl Decision {
    /// The stable name, as `ask` and the ledger print it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Answer { .. } => "answer",
            Self::Offer { .. } => "offer",
            Self::AskFor { .. } => "ask_for",
            Self::Escalate { .. } => "escalate",
            Self::Emergency { .. } => "emergency",
            Self::Join { .. } => "join",
            Self::Ignore { .. } => "ignore",
        }
    }
}

/// What deciding is handed.
#[derive(Debug, Clone)]
pub struct Gathered {
    /// Machine or person.
    pub verdict: Verdict,
    /// New or follow-up.
    pub threading: Threading,
    /// The ticket of a follow-up was answered from the knowledge and nobody has written since.
    pub answered_by_entry: bool,
    /// The ticket of a follow-up is settled (resolved or closed).
    pub settled: bool,
    /// Of the entries offered in it, the one a follow-up chooses.
    pub chosen: Option<EntryId>,
    /// Guards that spoke, the strongest first.
    pub guards: Vec<GuardHit>,
    /// The ticket that holds this very message already (delivered twice to one desk).
    pub duplicate_of: Option<TicketId>,
    /// Another desk has this very message and answered or acknowledged it.
    pub answered_by_twin: bool,
    /// It is one of several mails that make one letter (Q3).
    pub part: bool,
    /// A file in it is larger than the desk takes.
    pub too_large: bool,
    /// Neither a word nor a file in it.
    pub empty: bool,
    /// There are files in it: it is an inquiry even without words.
    pub has_files: bool,
    /// Routing calls it urgent.
    pub urgent_route: bool,
    /// Routing alone settles where it goes; the index is not asked (look-up rows that lead to "ask the desk").
    pub staff_only: bool,
    /// The desk it was routed to.
    pub desk: DeskId,
    /// What the index offers, the best first.
    pub hits: Vec<Hit>,
    /// Confidence from which this desk lets an entry be sent, 0 to 1.
    pub threshold: f64,
}

/// Judges one inquiry.
pub fn decide(gathered: &Gathered) -> Decision {
    let joined = match &gathered.threading {
        Threading::FollowUp { ticket, via } => Some((*ticket, via.as_str())),
        Threading::New { .. } => None,
    };
    if let Verdict::Machine { kind, reason } = &gathered.verdict {
        return Decision::Ignore {
            why: reason.clone(),
            ticket: joined.map(|(ticket, _)| ticket),
            bounce: *kind == Some(madoguchi_channel::MarkKind::Bounce),
        };
    }
    if let Some(ticket) = gathered.duplicate_of {
        return Decision::Ignore {
            why: "duplicate".to_owned(),
            ticket: Some(ticket),
            bounce: false,
        };
    }
    let guard = |kind: GuardKind| gathered.guards.iter().any(|hit| hit.kind == kind);
    for kind in [GuardKind::Emergency, GuardKind::SelfHarm] {
        if guard(kind) {
            return Decision::Emergency {
                why: format!("guard:{}", kind.as_str()),
                ticket: joined.map(|(ticket, _)| ticket),
            };
        }
    }
    let urgent = guard(GuardKind::LeakedSecret) || guard(GuardKind::Incident);
    match joined {
        Some((ticket, via)) => follow_up(gathered, ticket, via, urgent),
        None => new_inquiry(gathered, urgent),
    }
}

fn follow_up(gathered: &Gathered, ticket: TicketId, via: &str, urgent: bool) -> Decision {
    if let Some(entry) = gathered.chosen.clone().filter(|_| !urgent) {
        return Decision::Join {
            ticket,
            follow_up: FollowUp::Chosen(entry),
            urgent,
            why: "chosen".to_owned(),
        };
    }
    let says = |kind: GuardKind| gathered.guards.iter().any(|hit| hit.kind == kind);
    let rejects = says(GuardKind::NotHelped) || says(GuardKind::HumanWanted);
    let (follow_up, why) = if gathered.answered_by_entry && rejects {
        (FollowUp::RejectAnswer, "not-helped")
    } else if gathered.settled && says(GuardKind::Thanks) && !rejects && !urgent {
        (FollowUp::Append, "thanks")
    } else if gathered.too_large && !matches!(gathered.verdict, Verdict::Quiet { .. }) {
        (FollowUp::TooLarge, "too-large")
    } else {
        (FollowUp::Reopen, via)
    };
    Decision::Join {
        ticket,
        follow_up,
        urgent,
        why: why.to_owned(),
    }
}

fn new_inquiry(gathered: &Gathered, urgent: bool) -> Decision {
    let escalate = |why: &str, urgent: bool, promise: Promise| Decision::Escalate {
        why: why.to_owned(),
        urgent,
        promise,
    };
    if let Some(hit) = gathered
        .guards
        .iter()
        .find(|hit| matches!(hit.kind, GuardKind::LeakedSecret | GuardKind::Incident))
    {
        let promise = if hit.kind == GuardKind::LeakedSecret {
            Promise::LeakedSecret
        } else {
            Promise::Acknowledge
        };
        return escalate(&format!("guard:{}", hit.kind.as_str()), urgent, promise);
    }
    if let Verdict::Quiet { reason } = &gathered.verdict {
        return escalate(reason, gathered.urgent_route, Promise::Acknowledge);
    }
    if gathered.answered_by_twin {
        return escalate("same-message", gathered.urgent_route, Promise::Acknowledge);
    }
    if gathered.too_large {
        return Decision::AskFor {
            missing: vec![SMALLER_FILES.to_owned()],
        };
    }
    if gathered.part {
        return escalate("part", gathered.urgent_route, Promise::Acknowledge);
    }
    if gathered.empty {
        return Decision::AskFor {
            missing: vec!["question".to_owned()],
        };
    }
    if gathered.urgent_route {
        return escalate("urgent-route", true, Promise::Acknowledge);
    }
    // A bare "thank you" in a new mail may hold a question too: it outranks nothing.
    if let Some(hit) = gathered
        .guards
        .iter()
        .find(|hit| hit.kind != GuardKind::Thanks)
    {
        let promise = match hit.kind {
            GuardKind::Prediction | GuardKind::Diagnosis => Promise::CannotJudge,
            GuardKind::NotHelped => Promise::NotHelped,
            _ => Promise::Acknowledge,
        };
        return escalate(&format!("guard:{}", hit.kind.as_str()), false, promise);
    }
    if gathered.staff_only {
        return escalate("staff-only-route", false, Promise::Acknowledge);
    }
    match gathered.hits.first() {
        Some(hit) if hit.confidence >= gathered.threshold && !grounded(hit) => {
            escalate("too-few-known-words", false, Promise::Acknowledge)
        }
        Some(hit) if hit.confidence >= gathered.threshold && hit.desk == gathered.desk => {
            Decision::Answer { hit: hit.clone() }
        }
        Some(hit) if hit.confidence >= gathered.threshold => {
            escalate("other-desk", false, Promise::Acknowledge)
        }
        Some(hit) => {
            let hits = offered(gathered, hit);
            if hits.is_empty() {
                escalate("below-threshold", false, Promise::Acknowledge)
            } else {
                Decision::Offer {
                    hits,
                    why: "below-threshold".to_owned(),
                }
            }
        }
        None if gathered.has_files => escalate("files-only", false, Promise::Acknowledge),
        None => escalate("nothing-found", false, Promise::Acknowledge),
    }
}

/// Entries offered at most.
const MOST_OFFERED: usize = 3;
/// Confidence in the best entry from which entries are offered: below it even three are seldom right.
const OFFER_FROM: f64 = 0.3;

/// The entries worth offering; none where the best is hardly likely or belongs elsewhere.
fn offered(gathered: &Gathered, best: &Hit) -> Vec<Hit> {
    if best.confidence < OFFER_FROM || best.desk != gathered.desk || !grounded(best) {
        return Vec::new();
    }
    let own = gathered.hits.iter().filter(|hit| hit.desk == gathered.desk);
    own.take(MOST_OFFERED).cloned().collect()
}

/// Share of a question that an entry must know before it answers by itself. Below it one shared word ("bus times" and "closing times")
/// could make a high score and a wrong answer.
const NEEDED: f64 = 0.4;

/// True when the entry knows the better part of what the question says.
pub fn grounded(hit: &Hit) -> bool {
    hit.known > NEEDED
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered() -> Gathered {
        Gathered {
            verdict: Verdict::Person,
            threading: Threading::New { linked: None },
            answered_by_entry: false,
            chosen: None,
            settled: false,
            guards: Vec::new(),
            duplicate_of: None,
            answered_by_twin: false,
            part: false,
            too_large: false,
            empty: false,
            has_files: false,
            urgent_route: false,
            staff_only: false,
            desk: DeskId::from("keieiryoku"),
            hits: vec![hit(&["変更", "申請"], &["やる"])],
            threshold: 0.7,
        }
    }

    fn hit(matched: &[&str], missing: &[&str]) -> Hit {
        let own = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
        Hit {
            entry: EntryId::from("change-application"),
            desk: DeskId::from("keieiryoku"),
            lang: Lang::Ja,
            score: 0.5,
            known: matched.len() as f64 / (matched.len() + missing.len()).max(1) as f64,
            confidence: 0.9,
            variant: String::new(),
            matched: own(matched),
            missing: own(missing),
        }
    }

    fn guard(kind: GuardKind) -> GuardHit {
        GuardHit {
            kind,
            pattern_name: "test".to_owned(),
        }
    }

    #[test]
    fn a_sure_and_grounded_entry_answers() {
        assert_eq!(decide(&gathered()).name(), "answer");
    }

    #[test]
    fn one_shared_word_is_not_enough_however_sure_the_index_is() {
        for (matched, missing) in [
            (vec!["時刻"], vec!["バス", "教え"]),
            (vec!["遅延"], vec!["電車", "理由"]),
        ] {
            let mut g = gathered();
            g.hits = vec![hit(&matched, &missing)];
            assert_eq!(decide(&g).name(), "escalate", "{matched:?} {missing:?}");
        }
    }

    #[test]
    fn guards_outrank_a_sure_entry_and_an_emergency_outranks_all() {
        for kind in [
            GuardKind::Prediction,
            GuardKind::Diagnosis,
            GuardKind::LeakedSecret,
            GuardKind::Complaint,
        ] {
            let mut g = gathered();
            g.guards = vec![guard(kind)];
            assert_eq!(decide(&g).name(), "escalate", "{kind:?}");
        }
        for threading in [
            Threading::New { linked: None },
            Threading::FollowUp {
                ticket: TicketId(1),
                via: "reference".to_owned(),
            },
        ] {
            let mut g = gathered();
            g.threading = threading;
            g.guards = vec![guard(GuardKind::Emergency), guard(GuardKind::NotHelped)];
            assert_eq!(decide(&g).name(), "emergency");
        }
    }

    #[test]
    fn a_machine_is_ignored_whatever_it_says() {
        let mut g = gathered();
        g.guards = vec![guard(GuardKind::Emergency)];
        g.verdict = Verdict::Machine {
            kind: None,
            reason: "own-address".to_owned(),
        };
        assert_eq!(decide(&g).name(), "ignore");
    }

    #[test]
    fn imported_history_and_capped_senders_are_never_answered_from_the_index() {
        let mut g = gathered();
        g.verdict = Verdict::Quiet {
            reason: "imported".to_owned(),
        };
        assert_eq!(decide(&g).name(), "escalate");
    }
}
