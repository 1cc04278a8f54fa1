//! The connection breaks, the server stumbles, the inbox is full: nothing is lost, and operators know.

use crate::world::World;
use madoguchi_channel::Channel;
use madoguchi_discord::Secret;
use madoguchi_fake_discord::Trouble;

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_comes_back_brings_what_was_written_meanwhile() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    world.fake.say(&hana, "before");
    world.door.nth(1).await;
    world.fake.cut_network(true);
    world.fake.disconnected().await;
    world.fake.say(&hana, "meanwhile");
    world.fake.cut_network(false);
    assert_eq!(world.nth(2).await.text, "meanwhile");
    world.fake.say(&hana, "after");
    assert_eq!(world.nth(3).await.text, "after");
    running.stop().await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_are_told_when_the_connection_stays_away_and_when_it_is_back() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    world.fake.say(&hana, "before");
    world.door.nth(1).await;
    world.fake.cut_network(true);
    world.door.down("gateway connection is away").await;
    world.fake.say(&hana, "meanwhile");
    world.fake.cut_network(false);
    world.door.up().await;
    assert_eq!(world.nth(2).await.text, "meanwhile");
    running.stop().await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_is_quick_while_the_network_is_away() {
    let world = World::new().await;
    let running = world.running().await;
    world.fake.cut_network(true);
    world.fake.disconnected().await;
    running.stop().await;
    // And while the channel has never been connected.
    world.begin().stop().await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_the_server_forgot_is_begun_anew_and_nothing_is_missed() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    world.fake.say(&hana, "before");
    world.door.nth(1).await;
    world.fake.forget_sessions();
    world.fake.say(&hana, "told to nobody");
    assert_eq!(world.nth(2).await.text, "told to nobody");
    assert_eq!(world.fake.identified(), 2);
    running.stop().await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stumbles_while_reading_loses_nothing() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    world.fake.say(&hana, "one");
    world.door.nth(1).await;
    // The pages are away: what the gateway told is kept at once.
    world
        .fake
        .trouble("GET /api/v10/channels", Trouble::Status(503), 2);
    world.fake.say(&hana, "two");
    assert_eq!(world.nth(2).await.text, "two");
    world.door.down("503").await;
    // And when they are back the conversation is read on, without doubles.
    world.fake.say(&hana, "three");
    assert_eq!(world.nth(3).await.text, "three");
    world.door.up().await;
    world
        .fake
        .trouble("GET /api/v10/channels", Trouble::Limit(0.2), 1);
    world.fake.say(&hana, "four");
    assert_eq!(world.nth(4).await.text, "four");
    running.stop().await;
    assert_eq!(world.door.ids().len(), 4);
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_inbox_takes_everything_once_there_is_room() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    let first = world.fake.say(&hana, "one");
    world.door.nth(1).await;
    world.door.set_full(true);
    world.fake.say(&hana, "two");
    world.fake.edit(&first, "one, changed");
    world.door.down("no space left").await;
    world.door.set_full(false);
    world.door.nth(3).await;
    world.door.up().await;
    running.stop().await;
    let texts: Vec<String> = world
        .door
        .arrivals()
        .iter()
        .map(|raw| world.decoded(raw).text)
        .collect();
    assert_eq!(texts, ["one", "two", "one, changed"]);
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_ends_receiving_with_advice() {
    let mut world = World::new().await;
    world.config.token = Secret::new("another.token.value");
    let error = world.begin().ended().await;
    assert!(
        error.permanent && error.advice.contains("new token"),
        "{error}"
    );
    assert!(!error.to_string().contains("another.token"), "{error}");
    let error = world.channel().check().await.unwrap_err();
    assert!(error.permanent, "{error}");
    world.door.down("401").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_operator_can_mend_at_the_gateway_ends_receiving_with_advice() {
    for (code, words) in [(4004, "new token"), (4013, "intent"), (4014, "intent")] {
        let world = World::new().await;
        world.fake.refuse_identify(Some(code));
        let error = world.begin().ended().await;
        assert!(error.permanent && error.advice.contains(words), "{error}");
        assert!(error.problem.contains(&code.to_string()), "{error}");
        world.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_closings_are_reconnected() {
    for code in [4000, 4008, 1001] {
        let world = World::new().await;
        let running = world.running().await;
        let hana = world.fake.person("Hana", "ja");
        world.fake.close_gateway(code);
        world.fake.say(&hana, "meanwhile");
        assert_eq!(world.nth(1).await.text, "meanwhile", "{code}");
        running.stop().await;
        world.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_at_the_start_is_waited_for() {
    let world = World::new().await;
    world.fake.trouble("/users/@me", Trouble::Status(503), 1);
    world.fake.trouble("/gateway/bot", Trouble::Limit(0.1), 1);
    world.fake.trouble("/commands", Trouble::Status(500), 1);
    let running = world.begin();
    world.door.down("503").await;
    world.door.up().await;
    running.stop().await;
    assert_eq!(world.fake.command_names().len(), 6);
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn checking_tells_what_was_agreed_on_and_what_would_not_work() {
    let world = World::new().await;
    let lines = world.channel().check().await.unwrap();
    assert!(lines[0].contains("signed in as desk"), "{lines:?}");
    assert!(lines[2].contains("when the desk starts"), "{lines:?}");
    world.running().await.stop().await;
    let lines = world.channel().check().await.unwrap();
    assert!(lines[2].ends_with("registered"), "{lines:?}");
    world.fake.set_endpoint(Some("https://example.org/hook"));
    let error = world.channel().check().await.unwrap_err();
    assert!(
        error.advice.contains("Interactions Endpoint URL"),
        "{error}"
    );
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_from_the_web_is_none_of_this_channels() {
    let world = World::new().await;
    let channel = world.channel();
    assert!(channel.webhook_path().is_none());
    assert!(
        channel
            .admit(&|_| None, b"{}", jiff::Timestamp::UNIX_EPOCH)
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_is_gone_does_not_hold_up_the_others() {
    let world = World::new().await;
    let running = world.running().await;
    let (hana, minh) = (
        world.fake.person("Hana", "ja"),
        world.fake.person("Minh", "vi"),
    );
    let said = world.fake.say(&hana, "one");
    world.fake.say(&minh, "two");
    world.door.nth(2).await;
    running.stop().await;
    let (channel, _) = said.split_once('/').unwrap();
    assert!(world.door.cursor_now("dms").unwrap().contains(channel));
    world.fake.close_conversation(&hana);
    world.fake.say(&minh, "three");
    let running = world.running().await;
    assert_eq!(world.nth(3).await.text, "three");
    world
        .fake
        .seen_at_least(&format!("{channel}/messages"), 2)
        .await;
    running.stop().await;
    assert!(!world.door.cursor_now("dms").unwrap().contains(channel));
    world.assert_clean();
}
