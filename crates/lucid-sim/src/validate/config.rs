//! ConfigMaps and Secrets.

use serde_json::{Map, Value};

use super::field::{At, Problems};
use super::text;
use crate::base64;
use crate::json::Json;

/// How much all values of one object may hold.
const SIZE: usize = 1024 * 1024;

fn keys(data: Option<&Map<String, Value>>, at: &At, problems: &mut Problems) {
    for key in data.into_iter().flat_map(Map::keys) {
        problems.all_invalid(&at.key(key), &key.as_str().into(), text::config_key(key));
    }
}

/// How many bytes base64 texts stand for.
fn decoded(data: Option<&Map<String, Value>>) -> usize {
    data.into_iter().flat_map(Map::values).filter_map(Value::as_str).map(|text| text.len() / 4 * 3).sum()
}

pub(super) fn config_map(object: &Value, problems: &mut Problems) {
    let (data, binary) = (object.map("data"), object.map("binaryData"));
    for (key, _) in data.into_iter().flatten() {
        let at = At::new("data").key(key);
        problems.all_invalid(&at, &key.as_str().into(), text::config_key(key));
        if binary.is_some_and(|binary| binary.contains_key(key)) {
            problems.invalid(&at, key.as_str(), "duplicate of key present in binaryData");
        }
    }
    keys(binary, &At::new("binaryData"), problems);
    let plain: usize = data.into_iter().flat_map(Map::values).filter_map(Value::as_str).map(str::len).sum();
    if plain + decoded(binary) > SIZE {
        problems.too_long(&At::new(""), SIZE);
    }
}

pub(super) fn secret(object: &Value, problems: &mut Problems) {
    let (data, at) = (object.map("data"), At::new("data"));
    keys(data, &at, problems);
    if decoded(data) > SIZE {
        problems.too_long(&at, SIZE);
    }
    let value = |key: &str| data.and_then(|data| data.get(key)).and_then(Value::as_str);
    let mut need = |keys: &[&str]| {
        for key in keys.iter().filter(|key| value(key).is_none()) {
            problems.required(&at.key(key), "");
        }
    };
    match object.str("type") {
        "kubernetes.io/service-account-token" => {
            let key = "kubernetes.io/service-account.name";
            if object.annotation(key).is_empty() {
                problems.required(&At::new("metadata.annotations").key(key), "");
            }
        }
        "kubernetes.io/dockercfg" => json(value(".dockercfg"), &at.key(".dockercfg"), problems),
        "kubernetes.io/dockerconfigjson" => {
            json(value(".dockerconfigjson"), &at.key(".dockerconfigjson"), problems);
        }
        "kubernetes.io/basic-auth" if value("username").is_none() && value("password").is_none() => {
            need(&["username", "password"]);
        }
        "kubernetes.io/ssh-auth" if value("ssh-privatekey").is_none_or(str::is_empty) => {
            problems.required(&at.key("ssh-privatekey"), "");
        }
        "kubernetes.io/tls" => need(&["tls.crt", "tls.key"]),
        _ => {}
    }
}

/// Content that must be a JSON object.
fn json(value: Option<&str>, at: &At, problems: &mut Problems) {
    let Some(value) = value else { return problems.required(at, "") };
    let bytes = base64::decode(value).unwrap_or_default();
    let words = match serde_json::from_slice::<Value>(&bytes) {
        Ok(Value::Object(_) | Value::Null) => return,
        Ok(other) => {
            let kind = match other {
                Value::Array(_) => "array",
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                _ => "number",
            };
            format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}")
        }
        Err(_) => syntax(&bytes),
    };
    problems.invalid(at, "<secret contents redacted>", words);
}

/// As Go's decoder says it of text that does not even begin as JSON.
fn syntax(bytes: &[u8]) -> String {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(byte) if !b"{[\"-0123456789tfn".contains(byte) => {
            format!("invalid character '{}' looking for beginning of value", char::from(*byte))
        }
        _ => "unexpected end of JSON input".into(),
    }
}

/// What cannot change once `immutable` is set.
pub(super) fn sealed(old: &Value, new: &Value, fields: &[&str], problems: &mut Problems) {
    if !old.flag("immutable") {
        return;
    }
    let detail = "field is immutable when `immutable` is set";
    if !new.flag("immutable") {
        problems.forbidden(&At::new("immutable"), detail);
    }
    for field in fields.iter().filter(|field| old.at(field) != new.at(field)) {
        problems.forbidden(&At::new(field), detail);
    }
}
