//! What a question asks for: a time, a place, a price; to cancel, to change. The patterns are in `question-kinds.toml`.

use super::load::Problem;
use crate::domain::text::normalise;
use regex::RegexSet;
use serde::Deserialize;

/// Kinds at most; one bit each.
const MOST: usize = 32;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    kind: Vec<Kind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    name: String,
    patterns: Vec<String>,
}

/// Compiled patterns; pattern `i` speaks for kind `of[i]`.
pub struct Kinds {
    set: RegexSet,
    of: Vec<usize>,
}

impl Default for Kinds {
    fn default() -> Self {
        Self {
            set: RegexSet::empty(),
            of: Vec::new(),
        }
    }
}

impl Kinds {
    /// Compiles the file; an empty one knows no kinds.
    ///
    /// # Errors
    /// The file is no valid TOML, holds a wrong pattern or too many kinds.
    pub fn compile(text: &str) -> Result<Self, Problem> {
        let wrong = |message: String| Problem::error("question-kinds.toml", 1, message);
        let file: File =
            toml::from_str(text).map_err(|e| wrong(format!("{}: correct this", e.message())))?;
        if file.kind.len() > MOST {
            return Err(wrong(format!("more than {MOST} kinds: merge some")));
        }
        let mut patterns = Vec::new();
        let mut of = Vec::new();
        for (i, kind) in file.kind.iter().enumerate() {
            for pattern in &kind.patterns {
                if let Err(e) = regex::Regex::new(pattern) {
                    return Err(wrong(format!("a pattern of `{}` is wrong: {e}", kind.name)));
                }
                patterns.push(pattern);
                of.push(i);
            }
        }
        let set = RegexSet::new(patterns).map_err(|e| wrong(format!("too large: {e}")))?;
        Ok(Self { set, of })
    }

    /// The kinds a text is of, one bit each.
    pub fn of(&self, text: &str) -> u32 {
        self.set
            .matches(&normalise(text))
            .into_iter()
            .filter_map(|i| self.of.get(i))
            .fold(0, |bits, kind| bits | 1 << kind)
    }
}

/// How well the phrasings of an entry fit the kinds of a question, 0 to 1; `counts` says how many of its `all` phrasings are of each
/// kind. A question of no kind says nothing.
pub fn fit(asked: u32, counts: &[u16; MOST], without: u32, all: usize) -> f64 {
    if asked == 0 || all == 0 {
        return 0.5;
    }
    let (mut sum, mut number) = (0.0, 0.0);
    for (kind, count) in counts.iter().enumerate() {
        if asked & 1 << kind != 0 {
            let count = count.saturating_sub(u16::from(without & 1 << kind != 0));
            sum += (3.0 * f64::from(count) / all as f64).min(1.0);
            number += 1.0;
        }
    }
    sum / number
}

/// Counts per kind.
pub type KindCounts = [u16; MOST];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_the_built_in_file() {
        let kinds = Kinds::compile(include_str!("../../knowledge/question-kinds.toml")).unwrap();
        let same = |a: &str, b: &str| kinds.of(a) & kinds.of(b) != 0;
        assert!(same("締切はいつですか", "When is the deadline?"));
        assert!(same("登録を取り消したい", "Tôi muốn hủy đăng ký"));
        assert!(!same("料金はいくらですか", "誰が決めますか"));
        assert_eq!(kinds.of("プラットフォーム"), 0);
    }

    #[test]
    fn an_entry_of_another_kind_fits_less() {
        let mut counts = [0; MOST];
        counts[0] = 4;
        assert!(fit(1, &counts, 0, 6) > fit(2, &counts, 0, 6));
        assert_eq!(fit(0, &counts, 0, 6), 0.5);
        assert_eq!(fit(1, &[0; MOST], 0, 6), 0.0);
    }
}
