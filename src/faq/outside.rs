//! Questions that no entry answers, from `outside.toml`: the index learns from them what to leave to staff.

use super::load::Problem;
use crate::domain::language::Lang;
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    topic: Vec<Topic>,
}

/// Questions about one thing the desk does not answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Its name, for staff.
    pub name: String,
    #[serde(default)]
    ja: Vec<String>,
    #[serde(default)]
    en: Vec<String>,
    #[serde(default)]
    zh: Vec<String>,
    #[serde(default)]
    vi: Vec<String>,
}

impl Topic {
    /// The questions in a language.
    pub fn questions(&self, lang: Lang) -> &[String] {
        match lang {
            Lang::Ja => &self.ja,
            Lang::En => &self.en,
            Lang::Zh => &self.zh,
            Lang::Vi => &self.vi,
        }
    }
}

/// Reads the file; an empty one names no topic.
///
/// # Errors
/// It is no valid TOML, or a field is unknown.
pub fn parse(text: &str) -> Result<Vec<Topic>, Problem> {
    toml::from_str::<File>(text)
        .map(|file| file.topic)
        .map_err(|e| {
            let line = e.span().map_or(1, |s| super::load::line_at(text, s.start));
            Problem::error(
                "outside.toml",
                line,
                format!("{}: correct this", e.message()),
            )
        })
}
