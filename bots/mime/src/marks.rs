//! Signs of a machine. Each is one rule with a short stable name for the ledger; the desk judges them.
//!
//! Read exactly where a standard says what is meant (RFC 3834, 3464, 8098, 2919, 2369), narrowly elsewhere: a person taken for a
//! machine waits in silence.

use crate::charset::Hints;
use crate::field::Fields;
use crate::params::Params;
use crate::patterns;
use crate::words;
use madoguchi_channel::{InboundMessage, MachineMark, MarkKind};

/// What the rules look at.
pub struct MailFacts<'a> {
    pub(crate) fields: &'a Fields<'a>,
    pub(crate) hints: Hints,
    /// Address of the writer, empty when unknown.
    pub(crate) from: &'a str,
    /// Answers are asked to another address than the writer's.
    pub(crate) has_other_reply_to: bool,
    /// Return-Path; `Some("")` for `<>`.
    pub(crate) envelope_from: Option<&'a str>,
    pub(crate) subject: &'a str,
    /// Media types of reports and notices, `multipart/report;type` among them.
    pub(crate) notices: &'a [String],
    /// Method of the invitation inside, upper case; empty without one.
    pub(crate) calendar_method: &'a str,
    /// Text of the delivery reports.
    pub(crate) delivery_report: &'a str,
    pub(crate) text: &'a str,
}

impl MailFacts<'_> {
    fn value(&self, name: &str) -> Option<String> {
        self.fields.first(name).map(|v| words::text(v, self.hints))
    }

    /// The value up to parameters and comments, lower case.
    fn token(&self, name: &str) -> Option<String> {
        self.fields
            .first(name)
            .map(|v| Params::read(v, self.hints).value)
            .filter(|v| !v.is_empty())
    }

    fn present(&self, name: &str) -> bool {
        self.fields
            .first(name)
            .is_some_and(|v| !v.trim_ascii().is_empty())
    }

    fn local_part(&self) -> String {
        let local = self
            .from
            .rsplit_once('@')
            .map_or(self.from, |(local, _)| local);
        local.to_ascii_lowercase()
    }
}

/// The strongest kind of machine the marks speak of: bounce, then automatic reply, then list. `None` for a person.
pub fn kind(message: &InboundMessage) -> Option<MarkKind> {
    [MarkKind::Bounce, MarkKind::AutoReply, MarkKind::List]
        .into_iter()
        .find(|kind| message.marks.iter().any(|m| m.kind == *kind))
}

/// One rule: the kind of machine it recognised and the rule's name.
type Rule = fn(&MailFacts<'_>) -> Option<(MarkKind, &'static str)>;

/// Applies every rule; no mark means a person.
pub fn machine_marks(mail: &MailFacts<'_>) -> Vec<MachineMark> {
    let rules: &[Rule] = &[
        report,
        daemon,
        failed_recipients,
        free_form_bounce,
        exchange_report,
        empty_return_path,
        auto_submitted,
        auto_reply_fields,
        generated_by_exchange,
        suppressing_robot,
        vacation_subject,
        vacation_opening,
        calendar_answer,
        challenge,
        x_loop,
        precedence,
        list_id,
        list_post,
        bulk_unsubscribe,
        feedback_loop,
    ];
    rules
        .iter()
        .filter_map(|rule| rule(mail))
        .map(|(kind, reason)| MachineMark {
            kind,
            reason: reason.to_owned(),
        })
        .collect()
}

use MarkKind::{AutoReply, Bounce, List};

/// RFC 3464 delivery reports, RFC 8098 read receipts, RFC 5965 complaints and other `multipart/report`s. The parts count even
/// where the wrapper does not say what it is.
fn report(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    let has = |sign: &str| mail.notices.iter().any(|n| n.contains(sign));
    if has("disposition-notification") {
        return Some((AutoReply, "disposition-notification"));
    }
    if has("delivery-status") {
        return Some(if delivered(mail.delivery_report) {
            (AutoReply, "delivery-receipt")
        } else {
            (Bounce, "delivery-report")
        });
    }
    if has("feedback-report") {
        return Some((AutoReply, "feedback-report"));
    }
    has("multipart/report").then_some((AutoReply, "report"))
}

/// True when the report names only recipients the message did reach.
fn delivered(report: &str) -> bool {
    let mut any = false;
    for line in report.lines() {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.trim().eq_ignore_ascii_case("action") {
            let value = value.trim().to_ascii_lowercase();
            if !["delivered", "relayed", "expanded"]
                .iter()
                .any(|good| value.starts_with(good))
            {
                return false;
            }
            any = true;
        }
    }
    any
}

/// Nobody writes by hand from a mail system's own address.
fn daemon(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    let local: String = mail
        .local_part()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    [
        "mailerdaemon",
        "maildaemon",
        "maildeliverysubsystem",
        "maildeliverysystem",
    ]
    .iter()
    .any(|name| local.starts_with(name))
    .then(|| {
        // It tells good news too.
        let kind = if delivered(mail.delivery_report) {
            AutoReply
        } else {
            Bounce
        };
        (kind, "mailer-daemon")
    })
}

/// Exim and Gmail name the recipients they failed to reach.
fn failed_recipients(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    mail.present("x-failed-recipients")
        .then_some((Bounce, "failed-recipients"))
}

/// Bounces in no standard form: a postmaster, or nobody (empty return path), with the subject or first lines of one. The subject
/// alone is not enough: people forward bounces and ask what they mean.
fn free_form_bounce(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    let local = mail.local_part();
    let named = mail.value("from").unwrap_or_default().to_lowercase();
    let official = ["postmaster", "microsoftexchange", "double-bounce"]
        .iter()
        .any(|name| local.starts_with(name))
        || [
            "mail delivery s",
            "mail delivery agent",
            "mailer daemon",
            "mailer-daemon",
        ]
        .iter()
        .any(|name| named.contains(name))
        || mail.envelope_from == Some("")
        || mail.from.is_empty();
    let automatic = mail.token("auto-submitted").is_some_and(|v| v != "no");
    if (!official && !automatic) || delivered(mail.delivery_report) {
        return None;
    }
    let opening: String = mail.text.trim_start().chars().take(400).collect();
    let subject = patterns::BOUNCE_SUBJECT.is_match(mail.subject);
    let text = || patterns::BOUNCE_OPENING.is_match(&opening);
    // A machine that only says it is one must look like a mail system twice.
    let found = if official {
        subject || text()
    } else {
        subject && text()
    };
    found.then_some((Bounce, "bounce-wording"))
}

/// Exchange marks its own non-delivery reports.
fn exchange_report(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    mail.fields
        .first("x-ms-exchange-message-is-ndr")
        .map(|_| (Bounce, "exchange-report"))
}

/// RFC 5321 §4.5.5: mail nobody wants an answer to.
fn empty_return_path(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    (mail.envelope_from == Some("")).then_some((AutoReply, "empty-return-path"))
}

/// RFC 3834 §5: anything but `no`, whatever parameters and comments follow.
fn auto_submitted(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    let value = mail.token("auto-submitted")?;
    (value != "no").then_some((AutoReply, "auto-submitted"))
}

/// Fields responders of old set. A redirected message of a person carries `X-Autogenerated: Mirror` or `Forward`.
fn auto_reply_fields(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    const FIELDS: &[(&str, &str)] = &[
        ("x-autoreply", "x-autoreply"),
        ("x-auto-reply", "x-autoreply"),
        ("x-autoreply-from", "x-autoreply"),
        ("x-mail-autoreply", "x-autoreply"),
        ("x-autorespond", "x-autorespond"),
        ("x-autoresponder", "x-autorespond"),
        ("x-autogenerated", "x-autogenerated"),
        ("x-fc-machinegenerated", "x-autogenerated"),
    ];
    for (name, reason) in FIELDS {
        let Some(value) = mail.value(name) else {
            continue;
        };
        let value = value.trim().to_ascii_lowercase();
        if !matches!(
            value.as_str(),
            "" | "no" | "false" | "0" | "mirror" | "forward" | "redirect"
        ) {
            return Some((AutoReply, reason));
        }
    }
    let delivered_to_robot = mail
        .value("delivered-to")
        .is_some_and(|v| v.eq_ignore_ascii_case("autoresponder"));
    let preference = mail
        .value("preference")
        .is_some_and(|v| v.to_ascii_lowercase().starts_with("auto"));
    (delivered_to_robot || preference).then_some((AutoReply, "x-autorespond"))
}

/// Exchange names the part of it that wrote a message.
fn generated_by_exchange(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    mail.present("x-ms-exchange-generated-message-source")
        .then_some((AutoReply, "exchange-agent"))
}

/// `X-Auto-Response-Suppress` is no sign of a machine: Outlook sets it for people too. Together with an address that says that
/// nobody reads it, and no other address to answer to (web forms send so for people), it is.
fn suppressing_robot(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    let value = mail.value("x-auto-response-suppress")?.to_ascii_lowercase();
    let wide = value
        .split([',', ';'])
        .map(str::trim)
        .any(|v| matches!(v, "all" | "oof" | "autoreply"));
    (wide && !mail.has_other_reply_to && patterns::NO_REPLY_LOCAL.is_match(&mail.local_part()))
        .then_some((AutoReply, "no-reply-sender"))
}

/// Vacation notes that say so only in their subject, at its very beginning.
fn vacation_subject(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    patterns::VACATION_SUBJECT
        .is_match(mail.subject.trim())
        .then_some((AutoReply, "vacation-subject"))
}

/// Vacation notes under the subject of the message they answer: no program marked them, but their first words do.
fn vacation_opening(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    let opening: String = mail.text.trim_start().chars().take(300).collect();
    // Machines ask nothing.
    (!opening.contains(['?', '？']) && patterns::VACATION_OPENING.is_match(&opening))
        .then_some((AutoReply, "vacation-wording"))
}

/// A calendar's answer to an invitation (RFC 5546 §3.2.3): accepted, declined.
fn calendar_answer(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    (mail.calendar_method == "REPLY").then_some((AutoReply, "calendar-reply"))
}

/// Robots that let a message pass only after its sender has proved to be a person.
fn challenge(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    let field = [
        "x-boxtrapper",
        "x-tmda-confirm",
        "x-spamarrest",
        "x-challenge",
        "x-tmda-fingerprint",
    ]
    .iter()
    .any(|name| mail.present(name));
    let opening: String = mail.text.trim_start().chars().take(600).collect();
    (field
        || (patterns::CHALLENGE_SUBJECT.is_match(mail.subject.trim())
            && patterns::CHALLENGE_OPENING.is_match(&opening)))
    .then_some((AutoReply, "challenge"))
}

/// Robots mark what passed through them.
fn x_loop(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    mail.present("x-loop").then_some((AutoReply, "x-loop"))
}

/// RFC 2076 §3.9, RFC 3834 §3.1.8.
fn precedence(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    let value = mail
        .token("precedence")
        .or_else(|| mail.token("x-precedence"))?;
    match value.replace('-', "_").as_str() {
        "bulk" | "junk" | "list" => Some((List, "precedence")),
        "auto_reply" => Some((AutoReply, "precedence")),
        _ => None,
    }
}

/// RFC 2919.
fn list_id(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    mail.present("list-id").then_some((List, "list-id"))
}

/// RFC 2369 §3.4; `NO` is an announcement-only list.
fn list_post(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    mail.present("list-post").then_some((List, "list-post"))
}

/// A way to unsubscribe alone may come from a firm's mail gateway under a person's mail; with a second sign of bulk mail it is one.
fn bulk_unsubscribe(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    const SECOND: &[&str] = &[
        "list-unsubscribe-post",
        "list-help",
        "list-owner",
        "list-subscribe",
        "list-archive",
        "feedback-id",
        "x-campaign",
        "x-campaignid",
        "x-csa-complaints",
    ];
    let robot = patterns::NO_REPLY_LOCAL.is_match(&mail.local_part()) && !mail.has_other_reply_to;
    (mail.present("list-unsubscribe") && (robot || SECOND.iter().any(|name| mail.present(name))))
        .then_some((List, "list-unsubscribe"))
}

/// Marks for complaint loops are put on bulk mail only.
fn feedback_loop(mail: &MailFacts<'_>) -> Option<(MarkKind, &'static str)> {
    ["feedback-loop", "x-feedback-loop", "x-abuse-feedback-loop"]
        .iter()
        .any(|name| mail.present(name))
        .then_some((List, "feedback-loop"))
}
