//! LINE's published interface (OpenAPI 3.0) as JSON Schema, made at run time.
//!
//! OpenAPI 3.0 differs from JSON Schema in `nullable` and in `discriminator`. A schema with a discriminator is checked by the subtype
//! its property names; and wherever a schema is used, what it does not mention is refused, so a misspelt field shows.

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// One of the published files.
pub struct Schemas {
    definitions: Value,
    ready: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Schemas {
    /// Reads a published file.
    pub fn load(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // Without this the property `y` would be read as `true`, as YAML 1.1 had it.
        let options = serde_saphyr::options! { strict_booleans: true };
        let document: Value = serde_saphyr::from_str_with_options(&text, options)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let schemas = document["components"]["schemas"]
            .as_object()
            .unwrap()
            .clone();
        let mut definitions = Map::new();
        for (name, schema) in &schemas {
            let base = convert(schema, &schemas, false);
            definitions.insert(name.clone(), base);
            definitions.insert(
                format!("{name}:closed"),
                json!({"$ref": format!("#/$defs/{name}"), "unevaluatedProperties": false}),
            );
            if let Some(any) = by_discriminator(schema) {
                definitions.insert(format!("{name}:any"), any);
            }
        }
        Self {
            definitions: Value::Object(definitions),
            ready: Mutex::default(),
        }
    }

    /// What is wrong with a value by the schema of this name; empty when nothing is.
    pub fn faults(&self, name: &str, value: &Value) -> Vec<String> {
        let validator = self.validator(name);
        validator
            .iter_errors(value)
            .map(|error| format!("{name}{}: {error}", error.instance_path()))
            .collect()
    }

    fn validator(&self, name: &str) -> Arc<Validator> {
        let mut ready = self.ready.lock().unwrap();
        ready
            .entry(name.to_owned())
            .or_insert_with(|| {
                assert!(self.definitions.get(name).is_some(), "no schema {name}");
                let use_of = if self.definitions.get(format!("{name}:any")).is_some() {
                    format!("{name}:any")
                } else {
                    format!("{name}:closed")
                };
                let schema =
                    json!({"$ref": format!("#/$defs/{use_of}"), "$defs": self.definitions});
                let built = jsonschema::options()
                    .should_validate_formats(true)
                    .build(&schema);
                Arc::new(built.unwrap_or_else(|error| panic!("schema {name}: {error}")))
            })
            .clone()
    }
}

/// The subtypes a discriminator names, each closed.
fn by_discriminator(schema: &Value) -> Option<Value> {
    let property = schema.pointer("/discriminator/propertyName")?.as_str()?;
    let mapping = schema.pointer("/discriminator/mapping")?.as_object()?;
    let kinds: Vec<&String> = mapping.keys().collect();
    let cases: Vec<Value> = mapping
        .iter()
        .map(|(kind, target)| {
            let name = target.as_str().unwrap().rsplit('/').next().unwrap();
            json!({"if": {"properties": {property: {"const": kind}}, "required": [property]},
                   "then": {"$ref": format!("#/$defs/{name}:closed")}})
        })
        .collect();
    Some(
        json!({"type": "object", "required": [property], "properties": {property: {"enum": kinds}}, "allOf": cases}),
    )
}

/// `part_of`: the schema stands in an `allOf`, so others beside it name further properties and it stays open.
fn convert(schema: &Value, all: &Map<String, Value>, part_of: bool) -> Value {
    match schema {
        Value::Array(items) => items
            .iter()
            .map(|item| convert(item, all, part_of))
            .collect(),
        Value::Object(object) => {
            let mut converted = Map::new();
            for (key, value) in object {
                match key.as_str() {
                    "discriminator" | "externalDocs" | "example" | "nullable" => {}
                    "$ref" => {
                        let name = value.as_str().unwrap().rsplit('/').next().unwrap();
                        converted.insert(
                            key.clone(),
                            json!(format!("#/$defs/{}", use_of(name, all, part_of))),
                        );
                    }
                    "properties" => {
                        let properties = value.as_object().unwrap().iter();
                        let properties: Map<String, Value> = properties
                            .map(|(name, schema)| (name.clone(), convert(schema, all, false)))
                            .collect();
                        converted.insert(key.clone(), Value::Object(properties));
                    }
                    "allOf" => {
                        converted.insert(key.clone(), convert(value, all, true));
                    }
                    "default" | "enum" | "required" => {
                        converted.insert(key.clone(), value.clone());
                    }
                    _ => {
                        converted.insert(key.clone(), convert(value, all, false));
                    }
                }
            }
            if object.get("nullable") == Some(&Value::Bool(true))
                && let Some(kind) = object.get("type")
            {
                converted.insert("type".into(), json!([kind, "null"]));
            }
            Value::Object(converted)
        }
        plain => plain.clone(),
    }
}

fn use_of(name: &str, all: &Map<String, Value>, part_of: bool) -> String {
    let schema = &all[name];
    let is_object = schema.get("properties").is_some() || schema.get("allOf").is_some();
    match (part_of, schema.get("discriminator").is_some(), is_object) {
        (true, _, _) | (false, false, false) => name.to_owned(),
        (false, true, _) => format!("{name}:any"),
        (false, false, true) => format!("{name}:closed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Schemas {
        let path =
            std::env::temp_dir().join(format!("madoguchi-fake-line-{}.yml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let schemas = Schemas::load(&path);
        std::fs::remove_file(&path).unwrap();
        schemas
    }

    #[test]
    fn discriminators_and_nullable_are_checked_and_unknown_fields_refused() {
        let schemas = load(
            "components:\n  schemas:\n    Pet:\n      type: object\n      required: [type]\n      properties: {type: {type: string}}\n      \
             discriminator: {propertyName: type, mapping: {cat: '#/components/schemas/Cat'}}\n    Cat:\n      allOf:\n        - $ref: '#/components/schemas/Pet'\n        \
             - type: object\n          properties: {lives: {type: integer, nullable: true}}\n    Home:\n      type: object\n      properties:\n        \
             pets: {type: array, items: {$ref: '#/components/schemas/Pet'}}\n",
        );
        for good in [
            json!({"pets": [{"type": "cat", "lives": 9}, {"type": "cat", "lives": null}]}),
            json!({}),
        ] {
            assert_eq!(schemas.faults("Home", &good), Vec::<String>::new());
        }
        for bad in [
            json!({"pet": []}),
            json!({"pets": [{"type": "dog"}]}),
            json!({"pets": [{"lives": 9}]}),
            json!({"pets": [{"type": "cat", "lifes": 9}]}),
            json!({"pets": [{"type": "cat", "lives": "9"}]}),
        ] {
            assert!(!schemas.faults("Home", &bad).is_empty(), "{bad}");
        }
    }

    #[test]
    fn a_misspelt_field_of_a_message_is_seen_by_the_published_schema() {
        let Some(published) = crate::state::Published::find() else {
            return; // the schemas are not at hand: the rules alone check
        };
        let push = |message: Value| {
            let body = json!({"to": "U1", "messages": [message]});
            published.api.faults("PushMessageRequest", &body)
        };
        let card = |text: Value| {
            json!({"type": "flex", "altText": "x", "contents": {"type": "bubble", "body":
            {"type": "box", "layout": "vertical", "contents": [text]}}})
        };
        assert_eq!(
            push(json!({"type": "text", "text": "x"})),
            Vec::<String>::new()
        );
        assert_eq!(
            push(card(json!({"type": "text", "text": "x", "wrap": true}))),
            Vec::<String>::new()
        );
        for wrong in [
            json!({"text": "x"}),
            json!({"type": "txet", "text": "x"}),
            json!({"type": "text"}),
            json!({"type": "text", "text": "x", "quickreply": {"items": []}}),
            json!({"type": "text", "text": "x", "quickReply": {"items": [{"type": "action", "action": {"type": "postback", "date": "k"}}]}}),
            card(json!({"type": "text", "text": "x", "warp": true})),
            card(json!({"type": "button"})),
        ] {
            assert!(!push(wrong.clone()).is_empty(), "{wrong}");
        }
    }
}
