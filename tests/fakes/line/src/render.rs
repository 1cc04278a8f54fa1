//! A message object as a person sees it.

use crate::state::{Button, By, Sent};
use serde_json::Value;

/// What becomes of a message on the screen.
pub fn render(id: String, to: &str, by: By, raw: &Value) -> Sent {
    let mut sent = Sent {
        id,
        to: to.to_owned(),
        by,
        text: String::new(),
        card: raw["type"] == "flex",
        buttons: Vec::new(),
        links: Vec::new(),
        raw: raw.clone(),
    };
    let mut texts = Vec::new();
    if sent.card {
        component(&raw["contents"], &mut texts, &mut sent);
    } else {
        texts.push(raw["text"].as_str().unwrap_or_default().to_owned());
    }
    sent.text = texts.join("\n");
    for item in raw["quickReply"]["items"].as_array().into_iter().flatten() {
        sent.buttons.extend(button(&item["action"], true));
    }
    sent
}

fn component(value: &Value, texts: &mut Vec<String>, sent: &mut Sent) {
    // Top down as it is drawn, not in the order of the JSON.
    for block in ["header", "hero", "body", "footer"] {
        if let Some(block) = value.get(block) {
            component(block, texts, sent);
        }
    }
    for inner in value["contents"].as_array().into_iter().flatten() {
        component(inner, texts, sent);
    }
    if value["type"] == "text" {
        texts.push(value["text"].as_str().unwrap_or_default().to_owned());
    }
    if let Some(action) = value.get("action") {
        sent.buttons.extend(button(action, false));
        sent.links.extend(action["uri"].as_str().map(str::to_owned));
    }
}

fn button(action: &Value, quick: bool) -> Option<Button> {
    let text = |key: &str| action[key].as_str().unwrap_or_default().to_owned();
    (action["type"] == "postback").then(|| Button {
        label: text("label"),
        key: text("data"),
        display_text: text("displayText"),
        quick,
    })
}
