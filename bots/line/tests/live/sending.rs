use crate::world::{Desk, answering, channel, config, message, with_choices};
use madoguchi_channel::{Channel, ReplyHandle, SendError};
use madoguchi_fake_line::{By, Trouble};
use std::time::Duration;

const REPLY: &str = "/v2/bot/message/reply";
pub const PUSH: &str = "/v2/bot/message/push";

/// LINE, a desk, and the reply handle of a message just written by hanako.
pub async fn asked() -> (Desk, Option<ReplyHandle>) {
    let desk = Desk::open().await;
    desk.line.say("hanako", "a question").await;
    let handle = desk.newest().reply_handle;
    assert!(handle.is_some());
    (desk, handle)
}

#[tokio::test]
async fn an_answer_is_a_reply_first_and_a_push_ever_after() {
    let (desk, handle) = asked().await;
    let first = answering(message("m1", "hanako", "one"), handle.clone());
    desk.channel.send(&first).await.unwrap();
    let second = answering(message("m2", "hanako", "two"), handle);
    desk.channel.send(&second).await.unwrap();
    let sent = desk.line.sent_to("hanako");
    assert_eq!(
        sent.iter().map(|sent| sent.by).collect::<Vec<_>>(),
        [By::Reply, By::Push]
    );
    assert_eq!(
        desk.line.requests_to(REPLY).len(),
        1,
        "a token known to be used is not tried again"
    );
    desk.line.assert_clean();
}

#[tokio::test]
async fn a_token_that_is_over_here_or_at_line_gives_way_to_a_push() {
    let (desk, handle) = asked().await;
    let past = handle.clone().map(|handle| ReplyHandle {
        until: "2020-01-01T00:00:00Z".parse().unwrap(),
        ..handle
    });
    desk.channel
        .send(&answering(message("m1", "hanako", "one"), past))
        .await
        .unwrap();
    assert!(desk.line.requests_to(REPLY).is_empty());
    desk.line.set_reply_life(Duration::ZERO);
    desk.channel
        .send(&answering(message("m2", "hanako", "two"), handle))
        .await
        .unwrap();
    assert_eq!(desk.line.requests_to(REPLY)[0].status, 400);
    assert!(
        desk.line
            .sent_to("hanako")
            .iter()
            .all(|sent| sent.by == By::Push)
    );
    desk.line.assert_clean();
}

#[tokio::test]
async fn a_message_is_delivered_once_however_often_it_is_sent() {
    let (desk, handle) = asked().await;
    for (id, handle) in [("m1", handle), ("m2", None)] {
        let outgoing = answering(message(id, "hanako", "once"), handle);
        let receipt = desk.channel.send(&outgoing).await.unwrap();
        assert_eq!(desk.channel.send(&outgoing).await.unwrap(), receipt);
    }
    // A process that remembers nothing: LINE knows the key again.
    let receipt = channel(config(&desk.line))
        .send(&message("m2", "hanako", "once"))
        .await
        .unwrap();
    let sent = desk.line.sent_to("hanako");
    assert_eq!(sent.len(), 2);
    assert_eq!(receipt.server_ids, [sent[1].id.clone()]);
    desk.line.assert_clean();
}

#[tokio::test]
async fn a_push_without_an_answer_is_sent_again_under_the_same_key() {
    for trouble in [
        Trouble::CutAfter,
        Trouble::FailAfter,
        Trouble::CutBefore,
        Trouble::Status(500),
    ] {
        let desk = Desk::open().await;
        desk.line.person("hanako");
        desk.line.trouble(PUSH, 1, trouble);
        let outgoing = message("m1", "hanako", "once");
        let error = desk.channel.send(&outgoing).await.unwrap_err();
        assert!(
            matches!(error, SendError::Temporary(_)),
            "{trouble:?}: {error:?}"
        );
        // The desk was killed in between: another process tries again.
        channel(config(&desk.line)).send(&outgoing).await.unwrap();
        assert_eq!(desk.line.sent_to("hanako").len(), 1, "{trouble:?}");
        let keys: Vec<_> = desk
            .line
            .requests_to(PUSH)
            .into_iter()
            .map(|call| call.retry_key)
            .collect();
        assert_eq!(keys[0], keys[1]);
        desk.line.assert_clean();
    }
}

#[tokio::test]
async fn a_reply_without_an_answer_is_neither_lost_nor_doubled() {
    for trouble in [
        Trouble::CutAfter,
        Trouble::FailAfter,
        Trouble::CutBefore,
        Trouble::Status(500),
    ] {
        let (desk, handle) = asked().await;
        desk.line.trouble(REPLY, 1, trouble);
        let outgoing = answering(message("m1", "hanako", "once"), handle);
        desk.channel.send(&outgoing).await.unwrap();
        let sent = desk.line.sent_to("hanako");
        assert_eq!(sent.len(), 1, "{trouble:?}");
        assert_eq!(sent[0].by, By::Reply);
        desk.line.assert_clean();
    }
}

#[tokio::test]
async fn a_reply_that_stays_without_an_answer_is_found_out_at_the_next_attempt() {
    let (desk, handle) = asked().await;
    desk.line.trouble(REPLY, 1, Trouble::CutAfter);
    desk.line.trouble(REPLY, 1, Trouble::CutBefore);
    let outgoing = answering(message("m1", "hanako", "once"), handle);
    let error = desk.channel.send(&outgoing).await.unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)), "{error:?}");
    let receipt = desk.channel.send(&outgoing).await.unwrap();
    assert!(receipt.server_said.contains("earlier call"), "{receipt:?}");
    assert_eq!(desk.line.sent_to("hanako").len(), 1);
    assert!(desk.line.requests_to(PUSH).is_empty());
    desk.line.assert_clean();
}

#[tokio::test]
async fn too_many_calls_is_a_wait_and_the_month_used_up_a_long_one() {
    let (desk, handle) = asked().await;
    desk.line
        .trouble("/v2/bot/message", 2, Trouble::TooManyCalls);
    for handle in [handle.clone(), None] {
        let error = desk
            .channel
            .send(&answering(message("m1", "hanako", "x"), handle))
            .await
            .unwrap_err();
        assert_eq!(
            error.retry_after(),
            Some(Duration::from_secs(10)),
            "{error:?}"
        );
    }
    desk.line.set_quota(Some(0));
    let error = desk
        .channel
        .send(&message("m2", "hanako", "x"))
        .await
        .unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert!(
        error.to_string().contains("quota") && error.to_string().contains("monthly limit"),
        "{error}"
    );
    // Replies are free.
    desk.channel
        .send(&answering(message("m3", "hanako", "y"), handle))
        .await
        .unwrap();
    assert_eq!(desk.line.next_sent("hanako").await.text, "y");
    desk.line.assert_clean();
}

#[tokio::test]
async fn long_texts_go_out_in_order_five_parts_a_call() {
    let (desk, handle) = asked().await;
    let paragraphs: Vec<String> = (0..7)
        .map(|at| format!("{at} {}", "長い文。".repeat(1100)))
        .collect();
    let body = paragraphs.join("\n\n");
    let outgoing = with_choices(message("m1", "hanako", &body), &[("k", "はい")]);
    let receipt = desk
        .channel
        .send(&answering(outgoing, handle))
        .await
        .unwrap();
    let sent = desk.line.sent_to("hanako");
    assert_eq!(
        sent.iter()
            .map(|sent| sent.text.clone())
            .collect::<Vec<_>>(),
        paragraphs
    );
    assert_eq!(
        receipt.server_ids,
        sent.iter().map(|sent| sent.id.clone()).collect::<Vec<_>>()
    );
    assert_eq!((sent[4].by, sent[5].by), (By::Reply, By::Push));
    assert!(sent.iter().take(6).all(|sent| sent.buttons.is_empty()));
    assert_eq!(sent[6].buttons[0].key, "k");
    desk.line.assert_clean();
}

#[tokio::test]
async fn a_text_cut_off_in_the_middle_goes_on_there() {
    let (desk, handle) = asked().await;
    let body = "x".repeat(7 * 5000);
    desk.line.trouble(PUSH, 1, Trouble::TooManyCalls);
    let mut outgoing = answering(message("m1", "hanako", &body), handle);
    let error = desk.channel.send(&outgoing).await.unwrap_err();
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
        (5, Some(Duration::from_secs(10)))
    );
    outgoing.chat.as_mut().unwrap().parts_sent = parts_sent;
    channel(config(&desk.line)).send(&outgoing).await.unwrap();
    let texts: String = desk
        .line
        .sent_to("hanako")
        .into_iter()
        .map(|sent| sent.text)
        .collect();
    assert_eq!(texts, body);
    desk.line.assert_clean();
}

#[tokio::test]
async fn long_labels_are_buttons_on_a_card_and_come_back_unchanged() {
    let (desk, handle) = asked().await;
    let key = "a".repeat(64);
    let label = "Which documents do I need when my sister comes with me?";
    let outgoing = with_choices(
        message("m1", "hanako", "Did you mean one of these?"),
        &[(&key, label), ("none", "Something else")],
    );
    desk.channel
        .send(&answering(outgoing, handle))
        .await
        .unwrap();
    let shown = desk.line.next_sent("hanako").await;
    assert!(shown.card);
    assert_eq!(shown.text, "Did you mean one of these?");
    assert_eq!(shown.buttons[0].display_text, label);
    assert!(shown.buttons[0].label.ends_with('…'));
    desk.line.say("hanako", "a word in between").await;
    desk.line.press("hanako", &shown.id, &key).await; // unlike quick replies these stay
    assert_eq!(desk.newest().pressed.unwrap().key, key);
    desk.line.assert_clean();
}

#[tokio::test]
async fn a_card_line_refuses_goes_out_as_a_text() {
    for path in [REPLY, PUSH] {
        let (desk, handle) = asked().await;
        desk.line.trouble(path, 1, Trouble::RefuseCards);
        let answer = with_choices(
            message("m1", "hanako", "Body.\n\nSource: Guide"),
            &[("k", "yes")],
        );
        let handle = handle.filter(|_| path == REPLY);
        desk.channel.send(&answering(answer, handle)).await.unwrap();
        let shown = desk.line.next_sent("hanako").await;
        assert!(!shown.card && shown.text == "Body.\n\nSource: Guide");
        assert_eq!(shown.buttons.len(), 1);
        desk.line.assert_clean();
    }
}
