//! The national holidays of Japan by rule, so that no desk needs a network call or a list typed in by hand every December.
//!
//! Source: 国民の祝日に関する法律 (Act on National Holidays, Act No. 178 of 1948) as amended by Acts No. 10 of 1973 (substitute
//! holidays), No. 103 of 1985 (citizens' holidays), No. 5 of 1989, No. 22 of 1995 (Marine Day), No. 141 of 1998 and No. 59 of 2001
//! (Happy Monday), No. 43 of 2005 (Shōwa Day, substitute holidays past a run of holidays), No. 43 of 2014 (Mountain Day), No. 57 of
//! 2018 (Sports Day); the single days of the funeral (1989), enthronement (1990, 2019) and wedding (1993) by their own acts; the moves
//! for the Tokyo Games of 2020 and 2021 by the Act on Special Measures for the Games (No. 55 of 2018, No. 68 of 2020).
//!
//! The two equinox days are announced each February for the following year. Until then they are a forecast: the formula used here is
//! the one commonly derived from the tropical year, right for every year announced so far and usable from 1980 to 2099.

use crate::domain::ticket::closed_set;
use jiff::civil::{Date, Weekday};

/// First year the rules below are right for.
pub const FIRST_YEAR: i16 = 1980;
/// Last year the rules below can be applied to (the equinox formula ends there).
pub const LAST_YEAR: i16 = 2099;

closed_set!(
    /// Which national holiday a day is. The stable name is the key under which texts give it a name in each language.
    Holiday {
        /// 元日, 1 January.
        NewYear = "new_year",
        /// 成人の日, 15 January until 1999, then the second Monday of January.
        ComingOfAge = "coming_of_age",
        /// 建国記念の日, 11 February.
        NationalFoundation = "national_foundation",
        /// 天皇誕生日, 29 April until 1988, 23 December 1989–2018, 23 February from 2020 on. None in 2019.
        EmperorsBirthday = "emperors_birthday",
        /// 春分の日, about 20 March.
        VernalEquinox = "vernal_equinox",
        /// 昭和の日, 29 April from 2007 on.
        Showa = "showa",
        /// 憲法記念日, 3 May.
        Constitution = "constitution",
        /// みどりの日, 29 April 1989–2006, then 4 May.
        Greenery = "greenery",
        /// こどもの日, 5 May.
        Children = "children",
        /// 海の日, 20 July 1996–2002, then the third Monday of July.
        Marine = "marine",
        /// 山の日, 11 August from 2016 on.
        Mountain = "mountain",
        /// 敬老の日, 15 September until 2002, then the third Monday of September.
        RespectForTheAged = "respect_for_the_aged",
        /// 秋分の日, about 23 September.
        AutumnalEquinox = "autumnal_equinox",
        /// 体育の日 until 2019, スポーツの日 since: 10 October until 1999, then the second Monday of October.
        Sports = "sports",
        /// 文化の日, 3 November.
        Culture = "culture",
        /// 勤労感謝の日, 23 November.
        LabourThanksgiving = "labour_thanksgiving",
        /// A single day of the imperial house: 24 February 1989, 12 November 1990, 9 June 1993, 1 May and 22 October 2019.
        Imperial = "imperial",
        /// 振替休日: the day off for a holiday on a Sunday (article 3, paragraph 2).
        Substitute = "substitute",
        /// 国民の休日: a day between two holidays (article 3, paragraph 3).
        Citizens = "citizens",
    }
);

/// Which national holiday `date` is; `None` on any other day, and outside [`FIRST_YEAR`]..=[`LAST_YEAR`].
pub fn holiday_on(date: Date) -> Option<Holiday> {
    if !(FIRST_YEAR..=LAST_YEAR).contains(&date.year()) {
        return None;
    }
    named(date)
        .or_else(|| is_substitute(date).then_some(Holiday::Substitute))
        .or_else(|| is_citizens(date).then_some(Holiday::Citizens))
}

/// Every national holiday of a year, in order; empty outside [`FIRST_YEAR`]..=[`LAST_YEAR`].
pub fn holidays_of(year: i16) -> Vec<(Date, Holiday)> {
    let Ok(first) = Date::new(year, 1, 1) else {
        return Vec::new();
    };
    std::iter::successors(Some(first), |day| {
        day.tomorrow().ok().filter(|next| next.year() == year)
    })
    .filter_map(|day| holiday_on(day).map(|holiday| (day, holiday)))
    .collect()
}

/// The days article 2 names (and the single days made holidays by their own acts).
fn named(date: Date) -> Option<Holiday> {
    let (year, month, day) = (date.year(), date.month(), date.day());
    let nth_monday = |n: i8| date.weekday() == Weekday::Monday && (day - 1) / 7 + 1 == n;
    match (month, day) {
        (1, 1) => Some(Holiday::NewYear),
        (1, 15) if year <= 1999 => Some(Holiday::ComingOfAge),
        (1, _) if year >= 2000 && nth_monday(2) => Some(Holiday::ComingOfAge),
        (2, 11) => Some(Holiday::NationalFoundation),
        (2, 23) if year >= 2020 => Some(Holiday::EmperorsBirthday),
        (2, 24) if year == 1989 => Some(Holiday::Imperial),
        (3, _) if day == vernal_equinox(year) => Some(Holiday::VernalEquinox),
        (4, 29) => Some(match year {
            ..=1988 => Holiday::EmperorsBirthday,
            1989..=2006 => Holiday::Greenery,
            _ => Holiday::Showa,
        }),
        (5, 1) if year == 2019 => Some(Holiday::Imperial),
        (5, 3) => Some(Holiday::Constitution),
        (5, 4) if year >= 2007 => Some(Holiday::Greenery),
        (5, 5) => Some(Holiday::Children),
        (6, 9) if year == 1993 => Some(Holiday::Imperial),
        (7, _) => july(year, day, nth_monday(3)),
        (8, _) => (day == mountain_day(year)?).then_some(Holiday::Mountain),
        (9, _) if day == autumnal_equinox(year) => Some(Holiday::AutumnalEquinox),
        (9, 15) if year <= 2002 => Some(Holiday::RespectForTheAged),
        (9, _) if year >= 2003 && nth_monday(3) => Some(Holiday::RespectForTheAged),
        (10, 10) if year <= 1999 => Some(Holiday::Sports),
        (10, 22) if year == 2019 => Some(Holiday::Imperial),
        // For the Games the day lay in July (see `july`).
        (10, _) if year >= 2000 && !(2020..=2021).contains(&year) && nth_monday(2) => {
            Some(Holiday::Sports)
        }
        (11, 3) => Some(Holiday::Culture),
        (11, 12) if year == 1990 => Some(Holiday::Imperial),
        (11, 23) => Some(Holiday::LabourThanksgiving),
        (12, 23) if (1989..=2018).contains(&year) => Some(Holiday::EmperorsBirthday),
        _ => None,
    }
}

/// July: Marine Day, and Sports Day in the two years of the Tokyo Games.
fn july(year: i16, day: i8, third_monday: bool) -> Option<Holiday> {
    match (year, day) {
        (2020, 23) | (2021, 22) => Some(Holiday::Marine),
        (2020, 24) | (2021, 23) => Some(Holiday::Sports),
        (2020 | 2021, _) => None,
        (1996..=2002, 20) => Some(Holiday::Marine),
        (2003.., _) if third_monday => Some(Holiday::Marine),
        _ => None,
    }
}

/// Day of August that is Mountain Day.
fn mountain_day(year: i16) -> Option<i8> {
    match year {
        ..=2015 => None,
        2020 => Some(10),
        2021 => Some(8),
        _ => Some(11),
    }
}

/// Article 3 paragraph 2. Until 2006 the Monday after a Sunday holiday; since 2007 the first day after it that is no named holiday.
fn is_substitute(date: Date) -> bool {
    let mut day = date;
    loop {
        let Ok(before) = day.yesterday() else {
            return false;
        };
        if named(before).is_none() {
            return false;
        }
        if before.weekday() == Weekday::Sunday {
            return true;
        }
        if date.year() < 2007 {
            return false;
        }
        day = before;
    }
}

/// Article 3 paragraph 3: a day whose neighbours are both named holidays. Until 2006 a Sunday was left out.
fn is_citizens(date: Date) -> bool {
    // The paragraph came into force on 27 December 1985; no day before 1986 could fall under it.
    date.year() >= 1986
        && (date.year() >= 2007 || date.weekday() != Weekday::Sunday)
        && date.yesterday().ok().and_then(named).is_some()
        && date.tomorrow().ok().and_then(named).is_some()
}

/// Day of March of the vernal equinox in Japan, 1980–2099.
fn vernal_equinox(year: i16) -> i8 {
    equinox(20_843_100, year)
}

/// Day of September of the autumnal equinox in Japan, 1980–2099.
fn autumnal_equinox(year: i16) -> i8 {
    equinox(23_248_800, year)
}

/// `base` is the equinox of 1980 in millionths of a day of its month; a tropical year is 365.242194 days.
fn equinox(base: i32, year: i16) -> i8 {
    let years = i32::from(year) - 1980;
    let day = (base + 242_194 * years) / 1_000_000 - years / 4;
    i8::try_from(day).unwrap_or(0)
}
