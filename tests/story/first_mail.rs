//! The main job: a question the knowledge covers is answered, everything else becomes a ticket.

use crate::support::TestDesk;
use crate::support::mail::Mail;

/// Nothing in the knowledge speaks of it.
pub const UNKNOWN: &str = "庁舎の前のバス停から駅へ行くバスは、土曜日は何時にありますか。";

/// The first phrasing of an entry of a desk, read from the knowledge itself.
pub fn phrasing(desk: &str, lang: &str, entry: &str) -> String {
    let file = crate::support::root().join(format!("knowledge/desks/{desk}/faq/{lang}/{entry}.md"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    text.lines()
        .skip_while(|line| !line.starts_with("questions:"))
        .nth(1)
        .unwrap()
        .trim()
        .trim_start_matches("- ")
        .trim_matches('"')
        .to_owned()
}

#[test]
fn a_question_from_the_knowledge_is_answered_with_its_source_in_the_same_thread() {
    let mut desk = TestDesk::new("");
    desk.start();
    let question = phrasing("keieiryoku", "ja", "change-application");
    desk.drop_mail(
        "q.eml",
        &Mail::new("q1@example.com", "質問", &question).bytes(),
    );
    let answer = desk.reply_to("q1@example.com");
    assert!(
        answer.body().contains("change-application"),
        "{}",
        answer.body()
    );
    assert!(
        answer.body().contains("MD-000001"),
        "the way to a person needs the number"
    );
    assert_eq!(answer.to(), "applicant@example.com");
    assert_eq!(answer.header("References"), "<q1@example.com>");
    assert_eq!(answer.header("Auto-Submitted"), "auto-replied");
    assert_eq!(answer.header("Content-Language"), "ja");
    assert!(
        answer.subject().starts_with("Re: 質問 [MD-000001 "),
        "{}",
        answer.subject()
    );
    desk.settle();
    let sums = desk.balanced_ledger();
    assert_eq!((&sums["answered"], &sums["stored"]), (&1.into(), &1.into()));
    assert!(
        desk.json(&["ticket", "list"]).is_empty(),
        "an answered inquiry is no work for staff"
    );
    assert!(desk.stop(), "SIGTERM ends it well");
}

#[test]
fn a_question_outside_the_knowledge_is_acknowledged_with_number_and_due_date() {
    let mut desk = TestDesk::new("");
    desk.start();
    desk.drop_mail(
        "bus.eml",
        &Mail::new("bus@example.com", "バスの時刻", UNKNOWN).bytes(),
    );
    let letter = desk.reply_to("bus@example.com");
    assert!(letter.body().contains("MD-000001"), "{}", letter.body());
    assert!(
        letter.body().contains("17:00"),
        "the due time in words: {}",
        letter.body()
    );
    desk.settle();
    let tickets = desk.json(&["ticket", "list"]);
    assert_eq!(tickets.len(), 1);
    assert_eq!(tickets[0]["number"], "MD-000001");
    assert_eq!(tickets[0]["state"], "new");
    assert!(
        tickets[0]["left"].as_str().unwrap().starts_with("answer: "),
        "{}",
        tickets[0]["left"]
    );
    let due = tickets[0]["clocks"]["first_response"]["due_at"]
        .as_str()
        .unwrap()
        .to_owned();
    let csv = desk.cli_ok(&["sla", "due", tickets[0]["received_at"].as_str().unwrap()]);
    let promised: jiff::Timestamp = csv
        .lines()
        .nth(1)
        .unwrap()
        .split(',')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(
        promised,
        due.parse::<jiff::Timestamp>().unwrap(),
        "one clock everywhere"
    );
}

#[test]
fn this_did_not_help_opens_the_ticket_from_the_first_arrival() {
    for (lang, desk_name, entry, words) in [
        (
            "ja",
            "keieiryoku",
            "change-application",
            "解決しませんでした。",
        ),
        (
            "en",
            "keieiryoku",
            "change-application",
            "This did not help.",
        ),
        ("zh", "guarantor", "contact-change", "没有解决。"),
        ("vi", "guarantor", "contact-change", "Chưa giải quyết được."),
    ] {
        let mut desk = TestDesk::new("");
        desk.start();
        let question = phrasing(desk_name, lang, entry);
        desk.drop_mail("q.eml", &Mail::new("q1@example.com", "", &question).bytes());
        let answer = desk.reply_to("q1@example.com");
        assert!(answer.body().contains(entry), "{lang}: {}", answer.body());
        let rejection = Mail::new(
            "q2@example.com",
            &format!("Re: {}", answer.subject()),
            words,
        )
        .answering(&answer)
        .bytes();
        desk.drop_mail("no.eml", &rejection);
        let promise = desk.reply_to("q2@example.com");
        assert!(
            promise.body().contains("MD-000001"),
            "{lang}: {}",
            promise.body()
        );
        desk.settle();
        let tickets = desk.json(&["ticket", "list"]);
        assert_eq!(tickets.len(), 1, "{lang}");
        assert_eq!(tickets[0]["state"], "open");
        assert!(
            tickets[0]["clocks"]["first_response"]["met_at"].is_null(),
            "a rejected answer is no first response"
        );
        let shown = &desk.json(&["ticket", "show", "1"])[0];
        let created = &shown["events"][0];
        assert_eq!(
            created["at"], tickets[0]["received_at"],
            "the clock runs from the first message"
        );
    }
}

#[test]
fn an_emergency_gets_the_emergency_guidance_and_a_staff_page_never_an_entry() {
    let mut desk = TestDesk::new("[desk.medical-travel]\nlead = \"staff@desk.example.jp\"\n");
    desk.start();
    for (i, words) in [
        "息ができません。胸が痛くて倒れそうです。助けてください。",
        "I can't breathe and I have severe chest pain, please help",
        "我喘不过气，胸口剧痛，救命",
        "Tôi không thở được, đau ngực dữ dội, cứu tôi với",
    ]
    .iter()
    .enumerate()
    {
        let id = format!("help{i}@example.org");
        let mail = Mail::new(&id, "", words).from("patient@example.org");
        let mail = mail.to("medical-travel@desk.example.jp");
        desk.drop_mail(&format!("help{i}.eml"), &mail.bytes());
        let guidance = desk.reply_to(&id);
        assert!(
            guidance.body().contains("119"),
            "{words}: {}",
            guidance.body()
        );
    }
    desk.settle();
    let pages = desk
        .sent_mail()
        .iter()
        .filter(|m| m.to() == "staff@desk.example.jp")
        .count();
    assert_eq!(pages, 4, "each emergency pages staff at once, at any hour");
    for ticket in desk.json(&["ticket", "list"]) {
        assert_eq!(ticket["priority"], "urgent");
        assert_eq!(ticket["queue"], "medical-travel-urgent");
    }
}

#[test]
fn a_leaked_member_number_is_urgent_and_told_what_to_do_at_once() {
    let mut desk = TestDesk::new("[desk.water-card]\nlead = \"staff@desk.example.jp\"\n");
    desk.start();
    let text = "会員番号が外部に漏れてしまったようです。不正利用されているかもしれません。";
    desk.drop_mail("w2.eml", &Mail::new("w2@example.com", "至急", text).bytes());
    let letter = desk.reply_to("w2@example.com");
    assert!(letter.body().contains("MD-000001"), "{}", letter.body());
    desk.settle();
    let tickets = desk.json(&["ticket", "list"]);
    assert_eq!(tickets[0]["queue"], "water-card-urgent");
    assert_eq!(tickets[0]["priority"], "urgent");
    assert_eq!(
        desk.sent_mail()
            .iter()
            .filter(|m| m.to() == "staff@desk.example.jp")
            .count(),
        1
    );
}
