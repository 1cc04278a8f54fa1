//! Texts: every one in every language, overrides with their faults, and dates in words.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use madoguchi::domain::language::Lang;
use madoguchi::prompts::{Prompt, Prompts, due_in_words};

#[test]
fn every_text_is_written_in_every_language_and_shows_its_fields() {
    let prompts = Prompts::load(None).unwrap_or_else(|p| panic!("{p:?}"));
    for prompt in Prompt::ALL {
        for lang in Lang::ALL {
            let values: Vec<(&str, String)> = prompt
                .required()
                .iter()
                .map(|f| (*f, format!("<{f}>")))
                .collect();
            let fields: Vec<(&str, &str)> = values.iter().map(|(f, v)| (*f, v.as_str())).collect();
            let text = prompts.render(*prompt, *lang, &fields).unwrap();
            for (_, value) in &fields {
                assert!(text.contains(value), "{prompt:?} {lang}: {text}");
            }
        }
    }
}

#[test]
fn what_a_requester_wrote_is_never_a_template() {
    let prompts = Prompts::load(None).unwrap();
    let text = prompts
        .render(
            Prompt::Acknowledgement,
            Lang::En,
            &[
                ("ticket", "MD-000001"),
                ("due", "x"),
                ("subject", "{{ due }} {% raw %}"),
            ],
        )
        .unwrap();
    assert!(text.contains("{{ due }} {% raw %}"), "{text}");
}

#[test]
fn a_broken_override_is_told_with_file_and_line() {
    for (text, line, word) in [
        ("ok {{ ticket }}\n{{ dew }} {{ due }}\n", 2, "dew"),
        ("{{ ticket }}\n{% if %}\n", 2, ""),
        ("{{ ticket }} without the date\n", 1, "due"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("en")).unwrap();
        std::fs::write(dir.path().join("en/acknowledgement.txt"), text).unwrap();
        let problems = Prompts::load(Some(dir.path())).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!(
            (problems[0].file.as_str(), problems[0].line),
            ("en/acknowledgement.txt", line),
            "{}",
            problems[0]
        );
        assert!(problems[0].message.contains(word), "{}", problems[0]);
    }
}

#[test]
fn a_due_instant_is_told_in_words_in_the_desks_zone() {
    let tokyo = jiff::tz::TimeZone::get("Asia/Tokyo").unwrap();
    let at = "2026-11-24T08:00:00Z".parse().unwrap();
    for (lang, words) in [
        (Lang::Ja, "2026年11月24日(火) 17:00（日本時間）"),
        (Lang::En, "Tuesday 24 November 2026, 17:00 (Japan time)"),
        (Lang::Zh, "2026年11月24日（周二）17:00（日本时间）"),
        (
            Lang::Vi,
            "17:00 thứ Ba, ngày 24 tháng 11 năm 2026 (giờ Nhật Bản)",
        ),
    ] {
        assert_eq!(due_in_words(at, &tokyo, lang), words);
    }
    let berlin = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    assert!(due_in_words(at, &berlin, Lang::En).ends_with("09:00 (Europe/Berlin)"));
}
