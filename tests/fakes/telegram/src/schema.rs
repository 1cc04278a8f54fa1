//! Checks requests and answers: by the vendor's schema where it is at hand, and by a few rules of our own.

use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

static VENDOR: LazyLock<Option<Value>> = LazyLock::new(|| {
    let directory = PathBuf::from(std::env::var_os("MADOGUCHI_CORPORA")?);
    let path = directory.join("chat/telegram/schema.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("MADOGUCHI_CORPORA is set, but {path:?} cannot be read: {error}")
    });
    Some(serde_json::from_str(&text).expect("the vendor's schema is JSON"))
});

/// Built once for a process: each takes a while.
static BUILT: LazyLock<Mutex<HashMap<String, Validator>>> = LazyLock::new(Mutex::default);

/// The fields each method may have, for where the vendor's schema is not.
const FIELDS: [(&str, &[&str], &[&str]); 9] = [
    ("getMe", &[], &[]),
    (
        "getUpdates",
        &[],
        &["offset", "limit", "timeout", "allowed_updates"],
    ),
    (
        "setWebhook",
        &["url"],
        &[
            "ip_address",
            "max_connections",
            "allowed_updates",
            "drop_pending_updates",
            "secret_token",
        ],
    ),
    ("deleteWebhook", &[], &["drop_pending_updates"]),
    ("getWebhookInfo", &[], &[]),
    (
        "sendMessage",
        &["chat_id", "text"],
        &[
            "link_preview_options",
            "disable_notification",
            "protect_content",
            "reply_parameters",
            "reply_markup",
            "parse_mode",
            "entities",
        ],
    ),
    ("sendChatAction", &["chat_id", "action"], &[]),
    (
        "answerCallbackQuery",
        &["callback_query_id"],
        &["text", "show_alert", "url", "cache_time"],
    ),
    ("getFile", &["file_id"], &[]),
];

/// The method's name as the vendor writes it; the server does not mind upper and lower case.
pub(crate) fn canonical(method: &str) -> Option<&'static str> {
    let spoken = FIELDS.iter().map(|(name, ..)| *name);
    spoken
        .into_iter()
        .find(|name| name.eq_ignore_ascii_case(method))
}

/// What is wrong with a request.
pub(crate) fn request(method: &'static str, body: &Value) -> Vec<String> {
    let mut wrong = by_vendor(&format!("request of {method}"), body, |vendor| {
        vendor["methods"][method]["request"].clone()
    });
    let (_, needed, allowed) = FIELDS
        .iter()
        .find(|(name, ..)| *name == method)
        .expect("a method");
    let Some(fields) = body.as_object() else {
        return vec![format!("request of {method}: no object")];
    };
    for field in needed.iter().filter(|field| !fields.contains_key(**field)) {
        wrong.push(format!("request of {method}: {field} is missing"));
    }
    for (field, value) in fields {
        if !needed.contains(&field.as_str()) && !allowed.contains(&field.as_str()) {
            wrong.push(format!("request of {method}: {field} is not expected"));
        }
        if value.is_null() {
            wrong.push(format!("request of {method}: {field} is null"));
        }
    }
    wrong
}

/// What is wrong with an answer of the fake.
pub(crate) fn result(method: &'static str, result: &Value) -> Vec<String> {
    by_vendor(&format!("result of {method}"), result, |vendor| {
        vendor["methods"][method]["result"].clone()
    })
}

/// What is wrong with an update of the fake.
pub(crate) fn update(update: &Value) -> Vec<String> {
    by_vendor("update", update, |_| json!({"$ref": "#/$defs/Update"}))
}

fn by_vendor(what: &str, value: &Value, schema: impl FnOnce(&Value) -> Value) -> Vec<String> {
    let Some(vendor) = VENDOR.as_ref() else {
        return Vec::new();
    };
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = built.entry(what.to_owned()).or_insert_with(|| {
        let mut schema = schema(vendor);
        schema["$schema"] = vendor["$schema"].clone();
        schema["$defs"] = vendor["$defs"].clone();
        jsonschema::validator_for(&schema).expect("the vendor's schema can be used")
    });
    validator
        .iter_errors(value)
        .map(|error| format!("{what}: {error} at {}", error.instance_path()))
        .collect()
}
