//! The REST interface and the file hosts.

use crate::calls::Call;
use crate::state::{Seen, Trouble};
use crate::{Inner, TOKEN, gateway};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::{Value, json};
use std::sync::Weak;

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
pub(crate) type Answer = (u16, Value);

pub(crate) fn refusal(status: u16, code: i64, message: &str) -> Answer {
    (status, json!({"code": code, "message": message}))
}

pub(crate) fn malformed() -> Answer {
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
