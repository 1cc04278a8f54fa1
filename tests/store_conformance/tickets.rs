//! Tickets and commits.

use crate::world::{World, article, decision, departure, event, mail, minute, new_id, ticket};
use madoguchi::domain::event::Change;
use madoguchi::domain::file::{KeptFile, Scan};
use madoguchi::domain::ids::{InboxId, TicketId};
use madoguchi::domain::ticket::{Priority, Ticket, TicketState};
use madoguchi::flow::ports::{
    Commit, Outcome, SeenMessageId, StoreError, TicketFilter, Undeliverable,
};
use std::collections::BTreeSet;

fn saving(tickets: Vec<Ticket>) -> Commit {
    Commit {
        at: Some(minute(2)),
        tickets,
        ..Commit::default()
    }
}

pub async fn a_commit_is_read_back_as_it_was_written(world: &dyn World) {
    let store = world.open().await;
    store.store("mail", &[mail(1)], None).await.unwrap();
    let arrival = store.claim(minute(5), minute(10), 1).await.unwrap()[0].id;
    let ids = store.reserve(2).await.unwrap();
    let mut commit = decision(ids[0], Some(arrival));
    // Two tickets that name each other, in one commit.
    commit.tickets[0].linked = vec![ids[1]];
    commit.tickets[0].assignee = Some("fumi".into());
    let mut other = ticket(ids[1], 1, 2);
    other.linked = vec![ids[0]];
    other.merged_into = Some(ids[0]);
    commit.tickets.push(other);
    store.commit(&commit).await.unwrap();
    let mut expected = commit.tickets[0].clone();
    expected.version = 1;
    assert_eq!(store.ticket(ids[0]).await.unwrap(), Some(expected));
    assert_eq!(store.articles(ids[0]).await.unwrap(), commit.articles);
    let events: Vec<_> = commit
        .events
        .iter()
        .map(|(_, event)| event.clone())
        .collect();
    assert_eq!(store.events(ids[0]).await.unwrap(), events);
    assert_eq!(store.departures(None, 0).await.unwrap().len(), 1);
    let (_, line) = store.ledger(InboxId(0), 1).await.unwrap().remove(0);
    assert_eq!(
        (line.outcome, line.ticket),
        (Some(Outcome::Ticketed), Some(ids[0]))
    );
    assert_eq!(store.ticket(TicketId(777)).await.unwrap(), None);
}

pub async fn a_link_is_seen_from_both_tickets(world: &dyn World) {
    let store = world.open().await;
    let ids = store.reserve(3).await.unwrap();
    let older = ticket(ids[0], 1, 2);
    store.commit(&saving(vec![older])).await.unwrap();
    let mut newer = ticket(ids[1], 1, 2);
    newer.linked = vec![ids[0]];
    let mut newest = ticket(ids[2], 1, 2);
    newest.linked = vec![ids[0], ids[1]];
    store.commit(&saving(vec![newer, newest])).await.unwrap();
    let mut linked = Vec::new();
    for id in &ids {
        linked.push(store.ticket(*id).await.unwrap().unwrap().linked);
    }
    assert_eq!(
        linked,
        [
            vec![ids[1], ids[2]],
            vec![ids[0], ids[2]],
            vec![ids[0], ids[1]]
        ]
    );
    // Saved again with what was seen, nothing is doubled.
    let seen = store.ticket(ids[0]).await.unwrap().unwrap();
    store.commit(&saving(vec![seen.clone()])).await.unwrap();
    assert_eq!(
        store.ticket(ids[0]).await.unwrap().unwrap().linked,
        seen.linked
    );
}

pub async fn a_second_decision_about_one_arrival_is_refused_and_writes_nothing(world: &dyn World) {
    let store = world.open().await;
    store.store("mail", &[mail(1)], None).await.unwrap();
    let arrival = store.claim(minute(5), minute(10), 1).await.unwrap()[0].id;
    // The lease ran out and another worker took it up: the first to commit wins.
    let second = store.claim(minute(10), minute(20), 1).await.unwrap()[0].id;
    assert_eq!(arrival, second);
    let ids = store.reserve(2).await.unwrap();
    store.commit(&decision(ids[0], Some(second))).await.unwrap();
    let late = store.commit(&decision(ids[1], Some(arrival))).await;
    assert!(matches!(late, Err(StoreError::Conflict)));
    assert_eq!(store.ticket(ids[1]).await.unwrap(), None);
    assert_eq!(store.departures(None, 0).await.unwrap().len(), 1);
}

pub async fn a_save_with_an_old_version_is_refused(world: &dyn World) {
    let store = world.open().await;
    let id = new_id(&*store).await;
    store
        .commit(&saving(vec![ticket(id, 10, 20)]))
        .await
        .unwrap();
    let read = store.ticket(id).await.unwrap().unwrap();
    let mut mine = read.clone();
    mine.priority = Priority::High;
    let mut theirs = read;
    theirs.priority = Priority::Low;
    store.commit(&saving(vec![mine])).await.unwrap();
    let mut late = saving(vec![theirs]);
    late.events = vec![(id, event(3, Change::AnsweredByStaff))];
    assert!(matches!(
        store.commit(&late).await,
        Err(StoreError::Conflict)
    ));
    let kept = store.ticket(id).await.unwrap().unwrap();
    assert_eq!((kept.version, kept.priority), (2, Priority::High));
    assert!(store.events(id).await.unwrap().is_empty());
    // Nor is a number taken twice.
    let again = store.commit(&saving(vec![ticket(id, 10, 20)])).await;
    assert!(matches!(again, Err(StoreError::Conflict)));
}

pub async fn a_commit_whose_last_statement_fails_leaves_nothing(world: &dyn World) {
    let store = world.open().await;
    store.store("mail", &[mail(1)], None).await.unwrap();
    let arrival = store.claim(minute(5), minute(10), 1).await.unwrap()[0].id;
    let ids = store.reserve(2).await.unwrap();
    store.commit(&decision(ids[0], None)).await.unwrap();
    let mut failing = decision(ids[1], Some(arrival));
    failing.departures.push(failing.departures[0].clone());
    assert!(matches!(
        store.commit(&failing).await,
        Err(StoreError::Other(_))
    ));
    assert_eq!(store.ticket(ids[1]).await.unwrap(), None);
    assert!(store.events(ids[1]).await.unwrap().is_empty());
    assert!(store.articles(ids[1]).await.unwrap().is_empty());
    assert_eq!(store.departures(None, 0).await.unwrap().len(), 1);
    let seen = store
        .by_message_ids(&["a1@example.com".to_owned()])
        .await
        .unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(store.waiting().await.unwrap(), 1);
    failing.departures.pop();
    store.commit(&failing).await.unwrap();
    assert_eq!(store.waiting().await.unwrap(), 0);
}

pub async fn tickets_are_listed_by_the_next_running_clock(world: &dyn World) {
    let store = world.open().await;
    let ids = store.reserve(4).await.unwrap();
    let late = ticket(ids[0], 300, 900);
    let mut met = ticket(ids[1], 100, 200);
    met.clocks.first_response.met_at = Some(minute(50));
    let mut standing_still = ticket(ids[2], 50, 60);
    standing_still.clocks.first_response.met_at = Some(minute(40));
    standing_still.clocks.resolution.paused_since = Some(minute(41));
    let soon = ticket(ids[3], 150, 900);
    store
        .commit(&saving(vec![late, met, standing_still, soon]))
        .await
        .unwrap();
    let listed = store.list(&TicketFilter::default()).await.unwrap();
    let order: Vec<_> = listed.iter().map(|t| t.id).collect();
    assert_eq!(order, [ids[3], ids[1], ids[0], ids[2]]);
}

pub async fn a_filter_narrows_the_list(world: &dyn World) {
    let store = world.open().await;
    let ids = store.reserve(4).await.unwrap();
    let mut tickets: Vec<_> = (100..)
        .zip(&ids)
        .map(|(due, id)| ticket(*id, due, 900))
        .collect();
    tickets[0].desk = "medical-travel".into();
    tickets[1].queue = "experts".into();
    tickets[2].assignee = Some("fumi".into());
    tickets[2].state = TicketState::Open;
    tickets[3].state = TicketState::Closed;
    store.commit(&saving(tickets)).await.unwrap();
    let listed = async |filter: TicketFilter| -> Vec<TicketId> {
        store
            .list(&filter)
            .await
            .unwrap()
            .iter()
            .map(|t| t.id)
            .collect()
    };
    let filter = TicketFilter::default;
    assert_eq!(
        listed(TicketFilter {
            desk: Some("medical-travel".into()),
            ..filter()
        })
        .await,
        ids[..1]
    );
    assert_eq!(
        listed(TicketFilter {
            queue: Some("experts".into()),
            ..filter()
        })
        .await,
        ids[1..2]
    );
    assert_eq!(
        listed(TicketFilter {
            assignee: Some("fumi".into()),
            ..filter()
        })
        .await,
        ids[2..3]
    );
    let ended = vec![TicketState::Open, TicketState::Closed];
    assert_eq!(
        listed(TicketFilter {
            states: ended,
            ..filter()
        })
        .await,
        ids[2..]
    );
    assert_eq!(
        listed(TicketFilter {
            limit: 2,
            ..filter()
        })
        .await,
        ids[..2]
    );
}

pub async fn unsettled_are_the_open_and_those_whose_clock_is_not_met(world: &dyn World) {
    let store = world.open().await;
    let ids = store.reserve(4).await.unwrap();
    let waiting = Ticket {
        state: TicketState::Waiting,
        ..ticket(ids[0], 1, 2)
    };
    let closed_unmet = Ticket {
        state: TicketState::Closed,
        ..ticket(ids[1], 1, 2)
    };
    let mut settled = Ticket {
        state: TicketState::Resolved,
        ..ticket(ids[2], 1, 2)
    };
    settled.clocks.first_response.met_at = Some(minute(1));
    settled.clocks.resolution.met_at = Some(minute(1));
    let merged = Ticket {
        state: TicketState::Closed,
        merged_into: Some(ids[0]),
        ..ticket(ids[3], 1, 2)
    };
    store
        .commit(&saving(vec![waiting, closed_unmet, settled, merged]))
        .await
        .unwrap();
    assert_eq!(store.unsettled().await.unwrap(), ids[..2]);
}

pub async fn a_key_is_taken_once_and_refuses_the_whole_commit_of_the_second(world: &dyn World) {
    let store = world.open().await;
    let ids = store.reserve(2).await.unwrap();
    let key = "letter:0123".to_owned();
    let first = Commit {
        firsts: vec![(key.clone(), ids[0])],
        ..decision(ids[0], None)
    };
    store.commit(&first).await.unwrap();
    let second = Commit {
        firsts: vec![(key.clone(), ids[1])],
        ..decision(ids[1], None)
    };
    assert!(matches!(
        store.commit(&second).await,
        Err(StoreError::Conflict)
    ));
    assert!(store.ticket(ids[1]).await.unwrap().is_none());
    let asked = [key.clone(), "letter:4567".to_owned()];
    assert_eq!(store.firsts(&asked).await.unwrap(), [(key, ids[0])]);
}

pub async fn a_verdict_of_the_scanner_is_not_taken_back_by_its_silence(world: &dyn World) {
    let store = world.open().await;
    let file = |scan: Scan, words: Option<&str>| KeptFile {
        sha256: "ab".repeat(32),
        size: 7,
        found_type: Some("image/png".to_owned()),
        scan,
        scan_words: words.map(str::to_owned),
        kept_at: minute(2),
    };
    let waiting = file(Scan::Waiting, Some("away"));
    let ids = store.reserve(1).await.unwrap();
    let commit = Commit {
        files: vec![waiting.clone()],
        ..decision(ids[0], None)
    };
    store.commit(&commit).await.unwrap();
    assert_eq!(store.unscanned(9).await.unwrap(), [waiting]);
    let infected = file(Scan::Infected, Some("Eicar"));
    store.keep_file(&infected).await.unwrap();
    store.keep_file(&file(Scan::Waiting, None)).await.unwrap();
    let found = store.file(&"ab".repeat(32)).await.unwrap();
    assert_eq!(found, Some(infected));
    assert!(store.unscanned(9).await.unwrap().is_empty());
    assert_eq!(store.file("unknown").await.unwrap(), None);
}

pub async fn an_undeliverable_address_is_known_in_any_case_until_it_is_lifted(world: &dyn World) {
    let store = world.open().await;
    let ids = store.reserve(1).await.unwrap();
    let mark = Undeliverable {
        address: "gone@example.com".to_owned(),
        marked_at: minute(3),
        why: "550 5.1.1 no such user".to_owned(),
        ticket: Some(ids[0]),
    };
    let commit = Commit {
        undeliverable: vec![mark.clone()],
        ..decision(ids[0], None)
    };
    store.commit(&commit).await.unwrap();
    let found = store.undeliverable("Gone@Example.com").await.unwrap();
    assert_eq!(found, Some(mark.clone()));
    assert_eq!(store.all_undeliverable().await.unwrap(), [mark]);
    assert!(store.lift_undeliverable("GONE@example.com").await.unwrap());
    assert!(!store.lift_undeliverable("gone@example.com").await.unwrap());
    assert_eq!(store.undeliverable("gone@example.com").await.unwrap(), None);
}

pub async fn message_ids_lead_to_their_tickets(world: &dyn World) {
    let store = world.open().await;
    let ids = store.reserve(2).await.unwrap();
    store.commit(&decision(ids[0], None)).await.unwrap();
    store.commit(&decision(ids[1], None)).await.unwrap();
    let sent = format!("answer-{}@desk.example.jp", ids[0]);
    // Met again in a reply, it is still one the desk sent.
    let again = SeenMessageId {
        message_id: sent.clone(),
        ticket: ids[0],
        sent_by_desk: false,
    };
    let commit = Commit {
        message_ids: vec![again],
        ..Commit::default()
    };
    store.commit(&commit).await.unwrap();
    let asked = [sent.clone(), "unknown\"'@example.com".to_owned()];
    let found = store.by_message_ids(&asked).await.unwrap();
    let expected = SeenMessageId {
        message_id: sent,
        ticket: ids[0],
        sent_by_desk: true,
    };
    assert_eq!(found, [expected]);
    assert!(store.by_message_ids(&[]).await.unwrap().is_empty());
}

pub async fn reserved_ids_are_never_given_twice(world: &dyn World) {
    let store = world.open().await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.reserve(5).await.unwrap() })
        })
        .collect();
    let mut all = BTreeSet::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    assert_eq!(all, (1..=40).map(TicketId).collect());
    assert!(store.reserve(0).await.unwrap().is_empty());
    // What hangs on a ticket needs the ticket.
    let orphan = Commit {
        articles: vec![article(TicketId(41), None)],
        ..Commit::default()
    };
    assert!(store.commit(&orphan).await.is_err());
    let orphan = Commit {
        departures: vec![departure("x@example.net", Some(TicketId(41)))],
        ..Commit::default()
    };
    assert!(store.commit(&orphan).await.is_err());
    // A link to nowhere is found at the very end, and the next commit is not troubled by it.
    let mut lost = saving(vec![ticket(TicketId(1), 1, 2)]);
    lost.tickets[0].linked = vec![TicketId(41)];
    assert!(store.commit(&lost).await.is_err());
    assert_eq!(store.ticket(TicketId(1)).await.unwrap(), None);
    lost.tickets[0].linked.clear();
    store.commit(&lost).await.unwrap();
}
