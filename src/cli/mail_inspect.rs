//! stub
pub fn inspect(_f: &str, _b: &[u8], _l: &dyn Fn(&str)->Option<String>) -> serde_json::Value { serde_json::Value::Null }
