//! The slash commands, and the form of an inquiry. Their words are data: `commands.json`.

use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// The command that asks the desk; its text is an inquiry like any other.
pub const ASK: &str = "ask";
/// The name of the form where others read along.
pub const ASIDE: &str = "ask-aside";

/// The words, as shipped.
static WORDS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../commands.json")).unwrap_or_default());

/// The words of the form in one language.
pub struct Form {
    /// Above it.
    pub title: String,
    /// Above its field.
    pub label: String,
}

/// The form's words in the language of a locale, English when there are none.
pub fn form(locale: &str) -> Form {
    let word = |name: &str, otherwise: &str| {
        let words = WORDS.pointer(name);
        let found = words.and_then(|words| {
            let exact = words.get(locale);
            let near = match locale.split('-').next() {
                Some("zh") => words.get("zh-CN"),
                Some(language) => words.get(language),
                None => None,
            };
            exact.or(near).or_else(|| words.get("en"))?.as_str()
        });
        found.unwrap_or(otherwise).to_owned()
    };
    Form {
        title: word("/form/title", "Ask"),
        label: word("/form/label", "Text"),
    }
}

/// All commands in the server's form.
pub fn all() -> Value {
    let commands = WORDS.get("commands").and_then(Value::as_array);
    let commands = commands.map_or(&[][..], Vec::as_slice);
    Value::Array(commands.iter().map(command).collect())
}

fn command(words: &Value) -> Value {
    let mut command = described(words);
    command.insert("type".into(), json!(1));
    // In servers, and in the conversation with the bot; nowhere else, so that nobody's private group sees an answer.
    command.insert("contexts".into(), json!([0, 1]));
    command.insert("integration_types".into(), json!([0]));
    if let Some(option) = words.get("option") {
        let mut option = described(option);
        option.insert("type".into(), json!(3));
        option.insert("max_length".into(), json!(4000));
        command.insert("options".into(), json!([option]));
    }
    Value::Object(command)
}

fn described(words: &Value) -> Map<String, Value> {
    let mut out = Map::new();
    let name = words.get("name").cloned().unwrap_or_default();
    out.insert("name".into(), name);
    let mut languages = words
        .get("description")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let english = languages.remove("en").unwrap_or_default();
    out.insert("description".into(), english);
    out.insert("description_localizations".into(), Value::Object(languages));
    out
}

/// Whether the server has what we would register. It adds fields of its own, and leaves out what is as by default.
pub fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => ours
            .iter()
            .all(|(name, value)| theirs.get(name).is_some_and(|their| same(value, their))),
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .all(|value| theirs.iter().any(|their| same(value, their)))
        }
        _ => ours == theirs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_described_in_four_languages_within_the_servers_limits() {
        let all = all();
        let names: Vec<&str> = all
            .as_array()
            .unwrap()
            .iter()
            .map(|command| command["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            ["ask", "status", "help", "language", "human", "delete"]
        );
        let described = |thing: &Value| {
            let mut texts = vec![thing["description"].as_str().unwrap().to_owned()];
            for language in ["ja", "zh-CN", "vi"] {
                let text = &thing["description_localizations"][language];
                texts.push(
                    text.as_str()
                        .unwrap_or_else(|| panic!("{language}: {thing}"))
                        .to_owned(),
                );
            }
            assert!(
                texts
                    .iter()
                    .all(|text| (1..=100).contains(&text.chars().count())),
                "{texts:?}"
            );
        };
        for command in all.as_array().unwrap() {
            described(command);
            command["options"]
                .as_array()
                .into_iter()
                .flatten()
                .for_each(described);
        }
    }

    #[test]
    fn the_form_speaks_the_persons_language() {
        let english = form("en-GB").title;
        assert_eq!(form("de").title, english);
        assert_eq!(form("zh-TW").title, form("zh-CN").title);
        for locale in ["ja", "zh-CN", "vi"] {
            assert_ne!(form(locale).title, english, "{locale}");
        }
        for locale in ["en-US", "ja", "zh-CN", "vi"] {
            let form = form(locale);
            assert!((1..=45).contains(&form.title.chars().count()));
            assert!((1..=45).contains(&form.label.chars().count()));
        }
    }

    #[test]
    fn what_the_server_adds_is_no_difference_and_what_it_lacks_is() {
        let ours = all();
        let mut theirs = ours.clone();
        for command in theirs.as_array_mut().unwrap() {
            command["id"] = json!("7");
            command["nsfw"] = json!(false);
        }
        theirs.as_array_mut().unwrap().reverse();
        assert!(same(&ours, &theirs));
        theirs[0]["description"] = json!("something else");
        assert!(!same(&ours, &theirs));
        assert!(!same(&ours, &json!([])));
    }
}
