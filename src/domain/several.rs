//! One letter sent as several mails (row Q3: what is larger than a mail server takes arrives split, and belongs in one ticket).

use crate::domain::inquiry::bare_subject;
use crate::domain::text::normalise;
use regex::Regex;
use std::sync::LazyLock;

/// The place of a mail among several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The subject without the count, normalised: equal for all parts.
    pub base: String,
    /// Which one, from 1.
    pub number: u32,
    /// Of how many, where the sender says so.
    pub of: Option<u32>,
}

/// More parts than this are no parts (a date, a file number).
const MOST: u32 = 30;

/// Forms of the count in a normalised subject (half-width, lower case). Bare `1/3` counts at the end alone and below ten only: in the middle,
/// and with larger numbers, it is more often a date.
static FORMS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"[\(\[【〔<]\s*(?P<n>\d{1,2})\s*(?:/|of|の|-|/全)\s*(?P<of>\d{1,2})\s*(?:通|件|便)?\s*[\)\]】〕>]",
        r"\bpart\s+(?P<n>\d{1,2})\s*(?:of|/)\s*(?P<of>\d{1,2})\b",
        r"\b(?P<n>\d{1,2})\s+of\s+(?P<of>\d{1,2})\b",
        r"(?P<n>\d{1,2})\s*通目\s*[/\(]?\s*(?:全)?\s*(?P<of>\d{1,2})\s*通(?:中)?\)?",
        r"全\s*(?P<of>\d{1,2})\s*通(?:中|の)(?:の)?\s*(?P<n>\d{1,2})\s*通目",
        r"(?:phần|thư)\s+(?P<n>\d{1,2})\s*/\s*(?P<of>\d{1,2})",
        r"第\s*(?P<n>\d{1,2})\s*(?:封|部分|通)\s*[/,、]?\s*[\(]?共\s*(?P<of>\d{1,2})\s*(?:封|部分|通)?\)?",
        r"(?:^|\s)(?P<n>\d)\s*/\s*(?P<of>\d)\s*$",
        r"[\(\[【]?(?:その|分割)\s*(?P<n>\d{1,2})[\)\]】]?\s*$",
    ]
    .iter()
    .filter_map(|form| Regex::new(form).ok())
    .collect()
});

/// Reads the count in a subject; `None` where there is none.
pub fn part_of(subject: &str) -> Option<Part> {
    let subject = normalise(bare_subject(subject));
    FORMS.iter().find_map(|form| {
        let found = form.captures(&subject)?;
        let whole = found.get(0)?;
        let number: u32 = found.name("n")?.as_str().parse().ok()?;
        let of = match found.name("of") {
            Some(of) => Some(of.as_str().parse::<u32>().ok()?),
            None => None,
        };
        let possible = (1..=MOST).contains(&number)
            && of.is_none_or(|of| of >= 2 && number <= of && of <= MOST);
        let around = [
            subject.get(..whole.start()).unwrap_or_default(),
            subject.get(whole.end()..).unwrap_or_default(),
        ];
        let base: String = around
            .concat()
            .chars()
            .filter(|c| c.is_alphanumeric())
            .collect();
        possible.then_some(Part { base, number, of })
    })
}

#[cfg(test)]
mod tests {
    use super::part_of;

    #[test]
    fn counts_are_read_in_the_forms_people_write() {
        for (subject, number, of) in [
            ("申請書類の送付（1/3）", 1, Some(3)),
            ("Re: 申請書類の送付 【2／3】", 2, Some(3)),
            ("申請書類の送付 3/3", 3, Some(3)),
            ("申請書類の送付（３／３通）", 3, Some(3)),
            ("申請書類の送付 1通目/全3通", 1, Some(3)),
            ("申請書類の送付 その2", 2, None),
            ("Application documents (1 of 4)", 1, Some(4)),
            ("Application documents, part 2 of 4", 2, Some(4)),
            ("Hồ sơ đăng ký (phần 1/2)", 1, Some(2)),
            ("申请材料 第1封/共2封", 1, Some(2)),
        ] {
            let part = part_of(subject).unwrap_or_else(|| panic!("{subject}"));
            assert_eq!((part.number, part.of), (number, of), "{subject}");
        }
        let base = |subject| part_of(subject).map(|p| p.base);
        assert_eq!(
            base("申請書類の送付（1/3）"),
            base("Re: 申請書類の送付 【２／３】 [MD-000007 abc]")
        );
    }

    #[test]
    fn dates_and_numbers_are_no_counts() {
        for subject in [
            "会議 11/20 のご案内",
            "2026/11/20 の件",
            "11/20",
            "(4/1から適用)",
            "報告書 5/3",
            "(3/1)",
            "24/7 support",
            "変更申請について",
            "",
        ] {
            assert_eq!(part_of(subject), None, "{subject}");
        }
    }
}
