//! Guards: words that outrank the index. A patient in danger never gets a FAQ entry; judgement stays with people (G8, W2, S11).
//! The patterns are data (`knowledge/guards.toml`), matched on normalised text.

use crate::domain::text::normalise;
use crate::domain::ticket::closed_set;
use regex::RegexSet;
use serde::{Deserialize, Serialize};

closed_set!(
    /// What a guard watches for, the strongest first.
    GuardKind {
        /// Somebody is in danger now.
        Emergency = "emergency",
        /// Somebody may harm themselves.
        SelfHarm = "self_harm",
        /// A member number or card is leaked or misused (W2).
        LeakedSecret = "leaked_secret",
        /// Breach, malware or a data leak (S11).
        Incident = "incident",
        /// Whether a visa or an application will pass (G8).
        Prediction = "prediction",
        /// What illness it is, what to take (G8).
        Diagnosis = "diagnosis",
        /// A lawyer or a court is named.
        LegalThreat = "legal_threat",
        /// A complaint or an insult.
        Complaint = "complaint",
        /// Disclosure, correction or erasure of personal data.
        PersonalDataRequest = "personal_data_request",
        /// The text gives orders to the desk ("ignore your rules"): it is data, and a person looks at it.
        Steering = "steering",
        /// Something in it sounds like one of those above, nobody can tell which: a person looks first.
        Doubt = "doubt",
        /// A person is asked for.
        HumanWanted = "human_wanted",
        /// The automatic answer did not help.
        NotHelped = "not_helped",
        /// Thanks and nothing else.
        Thanks = "thanks",
    }
);

/// A guard that speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardHit {
    /// What it watches for.
    pub kind: GuardKind,
    /// The name of the group of patterns that matched.
    pub pattern_name: String,
}

/// The file of guards is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct GuardProblem {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// One group of patterns as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardGroup {
    /// Unique.
    pub name: String,
    /// What it watches for.
    pub kind: GuardKind,
    /// Regular expressions on normalised text; one is enough.
    pub patterns: Vec<String>,
    /// Where one of these matches too, the group is silent.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Sentences it must speak at.
    pub positive: Vec<String>,
    /// Sentences it must be silent at.
    pub negative: Vec<String>,
}

#[derive(Debug)]
struct Compiled {
    group: GuardGroup,
    patterns: RegexSet,
    unless: RegexSet,
}

/// Compiled guards.
#[derive(Debug)]
pub struct Guards {
    groups: Vec<Compiled>,
}

impl Guards {
    /// Compiles a guards file.
    ///
    /// # Errors
    /// It is no valid TOML, a pattern is wrong, or a group has no examples.
    pub fn compile(text: &str) -> Result<Self, GuardProblem> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            #[serde(default)]
            guard: Vec<GuardGroup>,
        }
        let file: File = toml::from_str(text).map_err(|e| GuardProblem {
            line: e.span().map_or(1, |s| {
                text.bytes().take(s.start).filter(|b| *b == b'\n').count() + 1
            }),
            message: format!("{}: correct this line", e.message()),
        })?;
        let mut groups = Vec::new();
        for group in file.guard {
            let wrong = |message: String| GuardProblem {
                line: text
                    .lines()
                    .position(|l| l.contains(&group.name))
                    .map_or(1, |i| i + 1),
                message: format!("guard `{}`: {message}", group.name),
            };
            if group.patterns.is_empty() || group.positive.is_empty() || group.negative.is_empty() {
                return Err(wrong(
                    "it needs patterns and examples of both kinds".to_owned(),
                ));
            }
            let set = |list: &[String]| {
                RegexSet::new(list).map_err(|e| wrong(format!("a pattern is wrong: {e}")))
            };
            let (patterns, unless) = (set(&group.patterns)?, set(&group.unless)?);
            groups.push(Compiled {
                group,
                patterns,
                unless,
            });
        }
        groups.sort_by_key(|g| g.group.kind);
        Ok(Self { groups })
    }

    /// The strongest guard that speaks.
    pub fn check(&self, text: &str) -> Option<GuardHit> {
        self.check_all(text).into_iter().next()
    }

    /// Every guard that speaks, one hit a kind, the strongest first.
    pub fn check_all(&self, text: &str) -> Vec<GuardHit> {
        let text = normalise(text);
        let mut out: Vec<GuardHit> = Vec::new();
        for g in &self.groups {
            if out.last().is_some_and(|h| h.kind == g.group.kind) {
                continue;
            }
            if g.patterns.is_match(&text) && !g.unless.is_match(&text) {
                out.push(GuardHit {
                    kind: g.group.kind,
                    pattern_name: g.group.name.clone(),
                });
            }
        }
        out
    }

    /// The groups as written, for tests and for staff.
    pub fn groups(&self) -> impl Iterator<Item = &GuardGroup> {
        self.groups.iter().map(|g| &g.group)
    }
}
