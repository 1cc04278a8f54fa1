//! The index on knowledge of its own: what it must find, and what it must not.

use jiff::civil::date;
use madoguchi::domain::ids::EntryId;
use madoguchi::domain::language::Lang;
use madoguchi::faq::eval::{CorpusLine, QueryLine, evaluate_corpus, knowledge_of};
use madoguchi::faq::{Confirmed, Index, Knowledge, Question};

fn line(id: &str, lang: &str, question: &str, answer: &str) -> CorpusLine {
    CorpusLine {
        id: id.into(),
        lang: lang.into(),
        question: question.into(),
        answer: answer.into(),
        variants: Vec::new(),
    }
}

fn corpus() -> Vec<CorpusLine> {
    vec![
        line(
            "ja-fee",
            "ja",
            "手続きの手数料はいくらですか",
            "手数料はかかりません。",
        ),
        line(
            "ja-server",
            "ja",
            "サーバーに接続できません",
            "時間をおいて試してください。",
        ),
        line(
            "ja-visa",
            "ja",
            "医療滞在ビザの申請方法",
            "大使館で申請します。",
        ),
        line(
            "en-visa",
            "en",
            "How do I apply for the medical visa?",
            "Apply at the embassy.",
        ),
        line("zh-visa", "zh", "怎么申请医疗签证", "请在大使馆申请。"),
        line(
            "vi-report",
            "vi",
            "Nộp báo cáo hàng tháng như thế nào?",
            "Gửi qua thư điện tử.",
        ),
        line(
            "vi-fee",
            "vi",
            "Chi phí khám bệnh là bao nhiêu?",
            "Bệnh viện sẽ báo giá.",
        ),
    ]
}

fn top(index: &Index, lang: Lang, text: &str) -> Option<String> {
    index
        .search(&Question {
            text: text.into(),
            lang,
            desk: None,
            today: date(2026, 11, 20),
        })
        .first()
        .map(|h| h.entry.0.clone())
}

#[test]
fn spelling_variants_find_the_entry() {
    let index = Index::build(&knowledge_of(
        &corpus(),
        &Knowledge::load_embedded().knowledge,
    ))
    .expect("built");
    for (lang, text, id) in [
        (Lang::Ja, "手続の手数料", "ja-fee"),
        (Lang::Ja, "ｻｰﾊﾞにつながらない", "ja-server"),
        (Lang::En, "applying medical visas", "en-visa"),
        (Lang::En, "aply medcal viza", "en-visa"),
        (Lang::Zh, "醫療簽證怎麼申請", "zh-visa"),
        (Lang::Vi, "nop bao cao thang", "vi-report"),
    ] {
        assert_eq!(top(&index, lang, text).as_deref(), Some(id), "{text}");
    }
}

#[test]
fn nothing_in_common_means_no_hit() {
    let index = Index::build(&knowledge_of(
        &corpus(),
        &Knowledge::load_embedded().knowledge,
    ))
    .expect("built");
    for text in ["", "👍", "   ", "???", "zzzzqqqq"] {
        assert_eq!(top(&index, Lang::En, text), None, "{text}");
    }
}

#[test]
fn a_confirmed_question_becomes_a_phrasing_at_once() {
    let knowledge = knowledge_of(&corpus(), &Knowledge::default());
    let text = "ネットが不通で画面が真っ白";
    let before = Index::build(&knowledge).expect("built");
    assert_eq!(top(&before, Lang::Ja, text), None);
    let learned = [Confirmed {
        desk: None,
        entry: EntryId::from("ja-server"),
        lang: Lang::Ja,
        text: text.into(),
    }];
    let after = Index::build_with(&knowledge, &learned).expect("built");
    assert_eq!(top(&after, Lang::Ja, text).as_deref(), Some("ja-server"));
}

#[test]
fn greetings_around_a_question_change_nothing() {
    let base = Knowledge::load_embedded().knowledge;
    let index = Index::build(&knowledge_of(&corpus(), &base)).expect("built");
    let ask = |text: &str| {
        index.search(&Question {
            text: text.into(),
            lang: Lang::Ja,
            desk: None,
            today: date(2026, 11, 20),
        })
    };
    let plain = ask("手続きの手数料はいくらですか");
    let letter = ask(
        "いつもお世話になっております。\n手続きの手数料はいくらですか\nどうぞよろしくお願いいたします。",
    );
    assert_eq!(plain[0].entry, letter[0].entry);
    assert!((plain[0].confidence - letter[0].confidence).abs() < 1e-9);
}

#[test]
fn evaluation_gives_the_figures_of_the_contract() {
    let query = |id: &str, lang: &str, text: &str, relevant: &[&str]| QueryLine {
        id: id.into(),
        lang: lang.into(),
        text: text.into(),
        relevant: relevant.iter().map(|r| (*r).to_owned()).collect(),
        grades: Default::default(),
    };
    let queries = [
        query("1", "ja", "手続きの手数料はいくらですか", &["ja-fee"]),
        query(
            "2",
            "en",
            "How do I apply for the medical visa?",
            &["en-visa"],
        ),
        query("3", "en", "weather tomorrow", &[]),
    ];
    // Questions are asked side by side: each thread has a clock of its own.
    thread_local!(static TICKS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) });
    let clock = || TICKS.with(|ticks| ticks.replace(ticks.get() + 7));
    let base = Knowledge::load_embedded().knowledge;
    let report = evaluate_corpus(&corpus(), &[], &queries, &base, Some(0.5), &clock, &|_| {})
        .expect("evaluated");
    assert_eq!(report.overall.recall_1, Some(1.0));
    assert_eq!(report.overall.ndcg_10, Some(1.0));
    assert_eq!(report.overall.oos_recall, Some(1.0));
    assert_eq!(report.overall.p50_us, Some(7));
    assert_eq!(report.languages["en"].queries, 2);
    let json = serde_json::to_value(&report).expect("JSON");
    for key in [
        "recall@1",
        "recall@3",
        "recall@5",
        "mrr",
        "ndcg@10",
        "answered",
        "precision_answered",
        "coverage_at_precision_95",
        "oos_recall",
        "auroc",
        "ece",
        "p50_us",
        "p99_us",
    ] {
        assert!(json.get(key).is_some(), "{key}");
    }
}
