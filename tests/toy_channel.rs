//! The smallest complete channel: a guest book. People write lines into one file, answers appear in another. `docs/adding-a-channel.md`
//! explains it step by step.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use async_trait::async_trait;
use jiff::Timestamp;
use madoguchi_channel::{
    Channel, ChatArrival, Cursor, DecodeError, Door, DoorError, Health, InboundMessage,
    OutboundMessage, Party, RawInbound, Receipt, ReceiveError, Reconciliation, SendError, Stored,
};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

// begin: the channel
struct GuestBook {
    name: String,
    book: PathBuf,
    answers: PathBuf,
}

fn unreadable(error: std::io::Error) -> ReceiveError {
    ReceiveError {
        problem: format!("the guest book cannot be read: {error}"),
        advice: "check that the file is there and may be read".to_owned(),
        permanent: false,
    }
}

#[async_trait]
impl Channel for GuestBook {
    fn name(&self) -> &str {
        &self.name
    }

    fn decode(&self, bytes: &[u8]) -> Result<InboundMessage, DecodeError> {
        let text = std::str::from_utf8(bytes).map_err(|_| DecodeError {
            reason: "the line is no UTF-8".to_owned(),
        })?;
        let (writer, words) = text.split_once(": ").unwrap_or(("somebody", text));
        Ok(InboundMessage {
            from: Some(Party {
                address: writer.to_owned(),
                name: None,
            }),
            text: words.to_owned(),
            reply_text: words.to_owned(),
            chat: Some(ChatArrival {
                conversation: writer.to_owned(),
                ..ChatArrival::default()
            }),
            ..InboundMessage::default()
        })
    }

    async fn receive(
        &self,
        door: Arc<dyn Door>,
        stop: CancellationToken,
    ) -> Result<(), ReceiveError> {
        while !stop.is_cancelled() {
            let health = match self.receive_once(Arc::clone(&door)).await {
                Ok(_) => Health::Up,
                Err(error) => Health::Down {
                    problem: error.problem,
                    advice: error.advice,
                },
            };
            door.health(&self.name, health);
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_millis(50)) => {}
            }
        }
        Ok(())
    }

    /// Lines beyond the saved position are stored together with the new position, in one call: a crash in between loses and doubles nothing.
    async fn receive_once(&self, door: Arc<dyn Door>) -> Result<usize, ReceiveError> {
        let refused = |error: DoorError| ReceiveError {
            problem: error.to_string(),
            advice: "free disk space; the lines wait in the book".to_owned(),
            permanent: false,
        };
        let text = std::fs::read_to_string(&self.book).map_err(unreadable)?;
        let seen = door.cursor(&self.name, "lines").await.map_err(refused)?;
        let seen: usize = seen.and_then(|value| value.parse().ok()).unwrap_or(0);
        let arrivals: Vec<RawInbound> = text
            .lines()
            .enumerate()
            .skip(seen)
            .map(|(number, line)| RawInbound {
                channel: self.name.clone(),
                external_id: format!("line/{number}"),
                received_at: Timestamp::now(),
                bytes: line.as_bytes().to_vec(),
                silent: false,
                renumbered: false,
            })
            .collect();
        if arrivals.is_empty() {
            return Ok(0);
        }
        let cursor = Cursor {
            scope: "lines".to_owned(),
            value: (seen + arrivals.len()).to_string(),
        };
        let stored = door
            .store(&self.name, arrivals, Some(cursor))
            .await
            .map_err(refused)?;
        Ok(stored.new)
    }

    async fn reconcile(&self, _: Arc<dyn Door>) -> Result<Reconciliation, ReceiveError> {
        Ok(Reconciliation::default())
    }

    /// The id of the message stands in its line: an answer that is there already is not written twice.
    async fn send(&self, message: &OutboundMessage) -> Result<Receipt, SendError> {
        let failed = |error: std::io::Error| SendError::Temporary(error.to_string());
        let known = std::fs::read_to_string(&self.answers).unwrap_or_default();
        if !known.contains(&message.message_id) {
            let mut file = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(&self.answers)
                .map_err(failed)?;
            let body = message.body.replace('\n', " ");
            writeln!(
                file,
                "{} [{}] {body}",
                message.to.address, message.message_id
            )
            .map_err(failed)?;
            file.sync_all().map_err(failed)?;
        }
        Ok(Receipt::new("written"))
    }

    async fn check(&self) -> Result<Vec<String>, ReceiveError> {
        std::fs::metadata(&self.book).map_err(unreadable)?;
        Ok(vec![format!("reads {}", self.book.display())])
    }
}
// end: the channel

/// A door that remembers.
#[derive(Default)]
struct MemoryDoor {
    arrivals: Mutex<Vec<RawInbound>>,
    cursor: Mutex<Option<String>>,
}

#[async_trait]
impl Door for MemoryDoor {
    async fn store(
        &self,
        _: &str,
        arrivals: Vec<RawInbound>,
        cursor: Option<Cursor>,
    ) -> Result<Stored, DoorError> {
        let new = arrivals.len();
        self.arrivals.lock().unwrap().extend(arrivals);
        *self.cursor.lock().unwrap() = cursor.map(|cursor| cursor.value);
        Ok(Stored { new, known: 0 })
    }
    async fn cursor(&self, _: &str, _: &str) -> Result<Option<String>, DoorError> {
        Ok(self.cursor.lock().unwrap().clone())
    }
    async fn stored_ids(&self, _: &str, _: &str) -> Result<Vec<String>, DoorError> {
        Ok(Vec::new())
    }
    fn health(&self, _: &str, _: Health) {}
}

fn book(dir: &Path) -> GuestBook {
    GuestBook {
        name: "guests".to_owned(),
        book: dir.join("book"),
        answers: dir.join("answers"),
    }
}

#[tokio::test]
async fn the_toy_takes_each_line_once_and_writes_each_answer_once() {
    let dir = tempfile::tempdir().unwrap();
    let (channel, door) = (book(dir.path()), Arc::new(MemoryDoor::default()));
    assert!(channel.check().await.is_err(), "there is no book yet");
    std::fs::write(dir.path().join("book"), "ann: Is it free?\nbob: When?\n").unwrap();
    assert_eq!(channel.receive_once(door.clone()).await.unwrap(), 2);
    // A new process goes on where the old one stopped.
    assert_eq!(
        book(dir.path()).receive_once(door.clone()).await.unwrap(),
        0
    );
    let first = door.arrivals.lock().unwrap()[0].clone();
    let message = channel.decode(&first.bytes).unwrap();
    assert_eq!(message.from.unwrap().address, "ann");
    assert_eq!(message.text, "Is it free?");
    assert!(channel.decode(b"\xff").is_err());
    let answer = OutboundMessage {
        message_id: "1@desk".to_owned(),
        to: Party {
            address: "ann".to_owned(),
            name: None,
        },
        body: "Yes.\nIt is.".to_owned(),
        ..OutboundMessage::default()
    };
    for _ in 0..2 {
        channel.send(&answer).await.unwrap();
    }
    let written = std::fs::read_to_string(dir.path().join("answers")).unwrap();
    assert_eq!(written, "ann [1@desk] Yes. It is.\n");
}

#[test]
fn the_toy_is_as_short_as_the_guide_says() {
    let source = std::fs::read_to_string("tests/toy_channel.rs").unwrap();
    let channel = source.split("// begin: the channel").nth(1).unwrap();
    let lines = channel
        .split("// end: the channel")
        .next()
        .unwrap()
        .lines()
        .count();
    assert!(lines < 150, "{lines} lines");
}
