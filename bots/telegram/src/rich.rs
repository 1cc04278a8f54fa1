//! The words of a rich message (headings, lists, tables), one line a block. Where the desk shows text, formatting is left out.

use serde_json::Value;

/// Parts of blocks and of their text that hold words, in reading order.
const WORDS: [&str; 11] = [
    "label",
    "summary",
    "text",
    "alternative_text",
    "expression",
    "items",
    "cells",
    "blocks",
    "caption",
    "credit",
    "rich_message",
];

/// All words of a rich message.
pub(crate) fn words(value: &Value) -> String {
    let mut all = String::new();
    gather(value, &mut all);
    all.trim().to_owned()
}

fn gather(value: &Value, all: &mut String) {
    match value {
        Value::String(text) => all.push_str(text),
        Value::Array(items) => items.iter().for_each(|item| gather(item, all)),
        Value::Object(fields) => {
            for key in WORDS {
                let Some(part) = fields.get(key) else {
                    continue;
                };
                match part {
                    // Blocks stand on lines of their own, pieces of text side by side.
                    Value::Array(items) if key != "text" => {
                        for item in items {
                            gather(item, all);
                            end_line(all);
                        }
                    }
                    part => gather(part, all),
                }
                if matches!(key, "label") {
                    all.push(' ');
                }
            }
        }
        _ => {}
    }
}

fn end_line(all: &mut String) {
    if !all.is_empty() && !all.ends_with('\n') {
        all.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_of_headings_lists_and_formatted_pieces_are_found() {
        let message = json!({"blocks": [
            {"type": "heading", "size": 1, "text": "Question"},
            {"type": "paragraph", "text": ["May I ", {"type": "bold", "text": "extend"}, " it?"]},
            {"type": "list", "items": [{"label": "1.", "blocks": [{"type": "paragraph", "text": "visa"}]}]},
            {"type": "divider"},
        ]});
        assert_eq!(words(&message), "Question\nMay I extend it?\n1. visa");
    }
}
