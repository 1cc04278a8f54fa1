//! Rules of its own: what the server refuses or punishes and no schema says.

use serde_json::Value;

/// What is wrong with a message. `alone` says that nobody else may see it.
pub(crate) fn message(body: &Value, alone: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let content = body["content"].as_str().unwrap_or_default();
    let length = content.chars().count();
    if length > 2000 {
        wrong.push(format!("a text of {length} characters: 2000 is the most"));
    }
    if content.trim().is_empty() {
        wrong.push("an empty message".into());
    }
    if body["allowed_mentions"]["parse"] != Value::Array(Vec::new()) {
        wrong.push("the message may call people: allowed_mentions.parse is not empty".into());
    }
    if alone && body["flags"].as_u64().unwrap_or_default() & 64 == 0 {
        wrong.push("everybody in the server's channel could read this".into());
    }
    let rows = list(&body["components"]);
    if rows.len() > 5 {
        wrong.push(format!("{} rows: 5 is the most", rows.len()));
    }
    let mut ids = Vec::new();
    for row in rows {
        let inside = list(&row["components"]);
        let lists = inside
            .iter()
            .filter(|component| component["type"] == 3)
            .count();
        if inside.is_empty() || inside.len() > 5 || (lists > 0 && inside.len() > 1) {
            wrong.push(format!("a row of {} with {lists} lists", inside.len()));
        }
        for component in inside {
            let id = component["custom_id"].as_str().unwrap_or_default();
            sized("custom_id", id, 100, &mut wrong);
            ids.push(id.to_owned());
            if component["type"] == 2 {
                sized(
                    "label",
                    component["label"].as_str().unwrap_or_default(),
                    80,
                    &mut wrong,
                );
            }
            let options = list(&component["options"]);
            if component["type"] == 3 && !(1..=25).contains(&options.len()) {
                wrong.push(format!("a list of {} entries", options.len()));
            }
            let mut values = Vec::new();
            for option in options {
                sized(
                    "entry",
                    option["label"].as_str().unwrap_or_default(),
                    100,
                    &mut wrong,
                );
                let value = option["value"].as_str().unwrap_or_default();
                sized("value", value, 100, &mut wrong);
                values.push(value.to_owned());
            }
            twice("value", values, &mut wrong);
        }
    }
    twice("custom_id", ids, &mut wrong);
    wrong
}

/// What is wrong with a message in a conversation of two.
pub(crate) fn direct(body: &Value) -> Vec<String> {
    let mut wrong = message(body, false);
    let nonce = body["nonce"].as_str().unwrap_or_default();
    sized("nonce", nonce, 25, &mut wrong);
    if body["enforce_nonce"] != Value::Bool(true) {
        wrong.push("enforce_nonce is not set: a repeated attempt would show twice".into());
    }
    wrong
}

/// What is wrong with the first answer to an interaction of a kind (2 command, 3 button, 5 form).
pub(crate) fn first_answer(body: &Value, kind: u64, alone: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let data = &body["data"];
    match body["type"].as_u64() {
        Some(4) => wrong.extend(message(data, alone)),
        Some(5) if alone && data["flags"].as_u64().unwrap_or_default() & 64 == 0 => {
            wrong.push("everybody in the server's channel could read this answer".into());
        }
        Some(5) => {}
        Some(6 | 7) if kind == 3 => {}
        Some(9) if kind != 5 => {
            sized(
                "title",
                data["title"].as_str().unwrap_or_default(),
                45,
                &mut wrong,
            );
            let fields = list(&data["components"]);
            if !(1..=5).contains(&fields.len()) {
                wrong.push(format!("a form of {} fields", fields.len()));
            }
        }
        other => wrong.push(format!(
            "an answer of type {other:?} to an interaction of kind {kind}"
        )),
    }
    wrong
}

/// What is wrong with the slash commands.
pub(crate) fn commands(body: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut names = Vec::new();
    for command in list(body) {
        let mut options = vec![command];
        options.extend(list(&command["options"]));
        for named in options {
            let name = named["name"].as_str().unwrap_or_default();
            sized("name", name, 32, &mut wrong);
            if name.chars().any(|c| !(c.is_ascii_lowercase() || c == '-')) {
                wrong.push(format!("the name {name:?}"));
            }
            sized(
                "description",
                named["description"].as_str().unwrap_or_default(),
                100,
                &mut wrong,
            );
            for text in named["description_localizations"]
                .as_object()
                .into_iter()
                .flatten()
            {
                sized(
                    "description",
                    text.1.as_str().unwrap_or_default(),
                    100,
                    &mut wrong,
                );
            }
        }
        names.push(command["name"].as_str().unwrap_or_default().to_owned());
    }
    twice("name", names, &mut wrong);
    wrong
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn sized(what: &str, text: &str, most: usize, wrong: &mut Vec<String>) {
    let length = text.chars().count();
    if !(1..=most).contains(&length) {
        wrong.push(format!(
            "{what} of {length} characters: 1 to {most} are allowed"
        ));
    }
}

fn twice(what: &str, mut values: Vec<String>, wrong: &mut Vec<String>) {
    let count = values.len();
    values.sort();
    values.dedup();
    if values.len() < count {
        wrong.push(format!("the same {what} twice"));
    }
}
