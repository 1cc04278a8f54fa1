//! Arrivals.

use crate::world::{World, mail, minute, outcome};
use madoguchi::domain::ids::InboxId;
use madoguchi::flow::ports::{Commit, Outcome, StoreError};
use madoguchi_channel::{Cursor, RawInbound, Stored};
use std::collections::BTreeMap;

pub async fn an_arrival_is_stored_with_its_cursor_and_read_back_byte_for_byte(world: &dyn World) {
    let store = world.open().await;
    let mut strange = mail(1);
    strange.bytes = vec![0, 0xff, 0x1b, b'$', b'B', 0x0d];
    strange.silent = true;
    let cursor = Cursor {
        scope: "INBOX".to_owned(),
        value: "7/1".to_owned(),
    };
    let stored = store
        .store("mail", std::slice::from_ref(&strange), Some(&cursor))
        .await
        .unwrap();
    assert_eq!(stored, Stored { new: 1, known: 0 });
    assert_eq!(
        store.cursor("mail", "INBOX").await.unwrap().as_deref(),
        Some("7/1")
    );
    assert_eq!(store.cursor("spool", "INBOX").await.unwrap(), None);
    let claimed = store.claim(minute(5), minute(10), 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].raw, strange);
    assert_eq!(store.raw(claimed[0].id).await.unwrap(), Some(strange.bytes));
    assert_eq!(store.raw(InboxId(999)).await.unwrap(), None);
}

pub async fn the_same_external_id_is_stored_once_a_channel(world: &dyn World) {
    let store = world.open().await;
    let stored = store
        .store("mail", &[mail(1), mail(2), mail(1)], None)
        .await
        .unwrap();
    assert_eq!(stored, Stored { new: 2, known: 1 });
    let mut changed = mail(1);
    changed.bytes.push(b'!');
    assert_eq!(
        store.store("mail", &[changed], None).await.unwrap(),
        Stored { new: 0, known: 1 }
    );
    // One mail to two desks, fetched from two mailboxes: each gets it.
    assert_eq!(
        store.store("other", &[mail(1)], None).await.unwrap(),
        Stored { new: 1, known: 0 }
    );
    assert_eq!(store.waiting().await.unwrap(), 3);
}

pub async fn a_renumbered_arrival_with_known_content_is_dropped_and_its_new_id_is_known(
    world: &dyn World,
) {
    let store = world.open().await;
    store.store("mail", &[mail(1)], None).await.unwrap();
    let renumbered = |uid| RawInbound {
        external_id: format!("INBOX/8/{uid}"),
        renumbered: true,
        ..mail(uid)
    };
    let batch = [renumbered(1), renumbered(2)];
    assert_eq!(
        store.store("mail", &batch, None).await.unwrap(),
        Stored { new: 1, known: 1 }
    );
    assert_eq!(
        store.store("mail", &batch, None).await.unwrap(),
        Stored { new: 0, known: 2 }
    );
    let mut known = store.stored_ids("mail", "INBOX/8/").await.unwrap();
    known.sort();
    assert_eq!(known, ["INBOX/8/1", "INBOX/8/2"]);
    // The same content under a new id without renumbering is a message of its own.
    let twice = RawInbound {
        external_id: "INBOX/7/50".to_owned(),
        ..mail(1)
    };
    assert_eq!(store.store("mail", &[twice], None).await.unwrap().new, 1);
}

pub async fn ids_are_found_by_prefix_whatever_signs_it_holds(world: &dyn World) {
    let store = world.open().await;
    let named = |id: &str| RawInbound {
        external_id: id.to_owned(),
        ..mail(1)
    };
    let all = ["a%b/1", "a%b/2", "aXb/3", "窓口/4", "窓_/5"].map(named);
    store.store("mail", &all, None).await.unwrap();
    assert_eq!(
        store.stored_ids("mail", "a%b/").await.unwrap(),
        ["a%b/1", "a%b/2"]
    );
    assert_eq!(store.stored_ids("mail", "窓口").await.unwrap(), ["窓口/4"]);
    assert_eq!(store.stored_ids("mail", "").await.unwrap().len(), 5);
    assert!(store.stored_ids("spool", "").await.unwrap().is_empty());
}

pub async fn arrivals_are_claimed_oldest_first_and_only_once_while_the_lease_runs(
    world: &dyn World,
) {
    let store = world.open().await;
    store
        .store("mail", &[mail(1), mail(2), mail(3)], None)
        .await
        .unwrap();
    let first = store.claim(minute(10), minute(20), 2).await.unwrap();
    let uids: Vec<_> = first.iter().map(|c| c.raw.external_id.as_str()).collect();
    assert_eq!(uids, ["INBOX/7/1", "INBOX/7/2"]);
    let second = store.claim(minute(11), minute(21), 5).await.unwrap();
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].attempts, 1);
    assert!(
        store
            .claim(minute(12), minute(22), 5)
            .await
            .unwrap()
            .is_empty()
    );
    let again = store.claim(minute(20), minute(30), 5).await.unwrap();
    assert_eq!(again.len(), 2);
    assert_eq!(again[0].attempts, 2);
}

pub async fn eight_workers_claim_four_hundred_arrivals_each_exactly_once(world: &dyn World) {
    let store = world.open().await;
    let mails: Vec<_> = (1..=400).map(mail).collect();
    store.store("mail", &mails, None).await.unwrap();
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let claimed = store.claim(minute(500), minute(600), 7).await.unwrap();
                    if claimed.is_empty() {
                        return mine;
                    }
                    for claim in claimed {
                        let commit = Commit {
                            at: Some(minute(501)),
                            inbox: Some(outcome(claim.id, None)),
                            ..Commit::default()
                        };
                        store.commit(&commit).await.unwrap();
                        mine.push(claim.raw.external_id);
                    }
                }
            })
        })
        .collect();
    let mut times = BTreeMap::new();
    for worker in workers {
        for id in worker.await.unwrap() {
            *times.entry(id).or_insert(0) += 1;
        }
    }
    assert_eq!(times.len(), 400);
    assert!(times.values().all(|n| *n == 1));
    assert_eq!(store.waiting().await.unwrap(), 0);
}

pub async fn a_released_arrival_waits_until_its_time(world: &dyn World) {
    let store = world.open().await;
    store.store("mail", &[mail(1)], None).await.unwrap();
    let id = store.claim(minute(10), minute(20), 1).await.unwrap()[0].id;
    store.release(id, minute(15)).await.unwrap();
    assert!(matches!(
        store.release(id, minute(15)).await,
        Err(StoreError::Conflict)
    ));
    assert!(
        store
            .claim(minute(14), minute(24), 1)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        store.claim(minute(15), minute(25), 1).await.unwrap()[0].attempts,
        2
    );
}

pub async fn the_ledger_shows_every_arrival_in_order_of_storing(world: &dyn World) {
    let store = world.open().await;
    // An old mail fetched late keeps its place of storing.
    store
        .store("mail", &[mail(9), mail(3), mail(5)], None)
        .await
        .unwrap();
    let claimed = store.claim(minute(10), minute(20), 1).await.unwrap();
    let commit = Commit {
        inbox: Some(outcome(claimed[0].id, None)),
        ..Commit::default()
    };
    store.commit(&commit).await.unwrap();
    let ledger = store.ledger(InboxId(0), 10).await.unwrap();
    let uids: Vec<_> = ledger
        .iter()
        .map(|(_, line)| line.external_id.as_str())
        .collect();
    assert_eq!(uids, ["INBOX/7/9", "INBOX/7/3", "INBOX/7/5"]);
    assert_eq!(ledger[0].1.outcome, Some(Outcome::Ignored));
    assert_eq!(ledger[0].1.reason.as_deref(), Some("below-threshold"));
    assert_eq!(ledger[1].1.outcome, None);
    assert_eq!(ledger[1].1.received_at, minute(3));
    let rest = store.ledger(ledger[0].0, 1).await.unwrap();
    assert_eq!(rest, ledger[1..2]);
}

pub async fn an_ignored_arrival_is_restored_once_and_claimed_again(world: &dyn World) {
    let store = world.open().await;
    store
        .store("mail", &[mail(1), mail(2)], None)
        .await
        .unwrap();
    let claimed = store.claim(minute(3), minute(4), 2).await.unwrap();
    assert!(!claimed[0].restored);
    let commit = Commit {
        inbox: Some(outcome(claimed[0].id, None)),
        ..Commit::default()
    };
    store.commit(&commit).await.unwrap();
    assert!(store.restore(claimed[0].id, "aoi").await.unwrap());
    assert!(!store.restore(claimed[0].id, "aoi").await.unwrap());
    assert!(
        !store.restore(claimed[1].id, "aoi").await.unwrap(),
        "what waits for its decision is not in quarantine"
    );
    let again = store.claim(minute(3), minute(4), 2).await.unwrap();
    assert_eq!(again.len(), 1);
    assert!(again[0].restored);
    assert_eq!(again[0].raw, claimed[0].raw);
    assert_eq!(
        store.ledger(InboxId(0), 1).await.unwrap()[0].1.outcome,
        None
    );
}
