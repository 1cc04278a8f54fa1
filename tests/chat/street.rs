//! What a person does in a chat, whichever it is.

use async_trait::async_trait;
use madoguchi_fake_discord::{FakeDiscord, Person};
use madoguchi_fake_line::FakeLine;
use madoguchi_fake_telegram::FakeTelegram;

/// A message as the person sees it.
#[derive(Debug, Clone)]
pub struct Shown {
    pub id: String,
    pub text: String,
    pub keys: Vec<String>,
}

impl Shown {
    pub fn key(&self, begins: &str) -> &str {
        self.keys
            .iter()
            .find(|key| key.starts_with(begins))
            .unwrap_or_else(|| panic!("no button {begins} under {}: {:?}", self.text, self.keys))
    }
}

#[async_trait]
pub trait Street: Send + Sync {
    /// Kind of channel, and its settings as TOML lines. Secrets lie in files of `dir`.
    fn settings(&self, dir: &std::path::Path) -> String;
    /// Tells the service where the desk listens.
    fn point_to(&self, _port: u16) {}
    async fn say(&self, text: &str);
    async fn next(&self) -> Shown;
    async fn press(&self, under: &Shown, key: &str);
    /// Messages the person got.
    fn count(&self) -> usize;
    fn assert_clean(&self);
}

fn secret(dir: &std::path::Path, name: &str, value: &str) -> String {
    let file = dir.join(name);
    std::fs::write(&file, value).unwrap();
    format!("{name}_file = {file:?}\n")
}

pub struct Telegram(pub FakeTelegram, pub i64);

#[async_trait]
impl Street for Telegram {
    fn settings(&self, dir: &std::path::Path) -> String {
        format!(
            "kind = \"telegram\"\nbase_url = {:?}\npoll_seconds = 2\n{}",
            self.0.base_url(),
            secret(dir, "token", self.0.token())
        )
    }
    async fn say(&self, text: &str) {
        self.0.say(self.1, text);
    }
    async fn next(&self) -> Shown {
        let sent = self.0.next_sent(self.1).await;
        Shown {
            id: sent.message_id.to_string(),
            text: sent.text.clone(),
            keys: sent.keys().into_iter().map(str::to_owned).collect(),
        }
    }
    async fn press(&self, under: &Shown, key: &str) {
        self.0.press(self.1, under.id.parse().unwrap(), key);
    }
    fn count(&self) -> usize {
        self.0.sent_to(self.1).len()
    }
    fn assert_clean(&self) {
        self.0.assert_clean();
    }
}

pub struct Discord(pub FakeDiscord, pub Person);

#[async_trait]
impl Street for Discord {
    fn settings(&self, dir: &std::path::Path) -> String {
        format!(
            "kind = \"discord\"\nbase_url = {:?}\n{}",
            self.0.base_url(),
            secret(dir, "token", &self.0.token())
        )
    }
    async fn say(&self, text: &str) {
        // A first message to a bot that is away is noticed at the next one only.
        self.0.connected().await;
        self.0.say(&self.1, text);
    }
    async fn next(&self) -> Shown {
        let sent = self.0.next_sent(&self.1).await;
        Shown {
            id: sent.id,
            text: sent.text,
            keys: sent.choices.into_iter().map(|(key, _)| key).collect(),
        }
    }
    async fn press(&self, under: &Shown, key: &str) {
        // A button is heard only while the gateway listens.
        self.0.connected().await;
        let all = self.0.sent_to(&self.1);
        let sent = all.iter().find(|sent| sent.id == under.id).unwrap();
        self.0.press(&self.1, sent, key);
    }
    fn count(&self) -> usize {
        self.0.sent_to(&self.1).len()
    }
    fn assert_clean(&self) {
        self.0.assert_clean();
    }
}

pub struct Line(pub FakeLine);

/// The person who writes by LINE.
const WRITER: &str = "writer";

#[async_trait]
impl Street for Line {
    fn settings(&self, dir: &std::path::Path) -> String {
        format!(
            "kind = \"line\"\nbase_url = {0:?}\ndata_url = {0:?}\n{1}{2}",
            self.0.url(),
            secret(dir, "channel_secret", &self.0.channel_secret()),
            secret(dir, "access_token", self.0.access_token())
        )
    }
    fn point_to(&self, port: u16) {
        self.0
            .point_to(&format!("http://127.0.0.1:{port}/webhooks/line/chat"));
    }
    async fn say(&self, text: &str) {
        self.0.say(WRITER, text).await;
    }
    async fn next(&self) -> Shown {
        let sent = self.0.next_sent(WRITER).await;
        Shown {
            id: sent.id.clone(),
            text: sent.text.clone(),
            keys: sent
                .buttons
                .iter()
                .map(|button| button.key.clone())
                .collect(),
        }
    }
    async fn press(&self, under: &Shown, key: &str) {
        self.0.press(WRITER, &under.id, key).await;
    }
    fn count(&self) -> usize {
        self.0.sent_to(WRITER).len()
    }
    fn assert_clean(&self) {
        self.0.assert_clean();
    }
}
