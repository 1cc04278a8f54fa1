//! What people do: write, press, edit, send files, block.

use crate::state::{Bot, Kept, Person, now};
use crate::{FakeTelegram, schema};
use serde_json::{Value, json};

/// Pictures of a photo are kept in these sizes.
const SIZES: [(i64, i64, &str); 3] = [(90, 60, "s"), (1280, 853, "y"), (320, 213, "m")];

/// What a message of a person is made of, text aside.
#[derive(Debug, Clone)]
pub enum Contents {
    /// A picture, with what it shows in its largest size.
    Photo(Vec<u8>),
    /// A file: name, media type, contents.
    Document(String, String, Vec<u8>),
    /// A voice note.
    Voice(Vec<u8>),
    /// A sticker.
    Sticker(Vec<u8>),
    /// Anything else: name and value of the field.
    Other(String, Value),
}

impl FakeTelegram {
    /// Makes someone known, with a name and the language of their program. Others are made known when they first act.
    pub fn person(&self, id: i64, first_name: &str, language: Option<&str>) {
        self.with(|bot| {
            let person = bot.known(id);
            person.first_name = first_name.into();
            person.language = language.map(ToOwned::to_owned);
        });
    }

    /// Someone writes. The number of the message.
    pub fn say(&self, person: i64, text: &str) -> i64 {
        self.say_with(person, text_fields(text))
    }

    /// Someone writes in answer to a message.
    pub fn reply(&self, person: i64, to: i64, text: &str) -> i64 {
        let original = self.with(|bot| bot.messages[&(person, to)].clone());
        let mut fields = text_fields(text);
        fields["reply_to_message"] = original;
        self.say_with(person, fields)
    }

    /// Someone sends a message with any fields.
    pub fn say_with(&self, person: i64, fields: Value) -> i64 {
        self.happen("message", |bot| {
            bot.known(person).started = true;
            let message_id = bot.number_message();
            let mut message = json!({
                "message_id": message_id, "date": now(), "from": bot.user(person), "chat": bot.chat(person),
            });
            merge(&mut message, fields);
            bot.messages.insert((person, message_id), message.clone());
            (message_id, message)
        })
    }

    /// Someone sends something, with a caption where it can have one.
    pub fn send(&self, person: i64, contents: Contents, caption: Option<&str>) -> i64 {
        let fields = self.with(|bot| bot.fields(contents, caption));
        self.say_with(person, fields)
    }

    /// Someone sends several things as one album; the caption stands under the first.
    pub fn album(&self, person: i64, contents: Vec<Contents>, caption: &str) -> Vec<i64> {
        let group = self.with(|bot| format!("1370{}", bot.next_message));
        let mut ids = Vec::new();
        for (index, contents) in contents.into_iter().enumerate() {
            let caption = Some(caption).filter(|_| index == 0);
            let mut fields = self.with(|bot| bot.fields(contents, caption));
            fields["media_group_id"] = json!(group);
            ids.push(self.say_with(person, fields));
        }
        ids
    }

    /// Someone changes a message.
    pub fn edit(&self, person: i64, message_id: i64, text: &str) {
        self.happen("edited_message", |bot| {
            let message = bot
                .messages
                .get_mut(&(person, message_id))
                .expect("a message");
            message["edit_date"] = json!(now());
            merge(message, text_fields(text));
            ((), message.clone())
        });
    }

    /// Someone presses a button under a message of the bot. The number of the press.
    ///
    /// # Panics
    /// When there is no such button.
    pub fn press(&self, person: i64, message_id: i64, key: &str) -> String {
        self.happen("callback_query", |bot| {
            let message = bot.messages[&(person, message_id)].clone();
            let rows = message["reply_markup"]["inline_keyboard"].as_array();
            let buttons = rows.into_iter().flatten().filter_map(Value::as_array).flatten();
            let there = buttons.into_iter().any(|button| button["callback_data"] == json!(key));
            assert!(there, "no button {key} under message {message_id}");
            let query = format!("4382{:04}", bot.queries.len() + 1);
            bot.queries.insert(query.clone(), false);
            let body = json!({
                "id": query, "from": bot.user(person), "message": message, "chat_instance": format!("-{person}"),
                "data": key,
            });
            (query, body)
        })
    }

    /// Someone blocks the bot.
    pub fn block(&self, person: i64) {
        self.member(person, true);
    }

    /// Someone lets the bot in again.
    pub fn unblock(&self, person: i64) {
        self.member(person, false);
    }

    fn member(&self, person: i64, blocked: bool) {
        self.happen("my_chat_member", |bot| {
            bot.known(person).blocked = blocked;
            let me = bot.me();
            let status = |blocked: bool| match blocked {
                true => json!({"status": "kicked", "user": me, "until_date": 0}),
                false => json!({"status": "member", "user": me}),
            };
            let body = json!({
                "chat": bot.chat(person), "from": bot.user(person), "date": now(),
                "old_chat_member": status(!blocked), "new_chat_member": status(blocked),
            });
            ((), body)
        });
    }

    /// Someone writes in a group the bot is in.
    pub fn say_in_group(&self, person: i64, text: &str) -> i64 {
        self.happen("message", |bot| {
            let message_id = bot.number_message();
            let mut message = json!({
                "message_id": message_id, "date": now(), "from": bot.user(person),
                "chat": {"id": -1_001_000_000_000_i64, "type": "supergroup", "title": "A group"},
            });
            merge(&mut message, text_fields(text));
            (message_id, message)
        })
    }

    /// The server hands out an update of any form, without checks.
    pub fn push_raw(&self, kind: &str, body: Value) {
        self.with(|bot| bot.enqueue(kind, body));
        self.shared.wake();
    }

    /// The server forgets all files.
    pub fn forget_files(&self) {
        self.with(|bot| bot.files.values_mut().for_each(|file| file.gone = true));
    }

    /// The server tells another size for all files than they have.
    pub fn tell_size(&self, size: usize) {
        self.with(|bot| bot.files.values_mut().for_each(|file| file.told = size));
    }

    fn happen<T>(&self, kind: &str, act: impl FnOnce(&mut Bot) -> (T, Value)) -> T {
        let mut world = self.shared.world();
        let bot = world.bots.get_mut(&self.token).expect("a bot");
        let (what, body) = act(bot);
        let update = bot.enqueue(kind, body);
        let wrong = update.map(|update| schema::update(&update));
        world.violations.extend(wrong.unwrap_or_default());
        drop(world);
        self.shared.wake();
        what
    }
}

impl Bot {
    fn known(&mut self, id: i64) -> &mut Person {
        self.people.entry(id).or_insert_with(|| Person {
            id,
            first_name: format!("Person {id}"),
            language: None,
            started: false,
            blocked: false,
        })
    }

    fn user(&mut self, id: i64) -> Value {
        let person = self.known(id);
        let mut user = json!({"id": person.id, "is_bot": false, "first_name": person.first_name});
        if let Some(language) = &person.language {
            user["language_code"] = json!(language);
        }
        user
    }

    fn chat(&mut self, id: i64) -> Value {
        json!({"id": id, "type": "private", "first_name": self.known(id).first_name})
    }

    fn fields(&mut self, contents: Contents, caption: Option<&str>) -> Value {
        let mut fields = match contents {
            Contents::Photo(bytes) => {
                let size = |(width, height, name): (i64, i64, &str)| {
                    let bytes = match name {
                        "y" => bytes.clone(),
                        _ => b"thumbnail".to_vec(),
                    };
                    let mut size = self.keep("photos", "jpg", bytes);
                    size["width"] = json!(width);
                    size["height"] = json!(height);
                    size
                };
                let sizes: Vec<Value> = SIZES.into_iter().map(size).collect();
                json!({"photo": sizes})
            }
            Contents::Document(name, kind, bytes) => {
                let mut file = self.keep("documents", "bin", bytes);
                file["file_name"] = json!(name);
                file["mime_type"] = json!(kind);
                json!({"document": file})
            }
            Contents::Voice(bytes) => {
                let mut file = self.keep("voice", "oga", bytes);
                file["duration"] = json!(12);
                file["mime_type"] = json!("audio/ogg");
                json!({"voice": file})
            }
            Contents::Sticker(bytes) => {
                let mut file = self.keep("stickers", "webp", bytes);
                let more = json!({
                    "type": "regular", "width": 512, "height": 512, "is_animated": false, "is_video": false,
                    "emoji": "👋",
                });
                merge(&mut file, more);
                json!({"sticker": file})
            }
            Contents::Other(field, value) => json!({field: value}),
        };
        if let Some(caption) = caption {
            fields["caption"] = json!(caption);
        }
        fields
    }

    fn keep(&mut self, folder: &str, ending: &str, bytes: Vec<u8>) -> Value {
        let number = self.files.len();
        let id = format!("AgAD-{number:04}");
        let size = bytes.len();
        let file = Kept {
            path: format!("{folder}/file_{number}.{ending}"),
            bytes,
            told: size,
            gone: false,
        };
        self.files.insert(id.clone(), file);
        json!({"file_id": id, "file_unique_id": format!("u-{id}"), "file_size": size})
    }
}

fn text_fields(text: &str) -> Value {
    let mut fields = json!({"text": text});
    if text.starts_with('/') {
        let word = text.split_whitespace().next().unwrap_or_default();
        let length = word.encode_utf16().count();
        fields["entities"] = json!([{"type": "bot_command", "offset": 0, "length": length}]);
    }
    fields
}

fn merge(into: &mut Value, more: Value) {
    if let (Some(into), Value::Object(more)) = (into.as_object_mut(), more) {
        into.extend(more);
    }
}
