//! Routing with the shipped rules: desk, queue, role and urgency by channel, address, words; Q1 and P7.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use madoguchi::domain::ids::DeskId;
use madoguchi::domain::language::Lang;
use madoguchi::domain::route::{DeskRules, RouteFacts, RouteHint, Router};
use madoguchi::domain::ticket::{Audience, Priority};
use madoguchi::faq::{Knowledge, port};

fn shipped() -> Router {
    port::router(&Knowledge::load_embedded().into_result().unwrap())
        .unwrap_or_else(|p| panic!("{p:?}"))
}

fn facts<'a>(subject: &'a str, text: &'a str, recipients: &'a [String]) -> RouteFacts<'a> {
    RouteFacts {
        channel_desk: None,
        recipients,
        subject,
        text,
        sender: "somebody@example.com",
        lang: Lang::Ja,
        known_agency: false,
        index_desk: None,
    }
}

#[test]
fn words_of_a_programme_and_recipient_addresses_find_the_desk_and_its_queue() {
    let router = shipped();
    for (text, desk, queue, audience, priority) in [
        (
            "経営力向上計画の変更申請について教えてください",
            "keieiryoku",
            "keieiryoku-general",
            Audience::Applicant,
            Priority::Normal,
        ),
        (
            "経営力向上計画の画面でエラーが出ます",
            "keieiryoku",
            "keieiryoku-technical",
            Audience::Applicant,
            Priority::Normal,
        ),
        (
            "I want treatment in a hospital in Japan, please give an estimate",
            "medical-travel",
            "medical-travel-hospitals",
            Audience::Patient,
            Priority::Normal,
        ),
        (
            "Tôi muốn chữa bệnh ở bệnh viện Nhật Bản",
            "medical-travel",
            "medical-travel-general",
            Audience::Patient,
            Priority::Normal,
        ),
        (
            "身元保証機関の月次報告はいつまでですか",
            "guarantor",
            "guarantor-reports",
            Audience::Agency,
            Priority::Normal,
        ),
        (
            "身元保证机构怎么提交月度报告",
            "guarantor",
            "guarantor-reports",
            Audience::Agency,
            Priority::Normal,
        ),
        (
            "会員番号が漏れたようです",
            "water-card",
            "water-card-urgent",
            Audience::Payer,
            Priority::Urgent,
        ),
        (
            "再委託の割合に上限はありますか",
            "procurement",
            "procurement-contract",
            Audience::Bidder,
            Priority::Normal,
        ),
    ] {
        let route = router.route(&facts("", text, &[]));
        assert_eq!(
            (
                route.desk.as_str(),
                route.queue.as_str(),
                route.audience,
                route.priority
            ),
            (desk, queue, audience, priority),
            "{text}: {}",
            route.why
        );
    }
    let to = ["guarantor+md-000001.abc@desk.example.jp".to_owned()];
    assert_eq!(
        router.route(&facts("", "こんにちは", &to)).desk.as_str(),
        "guarantor"
    );
    let bound = RouteFacts {
        channel_desk: Some(DeskId::from("water-card")),
        ..facts("", "身元保証機関です", &[])
    };
    assert_eq!(
        router.route(&bound).desk.as_str(),
        "water-card",
        "a bound channel outranks words"
    );
}

#[test]
fn ordinary_questions_about_leaks_are_no_incident() {
    let router = shipped();
    for text in [
        "情報漏えいが起きたときの連絡先を教えてください。再委託先も同じですか。",
        "会員番号の通知はいつ届きますか",
    ] {
        assert_eq!(
            router.route(&facts("", text, &[])).priority,
            Priority::Normal,
            "{text}"
        );
    }
}

#[test]
fn a_wrong_subject_gets_the_right_one_and_the_right_one_gets_no_hint() {
    let router = shipped();
    let text = "今回の公募の応募資格について質問です。大学でも応募できますか。";
    let wrong = router.route(&facts("質問", text, &[]));
    assert_eq!(wrong.desk.as_str(), "procurement");
    let Some(RouteHint::WrongSubject { right_subject }) = wrong.hint else {
        panic!("no hint")
    };
    let reply = format!("Re: {right_subject}");
    assert_eq!(router.route(&facts(&reply, text, &[])).hint, None);
}

#[test]
fn the_recipient_is_looked_up_by_business_and_prefecture() {
    let router = shipped();
    let ship = router.route(&facts(
        "",
        "経営力向上計画は兵庫県の倉庫業ですがどこに出しますか",
        &[],
    ));
    assert_eq!(ship.lookup.as_ref().unwrap().recipient, "神戸運輸管理部長");
    assert!(!ship.staff_only());
    let elsewhere = router.route(&facts(
        "",
        "経営力向上計画は大阪の倉庫業ですがどこに出しますか",
        &[],
    ));
    assert!(elsewhere.staff_only(), "{elsewhere:?}");
    assert_eq!(
        router.lookup("shipbuilding", "兵庫県").unwrap().recipient,
        "神戸運輸管理部長"
    );
}

#[test]
fn a_wrong_rule_is_refused_with_file_line_and_what_there_is() {
    let rules = DeskRules {
        id: "a",
        default_queue: "a-general",
        queues: vec!["a-general".to_owned()],
        routes: "audience = \"payer\"\n\n[[rule]]\nname = \"x\"\ntext = '(['\nqueue = \"a-nowhere\"\n",
        lookup: None,
    };
    let problems = Router::compile("default_desk = \"b\"", &[rules]).unwrap_err();
    let shown: Vec<String> = problems
        .iter()
        .map(|p| format!("{}:{} {}", p.file, p.line, p.message))
        .collect();
    assert_eq!(problems.len(), 3, "{shown:?}");
    assert!(
        shown
            .iter()
            .any(|p| p.starts_with("desks/a/routes.toml:5 ")),
        "{shown:?}"
    );
    assert!(
        shown
            .iter()
            .any(|p| p.starts_with("desks/a/routes.toml:6 ") && p.contains("a-general")),
        "{shown:?}"
    );
}
