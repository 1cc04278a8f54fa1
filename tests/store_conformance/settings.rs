//! What the desk remembers about itself.

use crate::world::World;

pub async fn the_first_value_of_a_setting_wins(world: &dyn World) {
    let store = world.open().await;
    assert_eq!(store.setting("installation_id").await.unwrap(), None);
    let tasks: Vec<_> = (0..8)
        .map(|node| {
            let store = store.clone();
            tokio::spawn(async move {
                let mine = format!("node-{node}");
                store
                    .setting_or_insert("installation_id", &mine)
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut seen = Vec::new();
    for task in tasks {
        seen.push(task.await.unwrap());
    }
    seen.dedup();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        store.setting("installation_id").await.unwrap().as_ref(),
        seen.first()
    );
    store.set_setting("installation_id", "new").await.unwrap();
    assert_eq!(
        store.setting("installation_id").await.unwrap().as_deref(),
        Some("new")
    );
}

pub async fn the_store_says_that_it_can_be_written(world: &dyn World) {
    let store = world.open().await;
    store.check_writable().await.unwrap();
    store.check_writable().await.unwrap();
    assert_eq!(store.setting("write_check").await.unwrap(), None);
}
