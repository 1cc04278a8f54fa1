//! Invitations (iCalendar, RFC 5545; iTIP methods, RFC 5546) as a few lines people can read.

/// More lines than this are not looked at.
const MOST_LINES: usize = 5_000;
/// A description longer than this is cut.
const LONGEST: usize = 4_000;

/// What of the first event people want to know.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Invitation {
    /// `REQUEST`, `REPLY`, `CANCEL` …, upper case; empty when it says nothing.
    pub(crate) method: String,
    summary: String,
    start: String,
    end: String,
    place: String,
    description: String,
}

impl Invitation {
    /// Reads the calendar; `None` when the text is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut found = Self::default();
        let mut calendar = false;
        // How many components are open: the zone's and the alarm's own times and words are not the event's.
        let mut component: Vec<String> = Vec::new();
        let mut events = 0;
        for line in unfolded(text) {
            let Some((head, value)) = split(&line) else {
                continue;
            };
            let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
            let name = name.trim().to_ascii_uppercase();
            match name.as_str() {
                "BEGIN" => {
                    let what = value.trim().to_ascii_uppercase();
                    calendar |= what == "VCALENDAR";
                    events += usize::from(is_entry(&what));
                    if component.len() < 16 {
                        component.push(what);
                    }
                    continue;
                }
                "END" => {
                    component.pop();
                    continue;
                }
                "METHOD" if found.method.is_empty() => {
                    found.method = value.trim().to_ascii_uppercase()
                }
                _ => {}
            }
            if events != 1 || !component.last().is_some_and(|c| is_entry(c)) {
                continue;
            }
            let slot = match name.as_str() {
                "SUMMARY" => &mut found.summary,
                "LOCATION" => &mut found.place,
                "DESCRIPTION" => &mut found.description,
                "DTSTART" => {
                    found.start = moment(value, parameters);
                    continue;
                }
                "DTEND" | "DUE" => {
                    found.end = moment(value, parameters);
                    continue;
                }
                _ => continue,
            };
            if slot.is_empty() {
                *slot = unescaped(value).trim().chars().take(LONGEST).collect();
            }
        }
        calendar.then_some(found)
    }

    /// The lines: what, when, where, then the description.
    pub(crate) fn text(&self) -> String {
        let when = match (self.start.as_str(), self.end.as_str()) {
            (start, "") => start.to_owned(),
            (start, end) => format!("{start} – {end}"),
        };
        let mut lines: Vec<&str> = [self.summary.as_str(), &when, &self.place]
            .into_iter()
            .filter(|l| !l.is_empty())
            .collect();
        let method = format!("[{}]", self.method);
        if !self.method.is_empty() {
            lines.insert(0, &method);
        }
        let mut out = lines.join("\n");
        if !self.description.is_empty() && self.description != self.summary {
            out.push_str("\n\n");
            out.push_str(&self.description);
        }
        out
    }
}

fn is_entry(component: &str) -> bool {
    matches!(component, "VEVENT" | "VTODO" | "VJOURNAL")
}

/// Lines with their continuations (RFC 5545 §3.1).
fn unfolded(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().take(MOST_LINES) {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some(last)) => last.push_str(rest),
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// Name with parameters, and value: split at the first colon outside quotes.
fn split(line: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let at = line.char_indices().find_map(|(at, c)| {
        quoted ^= c == '"';
        (c == ':' && !quoted).then_some(at)
    })?;
    Some((line.get(..at)?, line.get(at + 1..)?))
}

/// RFC 5545 §3.3.11.
fn unescaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(other) => out.push(other),
                None => {}
            },
            c => out.push(c),
        }
    }
    out
}

/// `20261120T100000Z` as people write it, with its zone; what is no such moment stays as it is.
fn moment(value: &str, parameters: &str) -> String {
    let value = value.trim();
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default().to_owned();
    let date = format!("{}-{}-{}", part(0, 4), part(4, 6), part(6, 8));
    let zone = parameters.split(';').find_map(|p| {
        let (name, value) = p.split_once('=')?;
        name.eq_ignore_ascii_case("tzid")
            .then(|| value.trim_matches('"').to_owned())
    });
    match digits.len() {
        8 => date,
        14 => {
            let zone = if value.ends_with(['Z', 'z']) {
                " UTC".to_owned()
            } else {
                zone.map(|z| format!(" ({z})")).unwrap_or_default()
            };
            format!("{date} {}:{}{zone}", part(8, 10), part(10, 12))
        }
        _ => value.chars().take(60).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_says_what_when_and_where() {
        let text = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VTIMEZONE\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n\
            BEGIN:VEVENT\r\nSUMMARY;LANGUAGE=ja:個別相談会\\, 第\r\n 2回\r\nDTSTART;TZID=\"Tokyo Standard Time\":20261120T100000\r\n\
            DTEND:20261120T020000Z\r\nLOCATION:会議室A\r\nDESCRIPTION:持ち物\\n筆記用具\r\nBEGIN:VALARM\r\nDESCRIPTION:REMINDER\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let read = Invitation::read(text).unwrap();
        assert_eq!(read.method, "REQUEST");
        assert_eq!(
            read.text(),
            "[REQUEST]\n個別相談会, 第2回\n2026-11-20 10:00 (Tokyo Standard Time) – 2026-11-20 02:00 UTC\n会議室A\n\n持ち物\n筆記用具"
        );
    }

    #[test]
    fn days_without_a_time_and_texts_that_are_no_calendar() {
        let read = Invitation::read(
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20261120\nSUMMARY:x\nEND:VEVENT\n",
        )
        .unwrap();
        assert_eq!(read.text(), "x\n2026-11-20");
        assert_eq!(Invitation::read("BEGIN: it is"), None);
        assert_eq!(Invitation::read(""), None);
    }
}
