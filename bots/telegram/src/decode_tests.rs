use super::*;
use serde_json::json;

fn read(kind: &str, body: Value) -> InboundMessage {
    let update = json!({"update_id": 1, kind: body});
    decode(update.to_string().as_bytes()).unwrap()
}

fn said(fields: Value) -> InboundMessage {
    let mut message = json!({
        "message_id": 7, "date": 1_700_000_000, "chat": {"id": 42, "type": "private", "first_name": "Aoi"},
        "from": {"id": 42, "is_bot": false, "first_name": "Aoi", "last_name": "Example", "language_code": "ja"},
    });
    let more = fields.as_object().cloned().unwrap_or_default();
    message.as_object_mut().unwrap().extend(more);
    read("message", message)
}

fn command_of(text: &str) -> Option<(String, String)> {
    let command = said(json!({"text": text})).chat?.command?;
    Some((command.name, command.argument))
}

#[test]
fn a_message_names_its_person_its_chat_and_itself() {
    let message = said(json!({"text": "在留資格について"}));
    let from = message.from.unwrap();
    assert_eq!(
        (from.address.as_str(), from.name.as_deref()),
        ("42", Some("Aoi Example"))
    );
    assert_eq!(message.message_id.as_deref(), Some("42/7"));
    assert_eq!(
        (message.text.as_str(), message.reply_text.as_str()),
        ("在留資格について", "在留資格について")
    );
    assert_eq!(message.lang_hint.as_deref(), Some("ja"));
    assert_eq!(
        message.sent_at.map(|at| at.as_second()),
        Some(1_700_000_000)
    );
    let chat = message.chat.unwrap();
    assert_eq!(
        chat,
        ChatArrival {
            conversation: "42".into(),
            ..ChatArrival::default()
        }
    );
    assert!(message.problems.is_empty() && message.marks.is_empty());
}

#[test]
fn commands_are_read_as_people_write_them() {
    let is = |name: &str, argument: &str| Some((name.to_owned(), argument.to_owned()));
    assert_eq!(command_of("/status@desk_bot A-17"), is("status", "A-17"));
    assert_eq!(
        command_of("/START  from\nleaflet "),
        is("start", "from\nleaflet")
    );
    assert_eq!(command_of("/help"), is("help", ""));
    assert_eq!(
        command_of("/language\u{3000}日本語"),
        is("language", "日本語")
    );
    for text in [
        "/",
        "/ help",
        "/etc/passwd",
        "/日本語",
        "//help",
        "a /help",
        "/status@",
        "/@bot",
    ] {
        assert_eq!(command_of(text), None, "{text}");
    }
    let message = said(json!({"text": "/status@desk_bot A-17"}));
    assert_eq!(message.text, "/status@desk_bot A-17");
}

#[test]
fn a_link_hidden_under_words_is_shown() {
    let message = said(
        json!({"text": "𠮷野家 is here, see https://a.example", "entities": [
            {"type": "text_link", "offset": 0, "length": 4, "url": "https://shop.example/"},
            {"type": "text_link", "offset": 20, "length": 17, "url": "https://a.example/"},
            {"type": "text_link", "offset": 900, "length": 9000000000000000000_i64, "url": "https://far.example/"},
            {"type": "bold", "offset": 0, "length": 4}, {"type": "text_link"}, 5,
        ]}),
    );
    assert_eq!(
        message.text,
        "𠮷野家 (https://shop.example/) is here, see https://a.example"
    );
}

#[test]
fn a_forwarded_text_is_text_and_a_caption_too() {
    let origin = json!({"type": "hidden_user", "date": 5, "sender_user_name": "Somebody"});
    assert_eq!(
        said(json!({"text": "see this", "forward_origin": origin})).text,
        "see this"
    );
    let document = json!({"file_id": "f", "file_unique_id": "u", "file_name": "申請書.pdf", "mime_type": "Application/PDF", "file_size": 12});
    let message = said(json!({"caption": "my form", "document": document}));
    assert_eq!(message.text, "my form");
    let attachment = &message.attachments[0];
    assert_eq!(attachment.name.as_deref(), Some("申請書.pdf"));
    assert_eq!(
        (attachment.media_type.as_str(), attachment.size),
        ("application/pdf", 12)
    );
}

#[test]
fn one_file_is_one_attachment_however_often_it_is_named() {
    let clip =
        json!({"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1, "duration": 2});
    assert_eq!(
        said(json!({"animation": clip, "document": clip}))
            .attachments
            .len(),
        1
    );
    let live = json!({"file_id": "v", "photo": [{"file_id": "p", "width": 5, "height": 5}]});
    assert_eq!(
        said(json!({"live_photo": live, "photo": live["photo"]}))
            .attachments
            .len(),
        1
    );
    assert_eq!(said(json!({"live_photo": live})).attachments.len(), 1);
    let venue = json!({"location": {"latitude": 1.5, "longitude": 2.5}, "title": "Hall", "address": "1 Example Street"});
    let message = said(json!({"venue": venue, "location": venue["location"]}));
    assert_eq!(
        message.problems,
        ["A place was sent: Hall, 1 Example Street."]
    );
}

#[test]
fn what_is_not_known_is_said_to_be_there() {
    let message = said(json!({"hologram": {"file_id": "f"}, "effect_id": "1"}));
    assert_eq!(
        message.problems,
        ["A message of a kind that cannot be shown was sent: hologram."]
    );
    assert_eq!(said(json!({"photo": "not a list"})).problems.len(), 1);
    assert_eq!(said(json!({})).problems.len(), 1);
    let rich = json!({"blocks": [{"type": "paragraph", "text": "Good morning"}]});
    let message = said(json!({"rich_message": rich}));
    assert_eq!(
        (message.text.as_str(), message.problems.len()),
        ("Good morning", 0)
    );
}

#[test]
fn a_press_under_a_message_that_is_gone_is_a_press() {
    let gone = json!({"chat": {"id": 42, "type": "private"}, "message_id": 9, "date": 0});
    let user = json!({"id": 42, "is_bot": false, "first_name": "Aoi"});
    let message = read(
        "callback_query",
        json!({"id": "q", "from": user, "message": gone, "data": "k:1"}),
    );
    let press = message.chat.unwrap().pressed.unwrap();
    assert_eq!(
        (press.key.as_str(), press.under.as_deref()),
        ("k:1", Some("42/9"))
    );
    assert_eq!((message.text.as_str(), message.message_id), ("", None));
}

#[test]
fn a_machine_is_marked_and_a_person_without_a_name_has_an_account() {
    let bot = json!({"id": 42, "is_bot": true, "first_name": " ", "username": "other_bot"});
    let message = said(json!({"text": "beep", "from": bot}));
    assert_eq!(message.marks[0].reason, "bot-account");
    assert_eq!(message.from.unwrap().name.as_deref(), Some("@other_bot"));
}

#[test]
fn an_edited_command_is_not_given_again() {
    let body = json!({"message_id": 7, "date": 5, "edit_date": 9, "text": "/delete", "chat": {"id": 42, "type": "private"}});
    let chat = read("edited_message", body).chat.unwrap();
    assert_eq!(chat.command, None);
    assert_eq!(chat.alters.unwrap().message_id, "42/7");
}

#[test]
fn bytes_that_are_no_update_are_refused_in_words() {
    for bytes in [
        &b""[..],
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"{\"update_id\":1,\"poll\":{}}",
    ] {
        assert!(decode(bytes).is_err());
        assert!(media(bytes).is_empty());
    }
}

proptest::proptest! {
    /// Whatever stands in the fields of a message, it is decoded.
    #[test]
    fn nothing_in_a_message_makes_it_fail(
        field in proptest::sample::select(vec!["photo", "document", "voice", "sticker", "contact", "location", "venue", "poll",
            "entities", "from", "reply_to_message", "rich_message", "text", "date", "media_group_id", "message_id"]),
        inner in proptest::sample::select(vec!["file_id", "file_size", "offset", "duration", "latitude", "first_name", "blocks", "x"]),
        value in proptest::sample::select(vec![json!(null), json!(true), json!(-1), json!(1e300), json!("é"), json!([]), json!({})]),
    ) {
        for body in [value.clone(), json!({inner: value}), json!([{inner: value}]), json!([[value]])] {
            let message = said(json!({field: body}));
            proptest::prop_assert!(message.chat.is_some());
        }
    }
}
