//! Processes die; what they acknowledged stays, what they had begun is taken up.

use crate::world::{World, decision, mail, minute, new_id};
use madoguchi::flow::ports::StoreError;
use madoguchi_channel::Cursor;

pub async fn what_was_acknowledged_is_there_after_a_restart(world: &dyn World) {
    let cursor = Cursor {
        scope: "INBOX".to_owned(),
        value: "7/2".to_owned(),
    };
    let store = world.open().await;
    store
        .store("mail", &[mail(1), mail(2)], Some(&cursor))
        .await
        .unwrap();
    let arrival = store.claim(minute(5), minute(10), 1).await.unwrap()[0].id;
    let id = new_id(&*store).await;
    store.commit(&decision(id, Some(arrival))).await.unwrap();
    let before = store.ticket(id).await.unwrap();
    drop(store);
    let store = world.open().await;
    assert_eq!(store.ticket(id).await.unwrap(), before);
    assert_eq!(store.events(id).await.unwrap().len(), 3);
    assert_eq!(
        store.cursor("mail", "INBOX").await.unwrap().as_deref(),
        Some("7/2")
    );
    assert_eq!(
        store
            .store("mail", &[mail(1), mail(2)], None)
            .await
            .unwrap()
            .known,
        2
    );
    assert_eq!(store.waiting().await.unwrap(), 1);
    assert!(new_id(&*store).await > id);
}

pub async fn a_claim_of_a_dead_process_is_taken_up_when_its_lease_ends(world: &dyn World) {
    let store = world.open().await;
    store.store("mail", &[mail(1)], None).await.unwrap();
    let dead = store
        .claim(minute(5), minute(10), 1)
        .await
        .unwrap()
        .remove(0);
    drop(store);
    let store = world.open().await;
    assert!(
        store
            .claim(minute(9), minute(19), 1)
            .await
            .unwrap()
            .is_empty()
    );
    let taken = store
        .claim(minute(10), minute(20), 1)
        .await
        .unwrap()
        .remove(0);
    assert_eq!((taken.id, taken.attempts), (dead.id, 2));
    let id = new_id(&*store).await;
    store.commit(&decision(id, Some(taken.id))).await.unwrap();
    let id = new_id(&*store).await;
    let ghost = store.commit(&decision(id, Some(dead.id))).await;
    assert!(matches!(ghost, Err(StoreError::Conflict)));
}

pub async fn a_delivery_cut_off_by_a_crash_is_uncertain_after_the_restart(world: &dyn World) {
    let store = world.open().await;
    let id = new_id(&*store).await;
    store.commit(&decision(id, None)).await.unwrap();
    assert_eq!(
        store
            .claim_departures(minute(5), minute(10), 1)
            .await
            .unwrap()
            .len(),
        1
    );
    drop(store);
    let store = world.open().await;
    let again = store
        .claim_departures(minute(10), minute(20), 1)
        .await
        .unwrap();
    assert!(again[0].uncertain);
    assert_eq!(again[0].attempts, 2);
}
