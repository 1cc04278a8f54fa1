//! Where the servers of chats call the desk: what they bring is stored before they are told that it was taken.

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use jiff::Timestamp;
use madoguchi_channel::{Channel, Door, WebhookError};
use std::sync::Arc;

/// Largest call taken, in bytes; the vendors' own are far smaller.
const LARGEST_CALL: usize = 2 * 1024 * 1024;

/// Routes of every channel that is called by its server.
pub fn routes<S: Clone + Send + Sync + 'static>(
    channels: impl IntoIterator<Item = Arc<dyn Channel>>,
    door: &Arc<dyn Door>,
) -> Router<S> {
    let mut router = Router::new();
    for channel in channels {
        let Some(path) = channel.webhook_path() else {
            continue;
        };
        let door = Arc::clone(door);
        let take = move |headers: HeaderMap, body: Bytes| {
            let (channel, door) = (Arc::clone(&channel), Arc::clone(&door));
            async move { take(channel.as_ref(), door.as_ref(), &headers, &body).await }
        };
        router = router.route(&path, post(take));
    }
    router.layer(DefaultBodyLimit::max(LARGEST_CALL))
}

async fn take(
    channel: &dyn Channel,
    door: &dyn Door,
    headers: &HeaderMap,
    body: &[u8],
) -> StatusCode {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let arrivals = match channel.admit(&header, body, Timestamp::now()) {
        Ok(arrivals) => arrivals,
        Err(WebhookError::Forged) => {
            tracing::warn!(
                channel.name = channel.name(),
                "A call was not signed by the server"
            );
            return StatusCode::UNAUTHORIZED;
        }
        Err(WebhookError::Malformed) => return StatusCode::BAD_REQUEST,
    };
    if arrivals.is_empty() {
        return StatusCode::OK;
    }
    match door.store(channel.name(), arrivals, None).await {
        Ok(_) => StatusCode::OK,
        // The server calls again later; nothing is lost.
        Err(error) => {
            tracing::error!(channel.name = channel.name(), %error, "A call could not be stored");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}
