use crate::world::{Account, Service, channel, message};
use madoguchi_channel::{Channel, SendError};
use madoguchi_email::{EmailChannel, Secret, Security};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

const DESK: Account = Account {
    user: "desk@desk.example.jp",
    folder: "INBOX",
};

fn sender(service: &Service) -> EmailChannel {
    channel(service.config(&DESK))
}

#[tokio::test]
async fn a_message_arrives_once_however_often_it_is_sent() {
    let service = Service::shared();
    let reader = Account::fresh(&service, "patient@example.org", "INBOX");
    let channel = sender(&service);
    let outgoing = message("once.1@desk.example.jp", reader.user);
    let receipt = channel.send(&outgoing).await.unwrap();
    assert!(
        receipt.server_said.starts_with("250 "),
        "{}",
        receipt.server_said
    );
    assert_eq!(channel.send(&outgoing).await.unwrap(), receipt);
    // Postfix hands on what it took in order, so the second message tells that the first has arrived.
    channel
        .send(&message("once.2@desk.example.jp", reader.user))
        .await
        .unwrap();
    let config = {
        let mut config = service.config(&reader);
        config.name = "reader".into();
        config
    };
    let door = std::sync::Arc::new(crate::world::MemoryDoor::default());
    let stop = tokio_util::sync::CancellationToken::new();
    let running = {
        let (door, stop) = (door.clone(), stop.clone());
        tokio::spawn(async move { crate::world::channel(config).receive(door, stop).await })
    };
    door.wait_for(2).await;
    stop.cancel();
    running.await.unwrap().unwrap();
    let texts: Vec<String> = door
        .arrivals()
        .iter()
        .map(|a| String::from_utf8_lossy(&a.bytes).into_owned())
        .collect();
    assert_eq!(
        texts.iter().filter(|text| text.contains("once.1@")).count(),
        1
    );
}

#[tokio::test]
async fn try_again_later_is_temporary_with_the_servers_words() {
    let service = Service::shared();
    let error = sender(&service)
        .send(&message("t.1@desk.example.jp", "tempfail@example.com"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, SendError::Temporary(words) if words.starts_with("451 ") && words.contains("try again later")),
        "{error}"
    );
}

#[tokio::test]
async fn no_such_person_too_large_and_policy_are_permanent_with_the_servers_words() {
    let service = Service::shared();
    let channel = sender(&service);
    for (to, code, text) in [
        ("reject@example.com", "550 ", "No such person here"),
        ("toolarge@example.com", "552 ", "exceeds"),
        ("policy@example.com", "554 ", "policy"),
    ] {
        let error = channel
            .send(&message("p.1@desk.example.jp", to))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, SendError::Permanent(words) if words.starts_with(code) && words.contains(text)),
            "{error}"
        );
    }
    channel
        .send(&message("p.2@desk.example.jp", "void@example.com"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_wrong_password_of_ours_is_never_held_against_the_recipient() {
    let service = Service::shared();
    let mut config = service.config(&DESK);
    config.smtp.password = Some(Secret::new("not-the-one"));
    let channel = channel(config);
    let error = channel
        .send(&message("w.1@desk.example.jp", "void@example.com"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, SendError::Temporary(words) if words.contains("535 ") && words.contains("user name or password")),
        "{error}"
    );
    let fault = channel.check().await.unwrap_err();
    assert!(
        fault.problem.contains("535") && fault.advice.contains("password"),
        "{fault}"
    );
}

#[tokio::test]
async fn an_unknown_authority_and_a_server_away_are_temporary() {
    let service = Service::shared();
    let mut config = service.config(&DESK);
    config.smtp.ca_file = Some(service.get("OTHER_CA").into());
    let error = channel(config)
        .send(&message("u.1@desk.example.jp", "void@example.com"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, SendError::Temporary(words) if words.contains("authority")),
        "{error}"
    );

    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut config = service.config(&DESK);
    config.smtp.port = Some(closed);
    let error = channel(config)
        .send(&message("u.2@desk.example.jp", "void@example.com"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, SendError::Temporary(words) if words.contains("no connection")),
        "{error}"
    );
}

/// A server that speaks without TLS: what it is asked, line by line, until the client leaves.
fn plain_server() -> (u16, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream
            .write_all(b"220 plain.example.org ESMTP\r\n")
            .unwrap();
        let mut heard = Vec::new();
        for line in BufReader::new(stream.try_clone().unwrap()).lines() {
            let Ok(line) = line else { break };
            let answer: &[u8] = if line.starts_with("EHLO") {
                b"250-plain.example.org\r\n250 AUTH PLAIN LOGIN\r\n"
            } else {
                b"250 2.0.0 Ok\r\n"
            };
            heard.push(line);
            if stream.write_all(answer).is_err() {
                break;
            }
        }
        heard
    });
    (port, heard)
}

#[tokio::test]
async fn nothing_is_told_to_a_server_without_tls() {
    let service = Service::shared();
    let (port, heard) = plain_server();
    let mut config = service.config(&DESK);
    (config.smtp.tls, config.smtp.port, config.smtp.host) =
        (Security::Starttls, Some(port), "127.0.0.1".into());
    let channel = channel(config);
    let error = channel
        .send(&message("n.1@desk.example.jp", "void@example.com"))
        .await
        .unwrap_err();
    drop(channel);
    assert!(matches!(error, SendError::Temporary(_)), "{error}");
    let heard = heard.join().unwrap();
    assert!(
        !heard
            .iter()
            .any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")),
        "{heard:?}"
    );
}
