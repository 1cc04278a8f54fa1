use super::*;
use serde_json::json;

/// A stored arrival from an event and its content.
fn read(event: &str, data: Value) -> InboundMessage {
    decode(&arrival::wrap(event, &data.to_string(), None)).unwrap()
}

fn said_with(more: Value) -> Value {
    let mut data = json!({
        "id": "1400000000000000001", "channel_id": "1400000000000000000", "type": 0, "content": "",
        "author": {"id": "1300000000000000000", "username": "hana.mori", "global_name": "Hana Mori"},
        "timestamp": "2026-11-20T01:02:03.456000+00:00", "edited_timestamp": null, "attachments": [],
    });
    for (field, value) in more.as_object().unwrap() {
        data[field] = value.clone();
    }
    data
}

#[test]
fn a_picture_without_text_is_an_inquiry_with_an_attachment() {
    let message = read(
        arrival::MESSAGE,
        said_with(json!({"attachments": [{
            "id": "5", "filename": "IMG_0001.heic", "size": 1234, "content_type": "image/heic",
            "url": "https://cdn.discordapp.com/attachments/1/5/IMG_0001.heic?ex=1",
        }]})),
    );
    assert_eq!(message.text, "");
    assert!(message.problems.is_empty());
    assert_eq!(message.attachments.len(), 1);
    assert_eq!(message.attachments[0].media_type, "image/heic");
    assert_eq!(message.attachments[0].size, 1234);
}

#[test]
fn a_sticker_is_described_and_shown_where_it_is_a_picture() {
    let sticker = |format: u64| {
        read(
            arrival::MESSAGE,
            said_with(
                json!({"sticker_items": [{"id": "77", "name": "Thanks", "format_type": format}]}),
            ),
        )
    };
    for (format, kind) in [
        (1, Some("image/png")),
        (4, Some("image/gif")),
        (3, None),
        (99, None),
    ] {
        let message = sticker(format);
        assert_eq!(message.problems, ["The message is a sticker: \"Thanks\"."]);
        let found = message
            .attachments
            .first()
            .map(|file| file.media_type.as_str());
        assert_eq!(found, kind, "{format}");
    }
}

#[test]
fn a_voice_note_is_described_and_comes_as_a_file() {
    let message = read(
        arrival::MESSAGE,
        said_with(json!({"flags": 8192, "attachments": [{
            "id": "5", "filename": "voice-message.ogg", "size": 9, "content_type": "audio/ogg", "duration_secs": 4.2,
            "url": "https://cdn.discordapp.com/attachments/1/5/voice-message.ogg",
        }]})),
    );
    assert_eq!(
        message.problems,
        ["The message is a voice note of 4 seconds."]
    );
    assert_eq!(message.attachments.len(), 1);
}

#[test]
fn a_forwarded_message_is_read_with_its_files() {
    let message = read(
        arrival::MESSAGE,
        said_with(json!({
            "message_reference": {"type": 1, "message_id": "3", "channel_id": "2"},
            "message_snapshots": [{"message": {"content": "the notice", "attachments": [{
                "id": "5", "filename": "notice.pdf", "size": 9, "content_type": "application/pdf",
                "url": "https://cdn.discordapp.com/attachments/1/5/notice.pdf",
            }]}}],
        })),
    );
    assert_eq!(message.text, "the notice");
    assert_eq!(message.attachments.len(), 1);
    assert!(message.in_reply_to.is_empty());
    assert_eq!(
        message.problems,
        ["The person forwarded a message from elsewhere."]
    );
}

#[test]
fn an_answer_names_what_it_answers() {
    let message = read(
        arrival::MESSAGE,
        said_with(json!({
            "type": 19, "content": "this one", "message_reference": {"message_id": "3", "channel_id": "1400000000000000000"},
        })),
    );
    assert_eq!(message.in_reply_to, ["1400000000000000000/3"]);
    assert_eq!(message.sent_at, "2026-11-20T01:02:03.456Z".parse().ok());
}

#[test]
fn a_poll_is_read_as_its_question() {
    let message = read(
        arrival::MESSAGE,
        said_with(
            json!({"poll": {"question": {"text": "Which day?"}, "answers": [
                {"answer_id": 1, "poll_media": {"text": "Monday"}}, {"answer_id": 2, "poll_media": {"text": "Friday"}},
            ]}}),
        ),
    );
    assert_eq!(message.text, "Which day?\nMonday\nFriday");
    assert_eq!(message.problems.len(), 1);
}

#[test]
fn only_what_looks_like_a_command_is_one() {
    for (text, command) in [
        ("/status", Some(("status", ""))),
        (" /Status  MD-1 ", Some(("status", "MD-1"))),
        ("/help\nplease", Some(("help", "please"))),
        ("/", None),
        ("/etc/hosts", None),
        ("/2026", None),
        ("/ヘルプ", None),
        ("and/or", None),
    ] {
        let message = read(arrival::MESSAGE, said_with(json!({"content": text})));
        let found = message.chat.unwrap().command;
        let found = found
            .as_ref()
            .map(|c| (c.name.as_str(), c.argument.as_str()));
        assert_eq!(found, command, "{text}");
        assert_eq!(message.text, text);
    }
}

fn interaction_with(more: Value) -> Value {
    let mut data = json!({
        "id": "1400000000000000009", "application_id": "1200000000000000000", "token": "dG9rZW4", "locale": "ja",
        "channel_id": "1400000000000000000", "context": 1, "channel": {"id": "1400000000000000000", "type": 1},
        "user": {"id": "1300000000000000000", "username": "hana.mori", "global_name": null},
    });
    for (field, value) in more.as_object().unwrap() {
        data[field] = value.clone();
    }
    data
}

#[test]
fn a_form_is_read_in_the_old_and_the_new_layout() {
    for components in [
        json!([{"type": 1, "components": [{"type": 4, "custom_id": "text", "value": " A question "}]}]),
        json!([{"type": 18, "component": {"type": 4, "custom_id": "text", "value": "A question"}}]),
    ] {
        let data = json!({"type": 5, "data": {"custom_id": "ask", "components": components}});
        let message = read(arrival::INTERACTION, interaction_with(data));
        assert_eq!(message.text, "A question");
        assert_eq!(message.from.unwrap().name.as_deref(), Some("hana.mori"));
        assert_eq!(message.lang_hint.as_deref(), Some("ja"));
    }
}

#[test]
fn a_member_of_a_server_has_the_name_used_there() {
    let data = json!({
        "type": 2, "context": 0, "guild_id": "4", "data": {"name": "human", "options": []},
        "member": {"nick": "Hana (applicant)", "user": {"id": "1300000000000000000", "username": "hana.mori"}}, "user": null,
    });
    let message = read(arrival::INTERACTION, interaction_with(data));
    assert_eq!(
        message.from.unwrap().name.as_deref(),
        Some("Hana (applicant)")
    );
    let chat = message.chat.unwrap();
    assert_eq!(chat.command.unwrap().name, "human");
    assert_eq!(chat.conversation, "1300000000000000000");
    let handle = chat.reply_handle.unwrap();
    assert_eq!(handle.value, "1200000000000000000/command/dG9rZW4");
    assert!(!format!("{handle:?}").contains("dG9rZW4"));
}

#[test]
fn the_same_bytes_give_the_same_message() {
    let data =
        interaction_with(json!({"type": 3, "data": {"custom_id": "k"}, "message": {"id": "8"}}));
    let bytes = arrival::wrap(arrival::INTERACTION, &data.to_string(), None);
    let once = decode(&bytes).unwrap();
    assert!(once == decode(&bytes).unwrap());
    let press = once.chat.unwrap().pressed.unwrap();
    assert_eq!(press.under.as_deref(), Some("1400000000000000000/8"));
}

#[test]
fn whatever_comes_nothing_panics_and_nothing_of_it_is_told() {
    for bytes in [
        &b""[..],
        b"{",
        b"[]",
        b"null",
        b"{\"t\":\"MESSAGE_CREATE\"}",
        b"\xff\xfe",
    ] {
        let error = decode(bytes).unwrap_err();
        assert!(error.reason.len() < 100);
    }
    assert!(decode(br#"{"t":"GUILD_CREATE","d":{"name":"secret"}}"#).is_err());
    // Every field missing, and every field of another type than it should be.
    let odd = [
        json!(null),
        json!(5),
        json!("text"),
        json!([1, {"a": []}]),
        json!({"b": {}}),
        json!(-1.5),
    ];
    for event in [
        arrival::MESSAGE,
        arrival::EDITED,
        arrival::DELETED,
        arrival::INTERACTION,
    ] {
        assert!(decode(&arrival::wrap(event, "{}", None)).is_ok());
        let whole = interaction_with(said_with(json!({
            "data": {"custom_id": "x", "components": [], "values": [], "options": [], "name": "n"},
            "message_reference": {}, "message_snapshots": [], "sticker_items": [], "flags": 0, "poll": {}, "member": {},
        })));
        for field in whole.as_object().unwrap().keys() {
            for value in &odd {
                let mut broken = whole.clone();
                broken[field] = value.clone();
                for kind in [2, 3, 5, 7] {
                    broken["type"] = json!(kind);
                    let _ = decode(&arrival::wrap(event, &broken.to_string(), None));
                }
            }
        }
    }
}
