//! The files of an arrival, fetched from LINE.

use crate::client::{Call, Client};
use crate::decode::File;
use crate::fault::Fault;
use serde_json::Value;

/// Fetches one file. `Err` inside: it cannot be had and never will be, in words for staff.
pub async fn fetch(
    client: &Client,
    file: &File,
    limit: usize,
) -> Result<Result<Vec<u8>, String>, Fault> {
    let File::AtLine(id) = file else {
        return Ok(Err(
            "the file lies on another server than LINE's and is not fetched".into(),
        ));
    };
    // LINE's ids are numbers; whatever else came must not become another path.
    if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Ok(Err("LINE gave the file an id of unknown form".into()));
    }
    let path = format!("/v2/bot/message/{id}/content");
    let mut call = Call::get(&path);
    call.data = true;
    let (mut response, token) = client.open(&call).await?;
    let too_large = || {
        format!(
            "the file is larger than the {} allowed here",
            megabytes(limit)
        )
    };
    match response.status().as_u16() {
        200 => {}
        202 => return not_ready(client, id).await,
        404 | 410 => {
            return Ok(Err(
                "LINE no longer has the file (taken back, or kept too long)".into(),
            ));
        }
        _ => {
            let answer = client.read(response, &[&token]).await?;
            return match answer.status {
                400 | 413 | 415 => Ok(Err(format!(
                    "LINE does not hand out the file: {}",
                    answer.words
                ))),
                _ => Err(answer.fault()),
            };
        }
    }
    if response
        .content_length()
        .is_some_and(|length| length > limit as u64)
    {
        return Ok(Err(too_large()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| client.no_answer(error, &[&token]))?
    {
        if bytes.len() + chunk.len() > limit {
            return Ok(Err(too_large()));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Ok(bytes))
}

/// A video or recording that LINE still converts, or has given up on.
async fn not_ready(client: &Client, id: &str) -> Result<Result<Vec<u8>, String>, Fault> {
    let path = format!("/v2/bot/message/{id}/content/transcoding");
    let mut call = Call::get(&path);
    call.data = true;
    let answer = client.call(&call).await?;
    match answer.body.get("status").and_then(Value::as_str) {
        Some("failed") => Ok(Err("LINE could not convert the recording".into())),
        _ => Err(Fault::Unserved(
            "LINE is still converting the recording".into(),
        )),
    }
}

fn megabytes(bytes: usize) -> String {
    if bytes >= 1 << 20 {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{bytes} bytes")
    }
}
