//! Everything that can be changed in a NetworkPolicy in one place: labels, ports, peers, rules and directions.

use serde_json::{Value, json};

/// A policy with one change.
#[derive(Debug)]
pub(crate) struct Mutant {
    pub(crate) what: String,
    pub(crate) policy: Value,
}

/// Every mutant of one policy.
pub(crate) fn mutants(policy: &Value) -> Vec<Mutant> {
    let mut all = Vec::new();
    let mut places = Vec::new();
    walk(&policy["spec"], "/spec".to_owned(), &mut places);
    for pointer in places {
        let value = policy.pointer(&pointer).expect("a place in the policy");
        let only =
            pointer == "/spec/policyTypes/0" && policy["spec"]["policyTypes"].as_array().is_some_and(|a| a.len() == 1);
        for (how, new) in changes(&pointer, value) {
            let mut policy = policy.clone();
            if only && new.is_none() {
                // The server would fill in what follows from the rules: the same again.
                continue;
            }
            match new {
                Some(new) => *policy.pointer_mut(&pointer).expect("the place") = new,
                None => remove(&mut policy, &pointer),
            }
            all.push(Mutant { what: format!("{pointer} {how}"), policy });
        }
    }
    all.extend(swapped(policy));
    all
}

/// JSON pointers of everything below, outermost first.
fn walk(value: &Value, at: String, into: &mut Vec<String>) {
    into.push(at.clone());
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| walk(value, format!("{at}/{}", escape(key)), into));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| walk(item, format!("{at}/{i}"), into)),
        _ => {}
    }
}

/// What is done at one place: a new value, or nothing in its place.
fn changes(pointer: &str, value: &Value) -> Vec<(&'static str, Option<Value>)> {
    let path: Vec<&str> = pointer.split('/').skip(2).collect();
    let (key, parent) =
        (path.last().copied().unwrap_or_default(), path.iter().rev().nth(1).copied().unwrap_or_default());
    let text = value.as_str().unwrap_or_default();
    match (parent, key) {
        ("matchLabels", _) => vec![("has another value", Some(json!(format!("{text}-x")))), ("is gone", None)],
        (_, "matchLabels" | "podSelector" | "namespaceSelector") if path.len() > 1 => vec![("is gone", None)],
        ("matchExpressions", _) => vec![("is gone", None)],
        (_, "key") => vec![("is another label", Some(json!(format!("{text}-x"))))],
        (_, "operator") if text == "In" => vec![("is the opposite", Some(json!("NotIn")))],
        (_, "operator") => panic!("no mutation for operator {text}"),
        ("values" | "except", _) => vec![("is gone", None)],
        ("policyTypes", _) => vec![("is the other direction", Some(json!(other(text)))), ("is gone", None)],
        (_, "cidr") => vec![("is another network", Some(json!("198.51.100.0/24")))],
        ("ports", _) | ("ingress" | "egress" | "from" | "to", _) => vec![("is gone", None)],
        (_, "ports" | "from" | "to" | "ingress" | "egress") => vec![("is gone", None)],
        (_, "port") => match value.as_u64() {
            Some(number) => vec![("is the next", Some(json!(number + 1)))],
            None => vec![("has another name", Some(json!(format!("{text}-x"))))],
        },
        (_, "protocol") => vec![("is another", Some(json!(if text == "UDP" { "TCP" } else { "UDP" })))],
        (_, "podSelector" | "policyTypes" | "spec" | "ipBlock" | "except" | "values" | "matchExpressions")
        | ("", _) => Vec::new(),
        other => panic!("no mutation for {other:?}: teach it to this test"),
    }
}

/// Each rule in the other direction.
fn swapped(policy: &Value) -> Vec<Mutant> {
    let mut all = Vec::new();
    for (here, there, from, to) in [("ingress", "egress", "from", "to"), ("egress", "ingress", "to", "from")] {
        for index in 0..policy["spec"][here].as_array().map_or(0, Vec::len) {
            let mut policy = policy.clone();
            let mut rule = policy["spec"][here].as_array_mut().expect("rules").remove(index);
            let peers = rule.as_object_mut().and_then(|rule| rule.remove(from));
            rule[to] = peers.unwrap_or(json!([]));
            match policy["spec"][there].as_array_mut() {
                Some(rules) => rules.push(rule),
                None => policy["spec"][there] = json!([rule]),
            }
            all.push(Mutant { what: format!("/spec/{here}/{index} is in {there}"), policy });
        }
    }
    all
}

fn other(direction: &str) -> &'static str {
    if direction == "Ingress" { "Egress" } else { "Ingress" }
}

fn remove(value: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').expect("a parent");
    match value.pointer_mut(parent).expect("the parent") {
        Value::Object(map) => _ = map.remove(&unescape(key)),
        Value::Array(items) => _ = items.remove(key.parse().expect("an index")),
        other => panic!("{other} has no parts"),
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn unescape(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}
