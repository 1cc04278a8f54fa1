//! LINE's side of HTTP.

use crate::FakeLine;
use crate::messages::{push, reply};
use crate::state::{Content, Recorded, Trouble};
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::time::Duration;

/// An answer: status, the schema its body follows, the body.
pub struct Reply {
    pub status: u16,
    pub schema: Option<(&'static str, &'static str)>,
    pub body: Value,
    pub bytes: Option<(Vec<u8>, &'static str)>,
    pub accepted: Option<String>,
}

pub const API: &str = "api";
const TOKEN: &str = "token";

pub fn json_reply(status: u16, schema: Option<(&'static str, &'static str)>, body: Value) -> Reply {
    Reply {
        status,
        schema,
        body,
        bytes: None,
        accepted: None,
    }
}

pub fn ok(schema: &'static str, body: Value) -> Reply {
    json_reply(200, Some((API, schema)), body)
}

pub fn error(status: u16, message: &str) -> Reply {
    json_reply(
        status,
        Some((API, "ErrorResponse")),
        json!({ "message": message }),
    )
}

pub struct Request<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub headers: &'a HeaderMap,
    pub bytes: &'a [u8],
    pub body: Value,
}

impl Request<'_> {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Every call comes here.
pub async fn handle(
    fake: FakeLine,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let path = uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    let request = Request {
        method: method.as_str(),
        path: &path,
        headers: &headers,
        bytes: &bytes,
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    };
    let at = fake.with(|state| {
        state.requests.push(Recorded {
            method: request.method.to_owned(),
            path: path.clone(),
            retry_key: request.header("x-line-retry-key").map(str::to_owned),
            body: request.body.clone(),
            status: 0,
        });
        state.requests.len() - 1
    });
    let trouble = fake.with(|state| state.trouble(&path));
    match trouble {
        Some(Trouble::CutBefore) => cut(),
        Some(Trouble::Silence) => std::future::pending::<()>().await,
        _ => {}
    }
    let reply = match trouble {
        Some(Trouble::Status(status)) => error(status, "Something went wrong on purpose"),
        Some(Trouble::TooManyCalls) => error(
            429,
            "The API rate limit has been exceeded. Try again later.",
        ),
        Some(Trouble::RefuseCards) if path.contains("/message/") => {
            refuse_cards(&request.body).unwrap_or_else(|| answer(&fake, &request))
        }
        Some(Trouble::Garbage) => Reply {
            bytes: Some((b"<html>busy</html>".to_vec(), "text/html")),
            ..json_reply(200, None, Value::Null)
        },
        _ if path == "/v2/bot/channel/webhook/test" => test_webhook(&fake, &request).await,
        _ => answer(&fake, &request),
    };
    fake.check_answer(&reply, &path);
    let status = match trouble {
        Some(Trouble::CutAfter) => cut(),
        Some(Trouble::FailAfter) => 500,
        _ => reply.status,
    };
    fake.with(|state| state.requests[at].status = status);
    fake.inside.changed.notify_waiters();
    respond(status, reply, at)
}

fn respond(status: u16, reply: Reply, at: usize) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    let id = ("x-line-request-id", format!("fake-{at}"));
    let mut response = match reply.bytes {
        Some((bytes, kind)) => (status, [("content-type", kind)], bytes).into_response(),
        None => (
            status,
            [("content-type", "application/json")],
            reply.body.to_string(),
        )
            .into_response(),
    };
    response.headers_mut().insert(id.0, id.1.parse().unwrap());
    if let Some(accepted) = reply.accepted {
        response
            .headers_mut()
            .insert("x-line-accepted-request-id", accepted.parse().unwrap());
    }
    response
}

/// Ends the connection without an answer: the task that serves it goes down, silently.
fn cut() -> ! {
    std::panic::resume_unwind(Box::new("the connection is cut"))
}

fn refuse_cards(body: &Value) -> Option<Reply> {
    let cards = body["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|message| message["type"] == "flex");
    cards.then(|| {
        json_reply(
            400,
            Some((API, "ErrorResponse")),
            json!({"message": "A message (messages[0]) in the request body is invalid",
                   "details": [{"message": "invalid property", "property": "/contents"}]}),
        )
    })
}

impl FakeLine {
    fn check_answer(&self, reply: &Reply, path: &str) {
        let Some((file, name)) = reply.schema else {
            return;
        };
        if let Some(published) = &self.inside.published {
            let schemas = if file == TOKEN {
                &published.token
            } else {
                &published.api
            };
            for fault in schemas.faults(name, &reply.body) {
                self.violation(format!("the fake's own answer to {path}: {fault}"));
            }
        }
    }

    /// Checks a request's body by schema.
    pub fn check_request(&self, name: &str, request: &Request) {
        let kind = request.header("content-type").unwrap_or_default();
        if !kind.starts_with("application/json") {
            self.violation(format!("{}: content-type {kind:?}", request.path));
        }
        if let Some(published) = &self.inside.published {
            for fault in published.api.faults(name, &request.body) {
                self.violation(format!("{} {}: {fault}", request.method, request.path));
            }
        }
    }
}

fn answer(fake: &FakeLine, request: &Request) -> Reply {
    if request.path == "/oauth2/v3/token" {
        return issue_token(fake, request);
    }
    if let Some(refused) = check_token(fake, request) {
        return refused;
    }
    match (request.method, request.path) {
        ("GET", "/v2/bot/info") => ok(
            "BotInfoResponse",
            json!({"userId": fake.bot_id(), "basicId": "@desk", "displayName": "窓口", "chatMode": "bot", "markAsReadMode": "auto"}),
        ),
        ("GET", "/v2/bot/channel/webhook/endpoint") => fake.with(|state| match &state.endpoint {
            Some(endpoint) => ok(
                "GetWebhookEndpointResponse",
                json!({"endpoint": endpoint, "active": state.active}),
            ),
            None => error(404, "Webhook endpoint not found"),
        }),
        ("PUT", "/v2/bot/channel/webhook/endpoint") => {
            fake.check_request("SetWebhookEndpointRequest", request);
            let endpoint = request.body["endpoint"].as_str().unwrap_or_default();
            if !endpoint.starts_with("https://") {
                return error(400, "Invalid webhook endpoint URL");
            }
            fake.with(|state| state.endpoint = Some(endpoint.to_owned()));
            json_reply(200, None, json!({}))
        }
        ("GET", "/v2/bot/message/quota") => fake.with(|state| match state.quota {
            Some(limit) => ok(
                "MessageQuotaResponse",
                json!({"type": "limited", "value": limit}),
            ),
            None => ok("MessageQuotaResponse", json!({"type": "none"})),
        }),
        ("GET", "/v2/bot/message/quota/consumption") => {
            let used = fake.with(|state| state.used_quota);
            ok("QuotaConsumptionResponse", json!({ "totalUsage": used }))
        }
        ("POST", "/v2/bot/message/reply") => reply(fake, request),
        ("POST", "/v2/bot/message/push") => push(fake, request),
        ("POST", "/v2/bot/chat/loading/start") => {
            fake.check_request("ShowLoadingAnimationRequest", request);
            let seconds = request.body["loadingSeconds"].as_u64().unwrap_or(20);
            if !seconds.is_multiple_of(5) {
                fake.violation("loadingSeconds is no multiple of 5".into());
            }
            let user = request.body["chatId"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            fake.with(|state| state.dots.push(user));
            json_reply(202, Some((API, "ShowLoadingAnimationResponse")), json!({}))
        }
        ("GET", path) => content(fake, path).unwrap_or_else(|| unknown(fake, request)),
        _ => unknown(fake, request),
    }
}

/// Calls the desk with no event in it.
async fn test_webhook(fake: &FakeLine, request: &Request<'_>) -> Reply {
    if let Some(refused) = check_token(fake, request) {
        return refused;
    }
    fake.check_request("TestWebhookEndpointRequest", request);
    let (body, signature) = fake.call(&[]);
    // Without a desk in the test, the address in the console is somebody's who answers.
    let status = match fake.with(|state| state.target.is_some()) {
        true => fake.post(&body, Some(&signature)).await,
        false => 200,
    };
    let (reason, detail) = match status {
        200 => ("OK", "200".to_owned()),
        0 => ("COULD_NOT_CONNECT", "Connection refused".to_owned()),
        other => ("ERROR_STATUS_CODE", other.to_string()),
    };
    ok(
        "TestWebhookEndpointResponse",
        json!({"success": status == 200, "timestamp": fake.with(|state| state.now().to_string()), "statusCode": status,
               "reason": reason, "detail": detail}),
    )
}

fn unknown(fake: &FakeLine, request: &Request) -> Reply {
    fake.violation(format!(
        "{} {}: LINE knows no such call (or this fake does not)",
        request.method, request.path
    ));
    error(404, "Not found")
}

fn issue_token(fake: &FakeLine, request: &Request) -> Reply {
    let form = String::from_utf8_lossy(request.bytes).into_owned();
    let field = |name: &str| {
        form.split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.to_owned())
    };
    if request.method != "POST"
        || request.header("content-type") != Some("application/x-www-form-urlencoded")
    {
        fake.violation("a token is asked for by POST of a form".into());
    }
    let refused = fake.with(|state| state.refuse_tokens);
    let right = field("grant_type").as_deref() == Some("client_credentials")
        && field("client_id").as_deref() == Some(fake.channel_id())
        && field("client_secret") == Some(fake.channel_secret());
    if refused || !right {
        return json_reply(
            400,
            Some((TOKEN, "ErrorResponse")),
            json!({"error": "invalid_client", "error_description": "invalid client_secret"}),
        );
    }
    fake.with(|state| {
        let token = format!("short-token-{}", state.next());
        let life = state.token_life;
        state
            .short_tokens
            .insert(token.clone(), tokio::time::Instant::now() + life);
        json_reply(
            200,
            Some((TOKEN, "IssueStatelessChannelAccessTokenResponse")),
            json!({"access_token": token, "expires_in": life.as_secs(), "token_type": "Bearer"}),
        )
    })
}

fn check_token(fake: &FakeLine, request: &Request) -> Option<Reply> {
    let token = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let Some(token) = token else {
        fake.violation(format!("{}: no bearer token", request.path));
        return Some(error(
            401,
            "Authentication failed due to the following reason: missing bearer token",
        ));
    };
    let good = fake.with(|state| {
        !state.refuse_tokens
            && (token == fake.access_token()
                || state
                    .short_tokens
                    .get(token)
                    .is_some_and(|until| tokio::time::Instant::now() < *until))
    });
    // A careless server repeats what it was given; clients must not pass it on.
    (!good).then(|| {
        error(
            401,
            &format!("Authentication failed. Confirm that the access token {token} is valid."),
        )
    })
}

fn content(fake: &FakeLine, path: &str) -> Option<Reply> {
    let rest = path.strip_prefix("/v2/bot/message/")?;
    let (id, asks) = rest.split_once('/')?;
    let known = fake.with(|state| state.contents.get(id).cloned());
    match (asks, known) {
        ("content", Some(Content::Ready(bytes, kind))) => Some(Reply {
            bytes: Some((bytes, kind)),
            ..json_reply(200, None, Value::Null)
        }),
        ("content", Some(Content::Converting(left, bytes, kind))) => {
            let next = match left {
                0 | 1 => Content::Ready(bytes, kind),
                more => Content::Converting(more - 1, bytes, kind),
            };
            fake.with(|state| state.contents.insert(id.to_owned(), next));
            Some(json_reply(202, None, json!({})))
        }
        ("content", Some(Content::Failed)) => Some(json_reply(202, None, json!({}))),
        ("content", Some(Content::Gone)) => Some(error(410, "Gone")),
        ("content", None) => Some(error(404, "Not found")),
        ("content/transcoding", Some(known)) => {
            let status = match known {
                Content::Failed => "failed",
                Content::Converting(..) => "processing",
                _ => "succeeded",
            };
            Some(ok(
                "GetMessageContentTranscodingResponse",
                json!({ "status": status }),
            ))
        }
        _ => None,
    }
}

/// How long a call of LINE's waits for an answer.
pub const HOOK_PATIENCE: Duration = Duration::from_secs(20);
