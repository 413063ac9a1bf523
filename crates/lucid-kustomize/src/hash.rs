//! The suffix of generated names: a hash of the content, not of the name.

use lucid_object::yaml::{Node, Resolved, Scalar};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::resource::Resource;

/// Ten characters of SHA-256 over the object's data as Go writes it, in an alphabet without bad words.
pub(crate) fn suffix(resource: &Resource) -> String {
    let node = &resource.node;
    let text = match resource.kind() {
        "ConfigMap" => encoded(node, "ConfigMap", &["data"], "binaryData"),
        "Secret" => encoded(node, "Secret", &["data", "type"], "stringData"),
        _ => go_json(&node.to_json()),
    };
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    hex.chars()
        .map(|c| match c {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            c => c,
        })
        .collect()
}

fn encoded(node: &Node, kind: &str, always: &[&str], if_map: &str) -> String {
    let mut object = Map::new();
    object.insert("kind".into(), kind.into());
    // kustomize looks up a field called "metadata/name", which no object has.
    object.insert("name".into(), "".into());
    for field in always {
        object.insert((*field).into(), value_of(node, field));
    }
    let more = value_of(node, if_map);
    if more.is_object() {
        object.insert(if_map.into(), more);
    }
    go_json(&Value::Object(object))
}

fn value_of(node: &Node, field: &str) -> Value {
    match node.get(field) {
        None => json!(""),
        Some(value) => match value.as_scalar() {
            Some(scalar) => Value::String(text_of(scalar)),
            None => value.to_json(),
        },
    }
}

fn text_of(scalar: &Scalar) -> String {
    match scalar.resolve() {
        Ok(Resolved::Str(text)) => text.into_owned(),
        _ => scalar.text.to_string(),
    }
}

/// Compact JSON with Go's escapes: `<`, `>`, `&` and the Unicode line separators.
pub(crate) fn go_json(value: &Value) -> String {
    let text = value.to_string();
    if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}', '\u{7f}', '\u{8}', '\u{c}'])
        && !text.contains("\\b")
        && !text.contains("\\f")
    {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            '\\' => {
                out.push('\\');
                out.extend(chars.next());
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use lucid_object::yaml::parse;

    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        let node = parse(text, 0).expect("readable").remove(0);
        assert_eq!(suffix(&Resource::new(node)), want);
    }

    #[test]
    fn hashes_of_kustomize() {
        check("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", "6ct58987ht");
        check("{apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {one: ''}}", "9g67k2htb6");
        check("{apiVersion: v1, kind: Secret, metadata: {name: a}, type: my-type, data: {one: ''}}", "74bd68bm66");
    }

    #[test]
    fn escapes_of_go() {
        assert_eq!(go_json(&json!({"a<b>&": "x\"\\<"})), r#"{"a\u003cb\u003e\u0026":"x\"\\\u003c"}"#);
    }
}
