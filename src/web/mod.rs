//! The web part: alive, ready, metrics, and a plain front page. No page loads anything from another host (S16).

pub mod health;
pub mod metrics;
pub mod webhooks;

pub use health::HealthRegistry;
pub use metrics::Metrics;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the pages read.
#[derive(Clone)]
pub struct WebState {
    /// How the parts are.
    pub health: Arc<HealthRegistry>,
    /// The counters.
    pub metrics: Arc<Metrics>,
}

/// Serves until stopped; requests at hand are finished.
///
/// # Errors
/// The listener broke.
pub async fn serve(
    listener: TcpListener,
    state: WebState,
    webhooks: Router<WebState>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let router = Router::new()
        .merge(webhooks)
        .route("/", get(front))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .layer(middleware::map_response(secure))
        .with_state(state);
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await
}

async fn front() -> Html<&'static str> {
    Html(include_str!("front.html"))
}

async fn ready(State(state): State<WebState>) -> Response {
    let snapshot = state.health.snapshot().await;
    let status = if snapshot.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, axum::Json(snapshot)).into_response()
}

async fn metrics(State(state): State<WebState>) -> Response {
    let snapshot = state.health.snapshot().await;
    match state.metrics.render(&snapshot) {
        Ok(text) => {
            let mut headers = HeaderMap::new();
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
            );
            (headers, text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "Metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Headers every answer carries (S17).
async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
