//! LINE's rules that stand in its reference and not in its schema (limits, counted as LINE counts), and the few of the schema that
//! matter most, for where the schema is not at hand.

use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

/// What is wrong with the messages of one call.
pub fn messages(body: &Value) -> Vec<String> {
    let Some(messages) = body["messages"].as_array() else {
        return vec!["messages: must be a list".into()];
    };
    let mut faults = Vec::new();
    if !(1..=5).contains(&messages.len()) {
        faults.push(format!("messages: {} of 1 to 5", messages.len()));
    }
    for (at, message) in messages.iter().enumerate() {
        let mut found = Vec::new();
        check_message(message, &mut found);
        faults.extend(
            found
                .into_iter()
                .map(|fault| format!("messages[{at}].{fault}")),
        );
    }
    faults
}

fn check_message(message: &Value, faults: &mut Vec<String>) {
    match message["type"].as_str() {
        Some("text") => units("text", &message["text"], 5000, faults),
        Some("flex") => {
            units("altText", &message["altText"], 1500, faults);
            let contents = &message["contents"];
            if contents["type"] != "bubble" {
                faults.push("contents.type: this fake knows bubbles only".into());
            }
            if contents.to_string().len() > 30 * 1024 {
                faults.push("contents: a bubble of more than 30 KB".into());
            }
            check_component("contents", contents, faults);
        }
        other => faults.push(format!("type: {other:?} is none this fake knows")),
    }
    let Some(quick) = message.get("quickReply") else {
        return;
    };
    let items = quick["items"].as_array().map_or(&[][..], Vec::as_slice);
    if !(1..=13).contains(&items.len()) {
        faults.push(format!("quickReply.items: {} of 1 to 13", items.len()));
    }
    for item in items {
        if item["type"] != "action" {
            faults.push("quickReply.items[].type: must be action".into());
        }
        check_action(&item["action"], Some(20), faults);
    }
}

fn check_component(place: &str, component: &Value, faults: &mut Vec<String>) {
    match component {
        Value::Array(items) => items
            .iter()
            .for_each(|item| check_component(place, item, faults)),
        Value::Object(object) => {
            match component["type"].as_str() {
                Some("text") => units(
                    &format!("{place}.text"),
                    &component["text"],
                    usize::MAX,
                    faults,
                ),
                Some("button") => check_action(&component["action"], Some(40), faults),
                Some("box") if component["contents"].as_array().is_none_or(Vec::is_empty) => {
                    faults.push(format!("{place}: an empty box"));
                }
                _ => {}
            }
            for (key, value) in object {
                match key.as_str() {
                    "action" if component["type"] != "button" => check_action(value, None, faults),
                    "action" => {}
                    _ => check_component(&format!("{place}.{key}"), value, faults),
                }
            }
        }
        _ => {}
    }
}

fn check_action(action: &Value, label: Option<usize>, faults: &mut Vec<String>) {
    if let Some(limit) = label {
        characters("action.label", &action["label"], limit, faults);
    }
    match action["type"].as_str() {
        Some("postback") => {
            characters("action.data", &action["data"], 300, faults);
            characters("action.displayText", &action["displayText"], 300, faults);
        }
        Some("uri") => {
            let uri = action["uri"].as_str().unwrap_or_default();
            let known = ["https://", "http://", "tel:", "mailto:", "line://"];
            if !known.iter().any(|scheme| uri.starts_with(scheme))
                || uri.len() > 1000
                || !uri.is_ascii()
            {
                faults.push("action.uri: no address LINE opens".into());
            }
        }
        other => faults.push(format!("action.type: {other:?} is none this fake knows")),
    }
}

fn units(place: &str, text: &Value, limit: usize, faults: &mut Vec<String>) {
    let text = text.as_str().unwrap_or_default();
    let length = text.encode_utf16().count();
    if text.trim().is_empty() || length > limit {
        faults.push(format!("{place}: {length} units"));
    }
}

fn characters(place: &str, text: &Value, limit: usize, faults: &mut Vec<String>) {
    let length = text.as_str().unwrap_or_default().graphemes(true).count();
    if length == 0 || length > limit {
        faults.push(format!("{place}: {length} characters of 1 to {limit}"));
    }
}

/// A UUID in hexadecimal.
pub fn is_uuid(key: &str) -> bool {
    key.len() == 36
        && key.chars().enumerate().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(message: Value) -> Vec<String> {
        messages(&json!({"messages": [message]}))
    }

    #[test]
    fn limits_are_counted_as_line_counts_them() {
        assert!(faults(json!({"type": "text", "text": "🍎".repeat(2500)})).is_empty());
        assert_eq!(
            faults(json!({"type": "text", "text": "🍎".repeat(2501)})).len(),
            1
        );
        assert_eq!(faults(json!({"type": "text", "text": " "})).len(), 1);
        assert_eq!(faults(json!({"type": "imagemap"})).len(), 1);
        let quick = |label: &str, data: &str| {
            json!({"type": "text", "text": "x", "quickReply": {"items": [{"type": "action", "action":
                {"type": "postback", "label": label, "data": data, "displayText": "x"}}]}})
        };
        assert!(faults(quick(&"👨‍👩‍👧".repeat(20), "k")).is_empty());
        assert_eq!(faults(quick(&"あ".repeat(21), "")).len(), 2);
        assert_eq!(messages(&json!({"messages": []})).len(), 1);
        assert_eq!(
            messages(&json!({"messages": vec![json!({"type": "text", "text": "x"}); 6]})).len(),
            1
        );
    }

    #[test]
    fn a_card_is_looked_through() {
        let card = |body: Value| json!({"type": "flex", "altText": "x", "contents": {"type": "bubble", "body": body}});
        assert!(faults(card(json!({"type": "box", "layout": "vertical", "contents": [{"type": "text", "text": "x",
            "action": {"type": "uri", "uri": "https://example.jp/"}}]}))).is_empty());
        assert_eq!(
            faults(card(
                json!({"type": "box", "layout": "vertical", "contents": []})
            ))
            .len(),
            1
        );
        assert_eq!(faults(card(json!({"type": "box", "layout": "vertical", "contents": [{"type": "text", "text": ""},
            {"type": "button", "action": {"type": "uri", "label": "x", "uri": "javascript:1"}}]}))).len(), 2);
    }

    #[test]
    fn a_uuid_is_told_from_other_words() {
        assert!(is_uuid("123e4567-e89b-12d3-a456-426614174000"));
        assert!(!is_uuid("123e4567e89b12d3a456426614174000") && !is_uuid(&"x".repeat(36)));
    }
}
