//! An article: one message inside a ticket.

use crate::domain::file::File;
use crate::domain::ids::{InboxId, TicketId};
use crate::domain::sender::SenderTrust;
use crate::domain::ticket::closed_set;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

closed_set!(
    /// What kind of message an article is.
    ArticleKind {
        /// From the requester.
        Inbound = "inbound",
        /// To the requester.
        Outbound = "outbound",
        /// Between staff; can by construction not reach the requester.
        Note = "note",
        /// What the desk itself has to say to staff (a bounce, a file that could not be read).
        System = "system",
    }
);

/// One message inside a ticket. Written once, never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Article {
    /// The ticket.
    pub ticket: TicketId,
    /// What kind.
    pub kind: ArticleKind,
    /// Who wrote it: an address, an account name, or `desk`.
    pub author: String,
    /// When it arrived or was written.
    pub at: Timestamp,
    /// Subject line of this message.
    pub subject: String,
    /// The whole text.
    pub body: String,
    /// What was newly written (no quotation); equal to `body` when in doubt.
    pub reply_text: String,
    /// Message id without brackets, where it has one.
    pub message_id: Option<String>,
    /// The stored arrival it was decoded from; its raw bytes stay there.
    pub inbox: Option<InboxId>,
    /// Files that came along.
    pub attachments: Vec<File>,
    /// What the checks on arrival found about the sender; `None` where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<SenderTrust>,
}
