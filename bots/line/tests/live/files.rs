use crate::world::{Desk, channel, config_of_short_tokens};
use madoguchi_channel::Channel;
use madoguchi_fake_line::{Content, Trouble};
use serde_json::json;

/// The stored bytes of the newest arrival.
fn newest(desk: &Desk) -> Vec<u8> {
    desk.door.arrivals().pop().unwrap().bytes
}

#[tokio::test]
async fn pictures_and_files_are_fetched_as_they_are() {
    let desk = Desk::open().await;
    desk.line
        .send_pictures("hanako", &[b"\xff\xd8 picture"])
        .await;
    assert_eq!(
        desk.channel.fetch(&newest(&desk)).await.unwrap(),
        [Ok(b"\xff\xd8 picture".to_vec())]
    );
    desk.line.send_file("hanako", "申請.pdf", b"%PDF").await;
    assert_eq!(
        desk.channel.fetch(&newest(&desk)).await.unwrap(),
        [Ok(b"%PDF".to_vec())]
    );
    desk.line.say("hanako", "no file").await;
    assert!(desk.channel.fetch(&newest(&desk)).await.unwrap().is_empty());
    assert!(desk.channel.fetch(b"no event").await.unwrap().is_empty());
    desk.line.assert_clean();
}

#[tokio::test]
async fn a_recording_still_converting_is_tried_later_and_one_that_failed_is_given_up() {
    let desk = Desk::open().await;
    let id = desk.line.speak("hanako", b"voice", 2).await;
    for _ in 0..2 {
        let error = desk.channel.fetch(&newest(&desk)).await.unwrap_err();
        assert!(
            error.problem.contains("converting") && !error.permanent,
            "{error}"
        );
    }
    assert_eq!(
        desk.channel.fetch(&newest(&desk)).await.unwrap(),
        [Ok(b"voice".to_vec())]
    );
    desk.line.keep(&id, Content::Failed);
    let given_up = desk
        .channel
        .fetch(&newest(&desk))
        .await
        .unwrap()
        .pop()
        .unwrap();
    assert!(given_up.unwrap_err().contains("could not convert"));
    desk.line.assert_clean();
}

#[tokio::test]
async fn what_is_gone_too_large_or_elsewhere_is_said_in_words() {
    let desk = Desk::open().await;
    let id = desk.line.send_file("hanako", "a.bin", &[7; 1001]).await;
    let large = newest(&desk);
    let words = desk
        .channel
        .fetch(&large)
        .await
        .unwrap()
        .pop()
        .unwrap()
        .unwrap_err();
    assert!(words.contains("larger than the 1000 bytes"), "{words}");
    desk.line.keep(
        &id,
        Content::Ready(vec![7; 1000], "application/octet-stream"),
    );
    assert_eq!(
        desk.channel.fetch(&large).await.unwrap()[0]
            .as_ref()
            .unwrap()
            .len(),
        1000
    );
    desk.line.unsend("hanako", &id).await;
    let words = desk
        .channel
        .fetch(&large)
        .await
        .unwrap()
        .pop()
        .unwrap()
        .unwrap_err();
    assert!(words.contains("no longer has"), "{words}");

    let calls = desk.line.requests().len();
    let elsewhere = desk.line.message_event(
        "hanako",
        json!({"type": "image", "contentProvider": {"type": "external", "originalContentUrl": desk.line.url()}}),
    );
    desk.line.emit(vec![elsewhere]).await;
    let words = desk
        .channel
        .fetch(&newest(&desk))
        .await
        .unwrap()
        .pop()
        .unwrap()
        .unwrap_err();
    assert!(words.contains("another server"), "{words}");
    let mut odd = desk.line.message_event(
        "hanako",
        json!({"type": "image", "contentProvider": {"type": "line"}}),
    );
    odd["message"]["id"] = json!("../../bot/info");
    desk.line.emit_unchecked(vec![odd]).await;
    assert!(desk.channel.fetch(&newest(&desk)).await.unwrap()[0].is_err());
    assert_eq!(desk.line.requests().len(), calls, "nothing was asked for");
    desk.line.assert_clean();
}

#[tokio::test]
async fn faults_on_the_way_are_tried_again_later_without_a_secret_in_the_words() {
    let desk = Desk::open().await;
    desk.line.send_pictures("hanako", &[b"picture"]).await;
    let bytes = newest(&desk);
    for trouble in [
        Trouble::Status(500),
        Trouble::TooManyCalls,
        Trouble::CutBefore,
        Trouble::Status(401),
    ] {
        desk.line.trouble("/content", 1, trouble);
        let error = desk.channel.fetch(&bytes).await.unwrap_err();
        assert!(
            !error.to_string().contains(desk.line.access_token()),
            "{error}"
        );
    }
    let short = channel(config_of_short_tokens(&desk.line));
    short.fetch(&bytes).await.unwrap();
    desk.line.end_short_tokens();
    assert_eq!(
        short.fetch(&bytes).await.unwrap(),
        [Ok(b"picture".to_vec())]
    );
    desk.line.assert_clean();
}
