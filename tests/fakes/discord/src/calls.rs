//! What each request does.

use crate::rest::{Answer, malformed, refusal};
use crate::state::{Interaction, Sent, State, Way};
use crate::{Inner, json as write, rules};
use serde_json::{Value, json};
use std::time::Duration;

/// An interaction has to be answered within this time.
const THREE_SECONDS: Duration = Duration::from_secs(3);

pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) signed: bool,
    pub(crate) body: &'a Value,
}

impl Call<'_> {
    pub(crate) fn carry_out(&self, state: &mut State, inner: &Inner) -> Answer {
        let Some(path) = self.path.strip_prefix("/api/v10/") else {
            state.violation(format!("{}: another version of the interface", self.path));
            return refusal(404, 0, "404: Not Found");
        };
        let parts: Vec<&str> = path.split('/').collect();
        let (template, answer): (String, Answer) = match (self.method, parts.as_slice()) {
            ("GET", ["users", "@me"]) => self.signed(path, || (200, write::me(state))),
            ("GET", ["oauth2", "applications", "@me"]) => {
                self.signed(path, || (200, write::application(state)))
            }
            ("GET", ["gateway", "bot"]) => self.signed(path, || {
                let limit = json!({"total": 1000, "remaining": 999, "reset_after": 1000, "max_concurrency": 1});
                let url = format!("ws://{}", state.address);
                (200, json!({"url": url, "shards": 1, "session_start_limit": limit}))
            }),
            ("POST", ["users", "@me", "channels"]) => self.signed(path, || self.open(state)),
            (method, ["applications", id, "commands"]) => {
                let own = *id == state.application.to_string();
                self.signed("applications/{application_id}/commands", || match (own, method) {
                    (false, _) => refusal(403, 20012, "You are not authorized to perform this action"),
                    (_, "GET") => (200, json!(state.commands)),
                    _ => self.set_commands(state),
                })
            }
            (method, ["channels", channel, "messages"]) => {
                let channel = channel.parse().unwrap_or_default();
                self.signed("channels/{channel_id}/messages", || match method {
                    "POST" => self.post(state, channel),
                    _ => self.page(state, channel),
                })
            }
            ("GET", ["channels", channel, "messages", message]) => {
                let (channel, message) = (number(channel), number(message));
                self.signed("channels/{channel_id}/messages/{message_id}", || {
                    let found = state.conversations.get(&channel).and_then(|c| c.messages.get(&message));
                    match found {
                        Some(message) => (200, write::with_files(state, message)),
                        None => refusal(404, 10008, "Unknown Message"),
                    }
                })
            }
            ("POST", ["channels", channel, "typing"]) => {
                let channel = number(channel);
                self.signed("channels/{channel_id}/typing", || match state.conversations.get(&channel) {
                    Some(conversation) => {
                        *state.typing.entry(conversation.user).or_default() += 1;
                        (204, Value::Null)
                    }
                    None => refusal(404, 10003, "Unknown Channel"),
                })
            }
            ("POST", ["interactions", id, token, "callback"]) => (
                "interactions/{interaction_id}/{interaction_token}/callback".into(),
                self.first_answer(state, number(id), token),
            ),
            (method, ["webhooks", application, token, rest @ ..]) => {
                let template = match rest {
                    [] => "webhooks/{webhook_id}/{webhook_token}",
                    _ => "webhooks/{webhook_id}/{webhook_token}/messages/@original",
                };
                let own = *application == state.application.to_string();
                let answer = match (method, rest) {
                    _ if !own => refusal(404, 10015, "Unknown Webhook"),
                    ("POST", []) => self.follow_up(state, token),
                    ("GET" | "PATCH", ["messages", "@original"]) => self.original(state, token),
                    _ => refusal(405, 0, "405: Method Not Allowed"),
                };
                (template.into(), answer)
            }
            _ => {
                state.violation(format!("{} {}: no such request", self.method, self.path));
                return refusal(404, 0, "404: Not Found");
            }
        };
        let template = format!("/{template}");
        let line = format!("{} {template}", self.method);
        for wrong in inner.schemas.request(self.method, &template, self.body) {
            state.violation(format!("{line}: {wrong}"));
        }
        for wrong in inner
            .schemas
            .answer(self.method, &template, answer.0, &answer.1)
        {
            state.violation(format!(
                "the fake's answer to {line} ({}): {wrong}",
                answer.0
            ));
        }
        answer
    }

    fn signed(&self, template: &str, work: impl FnOnce() -> Answer) -> (String, Answer) {
        let answer = if self.signed {
            work()
        } else {
            refusal(401, 0, "401: Unauthorized")
        };
        (template.to_owned(), answer)
    }

    fn wrong(&self, state: &mut State, wrong: Vec<String>) -> bool {
        let any = !wrong.is_empty();
        for words in wrong {
            state.violation(format!("{} {}: {words}", self.method, self.path));
        }
        any
    }

    fn open(&self, state: &mut State) -> Answer {
        let user = number(self.body["recipient_id"].as_str().unwrap_or_default());
        if !state.people.contains_key(&user) {
            return refusal(404, 10013, "Unknown User");
        }
        let id = state.conversation(user);
        (200, write::private_channel(state, id))
    }

    fn set_commands(&self, state: &mut State) -> Answer {
        if self.wrong(state, rules::commands(self.body)) {
            return malformed();
        }
        let mut commands = self.body.as_array().cloned().unwrap_or_default();
        for command in &mut commands {
            command["id"] = json!(state.new_id().to_string());
            command["application_id"] = json!(state.application.to_string());
            command["version"] = json!(state.new_id().to_string());
            command["default_member_permissions"] = Value::Null;
            command["nsfw"] = json!(false);
        }
        state.commands = commands;
        (200, json!(state.commands))
    }

    fn post(&self, state: &mut State, channel: u64) -> Answer {
        let Some(conversation) = state.conversations.get(&channel) else {
            if channel == state.guild_channel {
                state.violation("a message into a server's channel, for everybody to read");
            }
            return refusal(404, 10003, "Unknown Channel");
        };
        let user = conversation.user;
        if self.wrong(state, rules::direct(self.body)) {
            return malformed();
        }
        if state.people[&user].blocked {
            return refusal(403, 50007, "Cannot send messages to this user");
        }
        let nonce = (
            channel,
            self.body["nonce"].as_str().unwrap_or_default().to_owned(),
        );
        if let Some(known) = state.nonces.get(&nonce) {
            return (200, state.conversations[&channel].messages[known].clone());
        }
        let id = state.new_id();
        let mut message = self.message(state, id, channel);
        message["nonce"] = self.body["nonce"].clone();
        state.nonces.insert(nonce, id);
        publish(state, channel, id, &message);
        state.hand(user, write::sent(&message, Way::Direct));
        (200, message)
    }

    /// The message a body makes.
    fn message(&self, state: &State, id: u64, channel: u64) -> Value {
        let content = self.body["content"].as_str().unwrap_or_default();
        let mut message = write::message(id, channel, write::bot(state), content);
        message["components"] = write::components(self.body.get("components"));
        message
    }

    fn page(&self, state: &mut State, channel: u64) -> Answer {
        let asked = |name: &str| {
            let found = self
                .query
                .split('&')
                .filter_map(|pair| pair.split_once('='));
            found
                .filter(|(key, _)| *key == name)
                .find_map(|(_, value)| value.parse::<u64>().ok())
        };
        let limit = usize::try_from(asked("limit").unwrap_or(50)).unwrap();
        if !(1..=100).contains(&limit) {
            state.violation(format!("a page of {limit}"));
            return malformed();
        }
        let Some(conversation) = state.conversations.get(&channel) else {
            return refusal(404, 10003, "Unknown Channel");
        };
        let after = asked("after");
        let before = asked("before").unwrap_or(u64::MAX);
        let fits = conversation
            .messages
            .range(after.map_or(0, |id| id + 1)..before);
        // The oldest after an id, the newest otherwise; the newest first in either case.
        let mut page: Vec<&Value> = match after {
            Some(_) => fits.map(|(_, message)| message).take(limit).collect(),
            None => fits.rev().map(|(_, message)| message).take(limit).collect(),
        };
        if after.is_some() {
            page.reverse();
        }
        let page: Vec<Value> = page
            .into_iter()
            .map(|message| write::with_files(state, message))
            .collect();
        (200, json!(page))
    }

    fn first_answer(&self, state: &mut State, id: u64, token: &str) -> Answer {
        let Some(interaction) = state.interactions.get(token) else {
            return refusal(404, 10062, "Unknown interaction");
        };
        let late = interaction.began.elapsed() > THREE_SECONDS;
        if interaction.id != id || interaction.over || late {
            return refusal(404, 10062, "Unknown interaction");
        }
        if interaction.answered.is_some() {
            return refusal(400, 40060, "Interaction has already been acknowledged.");
        }
        let (kind, public) = (interaction.kind, interaction.public);
        if self.wrong(state, rules::first_answer(self.body, kind, public)) {
            return malformed();
        }
        let answer = self.body["type"].as_u64().unwrap_or_default();
        let channel = state.interactions[token].channel;
        let original = match answer {
            5 => {
                let id = state.new_id();
                let mut message = write::message(id, channel, write::bot(state), "");
                let flags = self.body["data"]["flags"].as_u64().unwrap_or_default();
                message["flags"] = json!(flags | 128);
                message["type"] = json!(20);
                state
                    .interactions
                    .get_mut(token)
                    .unwrap()
                    .messages
                    .insert(id, message);
                Some(id)
            }
            _ => None,
        };
        let interaction = state.interactions.get_mut(token).unwrap();
        interaction.answered = Some(answer);
        interaction.original = original;
        if answer == 9 {
            interaction.form = Some(self.body["data"].clone());
        }
        (204, Value::Null)
    }

    fn follow_up(&self, state: &mut State, token: &str) -> Answer {
        let Some(interaction) = live(state, token) else {
            return refusal(404, 10015, "Unknown Webhook");
        };
        let (user, channel, public) = (interaction.user, interaction.channel, interaction.public);
        if self.wrong(state, rules::message(self.body, public)) {
            return malformed();
        }
        let id = state.new_id();
        let mut message = self.message(state, id, channel);
        message["flags"] = json!(self.body["flags"].as_u64().unwrap_or_default());
        self.show(state, token, id, message, user, Way::FollowUp)
    }

    fn original(&self, state: &mut State, token: &str) -> Answer {
        let Some(interaction) = live(state, token) else {
            return refusal(404, 10015, "Unknown Webhook");
        };
        let (user, public) = (interaction.user, interaction.public);
        let Some(id) = interaction.original else {
            return refusal(404, 10008, "Unknown Message");
        };
        let mut message = interaction.messages[&id].clone();
        if self.method == "GET" {
            return (200, message);
        }
        let mut wrong = rules::message(self.body, false);
        if public && message["flags"].as_u64().unwrap_or_default() & 64 == 0 {
            wrong.push("everybody in the server's channel could read this".into());
        }
        if self.wrong(state, wrong) {
            return malformed();
        }
        message["content"] = self.body["content"].clone();
        message["components"] = write::components(self.body.get("components"));
        message["flags"] = json!(message["flags"].as_u64().unwrap_or_default() & !128);
        self.show(state, token, id, message, user, Way::Original)
    }

    /// Shows a message that answers an interaction.
    fn show(
        &self,
        state: &mut State,
        token: &str,
        id: u64,
        message: Value,
        user: u64,
        way: Way,
    ) -> Answer {
        let interaction = state.interactions.get_mut(token).unwrap();
        interaction.messages.insert(id, message.clone());
        let channel = interaction.channel;
        let sent: Sent = write::sent(&message, way);
        // What everybody in the conversation sees is part of its history.
        if !sent.alone && state.conversations.contains_key(&channel) {
            publish(state, channel, id, &message);
        }
        state.hand(user, sent);
        (200, message)
    }
}

/// An interaction that was answered and lasts.
fn live<'a>(state: &'a State, token: &str) -> Option<&'a Interaction> {
    let interaction = state.interactions.get(token)?;
    (interaction.answered.is_some() && !interaction.over).then_some(interaction)
}

/// Into the history of a conversation, and to the gateway: a bot is told of its own messages too.
fn publish(state: &mut State, channel: u64, id: u64, message: &Value) {
    let conversation = state.conversations.get_mut(&channel).unwrap();
    conversation.messages.insert(id, message.clone());
    state.dispatch("MESSAGE_CREATE", message);
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_default()
}
