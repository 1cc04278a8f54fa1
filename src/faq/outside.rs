//! Questions that no entry answers, from `outside.toml` of the knowledge and of each desk: the index learns from them what to leave to
//! staff.

use super::load::{Knowledge, Problem};
use crate::domain::ids::DeskId;
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

/// Every topic, with the desk it belongs to; `None` for those of all desks.
///
/// # Errors
/// A file is no valid TOML, or a field is unknown.
pub fn all(knowledge: &Knowledge) -> Result<Vec<(Option<DeskId>, Topic)>, Problem> {
    let mut out: Vec<(Option<DeskId>, Topic)> = Vec::new();
    for topic in parse("outside.toml", &knowledge.outside)? {
        out.push((None, topic));
    }
    for (desk, text) in &knowledge.desk_outside {
        for topic in parse(&format!("desks/{desk}/outside.toml"), text)? {
            out.push((Some(desk.clone()), topic));
        }
    }
    Ok(out)
}

/// Reads one file; an empty one names no topic.
///
/// # Errors
/// It is no valid TOML, or a field is unknown.
pub fn parse(file: &str, text: &str) -> Result<Vec<Topic>, Problem> {
    toml::from_str::<File>(text)
        .map(|file| file.topic)
        .map_err(|e| {
            let line = e.span().map_or(1, |s| super::load::line_at(text, s.start));
            Problem::error(file, line, format!("{}: correct this", e.message()))
        })
}
