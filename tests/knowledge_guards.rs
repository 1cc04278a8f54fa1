//! The guards speak where they must and are silent where they must be.

use madoguchi::domain::guard::{GuardKind, Guards};
use madoguchi::faq::Knowledge;

/// Entries about the very thing a guard watches for.
const MEANT: &[&str] = &[
    "certification-outcome",
    "no-diagnosis",
    "leaked-member-number",
    "security-incident",
];

#[allow(clippy::expect_used, reason = "a test")]
fn guards() -> Guards {
    Guards::compile(&Knowledge::load_embedded().knowledge.guards)
        .expect("the shipped guards compile")
}

#[test]
fn every_group_speaks_at_its_positive_examples_and_is_silent_at_its_negative_ones() {
    let guards = guards();
    let mut wrong = Vec::new();
    for group in guards.groups() {
        let speaks = |s: &str| guards.check_all(s).iter().any(|h| h.kind == group.kind);
        wrong.extend(
            group
                .positive
                .iter()
                .filter(|s| !speaks(s))
                .map(|s| format!("{} is silent at: {s}", group.name)),
        );
        wrong.extend(
            group
                .negative
                .iter()
                .filter(|s| speaks(s))
                .map(|s| format!("{} speaks at: {s}", group.name)),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_kind_has_a_group() {
    let guards = guards();
    // Doubt is heard by what was learned alone: no pattern can name it.
    for kind in GuardKind::ALL
        .iter()
        .filter(|kind| **kind != GuardKind::Doubt)
    {
        assert!(guards.groups().any(|g| g.kind == *kind), "{kind}");
    }
}

#[test]
fn no_phrasing_of_the_knowledge_sets_off_a_guard_that_keeps_it_from_being_answered() {
    let guards = guards();
    let knowledge = Knowledge::load_embedded().knowledge;
    let mut wrong = Vec::new();
    for e in &knowledge.entries {
        for q in &e.questions {
            for hit in guards.check_all(q) {
                // What these entries say is said by the guard's own guidance.
                if MEANT.contains(&e.id.as_str()) {
                    continue;
                }
                wrong.push(format!(
                    "{} ({}) in {}: {q}",
                    hit.kind, hit.pattern_name, e.file
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_pattern_is_refused_with_its_group() {
    let text = "[[guard]]\nname = \"x\"\nkind = \"complaint\"\npatterns = ['(']\npositive = ['a']\nnegative = ['b']\n";
    let problem = Guards::compile(text).expect_err("refused");
    assert!(problem.message.contains("`x`"), "{problem}");
    assert_eq!(problem.line, 2);
}
