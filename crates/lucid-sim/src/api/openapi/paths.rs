//! Operations, with what clients ask of them: which kind, and which parameters a write takes.

use serde_json::{Map, Value, json};

use crate::kinds::Kind;

use super::schema::{self, Dialect};

const WRITE: [&str; 4] = ["dryRun", "fieldManager", "fieldValidation", "pretty"];

/// The paths of a kind's collections and objects.
pub(super) fn of(kind: &Kind, dialect: Dialect) -> Map<String, Value> {
    let base = format!("/{}", super::place(kind));
    let scope = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
    let collection = format!("{base}{scope}/{}", kind.plural);
    let mut out = Map::new();
    let verbs = |wanted: &[(&str, &str, &str)]| {
        let served = wanted.iter().filter(|(_, verb, _)| kind.verbs.iter().any(|one| one == verb));
        served
            .map(|(method, _, action)| ((*method).to_owned(), operation(kind, dialect, method, action)))
            .collect::<Map<_, _>>()
    };
    let all = verbs(&[
        ("get", "list", "list"),
        ("post", "create", "post"),
        ("delete", "deletecollection", "deletecollection"),
    ]);
    if !all.is_empty() {
        out.insert(collection.clone(), all.into());
    }
    let one = verbs(&[
        ("get", "get", "get"),
        ("put", "update", "put"),
        ("patch", "patch", "patch"),
        ("delete", "delete", "delete"),
    ]);
    if !one.is_empty() {
        out.insert(format!("{collection}/{{name}}"), one.into());
    }
    if kind.has_status() {
        let part = |method: &str| (method.to_owned(), operation(kind, dialect, method, method));
        let parts: Map<String, Value> = ["get", "put", "patch"].into_iter().map(part).collect();
        out.insert(format!("{collection}/{{name}}/status"), parts.into());
    }
    if kind.namespaced && kind.verbs.iter().any(|verb| verb == "list") {
        let list = json!({"get": operation(kind, dialect, "get", "list")});
        out.insert(format!("{base}/{}", kind.plural), list);
    }
    out
}

fn operation(kind: &Kind, dialect: Dialect, method: &str, action: &str) -> Value {
    let names: &[&str] = match method {
        "patch" => &["dryRun", "fieldManager", "fieldValidation", "force", "pretty"],
        "post" | "put" => &WRITE,
        "delete" => &["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy", "pretty"],
        _ => &["pretty"],
    };
    let parameter = |name: &&str| {
        let of = match *name {
            "force" | "orphanDependents" => "boolean",
            "gracePeriodSeconds" => "integer",
            _ => "string",
        };
        match dialect {
            Dialect::Two => json!({"name": name, "in": "query", "type": of, "uniqueItems": true}),
            Dialect::Three => json!({"name": name, "in": "query", "schema": {"type": of, "uniqueItems": true}}),
        }
    };
    let parameters: Vec<Value> = names.iter().map(parameter).collect();
    let shape = json!({"$ref": dialect.reference(&schema::name(kind))});
    let answer = match dialect {
        Dialect::Two => json!({"description": "OK", "schema": shape}),
        Dialect::Three => json!({"description": "OK", "content": {"application/json": {"schema": shape}}}),
    };
    json!({"operationId": format!("{action}{}{}{}", kind.group.replace(['.', '-'], ""), kind.version, kind.kind),
        "parameters": parameters, "responses": {"200": answer, "401": {"description": "Unauthorized"}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {"group": kind.group, "version": kind.version, "kind": kind.kind}})
}
