//! Greetings, closings and other words around a question, taken off before searching. The phrases are in `small-talk.toml`.

use super::load::Problem;
use crate::domain::text::{normalise, sentences};
use regex::RegexSet;
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    sentence: Vec<String>,
    #[serde(default)]
    question: Vec<String>,
}

/// Compiled phrases.
pub struct SmallTalk {
    sentence: RegexSet,
    question: RegexSet,
}

impl Default for SmallTalk {
    fn default() -> Self {
        Self {
            sentence: RegexSet::empty(),
            question: RegexSet::empty(),
        }
    }
}

impl SmallTalk {
    /// Compiles the file.
    ///
    /// # Errors
    /// The file is no valid TOML or holds a wrong pattern.
    pub fn compile(text: &str) -> Result<Self, Problem> {
        let wrong = |message: String| Problem::error("small-talk.toml", 1, message);
        let file: File =
            toml::from_str(text).map_err(|e| wrong(format!("{}: correct this", e.message())))?;
        let set = |list: &[String]| {
            RegexSet::new(list).map_err(|e| wrong(format!("a pattern is wrong: {e}")))
        };
        Ok(Self {
            sentence: set(&file.sentence)?,
            question: set(&file.question)?,
        })
    }

    /// The readings of a message worth searching for: all that is no small talk, then each sentence that asks something.
    pub fn readings(&self, text: &str) -> Vec<String> {
        let all = sentences(text);
        let kept: Vec<&str> = all
            .iter()
            .copied()
            .filter(|s| !self.sentence.is_match(normalise(s).trim()))
            .collect();
        if kept.is_empty() {
            return vec![text.trim().to_owned()];
        }
        let mut out = vec![kept.join("\n")];
        if kept.len() > 1 {
            out.extend(
                kept.iter()
                    .filter(|s| s.contains(['?', '？']) || self.question.is_match(&normalise(s)))
                    .take(8)
                    .map(|s| (*s).to_owned()),
            );
        }
        out
    }

    /// True when nothing but small talk is in the text.
    pub fn is_only_small_talk(&self, text: &str) -> bool {
        let all = sentences(text);
        !all.is_empty()
            && all
                .iter()
                .all(|s| self.sentence.is_match(normalise(s).trim()))
    }
}
