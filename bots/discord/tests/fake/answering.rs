//! Answers to commands, forms and buttons: where they stand, and what becomes of them when the handle has run out.

use crate::world::{World, answer, answer_to, choices};
use jiff::{SignedDuration, Timestamp};
use madoguchi_channel::{Channel, SendError};
use madoguchi_discord::DiscordChannel;
use madoguchi_fake_discord::{Place, Trouble, Way};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_button_leaves_the_message_above_it_as_it_is() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    world.fake.say(&hana, "hello");
    world.door.nth(1).await;
    let mut offer = answer("m1", &hana, "Which of these?");
    let labels = ["a", "b", "c", "d", "e", "f", "g"];
    offer.chat.as_mut().unwrap().choices = choices(&labels);
    running.channel.send(&offer).await.unwrap();
    let offer = world.fake.next_sent(&hana).await;
    assert_eq!(offer.choices.len(), 7);
    let pressed = world.fake.press(&hana, &offer, &offer.key("g"));
    let press = world.nth(2).await;
    world.fake.answered(&pressed).await;
    assert_eq!(
        press.chat.as_ref().unwrap().pressed.as_ref().unwrap().key,
        offer.key("g")
    );
    assert!(!press.chat.as_ref().unwrap().public);
    running
        .channel
        .send(&answer_to("m2", &press, "That one."))
        .await
        .unwrap();
    let reply = world.fake.next_sent(&hana).await;
    assert_eq!(
        (reply.way, reply.text.as_str(), reply.alone),
        (Way::Direct, "That one.", false)
    );
    running.stop().await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_answer_by_the_same_handle_stands_below_the_first() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    let asked = world
        .fake
        .command(&hana, Place::Server, "ask", Some("question"));
    let message = world.nth(1).await;
    world.fake.answered(&asked).await;
    running
        .channel
        .send(&answer_to("m1", &message, "We have it."))
        .await
        .unwrap();
    running
        .channel
        .send(&answer_to("m2", &message, "Here it is."))
        .await
        .unwrap();
    // Given again: known to be delivered.
    running
        .channel
        .send(&answer_to("m1", &message, "We have it."))
        .await
        .unwrap();
    // By another process, which knows nothing of it but sees it there.
    world
        .channel()
        .send(&answer_to("m1", &message, "We have it."))
        .await
        .unwrap();
    let sent = world.fake.sent_to(&hana);
    let ways: Vec<_> = sent
        .iter()
        .map(|sent| (sent.way, sent.text.as_str()))
        .collect();
    assert_eq!(
        ways,
        [
            (Way::Original, "We have it."),
            (Way::FollowUp, "Here it is.")
        ]
    );
    world.fake.dismiss(&asked);
    running
        .channel
        .send(&answer_to("m3", &message, "Still here."))
        .await
        .unwrap();
    assert_eq!(world.fake.sent_to(&hana)[2].way, Way::FollowUp);
    running.stop().await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_handle_has_run_out_the_answer_comes_as_a_direct_message() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    let asked = world
        .fake
        .command(&hana, Place::Server, "ask", Some("question"));
    let message = world.nth(1).await;
    world.fake.answered(&asked).await;
    // By the clock: nothing is even tried.
    let later = Timestamp::now() + SignedDuration::from_mins(15);
    let channel = DiscordChannel::new(world.config.clone(), Arc::new(move || later)).unwrap();
    let before = world.fake.seen().len();
    channel
        .send(&answer_to("m1", &message, "Late answer."))
        .await
        .unwrap();
    assert!(
        !world.fake.seen()[before..]
            .iter()
            .any(|seen| seen.path.contains("webhooks"))
    );
    let first = world.fake.next_sent(&hana).await;
    assert_eq!(
        (first.way, first.text.as_str()),
        (Way::Direct, "Late answer.")
    );
    // By the server's word.
    world.fake.end_interactions();
    running
        .channel
        .send(&answer_to("m2", &message, "Later still."))
        .await
        .unwrap();
    assert_eq!(world.fake.next_sent(&hana).await.way, Way::Direct);
    // The person answers there, and it is the same conversation.
    world.fake.say(&hana, "thank you");
    let reply = world.nth(2).await.chat.unwrap();
    assert_eq!(reply.conversation, message.chat.unwrap().conversation);
    running.stop().await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_no_direct_messages_is_answered_by_the_handle_as_long_as_it_lasts() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    let asked = world
        .fake
        .command(&hana, Place::Alone, "ask", Some("question"));
    let message = world.nth(1).await;
    world.fake.answered(&asked).await;
    world.fake.block(&hana, true);
    let long = "文。".repeat(2500);
    running
        .channel
        .send(&answer_to("m1", &message, &long))
        .await
        .unwrap();
    let sent = world.fake.sent_to(&hana);
    let ways: Vec<Way> = sent.iter().map(|sent| sent.way).collect();
    assert_eq!(ways, [Way::Original, Way::FollowUp, Way::FollowUp]);
    world.fake.end_interactions();
    let error = running
        .channel
        .send(&answer_to("m2", &message, "late"))
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::Permanent(_)), "{error:?}");
    running.stop().await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_storing_and_taking_the_answer_still_arrives() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    // The server does not hear that it was taken: to it the desk died.
    world.fake.trouble("/callback", Trouble::Status(503), 3);
    let asked = world
        .fake
        .command(&hana, Place::Server, "ask", Some("question"));
    let message = world.nth(1).await;
    running.kill();
    world.fake.disconnected().await;
    assert!(!world.fake.is_answered(&asked));
    world
        .channel()
        .send(&answer_to("m1", &message, "Answer."))
        .await
        .unwrap();
    assert_eq!(world.fake.next_sent(&hana).await.way, Way::Direct);
    world.assert_clean();
}
