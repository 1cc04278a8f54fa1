//! The calendar: holidays by rule against published lists, specs and their mistakes, business time in zones with daylight saving.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // helpers of tests are not seen as tests by clippy

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use madoguchi::domain::calendar::{Calendar, CalendarSpec, ClosedBecause};
use madoguchi::domain::holidays::{Holiday, holiday_on, holidays_of};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Holidays of 2024–2032, month and day, as published (from 2028 on as forecast).
const PUBLISHED: &[(i16, &str)] = &[
    (
        2024,
        "0101 0108 0211 0212 0223 0320 0429 0503 0504 0505 0506 0715 0811 0812 0916 0922 0923 1014 1103 1104 1123",
    ),
    (
        2025,
        "0101 0113 0211 0223 0224 0320 0429 0503 0504 0505 0506 0721 0811 0915 0923 1013 1103 1123 1124",
    ),
    (
        2026,
        "0101 0112 0211 0223 0320 0429 0503 0504 0505 0506 0720 0811 0921 0922 0923 1012 1103 1123",
    ),
    (
        2027,
        "0101 0111 0211 0223 0321 0322 0429 0503 0504 0505 0719 0811 0920 0923 1011 1103 1123",
    ),
    (
        2028,
        "0101 0110 0211 0223 0320 0429 0503 0504 0505 0717 0811 0918 0922 1009 1103 1123",
    ),
    (
        2029,
        "0101 0108 0211 0212 0223 0320 0429 0430 0503 0504 0505 0716 0811 0917 0923 0924 1008 1103 1123",
    ),
    (
        2030,
        "0101 0114 0211 0223 0320 0429 0503 0504 0505 0506 0715 0811 0812 0916 0923 1014 1103 1104 1123",
    ),
    (
        2031,
        "0101 0113 0211 0223 0224 0321 0429 0503 0504 0505 0506 0721 0811 0915 0923 1013 1103 1123 1124",
    ),
    (
        2032,
        "0101 0112 0211 0223 0320 0429 0503 0504 0505 0719 0811 0920 0921 0922 1011 1103 1123",
    ),
];

#[test]
fn holidays_by_rule_equal_the_list_written_out_for_2024_to_2032() {
    for (year, expected) in PUBLISHED {
        let ours: Vec<String> = holidays_of(*year)
            .iter()
            .map(|(day, _)| format!("{:02}{:02}", day.month(), day.day()))
            .collect();
        assert_eq!(ours.join(" "), *expected, "{year}");
    }
}

#[test]
fn holidays_by_rule_equal_the_published_list_from_1980_to_2050() {
    let Some(file) = corpora()
        .map(|dir| dir.join("calendar/holidays-jp.csv"))
        .filter(|f| f.exists())
    else {
        println!("not run: no corpora (set MADOGUCHI_CORPORA)");
        return;
    };
    let mut published: BTreeMap<Date, String> = BTreeMap::new();
    for line in std::fs::read_to_string(file).unwrap().lines().skip(1) {
        let (day, name) = line.split_once(',').unwrap();
        published.insert(day.parse().unwrap(), name.to_owned());
    }
    assert!(published.len() > 1000, "{}", published.len());
    let mut day = date(1980, 1, 1);
    let mut compared = 0;
    while day <= date(2050, 12, 31) {
        match (published.get(&day), holiday_on(day)) {
            (None, None) => {}
            (Some(name), Some(kind)) => {
                assert!(same(kind, name), "{day}: {name} and {kind}");
                compared += 1;
            }
            (theirs, ours) => panic!("{day}: published {theirs:?}, by rule {ours:?}"),
        }
        day = day.tomorrow().unwrap();
    }
    assert!(compared > 1000, "{compared}");
}

/// Whether a name of the published list means this kind.
fn same(kind: Holiday, name: &str) -> bool {
    let substitute = name.ends_with("振替休日");
    match kind {
        Holiday::Substitute => substitute || name == "休日",
        Holiday::Citizens => name == "休日",
        Holiday::Imperial => {
            ["大喪の礼", "即位礼正殿の儀", "結婚の儀", "休日（祝日扱い）"].contains(&name)
        }
        Holiday::Sports => name.contains("体育の日") || name == "スポーツの日",
        _ if substitute => false,
        Holiday::NewYear => name == "元日",
        Holiday::ComingOfAge => name == "成人の日",
        Holiday::NationalFoundation => name == "建国記念の日",
        Holiday::EmperorsBirthday => name == "天皇誕生日",
        Holiday::VernalEquinox => name == "春分の日",
        Holiday::Showa => name == "昭和の日",
        Holiday::Constitution => name == "憲法記念日",
        Holiday::Greenery => name == "みどりの日",
        Holiday::Children => name == "こどもの日",
        Holiday::Marine => name == "海の日",
        Holiday::Mountain => name == "山の日",
        Holiday::RespectForTheAged => name == "敬老の日",
        Holiday::AutumnalEquinox => name == "秋分の日",
        Holiday::Culture => name == "文化の日",
        Holiday::LabourThanksgiving => name == "勤労感謝の日",
    }
}

fn corpora() -> Option<PathBuf> {
    let dir = std::env::var_os("MADOGUCHI_CORPORA").map_or_else(
        || {
            PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package"))
                .join("../shared/corpora")
        },
        PathBuf::from,
    );
    dir.exists().then_some(dir)
}

#[test]
fn the_odd_days_of_recent_years_have_the_right_kind() {
    let cases = [
        (date(2019, 4, 30), Some(Holiday::Citizens)),
        (date(2019, 5, 1), Some(Holiday::Imperial)),
        (date(2019, 10, 22), Some(Holiday::Imperial)),
        (date(2019, 12, 23), None),
        (date(2020, 7, 24), Some(Holiday::Sports)),
        (date(2020, 10, 12), None),
        (date(2021, 8, 9), Some(Holiday::Substitute)),
        (date(2021, 8, 11), None),
        (date(2026, 5, 6), Some(Holiday::Substitute)),
        (date(2026, 9, 22), Some(Holiday::Citizens)),
        (date(2032, 9, 21), Some(Holiday::Citizens)),
        (date(1979, 1, 1), None),
        (date(2100, 1, 1), None),
    ];
    for (day, expected) in cases {
        assert_eq!(holiday_on(day), expected, "{day}");
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn spec(toml: &str) -> CalendarSpec {
    toml::from_str(toml).unwrap()
}

fn calendar(toml: &str) -> Calendar {
    Calendar::from_spec(&spec(toml)).unwrap()
}

#[test]
fn an_empty_configuration_is_the_programmes_calendar() {
    assert_eq!(calendar(""), Calendar::default());
    let desk = Calendar::default();
    assert_eq!(desk.zone().iana_name(), Some("Asia/Tokyo"));
    assert_eq!(desk.ordinary_day(), SignedDuration::from_mins(450));
    assert!(!desk.is_open(at("2026-05-14T09:29:59.999999999+09:00")));
    assert!(desk.is_open(at("2026-05-14T09:30:00+09:00")));
    assert!(desk.is_open(at("2026-05-14T16:59:59+09:00")));
    assert!(!desk.is_open(at("2026-05-14T17:00:00+09:00")));
    for closed in [
        "2026-05-16",
        "2026-05-17",
        "2026-12-29",
        "2027-01-03",
        "2026-09-22",
    ] {
        assert!(!desk.is_business_day(closed.parse().unwrap()), "{closed}");
    }
    assert!(desk.is_business_day(date(2026, 12, 28)));
    assert!(desk.is_business_day(date(2027, 1, 4)));
}

#[test]
fn a_spec_survives_being_written_and_read() {
    let written = toml::to_string(&CalendarSpec::default()).unwrap();
    assert_eq!(spec(&written), CalendarSpec::default());
}

#[test]
fn an_unknown_key_is_refused() {
    let error = toml::from_str::<CalendarSpec>("timezone = \"Asia/Tokyo\"").unwrap_err();
    assert!(error.to_string().contains("timezone"), "{error}");
    assert!(toml::from_str::<CalendarSpec>("opening = { mon = [] }").is_err());
}

#[test]
fn every_mistake_of_a_spec_is_named_with_its_field() {
    let error = Calendar::from_spec(&spec(
        r#"
        zone = "Asia/Tokio"
        opening = { monday = ["9.30-17.00", "13:00-12:00", "09:00-12:00", "11:00-13:00", "23:00-24:01"] }
        yearly_closures = [{ from = "02-30", until = "01-03", reason = "" }, { from = "01-02", until = "01-01", reason = "" }]
        closures = [
            { on = "2026-13-01", reason = "" },
            { on = "2026-08-14", until = "2026-08-13", reason = "" },
            { on = "2026-08-20", reason = "" },
            { on = "2026-08-20", reason = "" },
        ]
        openings = [{ on = "2026-08-15", hours = [], reason = "" }]
        runs_out_on = "2150-01-01"
        "#,
    ))
    .unwrap_err();
    let fields: Vec<&str> = error.problems.iter().map(|p| p.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "zone",
            "opening.monday[0]",
            "opening.monday[1]",
            "opening.monday[3]",
            "opening.monday[4]",
            "yearly_closures[0].from",
            "yearly_closures",
            "closures[0].on",
            "closures[1].until",
            "closures[3].on",
            "openings[0].hours",
            "runs_out_on",
        ]
    );
    assert!(error.to_string().contains("Asia/Tokio"), "{error}");
}

#[test]
fn a_desk_that_is_never_open_is_refused() {
    let error = Calendar::from_spec(&spec("opening = {}")).unwrap_err();
    assert_eq!(error.problems[0].field, "opening");
}

#[test]
fn lunch_breaks_closures_and_special_openings_are_kept() {
    let desk = calendar(
        r#"
        opening = { monday = ["09:00-12:00", "13:00-17:00"], tuesday = ["09:00-12:00", "13:00-17:00"], wednesday = ["09:00-12:00"] }
        closures = [{ on = "2026-06-02", reason = "moving" }]
        openings = [{ on = "2026-06-07", hours = ["10:00-12:00"], reason = "open day" }]
        "#,
    );
    // Monday 1 June 2026, in the lunch break.
    let lunch = at("2026-06-01T12:00:00+09:00");
    assert!(!desk.is_open(lunch));
    assert_eq!(desk.next_opening(lunch), at("2026-06-01T13:00:00+09:00"));
    assert_eq!(
        desk.business_time_between(
            at("2026-06-01T11:00:00+09:00"),
            at("2026-06-01T14:30:00+09:00")
        ),
        SignedDuration::from_mins(150)
    );
    // Five hours from 11:00: one before lunch, four after it, and that is a closing.
    assert_eq!(
        desk.add_business_time(
            at("2026-06-01T11:00:00+09:00"),
            SignedDuration::from_hours(5)
        ),
        at("2026-06-01T17:00:00+09:00")
    );
    assert_eq!(
        desk.nth_following_business_day(date(2026, 6, 1), 1),
        date(2026, 6, 3)
    );
    assert_eq!(
        desk.nth_following_business_day(date(2026, 6, 3), 1),
        date(2026, 6, 7)
    );
    assert_eq!(
        desk.closing_of(date(2026, 6, 7)),
        Some(at("2026-06-07T12:00:00+09:00"))
    );
    assert_eq!(desk.closing_of(date(2026, 6, 2)), None);
    assert_eq!(desk.ordinary_day(), SignedDuration::from_hours(7));
}

#[test]
fn openings_are_found_from_inside_and_outside() {
    let desk = Calendar::default();
    let inside = at("2026-05-14T10:00:00+09:00");
    assert_eq!(desk.next_opening(inside), inside);
    assert_eq!(
        desk.next_opening_after(inside),
        at("2026-05-15T09:30:00+09:00")
    );
    let opening = at("2026-05-14T09:30:00+09:00");
    assert_eq!(desk.next_opening(opening), opening);
    assert_eq!(
        desk.next_opening_after(opening),
        at("2026-05-15T09:30:00+09:00")
    );
    assert_eq!(
        desk.next_opening(at("2026-12-28T17:00:00+09:00")),
        at("2027-01-04T09:30:00+09:00")
    );
}

#[test]
fn staff_see_which_days_were_skipped_and_why() {
    let desk = calendar(r#"closures = [{ on = "2026-05-07", reason = "power cut" }]"#);
    let skipped: Vec<String> = desk
        .skipped_days(date(2026, 5, 1), date(2026, 5, 9))
        .iter()
        .map(|day| {
            let why = match &day.because {
                ClosedBecause::Weekday(weekday) => format!("{weekday:?}"),
                ClosedBecause::Holiday(holiday) => holiday.to_string(),
                ClosedBecause::EveryYear(reason) | ClosedBecause::Closure(reason) => reason.clone(),
            };
            format!("{} {why}", day.on.day())
        })
        .collect();
    assert_eq!(
        skipped,
        [
            "2 Saturday",
            "3 constitution",
            "4 greenery",
            "5 children",
            "6 substitute",
            "7 power cut",
            "9 Saturday"
        ]
    );
    let year_end = desk.closed_because(date(2026, 12, 31));
    assert_eq!(
        year_end,
        Some(ClosedBecause::EveryYear("year_end".to_owned()))
    );
}

#[test]
fn a_calendar_warns_six_months_before_it_runs_out() {
    let desk = calendar(r#"runs_out_on = "2027-03-31""#);
    assert_eq!(desk.warning(date(2026, 9, 29)), None);
    assert_eq!(
        desk.warning(date(2026, 9, 30)).map(|w| w.days_left),
        Some(182)
    );
    assert_eq!(
        desk.warning(date(2027, 4, 1)).map(|w| w.days_left),
        Some(-1)
    );
    assert_eq!(Calendar::default().runs_out_on(), date(2099, 12, 31));
    // What is due after that day is still computed with the holidays.
    assert!(!desk.is_business_day(date(2027, 4, 29)));
}

/// Open all day, every day, so that each hour the zone skips or repeats counts.
fn around_the_clock(zone: &str) -> Calendar {
    let day = r#"["00:00-24:00"]"#;
    calendar(&format!(
        "zone = \"{zone}\"\njapanese_holidays = false\nyearly_closures = []\nopening = {{ monday = {day}, tuesday = {day}, wednesday = {day}, \
         thursday = {day}, friday = {day}, saturday = {day}, sunday = {day} }}"
    ))
}

fn length_of(desk: &Calendar, day: Date) -> SignedDuration {
    desk.day(day).map(|interval| interval.duration()).sum()
}

#[test]
fn days_of_23_and_25_hours_have_their_true_length() {
    let cases = [
        ("Europe/Berlin", date(2026, 3, 29), 23 * 60),
        ("Europe/Berlin", date(2026, 10, 25), 25 * 60),
        ("America/New_York", date(2026, 3, 8), 23 * 60),
        ("America/New_York", date(2026, 11, 1), 25 * 60),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24 * 60 + 30),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23 * 60 + 30),
        ("Asia/Tokyo", date(2026, 3, 29), 24 * 60),
        // Set back over midnight: the repeated hour belongs to the day that had begun.
        ("America/St_Johns", date(2010, 11, 7), 24 * 60 + 60),
        // A day the zone skipped altogether.
        ("Pacific/Apia", date(2011, 12, 30), 0),
    ];
    for (zone, day, minutes) in cases {
        let desk = around_the_clock(zone);
        assert_eq!(
            length_of(&desk, day),
            SignedDuration::from_mins(minutes),
            "{zone} {day}"
        );
    }
    assert!(!around_the_clock("Pacific/Apia").is_business_day(date(2011, 12, 30)));
}

#[test]
fn an_opening_inside_a_skipped_hour_begins_after_it_and_one_in_a_repeated_hour_at_the_first() {
    let sunday = |zone: &str, hours: &str| {
        calendar(&format!(
            "zone = \"{zone}\"\nopening = {{ sunday = [\"{hours}\"] }}\njapanese_holidays = false"
        ))
    };
    let opens = |desk: &Calendar, day| {
        desk.day(day)
            .map(|i| (i.opens_at, i.closes_at))
            .collect::<Vec<_>>()
    };
    let skipped = sunday("Europe/Berlin", "02:30-05:00");
    assert_eq!(
        opens(&skipped, date(2026, 3, 29)),
        [(
            at("2026-03-29T03:00:00+02:00"),
            at("2026-03-29T05:00:00+02:00")
        )]
    );
    let repeated = sunday("Europe/Berlin", "02:30-05:00");
    assert_eq!(
        opens(&repeated, date(2026, 10, 25)),
        [(
            at("2026-10-25T02:30:00+02:00"),
            at("2026-10-25T05:00:00+01:00")
        )]
    );
    let swallowed = sunday("Europe/Berlin", "02:10-02:50");
    assert!(opens(&swallowed, date(2026, 3, 29)).is_empty());
    assert!(!swallowed.is_business_day(date(2026, 3, 29)));
}

#[test]
fn no_instant_is_lost_where_the_clock_is_set_back_over_midnight() {
    let desk = around_the_clock("America/St_Johns");
    let mut instant = at("2010-11-06T12:00:00Z");
    let end = at("2010-11-08T12:00:00Z");
    assert_eq!(
        desk.business_time_between(instant, end),
        end.duration_since(instant)
    );
    while instant < end {
        assert!(desk.is_open(instant), "{instant}");
        instant += SignedDuration::from_mins(1);
    }
}
