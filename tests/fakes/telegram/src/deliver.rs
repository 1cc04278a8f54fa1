//! Calls the webhook, one update after the other, and again until it is taken.

use crate::Shared;
use crate::state::now;
use std::sync::Arc;
use std::time::Duration;

/// Delivers until the webhook changes.
pub(crate) fn start(shared: Arc<Shared>, token: String) {
    tokio::spawn(async move {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()
            .expect("a client");
        let mut changes = shared.watch();
        let mine = shared.world().bots[&token].hooks;
        let mut pause = Duration::from_millis(20);
        loop {
            changes.borrow_and_update();
            let next = {
                let world = shared.world();
                let bot = &world.bots[&token];
                let Some(hook) = bot.webhook.as_ref().filter(|_| bot.hooks == mine) else {
                    return;
                };
                let first = bot.updates.front().cloned().filter(|_| !world.down);
                first
                    .map(|(number, update)| (number, update, hook.url.clone(), hook.secret.clone()))
            };
            let Some((number, update, url, secret)) = next else {
                if changes.changed().await.is_err() {
                    return;
                }
                continue;
            };
            let mut call = client.post(url).json(&update);
            if let Some(secret) = secret {
                call = call.header("X-Telegram-Bot-Api-Secret-Token", secret);
            }
            let trouble = match call.send().await {
                Ok(answer) if answer.status().is_success() => None,
                Ok(answer) => Some(format!(
                    "Wrong response from the webhook: {}",
                    answer.status()
                )),
                Err(error) if error.is_timeout() => Some("Read timeout expired".into()),
                Err(_) => Some("Connection refused".into()),
            };
            {
                let mut world = shared.world();
                let Some(bot) = world.bots.get_mut(&token).filter(|bot| bot.hooks == mine) else {
                    return;
                };
                match (&trouble, &mut bot.webhook) {
                    (None, _) => bot.updates.retain(|(kept, _)| *kept != number),
                    (Some(words), Some(hook)) => hook.last_error = Some((now(), words.clone())),
                    (Some(_), None) => return,
                }
            }
            shared.wake();
            pause = match trouble {
                None => Duration::from_millis(20),
                Some(_) => {
                    tokio::time::sleep(pause).await;
                    (pause * 2).min(Duration::from_secs(1))
                }
            };
        }
    });
}
