//! Departures.

use crate::world::{World, decision, departure, event, minute, new_id};
use madoguchi::domain::event::Change;
use madoguchi::domain::ids::{OutboxId, TicketId};
use madoguchi::flow::ports::{AutomaticCount, Commit, DepartureState, Store, StoreError};
use madoguchi_channel::{Automatic, Receipt};
use std::collections::BTreeSet;

fn receipt() -> Receipt {
    Receipt::new("250 2.0.0 Ok")
}

/// A ticket with one answer waiting, and the answer's row.
async fn one_answer(store: &dyn Store) -> TicketId {
    let id = new_id(store).await;
    store.commit(&decision(id, None)).await.unwrap();
    id
}

async fn also(store: &dyn Store, message_id: &str, ticket: Option<TicketId>) {
    let commit = Commit {
        at: Some(minute(1)),
        departures: vec![departure(message_id, ticket)],
        ..Commit::default()
    };
    store.commit(&commit).await.unwrap();
}

async fn claim_ids(store: &dyn Store, at: i64) -> Vec<OutboxId> {
    let claimed = store
        .claim_departures(minute(at), minute(at + 10), 50)
        .await
        .unwrap();
    claimed.iter().map(|d| d.id).collect()
}

pub async fn a_departure_goes_out_once_and_ends_as_sent(world: &dyn World) {
    let store = world.open().await;
    let ticket = one_answer(&*store).await;
    assert!(
        store
            .claim_departures(minute(0), minute(9), 5)
            .await
            .unwrap()
            .is_empty()
    );
    let claimed = store
        .claim_departures(minute(2), minute(12), 5)
        .await
        .unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].ticket, Some(ticket));
    assert_eq!((claimed[0].attempts, claimed[0].uncertain), (1, false));
    let written = departure(&format!("answer-{ticket}@desk.example.jp"), None).message;
    assert_eq!(claimed[0].message, written);
    assert!(claim_ids(&*store, 3).await.is_empty());
    store
        .delivered(claimed[0].id, minute(4), &receipt())
        .await
        .unwrap();
    assert!(claim_ids(&*store, 100).await.is_empty());
    let sent = store
        .departures(Some(DepartureState::Sent), 5)
        .await
        .unwrap();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].server_said.as_deref(), Some("250 2.0.0 Ok"));
    assert_eq!(sent[0].next_at, None);
}

pub async fn a_retry_waits_until_its_time_and_keeps_the_servers_words(world: &dyn World) {
    let store = world.open().await;
    one_answer(&*store).await;
    let id = claim_ids(&*store, 2).await[0];
    store
        .retry(id, minute(2), minute(30), "451 4.3.0 try later", None)
        .await
        .unwrap();
    let line = store
        .departures(Some(DepartureState::Waiting), 5)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(line.server_said.as_deref(), Some("451 4.3.0 try later"));
    assert_eq!(line.next_at, Some(minute(30)));
    assert!(claim_ids(&*store, 29).await.is_empty());
    assert_eq!(claim_ids(&*store, 30).await, [id]);
}

pub async fn in_a_ticket_departures_leave_in_order_unless_the_earlier_is_dead(world: &dyn World) {
    let store = world.open().await;
    let ticket = one_answer(&*store).await;
    also(&*store, "second@desk.example.jp", Some(ticket)).await;
    also(&*store, "notice-1@desk.example.jp", None).await;
    also(&*store, "notice-2@desk.example.jp", None).await;
    // The first of the ticket and what belongs to none; the second waits while the first is under way, and while it is retried.
    let claimed = claim_ids(&*store, 2).await;
    assert_eq!(claimed.len(), 3);
    assert!(claim_ids(&*store, 3).await.is_empty());
    for notice in &claimed[1..] {
        store
            .delivered(*notice, minute(3), &receipt())
            .await
            .unwrap();
    }
    store
        .retry(claimed[0], minute(2), minute(30), "451", None)
        .await
        .unwrap();
    assert!(claim_ids(&*store, 4).await.is_empty());
    assert_eq!(claim_ids(&*store, 30).await, [claimed[0]]);
    store
        .dead_letter(claimed[0], minute(31), "550", &Commit::default())
        .await
        .unwrap();
    let second = store
        .claim_departures(minute(32), minute(40), 5)
        .await
        .unwrap();
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].message.message_id, "second@desk.example.jp");
}

pub async fn an_attempt_without_an_end_makes_the_departure_uncertain(world: &dyn World) {
    let store = world.open().await;
    one_answer(&*store).await;
    let id = claim_ids(&*store, 2).await[0];
    let again = store
        .claim_departures(minute(12), minute(20), 5)
        .await
        .unwrap();
    assert_eq!(
        (again[0].id, again[0].attempts, again[0].uncertain),
        (id, 2, true)
    );
    // A clean retry after it does not take the doubt away.
    store
        .retry(id, minute(2), minute(30), "451", None)
        .await
        .unwrap();
    let third = store
        .claim_departures(minute(30), minute(40), 5)
        .await
        .unwrap();
    assert!(third[0].uncertain);
    assert_eq!(
        store.departures(None, 1).await.unwrap()[0].uncertain_attempts,
        1
    );
}

pub async fn a_clean_retry_is_not_uncertain(world: &dyn World) {
    let store = world.open().await;
    one_answer(&*store).await;
    let id = claim_ids(&*store, 2).await[0];
    store
        .retry(id, minute(2), minute(3), "451", None)
        .await
        .unwrap();
    let again = store
        .claim_departures(minute(3), minute(9), 5)
        .await
        .unwrap();
    assert_eq!((again[0].attempts, again[0].uncertain), (2, false));
}

pub async fn a_dead_letter_tells_its_ticket_in_the_same_transaction(world: &dyn World) {
    let store = world.open().await;
    let ticket = one_answer(&*store).await;
    let id = claim_ids(&*store, 2).await[0];
    let failed = Change::DeliveryFailed {
        server_said: "550 no such user".to_owned(),
    };
    let telling = |version| {
        let mut read = crate::world::ticket(ticket, 480, 4800);
        read.version = version;
        Commit {
            at: Some(minute(3)),
            tickets: vec![read],
            events: vec![(ticket, event(3, failed.clone()))],
            ..Commit::default()
        }
    };
    // An old version refuses the whole: the departure stays under way.
    let refused = store
        .dead_letter(id, minute(3), "550 no such user", &telling(9))
        .await;
    assert!(matches!(refused, Err(StoreError::Conflict)));
    let line = store.departures(None, 1).await.unwrap().remove(0);
    assert_eq!(line.state, DepartureState::Sending);
    store
        .dead_letter(id, minute(3), "550 no such user", &telling(1))
        .await
        .unwrap();
    let line = store
        .departures(Some(DepartureState::Dead), 1)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(line.server_said.as_deref(), Some("550 no such user"));
    let last = store.events(ticket).await.unwrap().pop().unwrap();
    assert_eq!(last.change, failed);
    let twice = store.dead_letter(id, minute(4), "550", &telling(2)).await;
    assert!(matches!(twice, Err(StoreError::Conflict)));
}

pub async fn a_dead_letter_can_be_sent_again(world: &dyn World) {
    let store = world.open().await;
    one_answer(&*store).await;
    let id = claim_ids(&*store, 2).await[0];
    assert!(!store.send_again(id, minute(3)).await.unwrap());
    store
        .dead_letter(id, minute(3), "550", &Commit::default())
        .await
        .unwrap();
    assert!(claim_ids(&*store, 50).await.is_empty());
    assert!(store.send_again(id, minute(60)).await.unwrap());
    assert!(claim_ids(&*store, 59).await.is_empty());
    let again = store
        .claim_departures(minute(60), minute(70), 5)
        .await
        .unwrap();
    assert_eq!(
        (again[0].id, again[0].attempts, again[0].uncertain),
        (id, 1, false)
    );
}

pub async fn a_delivery_told_after_the_lease_counts(world: &dyn World) {
    let store = world.open().await;
    one_answer(&*store).await;
    let id = claim_ids(&*store, 2).await[0];
    store
        .dead_letter(id, minute(13), "timed out", &Commit::default())
        .await
        .unwrap();
    store.delivered(id, minute(14), &receipt()).await.unwrap();
    assert_eq!(
        store.departures(None, 1).await.unwrap()[0].state,
        DepartureState::Sent
    );
    assert!(matches!(
        store.retry(id, minute(2), minute(20), "451", None).await,
        Err(StoreError::Conflict)
    ));
}

pub async fn automatic_messages_are_counted_by_address_ticket_and_desk(world: &dyn World) {
    let store = world.open().await;
    let ticket = one_answer(&*store).await;
    let mut by_hand = departure("hand@desk.example.jp", Some(ticket));
    by_hand.message.automatic = Automatic::No;
    let mut to_binh = departure("binh@desk.example.jp", None);
    to_binh.message.to.address = "binh@example.org".to_owned();
    let commit = Commit {
        at: Some(minute(5)),
        departures: vec![by_hand, to_binh, departure("third@desk.example.jp", None)],
        ..Commit::default()
    };
    store.commit(&commit).await.unwrap();
    let counted = |to_address, in_ticket, in_all| AutomaticCount {
        to_address,
        in_ticket,
        in_all,
    };
    let since = |at| store.automatic_count("AIKO@example.com", Some(ticket), minute(at));
    assert_eq!(since(0).await.unwrap(), counted(2, 1, 3));
    assert_eq!(since(5).await.unwrap(), counted(1, 0, 2));
    assert_eq!(since(6).await.unwrap(), counted(0, 0, 0));
    let nobody = store
        .automatic_count("nobody@example.net", None, minute(0))
        .await
        .unwrap();
    assert_eq!(nobody, counted(0, 0, 3));
}

pub async fn eight_senders_claim_every_departure_exactly_once(world: &dyn World) {
    let store = world.open().await;
    for _ in 0..40 {
        let ticket = one_answer(&*store).await;
        also(
            &*store,
            &format!("second-{ticket}@desk.example.jp"),
            Some(ticket),
        )
        .await;
    }
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                // Another sender may hold the first of a ticket: not done until all are sent.
                while !store
                    .departures(Some(DepartureState::Waiting), 1)
                    .await
                    .unwrap()
                    .is_empty()
                {
                    for d in store
                        .claim_departures(minute(2), minute(90), 3)
                        .await
                        .unwrap()
                    {
                        store.delivered(d.id, minute(3), &receipt()).await.unwrap();
                        mine.push(d.id);
                    }
                }
                mine
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    assert_eq!(all.len(), 80);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 80);
}
