//! Merges, with the results of kustomize 5.8.2.

use lucid_object::yaml::parse;

use super::merge;
use crate::schema::Schema;

#[track_caller]
fn check(target: &str, patch: &str, want: &str) {
    let read = |text| parse(text, 0).expect("readable").remove(0);
    let (mut target, mut patch) = (read(target), read(patch));
    let got = match merge(&mut target, &mut patch, &Schema::default()) {
        Ok(true) => target.to_json().to_string(),
        Ok(false) => "deleted".into(),
        Err(error) => error,
    };
    assert_eq!(got, want);
}

/// Merges lists of containers of a Pod.
#[track_caller]
fn containers(target: &str, patch: &str, want: &str) {
    let pod = |list: &str| format!("{{apiVersion: v1, kind: Pod, spec: {{containers: {list}}}}}");
    let want = format!(r#"{{"apiVersion":"v1","kind":"Pod","spec":{{"containers":{want}}}}}"#);
    check(&pod(target), &pod(patch), &want);
}

#[test]
fn mappings() {
    check("{a: 1, b: {c: 2}}", "{b: {d: 3}}", r#"{"a":1,"b":{"c":2,"d":3}}"#);
    check("{a: 1, b: 2}", "{a: null}", r#"{"b":2}"#);
    check("{a: 1}", "{b: null, c: {d: null, e: 1}}", r#"{"a":1,"c":{"e":1}}"#);
    check("{a: null, b: , c: ~}", "{d: 1}", r#"{"a":null,"c":null,"d":1}"#);
    check("{a: {b: 1}}", "{a: {}}", r#"{"a":{"b":1}}"#);
    check("{a: {b: 1}}", "{a: 1}", "a: a mapping is merged with something else");
    check("{a: [1]}", "{a: [2]}", r#"{"a":[2]}"#);
    check("{a: '5'}", "{a: 6}", r#"{"a":"6"}"#);
}

#[test]
fn directives() {
    check("{a: 1}", "{$patch: delete}", "deleted");
    check("{a: 1}", "{$patch: replace, b: 2}", r#"{"a":1}"#);
    check("{a: {b: 1}, c: 2}", "{a: {$patch: replace, d: 1}}", r#"{"a":{"d":1},"c":2}"#);
    check("{a: {b: 1}, c: 2}", "{a: {$patch: delete}}", r#"{"c":2}"#);
    check("{a: 1}", "{b: {$patch: merge, c: 1}}", r#"{"a":1,"b":{"c":1}}"#);
    check("{a: {}}", "{a: {$patch: drop}}", r#"a: unknown patch strategy "drop": $patch is delete, replace or merge"#);
}

#[test]
fn merged_lists() {
    containers(
        "[{name: a, image: 1}, {name: b}]",
        "[{name: b, image: 2}]",
        r#"[{"image":2,"name":"b"},{"image":1,"name":"a"}]"#,
    );
    containers("[{name: a}, {name: b}]", "[{name: a, $patch: delete}]", r#"[{"name":"b"}]"#);
    containers("[{name: a}]", "[{name: c}, {name: d}]", r#"[{"name":"c"},{"name":"d"},{"name":"a"}]"#);
    containers("[{name: a}]", "[]", r#"[{"name":"a"}]"#);
    containers("[{name: a}]", "[{$patch: replace}, {name: b}]", r#"[{"name":"b"}]"#);
}

#[test]
fn ports_have_two_keys() {
    let port = |ports: &str| format!("[{{name: a, ports: {ports}}}]");
    containers(
        &port("[{containerPort: 80}]"),
        &port("[{containerPort: 80, name: x}]"),
        r#"[{"name":"a","ports":[{"containerPort":80,"name":"x"}]}]"#,
    );
    containers(
        &port("[{containerPort: 80, protocol: TCP}]"),
        &port("[{containerPort: 80, protocol: UDP}]"),
        r#"[{"name":"a","ports":[{"containerPort":80,"protocol":"UDP"},{"containerPort":80,"protocol":"TCP"}]}]"#,
    );
}

#[test]
fn unknown_kinds_have_no_keys() {
    check(
        "{apiVersion: x/v1, kind: Y, spec: {containers: [{name: a}]}}",
        "{apiVersion: x/v1, kind: Y, spec: {containers: [{name: b, $patch: delete}]}}",
        r#"{"apiVersion":"x/v1","kind":"Y","spec":{"containers":[{"$patch":"delete","name":"b"}]}}"#,
    );
}

#[test]
fn plain_values_are_a_set() {
    let object = |list: &str| format!("{{apiVersion: v1, kind: Pod, metadata: {{finalizers: {list}}}}}");
    check(
        &object("[a, b]"),
        &object("[c, b]"),
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"finalizers":["c","b","a"]}}"#,
    );
}

#[test]
fn items_without_a_key() {
    containers(
        "[{name: web}, {containerPort: 80}, {name: side}]",
        "[{name: web, tty: true}]",
        r#"[{"containerPort":80}]"#,
    );
    containers("[{name: web}]", "[{name: web, tty: true}, {path: arm}]", r#"[{"name":"web","tty":true}]"#);
    containers("[{name: web}, {name: [1]}]", "[{name: web}]", r#"[{"name":[1]},{"name":[1]}]"#);
}
