use crate::world::{Desk, answering, message, with_choices};
use madoguchi_channel::{AlterationKind, Channel, Presence};
use serde_json::json;

#[tokio::test]
async fn a_conversation_from_the_first_word_to_the_rating() {
    let desk = Desk::open().await;
    let line = &desk.line;
    line.follow("hanako").await;
    assert_eq!(desk.newest().presence, Some(Presence::Came));

    line.say("hanako", "申請書はどこに出しますか").await;
    let arrived = desk.inbox().pop().unwrap();
    assert_eq!(arrived.text, "申請書はどこに出しますか");
    let answer = "こんにちは。\n\n窓口に出してください。\n\n――\n出典: 手引き https://example.jp/guide\n受付番号: A-1";
    let answer = with_choices(
        message("a1", "hanako", answer),
        &[("t1:solved", "解決した"), ("t1:human", "担当者と話す")],
    );
    let handle = arrived.chat.unwrap().reply_handle;
    let receipt = desk.channel.send(&answering(answer, handle)).await.unwrap();
    let shown = line.next_sent("hanako").await;
    assert_eq!(receipt.server_ids, std::slice::from_ref(&shown.id));
    assert!(shown.card && shown.text.contains("窓口に出してください。"));
    assert_eq!(shown.links, ["https://example.jp/guide"]);

    line.press("hanako", &shown.id, "t1:human").await;
    assert_eq!(desk.newest().pressed.unwrap().key, "t1:human");
    desk.channel
        .send(&message("a2", "hanako", "担当者につなぎます。"))
        .await
        .unwrap();
    assert_eq!(line.next_sent("hanako").await.text, "担当者につなぎます。");

    line.say_quoting("hanako", &shown.id, "/status A-1").await;
    let asked = desk.inbox().pop().unwrap();
    assert_eq!(asked.in_reply_to, [shown.id]);
    assert_eq!(asked.chat.unwrap().command.unwrap().name, "status");
    line.unfollow("hanako").await;
    assert_eq!(desk.newest().presence, Some(Presence::Went));
    line.settled().await;
    line.assert_clean();
}

#[tokio::test]
async fn calls_the_desk_missed_come_again_and_are_kept_once() {
    let desk = Desk::open().await;
    desk.door.set_full(true);
    desk.line.say("hanako", "one").await;
    assert_eq!(desk.line.hook_statuses(), [503]);
    assert!(desk.door.arrivals().is_empty());
    let left = desk.killed().await;
    left.0.say("hanako", "two").await; // nobody is there
    left.1.set_full(false);
    let desk = Desk::again(left).await;
    desk.line.settled().await;
    let texts: Vec<String> = desk
        .inbox()
        .into_iter()
        .map(|message| message.text)
        .collect();
    assert_eq!(texts, ["one", "two"]);

    // LINE did not hear the 200 and calls again.
    let event = desk
        .line
        .message_event("hanako", json!({"type": "text", "text": "three"}));
    let mut again = event.clone();
    again["deliveryContext"]["isRedelivery"] = json!(true);
    desk.line.emit(vec![event]).await;
    desk.line.emit(vec![again]).await;
    assert_eq!(desk.inbox().len(), 3);
    assert_eq!(desk.door.known(), 1);
    desk.line.assert_clean();
}

#[tokio::test]
async fn forged_calls_are_refused_and_nothing_of_them_is_kept() {
    let desk = Desk::open().await;
    let line = &desk.line;
    let event = line.message_event("hanako", json!({"type": "text", "text": "x"}));
    let (body, signature) = line.call(&[event]);
    assert_eq!(line.post(&body, None).await, 401);
    assert_eq!(line.post(&body, Some("bm8=")).await, 401);
    assert_eq!(
        line.post(&body.replace("\"x\"", "\"y\""), Some(&signature))
            .await,
        401
    );
    assert_eq!(line.post("{", Some(&line.sign("{"))).await, 400);
    assert!(desk.door.arrivals().is_empty());
    let verify = format!(r#"{{"destination":"{}","events":[]}}"#, line.bot_id());
    assert_eq!(line.post(&verify, Some(&line.sign(&verify))).await, 200);
    assert_eq!(line.post(&body, Some(&signature)).await, 200);
    assert_eq!(desk.door.arrivals().len(), 1);
}

#[tokio::test]
async fn a_set_of_pictures_comes_as_messages_of_one_group_and_one_is_taken_back() {
    let desk = Desk::open().await;
    let ids = desk
        .line
        .send_pictures("hanako", &[b"one", b"two", b"three"])
        .await;
    let messages = desk.inbox();
    assert_eq!(messages.len(), 3);
    let group = messages[0].chat.clone().unwrap().group;
    assert!(group.is_some());
    assert!(
        messages
            .iter()
            .all(|message| message.chat.as_ref().unwrap().group == group)
    );
    desk.line.unsend("hanako", &ids[1]).await;
    let alteration = desk.newest().alters.unwrap();
    assert_eq!(alteration.message_id, ids[1]);
    assert_eq!(alteration.kind, AlterationKind::Deleted);
    desk.line.assert_clean();
}

#[tokio::test]
async fn groups_are_not_served_and_odd_events_harm_nobody() {
    let desk = Desk::open().await;
    desk.line.say_in_group("hanako", "hello all").await;
    let odd = desk
        .line
        .event("hanako", "telepathy", false, json!({"thought": 1}));
    let hologram = desk.line.event(
        "hanako",
        "message",
        true,
        json!({"message": {"type": "hologram", "id": "7"}}),
    );
    desk.line.emit_unchecked(vec![odd, hologram]).await;
    let inbox = desk.inbox();
    assert_eq!(inbox.len(), 1);
    assert!(inbox[0].problems[0].contains("hologram"));
    desk.line.send_sticker("hanako").await;
    desk.line.send_place("hanako", "1-1").await;
    assert_eq!(desk.inbox().len(), 3);
    assert_eq!(desk.line.hook_statuses(), [200, 200, 200, 200]);
}
