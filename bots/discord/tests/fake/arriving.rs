//! Direct messages: taken once, in order, whatever happens in between.

use crate::world::{World, answer};
use madoguchi_channel::Channel;
use madoguchi_fake_discord::Saying;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_stored_with_the_servers_own_words_and_who_wrote_it() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana Mori", "ja");
    let id = world.fake.say(&hana, "申請の締切はいつですか");
    let raw = world.door.nth(1).await;
    assert_eq!(raw.external_id, id);
    let stored = String::from_utf8(raw.bytes.clone()).unwrap();
    // A field serenity does not know: read from the server's page, not from serenity.
    assert!(stored.contains("primary_guild"), "{stored}");

    let message = world.decoded(&raw);
    assert_eq!(message.text, "申請の締切はいつですか");
    assert_eq!(message.reply_text, message.text);
    let from = message.from.unwrap();
    assert_eq!(
        (from.address, from.name.as_deref()),
        (hana.address(), Some("Hana Mori"))
    );
    assert_eq!(message.message_id, Some(id));
    let chat = message.chat.unwrap();
    assert_eq!(chat.conversation, hana.address());
    assert!(!chat.public && chat.reply_handle.is_none() && chat.command.is_none());
    running.stop().await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_while_away_is_taken_page_by_page_and_only_once() {
    let world = World::new().await;
    let (hana, minh) = (
        world.fake.person("Hana", "ja"),
        world.fake.person("Minh", "vi"),
    );
    let running = world.running().await;
    world.fake.say(&hana, "first");
    world.fake.say(&minh, "first of another");
    world.door.nth(2).await;
    running.stop().await;

    for number in 0..250 {
        world.fake.say(&hana, &format!("while away {number}"));
    }
    world.fake.say(&minh, "while away");
    let running = world.running().await;
    world.door.nth(253).await;
    let texts: Vec<String> = world
        .door
        .arrivals()
        .iter()
        .map(|raw| world.decoded(raw))
        .filter(|message| message.from.as_ref().unwrap().address == hana.address())
        .map(|message| message.text)
        .collect();
    assert_eq!(texts.len(), 251);
    assert_eq!(texts[1], "while away 0");
    assert_eq!(texts[250], "while away 249");
    world.fake.say(&hana, "and on");
    assert_eq!(world.nth(254).await.text, "and on");
    running.stop().await;
    assert_eq!(world.door.ids().len(), 254);
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_moment_loses_and_doubles_nothing() {
    let world = World::new().await;
    let hana = world.fake.person("Hana", "ja");
    let mut said = Vec::new();
    for round in 0..5 {
        let running = world.running().await;
        for number in 0..20 {
            said.push(world.fake.say(&hana, &format!("{round}.{number}")));
        }
        // Killed in the middle of storing, each time a little later.
        world.door.nth(round * 20 + round * 3 + 1).await;
        running.kill();
        world.fake.disconnected().await;
    }
    let running = world.running().await;
    world.door.nth(100).await;
    running.stop().await;
    let mut ids = world.door.ids();
    ids.sort();
    said.sort();
    assert_eq!(ids, said);
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_before_the_desk_is_left_alone() {
    let world = World::new().await;
    let hana = world.fake.person("Hana", "ja");
    // Two hours old: the person wrote to a bot of the same name long before.
    let old = (1_u64 << 22) * 1000 * 7200;
    let first = world.fake.say(&hana, "today");
    let (channel, id) = first.split_once('/').unwrap();
    let old_id = id.parse::<u64>().unwrap() - old;
    world.fake.insert_old(&hana, old_id, "long ago");
    let running = world.running().await;
    world.fake.say(&hana, "now");
    world.door.nth(2).await;
    running.stop().await;
    let texts: Vec<String> = world
        .door
        .arrivals()
        .iter()
        .map(|raw| world.decoded(raw).text)
        .collect();
    assert_eq!(texts, ["today", "now"], "{channel}");
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn own_messages_and_notices_of_the_server_are_nobodys() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    world.fake.say(&hana, "hello");
    world.door.nth(1).await;
    running
        .channel
        .send(&answer("m1", &hana, "welcome"))
        .await
        .unwrap();
    let fields = json!({"type": 6});
    world.fake.say_with(
        &hana,
        Saying {
            fields,
            ..Saying::default()
        },
    );
    world.fake.tell_gateway(
        "TYPING_START",
        &json!({"channel_id": "5", "user_id": hana.address(), "timestamp": 1}),
    );
    world
        .fake
        .tell_gateway("SOMETHING_NEW", &json!({"surprise": [1, 2]}));
    world.fake.say(&hana, "thanks");
    assert_eq!(world.nth(2).await.text, "thanks");
    running.stop().await;
    assert_eq!(world.door.ids().len(), 2);
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_nobody_understands_is_found_by_the_next_look() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    world.fake.say(&hana, "one");
    world.door.nth(1).await;
    world.fake.hide_events(true);
    world.fake.say(&hana, "two");
    world.fake.hide_events(false);
    world
        .fake
        .tell_gateway("MESSAGE_CREATE", &json!({"id": "no id", "content": 5}));
    world.fake.say(&hana, "three");
    world.door.nth(3).await;
    running.stop().await;
    let texts: Vec<String> = world
        .door
        .arrivals()
        .iter()
        .map(|raw| world.decoded(raw).text)
        .collect();
    assert_eq!(texts, ["one", "two", "three"]);
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_one_person_keeps_nobody_else_waiting() {
    let world = World::new().await;
    let running = world.running().await;
    let (loud, quiet) = (
        world.fake.person("Loud", "en-US"),
        world.fake.person("Quiet", "en-US"),
    );
    for number in 0..3000 {
        world.fake.say(&loud, &format!("{number}"));
    }
    world.fake.say(&quiet, "me too");
    let began = std::time::Instant::now();
    loop {
        let stored = world.door.arrivals();
        if stored.iter().any(|raw| world.decoded(raw).text == "me too") {
            break;
        }
        world.door.nth(stored.len() + 1).await;
    }
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    world.door.nth(3001).await;
    let pages = world
        .fake
        .seen()
        .iter()
        .filter(|seen| seen.path.contains("/messages?after"))
        .count();
    assert!(pages < 500, "{pages} pages");
    running.stop().await;
    world.assert_clean();
}
