//! What the sender newly wrote: quotations, attribution lines and signatures taken off. When in doubt nothing is cut.

use regex::Regex;
use std::sync::OnceLock;

/// The newly written part of a text; the whole text when nothing would be left.
pub fn reply_text(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let end = cut_forwarded(&lines);
    let kept = lines.get(..end).unwrap_or(&lines);
    let kept = without_signature(&without_quotation(kept));
    let result = kept.join("\n").trim().to_owned();
    if result.is_empty() {
        text.trim().to_owned()
    } else {
        result
    }
}

/// Where a block that repeats another message whole begins: everything from there on is old.
fn cut_forwarded(lines: &[&str]) -> usize {
    for (i, line) in lines.iter().enumerate() {
        if i == 0 && lines.len() == 1 {
            break;
        }
        if is(separator(), line) || is_header_block(lines, i) {
            // At the very top it is a forwarded message, and that is what the sender wants read.
            let before = lines.get(..i).unwrap_or_default();
            if before.iter().any(|l| !l.trim().is_empty()) {
                return i;
            }
            break;
        }
    }
    lines.len()
}

/// Outlook repeats four or five headers as text: two different ones within four lines are taken for such a block.
fn is_header_block(lines: &[&str], at: usize) -> bool {
    let head = |offset: usize| {
        lines
            .get(at + offset)
            .is_some_and(|line| is(quoted_header(), line.trim_start_matches(['*', ' '])))
    };
    head(0) && (head(1) || head(2)) && (head(2) || head(3))
}

/// Takes off quoted lines. Between quotations an answer may stand: then only the quotations after the last own line go.
fn without_quotation<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let quoted = |line: &str| line.trim_start().starts_with(['>', '＞']);
    let mut kept: Vec<&'a str> = lines.to_vec();
    let first_quote = kept.iter().position(|line| quoted(line));
    let own_after_quote = first_quote.is_some_and(|first| {
        kept.iter()
            .skip(first)
            .any(|line| !quoted(line) && !line.trim().is_empty() && !is_attribution_end(line))
    });
    let own_before_quote = first_quote.is_some_and(|first| {
        kept.iter()
            .take(first)
            .any(|line| !line.trim().is_empty() && !is_attribution_end(line))
    });
    // Quotation first, words after it: bottom-posting. The quotation goes, the words stay.
    if own_after_quote && !own_before_quote {
        let last_quote = kept.iter().rposition(|line| quoted(line)).unwrap_or(0);
        let quotes: usize = kept.iter().filter(|line| quoted(line)).count();
        let one_block = first_quote.is_some_and(|first| last_quote + 1 - first == quotes);
        if one_block {
            return kept.split_off(last_quote + 1);
        }
    }
    // Trailing quotation with the line that introduces it.
    while kept
        .last()
        .is_some_and(|line| line.trim().is_empty() || quoted(line))
    {
        kept.pop();
    }
    if kept.len() < lines.len() {
        take_off_attribution(&mut kept);
    } else if let Some(at) = kept.iter().rposition(|line| is_attribution_end(line)) {
        // An attribution without quoted lines after it: some clients quote by indentation or not at all.
        let tail = kept.split_off(at + 1);
        if tail.iter().all(|line| line.trim().is_empty()) || kept.len() > 1 {
            take_off_attribution(&mut kept);
        } else {
            kept.extend(tail);
        }
    }
    kept
}

/// Removes an attribution from the end: one line, or one wrapped over up to three.
fn take_off_attribution(kept: &mut Vec<&str>) {
    while kept.last().is_some_and(|line| line.trim().is_empty()) {
        kept.pop();
    }
    // The plain forms may be wrapped over three lines; the loose one ends a single line, or it would swallow words of the sender.
    for (count, pattern) in [
        (1usize, attribution()),
        (2, attribution()),
        (3, attribution()),
        (1, loose_attribution()),
    ] {
        let Some(start) = kept.len().checked_sub(count) else {
            continue;
        };
        let joined = kept
            .get(start..)
            .unwrap_or_default()
            .iter()
            .map(|line| line.trim())
            .collect::<Vec<_>>()
            .join(" ");
        if is(pattern, &joined) {
            kept.truncate(start);
            return;
        }
    }
}

fn is_attribution_end(line: &str) -> bool {
    is(attribution(), line.trim()) || is(loose_attribution(), line.trim())
}

/// Takes off a signature: after `-- ` (RFC 3676 §4.3), or a mobile client's line at the end.
fn without_signature<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let mut kept: Vec<&'a str> = lines.to_vec();
    if let Some(at) = kept.iter().rposition(|line| matches!(*line, "-- " | "--")) {
        let has_words = kept.iter().take(at).any(|line| !line.trim().is_empty());
        if has_words && kept.len() - at <= 15 {
            kept.truncate(at);
        }
    }
    while kept
        .last()
        .is_some_and(|line| line.trim().is_empty() || is(mobile(), line.trim()))
    {
        kept.pop();
    }
    kept
}

fn is(pattern: Option<&Regex>, text: &str) -> bool {
    pattern.is_some_and(|pattern| pattern.is_match(text))
}

macro_rules! pattern {
    ($(#[$doc:meta])* $name:ident, $text:expr) => {
        $(#[$doc])*
        fn $name() -> Option<&'static Regex> {
            static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
            PATTERN.get_or_init(|| Regex::new($text).ok()).as_ref()
        }
    };
}

pattern!(
    /// Lines that divide a reply from the whole old message.
    separator,
    r"(?ix)^\s* (?: -{3,}\s*(original\ (message|appointment)|forwarded\ message|元のメッセージ|転送メッセージ|原始邮件|原始郵件|转发邮件|ursprüngliche\ nachricht|message\ d'origine|thư\ gốc|tin\ nhắn\ gốc)\s*-{2,}
       | _{20,}\s*$ | begin\ forwarded\ message: )"
);
pattern!(
    /// A repeated header line.
    quoted_header,
    r"(?i)^\*?(from|sent|to|cc|date|subject|差出人|送信者|送信日時|送信日|宛先|日時|件名|CC|发件人|寄件者|发送时间|寄件日期|收件人|收件者|主题|主旨|抄送|từ|đã gửi|đến|tới|ngày|chủ đề|tiêu đề|von|gesendet|an|betreff|de|envoyé|à|objet)\*?\s*[:：]"
);
pattern!(
    /// What introduces a quotation, joined to one line.
    attribution,
    r"(?ix)^ (?: (on|le|am|den|el|il|op|em|vào|vao)\b .{4,300} (wrote|writes|a\ écrit|schrieb\b.{0,120}|escribió|ha\ scritto|schreef\b.{0,120}|skrev\b.{0,120}|escreveu|đã\ viết|da\ viet)\s*[:：]
       | \d{4}\s*[年/.-]\s*\d{1,2}\s*[月/.-]\s*\d{1,2}\s*日?.{0,200}[:：]
       | 在\s?.{4,200}(写道|寫道)\s*[:：] ) $"
);
pattern!(
    /// A single line that ends like an attribution.
    loose_attribution,
    r"(?ix)^ .{0,200} (wrote|schrieb|a\ écrit|đã\ viết|写道|寫道|のメール|さんは書きました|さんからのメッセージ|さんが書きました)\s*[:：] $"
);
pattern!(
    /// What telephones add.
    mobile,
    r"(?i)^((sent|get) (from|via) (my |outlook|the |yahoo|samsung|mail for).{0,60}|iPhone\s?から送信|iPadから送信|Androidから送信|スマートフォンから送信|(スマホ|携帯)から送信.*|从我的.{1,20}发送|發自我的.{1,20}|发自我的.{1,20}|Đã gửi từ .{1,40}|Gửi từ .{1,40}|Von meinem .{1,30} gesendet|Envoyé de(puis)? mon .{1,30})$"
);
