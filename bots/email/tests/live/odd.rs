//! What servers do that nobody wishes for: cut connections, mail between two commands, limits.

use crate::receiving::{DESK, end, receive};
use crate::script::{cutting_proxy, imap_server};
use crate::world::{Account, MemoryDoor, Service, channel, mail, message};
use madoguchi_channel::{Channel, SendError};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_connection_is_cut_each_message_is_taken_once() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "cut");
    for n in 0..6 {
        let long = format!(
            "{}\r\n{}",
            mail(&format!("cut {n}")),
            "x".repeat(60).repeat(200)
        );
        service.doveadm(
            &["save", "-u", account.user, "-m", account.folder],
            long.as_bytes(),
        );
    }
    let (port, connections) = cutting_proxy(service.port("IMAPS"), 2_000, 1_500).await;
    let mut config = service.config(&account);
    config.imap.port = Some(port);
    config.imap.batch_messages = 2;
    let channel = channel(config);
    let door = Arc::new(MemoryDoor::default());
    let mut failures = 0;
    while channel.receive_once(door.clone()).await.is_err() {
        failures += 1;
        assert!(failures < 200, "it never ends");
    }
    assert!(failures > 5, "the proxy cut {failures} times");
    assert!(connections.load(Ordering::SeqCst) > failures);
    let ids: Vec<String> = door
        .arrivals()
        .iter()
        .map(|a| a.external_id.clone())
        .collect();
    assert_eq!(ids.len(), 6, "{ids:?}");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 6);
    for arrival in door.arrivals() {
        assert!(
            arrival.bytes.len() > 12_000,
            "whole: {}",
            arrival.bytes.len()
        );
    }
}

#[tokio::test]
async fn mail_told_of_before_idle_begins_is_not_slept_upon() {
    let service = Service::shared();
    let text = mail("between two commands")
        .replace("\r\n", "\n")
        .replace('\n', "\r\n");
    let looked = std::sync::Mutex::new(0);
    let (port, heard) = imap_server(&service, move |command| {
        let mut looked = looked.lock().unwrap();
        match command.split_whitespace().next().unwrap_or_default() {
            "CAPABILITY" => "* CAPABILITY IMAP4rev1 IDLE\r\n".into(),
            "SELECT" => {
                let there = u32::from(*looked > 0);
                format!(
                    "* {there} EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT {}] x\r\n",
                    there + 1
                )
            }
            "UID" if command.starts_with("UID SEARCH") => {
                *looked += 1;
                // The first time nothing is there yet, and the new message is told of in passing.
                match *looked {
                    1 => "* SEARCH\r\n* 1 EXISTS\r\n".into(),
                    _ => "* SEARCH 1\r\n".into(),
                }
            }
            "UID" if command.contains("BODY.PEEK") => format!(
                "* 1 FETCH (UID 1 RFC822.SIZE {0} BODY[] {{{0}}}\r\n{text})\r\n",
                text.len()
            ),
            "UID" => format!("* 1 FETCH (UID 1 RFC822.SIZE {})\r\n", text.len()),
            _ => String::new(),
        }
    })
    .await;
    let mut config = service.config(&Account {
        user: "desk@desk.example.jp",
        folder: "INBOX",
    });
    config.imap.port = Some(port);
    let door = Arc::new(MemoryDoor::default());
    let (stop, running) = receive(channel(config), &door);
    // The wait in IDLE would last eight minutes.
    door.wait_for(1).await;
    end(stop, running).await;
    let heard = heard.lock().unwrap();
    let idle = heard.iter().position(|command| command == "IDLE");
    let fetched = heard
        .iter()
        .position(|command| command.contains("BODY.PEEK"));
    assert!(
        fetched.is_some() && idle.is_none_or(|idle| Some(idle) > fetched),
        "{heard:?}"
    );
}

#[tokio::test]
async fn what_was_taken_is_moved_and_what_stayed_behind_is_moved_by_the_comparison() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "moving");
    let done = Account::fresh(&service, DESK, "完了");
    let mut config = service.config(&account);
    let door = Arc::new(MemoryDoor::default());
    account.put(&service, "taken before anything was moved");
    channel(config.clone())
        .receive_once(door.clone())
        .await
        .unwrap();
    config.imap.move_to = Some(done.folder.into());
    account.put(&service, "taken and moved");
    let channel = channel(config.clone());
    channel.receive_once(door.clone()).await.unwrap();
    let count = |folder: &str| -> usize {
        let found = service.doveadm(&["search", "-u", account.user, "mailbox", folder], b"");
        found.lines().count()
    };
    assert_eq!((count("moving"), count("完了")), (1, 1));
    let compared = channel.reconcile(door.clone()).await.unwrap();
    assert!(compared.missing.is_empty());
    assert_eq!((count("moving"), count("完了")), (0, 2));
    assert_eq!(door.arrivals().len(), 2);
    config.imap.move_to = Some("moving".into());
    let circle = madoguchi_email::EmailChannel::new(config, Arc::new(jiff::Timestamp::now));
    assert!(circle.is_err_and(|error| error.permanent));
}

/// Without MOVE the message is copied, and only what is ours is removed.
#[tokio::test]
async fn a_server_without_move_is_asked_to_copy() {
    let service = Service::shared();
    for (known, last) in [
        ("UIDPLUS", "UID EXPUNGE 1"),
        ("", "UID STORE 1 +FLAGS.SILENT (\\Deleted)"),
    ] {
        let text = mail("one");
        let (port, heard) = imap_server(&service, move |command| match command {
            "CAPABILITY" => format!("* CAPABILITY IMAP4rev1 {known}\r\n"),
            select if select.starts_with("SELECT") => {
                "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 2] x\r\n".into()
            }
            search if search.starts_with("UID SEARCH") => "* SEARCH 1\r\n".into(),
            fetch if fetch.contains("BODY.PEEK") => format!(
                "* 1 FETCH (UID 1 RFC822.SIZE {0} BODY[] {{{0}}}\r\n{text})\r\n",
                text.len()
            ),
            fetch if fetch.starts_with("UID FETCH") => {
                format!("* 1 FETCH (UID 1 RFC822.SIZE {})\r\n", text.len())
            }
            _ => String::new(),
        })
        .await;
        let mut config = service.config(&Account {
            user: "desk@desk.example.jp",
            folder: "INBOX",
        });
        config.imap.port = Some(port);
        config.imap.move_to = Some("Done \"now\"".into());
        let door = Arc::new(MemoryDoor::default());
        assert_eq!(channel(config).receive_once(door).await.unwrap(), 1);
        let heard = heard.lock().unwrap();
        let after: Vec<&String> = heard
            .iter()
            .skip_while(|command| !command.starts_with("UID COPY"))
            .filter(|command| command.starts_with("UID"))
            .collect();
        assert_eq!(after[0], "UID COPY 1 \"Done \\\"now\\\"\"", "{heard:?}");
        assert_eq!(after.last().unwrap().as_str(), last, "{heard:?}");
    }
}

#[tokio::test]
async fn an_address_beyond_ascii_is_taken_by_a_server_that_can_and_refused_before_one_that_cannot()
{
    let service = Service::shared();
    let channel = channel(service.config(&Account {
        user: "desk@desk.example.jp",
        folder: "INBOX",
    }));
    let receipt = channel
        .send(&message("utf8.1@desk.example.jp", "窓口@example.com"))
        .await
        .unwrap();
    assert!(receipt.server_said.starts_with("250"), "{receipt:?}");
}

#[tokio::test]
async fn a_message_above_the_servers_limit_is_not_even_begun() {
    let service = Service::shared();
    let channel = channel(service.config(&Account {
        user: "desk@desk.example.jp",
        folder: "INBOX",
    }));
    let mut large = message("large.1@desk.example.jp", "void@example.com");
    large.body = "長".repeat(10_000_000);
    let error = channel.send(&large).await.unwrap_err();
    assert!(
        matches!(&error, SendError::Permanent(words) if words.contains("at most 36700160 bytes")),
        "{error}"
    );
}

#[tokio::test]
async fn the_operators_limit_a_minute_is_kept() {
    let service = Service::shared();
    let mut config = service.config(&Account {
        user: "desk@desk.example.jp",
        folder: "INBOX",
    });
    config.smtp.most_per_minute = Some(2);
    let channel = channel(config);
    for n in 0..2 {
        channel
            .send(&message(
                &format!("pace.{n}@desk.example.jp"),
                "void@example.com",
            ))
            .await
            .unwrap();
    }
    let error = channel
        .send(&message("pace.2@desk.example.jp", "void@example.com"))
        .await
        .unwrap_err();
    let wait = error.retry_after().unwrap();
    assert!(
        wait <= Duration::from_secs(60) && wait > Duration::from_secs(30),
        "{wait:?}"
    );
}
