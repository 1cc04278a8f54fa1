//! Messages of the desk: delivered once, in order, and failures that say what to do next.

use crate::world::*;
use madoguchi_channel::{Channel, ChatDeparture, Choice, OutboundMessage, Party, SendError};
use madoguchi_fake_telegram::{FakeTelegram, Fault};
use serde_json::json;
use std::time::{Duration, Instant};

/// Three parts long, with a button.
fn long(id: &str) -> OutboundMessage {
    let paragraph = |letter: &str| letter.repeat(3_000);
    let text = [paragraph("あ"), paragraph("い"), paragraph("う")].join("\n\n");
    let mut long = message(id, MINH, &text);
    long.chat = Some(ChatDeparture {
        choices: vec![Choice {
            key: "solved".into(),
            label: "解決した".into(),
        }],
        ..ChatDeparture::default()
    });
    long
}

async fn greeted() -> FakeTelegram {
    let fake = FakeTelegram::start().await;
    fake.say(MINH, "hello");
    fake
}

#[tokio::test]
async fn a_long_text_comes_in_parts_with_the_buttons_under_the_last() {
    let fake = greeted().await;
    let receipt = channel(config(&fake)).send(&long("m1")).await.unwrap();
    let sent = fake.sent_to(MINH);
    let first_letters: Vec<char> = sent
        .iter()
        .filter_map(|part| part.text.chars().next())
        .collect();
    assert_eq!(first_letters, ['あ', 'い', 'う']);
    let buttons: Vec<usize> = sent.iter().map(|part| part.buttons.len()).collect();
    assert_eq!(buttons, [0, 0, 1]);
    let ids: Vec<String> = sent
        .iter()
        .map(|part| format!("{MINH}/{}", part.message_id))
        .collect();
    assert_eq!(receipt.server_ids, ids);
    fake.assert_clean();
}

#[tokio::test]
async fn what_was_delivered_of_a_long_text_is_not_delivered_again() {
    let fake = greeted().await;
    let chat = channel(config(&fake));
    let mut text = long("m1");
    let partly = |failed: SendError| match failed {
        SendError::Partly {
            parts_sent,
            retry_after,
            ..
        } => (parts_sent, retry_after),
        other => panic!("{other:?}"),
    };
    fake.fail_after(1, "sendMessage", Fault::TooMany(7), 1);
    let failed = partly(chat.send(&text).await.unwrap_err());
    assert_eq!(failed, (1, Some(Duration::from_secs(7))));

    // Another process, which knows only what the desk stored; it fails as well.
    text.chat.as_mut().unwrap().parts_sent = 1;
    let chat = channel(config(&fake));
    fake.fail(
        "sendMessage",
        Fault::Refuse(500, "Internal Server Error"),
        1,
    );
    assert_eq!(partly(chat.send(&text).await.unwrap_err()), (1, None));
    chat.send(&text).await.unwrap();
    assert_eq!(fake.sent_to(MINH).len(), 3);
    // And asked once more, it knows that all is done.
    let receipt = chat.send(&text).await.unwrap();
    assert_eq!(receipt.server_ids.len(), 2);
    assert_eq!(fake.sent_to(MINH).len(), 3);
    fake.assert_clean();
}

#[tokio::test]
async fn an_answer_of_a_new_form_does_not_make_a_message_a_double() {
    let fake = greeted().await;
    let chat = channel(config(&fake));
    let odd = json!({"message_id": 99, "date": "yesterday", "chat": 5});
    fake.fail("sendMessage", Fault::NewForm(odd), 1);
    let receipt = chat.send(&message("m1", MINH, "once")).await.unwrap();
    assert_eq!(receipt.server_ids, [format!("{MINH}/99")]);
    fake.fail("sendMessage", Fault::NewForm(json!(true)), 1);
    let receipt = chat.send(&message("m2", MINH, "once more")).await.unwrap();
    assert!(receipt.server_ids.is_empty());
    assert_eq!(fake.sent_to(MINH).len(), 2);
    fake.assert_clean();
}

#[tokio::test]
async fn a_failure_says_whether_and_when_to_try_again() {
    let fake = greeted().await;
    let chat = channel(config(&fake));
    let hello = message("m1", MINH, "hello");
    let began = Instant::now();
    for fault in [
        Fault::Refuse(500, "Internal Server Error"),
        Fault::Refuse(401, "Unauthorized"),
        Fault::BadGateway,
        Fault::Garbage,
        Fault::CutBefore,
    ] {
        fake.fail("sendMessage", fault, 1);
        let failed = chat.send(&hello).await.unwrap_err();
        assert!(matches!(failed, SendError::Temporary(_)), "{failed:?}");
        assert!(!failed.to_string().contains("invented_Key"), "{failed}");
    }
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "no waiting inside a request"
    );
    fake.fail("sendMessage", Fault::TooMany(33), 1);
    let failed = chat.send(&hello).await.unwrap_err();
    assert_eq!(failed.retry_after(), Some(Duration::from_secs(33)));
    for words in [
        "Bad Request: chat not found",
        "Bad Request: user is deactivated",
    ] {
        fake.fail("sendMessage", Fault::Refuse(400, words), 1);
        let failed = chat.send(&hello).await.unwrap_err();
        assert_eq!(failed, SendError::Permanent(format!("400 {words}")));
    }
    assert!(fake.sent_to(MINH).is_empty());
    chat.send(&hello).await.unwrap();
    fake.assert_clean();
}

#[tokio::test]
async fn who_blocked_the_bot_or_never_wrote_to_it_cannot_be_reached() {
    let fake = greeted().await;
    let chat = channel(config(&fake));
    fake.block(MINH);
    fake.person(LAN, "Lan", None);
    let nobody = Party {
        address: "somebody@example.org".into(),
        name: None,
    };
    let mail = OutboundMessage {
        to: nobody,
        ..message("m3", LAN, "hello")
    };
    for message in [
        message("m1", MINH, "hello"),
        message("m2", LAN, "hello"),
        message("m3", 4, "hello"),
        mail,
    ] {
        let failed = chat.send(&message).await.unwrap_err();
        assert!(matches!(failed, SendError::Permanent(_)), "{failed:?}");
    }
    // Blocked between two parts: there is no use in trying the rest.
    let mut rest = long("m4");
    rest.chat.as_mut().unwrap().parts_sent = 1;
    let failed = chat.send(&rest).await.unwrap_err();
    assert!(matches!(failed, SendError::Permanent(_)), "{failed:?}");
    fake.unblock(MINH);
    chat.send(&message("m1", MINH, "hello")).await.unwrap();
    fake.assert_clean();
}

#[tokio::test]
async fn an_answer_hangs_on_the_question_as_long_as_that_is_there() {
    let fake = FakeTelegram::start().await;
    let chat = channel(config(&fake));
    let question = fake.say(MINH, "When?");
    for (id, in_reply_to, shown) in [
        ("m1", format!("{MINH}/{question}"), Some(question)),
        ("m2", format!("{MINH}/999"), None),
        ("m3", format!("{LAN}/{question}"), None),
        ("m4", "d1@desk.example.jp".into(), None),
    ] {
        let mut answer = message(id, MINH, "Tomorrow. https://www.example.org");
        answer.in_reply_to = Some(in_reply_to);
        chat.send(&answer).await.unwrap();
        assert_eq!(fake.next_sent(MINH).await.reply_to, shown);
    }
    let asked = fake.requests("sendMessage");
    assert!(
        asked
            .iter()
            .all(|request| request.body["link_preview_options"]["is_disabled"] == json!(true))
    );
    fake.assert_clean();
}

#[tokio::test]
async fn typing_is_shown_and_never_a_reason_to_fail() {
    let fake = greeted().await;
    let chat = channel(config(&fake));
    let to = |address: &str| Party {
        address: address.into(),
        name: None,
    };
    chat.working(&to(&MINH.to_string())).await;
    assert_eq!(fake.typing(MINH), 1);
    fake.fail("sendChatAction", Fault::CutBefore, 1);
    chat.working(&to(&MINH.to_string())).await;
    chat.working(&to("nobody")).await;
    fake.assert_clean();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_the_token() {
    let fake = FakeTelegram::start().await;
    let mut away = config(&fake);
    away.base_url = "http://127.0.0.1:9".into();
    let chat = channel(away);
    let failed = chat.send(&message("m1", MINH, "hello")).await.unwrap_err();
    assert!(matches!(failed, SendError::Temporary(_)));
    let check = chat.check().await.unwrap_err();
    for words in [failed.to_string(), check.to_string()] {
        assert!(
            words.contains("no connection") && !words.contains("invented"),
            "{words}"
        );
    }
    assert!(!check.permanent);
}

/// Telegram cannot be asked what it delivered. Better twice than never: this is the one double there is.
#[tokio::test]
async fn a_lost_answer_is_the_only_way_to_a_double() {
    let fake = greeted().await;
    let chat = channel(config(&fake));
    let mut text = long("m1");
    fake.fail_after(1, "sendMessage", Fault::CutAfter, 1);
    let failed = chat.send(&text).await.unwrap_err();
    assert!(
        matches!(failed, SendError::Partly { parts_sent: 1, .. }),
        "{failed:?}"
    );
    // The desk forgot how far it was; this process did not.
    text.chat.as_mut().unwrap().parts_sent = 0;
    chat.send(&text).await.unwrap();
    let first_letters: String = fake
        .sent_to(MINH)
        .iter()
        .filter_map(|part| part.text.chars().next())
        .collect();
    assert_eq!(first_letters, "あいいう");
    fake.assert_clean();
}
