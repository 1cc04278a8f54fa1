//! Answers on their way out: once, whole, and with the server's words when not.

use crate::world::{World, answer, choices};
use madoguchi_channel::{Channel, Party, SendError};
use madoguchi_fake_discord::{Trouble, Way};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_message_arrives_with_its_buttons_and_calls_nobody() {
    let world = World::new().await;
    let channel = world.channel();
    let hana = world.fake.person("Hana", "ja");
    let mut message = answer(
        "m1",
        &hana,
        "See <@1> *now* at https://example.jp/a_b: 1. or 2.\n- one\n",
    );
    message.chat.as_mut().unwrap().choices =
        choices(&["解決した", "解決していない", "担当者と話す"]);
    let receipt = channel.send(&message).await.unwrap();
    let sent = world.fake.next_sent(&hana).await;
    assert_eq!(
        sent.text,
        "See <@1> *now* at https://example.jp/a_b: 1. or 2.\n- one"
    );
    assert!(sent.content.contains("\\*now\\*"));
    assert_eq!(sent.way, Way::Direct);
    let labels: Vec<&str> = sent
        .choices
        .iter()
        .map(|(_, label)| label.as_str())
        .collect();
    assert_eq!(labels, ["解決した", "解決していない", "担当者と話す"]);
    assert_eq!(receipt.server_ids, [sent.id]);
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_comes_in_parts_and_goes_on_where_it_stopped() {
    let world = World::new().await;
    let channel = world.channel();
    let hana = world.fake.person("Hana", "ja");
    let text = "この手続きには申請書と本人確認書類が必要です。".repeat(300);
    let mut message = answer("m1", &hana, &text);
    message.chat.as_mut().unwrap().choices = choices(&["はい"]);
    channel.send(&answer("m0", &hana, "before")).await.unwrap();
    // Nonces keep the count: the third part meets a limit.
    world
        .fake
        .trouble_later("POST /api/v10/channels", Trouble::Limit(2.5), 1, 2);
    let error = channel.send(&message).await.unwrap_err();
    let SendError::Partly {
        parts_sent,
        retry_after,
        ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(
        (parts_sent, retry_after),
        (2, Some(Duration::from_millis(2500)))
    );
    // Another process goes on.
    message.chat.as_mut().unwrap().parts_sent = 2;
    world.channel().send(&message).await.unwrap();
    let sent = world.fake.sent_to(&hana);
    let parts: Vec<String> = sent.iter().skip(1).map(|sent| sent.text.clone()).collect();
    assert_eq!(parts.concat(), text);
    assert!(parts.iter().all(|part| part.ends_with('。')));
    assert!(
        sent[..sent.len() - 1]
            .iter()
            .all(|sent| sent.choices.is_empty())
    );
    assert_eq!(sent[sent.len() - 1].choices.len(), 1);
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_whose_answer_was_lost_does_not_show_twice() {
    let world = World::new().await;
    let channel = world.channel();
    let hana = world.fake.person("Hana", "ja");
    world
        .fake
        .trouble("POST /api/v10/channels", Trouble::AnswerLost, 1);
    let message = answer("m1", &hana, "once");
    let error = channel.send(&message).await.unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)), "{error:?}");
    channel.send(&message).await.unwrap();
    // Nor by a process that never heard of the first attempt, nor again by this one.
    world.channel().send(&message).await.unwrap();
    channel.send(&message).await.unwrap();
    assert_eq!(world.fake.sent_to(&hana).len(), 1);
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_obeyed_and_troubles_of_the_server_pass() {
    let world = World::new().await;
    let channel = world.channel();
    let hana = world.fake.person("Hana", "ja");
    let message = answer("m1", &hana, "hello");
    world.fake.trouble("POST", Trouble::Limit(7.25), 1);
    let error = channel.send(&message).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_millis(7250)));
    for status in [500, 502, 503] {
        world.fake.trouble("POST", Trouble::Status(status), 1);
        let error = channel.send(&message).await.unwrap_err();
        assert!(matches!(error, SendError::Temporary(_)), "{error:?}");
    }
    world.fake.cut_network(true);
    let error = channel.send(&message).await.unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)), "{error:?}");
    assert!(!error.to_string().contains("://"), "{error}");
    world.fake.cut_network(false);
    channel.send(&message).await.unwrap();
    assert_eq!(world.fake.sent_to(&hana).len(), 1);
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_nothing_reaches_is_told_for_good() {
    let world = World::new().await;
    let channel = world.channel();
    let hana = world.fake.person("Hana", "ja");
    world.fake.block(&hana, true);
    let error = channel
        .send(&answer("m1", &hana, "hello"))
        .await
        .unwrap_err();
    assert_eq!(
        error,
        SendError::Permanent("403 50007: Cannot send messages to this user".into())
    );
    for address in ["4711", "hana@example.org", "", "０"] {
        let mut message = answer("m2", &hana, "hello");
        message.to = Party {
            address: address.into(),
            name: None,
        };
        let error = channel.send(&message).await.unwrap_err();
        assert!(
            matches!(error, SendError::Permanent(_)),
            "{address}: {error:?}"
        );
    }
    world.fake.block(&hana, false);
    channel
        .send(&answer("m3", &hana, "hello again"))
        .await
        .unwrap();
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_is_shown_where_there_is_a_conversation_and_never_fails() {
    let world = World::new().await;
    let channel = world.channel();
    let hana = world.fake.person("Hana", "ja");
    let to = Party {
        address: hana.address(),
        name: None,
    };
    channel.working(&to).await;
    assert_eq!(world.fake.typing_shown(&hana), 0);
    channel.send(&answer("m1", &hana, "hello")).await.unwrap();
    channel.working(&to).await;
    assert_eq!(world.fake.typing_shown(&hana), 1);
    world.fake.trouble("typing", Trouble::Status(500), 1);
    channel.working(&to).await;
    world.assert_clean();
}
