//! The files of a message: which there are (pure), and their contents from the server's file hosts.

use crate::arrival::{self, list, number, text};
use crate::rest::{Rest, RestError};
use madoguchi_channel::Attachment;
use reqwest::{Response, StatusCode, Url};
use serde_json::Value;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

/// Flag of a message that is a voice note.
pub const VOICE_NOTE: u64 = 1 << 13;

/// Hosts the server keeps files on; nothing is fetched from anywhere else.
const HOSTS: [&str; 2] = ["cdn.discordapp.com", "media.discordapp.net"];

/// One file as a message names it.
struct Named {
    id: String,
    name: Option<String>,
    media_type: String,
    size: u64,
    url: Url,
}

/// The attachments of a message in the port's form.
pub fn listed(message: &Value) -> Vec<Attachment> {
    named(message)
        .into_iter()
        .map(|file| Attachment {
            name: file.name,
            media_type: file.media_type,
            size: usize::try_from(file.size).unwrap_or(usize::MAX),
        })
        .collect()
}

fn named(message: &Value) -> Vec<Named> {
    let forwarded = list(message, "/message_snapshots");
    std::iter::once(message)
        .chain(
            forwarded
                .iter()
                .filter_map(|snapshot| snapshot.get("message")),
        )
        .flat_map(|message| {
            let files = list(message, "/attachments").iter().filter_map(attachment);
            files.chain(list(message, "/sticker_items").iter().filter_map(sticker))
        })
        .collect()
}

fn attachment(file: &Value) -> Option<Named> {
    let declared = text(file, "/content_type").unwrap_or("application/octet-stream");
    let media_type = declared.split(';').next().unwrap_or_default().trim();
    // The title is the name before the server made it fit an address.
    let name = ["/title", "/filename"]
        .into_iter()
        .find_map(|path| text(file, path).filter(|name| !name.is_empty()));
    Some(Named {
        id: text(file, "/id").unwrap_or_default().to_owned(),
        name: name.map(|name| with_ending(name, text(file, "/filename"))),
        media_type: media_type.to_ascii_lowercase(),
        size: number(file, "/size").unwrap_or_default(),
        url: text(file, "/url")?.parse().ok()?,
    })
}

/// The title has no ending where the file name has one.
fn with_ending(name: &str, file_name: Option<&str>) -> String {
    let ending = file_name.and_then(|file_name| file_name.rsplit_once('.'));
    match ending {
        Some((_, ending))
            if !name
                .to_lowercase()
                .ends_with(&format!(".{}", ending.to_lowercase())) =>
        {
            format!("{name}.{ending}")
        }
        _ => name.to_owned(),
    }
}

/// Stickers that are pictures: 1 PNG, 2 animated PNG, 4 GIF. The third kind is a drawing program, which nothing here shows.
fn sticker(sticker: &Value) -> Option<Named> {
    let id = crate::snowflake::parse(text(sticker, "/id")?)?;
    let (host, ending) = match number(sticker, "/format_type")? {
        1 | 2 => (HOSTS[0], "png"),
        4 => (HOSTS[1], "gif"),
        _ => return None,
    };
    Some(Named {
        id: id.to_string(),
        name: text(sticker, "/name").map(|name| format!("{name}.{ending}")),
        media_type: format!("image/{ending}"),
        size: 0,
        url: format!("https://{host}/stickers/{id}.{ending}")
            .parse()
            .ok()?,
    })
}

/// The contents of the files of one arrival, in the order they are listed. `Err` inside: never to be had, in words for staff.
pub async fn fetch(
    rest: &Rest,
    stored: &Value,
    limit: u64,
) -> Result<Vec<Result<Vec<u8>, String>>, RestError> {
    let Some(message) = stored.get("d") else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for (place, file) in named(message).into_iter().enumerate() {
        if file.size > limit {
            found.push(Err(too_large(limit)));
            continue;
        }
        let first = download(rest, &file.url, limit).await?;
        found.push(match first {
            Outcome::Here(bytes) => Ok(bytes),
            Outcome::Never(words) => Err(words),
            // Addresses are signed and run out after a day; the message tells a fresh one.
            Outcome::Gone => match fresh(rest, message, &file.id, place).await? {
                None => Err("the message was deleted at Discord, and the file with it".into()),
                Some(url) => match download(rest, &url, limit).await? {
                    Outcome::Here(bytes) => Ok(bytes),
                    Outcome::Never(words) => Err(words),
                    Outcome::Gone => Err("the file is no longer at Discord".into()),
                },
            },
        });
    }
    Ok(found)
}

enum Outcome {
    Here(Vec<u8>),
    Gone,
    Never(String),
}

fn too_large(limit: u64) -> String {
    format!(
        "the file is larger than {} MB and was not fetched",
        limit / 1_000_000
    )
}

async fn download(rest: &Rest, url: &Url, limit: u64) -> Result<Outcome, RestError> {
    let Some(url) = allowed(rest, url) else {
        return Ok(Outcome::Never(
            "the file is said to lie on a host that is not Discord's and was not fetched".into(),
        ));
    };
    let slow = || RestError::Away("the file host does not answer".into());
    // No token: the file hosts take none.
    let request = rest.client().get(url).send();
    let request = request.with_subscriber(Dispatch::none());
    let response = tokio::time::timeout(rest.patience(), request)
        .await
        .map_err(|_| slow())?
        .map_err(|error| rest.away(&error.without_url()))?;
    match response.status() {
        status if status.is_success() => body(rest, response, limit).await,
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Outcome::Gone),
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => Err(
            RestError::Away(format!("the file host answers {}", status.as_u16())),
        ),
        status => Ok(Outcome::Never(format!(
            "the file host refuses the file ({})",
            status.as_u16()
        ))),
    }
}

/// Not what the server says the length is, but what comes, is held against the limit.
async fn body(rest: &Rest, mut response: Response, limit: u64) -> Result<Outcome, RestError> {
    let mut bytes = Vec::new();
    loop {
        let chunk = tokio::time::timeout(rest.patience(), response.chunk())
            .await
            .map_err(|_| RestError::Away("the file host stopped in the middle of a file".into()))?
            .map_err(|error| rest.away(&error.without_url()))?;
        let Some(chunk) = chunk else {
            return Ok(Outcome::Here(bytes));
        };
        bytes.extend_from_slice(&chunk);
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
            return Ok(Outcome::Never(too_large(limit)));
        }
    }
}

/// The address if it may be asked. Where another server stands in for Discord's, it stands in for the file hosts too.
fn allowed(rest: &Rest, url: &Url) -> Option<Url> {
    let discord = url.scheme() == "https"
        && url.port().is_none()
        && url.host_str().is_some_and(|host| HOSTS.contains(&host));
    match rest.server() {
        None => discord.then(|| url.clone()),
        Some(server) if server.origin() == url.origin() => Some(url.clone()),
        Some(server) if discord => {
            let mut there = server.clone();
            there.set_path(url.path());
            there.set_query(url.query());
            Some(there)
        }
        Some(_) => None,
    }
}

async fn fresh(
    rest: &Rest,
    message: &Value,
    file: &str,
    place: usize,
) -> Result<Option<Url>, RestError> {
    let (Some(channel), Some(id)) = (
        arrival::id(message, "/channel_id"),
        arrival::id(message, "/id"),
    ) else {
        return Ok(None);
    };
    match rest.message(channel, id).await {
        Ok(again) => {
            let mut files = named(&again);
            let found = files.iter().position(|candidate| candidate.id == file);
            let place = found.unwrap_or(place);
            Ok((place < files.len()).then(|| files.swap_remove(place).url))
        }
        Err(RestError::Refused(refusal)) if matches!(refusal.status, 403 | 404) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DiscordConfig, Secret};
    use serde_json::json;

    fn rest(base_url: Option<&str>) -> Rest {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut config = DiscordConfig::new("discord", Secret::new("a.b.c"));
        config.base_url = base_url.map(str::to_owned);
        Rest::new(&config).unwrap()
    }

    #[test]
    fn nothing_is_fetched_from_a_host_that_is_not_the_servers() {
        let real = rest(None);
        for (url, fine) in [
            (
                "https://cdn.discordapp.com/attachments/1/2/a.pdf?ex=1",
                true,
            ),
            ("https://media.discordapp.net/attachments/1/2/a.png", true),
            ("http://cdn.discordapp.com/attachments/1/2/a.pdf", false),
            (
                "https://cdn.discordapp.com:8443/attachments/1/2/a.pdf",
                false,
            ),
            ("https://cdn.discordapp.com.example.org/a.pdf", false),
            ("https://user@127.0.0.1/a.pdf", false),
            ("file:///etc/hostname", false),
        ] {
            assert_eq!(
                allowed(&real, &url.parse().unwrap()).is_some(),
                fine,
                "{url}"
            );
        }
        let other = rest(Some("http://127.0.0.1:9000"));
        let there = |url: &str| allowed(&other, &url.parse().unwrap()).map(|url| url.to_string());
        assert_eq!(
            there("https://cdn.discordapp.com/a?ex=1").as_deref(),
            Some("http://127.0.0.1:9000/a?ex=1")
        );
        assert_eq!(
            there("http://127.0.0.1:9000/b").as_deref(),
            Some("http://127.0.0.1:9000/b")
        );
        assert_eq!(there("http://127.0.0.1:9001/b"), None);
    }

    #[test]
    fn a_file_has_the_name_its_sender_gave_it() {
        let files = listed(&json!({"attachments": [
            {"id": "1", "filename": "______.pdf", "title": "申請書（控え）", "size": 12,
             "content_type": "Application/PDF; x=y", "url": "https://cdn.discordapp.com/a"},
            {"id": "2", "filename": "scan.JPG", "title": "scan.jpg", "size": 3, "url": "https://cdn.discordapp.com/b"},
        ]}));
        assert_eq!(files[0].name.as_deref(), Some("申請書（控え）.pdf"));
        assert_eq!(files[0].media_type, "application/pdf");
        assert_eq!(files[1].name.as_deref(), Some("scan.jpg"));
        assert_eq!(files[1].media_type, "application/octet-stream");
    }
}
