//! What people do in LINE. Each returns when LINE has called the desk once.

use crate::FakeLine;
use crate::state::{Content, Person};
use serde_json::{Value, json};

impl FakeLine {
    /// A person's id; the person is a friend of the account from now on.
    pub fn person(&self, name: &str) -> String {
        let id = Self::user_id(name);
        self.with(|state| {
            state
                .people
                .entry(id.clone())
                .or_insert_with(Person::default);
        });
        id
    }

    /// An event of a person, complete but for what `more` says.
    pub fn event(&self, name: &str, kind: &str, can_be_answered: bool, more: Value) -> Value {
        let user = self.person(name);
        let mut event = self.with(|state| {
            let mut event = json!({
                "type": kind, "mode": "active", "timestamp": state.now().as_millisecond(),
                "webhookEventId": state.event_id(), "deliveryContext": {"isRedelivery": false},
                "source": {"type": "user", "userId": user},
            });
            if can_be_answered {
                event["replyToken"] = Value::String(state.reply_token(&user));
            }
            event
        });
        for (key, value) in more.as_object().unwrap() {
            event[key] = value.clone();
        }
        event
    }

    /// A message event with this content; its id is in `message.id`.
    pub fn message_event(&self, name: &str, mut content: Value) -> Value {
        let user = self.person(name);
        let id = self.with(|state| {
            let id = state.message_id();
            state.last_in_chat.insert(user, id.clone());
            id
        });
        content["id"] = json!(id);
        if matches!(
            content["type"].as_str(),
            Some("text" | "image" | "video" | "sticker")
        ) {
            content["quoteToken"] = json!(format!("quote-{id}"));
        }
        self.event(name, "message", true, json!({ "message": content }))
    }

    async fn message(&self, name: &str, content: Value) -> String {
        let event = self.message_event(name, content);
        let id = event["message"]["id"].as_str().unwrap().to_owned();
        self.emit(vec![event]).await;
        id
    }

    /// Somebody writes. Returns the message's id.
    pub async fn say(&self, name: &str, text: &str) -> String {
        self.message(name, json!({"type": "text", "text": text}))
            .await
    }

    /// Somebody writes and quotes an earlier message.
    pub async fn say_quoting(&self, name: &str, quoted: &str, text: &str) -> String {
        self.message(
            name,
            json!({"type": "text", "text": text, "quotedMessageId": quoted}),
        )
        .await
    }

    /// Somebody sends pictures, several as one set.
    pub async fn send_pictures(&self, name: &str, pictures: &[&[u8]]) -> Vec<String> {
        let set = self.with(|state| format!("set-{}", state.next()));
        let mut events = Vec::new();
        let mut ids = Vec::new();
        for (at, picture) in pictures.iter().enumerate() {
            let mut content = json!({"type": "image", "contentProvider": {"type": "line"}});
            if pictures.len() > 1 {
                content["imageSet"] = json!({"id": set, "index": at + 1, "total": pictures.len()});
            }
            let event = self.message_event(name, content);
            let id = event["message"]["id"].as_str().unwrap().to_owned();
            self.keep(&id, Content::Ready(picture.to_vec(), "image/jpeg"));
            ids.push(id);
            events.push(event);
        }
        self.emit(events).await;
        ids
    }

    /// Somebody sends a file.
    pub async fn send_file(&self, name: &str, file_name: &str, bytes: &[u8]) -> String {
        let event = self.message_event(
            name,
            json!({"type": "file", "fileName": file_name, "fileSize": bytes.len()}),
        );
        let id = event["message"]["id"].as_str().unwrap().to_owned();
        self.keep(
            &id,
            Content::Ready(bytes.to_vec(), "application/octet-stream"),
        );
        self.emit(vec![event]).await;
        id
    }

    /// Somebody speaks a message, which LINE converts for the first `converting` askings.
    pub async fn speak(&self, name: &str, bytes: &[u8], converting: usize) -> String {
        let content =
            json!({"type": "audio", "duration": 4_200, "contentProvider": {"type": "line"}});
        let event = self.message_event(name, content);
        let id = event["message"]["id"].as_str().unwrap().to_owned();
        let kept = match converting {
            0 => Content::Ready(bytes.to_vec(), "audio/x-m4a"),
            times => Content::Converting(times, bytes.to_vec(), "audio/x-m4a"),
        };
        self.keep(&id, kept);
        self.emit(vec![event]).await;
        id
    }

    /// Somebody sends a sticker.
    pub async fn send_sticker(&self, name: &str) -> String {
        let content = json!({"type": "sticker", "packageId": "446", "stickerId": "1988", "stickerResourceType": "STATIC", "keywords": ["thanks"]});
        self.message(name, content).await
    }

    /// Somebody sends a place.
    pub async fn send_place(&self, name: &str, address: &str) -> String {
        let content = json!({"type": "location", "title": "here", "address": address, "latitude": 35.0, "longitude": 139.5});
        self.message(name, content).await
    }

    /// Somebody presses a button on a message that was sent to them.
    ///
    /// # Panics
    /// There is no such button, or it is a quick reply and the chat has gone on since.
    pub async fn press(&self, name: &str, message: &str, key: &str) {
        let user = Self::user_id(name);
        let pressed = self.with(|state| {
            let sent = state
                .sent
                .iter()
                .find(|sent| sent.id == message && sent.to == user);
            let button = sent
                .unwrap_or_else(|| panic!("no message {message} was sent to {name}"))
                .buttons
                .iter()
                .find(|button| button.key == key)
                .unwrap_or_else(|| panic!("message {message} has no button {key}"));
            let last = state.last_in_chat.get(&user).map(String::as_str);
            assert!(
                !button.quick || last == Some(message),
                "the quick replies of {message} are gone: the chat went on"
            );
            let id = state.message_id();
            state.last_in_chat.insert(user, id.clone()); // the display text stands in the chat now
            key.to_owned()
        });
        let event = self.event(
            name,
            "postback",
            true,
            json!({"postback": {"data": pressed}}),
        );
        self.emit(vec![event]).await;
    }

    /// Somebody takes a message back: its file is gone too.
    pub async fn unsend(&self, name: &str, message: &str) {
        self.keep(message, Content::Gone);
        let event = self.event(
            name,
            "unsend",
            false,
            json!({"unsend": {"messageId": message}}),
        );
        self.emit(vec![event]).await;
    }

    /// Somebody adds the account as a friend, or unblocks it.
    pub async fn follow(&self, name: &str) {
        let user = self.person(name);
        let was_blocked =
            self.with(|state| std::mem::take(&mut state.people.get_mut(&user).unwrap().blocked));
        let event = self.event(
            name,
            "follow",
            true,
            json!({"follow": {"isUnblocked": was_blocked}}),
        );
        self.emit(vec![event]).await;
    }

    /// Somebody blocks the account.
    pub async fn unfollow(&self, name: &str) {
        let user = self.person(name);
        self.with(|state| state.people.get_mut(&user).unwrap().blocked = true);
        let event = self.event(name, "unfollow", false, json!({}));
        self.emit(vec![event]).await;
    }

    /// Somebody writes in a group the account was invited to.
    pub async fn say_in_group(&self, name: &str, text: &str) {
        let mut event = self.message_event(name, json!({"type": "text", "text": text}));
        event["source"] = json!({"type": "group", "groupId": format!("C{}", crate::state::hex("group")), "userId": Self::user_id(name)});
        self.emit(vec![event]).await;
    }

    /// Sets what LINE has of a message's file.
    pub fn keep(&self, message: &str, content: Content) {
        self.with(|state| state.contents.insert(message.to_owned(), content));
    }
}
