//! The vendor's published schema, where it is at hand.

use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub(crate) struct Schemas {
    document: Option<Value>,
    built: Mutex<BTreeMap<String, Arc<Validator>>>,
}

impl Schemas {
    pub(crate) fn load() -> Self {
        let document = std::env::var_os("MADOGUCHI_CORPORA").map(|dir| {
            let path = std::path::Path::new(&dir).join("chat/discord/openapi.json");
            let text = std::fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            serde_json::from_str(&text).expect("the published schema is JSON")
        });
        Self {
            document,
            built: Mutex::default(),
        }
    }

    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let document = self.document.as_ref()?;
        let found = document["paths"]
            .get(path)
            .and_then(|item| item.get(method.to_lowercase()));
        Some(found.unwrap_or_else(|| panic!("{method} {path} is not in the published schema")))
    }

    /// What is wrong with the body of a request to a path template.
    pub(crate) fn request(&self, method: &str, path: &str, body: &Value) -> Vec<String> {
        let Some(operation) = self.operation(method, path) else {
            return Vec::new();
        };
        let schema = operation.pointer("/requestBody/content/application~1json/schema");
        match (schema, body.is_null()) {
            (None, true) => Vec::new(),
            (None, false) => vec!["a body where none is expected".into()],
            (Some(_), true) => vec!["no body".into()],
            (Some(schema), false) => {
                let schema = self.narrow(schema, body);
                let mut wrong = self.check(&schema, body);
                wrong.extend(self.unknown_fields(&schema, body));
                wrong
            }
        }
    }

    /// What is wrong with an answer.
    pub(crate) fn answer(
        &self,
        method: &str,
        path: &str,
        status: u16,
        body: &Value,
    ) -> Vec<String> {
        let Some(operation) = self.operation(method, path) else {
            return Vec::new();
        };
        let responses = &operation["responses"];
        let named = match status {
            200..300 => responses.get(status.to_string()),
            429 => responses.get("429"),
            400..500 => responses.get("4XX"),
            _ => return Vec::new(),
        };
        let Some(named) = named else {
            return vec![format!("status {status} is not among its answers")];
        };
        let named = match named["$ref"].as_str() {
            Some(name) => self
                .document
                .as_ref()
                .unwrap()
                .pointer(name.trim_start_matches('#'))
                .unwrap(),
            None => named,
        };
        match named.pointer("/content/application~1json/schema") {
            None if body.is_null() => Vec::new(),
            None => vec!["a body where none is documented".into()],
            Some(schema) => self.check(schema, body),
        }
    }

    /// What is wrong with an object of a named schema.
    pub(crate) fn object(&self, name: &str, value: &Value) -> Vec<String> {
        if self.document.is_none() {
            return Vec::new();
        }
        self.check(
            &json!({"$ref": format!("#/components/schemas/{name}")}),
            value,
        )
    }

    /// Of several forms the one whose `type` is that of the body: they are so loose that any of them takes anything.
    fn narrow(&self, schema: &Value, body: &Value) -> Value {
        let Some(forms) = schema.get("anyOf").and_then(Value::as_array) else {
            return schema.clone();
        };
        let fits = |form: &&Value| {
            let target = self.resolve(form);
            match target
                .pointer("/properties/type/enum")
                .and_then(Value::as_array)
            {
                Some(kinds) => kinds.contains(&body["type"]),
                None => true,
            }
        };
        forms.iter().find(fits).unwrap_or(schema).clone()
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match (schema["$ref"].as_str(), &self.document) {
            (Some(name), Some(document)) => document.pointer(name.trim_start_matches('#')).unwrap(),
            _ => schema,
        }
    }

    fn unknown_fields(&self, schema: &Value, body: &Value) -> Vec<String> {
        let target = self.resolve(schema);
        let (Some(known), Some(fields)) = (target["properties"].as_object(), body.as_object())
        else {
            return Vec::new();
        };
        let unknown = fields.keys().filter(|field| !known.contains_key(*field));
        unknown
            .map(|field| format!("unknown field {field}"))
            .collect()
    }

    fn check(&self, schema: &Value, value: &Value) -> Vec<String> {
        let key = schema.to_string();
        let known = self.built.lock().unwrap().get(&key).cloned();
        let validator = known.unwrap_or_else(|| {
            let mut root = schema.clone();
            root["components"] = self.document.as_ref().unwrap()["components"].clone();
            let built =
                jsonschema::draft202012::new(&root).expect("the published schema is a schema");
            let built = Arc::new(built);
            self.built.lock().unwrap().insert(key, built.clone());
            built
        });
        let errors = validator.iter_errors(value);
        errors
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .take(5)
            .collect()
    }
}
