//! Question, answer, not solved, ticket, staff's reply, follow-up, solved, mark: nothing lost, nothing twice. In one language of each
//! chat the desk is killed between the steps.

use crate::street::{Discord, Line, Shown, Street, Telegram};
use crate::support::TestDesk;
use madoguchi_fake_discord::FakeDiscord;
use madoguchi_fake_line::FakeLine;
use madoguchi_fake_telegram::FakeTelegram;
use tokio::task::block_in_place;

/// A question an entry answers, words of the answer, a follow-up no entry answers.
const LANGUAGES: [(&str, &str, &str, &str); 4] = [
    (
        "ja",
        "この窓口に相談するのは無料ですか",
        "出典",
        "火曜日に送った書類のことです。",
    ),
    (
        "en",
        "Is it free to ask this desk?",
        "Source",
        "It is about the papers I sent on Tuesday.",
    ),
    (
        "zh",
        "向这个窗口咨询免费吗？",
        "出处",
        "是关于我星期二寄出的那份材料。",
    ),
    (
        "vi",
        "Hỏi bàn hỗ trợ này có miễn phí không?",
        "Nguồn",
        "Về giấy tờ tôi gửi hôm thứ Ba.",
    ),
];

struct Scene<'a> {
    desk: TestDesk,
    street: &'a dyn Street,
    kill: bool,
}

impl Scene<'_> {
    /// Between two steps the desk dies and comes back.
    fn between(&mut self) {
        block_in_place(|| {
            self.desk.settle();
            if self.kill {
                self.desk.kill();
                self.desk.start();
            }
        });
    }

    async fn next(&self) -> Shown {
        self.street.next().await
    }
}

async fn drill(street: &dyn Street, lang: usize, kill: bool) {
    let (_, question, source, follow_up) = LANGUAGES[lang];
    let desk = TestDesk::new("");
    let settings = street.settings(desk.dir.path());
    desk.configure(&format!(
        "data_dir = {:?}\n[web]\nlisten = \"127.0.0.1:{}\"\n[[channel]]\nname = \"chat\"\ndesk = \"medical-travel\"\n{settings}",
        desk.data(),
        desk.port
    ));
    street.point_to(desk.port);
    let mut scene = Scene { desk, street, kill };
    block_in_place(|| scene.desk.start());
    let before = street.count();

    street.say(question).await;
    let answer = scene.next().await;
    assert!(answer.text.contains(source), "{}", answer.text);
    scene.between();

    street.press(&answer, answer.key("unsolved:")).await;
    let taken = scene.next().await;
    assert!(taken.text.contains("MD-000001"), "{}", taken.text);
    scene.between();

    block_in_place(|| {
        scene.desk.cli_ok(&[
            "ticket",
            "reply",
            "1",
            "A person writes here.",
            "--by",
            "agent-a",
        ]);
    });
    let reply = scene.next().await;
    assert!(
        reply.text.contains("A person writes here."),
        "{}",
        reply.text
    );
    scene.between();

    // The desk keeps quiet now, even where an entry would answer.
    street.say(follow_up).await;
    street.say(question).await;
    let shown = block_in_place(|| {
        crate::support::eventually("the follow-up joins the ticket", || {
            let shown = scene.desk.json(&["ticket", "show", "1"]).remove(0);
            let inbound = shown["articles"]
                .as_array()?
                .iter()
                .filter(|article| article["kind"] == "inbound")
                .count();
            (inbound >= 4).then_some(shown)
        })
    });
    assert_eq!(shown["ticket"]["state"], "open");
    block_in_place(|| {
        scene.desk.cli_ok(&[
            "ticket",
            "reply",
            "1",
            "And this settles it.",
            "--by",
            "agent-a",
        ]);
    });
    let last = scene.next().await;
    assert!(last.text.contains("And this settles it."), "{}", last.text);
    scene.between();

    street.press(&last, last.key("solved:")).await;
    let rate = scene.next().await;
    scene.between();
    street.press(&rate, rate.key("rate:MD-000001:4")).await;
    scene.next().await;
    scene.between();

    let shown = block_in_place(|| scene.desk.json(&["ticket", "show", "1"]).remove(0));
    assert_eq!(shown["ticket"]["state"], "closed", "{shown}");
    let text = shown.to_string();
    assert!(text.contains("\"mark\":4"), "{text}");
    // Question, not solved, staff, staff, solved, rated: six words of the desk, each once.
    assert_eq!(street.count() - before, 6);
    let summary = block_in_place(|| scene.desk.json(&["ledger", "--summary"]));
    assert_eq!(summary.last().unwrap()["balanced"], true, "{summary:?}");
    let tickets = block_in_place(|| scene.desk.json(&["ticket", "list", "--all"]).len());
    assert_eq!(tickets, 1);
    street.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn telegram() {
    for (lang, (tag, ..)) in LANGUAGES.iter().enumerate() {
        let fake = FakeTelegram::start().await;
        let person = 7_000 + lang as i64;
        fake.person(person, "Person", Some(tag));
        drill(&Telegram(fake, person), lang, lang == 3).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn discord() {
    for (lang, (tag, ..)) in LANGUAGES.iter().enumerate() {
        let fake = FakeDiscord::start().await;
        let person = fake.person("person", tag);
        drill(&Discord(fake, person), lang, lang == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn line() {
    for lang in 0..LANGUAGES.len() {
        drill(&Line(FakeLine::start().await), lang, lang == 2).await;
    }
}
