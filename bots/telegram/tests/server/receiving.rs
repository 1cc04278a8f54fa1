//! Updates by long polling: none lost, none twice, whatever breaks.

use crate::world::*;
use madoguchi_channel::Channel;
use madoguchi_fake_telegram::{FakeTelegram, Fault};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_message_is_stored_before_it_is_confirmed() {
    let fake = FakeTelegram::start().await;
    let (door, chat) = (MemoryDoor::new(), channel(config(&fake)));
    let running = Running::start(chat.clone(), &door);
    fake.person(MINH, "Minh", Some("vi"));
    let number = fake.say(MINH, "Tôi có thể gia hạn không?");
    door.wait_for(1).await;
    fake.wait_confirmed().await;
    let raw = &door.arrivals()[0];
    let bot = fake.token().split_once(':').unwrap().0;
    assert_eq!(raw.external_id, format!("{bot}/message/{MINH}/{number}"));
    let message = chat.decode(&raw.bytes).unwrap();
    assert_eq!(message.text, "Tôi có thể gia hạn không?");
    assert_eq!(message.lang_hint.as_deref(), Some("vi"));
    running.stop().await;
    fake.assert_clean();
}

#[tokio::test]
async fn a_restart_goes_on_where_the_last_run_stored() {
    let fake = FakeTelegram::start().await;
    let door = MemoryDoor::new();
    let first = Running::start(channel(config(&fake)), &door);
    fake.say(MINH, "one");
    door.wait_for(1).await;
    first.kill().await;
    fake.say(MINH, "two");
    fake.say(LAN, "three");
    let before = fake.requests("getUpdates").len();
    let chat = channel(config(&fake));
    let second = Running::start(chat.clone(), &door);
    door.wait_for(3).await;
    second.stop().await;
    assert_eq!(door.texts(&chat), ["one", "two", "three"]);
    assert_eq!(door.known(), 0, "the cursor spares what is stored");
    let asked = &fake.requests("getUpdates")[before];
    assert!(asked.body["offset"].is_i64(), "{asked:?}");
    fake.assert_clean();
}

#[tokio::test]
async fn without_a_cursor_what_is_stored_is_recognised() {
    let fake = FakeTelegram::start().await;
    let (door, chat) = (MemoryDoor::new(), channel(config(&fake)));
    fake.say(MINH, "one");
    fake.fail("getUpdates", Fault::CutAfter, 1);
    assert!(chat.receive_once(door.clone()).await.is_err());
    assert_eq!(chat.receive_once(door.clone()).await.unwrap(), 1);
    door.forget_cursors();
    fake.say(MINH, "two");
    assert_eq!(chat.receive_once(door.clone()).await.unwrap(), 1);
    assert_eq!(door.texts(&chat), ["one", "two"]);
    fake.assert_clean();
}

#[tokio::test]
async fn a_full_disk_leaves_updates_at_the_server() {
    let fake = FakeTelegram::start().await;
    let (door, chat) = (MemoryDoor::new(), channel(config(&fake)));
    door.set_full(true);
    let running = Running::start(chat.clone(), &door);
    fake.say(MINH, "kept");
    let told = door.wait_down("no space left").await;
    assert!(told.contains("free disk space"), "{told}");
    assert_eq!(fake.pending(), 1);
    door.set_full(false);
    door.wait_for(1).await;
    door.wait_up().await;
    fake.wait_confirmed().await;
    running.stop().await;
    fake.assert_clean();
}

#[tokio::test]
async fn an_update_nobody_knows_does_not_stop_the_others() {
    let fake = FakeTelegram::start().await;
    let (door, chat) = (MemoryDoor::new(), channel(config(&fake)));
    fake.push_raw("thing_of_the_year_2040", json!({"chat": {"id": 1}}));
    fake.push_raw("message", json!({"some fields are missing": true}));
    fake.push_raw("message", json!(17));
    let mut deep = json!("end");
    for _ in 0..200 {
        deep = json!([deep]);
    }
    fake.push_raw("message", json!({"message_id": 1, "deep": deep}));
    fake.say(MINH, "after them");
    assert_eq!(chat.receive_once(door.clone()).await.unwrap(), 1);
    assert_eq!(door.texts(&chat), ["after them"]);
    assert_eq!(fake.pending(), 0);
}

#[tokio::test]
async fn groups_are_neither_answered_nor_stored() {
    let fake = FakeTelegram::start().await;
    let (door, chat) = (MemoryDoor::new(), channel(config(&fake)));
    fake.say_in_group(MINH, "@desk_bot does anyone know?");
    assert_eq!(chat.receive_once(door.clone()).await.unwrap(), 0);
    assert_eq!((door.arrivals().len(), fake.pending()), (0, 0));
    assert!(fake.requests("sendMessage").is_empty());
    fake.assert_clean();
}

#[tokio::test]
async fn trouble_is_reported_and_passes_by_itself() {
    let faults = [
        (
            Fault::Refuse(500, "Internal Server Error"),
            "500 Internal Server Error",
        ),
        (Fault::BadGateway, "HTTP status 502"),
        (Fault::Garbage, "not the Bot API's"),
        (Fault::CutBefore, "the connection to the Bot API broke"),
        (Fault::TooMany(1), "Too Many Requests"),
        (
            Fault::Refuse(409, "Conflict: terminated by other getUpdates request"),
            "another program reads the updates",
        ),
        (Fault::NewForm(json!({"no": "list"})), "cannot be read"),
    ];
    for (fault, words) in faults {
        let fake = FakeTelegram::start().await;
        let (door, chat) = (MemoryDoor::new(), channel(config(&fake)));
        fake.say(MINH, "still there?");
        fake.fail("getUpdates", fault, 1);
        let running = Running::start(chat.clone(), &door);
        let told = door.wait_down(words).await;
        assert!(!told.contains("invented_Key"), "{told}");
        door.wait_for(1).await;
        door.wait_up().await;
        running.stop().await;
        fake.assert_clean();
    }
}

#[tokio::test]
async fn a_cut_network_is_waited_for() {
    let fake = FakeTelegram::start().await;
    let (door, chat) = (MemoryDoor::new(), channel(config(&fake)));
    let running = Running::start(chat.clone(), &door);
    fake.wait_requests("getUpdates", 1).await;
    fake.set_down(true);
    fake.say(MINH, "written while the network was cut");
    door.wait_down("the connection to the Bot API broke").await;
    fake.set_down(false);
    door.wait_for(1).await;
    running.stop().await;
    assert_eq!(door.arrivals().len(), 1);
    fake.assert_clean();
}

#[tokio::test]
async fn a_refused_token_ends_receiving_and_is_not_shown() {
    let fake = FakeTelegram::start().await;
    let (door, chat) = (MemoryDoor::new(), channel(config(&fake)));
    fake.revoke_token();
    let fault = Running::start(chat.clone(), &door)
        .ended()
        .await
        .unwrap_err();
    assert!(fault.permanent);
    let told = door.wait_down("BotFather").await;
    for words in [
        told,
        fault.to_string(),
        chat.check().await.unwrap_err().to_string(),
    ] {
        assert!(
            words.contains("Unauthorized") && !words.contains("invented_Key"),
            "{words}"
        );
    }
}

#[tokio::test]
async fn a_webhook_is_removed_and_what_waits_is_kept() {
    let fake = FakeTelegram::start().await;
    let (door, chat) = (MemoryDoor::new(), channel(config(&fake)));
    fake.hijack_webhook(Some("https://127.0.0.1:9/nobody-listens"));
    fake.say(MINH, "waiting");
    let lines = chat.check().await.unwrap();
    assert!(lines[1].contains("will be removed"), "{lines:?}");
    let running = Running::start(chat.clone(), &door);
    door.wait_for(1).await;
    assert_eq!(fake.webhook(), None);
    let removed = fake.requests("deleteWebhook");
    assert_eq!(removed[0].body, json!({"drop_pending_updates": false}));
    // Set by someone in the middle of the work, it is removed again.
    fake.hijack_webhook(Some("https://127.0.0.1:9/nobody-listens"));
    fake.say(MINH, "waiting too");
    door.wait_for(2).await;
    running.stop().await;
    fake.assert_clean();
}

#[tokio::test]
async fn updates_that_are_numbered_anew_are_taken_without_a_rush() {
    let fake = FakeTelegram::start().await;
    let (door, chat) = (MemoryDoor::new(), channel(config(&fake)));
    let running = Running::start(chat.clone(), &door);
    for (count, next) in [(1, 900_000_000), (2, 100_000), (3, 2_000_000_000)] {
        fake.renumber_updates(next);
        fake.say(MINH, &format!("message {count}"));
        door.wait_for(count).await;
        fake.wait_confirmed().await;
    }
    running.stop().await;
    assert_eq!(door.arrivals().len(), 3);
    assert!(fake.requests("getUpdates").len() < 12);
    fake.assert_clean();
}

#[tokio::test]
async fn many_updates_come_in_batches_and_in_order() {
    let fake = FakeTelegram::start().await;
    let (door, chat) = (MemoryDoor::new(), channel(config(&fake)));
    let texts: Vec<String> = (0..250).map(|number| format!("message {number}")).collect();
    for (number, text) in texts.iter().enumerate() {
        fake.say(MINH + number as i64 % 7, text);
    }
    assert_eq!(chat.receive_once(door.clone()).await.unwrap(), 250);
    assert_eq!(door.texts(&chat), texts);
    assert_eq!(chat.receive_once(door.clone()).await.unwrap(), 0);
    fake.assert_clean();
}

#[tokio::test]
async fn two_bots_are_two_channels() {
    let fake = FakeTelegram::start().await;
    let other = fake.another_bot();
    let door = MemoryDoor::new();
    let (first, second) = (channel(config(&fake)), {
        let mut config = config(&other);
        config.name = "chat-2".into();
        channel(config)
    });
    let running = [
        Running::start(first, &door),
        Running::start(second.clone(), &door),
    ];
    fake.say(MINH, "to the first");
    other.say(MINH, "to the second");
    door.wait_for(2).await;
    second
        .send(&message("m1", MINH, "from the second"))
        .await
        .unwrap();
    assert_eq!(other.next_sent(MINH).await.text, "from the second");
    assert!(fake.sent_to(MINH).is_empty());
    for running in running {
        running.stop().await;
    }
    assert!(door.cursor_of("chat/updates").is_some() && door.cursor_of("chat-2/updates").is_some());
    fake.assert_clean();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_the_long_poll() {
    let fake = FakeTelegram::start().await;
    let (door, chat) = (MemoryDoor::new(), channel(config(&fake)));
    let running = Running::start(chat, &door);
    fake.wait_requests("getUpdates", 1).await;
    let began = std::time::Instant::now();
    running.stop().await;
    assert!(began.elapsed() < Duration::from_secs(1));
    fake.assert_clean();
}

#[tokio::test]
async fn two_desks_on_one_bot_learn_of_each_other() {
    let fake = FakeTelegram::start().await;
    let doors = [MemoryDoor::new(), MemoryDoor::new()];
    let first = Running::start(channel(config(&fake)), &doors[0]);
    fake.wait_requests("getUpdates", 1).await;
    let second = Running::start(channel(config(&fake)), &doors[1]);
    doors[0]
        .wait_down("another program reads the updates")
        .await;
    // One goes; the other goes on by itself.
    first.stop().await;
    fake.say(MINH, "hello");
    doors[1].wait_for(1).await;
    doors[1].wait_up().await;
    second.stop().await;
    fake.assert_clean();
}
