//! What persons do: write, edit, remove, command, press, fill in.

use crate::FakeDiscord;
use crate::json as write;
use crate::state::{Interaction, Known, Sent, State, Stored};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Account id.
    pub id: u64,
    /// Display name.
    pub name: String,
    /// Language of the program (`ja`, `en-GB`).
    pub locale: String,
}

impl Person {
    /// The account as the desk addresses it.
    pub fn address(&self) -> String {
        self.id.to_string()
    }
}

/// Where something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the conversation with the bot.
    Alone,
    /// In a channel of a server, where others read along.
    Server,
}

/// A file to send along.
#[derive(Debug, Clone)]
pub struct File {
    /// File name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Contents.
    pub bytes: Vec<u8>,
}

/// A message beyond plain text; the rest is as the server would fill it in.
#[derive(Debug, Clone, Default)]
pub struct Saying {
    /// Text.
    pub text: String,
    /// Files.
    pub files: Vec<File>,
    /// Further fields of the message, written over those of an ordinary one.
    pub fields: Value,
}

/// An interaction that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its id.
    pub id: u64,
    /// Its token.
    pub token: String,
}

impl FakeDiscord {
    /// A new person.
    pub fn person(&self, name: &str, locale: &str) -> Person {
        let mut state = self.state();
        let person = Person {
            id: state.new_id(),
            name: name.into(),
            locale: locale.into(),
        };
        let known = Known {
            person: person.clone(),
            blocked: false,
            handed: 0,
            sent: Vec::new(),
        };
        state.people.insert(person.id, known);
        person
    }

    /// Says something in the conversation with the bot; returns `<conversation>/<message>`.
    pub fn say(&self, person: &Person, text: &str) -> String {
        let saying = Saying {
            text: text.into(),
            ..Saying::default()
        };
        self.say_with(person, saying)
    }

    /// The same with files and whatever else a message can have.
    pub fn say_with(&self, person: &Person, saying: Saying) -> String {
        let mut state = self.state();
        let channel = state.conversation(person.id);
        let id = state.new_id();
        let mut message = write::message(id, channel, write::user(person), &saying.text);
        let mut attachments = Vec::new();
        for file in saying.files {
            let file_id = state.new_id();
            let path = format!("/attachments/{channel}/{file_id}/{}", file_id % 1000);
            attachments.push(json!({
                "id": file_id.to_string(), "filename": file.name, "size": file.bytes.len(), "content_type": file.media_type,
                "proxy_url": format!("http://{}{path}", state.address), "url": "",
            }));
            let stored = Stored {
                bytes: file.bytes,
                media_type: file.media_type,
                gone: false,
            };
            state.files.insert(path, stored);
        }
        message["attachments"] = json!(attachments);
        for (field, value) in saying.fields.as_object().into_iter().flatten() {
            message[field] = value.clone();
        }
        let message = write::with_files(&state, &message);
        self.checked(&mut state, "MessageResponse", &message);
        let conversation = state.conversations.get_mut(&channel).unwrap();
        conversation.messages.insert(id, message.clone());
        state.dispatch("MESSAGE_CREATE", &message);
        drop(state);
        self.inner.tell();
        format!("{channel}/{id}")
    }

    /// A message that was there before anybody listened.
    pub fn insert_old(&self, person: &Person, id: u64, text: &str) {
        let mut state = self.state();
        let channel = state.conversation(person.id);
        let message = write::message(id, channel, write::user(person), text);
        let conversation = state.conversations.get_mut(&channel).unwrap();
        conversation.messages.insert(id, message);
    }

    /// The server's own events are checked like its answers.
    fn checked(&self, state: &mut State, name: &str, value: &Value) {
        for wrong in self.inner.schemas.object(name, value) {
            state.violation(format!("the fake's {name}: {wrong}"));
        }
    }

    /// Changes a message.
    pub fn edit(&self, message: &str, text: &str) {
        self.update(message, |message| {
            message["content"] = json!(text);
            message["edited_timestamp"] = json!(write::now());
        });
    }

    /// Something else about a message changes: a preview of a link is added, it is pinned.
    pub fn update(&self, message: &str, change: impl FnOnce(&mut Value)) {
        let mut state = self.state();
        let (channel, id) = split(message);
        let conversation = state
            .conversations
            .get_mut(&channel)
            .expect("the conversation");
        let message = conversation.messages.get_mut(&id).expect("the message");
        change(message);
        let message = message.clone();
        state.dispatch("MESSAGE_UPDATE", &message);
    }

    /// Takes a message back.
    pub fn delete(&self, message: &str) {
        let mut state = self.state();
        let (channel, id) = split(message);
        let conversation = state
            .conversations
            .get_mut(&channel)
            .expect("the conversation");
        conversation.messages.remove(&id).expect("the message");
        let event = json!({"id": id.to_string(), "channel_id": channel.to_string()});
        state.dispatch("MESSAGE_DELETE", &event);
    }

    /// Tells the gateway something, as it is.
    pub fn tell_gateway(&self, event: &str, data: &Value) {
        self.state().dispatch(event, data);
    }

    /// Uses a slash command.
    pub fn command(&self, person: &Person, place: Place, name: &str, text: Option<&str>) -> Asked {
        let options: Vec<Value> = text
            .map(|text| json!({"type": 3, "name": "text", "value": text}))
            .into_iter()
            .collect();
        let mut state = self.state();
        let id = state.new_id();
        let data = json!({"id": id.to_string(), "name": name, "type": 1, "options": options});
        self.interact(&mut state, person, place, 2, data, None)
    }

    /// Presses a button, or chooses in a list, under a message of the bot.
    ///
    /// # Panics
    /// When the message is not there or has no such choice.
    pub fn press(&self, person: &Person, under: &Sent, key: &str) -> Asked {
        let mut state = self.state();
        let (channel, id) = split(&under.id);
        let in_history = state
            .conversations
            .get(&channel)
            .and_then(|c| c.messages.get(&id));
        let answers = state
            .interactions
            .values()
            .find_map(|asked| asked.messages.get(&id));
        let message = in_history
            .or(answers)
            .expect("the message under the button")
            .clone();
        let shown = write::sent(&message, under.way);
        assert!(
            shown.choices.iter().any(|(known, _)| known == key),
            "no choice {key:?} under the message: {:?}",
            shown.choices
        );
        let listed = message["components"]
            .as_array()
            .into_iter()
            .flatten()
            .find_map(|row| {
                let list = &row["components"][0];
                let options = list["options"].as_array()?;
                options
                    .iter()
                    .any(|option| option["value"] == key)
                    .then(|| list["custom_id"].clone())
            });
        let data = match listed {
            Some(list) => json!({"custom_id": list, "component_type": 3, "values": [key]}),
            None => json!({"custom_id": key, "component_type": 2}),
        };
        let place = if state.conversations.contains_key(&channel) {
            Place::Alone
        } else {
            Place::Server
        };
        self.interact(&mut state, person, place, 3, data, Some(message))
    }

    /// Fills in the form the bot opened and submits it.
    ///
    /// # Panics
    /// When no form was opened.
    pub fn fill_in(&self, person: &Person, asked: &Asked, text: &str) -> Asked {
        let mut state = self.state();
        let interaction = &state.interactions[&asked.token];
        let form = interaction.form.clone().expect("a form");
        let place = if interaction.public {
            Place::Server
        } else {
            Place::Alone
        };
        let field = &form["components"][0]["components"][0]["custom_id"];
        let data = json!({
            "custom_id": form["custom_id"],
            "components": [{"type": 1, "id": 1, "components": [{"type": 4, "id": 2, "custom_id": field, "value": text}]}],
        });
        self.interact(&mut state, person, place, 5, data, None)
    }

    fn interact(
        &self,
        state: &mut State,
        person: &Person,
        place: Place,
        kind: u64,
        data: Value,
        message: Option<Value>,
    ) -> Asked {
        let id = state.new_id();
        let token = format!("aW50ZXJhY3Rpb24{id}-{}", state.new_id());
        let alone = place == Place::Alone;
        let channel = if alone {
            state.conversation(person.id)
        } else {
            state.guild_channel
        };
        let mut event = json!({
            "id": id.to_string(), "application_id": state.application.to_string(), "type": kind, "data": data, "token": token,
            "version": 1, "channel_id": channel.to_string(), "app_permissions": "0", "locale": person.locale, "entitlements": [],
            "authorizing_integration_owners": {}, "context": u8::from(alone), "attachment_size_limit": 10_485_760,
            "channel": {"id": channel.to_string(), "type": u8::from(alone), "name": (!alone).then_some("general")},
        });
        if alone {
            event["user"] = write::user(person);
        } else {
            event["guild_id"] = json!(state.guild.to_string());
            event["guild_locale"] = json!("en-US");
            event["member"] = json!({
                "user": write::user(person), "roles": [], "joined_at": write::now(), "deaf": false, "mute": false, "flags": 0,
                "permissions": "0", "nick": null, "avatar": null, "premium_since": null, "pending": false,
                "communication_disabled_until": null, "unusual_dm_activity_until": null,
            });
        }
        if let Some(message) = message {
            event["message"] = message;
        }
        let interaction = Interaction {
            kind,
            id,
            user: person.id,
            channel,
            public: !alone,
            began: Instant::now(),
            answered: None,
            original: None,
            messages: BTreeMap::new(),
            form: None,
            over: false,
        };
        state.interactions.insert(token.clone(), interaction);
        state.dispatch("INTERACTION_CREATE", &event);
        Asked { id, token }
    }
}

fn split(message: &str) -> (u64, u64) {
    let (channel, id) = message.split_once('/').expect("<conversation>/<message>");
    (channel.parse().unwrap(), id.parse().unwrap())
}
