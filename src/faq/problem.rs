//! What is wrong with a file of the knowledge, in words for whoever keeps it.

use serde::{Deserialize, Serialize};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The knowledge must not serve.
    Error,
    /// It can serve; somebody should look.
    Warning,
    /// Nothing is wrong; worth knowing.
    Note,
}

/// What is wrong with a file of the knowledge, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// Path below the knowledge directory.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// How bad.
    pub severity: Severity,
    /// What is wrong and what to do.
    pub message: String,
}

impl Problem {
    /// A problem that keeps the knowledge from serving.
    pub fn error(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            severity: Severity::Error,
            message: message.into(),
        }
    }
    /// A problem somebody should look at.
    pub fn warning(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(file, line, message)
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        write!(f, "{}:{}: {word}: {}", self.file, self.line, self.message)
    }
}
