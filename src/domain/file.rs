//! Files that come along with messages.

use crate::domain::ticket::closed_set;
use jiff::Timestamp;
use madoguchi_channel::Attachment;
use serde::{Deserialize, Serialize};

closed_set!(
    /// What the virus scanner says of a file.
    Scan {
        /// No scanner is configured.
        Off = "off",
        /// The scanner did not answer; it is asked again.
        Waiting = "waiting",
        /// Nothing was found.
        Clean = "clean",
        /// Something was found; the file is locked.
        Infected = "infected",
    }
);

/// A file of an article, as it is written there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// What the message says of it.
    #[serde(flatten)]
    pub attachment: Attachment,
    /// SHA-256 of its content, in hexadecimal; `None` where the content was not kept apart (too large, or from before files were).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl From<Attachment> for File {
    fn from(attachment: Attachment) -> Self {
        Self {
            attachment,
            sha256: None,
        }
    }
}

/// A file that is kept, whichever messages it came with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// Media type by its first bytes, whatever the message says; `None` where they tell nothing.
    pub found_type: Option<String>,
    /// What the scanner says.
    pub scan: Scan,
    /// The name of what was found, or why the scanner did not answer.
    pub scan_words: Option<String>,
    /// Since when.
    pub kept_at: Timestamp,
}
