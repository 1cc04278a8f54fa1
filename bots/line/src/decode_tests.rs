//! Events in invented words, with invented ids.

use super::*;
use serde_json::json;

const USER: &str = "U0123456789abcdef0123456789abcdef";

fn event(kind: &str, more: Value) -> Vec<u8> {
    let mut event = json!({
        "type": kind, "mode": "active", "timestamp": 1_790_000_000_000_i64, "webhookEventId": "01KA0000000000000000000000",
        "deliveryContext": {"isRedelivery": false}, "source": {"type": "user", "userId": USER},
    });
    for (key, value) in more.as_object().unwrap() {
        event[key] = value.clone();
    }
    json!({"destination": "Uffffffffffffffffffffffffffffffff", "event": event})
        .to_string()
        .into_bytes()
}

fn message(content: Value) -> InboundMessage {
    decode(&event(
        "message",
        json!({"replyToken": "r1", "message": content}),
    ))
    .unwrap()
}

fn text(words: &str) -> InboundMessage {
    message(json!({"type": "text", "id": "501", "text": words, "quoteToken": "q"}))
}

fn chat(message: &InboundMessage) -> &ChatArrival {
    message.chat.as_ref().unwrap()
}

#[test]
fn a_text_is_taken_as_it_was_written() {
    let words = "  書類はいつ届きますか。($) @窓口\n2行目 👨‍👩‍👧 ";
    let got = text(words);
    assert_eq!(got.text, words);
    assert_eq!(got.reply_text, words);
    assert_eq!(got.message_id.as_deref(), Some("501"));
    let from = got.from.clone().unwrap();
    assert_eq!((from.address.as_str(), from.name), (USER, None));
    assert_eq!(chat(&got).conversation, USER);
    assert!(!chat(&got).public);
    assert_eq!(got.lang_hint, None);
    assert!(got.problems.is_empty() && got.attachments.is_empty());
    assert_eq!(
        got.sent_at,
        Timestamp::from_millisecond(1_790_000_000_000).ok()
    );
}

#[test]
fn a_reply_token_is_used_for_fifty_seconds_from_the_event() {
    let handle = chat(&text("x")).reply_handle.clone().unwrap();
    assert_eq!(handle.value, "r1");
    assert_eq!(handle.until.as_millisecond(), 1_790_000_050_000);
    let silent = decode(&event("unfollow", json!({}))).unwrap();
    assert_eq!(chat(&silent).reply_handle, None);
}

#[test]
fn a_quoted_message_is_the_one_answered() {
    let got = message(
        json!({"type": "text", "id": "502", "text": "yes", "quoteToken": "q", "quotedMessageId": "499"}),
    );
    assert_eq!(got.in_reply_to, ["499"]);
}

#[test]
fn words_that_look_like_a_command_are_one_and_stay_a_text() {
    for (words, name, argument) in [
        ("/status", "status", ""),
        ("/Status  42 7 ", "status", "42 7"),
        ("／human\n今すぐ", "human", "今すぐ"),
        (" /delete_me", "delete_me", ""),
    ] {
        let got = text(words);
        let command = chat(&got).command.clone().unwrap();
        assert_eq!(
            (command.name.as_str(), command.argument.as_str()),
            (name, argument)
        );
        assert_eq!(got.text, words);
    }
    for words in [
        "/",
        "/3 days",
        "/etc/hosts",
        "/状況",
        "a /status",
        "//x",
        "/x",
        "status",
    ] {
        assert_eq!(chat(&text(words)).command, None, "{words}");
    }
}

#[test]
fn a_pressed_button_gives_its_key_unchanged() {
    let key = "t:7f3a/solved=1&x=%20";
    let got = decode(&event(
        "postback",
        json!({"replyToken": "r2", "postback": {"data": key}}),
    ))
    .unwrap();
    let press = chat(&got).pressed.clone().unwrap();
    assert_eq!((press.key.as_str(), press.under), (key, None));
    assert_eq!(got.text, "");
    assert!(chat(&got).reply_handle.is_some());
}

#[test]
fn coming_going_and_taking_back_are_told() {
    let came = decode(&event(
        "follow",
        json!({"replyToken": "r", "follow": {"isUnblocked": true}}),
    ))
    .unwrap();
    assert_eq!(chat(&came).presence, Some(Presence::Came));
    let went = decode(&event("unfollow", json!({}))).unwrap();
    assert_eq!(chat(&went).presence, Some(Presence::Went));
    let unsent = decode(&event("unsend", json!({"unsend": {"messageId": "501"}}))).unwrap();
    let alteration = chat(&unsent).alters.clone().unwrap();
    assert_eq!(alteration.message_id, "501");
    assert_eq!(alteration.kind, AlterationKind::Deleted);
}

#[test]
fn a_picture_without_a_word_is_an_inquiry_with_a_file() {
    let content = json!({"type": "image", "id": "510", "quoteToken": "q", "contentProvider": {"type": "line"},
                         "imageSet": {"id": "set-1", "index": 1, "total": 2}});
    let got = message(content.clone());
    assert_eq!(got.attachments.len(), 1);
    assert_eq!(got.attachments[0].media_type, "image/jpeg");
    assert_eq!(chat(&got).group.as_deref(), Some("set-1"));
    assert!(got.problems.is_empty());
    let bytes = event("message", json!({"message": content}));
    assert_eq!(files(&bytes).unwrap(), [File::AtLine("510".into())]);
}

#[test]
fn a_file_keeps_its_name_and_size() {
    let got =
        message(json!({"type": "file", "id": "511", "fileName": "申請書.pdf", "fileSize": 2048}));
    let file = &got.attachments[0];
    assert_eq!(
        (file.name.as_deref(), file.size),
        (Some("申請書.pdf"), 2048)
    );
}

#[test]
fn what_cannot_be_read_is_described_in_a_line() {
    for (content, words, files_held) in [
        (
            json!({"type": "audio", "id": "1", "duration": 12_400, "contentProvider": {"type": "line"}}),
            "voice recording of 13 s",
            1,
        ),
        (
            json!({"type": "video", "id": "1", "duration": 5_000, "contentProvider": {"type": "line"}}),
            "video of 5 s",
            1,
        ),
        (
            json!({"type": "sticker", "id": "1", "packageId": "1", "stickerId": "2", "keywords": ["thanks", "bow"]}),
            "sticker (thanks, bow)",
            0,
        ),
        (
            json!({"type": "location", "id": "1", "title": "市役所", "address": "1-1", "latitude": 35.6812, "longitude": 139.7671}),
            "place: 市役所; 1-1; 35.68120, 139.76710",
            0,
        ),
        (
            json!({"type": "hologram<b>", "id": "1"}),
            "not known here (hologramb)",
            0,
        ),
        (json!({}), "not known here (unnamed)", 0),
    ] {
        let got = message(content.clone());
        assert_eq!(got.problems.len(), 1, "{content}");
        assert!(got.problems[0].contains(words), "{:?}", got.problems);
        assert_eq!(got.attachments.len(), files_held);
        let bytes = event("message", json!({"message": content}));
        assert_eq!(files(&bytes).unwrap().len(), files_held);
    }
}

#[test]
fn words_on_a_sticker_are_a_text() {
    let got = message(
        json!({"type": "sticker", "id": "1", "packageId": "1", "stickerId": "2", "text": "よろしく"}),
    );
    assert_eq!(got.text, "よろしく");
}

#[test]
fn a_file_at_an_address_somebody_gave_is_listed_but_never_fetched() {
    let content = json!({"type": "image", "id": "512", "contentProvider":
        {"type": "external", "originalContentUrl": "https://example.com/a.jpg"}});
    let got = message(content.clone());
    assert_eq!(got.attachments.len(), 1);
    assert!(got.problems[0].contains("another server"));
    let bytes = event("message", json!({"message": content}));
    assert_eq!(files(&bytes).unwrap(), [File::Elsewhere]);
}

#[test]
fn an_unknown_event_and_a_nameless_sender_are_still_a_message() {
    let got = decode(&event("telepathy", json!({"source": {"type": "user"}}))).unwrap();
    assert_eq!(got.from, None);
    assert_eq!(got.problems.len(), 2);
}

#[test]
fn what_is_no_event_is_refused_without_repeating_it() {
    for bytes in [&b""[..], b"{", b"[]", b"{}", br#"{"event":3}"#, b"\xff\xfe"] {
        assert!(!decode(bytes).unwrap_err().reason.is_empty());
        assert!(files(bytes).is_err());
    }
}

proptest::proptest! {
    #[test]
    fn no_event_however_odd_breaks_decoding(kind in "[a-z]{0,9}", content in "\\PC{0,40}", number in proptest::num::i64::ANY) {
        for shape in [json!(content), json!(number), json!([content]), json!({"type": content, "id": number}), Value::Null] {
            let bytes = event(&kind, json!({"timestamp": number, "message": shape, "postback": shape, "unsend": shape,
                                            "source": shape, "replyToken": shape}));
            proptest::prop_assert!(decode(&bytes).is_ok());
            proptest::prop_assert!(files(&bytes).is_ok());
        }
    }
}
