//! What only SQLite can show: the schema's conventions, a full disk, backup and restore of the file.

use crate::world::{SqliteWorld, World, decision, mail, minute, new_id};
use madoguchi::cli::backup::{backup_command, restore_command};
use madoguchi::domain::ids::InboxId;
use madoguchi::flow::ports::{Inbox, Settings, Store, StoreError, Tickets};
use madoguchi::store::{SqliteStore, restore};
use madoguchi_channel::RawInbound;
use sqlx::Row;

#[tokio::test]
async fn every_table_keeps_the_conventions() {
    let world = SqliteWorld::fresh().await;
    let store = world.sqlite().await;
    let tables = sqlx::query(
        "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'",
    )
    .fetch_all(store.writer())
    .await
    .unwrap();
    let mut seen = 0;
    for table in &tables {
        let name: String = table.get("name");
        if name.starts_with("sqlite_") || name == "_sqlx_migrations" {
            continue;
        }
        seen += 1;
        assert_eq!(table.get::<i64, _>("strict"), 1, "{name} is not STRICT");
        let columns = sqlx::query("SELECT name, type, pk FROM pragma_table_info(?1)")
            .bind(&name)
            .fetch_all(store.writer())
            .await
            .unwrap();
        for column in &columns {
            let (column, kind): (String, String) = (column.get("name"), column.get("type"));
            if column.ends_with("_at") || column.ends_with("_until") || column == "not_before" {
                assert_eq!(kind, "INTEGER", "{name}.{column} is no instant");
            }
        }
        let sql: String = sqlx::query_scalar("SELECT sql FROM sqlite_schema WHERE name = ?1")
            .bind(&name)
            .fetch_one(store.writer())
            .await
            .unwrap();
        if columns.iter().any(|c| c.get::<String, _>("name") == "id") {
            assert!(
                sql.contains("id INTEGER PRIMARY KEY AUTOINCREMENT"),
                "{name} may use an id twice"
            );
        }
    }
    assert_eq!(seen, 16);
}

#[tokio::test]
async fn a_message_once_stored_survives_a_power_cut() {
    let world = SqliteWorld::fresh().await;
    let store = world.sqlite().await;
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
        .fetch_one(store.writer())
        .await
        .unwrap();
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(store.writer())
        .await
        .unwrap();
    let keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys")
        .fetch_one(store.writer())
        .await
        .unwrap();
    assert_eq!((synchronous, journal.as_str(), keys), (2, "wal", 1));
}

#[tokio::test]
async fn events_can_be_neither_changed_nor_deleted() {
    let world = SqliteWorld::fresh().await;
    let store = world.sqlite().await;
    let id = new_id(&*store).await;
    store.commit(&decision(id, None)).await.unwrap();
    for sql in ["UPDATE events SET happened_at = 0", "DELETE FROM events"] {
        let refused = sqlx::query(sql).execute(store.writer()).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    assert_eq!(store.events(id).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_full_disk_is_said_in_words_stores_nothing_and_passes() {
    let world = SqliteWorld::fresh().await;
    let store = world.sqlite().await;
    store.store("mail", &[mail(1)], None).await.unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count")
        .fetch_one(store.writer())
        .await
        .unwrap();
    let limit = |pages: i64| format!("PRAGMA max_page_count = {pages}");
    sqlx::query(sqlx::AssertSqlSafe(limit(pages + 2)))
        .execute(store.writer())
        .await
        .unwrap();
    let large = RawInbound {
        bytes: vec![b'x'; 200_000],
        ..mail(2)
    };
    let cursor = madoguchi_channel::Cursor {
        scope: "INBOX".to_owned(),
        value: "7/2".to_owned(),
    };
    let full = store
        .store("mail", &[mail(3), large.clone()], Some(&cursor))
        .await;
    let Err(StoreError::Unavailable(words)) = full else {
        panic!("{full:?}")
    };
    assert!(words.contains("disk is full"), "{words}");
    assert_eq!(store.waiting().await.unwrap(), 1);
    assert_eq!(store.cursor("mail", "INBOX").await.unwrap(), None);
    sqlx::query(sqlx::AssertSqlSafe(limit(1_000_000)))
        .execute(store.writer())
        .await
        .unwrap();
    assert_eq!(
        store
            .store("mail", &[mail(3), large], Some(&cursor))
            .await
            .unwrap()
            .new,
        2
    );
}

#[tokio::test]
async fn a_database_that_cannot_be_written_is_unavailable() {
    let world = SqliteWorld::fresh().await;
    let store = world.sqlite().await;
    store.check_writable().await.unwrap();
    sqlx::query("PRAGMA query_only = on")
        .execute(store.writer())
        .await
        .unwrap();
    assert!(matches!(
        store.check_writable().await,
        Err(StoreError::Unavailable(_))
    ));
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_refused_in_words() {
    let world = SqliteWorld::fresh().await;
    let store = world.sqlite().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'future', 1, x'00', 0)",
    )
    .execute(store.writer())
    .await
    .unwrap();
    let copy = world.path().with_file_name("future.backup");
    store.backup_to(&copy, false).await.unwrap();
    store.close().await.unwrap();
    let refused = SqliteStore::open(&world.path())
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("newer release (schema 9999"), "{refused}");
    let target = world.path().with_file_name("other.db");
    let refused = restore(&copy, &target, false)
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("newer release (schema 9999"), "{refused}");
    assert!(!target.exists());
}

#[tokio::test]
async fn what_is_no_database_is_refused() {
    let world = SqliteWorld::fresh().await;
    let store = world.sqlite().await;
    store.close().await.unwrap();
    let text = world.path().with_file_name("text.db");
    std::fs::write(
        &text,
        "this is no database, whatever its name says".repeat(50),
    )
    .unwrap();
    assert!(SqliteStore::open(&text).await.is_err());
    let target = world.path().with_file_name("other.db");
    assert!(restore(&text, &target, false).await.is_err());
    assert!(!target.exists());
    let nothing = backup_command(&target, &text, true)
        .await
        .unwrap_err()
        .to_string();
    assert!(nothing.contains("there is no database"), "{nothing}");
    assert!(!target.exists());
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_can_read_the_database_and_its_copies() {
    use std::os::unix::fs::PermissionsExt;
    let world = SqliteWorld::fresh().await;
    let store = world.sqlite().await;
    let copy = world.path().with_file_name("copy.db");
    store.backup_to(&copy, false).await.unwrap();
    for file in [
        world.path(),
        copy,
        world.path().with_file_name("desk.db-wal"),
    ] {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backup_made_while_the_desk_writes_is_whole() {
    let world = SqliteWorld::fresh().await;
    let store = world.sqlite().await;
    let writing = store.clone();
    let (started, begun) = tokio::sync::oneshot::channel();
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let writer = tokio::spawn(async move {
        let mut started = Some(started);
        let mut uid = 0;
        while stopped.try_recv().is_err() {
            uid += 2;
            // Always two together: a torn copy would hold an odd number.
            writing
                .store("mail", &[mail(uid), mail(uid + 1)], None)
                .await
                .unwrap();
            if let Some(started) = started.take() {
                started.send(()).unwrap();
            }
        }
    });
    begun.await.unwrap();
    let copy = world.path().with_file_name("copy.db");
    store.backup_to(&copy, false).await.unwrap();
    stop.send(()).unwrap();
    writer.await.unwrap();
    let refused = store.backup_to(&copy, false).await.unwrap_err().to_string();
    assert!(refused.contains("exists"), "{refused}");
    store.backup_to(&copy, true).await.unwrap();
    let itself = store
        .backup_to(&world.path(), true)
        .await
        .unwrap_err()
        .to_string();
    assert!(itself.contains("itself"), "{itself}");
    let copied = SqliteStore::open(&copy).await.unwrap();
    let lines = copied.ledger(InboxId(0), 0).await.unwrap();
    assert_eq!(lines, store.ledger(InboxId(0), 0).await.unwrap());
    assert_eq!(lines.len() % 2, 0);
    assert!(!lines.is_empty());
    for (id, _) in &lines {
        assert!(copied.raw(*id).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_restore_brings_everything_back_under_a_new_installation_id() {
    let world = SqliteWorld::fresh().await;
    let store = world.sqlite().await;
    store.set_setting("installation_id", "first").await.unwrap();
    store
        .set_setting("previous_installation_ids", r#"["older"]"#)
        .await
        .unwrap();
    store.store("mail", &[mail(1)], None).await.unwrap();
    let id = new_id(&*store).await;
    store.commit(&decision(id, None)).await.unwrap();
    let saved = store.ticket(id).await.unwrap();
    let copy = world.path().with_file_name("copy.db");
    store.backup_to(&copy, false).await.unwrap();
    store.store("mail", &[mail(2)], None).await.unwrap();

    let refused = restore_command(&copy, &world.path(), false)
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("exists"), "{refused}");
    let refused = restore_command(&copy, &world.path(), true)
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("in use"), "{refused}");
    assert_eq!(store.waiting().await.unwrap(), 2);
    store.close().await.unwrap();

    let report = restore(&copy, &world.path(), true).await.unwrap();
    assert_eq!(report.previous_installation_id.as_deref(), Some("first"));
    let aside = SqliteStore::open(report.moved_aside.as_ref().unwrap())
        .await
        .unwrap();
    assert_eq!(aside.waiting().await.unwrap(), 2);
    let restored: std::sync::Arc<dyn Store> = world.open().await;
    assert_eq!(restored.ticket(id).await.unwrap(), saved);
    assert_eq!(restored.waiting().await.unwrap(), 1);
    assert_eq!(
        restored
            .claim_departures(minute(2), minute(9), 5)
            .await
            .unwrap()
            .len(),
        1
    );
    let new = restored.setting("installation_id").await.unwrap().unwrap();
    assert_eq!(new, report.installation_id);
    assert_eq!(new.len(), 32);
    let previous = restored.setting("previous_installation_ids").await.unwrap();
    assert_eq!(previous.as_deref(), Some(r#"["older","first"]"#));
}

#[tokio::test]
async fn a_damaged_backup_is_refused_and_the_database_stays() {
    let world = SqliteWorld::fresh().await;
    let store = world.sqlite().await;
    let mails: Vec<_> = (1..=200).map(mail).collect();
    store.store("mail", &mails, None).await.unwrap();
    let copy = world.path().with_file_name("copy.db");
    store.backup_to(&copy, false).await.unwrap();
    store.close().await.unwrap();
    let mut bytes = std::fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xa5);
    std::fs::write(&copy, bytes).unwrap();
    let refused = restore(&copy, &world.path(), true)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("damaged") || refused.contains("cannot be read"),
        "{refused}"
    );
    assert_eq!(world.sqlite().await.waiting().await.unwrap(), 200);
}
