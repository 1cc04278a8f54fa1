//! The REST interface and the file hosts.

use crate::state::{Interaction, Seen, Sent, State, Trouble, Way};
use crate::{Inner, TOKEN, gateway, json as write, rules};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::{Value, json};
use std::sync::Weak;
use std::time::Duration;

/// An interaction has to be answered within this time.
const THREE_SECONDS: Duration = Duration::from_secs(3);

pub(crate) fn router(inner: Weak<Inner>) -> Router {
    let (door, rest) = (inner.clone(), inner);
    Router::new()
        .route(
            "/",
            get(move |upgrade: WebSocketUpgrade| {
                let inner = door.clone();
                async move { upgrade.on_upgrade(move |socket| gateway::serve(socket, inner)) }
            }),
        )
        .fallback(
            move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
                let inner = rest.clone();
                async move { serve(inner, method, uri, headers, body).await }
            },
        )
}

/// Status and body; null is no body.
type Answer = (u16, Value);

fn refusal(status: u16, code: i64, message: &str) -> Answer {
    (status, json!({"code": code, "message": message}))
}

fn malformed() -> Answer {
    refusal(400, 50035, "Invalid Form Body")
}

async fn serve(
    inner: Weak<Inner>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let Some(inner) = inner.upgrade() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let path = uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    let line = format!("{method} {path}");
    let trouble = inner.state().trouble_for(&line);
    if let Some(Trouble::Slow(wait)) = trouble {
        tokio::time::sleep(wait).await;
    }
    if !uri.path().starts_with("/api/") {
        return file(
            &inner,
            uri.path(),
            uri.query().unwrap_or_default(),
            trouble.as_ref(),
        );
    }
    let body: Value = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&body).unwrap_or_else(|_| {
            inner
                .state()
                .violation(format!("{line}: the body is no JSON"));
            Value::Null
        })
    };
    let (status, answer) = match trouble {
        Some(Trouble::Status(status)) => (status, json!({"code": 0, "message": "told to"})),
        Some(Trouble::Limit(wait)) => (
            429,
            json!({"code": 0, "message": "You are being rate limited.", "retry_after": wait, "global": false}),
        ),
        Some(Trouble::Code(status, code, words)) => refusal(status, code, words),
        _ => {
            let mut state = inner.state();
            let call = Call {
                method: method.as_str(),
                path: uri.path(),
                query: uri.query().unwrap_or_default(),
                signed: headers
                    .get("authorization")
                    .is_some_and(|value| value.as_bytes() == format!("Bot {TOKEN}").as_bytes()),
                body: &body,
            };
            call.carry_out(&mut state, &inner)
        }
    };
    inner.state().seen.push(Seen {
        method: method.to_string(),
        path,
        body,
        status,
    });
    inner.tell();
    let mut response = Response::builder().status(status);
    if status == 429 {
        response = response.header("retry-after", answer["retry_after"].to_string());
    }
    let body = match (trouble, answer) {
        (Some(Trouble::AnswerLost), _) => {
            let lost = std::io::Error::other("the answer is lost");
            Body::from_stream(futures_util::stream::once(
                async move { Err::<Bytes, _>(lost) },
            ))
        }
        (_, Value::Null) => Body::empty(),
        (_, answer) => {
            response = response.header("content-type", "application/json");
            Body::from(answer.to_string())
        }
    };
    response.body(body).unwrap()
}

fn file(inner: &Inner, path: &str, query: &str, trouble: Option<&Trouble>) -> Response<Body> {
    let mut state = inner.state();
    let signature = format!("ex={}", state.signature);
    let status = match (trouble, state.files.get(path)) {
        (Some(Trouble::Status(status)), _) => *status,
        (_, Some(file)) if !file.gone && query == signature => 200,
        _ => 404,
    };
    state.seen.push(Seen {
        method: "GET".into(),
        path: format!("{path}?{query}"),
        body: Value::Null,
        status,
    });
    let mut response = Response::builder().status(status);
    let body = match state.files.get(path).filter(|_| status == 200) {
        Some(file) => {
            response = response.header("content-type", &file.media_type);
            Body::from(file.bytes.clone())
        }
        None => Body::from("This content is no longer available."),
    };
    response.body(body).unwrap()
}

struct Call<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    signed: bool,
    body: &'a Value,
}

impl Call<'_> {
    fn carry_out(&self, state: &mut State, inner: &Inner) -> Answer {
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
