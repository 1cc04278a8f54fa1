//! LINE's calls to the desk: signed, and repeated until they are taken.

use crate::FakeLine;
use base64::Engine as _;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::Duration;

/// Pause between two deliveries of one call (LINE's are longer).
const PAUSE: Duration = Duration::from_millis(100);

impl FakeLine {
    /// A call's body and signature, for tests that deliver it themselves.
    pub fn call(&self, events: &[Value]) -> (String, String) {
        let body = json!({"destination": self.bot_id(), "events": events}).to_string();
        let signature = self.sign(&body);
        (body, signature)
    }

    /// The signature LINE would give a body.
    pub fn sign(&self, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.channel_secret().as_bytes()).unwrap();
        mac.update(body.as_bytes());
        base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
    }

    /// Posts anything to the desk; the status of its answer, 0 for none.
    pub async fn post(&self, body: &str, signature: Option<&str>) -> u16 {
        // Never the address in the console: that may be one out in the world.
        let url = self
            .with(|state| state.target.clone())
            .expect("nobody said where the desk is: point_to(…) first");
        let mut request = self
            .inside
            .http
            .post(url)
            .header("content-type", "application/json; charset=utf-8")
            .header("user-agent", "LineBotWebhook/2.0")
            .body(body.to_owned());
        if let Some(signature) = signature {
            request = request.header("x-line-signature", signature);
        }
        request
            .send()
            .await
            .map_or(0, |response| response.status().as_u16())
    }

    /// Delivers events in one call, again and again until the desk takes them; returns after the first try.
    pub async fn emit(&self, events: Vec<Value>) {
        let (body, _) = self.call(&events);
        if let Some(published) = &self.inside.published {
            let call: Value = serde_json::from_str(&body).unwrap();
            for fault in published.webhook.faults("CallbackRequest", &call) {
                self.violation(format!("the fake's own event: {fault}"));
            }
        }
        self.emit_unchecked(events).await;
    }

    /// The same for events that are not of LINE's published form.
    pub async fn emit_unchecked(&self, mut events: Vec<Value>) {
        if !self.with(|state| state.active) {
            return; // LINE calls nobody whose webhook is switched off
        }
        let (told, first) = tokio::sync::oneshot::channel();
        let mut told = Some(told);
        let fake = self.clone();
        self.with(|state| state.undelivered += 1);
        tokio::spawn(async move {
            loop {
                let (body, signature) = fake.call(&events);
                let status = fake.post(&body, Some(&signature)).await;
                let again = fake.with(|state| {
                    state.hook_statuses.push(status);
                    state.redelivers
                });
                if let Some(told) = told.take() {
                    let _ = told.send(());
                }
                if (200..300).contains(&status) || !again {
                    break;
                }
                for event in &mut events {
                    event["deliveryContext"]["isRedelivery"] = Value::Bool(true);
                }
                tokio::time::sleep(PAUSE).await;
            }
            fake.with(|state| state.undelivered -= 1);
            fake.inside.changed.notify_waiters();
        });
        let _ = first.await;
    }
}
