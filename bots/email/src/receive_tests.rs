//! What a real server does too rarely to wait for: messages that vanish, a cut in the middle, a damaged message.

use super::*;
use async_trait::async_trait;

#[derive(Default)]
struct MemoryDoor {
    ids: Mutex<Vec<String>>,
    position: Mutex<Option<String>>,
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
        self.ids
            .lock()
            .unwrap()
            .extend(arrivals.into_iter().map(|arrival| arrival.external_id));
        *self.position.lock().unwrap() = cursor.map(|cursor| cursor.value);
        Ok(Stored { new, known: 0 })
    }

    async fn cursor(&self, _: &str, _: &str) -> Result<Option<String>, DoorError> {
        Ok(self.position.lock().unwrap().clone())
    }

    async fn stored_ids(&self, _: &str, _: &str) -> Result<Vec<String>, DoorError> {
        Ok(self.ids.lock().unwrap().clone())
    }

    fn health(&self, _: &str, _: Health) {}
}

/// Ids 1 to 6; some misbehave.
#[derive(Default)]
struct OddMailbox {
    vanished: Vec<u32>,
    damaged: Vec<u32>,
    cut_at: Option<u32>,
}

impl Mailbox for OddMailbox {
    fn select(&mut self, _: &str) -> Result<Selected, Fault> {
        Ok(Selected {
            uid_validity: 9,
            uid_next: None,
            keeps_flags: true,
        })
    }

    fn uids_from(&mut self, first: u32) -> Result<Vec<u32>, Fault> {
        Ok((first..=6).collect())
    }

    fn sizes(&mut self, uids: &[u32]) -> Result<Vec<(u32, u64)>, Fault> {
        Ok(uids
            .iter()
            .filter(|uid| !self.vanished.contains(uid))
            .map(|uid| (*uid, 10))
            .collect())
    }

    fn fetch(&mut self, uids: &[u32]) -> Result<Vec<Fetched>, Fault> {
        if self.cut_at.is_some_and(|uid| uids.contains(&uid)) {
            self.cut_at = None;
            return Err(Fault::new(Kind::Lost, "cut"));
        }
        if uids.iter().any(|uid| self.damaged.contains(uid)) {
            return Err(Fault::new(Kind::Refused, "damaged"));
        }
        let there = uids.iter().filter(|uid| !self.vanished.contains(uid));
        Ok(there
            .map(|uid| Fetched {
                uid: *uid,
                internal_date: None,
                bytes: b"x".to_vec(),
            })
            .collect())
    }

    fn mark_taken(&mut self, _: &[u32]) -> Result<(), Fault> {
        Err(Fault::new(Kind::Refused, "no flags today"))
    }

    fn move_away(&mut self, _: &[u32], _: &str) -> Result<(), Fault> {
        Err(Fault::new(Kind::Refused, "nothing is moved today"))
    }

    fn can_idle(&mut self) -> Result<bool, Fault> {
        Ok(false)
    }

    fn idle(&mut self, _: Duration) -> Result<(), Fault> {
        Ok(())
    }

    fn close(&mut self) {}
}

fn with_reader<T>(work: impl FnOnce(&Reader) -> T) -> (T, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let door = Arc::new(MemoryDoor::default());
    let config: ImapConfig = serde_json::from_str(
        r#"{"host":"mail.example.org","user":"desk","password":"x","batch_messages":2,"first_connection":"import"}"#,
    )
    .unwrap();
    let reader = Reader {
        channel: "mail".into(),
        folder: "INBOX".into(),
        account: Arc::new(
            crate::sign_in::SignIn::new(
                "imap",
                &config.user,
                config.password.as_ref(),
                None,
                None,
                &mut Vec::new(),
            )
            .unwrap(),
        ),
        config: Arc::new(config),
        tls: crate::link::tls_config(None).unwrap(),
        now: Arc::new(|| Timestamp::UNIX_EPOCH),
        door: door.clone(),
        board: Arc::default(),
        plug: Plug::new(tokio_util::sync::CancellationToken::new()),
        runtime: runtime.handle().clone(),
    };
    let outcome = work(&reader);
    let ids = door.ids.lock().unwrap().clone();
    (outcome, ids)
}

fn ids(uids: &[u32]) -> Vec<String> {
    uids.iter().map(|uid| format!("INBOX/9/{uid}")).collect()
}

#[test]
fn messages_that_vanish_are_passed_and_the_rest_is_taken() {
    let mut mailbox = OddMailbox {
        vanished: vec![2, 5, 6],
        ..OddMailbox::default()
    };
    let (outcome, stored) =
        with_reader(|reader| (reader.take_new(&mut mailbox), reader.take_new(&mut mailbox)));
    assert_eq!((outcome.0.unwrap(), outcome.1.unwrap()), (3, 0));
    assert_eq!(stored, ids(&[1, 3, 4]));
}

#[test]
fn after_a_cut_in_the_middle_reading_goes_on_where_it_was() {
    let mut mailbox = OddMailbox {
        cut_at: Some(3),
        ..OddMailbox::default()
    };
    let (outcome, stored) =
        with_reader(|reader| (reader.take_new(&mut mailbox), reader.take_new(&mut mailbox)));
    assert_eq!(outcome.0.unwrap_err().kind, Kind::Lost);
    assert_eq!(outcome.1.unwrap(), 4);
    assert_eq!(stored, ids(&[1, 2, 3, 4, 5, 6]));
}

#[test]
fn one_message_the_server_refuses_does_not_hold_up_the_others() {
    let mut mailbox = OddMailbox {
        damaged: vec![3],
        ..OddMailbox::default()
    };
    let (outcome, stored) = with_reader(|reader| reader.take_new(&mut mailbox));
    assert_eq!(outcome.unwrap(), 5);
    assert_eq!(stored, ids(&[1, 2, 4, 5, 6]));
}

#[test]
fn pauses_grow_to_a_minute_and_no_further() {
    for failures in 0..100 {
        let pause = pause_after(failures);
        assert!(
            pause >= Duration::from_millis(500) && pause <= LONGEST_PAUSE,
            "{failures}"
        );
    }
    assert!(pause_after(99) >= LONGEST_PAUSE / 2);
}
