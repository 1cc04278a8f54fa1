//! An inquiry: a decoded message together with what the desk knows about how it came in.

use crate::domain::file::{File, KeptFile};
use crate::domain::ids::InboxId;
use crate::domain::sender::SenderTrust;
use jiff::Timestamp;
use madoguchi_channel::{InboundMessage, Party};

/// One decoded arrival.
#[derive(Debug, Clone)]
pub struct Inquiry {
    /// The stored arrival.
    pub inbox: InboxId,
    /// Name of the channel it came by.
    pub channel: String,
    /// When it arrived: what the clocks count from.
    pub received_at: Timestamp,
    /// Imported history: becomes a ticket, is never answered by itself.
    pub silent: bool,
    /// A member of staff took it out of quarantine.
    pub restored: bool,
    /// What the checks on arrival found about its sender.
    pub trust: SenderTrust,
    /// The files that came along, in the order of the message's attachments, as they are kept.
    pub files: Vec<File>,
    /// What is known of them.
    pub kept: Vec<KeptFile>,
    /// What it says.
    pub message: InboundMessage,
}

impl Inquiry {
    /// Where an answer would go: Reply-To, else From. `None` when nobody can be reached.
    pub fn reply_party(&self) -> Option<&Party> {
        [self.message.reply_to.as_ref(), self.message.from.as_ref()]
            .into_iter()
            .flatten()
            .find(|party| !party.address.trim().is_empty())
    }

    /// Who wrote it, for the ticket; an empty party when the message names nobody.
    pub fn author(&self) -> Party {
        self.message
            .from
            .clone()
            .or_else(|| self.message.reply_to.clone())
            .unwrap_or_default()
    }

    /// What the sender asks: the newly written text, led by the subject when it adds words of its own.
    pub fn question(&self) -> String {
        let body = self.message.reply_text.trim();
        let subject = self.message.subject.as_deref().map_or("", str::trim);
        if body.is_empty() {
            return bare_subject(subject).to_owned();
        }
        body.to_owned()
    }

    /// True when there is neither a word nor a file in it.
    pub fn is_empty(&self) -> bool {
        self.question().is_empty() && self.message.attachments.is_empty()
    }
}

/// The subject without reply and forward marks (`Re:`, `Fwd:`, `回复:`, `Trả lời:` …) and bracketed tags at its head.
pub fn bare_subject(subject: &str) -> &str {
    const MARKS: [&str; 18] = [
        "re",
        "fw",
        "fwd",
        "aw",
        "wg",
        "sv",
        "vs",
        "antw",
        "tr",
        "rif",
        "返信",
        "転送",
        "回复",
        "回覆",
        "答复",
        "转发",
        "trả lời",
        "chuyển tiếp",
    ];
    let mut rest = subject.trim();
    loop {
        let before = rest;
        if let Some((tag, tail)) = rest.strip_prefix('[').and_then(|r| r.split_once(']'))
            && is_ticket_tag(tag)
        {
            rest = tail.trim_start();
        }
        if let Some((mark, tail)) = rest.split_once([':', '：']) {
            let mark = mark.trim().to_lowercase();
            // "Re[2]:" and "Re(2):" count the replies.
            let mark = mark.trim_end_matches(|c: char| c.is_ascii_digit() || "[]()".contains(c));
            if MARKS.contains(&mark) {
                rest = tail.trim_start();
            }
        }
        if let Some((head, tag)) = rest.strip_suffix(']').and_then(|r| r.rsplit_once('['))
            && is_ticket_tag(tag)
        {
            rest = head.trim_end();
        }
        if rest == before {
            return rest;
        }
    }
}

/// True for the inside of `[MD-000042 …]`.
fn is_ticket_tag(tag: &str) -> bool {
    tag.trim()
        .get(..crate::domain::ids::TICKET_PREFIX.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(crate::domain::ids::TICKET_PREFIX))
}

#[cfg(test)]
mod tests {
    use super::bare_subject;

    #[test]
    fn reply_marks_and_ticket_tags_are_taken_off_in_any_order() {
        for (given, bare) in [
            ("Re: Fwd: [MD-000042 abc] 変更申請", "変更申請"),
            ("RE[2]: Question [MD-000042 k3f9]", "Question"),
            ("回复：关于签证", "关于签证"),
            ("Trả lời: Hỏi về báo cáo", "Hỏi về báo cáo"),
            ("締切: 明日まで", "締切: 明日まで"),
            ("[urgent] help", "[urgent] help"),
            ("", ""),
        ] {
            assert_eq!(bare_subject(given), bare);
        }
    }
}
