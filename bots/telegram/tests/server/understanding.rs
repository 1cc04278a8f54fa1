//! What people do in a chat, as the desk is told of it; and their files.

use crate::world::*;
use madoguchi_channel::{AlterationKind, Channel, ChatDeparture, Choice, Presence};
use madoguchi_fake_telegram::{Contents, FakeTelegram, Fault};
use serde_json::json;

#[tokio::test]
async fn a_pressed_button_comes_back_with_its_key_and_stops_turning() {
    let fake = FakeTelegram::start().await;
    let (door, chat) = (MemoryDoor::new(), channel(config(&fake)));
    fake.say(MINH, "hello");
    let running = Running::start(chat.clone(), &door);
    door.wait_for(1).await;
    let mut answer = message("m1", MINH, "Did this help?");
    let key = "solved:01J9ZK3V5W:".repeat(3);
    answer.chat = Some(ChatDeparture {
        choices: vec![Choice {
            key: key.clone(),
            label: "はい".into(),
        }],
        ..ChatDeparture::default()
    });
    let receipt = chat.send(&answer).await.unwrap();
    let sent = fake.next_sent(MINH).await;
    assert_eq!(sent.keys(), [key.as_str()]);
    fake.press(MINH, sent.message_id, &key);
    door.wait_for(2).await;
    fake.wait_presses_answered().await;
    let pressed = door.messages(&chat).pop().unwrap();
    let press = pressed.chat.unwrap().pressed.unwrap();
    assert_eq!(press.key, key);
    assert_eq!(press.under.as_ref(), receipt.server_ids.first());
    assert_eq!(pressed.in_reply_to, receipt.server_ids);
    running.stop().await;
    fake.assert_clean();
}

#[tokio::test]
async fn a_press_that_cannot_be_answered_is_taken_all_the_same() {
    let fake = FakeTelegram::start().await;
    let (door, chat) = (MemoryDoor::new(), channel(config(&fake)));
    fake.say(MINH, "hello");
    let mut question = message("m1", MINH, "Which of these?");
    question.chat = Some(ChatDeparture {
        choices: vec![Choice {
            key: "a".into(),
            label: "A".into(),
        }],
        ..ChatDeparture::default()
    });
    chat.send(&question).await.unwrap();
    fake.press(MINH, fake.next_sent(MINH).await.message_id, "a");
    fake.fail("answerCallbackQuery", Fault::CutBefore, 1);
    assert_eq!(chat.receive_once(door.clone()).await.unwrap(), 2);
    assert_eq!(fake.unanswered_presses(), 1);
    fake.assert_clean();
}

#[tokio::test]
async fn edits_answers_commands_and_blocks_are_told_apart() {
    let fake = FakeTelegram::start().await;
    let (door, chat) = (MemoryDoor::new(), channel(config(&fake)));
    fake.say(MINH, "/start from_leaflet");
    let question = fake.say(MINH, "How long does it take?");
    fake.edit(MINH, question, "How long does the visa take?");
    fake.edit(MINH, question, "How long does the visa take now?");
    fake.reply(MINH, question, "I mean the visa");
    fake.block(MINH);
    fake.unblock(MINH);
    assert_eq!(chat.receive_once(door.clone()).await.unwrap(), 7);
    let all = door.messages(&chat);
    let of = |index: usize| all[index].chat.clone().unwrap();
    let start = of(0).command.unwrap();
    assert_eq!(
        (start.name.as_str(), start.argument.as_str()),
        ("start", "from_leaflet")
    );
    let original = all[1].message_id.clone().unwrap();
    assert_eq!(original, format!("{MINH}/{question}"));
    for (index, text) in [
        (2, "How long does the visa take?"),
        (3, "How long does the visa take now?"),
    ] {
        let change = of(index).alters.unwrap();
        assert_eq!(
            (change.message_id.as_str(), change.kind),
            (original.as_str(), AlterationKind::Edited)
        );
        assert_eq!(all[index].text, text);
    }
    assert_eq!(all[4].in_reply_to, [original]);
    assert_eq!(of(5).presence, Some(Presence::Went));
    assert_eq!(of(6).presence, Some(Presence::Came));
    fake.assert_clean();
}

#[tokio::test]
async fn pictures_documents_and_albums_are_fetched() {
    let fake = FakeTelegram::start().await;
    let (door, chat) = (MemoryDoor::new(), channel(config(&fake)));
    fake.send(MINH, Contents::Photo(b"the largest".to_vec()), None);
    let page = |name: &str| Contents::Document(name.into(), "application/pdf".into(), name.into());
    fake.album(MINH, vec![page("一頁.pdf"), page("二頁.pdf")], "My papers");
    assert_eq!(chat.receive_once(door.clone()).await.unwrap(), 3);
    let all = door.messages(&chat);
    assert_eq!((all[0].text.as_str(), all[0].attachments.len()), ("", 1));
    assert_eq!(all[0].attachments[0].media_type, "image/jpeg");
    assert_eq!(all[0].attachments[0].size, "the largest".len());
    assert_eq!(
        (all[1].text.as_str(), all[2].text.as_str()),
        ("My papers", "")
    );
    let group = |index: usize| all[index].chat.clone().unwrap().group;
    assert!(group(1).is_some() && group(1) == group(2) && group(0).is_none());
    let mut files = Vec::new();
    for raw in door.arrivals() {
        files.extend(chat.fetch(&raw.bytes).await.unwrap());
    }
    let expected = ["the largest", "一頁.pdf", "二頁.pdf"].map(|text| Ok(text.as_bytes().to_vec()));
    assert_eq!(files, expected);
    fake.assert_clean();
}

#[tokio::test]
async fn voices_stickers_places_and_contacts_are_described() {
    let fake = FakeTelegram::start().await;
    let (door, chat) = (MemoryDoor::new(), channel(config(&fake)));
    fake.send(MINH, Contents::Voice(b"sound".to_vec()), None);
    fake.send(MINH, Contents::Sticker(b"webp".to_vec()), None);
    let place = json!({"latitude": 35.5, "longitude": 139.25});
    fake.send(MINH, Contents::Other("location".into(), place), None);
    let contact = json!({"phone_number": "+81 3 0000 0000", "first_name": "Somebody"});
    fake.send(MINH, Contents::Other("contact".into(), contact), None);
    let dice = json!({"emoji": "🎲", "value": 3});
    fake.send(MINH, Contents::Other("dice".into(), dice), None);
    assert_eq!(chat.receive_once(door.clone()).await.unwrap(), 5);
    let told: Vec<(String, usize)> = door
        .messages(&chat)
        .into_iter()
        .map(|message| (message.problems.join("|"), message.attachments.len()))
        .collect();
    let expected = [
        ("A voice note was sent: 12 s long.", 1),
        ("A sticker was sent: 👋.", 1),
        ("A location was sent: latitude 35.5, longitude 139.25.", 0),
        ("A contact was sent: Somebody, +81 3 0000 0000.", 0),
        ("A dice was thrown.", 0),
    ];
    assert_eq!(
        told,
        expected.map(|(words, files)| (words.to_owned(), files))
    );
    fake.assert_clean();
}

#[tokio::test]
async fn a_file_that_cannot_be_had_is_told_from_one_that_cannot_be_had_now() {
    let fake = FakeTelegram::start().await;
    let door = MemoryDoor::new();
    let mut small = config(&fake);
    small.max_file_bytes = 1_000;
    let chat = channel(small);
    let file = Contents::Document("a.bin".into(), "application/zip".into(), vec![7; 2_000]);
    fake.send(MINH, file, Some("here"));
    chat.receive_once(door.clone()).await.unwrap();
    let raw = door.arrivals().remove(0);

    let told = chat.fetch(&raw.bytes).await.unwrap().remove(0).unwrap_err();
    assert!(told.contains("larger"), "{told}");
    assert!(
        fake.requests("getFile").is_empty(),
        "the size was known before"
    );

    // The server names no true size: the limit holds while the file comes.
    let claimed = String::from_utf8(raw.bytes.clone())
        .unwrap()
        .replace("2000", "20");
    let told = chat
        .fetch(claimed.as_bytes())
        .await
        .unwrap()
        .remove(0)
        .unwrap_err();
    assert!(told.contains("larger"), "{told}");

    let large = channel(config(&fake));
    for fault in [Fault::CutBefore, Fault::BadGateway, Fault::TooMany(3)] {
        fake.fail("getFile", fault, 1);
        assert!(!large.fetch(&raw.bytes).await.unwrap_err().permanent);
    }
    for fault in [Fault::CutBefore, Fault::BadGateway] {
        fake.fail("download", fault, 1);
        let fault = large.fetch(&raw.bytes).await.unwrap_err();
        assert!(
            !fault.permanent && !fault.to_string().contains("invented_Key"),
            "{fault}"
        );
    }
    assert_eq!(large.fetch(&raw.bytes).await.unwrap(), [Ok(vec![7; 2_000])]);

    fake.tell_size(30 * 1024 * 1024);
    let told = large
        .fetch(&raw.bytes)
        .await
        .unwrap()
        .remove(0)
        .unwrap_err();
    assert!(told.contains("file is too big"), "{told}");
    fake.tell_size(2_000);
    fake.forget_files();
    let told = large
        .fetch(&raw.bytes)
        .await
        .unwrap()
        .remove(0)
        .unwrap_err();
    assert!(told.contains("does not have the file"), "{told}");
    fake.assert_clean();
}
