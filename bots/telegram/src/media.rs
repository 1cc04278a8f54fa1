//! What came with a message beside its text: files, and things a desk can only describe.

use crate::update::{number, text};
use madoguchi_channel::Attachment;
use serde_json::Value;

/// A file of a message.
pub(crate) struct Media {
    /// What the Bot API fetches it by.
    pub(crate) file_id: String,
    /// What the desk is told.
    pub(crate) attachment: Attachment,
}

/// What came with a message, its text aside.
#[derive(Default)]
pub(crate) struct Extras {
    /// Its files.
    pub(crate) files: Vec<Media>,
    /// One English line for each thing that is neither text nor picture nor document.
    pub(crate) notes: Vec<String>,
}

/// Fields of a message that are not its content.
const FRAME: [&str; 40] = [
    "message_id",
    "message_thread_id",
    "direct_messages_topic",
    "from",
    "sender_chat",
    "sender_boost_count",
    "sender_business_bot",
    "sender_tag",
    "date",
    "guest_query_id",
    "business_connection_id",
    "chat",
    "forward_origin",
    "is_topic_message",
    "is_automatic_forward",
    "reply_to_message",
    "external_reply",
    "quote",
    "reply_to_story",
    "reply_to_checklist_task_id",
    "reply_to_poll_option_id",
    "via_bot",
    "edit_date",
    "has_protected_content",
    "is_from_offline",
    "is_paid_post",
    "media_group_id",
    "author_signature",
    "paid_star_count",
    "entities",
    "link_preview_options",
    "suggested_post_info",
    "effect_id",
    "caption_entities",
    "show_caption_above_media",
    "has_media_spoiler",
    "reply_markup",
    "forward_from",
    "forward_date",
    "forward_sender_name",
];

/// Reads what came with a message.
pub(crate) fn extras(message: &Value) -> Extras {
    let mut all = Extras::default();
    let mut known = text(message, "text").is_some() || text(message, "caption").is_some();
    let fields = message.as_object().into_iter().flatten();
    for (key, value) in fields {
        known |= match key.as_str() {
            "photo" => all.photo(value),
            "live_photo" if message.get("photo").is_none() => {
                value.get("photo").is_some_and(|sizes| all.photo(sizes))
            }
            "live_photo" => true,
            // An animation is repeated as a document for programs that know none.
            "document" if message.get("animation").is_some() => true,
            "document" => all.file(value, "application/octet-stream"),
            "animation" => all.file(value, "video/mp4"),
            "audio" => {
                all.note("A sound file was sent", &lasting(value));
                all.file(value, "audio/mpeg")
            }
            "voice" => {
                all.note("A voice note was sent", &lasting(value));
                all.file(value, "audio/ogg")
            }
            "video" => {
                all.note("A video was sent", &lasting(value));
                all.file(value, "video/mp4")
            }
            "video_note" => {
                all.note("A round video message was sent", &lasting(value));
                all.file(value, "video/mp4")
            }
            "sticker" => {
                all.note(
                    "A sticker was sent",
                    text(value, "emoji").unwrap_or_default(),
                );
                all.file(value, sticker_type(value))
            }
            "venue" => {
                let place = [text(value, "title"), text(value, "address")];
                all.note("A place was sent", &joined(&place));
                true
            }
            "location" if message.get("venue").is_some() => true,
            "location" => {
                all.note("A location was sent", &position(value));
                true
            }
            "contact" => {
                let parts = ["first_name", "last_name", "phone_number"];
                all.note(
                    "A contact was sent",
                    &joined(&parts.map(|part| text(value, part))),
                );
                true
            }
            "rich_message" => {
                let empty = crate::rich::words(value).is_empty();
                if empty {
                    all.note(
                        "A message without words was sent; it shows in Telegram alone",
                        "",
                    );
                }
                true
            }
            "poll" => {
                all.note(
                    "A poll was sent",
                    text(value, "question").unwrap_or_default(),
                );
                true
            }
            "dice" => {
                all.note("A dice was thrown", "");
                true
            }
            "story" => {
                all.note("A story was forwarded; it cannot be shown", "");
                true
            }
            _ => false,
        };
    }
    if !known {
        let mut kinds = message
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key.as_str());
        let kind = kinds.find(|key| !FRAME.contains(key)).unwrap_or_default();
        all.note("A message of a kind that cannot be shown was sent", kind);
    }
    all
}

impl Extras {
    fn note(&mut self, what: &str, detail: &str) {
        self.notes.push(match detail {
            "" => format!("{what}."),
            detail => format!("{what}: {detail}."),
        });
    }

    /// The largest of the sizes a picture is kept in.
    fn photo(&mut self, sizes: &Value) -> bool {
        let sizes = sizes.as_array().into_iter().flatten();
        let area = |size: &&Value| {
            let side = |key| number(size, key).unwrap_or_default();
            (
                side("width").saturating_mul(side("height")),
                side("file_size"),
            )
        };
        sizes
            .max_by_key(area)
            .is_some_and(|largest| self.file(largest, "image/jpeg"))
    }

    fn file(&mut self, value: &Value, media_type: &str) -> bool {
        let Some(file_id) = text(value, "file_id") else {
            return false;
        };
        let size = number(value, "file_size").unwrap_or_default();
        let declared = text(value, "mime_type").unwrap_or(media_type);
        self.files.push(Media {
            file_id: file_id.to_owned(),
            attachment: Attachment {
                name: text(value, "file_name").map(ToOwned::to_owned),
                media_type: declared.to_lowercase(),
                size: usize::try_from(size).unwrap_or_default(),
            },
        });
        true
    }
}

fn sticker_type(sticker: &Value) -> &'static str {
    let is = |key| sticker.get(key).and_then(Value::as_bool) == Some(true);
    match (is("is_animated"), is("is_video")) {
        (true, _) => "application/x-tgsticker",
        (false, true) => "video/webm",
        (false, false) => "image/webp",
    }
}

fn lasting(value: &Value) -> String {
    number(value, "duration").map_or_else(String::new, |seconds| format!("{seconds} s long"))
}

fn position(location: &Value) -> String {
    let coordinate = |key| location.get(key).and_then(Value::as_f64);
    match (coordinate("latitude"), coordinate("longitude")) {
        (Some(latitude), Some(longitude)) => {
            format!("latitude {latitude}, longitude {longitude}")
        }
        _ => String::new(),
    }
}

fn joined(parts: &[Option<&str>]) -> String {
    let parts: Vec<&str> = parts.iter().flatten().copied().collect();
    parts.join(", ")
}
