//! One call of LINE: is it genuine, and which arrivals are in it. Pure.

use base64::Engine as _;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use madoguchi_channel::{RawInbound, WebhookError};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Events that become arrivals. Everything else (groups, beacons, reads, account links …) is no message to a desk.
const TAKEN: [&str; 5] = ["message", "postback", "follow", "unfollow", "unsend"];

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow, default)]
    destination: Option<&'a RawValue>,
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

/// What must be known of an event to store it; the rest is understood later. Read leniently: an event must not be lost because
/// LINE changes a field that is not needed here.
struct Peek(Value);

impl Peek {
    fn text(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer).and_then(Value::as_str)
    }

    fn id(&self) -> Option<&str> {
        self.text("/webhookEventId").filter(|id| !id.is_empty())
    }

    /// One person alone with the account, and the account is ours to speak for (`standby`: another system has the chat).
    fn served(&self) -> bool {
        self.text("/type").is_some_and(|kind| TAKEN.contains(&kind))
            && self.text("/source/type") == Some("user")
            && self.text("/mode") != Some("standby")
    }
}

/// Checks the signature over the raw body, then takes the body apart into arrivals.
///
/// # Errors
/// A wrong or missing signature; a body that is no list of events.
pub fn admit(
    channel: &str,
    secret: &str,
    signature: Option<&str>,
    body: &[u8],
    now: Timestamp,
) -> Result<Vec<RawInbound>, WebhookError> {
    if !genuine(secret, signature, body) {
        return Err(WebhookError::Forged);
    }
    let call: Call = serde_json::from_slice(body).map_err(|_| WebhookError::Malformed)?;
    let destination = call.destination.map_or("null", RawValue::get);
    let mut arrivals = Vec::new();
    for event in call.events {
        let peek = Peek(serde_json::from_str(event.get()).unwrap_or_default());
        if !peek.served() {
            continue;
        }
        arrivals.push(RawInbound {
            channel: channel.to_owned(),
            external_id: external_id(&peek, event.get()),
            received_at: received_at(&peek, now),
            bytes: format!(r#"{{"destination":{destination},"event":{}}}"#, event.get())
                .into_bytes(),
            silent: false,
            renumbered: false,
        });
    }
    Ok(arrivals)
}

/// Compares in constant time, so that nobody learns a signature byte by byte.
fn genuine(secret: &str, signature: Option<&str>, body: &[u8]) -> bool {
    let Some(signature) = signature.and_then(|text| {
        base64::engine::general_purpose::STANDARD
            .decode(text.trim())
            .ok()
    }) else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return false;
    };
    mac.update(body);
    mac.verify_slice(&signature).is_ok()
}

/// LINE's id of the event, the same when it is delivered again. Old events had none: then the content is the id.
fn external_id(peek: &Peek, event: &str) -> String {
    match peek.id() {
        Some(id) => id.to_owned(),
        None => {
            let mut id = String::from("sha256-");
            for byte in Sha256::digest(event.as_bytes()) {
                // Writing to a string cannot fail.
                let _ = write!(id, "{byte:02x}");
            }
            id
        }
    }
}

/// LINE's own time of the event, which stays the same when it is delivered again after an outage of ours: the clocks of the
/// desk start when the person wrote. Never later than now.
fn received_at(peek: &Peek, now: Timestamp) -> Timestamp {
    peek.0
        .get("timestamp")
        .and_then(Value::as_i64)
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .map_or(now, |at| at.min(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "invented-secret";

    fn sign(body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
    }

    fn take(body: &str) -> Result<Vec<RawInbound>, WebhookError> {
        let now = "2026-11-20T00:00:00Z".parse().unwrap();
        admit("line", SECRET, Some(&sign(body)), body.as_bytes(), now)
    }

    fn event(kind: &str, source: &str, more: &str) -> String {
        format!(
            r#"{{"type":"{kind}","source":{{"type":"{source}","userId":"U1"}},"webhookEventId":"01E","timestamp":1790000000000{more}}}"#
        )
    }

    #[test]
    fn only_the_exact_body_with_its_signature_is_taken() {
        let now = Timestamp::UNIX_EPOCH;
        let body = r#"{"destination":"U0","events":[]}"#;
        assert_eq!(take(body), Ok(vec![]));
        let other = format!("{body} ");
        let cut = sign(body).trim_end_matches('=').to_owned();
        for (signature, body) in [
            (None, body),
            (Some(""), body),
            (Some("%%%"), body),
            (Some("AAAA"), body),
            (Some(cut.as_str()), body),
            (Some(sign(body).as_str()), other.as_str()),
        ] {
            assert_eq!(
                admit("line", SECRET, signature, body.as_bytes(), now),
                Err(WebhookError::Forged)
            );
        }
    }

    #[test]
    fn a_signed_body_that_is_no_list_of_events_is_malformed() {
        for body in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"events":{}}"#,
            r#"{"destination":"U0"}"#,
        ] {
            assert_eq!(take(body), Err(WebhookError::Malformed), "{body}");
        }
    }

    #[test]
    fn each_event_is_kept_as_it_came_under_lines_own_id() {
        let first = event(
            "message",
            "user",
            r#","message":{"type":"text","id":"1","text":"こんにちは  ","n":1.50}"#,
        );
        let second = event("follow", "user", "").replace("01E", "01F");
        let taken = take(&format!(
            r#"{{"destination":"U0","events":[{first},{second}]}}"#
        ))
        .unwrap();
        assert_eq!(taken.len(), 2);
        assert_eq!(taken[0].external_id, "01E");
        assert_eq!(taken[1].external_id, "01F");
        let kept = String::from_utf8(taken[0].bytes.clone()).unwrap();
        assert_eq!(kept, format!(r#"{{"destination":"U0","event":{first}}}"#));
        assert_eq!(taken[0].received_at.as_millisecond(), 1_790_000_000_000);
    }

    #[test]
    fn groups_other_events_and_chats_another_system_has_are_left_out() {
        let events = [
            event("message", "group", ""),
            event("message", "room", ""),
            event("beacon", "user", ""),
            event("message", "user", r#","mode":"standby""#),
            "7".to_owned(),
            r#"{"type":"message"}"#.to_owned(),
            event("unsend", "user", r#","mode":"active""#),
        ];
        let taken = take(&format!(r#"{{"events":[{}]}}"#, events.join(","))).unwrap();
        assert_eq!(taken.len(), 1);
    }

    #[test]
    fn an_event_without_an_id_is_named_by_its_content_and_never_lies_in_the_future() {
        let plain = event("message", "user", "")
            .replace(r#""webhookEventId":"01E","#, "")
            .replace("1790000000000", "32503680000000");
        let body = format!(r#"{{"events":[{plain}]}}"#);
        let taken = take(&body).unwrap();
        assert_eq!(taken, take(&body).unwrap());
        assert!(taken[0].external_id.starts_with("sha256-"));
        assert_eq!(taken[0].external_id.len(), 71);
        assert_eq!(
            taken[0].received_at,
            "2026-11-20T00:00:00Z".parse().unwrap()
        );
    }
}
