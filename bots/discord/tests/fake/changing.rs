//! Messages changed, taken back, compared; and their files.

use crate::world::World;
use madoguchi_channel::{AlterationKind, Channel};
use madoguchi_fake_discord::{File, Saying};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn edits_and_deletions_are_recorded_and_other_changes_are_none() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    let said = world.fake.say(&hana, "the deadline is 5 May?");
    world.door.nth(1).await;
    world
        .fake
        .update(&said, |message| message["embeds"] = json!([]));
    world
        .fake
        .update(&said, |message| message["pinned"] = json!(true));
    world.fake.edit(&said, "the deadline is 6 May?");
    let edited = world.nth(2).await;
    assert_eq!(edited.text, "the deadline is 6 May?");
    let chat = edited.chat.unwrap();
    assert_eq!(chat.conversation, hana.address());
    let alters = chat.alters.unwrap();
    assert_eq!(
        (alters.message_id, alters.kind),
        (said.clone(), AlterationKind::Edited)
    );

    // Pinned again: the same edit is told again.
    world
        .fake
        .update(&said, |message| message["pinned"] = json!(false));
    world.fake.delete(&said);
    let deleted = world.nth(3).await;
    assert_eq!(deleted.from.unwrap().address, hana.address());
    let chat = deleted.chat.unwrap();
    assert_eq!(chat.alters.unwrap().kind, AlterationKind::Deleted);
    running.stop().await;
    assert_eq!(world.door.ids().len(), 3);
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_removed_before_it_could_be_read_is_still_recorded_and_then_removed() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    world.fake.say(&hana, "hello");
    world.door.nth(1).await;
    let said = world.fake.say(&hana, "sent too early");
    world.fake.delete(&said);
    assert_eq!(world.nth(2).await.text, "sent too early");
    let deleted = world.nth(3).await;
    assert_eq!(deleted.chat.unwrap().alters.unwrap().message_id, said);
    running.stop().await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_was_read_with_the_message_is_no_second_one() {
    let world = World::new().await;
    let hana = world.fake.person("Hana", "ja");
    let running = world.running().await;
    world.fake.say(&hana, "hello");
    world.door.nth(1).await;
    world.fake.trouble(
        "GET /api/v10/channels",
        madoguchi_fake_discord::Trouble::Slow(std::time::Duration::from_millis(300)),
        1,
    );
    let said = world.fake.say(&hana, "with a tpyo");
    world.fake.edit(&said, "without a typo");
    assert_eq!(world.nth(2).await.text, "without a typo");
    world.fake.say(&hana, "next");
    world.door.nth(3).await;
    running.stop().await;
    assert_eq!(world.nth(3).await.text, "next");
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn several_files_come_in_order_and_a_large_one_is_named() {
    let mut world = World::new().await;
    world.config.largest_file_bytes = 1000;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    let file = |name: &str, bytes: Vec<u8>| File {
        name: name.into(),
        media_type: "image/png".into(),
        bytes,
    };
    let files = vec![
        file("a.png", vec![1; 10]),
        file("b.png", vec![2; 2000]),
        file("c.png", vec![3; 20]),
    ];
    world.fake.say_with(
        &hana,
        Saying {
            files,
            ..Saying::default()
        },
    );
    let raw = world.door.nth(1).await;
    let message = world.decoded(&raw);
    assert_eq!(message.text, "");
    let listed: Vec<_> = message
        .attachments
        .iter()
        .map(|a| (a.name.clone().unwrap(), a.size))
        .collect();
    assert_eq!(
        listed,
        [
            ("a.png".into(), 10),
            ("b.png".into(), 2000),
            ("c.png".into(), 20)
        ]
    );
    let found = running.channel.fetch(&raw.bytes).await.unwrap();
    assert_eq!(found[0], Ok(vec![1; 10]));
    assert!(found[1].as_ref().unwrap_err().contains("larger than"));
    assert_eq!(found[2], Ok(vec![3; 20]));

    // The address has run out: the message tells a fresh one.
    world.fake.end_addresses();
    let found = running.channel.fetch(&raw.bytes).await.unwrap();
    assert_eq!(found[2], Ok(vec![3; 20]));
    // A host that is down is no lost file.
    world.fake.trouble(
        "GET /attachments",
        madoguchi_fake_discord::Trouble::Status(503),
        1,
    );
    assert!(
        !running
            .channel
            .fetch(&raw.bytes)
            .await
            .unwrap_err()
            .permanent
    );
    world.fake.remove_files();
    let found = running.channel.fetch(&raw.bytes).await.unwrap();
    assert!(
        found[0].as_ref().unwrap_err().contains("no longer"),
        "{found:?}"
    );
    world.fake.delete(message.message_id.as_ref().unwrap());
    let found = running.channel.fetch(&raw.bytes).await.unwrap();
    assert!(
        found[0].as_ref().unwrap_err().contains("deleted"),
        "{found:?}"
    );
    running.stop().await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_without_a_gateway_takes_what_is_new_and_comparing_finds_what_is_missing() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    let first = world.fake.say(&hana, "one");
    world.door.nth(1).await;
    running.stop().await;

    world.fake.say(&hana, "two");
    let channel = world.channel();
    assert_eq!(channel.receive_once(world.door.clone()).await.unwrap(), 1);
    assert_eq!(channel.receive_once(world.door.clone()).await.unwrap(), 0);
    let same = channel.reconcile(world.door.clone()).await.unwrap();
    assert_eq!((same.at_server, same.stored, same.missing.len()), (2, 2, 0));
    world.door.lose(&first);
    let found = channel.reconcile(world.door.clone()).await.unwrap();
    assert_eq!(found.missing, std::slice::from_ref(&first));
    assert!(world.door.ids().contains(&first));
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_and_removed_while_away_comes_out_in_the_comparison() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    let ids: Vec<String> = ["one", "two", "three"]
        .map(|text| world.fake.say(&hana, text))
        .into();
    world.door.nth(3).await;
    running.stop().await;
    world.fake.edit(&ids[0], "one, changed");
    world.fake.delete(&ids[1]);
    let channel = world.channel();
    for _ in 0..2 {
        let found = channel.reconcile(world.door.clone()).await.unwrap();
        assert_eq!(
            (found.at_server, found.stored, found.missing.len()),
            (2, 2, 0)
        );
        assert_eq!(world.door.ids().len(), 5);
    }
    let edited = world.nth(4).await;
    assert_eq!(edited.text, "one, changed");
    assert_eq!(edited.chat.unwrap().alters.unwrap().message_id, ids[0]);
    let deleted = world.nth(5).await;
    assert_eq!(deleted.chat.unwrap().alters.unwrap().message_id, ids[1]);
    world.assert_clean();
}
