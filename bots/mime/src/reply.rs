//! What the sender newly wrote: quotations, their attribution lines, forwarded blocks and signatures are taken off.
//!
//! Every line is given a part to play, then the new ones are kept. Answers between quoted lines stay. When in doubt nothing is
//! cut: where nothing would be left of a text, it is returned whole, unless it plainly is an answer in which nothing was written.

use crate::patterns;

/// The part a line plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    New,
    /// Begins with `>`.
    Quoted,
    /// Says who wrote what is quoted next.
    Attribution,
    /// Below the headers of another message.
    Other,
    Signature,
}

/// Longer texts than this many lines are not looked at line by line.
const MOST_LINES: usize = 50_000;
/// An attribution is broken into at most this many lines.
const ATTRIBUTION_LINES: usize = 3;
/// Blank lines between an attribution and its quotation.
const GAP: usize = 5;
/// Nobody leaves more blank lines in a signature than this.
const MOST_SIGNATURE_SPACE: usize = 200;
/// A signature is no longer than this.
const SIGNATURE_LINES: usize = 15;

/// The newly written part of a text, without quotation and signature.
pub fn reply_text(text: &str) -> String {
    // Counted before anything is kept of them: a list of lines may need more memory than the text.
    if text
        .bytes()
        .filter(|b| *b == b'\n')
        .take(MOST_LINES)
        .count()
        >= MOST_LINES
    {
        return text.trim().to_owned();
    }
    let lines: Vec<&str> = text.split('\n').map(str::trim_end).collect();
    let mut page = Page {
        parts: lines
            .iter()
            .map(|l| {
                if is_quoted(l) {
                    Part::Quoted
                } else {
                    Part::New
                }
            })
            .collect(),
        lines,
    };
    page.initials();
    let forwarded = page.blocks();
    page.attributions();
    page.signatures();
    let kept = page.kept();
    if kept.is_empty() && (forwarded || !page.parts.contains(&Part::Attribution)) {
        return text.trim().to_owned();
    }
    kept
}

fn is_quoted(line: &str) -> bool {
    let trimmed = line.trim_start_matches([' ', '\t', '\u{3000}', '\u{a0}']);
    let indent = line.chars().count() - trimmed.chars().count();
    indent <= 4 && trimmed.starts_with(['>', '＞', '≫', '》'])
}

/// Begins with a dash, star or low line, quotation marks aside. Asked first, because it is cheap: most lines don't.
fn is_dashed(line: &str) -> bool {
    line.trim_start_matches([' ', '\t', '\u{3000}', '>', '\u{a0}'])
        .starts_with([
            '-', '_', '=', '—', '–', '―', 'ー', '─', '━', '＿', '*', '#', '~',
        ])
}

fn has_colon(line: &str) -> bool {
    line.contains(':') || line.contains('：')
}

fn is_blank(line: &str) -> bool {
    line.chars()
        .all(|c| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}'))
}

struct Page<'a> {
    lines: Vec<&'a str>,
    parts: Vec<Part>,
}

impl<'a> Page<'a> {
    fn line(&self, at: usize) -> &'a str {
        self.lines.get(at).copied().unwrap_or_default()
    }

    fn part(&self, at: usize) -> Option<Part> {
        self.parts.get(at).copied()
    }

    fn is_new(&self, at: usize) -> bool {
        self.part(at) == Some(Part::New)
    }

    fn set(&mut self, from: usize, to: usize, part: Part) {
        for slot in self.parts.iter_mut().take(to).skip(from) {
            *slot = part;
        }
    }

    /// Turns only new lines of a range into `part`.
    fn set_new(&mut self, from: usize, to: usize, part: Part) {
        for slot in self
            .parts
            .iter_mut()
            .take(to)
            .skip(from)
            .filter(|s| **s == Part::New)
        {
            *slot = part;
        }
    }

    /// The next line from `at` on that is not blank.
    fn next_filled(&self, at: usize) -> Option<usize> {
        (at..self.lines.len()).find(|i| !is_blank(self.line(*i)))
    }

    /// True when anything new stands before `at`.
    fn new_before(&self, at: usize) -> bool {
        (0..at).any(|i| self.is_new(i) && !is_blank(self.line(i)))
    }

    /// `TY> …`: some programs quote with the writer's initials. At least two such lines in a row.
    fn initials(&mut self) {
        fn prefix(line: &str) -> Option<&str> {
            let (head, _) = line.trim_start().split_once('>')?;
            ((1..=4).contains(&head.len()) && head.bytes().all(|b| b.is_ascii_alphabetic()))
                .then_some(head)
        }
        for at in 0..self.lines.len() {
            let found = prefix(self.line(at));
            let neighbour =
                |other: Option<usize>| other.is_some_and(|o| prefix(self.line(o)) == found);
            if found.is_some()
                && (neighbour(at.checked_sub(1))
                    || (at + 1 < self.lines.len() && neighbour(Some(at + 1))))
            {
                self.set(at, at + 1, Part::Quoted);
            }
        }
    }

    /// Other messages below their headers. Returns true when one of them looks forwarded or nothing stands above it.
    fn blocks(&mut self) -> bool {
        let mut found = false;
        let mut at = 0;
        while at < self.lines.len() {
            let line = self.line(at);
            let dashed = is_dashed(line);
            if dashed && patterns::REPLY_ABOVE.is_match(line) && self.new_before(at) {
                self.set_new(at, self.lines.len(), Part::Other);
                return true;
            }
            let announced = (dashed && patterns::FOLLOWS.is_match(line))
                || (has_colon(line) && patterns::FOLLOWS_BARE.is_match(line));
            let rule = dashed
                && (patterns::RULE.is_match(line)
                    || (!announced && patterns::DASHED.is_match(line)));
            let headers_at = if announced || rule {
                self.next_filled(at + 1)
            } else {
                Some(at)
            };
            let (fields, end) =
                headers_at.map_or((Headers::default(), at + 1), |h| self.headers(h));
            let near = headers_at.is_some_and(|h| h <= at + 3);
            let begins = announced
                || (near && rule && fields.from && fields.all >= 2)
                || (fields.from && fields.all >= 3);
            if !begins {
                at += 1;
                continue;
            }
            let end = if fields.all > 0 { end } else { at + 1 };
            let body = self.next_filled(end);
            if body.is_some_and(|b| self.part(b) == Some(Part::Quoted)) {
                // Its text is marked by `>`: what follows that may be new again.
                self.set(at, end, Part::Attribution);
                found = true;
                at = end;
                continue;
            }
            if announced && fields.all == 0 && !self.new_before(at) {
                at += 1;
                continue;
            }
            self.set(at, self.lines.len(), Part::Other);
            return true;
        }
        found
    }

    /// Header lines of another message from `start` on, and where they end. Long values go on in the next line; a blank line
    /// may stand between them.
    fn headers(&self, start: usize) -> (Headers, usize) {
        let mut found = Headers::default();
        let mut end = start;
        let mut at = start;
        let mut loose = 0;
        while at < self.lines.len() && at < start + 24 {
            let line = self.line(at);
            let field = line.contains('|') || has_colon(line);
            let from = field && patterns::QUOTED_FROM.is_match(line);
            if from || (field && patterns::QUOTED_OTHER.is_match(line)) {
                found.from |= from;
                found.all += 1;
                end = at + 1;
                loose = 0;
            } else if is_blank(line.trim_start_matches(['>', ' ']))
                || (found.all > 0 && !line.contains(['。', '?', '？']))
            {
                loose += 1;
            } else {
                break;
            }
            if found.all == 0 || loose > 2 {
                break;
            }
            at += 1;
        }
        // A value that went on in a second line belongs to the headers when a blank line follows it.
        if found.all >= 2
            && !is_blank(self.line(end))
            && is_blank(self.line(end + 1))
            && self.line(end).starts_with([' ', '\t'])
        {
            end += 1;
        }
        (found, end)
    }

    /// Lines that say who wrote what follows; where no `>` follows but the line is beyond doubt, the rest is the quotation.
    fn attributions(&mut self) {
        let mut at = 0;
        while at < self.lines.len() {
            if !self.is_new(at) || is_blank(self.line(at)) {
                at += 1;
                continue;
            }
            let Some((length, sure)) = self.attribution(at) else {
                at += 1;
                continue;
            };
            let end = at + length;
            let next = self.next_filled(end).filter(|n| *n <= end + GAP);
            match next.and_then(|n| self.part(n)) {
                Some(Part::Quoted) => self.set(at, end, Part::Attribution),
                _ if sure && self.new_before(at) => {
                    self.set_new(at, self.lines.len(), Part::Other);
                    return;
                }
                _ => {}
            }
            at = end;
        }
    }

    /// Length of the attribution that begins at `at`, and whether it is beyond doubt even without a `>` after it.
    fn attribution(&self, at: usize) -> Option<(usize, bool)> {
        let mut joined = String::new();
        for length in 1..=ATTRIBUTION_LINES {
            let place = at + length - 1;
            if !self.is_new(place) || is_blank(self.line(place)) || place >= self.lines.len() {
                return None;
            }
            if !joined.is_empty() {
                joined.push(' ');
            }
            joined.push_str(self.line(place).trim());
            if joined.len() > 700 {
                return None;
            }
            if joined.ends_with('>') && patterns::ATTRIBUTION_BARE.is_match(&joined) {
                return Some((length, false));
            }
            if !joined.ends_with([':', '：', '.', '-']) {
                continue;
            }
            if patterns::ATTRIBUTION.is_match(&joined)
                || patterns::ATTRIBUTION_VERB_FIRST.is_match(&joined)
                || patterns::ATTRIBUTION_DATED.is_match(&joined)
            {
                return Some((length, true));
            }
            if length == 1 {
                if patterns::ATTRIBUTION_LINE.is_match(&joined)
                    || patterns::ATTRIBUTION_YAHOO.is_match(&joined)
                {
                    return Some((1, joined.contains('@') || joined.starts_with("--")));
                }
                if patterns::ATTRIBUTION_ANY.is_match(&joined) {
                    return Some((1, false));
                }
            }
        }
        None
    }

    /// Signatures: below `-- `, what phones add, boxes of contact data, footers of mailing lists.
    fn signatures(&mut self) {
        self.list_footer();
        // Where the run of new lines ends; found once for each run, since every line of a text may look like a signature's.
        let mut end = 0;
        for at in 0..self.lines.len() {
            if !self.is_new(at) {
                continue;
            }
            let line = self.line(at);
            if at >= end {
                end = self.end_of_new(at);
            }
            if matches!(line.trim_start(), "--" | "—") || line == "＿＿" {
                let filled = self.filled(at + 1, end, SIGNATURE_LINES + 1);
                // Long text below two dashes is no signature.
                if filled <= SIGNATURE_LINES {
                    self.set_new(at, end, Part::Signature);
                }
            } else if line.chars().count() <= 300
                && patterns::PHONE_FOOTER.is_match(line)
                && self.filled(at + 1, end, 3) <= 2
            {
                self.set(at, at + 1, Part::Signature);
            }
        }
        self.contact_box();
        self.dashed_name();
    }

    /// How many lines of a range are not blank; not counted further than `most`.
    fn filled(&self, from: usize, to: usize, most: usize) -> usize {
        (from..to)
            .take(MOST_SIGNATURE_SPACE)
            .filter(|i| !is_blank(self.line(*i)))
            .take(most)
            .count()
    }

    /// Where the run of new lines that `at` belongs to ends.
    fn end_of_new(&self, at: usize) -> usize {
        (at..self.lines.len())
            .find(|i| !self.is_new(*i))
            .unwrap_or(self.lines.len())
    }

    /// The last new lines, blank ones at the end left out: (first line of the run, one past its last).
    fn last_run(&self) -> Option<(usize, usize)> {
        let last = (0..self.lines.len())
            .rev()
            .find(|i| self.is_new(*i) && !is_blank(self.line(*i)))?;
        let first = (0..=last).rev().take_while(|i| self.is_new(*i)).last()?;
        Some((first, last + 1))
    }

    /// Mailing lists add a long line and a few lines with addresses of their own.
    fn list_footer(&mut self) {
        let Some((first, end)) = self.last_run() else {
            return;
        };
        let from = end.saturating_sub(7).max(first);
        let footer = (from..end).find(|i| {
            let line = self.line(*i).trim();
            line.len() >= 30 && line.chars().all(|c| c == '_')
        });
        if let Some(at) = footer
            && (at + 1..end).any(|i| patterns::CONTACT.is_match(self.line(i)))
            && self.new_before(at)
        {
            self.set_new(at, end, Part::Signature);
        }
    }

    /// A block that begins with a decorated line and holds telephone, address or the like: how Japanese firms sign.
    fn contact_box(&mut self) {
        let Some((first, end)) = self.last_run() else {
            return;
        };
        let from = end.saturating_sub(SIGNATURE_LINES).max(first);
        let Some(at) = (from..end).find(|i| is_decoration(self.line(*i))) else {
            return;
        };
        let contact = (at + 1..end).any(|i| patterns::CONTACT.is_match(self.line(i)));
        // Whole sentences are written by people, below a decorated line too.
        let asks = (at + 1..end).any(|i| self.line(i).contains(['?', '？', '。']));
        if contact && !asks && self.new_before(at) {
            self.set(at, end, Part::Signature);
        }
    }

    /// `-First Last` alone in the last paragraph, in a text that has no list of dashes.
    fn dashed_name(&mut self) {
        let Some((first, end)) = self.last_run() else {
            return;
        };
        let at = end - 1;
        let is_name = |line: &str| {
            let Some(name) = line.strip_prefix(['-', '–', '—']) else {
                return false;
            };
            let words: Vec<&str> = name.split_whitespace().collect();
            (1..=3).contains(&words.len())
                && words.iter().all(|w| {
                    w.starts_with(char::is_uppercase) && w.chars().all(char::is_alphabetic)
                })
        };
        let alone = at > first && is_blank(self.line(at - 1));
        let list = (first..at).any(|i| {
            self.line(i)
                .trim_start()
                .starts_with(['-', '–', '—', '*', '・'])
        });
        if alone && !list && is_name(self.line(at)) && self.new_before(at) {
            self.set(at, end, Part::Signature);
        }
    }

    /// The new lines, with at most one blank line where something was taken out.
    fn kept(&self) -> String {
        let mut out = String::new();
        let mut cut = false;
        for (at, line) in self.lines.iter().enumerate() {
            if !self.is_new(at) {
                cut = true;
                continue;
            }
            if cut && is_blank(line) && (out.is_empty() || out.ends_with("\n\n")) {
                continue;
            }
            cut = cut && is_blank(line);
            out.push_str(line);
            out.push('\n');
        }
        out.trim().to_owned()
    }
}

/// How many header lines were found, and whether one of them says From.
#[derive(Debug, Default, Clone, Copy)]
struct Headers {
    from: bool,
    all: usize,
}

/// A line of one or two repeated signs: `━━━━━━`, `-*-*-*-*-`, `◆◇◆◇◆◇`.
fn is_decoration(line: &str) -> bool {
    let mut kinds: Vec<char> = Vec::new();
    let mut signs = 0;
    for c in line.chars().filter(|c| !c.is_whitespace()) {
        if c.is_alphanumeric() || matches!(c, '>' | '.' | '。' | '、' | '!' | '?') {
            return false;
        }
        signs += 1;
        if !kinds.contains(&c) {
            kinds.push(c);
        }
        if kinds.len() > 3 {
            return false;
        }
    }
    signs >= 6
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
