//! Who the desk is: access tokens, and passwords that change while it runs.

use crate::receiving::{DESK, end, receive};
use crate::script::TokenServer;
use crate::world::{Account, MemoryDoor, Service, channel, message};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use madoguchi_channel::{Channel, SendError};
use madoguchi_email::{EmailConfig, Grant, OAuth2Config, Secret};
use sha2::Sha256;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

/// A token the mail service believes, for so many seconds from now.
fn token(service: &Service, user: &str, seconds: i64) -> String {
    let file = PathBuf::from(service.get("DIR")).join("dovecot/keys/default/HS256/default");
    let key = STANDARD
        .decode(std::fs::read_to_string(file).unwrap().trim())
        .unwrap();
    let now = jiff::Timestamp::now().as_second();
    let json = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = serde_json::json!({
        "email": user, "sub": user, "iat": now - 3600, "nbf": now - 3600, "exp": now + seconds, "scope": "mail",
    });
    let said = format!(
        "{}.{}",
        json(serde_json::json!({"alg": "HS256", "typ": "JWT"})),
        json(claims)
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(said.as_bytes());
    format!(
        "{said}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    )
}

fn granted(token: &str, refresh: Option<&str>) -> (u16, String) {
    let mut answer =
        serde_json::json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600});
    if let Some(refresh) = refresh {
        answer["refresh_token"] = refresh.into();
    }
    (200, answer.to_string())
}

fn by_token(service: &Service, account: &Account, server: &TokenServer) -> EmailConfig {
    let mut config = service.config(account);
    let oauth2 = OAuth2Config {
        token_url: server.url.clone(),
        client_id: "desk-app".into(),
        client_secret: Some(Secret::new("app-secret")),
        grant: Grant::RefreshToken,
        refresh_token: Some(Secret::new("refresh-1")),
        scope: Some("imap smtp".into()),
        token_file: None,
        ca_file: Some(PathBuf::from(service.get("CA"))),
    };
    (config.imap.password, config.smtp.password) = (None, None);
    (config.imap.oauth2, config.smtp.oauth2) = (Some(oauth2.clone()), Some(oauth2));
    config
}

#[tokio::test]
async fn a_token_reads_and_sends_and_is_fetched_once_for_both() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "token");
    account.put(&service, "read with a token");
    let good = token(&service, account.user, 3600);
    let server = TokenServer::start(&service, vec![granted(&good, None)]).await;
    let channel = channel(by_token(&service, &account, &server));
    let door = Arc::new(MemoryDoor::default());
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 1);
    channel
        .send(&message("token.1@desk.example.jp", "void@example.com"))
        .await
        .unwrap();
    let lines = channel.check().await.unwrap();
    assert!(lines[1].contains("36700160"), "{lines:?}");
    assert_eq!(server.asked(), 1);
    let form = server.forms.lock().unwrap()[0].clone();
    for part in [
        "grant_type=refresh_token",
        "refresh_token=refresh-1",
        "client_id=desk-app",
        "client_secret=app-secret",
        "scope=imap+smtp",
    ] {
        assert!(form.contains(part), "{part}");
    }
}

#[tokio::test]
async fn a_token_that_ran_out_early_is_renewed_and_a_replaced_refresh_token_survives_a_restart() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "renewed");
    let (old, good) = (
        token(&service, account.user, -60),
        token(&service, account.user, 3600),
    );
    let server = TokenServer::start(
        &service,
        vec![
            granted(&old, Some("refresh-2")),
            granted(&good, Some("refresh-3")),
            granted(&good, None),
        ],
    )
    .await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tokens/mail.json");
    let mut config = by_token(&service, &account, &server);
    for part in [&mut config.imap.oauth2, &mut config.smtp.oauth2] {
        part.as_mut().unwrap().token_file = Some(file.clone());
    }
    let door = Arc::new(MemoryDoor::default());
    channel(config.clone())
        .receive_once(door.clone())
        .await
        .unwrap();
    assert_eq!(server.asked(), 2, "the refused token was replaced at once");
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    channel(config).receive_once(door).await.unwrap();
    let forms = server.forms.lock().unwrap().clone();
    assert!(forms[1].contains("refresh_token=refresh-2"), "{}", forms[1]);
    assert!(forms[2].contains("refresh_token=refresh-3"), "{}", forms[2]);
}

#[tokio::test]
async fn a_provider_that_gives_no_token_is_named_without_secrets_and_not_asked_for_every_message() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "refused");
    let refusal = r#"{"error":"invalid_grant","error_description":"refresh-1 was revoked"}"#;
    let server = TokenServer::start(&service, vec![(400, refusal.to_owned())]).await;
    let channel = channel(by_token(&service, &account, &server));
    let door = Arc::new(MemoryDoor::default());
    let fault = channel.receive_once(door.clone()).await.unwrap_err();
    assert!(
        fault.problem.contains("invalid_grant") && fault.advice.contains("refresh_token"),
        "{fault}"
    );
    let error = channel
        .send(&message("token.2@desk.example.jp", "void@example.com"))
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)), "{error}");
    for words in [fault.to_string(), error.to_string()] {
        assert!(
            !words.contains("refresh-1") && !words.contains("app-secret"),
            "{words}"
        );
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_token_the_mail_server_refuses_for_good_is_a_fault_of_signing_in() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "wrong");
    let server = TokenServer::start(&service, vec![granted("no.such.token", None)]).await;
    let channel = channel(by_token(&service, &account, &server));
    let fault = channel
        .receive_once(Arc::new(MemoryDoor::default()))
        .await
        .unwrap_err();
    assert!(
        fault.problem.contains("refused the access token"),
        "{fault}"
    );
    let error = channel
        .send(&message("token.3@desk.example.jp", "void@example.com"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, SendError::Temporary(words) if words.contains("refused the access token")),
        "{error}"
    );
    assert!(!error.to_string().contains("no.such.token"));
}

#[tokio::test]
async fn a_password_changed_in_its_file_is_taken_while_the_desk_runs() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "changing");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    std::fs::write(&file, "the-old-one\n").unwrap();
    let mut config = service.config(&account);
    config.imap.password = None;
    config.imap.password_file = Some(file.clone());
    let door = Arc::new(MemoryDoor::default());
    let (stop, running) = receive(channel(config), &door);
    door.wait_down("password").await;
    account.put(&service, "after the change");
    std::fs::write(&file, format!("{}\n", service.get("PASSWORD"))).unwrap();
    door.wait_for(1).await;
    door.wait_up().await;
    end(stop, running).await;
}
