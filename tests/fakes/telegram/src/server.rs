//! The HTTP side: addresses, envelopes, and faults on command.

use crate::fault::Fault;
use crate::state::Request;
use crate::{Shared, methods, schema};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;

/// What a method answers: its result, or error code, description and parameters.
pub(crate) type Answer = Result<Value, Refusal>;

/// A refusal of the Bot API.
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) words: String,
    pub(crate) retry_after: Option<u64>,
}

pub(crate) fn refuse(code: u16, words: impl Into<String>) -> Refusal {
    Refusal {
        code,
        words: words.into(),
        retry_after: None,
    }
}

/// Starts the server; its address.
pub(crate) async fn start(shared: Arc<Shared>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().fallback(take).with_state(shared);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn take(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().trim_start_matches('/');
    if shared.world().down {
        return cut();
    }
    if let Some((token, file)) = path
        .strip_prefix("file/bot")
        .and_then(|rest| rest.split_once('/'))
    {
        return download(&shared, token, file);
    }
    let Some((token, method)) = path
        .strip_prefix("bot")
        .and_then(|rest| rest.split_once('/'))
    else {
        return envelope(Err(refuse(404, "Not Found")));
    };
    let is_known = {
        let world = shared.world();
        world.bots.get(token).is_some_and(|bot| !bot.revoked)
    };
    if !is_known {
        return envelope(Err(refuse(401, "Unauthorized")));
    }
    call(&shared, token, method, &headers, &body).await
}

async fn call(
    shared: &Arc<Shared>,
    token: &str,
    method: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response {
    let Some(name) = schema::canonical(method) else {
        shared
            .world()
            .violations
            .push(format!("{method} is not spoken here"));
        return envelope(Err(refuse(404, "Not Found: method not found")));
    };
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let fields = match body.is_empty() {
        true => json!({}),
        false => serde_json::from_slice(body).unwrap_or(Value::Null),
    };
    let mut wrong = schema::request(name, &fields);
    if !body.is_empty() && !is_json {
        wrong.push(format!("request of {name}: not sent as JSON"));
    }
    let fault = {
        let mut world = shared.world();
        world.violations.extend(wrong);
        world.requests.push(Request {
            token: token.into(),
            method: method.into(),
            body: fields.clone(),
        });
        world.meet(name)
    };
    shared.wake();
    match fault {
        Some(Fault::Refuse(code, words)) => return envelope(Err(refuse(code, words))),
        Some(Fault::TooMany(seconds)) => {
            let words = format!("Too Many Requests: retry after {seconds}");
            return envelope(Err(Refusal {
                retry_after: Some(seconds),
                ..refuse(429, words)
            }));
        }
        Some(Fault::BadGateway) => {
            let page = "<html><h1>502 Bad Gateway</h1></html>";
            return (StatusCode::BAD_GATEWAY, page).into_response();
        }
        Some(Fault::Garbage) => return "{\"ok\":tru".into_response(),
        Some(Fault::CutBefore) => return cut(),
        Some(Fault::CutAfter | Fault::NewForm(_)) | None => {}
    }
    let Some(answer) = methods::carry_out(shared, token, name, &fields).await else {
        return cut();
    };
    shared.wake();
    match fault {
        Some(Fault::CutAfter) => return cut(),
        Some(Fault::NewForm(result)) => return envelope(Ok(result)),
        _ => {}
    }
    if let Ok(result) = &answer {
        let wrong = schema::result(name, result);
        shared.world().violations.extend(wrong);
    }
    envelope(answer)
}

fn download(shared: &Shared, token: &str, path: &str) -> Response {
    let mut world = shared.world();
    match world.meet("download") {
        Some(Fault::Refuse(code, words)) => {
            let status = StatusCode::from_u16(code).expect("a status");
            return (status, words).into_response();
        }
        Some(Fault::BadGateway) => return StatusCode::BAD_GATEWAY.into_response(),
        Some(_) => return cut(),
        None => {}
    }
    let bot = world.bots.get(token).filter(|bot| !bot.revoked);
    let file = bot.and_then(|bot| {
        bot.files
            .values()
            .find(|file| file.path == path && !file.gone)
    });
    match file {
        Some(file) => file.bytes.clone().into_response(),
        None => envelope(Err(refuse(404, "Not Found"))),
    }
}

fn envelope(answer: Answer) -> Response {
    let (status, body) = match answer {
        Ok(result) => (200, json!({"ok": true, "result": result})),
        Err(refusal) => {
            let mut body =
                json!({"ok": false, "error_code": refusal.code, "description": refusal.words});
            if let Some(seconds) = refusal.retry_after {
                body["parameters"] = json!({"retry_after": seconds});
            }
            (refusal.code, body)
        }
    };
    let status = StatusCode::from_u16(status).expect("a status");
    (status, axum::Json(body)).into_response()
}

/// Ends the connection in the middle of an answer.
fn cut() -> Response {
    let broken = Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    let stream = futures_util::stream::once(std::future::ready(broken));
    Response::new(Body::from_stream(stream))
}
