//! The spool from outside: what is dropped in, what is stored, what is written.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use async_trait::async_trait;
use jiff::Timestamp;
use madoguchi_channel::{
    Automatic, Channel, Cursor, Door, DoorError, Health, OutboundMessage, Party, RawInbound,
    SendError, Stored,
};
use madoguchi_maildir::{SpoolChannel, SpoolConfig};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[derive(Default)]
struct MemoryDoor {
    stored: Mutex<BTreeMap<String, RawInbound>>,
    known: Mutex<usize>,
    full: Mutex<bool>,
    health: Mutex<Option<Health>>,
    woken: tokio::sync::Notify,
}

impl MemoryDoor {
    fn contents(&self) -> Vec<Vec<u8>> {
        self.stored
            .lock()
            .unwrap()
            .values()
            .map(|a| a.bytes.clone())
            .collect()
    }

    async fn wait_for(&self, count: usize) {
        while self.stored.lock().unwrap().len() < count {
            self.woken.notified().await;
        }
    }

    fn is_down(&self) -> bool {
        matches!(*self.health.lock().unwrap(), Some(Health::Down { .. }))
    }
}

#[async_trait]
impl Door for MemoryDoor {
    async fn store(
        &self,
        _channel: &str,
        arrivals: Vec<RawInbound>,
        _cursor: Option<Cursor>,
    ) -> Result<Stored, DoorError> {
        if *self.full.lock().unwrap() {
            return Err(DoorError("disk full".into()));
        }
        let mut done = Stored::default();
        for arrival in arrivals {
            let mut stored = self.stored.lock().unwrap();
            if stored.contains_key(&arrival.external_id) {
                done.known += 1;
                *self.known.lock().unwrap() += 1;
            } else {
                stored.insert(arrival.external_id.clone(), arrival);
                done.new += 1;
            }
        }
        self.woken.notify_one();
        Ok(done)
    }

    async fn cursor(&self, _channel: &str, _scope: &str) -> Result<Option<String>, DoorError> {
        Ok(None)
    }

    async fn stored_ids(&self, _channel: &str, prefix: &str) -> Result<Vec<String>, DoorError> {
        let stored = self.stored.lock().unwrap();
        Ok(stored
            .keys()
            .filter(|id| id.starts_with(prefix))
            .cloned()
            .collect())
    }

    fn health(&self, _channel: &str, health: Health) {
        *self.health.lock().unwrap() = Some(health);
    }
}

fn spool(root: &Path) -> SpoolChannel {
    SpoolChannel::new(
        SpoolConfig {
            name: "spool".into(),
            inbox: root.join("in"),
            sent: root.join("sent"),
            poll: Duration::from_millis(200),
        },
        Arc::new(|| "2026-11-20T00:00:00Z".parse::<Timestamp>().unwrap()),
    )
}

fn message(id: &str, body: &str) -> OutboundMessage {
    let party = |address: &str| Party {
        address: address.into(),
        name: None,
    };
    OutboundMessage {
        message_id: id.into(),
        installation: "i1".into(),
        from: party("desk@desk.example.jp"),
        to: party("applicant@example.com"),
        reply_to: None,
        subject: "Answer".into(),
        body: body.into(),
        lang: "en".into(),
        in_reply_to: None,
        references: vec![],
        automatic: Automatic::Replied,
        written_at: "2026-11-20T00:00:00Z".parse().unwrap(),
        ..OutboundMessage::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_file_is_stored_once_and_moved_aside_unchanged() {
    let root = tempfile::tempdir().unwrap();
    let (channel, door) = (spool(root.path()), Arc::new(MemoryDoor::default()));
    channel.check().await.unwrap();
    fs::write(root.path().join("in/a.eml"), b"one\r\n").unwrap();
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 1);
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 0);
    assert_eq!(door.contents(), [b"one\r\n"]);
    assert_eq!(
        fs::read(root.path().join("in/.taken/a.eml")).unwrap(),
        b"one\r\n"
    );
    assert!(!root.path().join("in/a.eml").exists() && !door.is_down());
}

#[tokio::test(start_paused = true)]
async fn a_file_still_growing_and_unfinished_names_are_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let (channel, door) = (spool(root.path()), Arc::new(MemoryDoor::default()));
    channel.check().await.unwrap();
    for unfinished in ["x.tmp", "y.part", ".z.eml"] {
        fs::write(root.path().join("in").join(unfinished), b"half").unwrap();
    }
    let growing = root.path().join("in/grows.eml");
    fs::write(&growing, b"one").unwrap();
    let looking = {
        let growing = growing.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            fs::write(&growing, b"one two").unwrap();
        })
    };
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 0);
    looking.await.unwrap();
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 1);
    assert_eq!(door.contents(), [b"one two"]);
    assert!(root.path().join("in/x.tmp").exists());
}

#[tokio::test(start_paused = true)]
async fn what_a_slow_writer_adds_after_the_file_was_taken_is_not_lost() {
    use std::io::Write;
    let root = tempfile::tempdir().unwrap();
    let (channel, door) = (spool(root.path()), Arc::new(MemoryDoor::default()));
    channel.check().await.unwrap();
    let mut writer = fs::File::create(root.path().join("in/slow.eml")).unwrap();
    writer.write_all(b"first half").unwrap();
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 1);
    writer.write_all(b", second half").unwrap();
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 1);
    let contents = door.contents();
    assert!(
        contents.contains(&b"first half, second half".to_vec()),
        "{}",
        contents.len()
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_name_with_other_content_is_a_new_arrival() {
    let root = tempfile::tempdir().unwrap();
    let (channel, door) = (spool(root.path()), Arc::new(MemoryDoor::default()));
    channel.check().await.unwrap();
    for content in ["one", "two", "one"] {
        fs::write(root.path().join("in/a.eml"), content).unwrap();
        channel.receive_once(door.clone()).await.unwrap();
    }
    assert_eq!(door.stored.lock().unwrap().len(), 2);
    assert_eq!(*door.known.lock().unwrap(), 1);
    assert!(!root.path().join("in/a.eml").exists());
    assert_eq!(
        fs::read(root.path().join("in/.taken/a.eml")).unwrap(),
        b"one"
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_between_storing_and_moving_the_file_is_known() {
    let root = tempfile::tempdir().unwrap();
    let door = Arc::new(MemoryDoor::default());
    let channel = spool(root.path());
    channel.check().await.unwrap();
    fs::write(root.path().join("in/a.eml"), b"one").unwrap();
    channel.receive_once(door.clone()).await.unwrap();
    fs::rename(
        root.path().join("in/.taken/a.eml"),
        root.path().join("in/a.eml"),
    )
    .unwrap();
    let restarted = spool(root.path());
    assert_eq!(restarted.receive_once(door.clone()).await.unwrap(), 0);
    assert_eq!(*door.known.lock().unwrap(), 1);
    assert!(root.path().join("in/.taken/a.eml").exists());
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_moved_aside_is_reported_and_stored_once() {
    let root = tempfile::tempdir().unwrap();
    let (channel, door) = (spool(root.path()), Arc::new(MemoryDoor::default()));
    channel.check().await.unwrap();
    // A directory where the name of the moved file should be, and a file where its folder should be.
    let digest = "7692c3ad3540bb80"; // first 16 digits of SHA-256("one")
    fs::create_dir(root.path().join("in/.taken/a.eml")).unwrap();
    fs::write(root.path().join("in/.taken").join(digest), b"").unwrap();
    fs::write(root.path().join("in/a.eml"), b"one").unwrap();
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 1);
    assert!(door.is_down());
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 0);
    assert_eq!(door.stored.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_empty_file_is_stored_after_two_seconds_of_rest() {
    let root = tempfile::tempdir().unwrap();
    let (channel, door) = (spool(root.path()), Arc::new(MemoryDoor::default()));
    channel.check().await.unwrap();
    fs::write(root.path().join("in/empty.eml"), b"").unwrap();
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn while_the_inbox_is_full_the_file_stays_in_the_spool() {
    let root = tempfile::tempdir().unwrap();
    let (channel, door) = (spool(root.path()), Arc::new(MemoryDoor::default()));
    channel.check().await.unwrap();
    fs::write(root.path().join("in/a.eml"), b"one").unwrap();
    *door.full.lock().unwrap() = true;
    let fault = channel.receive_once(door.clone()).await.unwrap_err();
    assert!(fault.problem.contains("disk full") && !fault.permanent);
    assert!(root.path().join("in/a.eml").exists());
    *door.full.lock().unwrap() = false;
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_maildir_is_read_at_once_and_a_flag_changed_later_makes_nothing_new() {
    let root = tempfile::tempdir().unwrap();
    let (channel, door) = (spool(root.path()), Arc::new(MemoryDoor::default()));
    channel.check().await.unwrap();
    for sub in ["new", "cur", "tmp"] {
        fs::create_dir(root.path().join("in").join(sub)).unwrap();
    }
    fs::write(root.path().join("in/tmp/1.host"), b"half").unwrap();
    fs::write(root.path().join("in/new/1.host"), b"one").unwrap();
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 1);
    fs::write(root.path().join("in/cur/1.host:2,S"), b"one").unwrap();
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 0);
}

#[tokio::test]
async fn receiving_takes_what_is_dropped_meanwhile_and_ends_when_told() {
    let root = tempfile::tempdir().unwrap();
    let (channel, door) = (
        Arc::new(spool(root.path())),
        Arc::new(MemoryDoor::default()),
    );
    channel.check().await.unwrap();
    let stop = CancellationToken::new();
    let running = {
        let (channel, door, stop) = (channel.clone(), door.clone(), stop.clone());
        tokio::spawn(async move { channel.receive(door, stop).await })
    };
    for n in 0..5 {
        fs::write(
            root.path().join(format!("in/{n}.eml")),
            format!("message {n}"),
        )
        .unwrap();
    }
    door.wait_for(5).await;
    stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(door.stored.lock().unwrap().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn comparing_finds_and_stores_what_the_inbox_lost() {
    let root = tempfile::tempdir().unwrap();
    let (channel, door) = (spool(root.path()), Arc::new(MemoryDoor::default()));
    channel.check().await.unwrap();
    for name in ["a.eml", "b.eml"] {
        fs::write(root.path().join("in").join(name), name).unwrap();
    }
    channel.receive_once(door.clone()).await.unwrap();
    let lost = door.stored.lock().unwrap().pop_first().unwrap().0;
    let result = channel.reconcile(door.clone()).await.unwrap();
    assert_eq!(
        (result.at_server, result.stored, result.missing),
        (2, 1, vec![lost])
    );
    assert_eq!(channel.reconcile(door).await.unwrap().stored, 2);
}

#[tokio::test]
async fn a_departure_is_written_once_whatever_is_tried_again() {
    let root = tempfile::tempdir().unwrap();
    let channel = spool(root.path());
    let first = channel
        .send(&message("a.1@desk.example.jp", "one"))
        .await
        .unwrap();
    let again = channel
        .send(&message("a.1@desk.example.jp", "another text"))
        .await
        .unwrap();
    assert_eq!(first, again);
    let names: Vec<_> = fs::read_dir(root.path().join("sent"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, ["a.1@desk.example.jp.eml"]);
    let written = fs::read(root.path().join("sent/a.1@desk.example.jp.eml")).unwrap();
    assert!(!String::from_utf8_lossy(&written).contains("another"));
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_a_temporary_fault_in_clear_words() {
    let root = tempfile::tempdir().unwrap();
    // A file in the place of the directory refuses every account, the administrator's too.
    fs::write(root.path().join("sent"), b"").unwrap();
    let channel = spool(root.path());
    let fault = channel
        .send(&message("a.1@desk.example.jp", "one"))
        .await
        .unwrap_err();
    assert!(
        matches!(&fault, SendError::Temporary(words) if words.contains("directory for sent mail"))
    );
    assert!(channel.check().await.is_err());
    fs::remove_file(root.path().join("sent")).unwrap();
    channel
        .send(&message("a.1@desk.example.jp", "one"))
        .await
        .unwrap();
}
