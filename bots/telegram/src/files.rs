//! Fetches the files an update names.

use crate::client::Client;
use crate::fault::{Fault, Kind};
use crate::media::Media;
use serde::Deserialize;
use teloxide::requests::Requester;
use teloxide::types::FileId;

/// What `getFile` tells.
#[derive(Deserialize)]
struct Found {
    file_path: Option<String>,
}

/// One file, or why it will never be had.
pub(crate) type Outcome = Result<Vec<u8>, String>;

/// Fetches one file. The outer error: not now.
pub(crate) async fn fetch(client: &Client, file: &Media, limit: usize) -> Result<Outcome, Fault> {
    if file.attachment.size > limit {
        return Ok(Err(too_large(limit)));
    }
    let request = client.bot().get_file(FileId(file.file_id.clone()));
    let found = match client.call(&request).await {
        Ok(found) => found,
        Err(fault) if fault.kind == Kind::Refused(400) => {
            return Ok(Err(format!("Telegram does not hand the file out: {fault}")));
        }
        Err(fault) => return Err(fault),
    };
    let found: Option<Found> = serde_json::from_str(found.get()).ok();
    let path = found.and_then(|found| found.file_path);
    // A server of one's own can name a file on its own disk; nothing else may leave the folder of the bot.
    let Some(path) = path.filter(|path| !path.starts_with('/') && !path.contains("..")) else {
        return Ok(Err("Telegram does not say where the file is".into()));
    };
    download(client, &path, limit).await
}

async fn download(client: &Client, path: &str, limit: usize) -> Result<Outcome, Fault> {
    let mut response = client.download(path).await?;
    match response.status().as_u16() {
        200 => {}
        status @ (400 | 403 | 404 | 410) => {
            return Ok(Err(format!(
                "Telegram does not have the file any more (HTTP status {status})"
            )));
        }
        status => {
            return Err(Fault::new(
                Kind::Strange(status),
                format!("a file could not be fetched (HTTP status {status})"),
            ));
        }
    }
    let mut contents = Vec::new();
    while let Some(piece) = response
        .chunk()
        .await
        .map_err(|error| client.connection_fault(&error))?
    {
        if contents.len().saturating_add(piece.len()) > limit {
            return Ok(Err(too_large(limit)));
        }
        contents.extend_from_slice(&piece);
    }
    Ok(Ok(contents))
}

fn too_large(limit: usize) -> String {
    let mebibytes = limit as f64 / 1024.0 / 1024.0;
    format!("the file is larger than the {mebibytes:.1} MiB the desk fetches")
}
