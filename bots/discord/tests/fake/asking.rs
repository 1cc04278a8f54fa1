//! Slash commands, forms and buttons: stored before they are taken, answered where they were asked, seen by nobody else.

use crate::world::{World, answer, answer_to, choices};
use madoguchi_channel::{Channel, ChatDeparture};
use madoguchi_fake_discord::{Place, Trouble, Way};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_registered_once_and_again_when_they_differ() {
    let world = World::new().await;
    world.running().await.stop().await;
    assert_eq!(
        world.fake.command_names(),
        ["ask", "status", "help", "language", "human", "delete"]
    );
    world.running().await.stop().await;
    let put = |fake: &madoguchi_fake_discord::FakeDiscord| {
        fake.seen()
            .iter()
            .filter(|seen| seen.method == "PUT")
            .count()
    };
    assert_eq!(put(&world.fake), 1);
    world.fake.forget_commands();
    world.running().await.stop().await;
    assert_eq!(put(&world.fake), 2);
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_in_a_servers_channel_is_answered_there_for_this_person_alone() {
    let world = World::new().await;
    let running = world.running().await;
    let lan = world.fake.person("Lan", "vi");
    let asked = world.fake.command(
        &lan,
        Place::Server,
        "ask",
        Some("Hạn nộp hồ sơ là khi nào?"),
    );
    let message = world.nth(1).await;
    assert_eq!(world.fake.answered(&asked).await, 5);
    assert_eq!(message.text, "Hạn nộp hồ sơ là khi nào?");
    assert_eq!(message.from.as_ref().unwrap().name.as_deref(), Some("Lan"));
    assert_eq!(message.lang_hint.as_deref(), Some("vi"));
    let chat = message.chat.clone().unwrap();
    assert!(chat.public && chat.command.is_none() && chat.reply_handle.is_some());
    assert_eq!(chat.conversation, lan.address());

    let mut reply = answer_to("m1", &message, &"Đây là câu trả lời. ".repeat(150));
    reply.chat.as_mut().unwrap().choices = choices(&["Đã xong", "Chưa xong"]);
    let receipt = running.channel.send(&reply).await.unwrap();
    let first = world.fake.next_sent(&lan).await;
    let second = world.fake.next_sent(&lan).await;
    assert_eq!((first.way, second.way), (Way::Original, Way::FollowUp));
    assert!(first.alone && second.alone && first.choices.is_empty());
    assert_eq!(receipt.server_ids, [first.id, second.id.clone()]);

    let pressed = world.fake.press(&lan, &second, &second.key("Chưa xong"));
    let press = world.nth(2).await.chat.unwrap();
    assert_eq!(world.fake.answered(&pressed).await, 6);
    let told = press.pressed.unwrap();
    assert_eq!(told.key, reply.chat.unwrap().choices[1].key);
    assert_eq!(told.under, Some(second.id));
    assert!(press.public);
    running.stop().await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_without_words_opens_a_form_and_the_form_is_the_inquiry() {
    for place in [Place::Alone, Place::Server] {
        let world = World::new().await;
        let running = world.running().await;
        let wei = world.fake.person("Wei", "zh-CN");
        let asked = world.fake.command(&wei, place, "ask", None);
        assert_eq!(world.fake.answered(&asked).await, 9);
        assert_eq!(world.fake.form(&asked).unwrap()["title"], "您的咨询");
        assert!(world.door.ids().is_empty());
        let filled = world.fake.fill_in(&wei, &asked, "请问如何申请？\n谢谢");
        let message = world.nth(1).await;
        assert_eq!(world.fake.answered(&filled).await, 5);
        assert_eq!(message.text, "请问如何申请？\n谢谢");
        assert_eq!(
            message.chat.as_ref().unwrap().public,
            place == Place::Server
        );
        running
            .channel
            .send(&answer_to("m1", &message, "答复"))
            .await
            .unwrap();
        let reply = world.fake.next_sent(&wei).await;
        assert_eq!(
            (reply.way, reply.alone),
            (Way::Original, place == Place::Server)
        );
        running.stop().await;
        world.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_one_wherever_it_is_given() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    world.fake.command(&hana, Place::Alone, "status", None);
    let message = world.nth(1).await;
    let chat = message.chat.unwrap();
    assert_eq!(chat.command.unwrap().name, "status");
    assert!(!chat.public);
    // The conversation is known from then on, though nothing was ever written in it.
    running.stop().await;
    world.fake.say(&hana, "written while away");
    let running = world.running().await;
    assert_eq!(world.nth(2).await.text, "written while away");
    world.fake.say(&hana, "/Help me please");
    let command = world.nth(3).await.chat.unwrap().command.unwrap();
    assert_eq!(
        (command.name.as_str(), command.argument.as_str()),
        ("help", "me please")
    );
    running.stop().await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interaction_that_cannot_be_stored_is_not_taken() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    world.door.set_full(true);
    let asked = world.fake.command(&hana, Place::Server, "human", None);
    world.door.down("no space left").await;
    world.door.set_full(false);
    assert!(!world.fake.is_answered(&asked));
    let asked = world.fake.command(&hana, Place::Server, "human", None);
    world.door.nth(1).await;
    assert_eq!(world.fake.answered(&asked).await, 5);
    running.stop().await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_inbox_does_not_cost_the_three_seconds() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    world.door.set_slow(Some(Duration::from_millis(4500)));
    let asked = world
        .fake
        .command(&hana, Place::Server, "ask", Some("question"));
    assert_eq!(world.fake.answered(&asked).await, 5);
    assert!(world.door.ids().is_empty());
    let message = world.nth(1).await;
    running
        .channel
        .send(&answer_to("m1", &message, "Answer."))
        .await
        .unwrap();
    assert_eq!(world.fake.next_sent(&hana).await.way, Way::Original);
    world.door.set_slow(None);
    running.stop().await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_an_interaction_survives_a_stumble_of_the_server() {
    for trouble in [
        Trouble::Status(502),
        Trouble::Limit(0.3),
        Trouble::AnswerLost,
    ] {
        let world = World::new().await;
        let running = world.running().await;
        let hana = world.fake.person("Hana", "ja");
        world.fake.trouble("/callback", trouble, 1);
        let asked = world
            .fake
            .command(&hana, Place::Server, "ask", Some("question"));
        assert_eq!(world.fake.answered(&asked).await, 5);
        world.door.nth(1).await;
        running.stop().await;
        world.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn told_twice_by_a_resumed_gateway_it_is_stored_once() {
    let world = World::new().await;
    let running = world.running().await;
    let hana = world.fake.person("Hana", "ja");
    world.fake.drop_gateway();
    let asked = world
        .fake
        .command(&hana, Place::Alone, "ask", Some("in the gap"));
    world.door.nth(1).await;
    assert_eq!(world.fake.answered(&asked).await, 5);
    assert_eq!((world.fake.resumed(), world.fake.identified()), (1, 1));
    world.fake.repeat_events();
    world.fake.say(&hana, "and on");
    world.door.nth(2).await;
    running.stop().await;
    assert_eq!(world.door.ids().len(), 2);
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_bots_side_by_side_are_two_channels() {
    let world = World::new().await;
    let other = World::new().await;
    let (one, two) = (world.running().await, other.running().await);
    let hana = world.fake.person("Hana", "ja");
    let also = other.fake.person("Hana", "ja");
    world.fake.say(&hana, "to the first");
    other.fake.say(&also, "to the second");
    assert_eq!(world.nth(1).await.text, "to the first");
    assert_eq!(other.nth(1).await.text, "to the second");
    let reply = ChatDeparture::default();
    let mut message = answer("m1", &hana, "from the first");
    message.chat = Some(reply);
    one.channel.send(&message).await.unwrap();
    assert_eq!(world.fake.next_sent(&hana).await.text, "from the first");
    assert!(other.fake.sent_to(&also).is_empty());
    one.stop().await;
    two.stop().await;
    world.assert_clean();
    other.assert_clean();
}
