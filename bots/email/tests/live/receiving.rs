use crate::world::{Account, MemoryDoor, Service, channel, mail, soon};
use madoguchi_channel::{Channel, Door, ReceiveError};
use madoguchi_email::{EmailChannel, FirstConnection, Secret, Security};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const DESK: &str = "desk@desk.example.jp";

pub fn receive(
    channel: EmailChannel,
    door: &Arc<MemoryDoor>,
) -> (CancellationToken, JoinHandle<Result<(), ReceiveError>>) {
    let stop = CancellationToken::new();
    let (token, door) = (stop.clone(), door.clone() as Arc<dyn Door>);
    (
        stop,
        tokio::spawn(async move { channel.receive(door, token).await }),
    )
}

pub async fn end(stop: CancellationToken, running: JoinHandle<Result<(), ReceiveError>>) {
    stop.cancel();
    soon("the channel to stop", running).await.unwrap().unwrap();
}

#[tokio::test]
async fn from_now_leaves_old_mail_alone_and_takes_what_comes() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "from-now");
    let door = Arc::new(MemoryDoor::default());
    account.put(&service, "old");
    let mut config = service.config(&account);
    config.imap.first_connection = FirstConnection::FromNow;
    let channel = channel(config);
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 0);
    account.put(&service, "new");
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 1);
    assert!(!door.arrivals()[0].silent);
    let compared = channel.reconcile(door).await.unwrap();
    assert_eq!(
        (compared.at_server, compared.stored, compared.missing.len()),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn import_takes_old_mail_silently_and_new_mail_not() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "import");
    let door = Arc::new(MemoryDoor::default());
    account.put(&service, "old 1");
    account.put(&service, "old 2");
    let channel = channel(service.config(&account));
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 2);
    account.put(&service, "new");
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 1);
    let silent: Vec<bool> = door
        .arrivals()
        .iter()
        .map(|arrival| arrival.silent)
        .collect();
    assert_eq!(silent, [true, true, false]);
    assert_eq!(door.arrivals()[2].bytes, mail("new").into_bytes());
}

#[tokio::test]
async fn mail_somebody_has_read_is_taken_and_unread_mail_stays_unread() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "flags");
    let door = Arc::new(MemoryDoor::default());
    account.put(&service, "read by somebody");
    service.doveadm(
        &[
            "flags", "add", "-u", DESK, "\\Seen", "mailbox", "flags", "all",
        ],
        b"",
    );
    account.put(&service, "unread");
    let channel = channel(service.config(&account));
    assert_eq!(channel.receive_once(door).await.unwrap(), 2);
    let flags = account.flags(&service);
    assert_eq!(flags.matches("$MadoguchiTaken").count(), 2, "{flags}");
    assert_eq!(flags.matches("\\Seen").count(), 1, "{flags}");
}

#[tokio::test]
async fn after_a_renumbering_everything_is_looked_at_again_and_known_mail_dropped() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "renumbered");
    let door = Arc::new(MemoryDoor::default());
    account.put(&service, "a");
    account.put(&service, "b");
    let channel = channel(service.config(&account));
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 2);
    let first = door.arrivals()[0].external_id.clone();
    account.remove(&service);
    account.create(&service);
    account.put(&service, "a");
    account.put(&service, "c");
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 1);
    assert_eq!(door.known(), 1);
    let new = door
        .arrivals()
        .into_iter()
        .find(|arrival| arrival.renumbered)
        .unwrap();
    assert_eq!(new.bytes, mail("c").into_bytes());
    let numbering = |id: &str| id.split('/').nth(1).unwrap().to_owned();
    assert_ne!(numbering(&new.external_id), numbering(&first));
    let compared = channel.reconcile(door).await.unwrap();
    assert_eq!(
        (compared.at_server, compared.stored, compared.missing.len()),
        (2, 2, 0)
    );
}

#[tokio::test]
async fn the_server_tells_of_new_mail_long_before_the_next_look() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "idle");
    let door = Arc::new(MemoryDoor::default());
    let (stop, running) = receive(channel(service.config(&account)), &door);
    door.wait_up().await;
    for n in 1..=3 {
        account.put(&service, &format!("number {n}"));
        door.wait_for(n).await;
    }
    end(stop, running).await;
    assert_eq!(door.arrivals().len(), 3);
}

#[tokio::test]
async fn without_idle_the_next_look_finds_it() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "poll");
    let door = Arc::new(MemoryDoor::default());
    let mut config = service.config(&account);
    (config.imap.idle, config.imap.poll_seconds) = (false, 1);
    let (stop, running) = receive(channel(config), &door);
    door.wait_up().await;
    account.put(&service, "one");
    door.wait_for(1).await;
    end(stop, running).await;
    assert!(!door.arrivals()[0].silent);
}

#[tokio::test]
async fn a_connection_kicked_by_the_server_is_taken_up_again() {
    let service = Service::shared();
    let account = Account::fresh(&service, "guarantor@desk.example.jp", "kicked");
    let door = Arc::new(MemoryDoor::default());
    let (stop, running) = receive(channel(service.config(&account)), &door);
    door.wait_up().await;
    service.doveadm(&["kick", account.user], b"");
    door.wait_down("localhost").await;
    account.put(&service, "after the break");
    door.wait_for(1).await;
    door.wait_up().await;
    end(stop, running).await;
    assert_eq!(door.arrivals().len(), 1);
}

#[tokio::test]
async fn a_restarted_server_is_found_again_and_mail_of_the_meantime_is_taken() {
    let service = Service::alone();
    let account = Account::fresh(&service, DESK, "restart");
    let door = Arc::new(MemoryDoor::default());
    let (stop, running) = receive(channel(service.config(&account)), &door);
    door.wait_up().await;
    service.control("stop", "valid");
    door.wait_down("network").await;
    service.control("start", "valid");
    account.put(&service, "after the restart");
    door.wait_for(1).await;
    end(stop, running).await;
    assert_eq!(door.arrivals().len(), 1);
}

#[tokio::test]
async fn a_wrong_password_is_named_as_such_and_the_right_one_mends_it() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "password");
    let door = Arc::new(MemoryDoor::default());
    let mut config = service.config(&account);
    config.imap.password = Some(Secret::new("not-the-one"));
    let fault = channel(config)
        .receive_once(door.clone())
        .await
        .unwrap_err();
    door.wait_down("password").await;
    assert!(
        fault.problem.contains("Authentication failed") && fault.advice.contains("password"),
        "{fault}"
    );
    assert!(!fault.permanent && !fault.to_string().contains("not-the-one"));
    channel(service.config(&account))
        .receive_once(door.clone())
        .await
        .unwrap();
    door.wait_up().await;
}

#[tokio::test]
async fn an_expired_certificate_is_refused_and_named_on_both_sides() {
    let service = Service::alone();
    let account = Account::fresh(&service, DESK, "expired");
    service.control("start", "expired");
    let channel = channel(service.config(&account));
    let receiving = channel.receive_once(Arc::new(MemoryDoor::default())).await;
    let sending = channel
        .send(&crate::world::message(
            "expired.1@desk.example.jp",
            "applicant@example.com",
        ))
        .await;
    service.control("start", "valid");
    let fault = receiving.unwrap_err();
    assert!(
        fault.problem.contains("expired") && fault.advice.contains("renew"),
        "{fault}"
    );
    let fault = sending.unwrap_err();
    assert!(
        matches!(&fault, madoguchi_channel::SendError::Temporary(words) if words.contains("expired")),
        "{fault}"
    );
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_is_refused() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "authority");
    let mut config = service.config(&account);
    config.imap.ca_file = Some(PathBuf::from(service.get("OTHER_CA")));
    let fault = channel(config).check().await.unwrap_err();
    assert!(
        fault.problem.contains("authority") && fault.advice.contains("ca_file"),
        "{fault}"
    );
    let mut config = service.config(&account);
    config.imap.ca_file = None;
    let fault = channel(config).check().await.unwrap_err();
    assert!(fault.problem.contains("authority"), "{fault}");
}

#[tokio::test]
async fn starttls_reads_mail_and_both_sides_pass_the_check() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "starttls");
    account.put(&service, "one");
    let mut config = service.config(&account);
    (config.imap.tls, config.imap.port) = (Security::Starttls, Some(service.port("IMAP")));
    (config.smtp.tls, config.smtp.port) = (Security::Implicit, Some(service.port("SUBMISSIONS")));
    let channel = channel(config);
    channel.check().await.unwrap();
    assert_eq!(
        channel
            .receive_once(Arc::new(MemoryDoor::default()))
            .await
            .unwrap(),
        1
    );
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let service = Service::shared();
    let config = service.config(&Account {
        user: DESK,
        folder: "no-such-folder",
    });
    let fault = channel(config).check().await.unwrap_err();
    assert!(
        fault.problem.contains("no-such-folder") && fault.advice.contains("create the folder"),
        "{fault}"
    );
}

#[tokio::test]
async fn a_folder_with_a_japanese_name_is_read_and_told_by_its_name() {
    let service = Service::shared();
    let account = Account::fresh(&service, "water-card@desk.example.jp", "お問い合わせ & Thư");
    let door = Arc::new(MemoryDoor::default());
    account.put(&service, "in the folder");
    let mut config = service.config(&account);
    let first = channel(config.clone());
    assert_eq!(first.receive_once(door.clone()).await.unwrap(), 1);
    config.imap.folders = vec!["お問い合わせ".to_owned()];
    let fault = channel(config).check().await.unwrap_err();
    assert!(fault.problem.contains("お問い合わせ & Thư"), "{fault}");
}

#[tokio::test]
async fn two_hundred_messages_come_in_batches_and_each_once() {
    let service = Service::shared();
    let account = Account::fresh(&service, "procurement@desk.example.jp", "INBOX");
    let door = Arc::new(MemoryDoor::default());
    service.deliver(account.user, (0..200).map(|n| mail(&format!("number {n}"))));
    let channel = channel(service.config(&account));
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 200);
    assert_eq!(door.batches(), [50, 50, 50, 50]);
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 0);
    assert_eq!((door.arrivals().len(), door.known()), (200, 0));
}

#[tokio::test]
async fn a_batch_is_limited_in_bytes_and_a_larger_message_comes_alone() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "bytes");
    let door = Arc::new(MemoryDoor::default());
    for subject in ["a", &"long ".repeat(150), "b", "c"] {
        account.put(&service, subject);
    }
    let mut config = service.config(&account);
    config.imap.batch_bytes = 400;
    assert_eq!(channel(config).receive_once(door.clone()).await.unwrap(), 4);
    assert_eq!(door.batches(), [1, 1, 2]);
}

#[tokio::test]
async fn comparing_finds_what_the_inbox_lost_and_stores_it() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "compare");
    let door = Arc::new(MemoryDoor::default());
    for subject in ["a", "b", "c"] {
        account.put(&service, subject);
    }
    let channel = channel(service.config(&account));
    channel.receive_once(door.clone()).await.unwrap();
    let lost = door.arrivals()[1].external_id.clone();
    door.lose(&lost);
    let compared = channel.reconcile(door.clone()).await.unwrap();
    assert_eq!(
        (compared.at_server, compared.stored, compared.missing),
        (3, 2, vec![lost])
    );
    assert_eq!(door.arrivals().len(), 3);
    assert_eq!(channel.reconcile(door).await.unwrap().stored, 3);
}

#[tokio::test]
async fn while_the_inbox_is_full_mail_stays_at_the_server() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "full");
    let door = Arc::new(MemoryDoor::default());
    let (stop, running) = receive(channel(service.config(&account)), &door);
    door.wait_up().await;
    door.set_full(true);
    account.put(&service, "waits");
    door.wait_down("no space left").await;
    door.set_full(false);
    door.wait_for(1).await;
    end(stop, running).await;
    assert_eq!(door.arrivals().len(), 1);
}

#[tokio::test]
async fn stopping_ends_a_wait_that_would_last_minutes() {
    let service = Service::shared();
    let account = Account::fresh(&service, DESK, "stop");
    let door = Arc::new(MemoryDoor::default());
    let mut config = service.config(&account);
    config.imap.folders.push("INBOX".into());
    let (stop, running) = receive(channel(config), &door);
    door.wait_up().await;
    end(stop, running).await;
    door.wait_up().await; // being stopped is no fault
}
