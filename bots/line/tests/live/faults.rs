use crate::sending::{PUSH, asked};
use crate::world::{Desk, answering, channel, config, config_of_short_tokens, message, soon};
use madoguchi_channel::{Channel, SendError};
use madoguchi_fake_line::{FakeLine, Trouble};
use madoguchi_line::LineConfig;
use std::time::Duration;

#[tokio::test]
async fn blocked_is_not_told_by_line_and_unknown_is_permanent() {
    let (desk, _) = asked().await;
    desk.line.unfollow("hanako").await;
    desk.channel
        .send(&message("m1", "hanako", "x"))
        .await
        .unwrap();
    assert!(desk.line.sent_to("hanako").is_empty());
    let stranger = message("m2", "nobody", "x");
    let error = desk.channel.send(&stranger).await.unwrap_err();
    assert!(
        matches!(&error, SendError::Permanent(words) if words.contains("Failed to send")),
        "{error:?}"
    );
    let mut nobody = message("m3", "nobody", "x");
    nobody.to.address.clear();
    assert!(matches!(
        desk.channel.send(&nobody).await,
        Err(SendError::Permanent(_))
    ));
    let empty = message("m4", "hanako", " \n");
    assert!(matches!(
        desk.channel.send(&empty).await,
        Err(SendError::Permanent(_))
    ));
    desk.line.assert_clean();
}

#[tokio::test]
async fn short_tokens_are_asked_for_once_and_renewed_when_line_ends_them() {
    let line = FakeLine::start().await;
    line.person("hanako");
    let channel = channel(config_of_short_tokens(&line));
    for id in ["m1", "m2"] {
        channel.send(&message(id, "hanako", id)).await.unwrap();
    }
    assert_eq!(line.requests_to("/oauth2/v3/token").len(), 1);
    line.end_short_tokens();
    channel.send(&message("m3", "hanako", "m3")).await.unwrap();
    assert_eq!(line.requests_to("/oauth2/v3/token").len(), 2);
    assert_eq!(line.sent_to("hanako").len(), 3);
    // A token of no life is renewed before each call, never used after its end.
    line.set_token_life(Duration::ZERO);
    line.end_short_tokens();
    let error = channel
        .send(&message("m4", "hanako", "m4"))
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)), "{error:?}");
    line.assert_clean();
}

#[tokio::test]
async fn a_refused_token_is_our_fault_and_no_secret_is_in_the_words() {
    let line = FakeLine::start().await;
    line.person("hanako");
    line.set_refuse_tokens(true);
    for config in [config(&line), config_of_short_tokens(&line)] {
        let channel = channel(config);
        let sending = channel
            .send(&message("m1", "hanako", "x"))
            .await
            .unwrap_err();
        assert!(matches!(sending, SendError::Temporary(_)), "{sending:?}");
        let checking = channel.check().await.unwrap_err();
        assert!(checking.permanent);
        assert!(checking.advice.contains("access_token"));
        for words in [sending.to_string(), checking.to_string()] {
            for secret in [line.access_token().to_owned(), line.channel_secret()] {
                assert!(!words.contains(&secret), "{words}");
            }
        }
    }
}

#[tokio::test]
async fn no_connection_silence_and_nonsense_are_temporary_and_tell_no_secret() {
    let (desk, handle) = asked().await;
    let impatient = channel(LineConfig {
        timeout_seconds: 1,
        ..config(&desk.line)
    });
    desk.line.trouble(PUSH, 1, Trouble::Silence);
    desk.line.trouble(PUSH, 1, Trouble::CutBefore);
    desk.line.trouble(PUSH, 1, Trouble::Status(503));
    let away = channel(LineConfig {
        base_url: "http://127.0.0.1:1".into(),
        ..config(&desk.line)
    });
    let outgoing = answering(message("m9", "hanako", "x"), handle);
    let mut errors = vec![away.send(&outgoing).await.unwrap_err()];
    for id in ["m1", "m2", "m3"] {
        errors.push(
            soon("an answer", impatient.send(&message(id, "hanako", "x")))
                .await
                .unwrap_err(),
        );
    }
    for error in errors {
        assert!(matches!(error, SendError::Temporary(_)), "{error:?}");
        let words = error.to_string();
        assert!(
            !words.contains(desk.line.access_token())
                && !words.contains(&FakeLine::user_id("hanako")),
            "{words}"
        );
    }
    desk.channel.send(&outgoing).await.unwrap();
    desk.line.assert_clean();
}

#[tokio::test]
async fn the_dots_are_shown_and_never_fail() {
    let desk = Desk::open().await;
    desk.line.person("hanako");
    let to = message("m", "hanako", "x").to;
    desk.channel.working(&to).await;
    assert_eq!(desk.line.dots(), [FakeLine::user_id("hanako")]);
    desk.line.trouble("loading", 1, Trouble::Status(500));
    desk.channel.working(&to).await;
    desk.line.assert_clean();
}
