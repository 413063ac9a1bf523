//! Reading: values, places, refusals and bounds.

use std::fmt::Write;

use super::{Dialect, Limits, parse, parse_with};

#[track_caller]
fn check(text: &str, json: &str) {
    let documents = parse(text, 0).unwrap_or_else(|error| panic!("{text}: {error} at {:?}", error.pos));
    let values: Vec<_> = documents.iter().map(|node| node.to_json().to_string()).collect();
    assert_eq!(values.join("\n"), json, "{text}");
}

#[track_caller]
fn check_1_1(text: &str, json: &str) {
    let documents = parse_with(text, 0, Dialect::Yaml11, Limits::default()).expect("readable");
    assert_eq!(documents[0].to_json().to_string(), json, "{text}");
}

#[track_caller]
fn refused(text: &str, line: u32, column: u32, words: &str) {
    let error = parse(text, 7).expect_err("must be refused");
    assert_eq!((error.pos.file, error.pos.line, error.pos.column), (7, line, column), "{error}");
    assert!(error.message.contains(words), "{error}");
}

#[test]
fn scalars_of_resource_files() {
    check("[true, True, yes, on, y, ~, null, NULL]", r#"[true,true,"yes","on","y",null,null,null]"#);
    check("[0644, 0o644, 0x1F, 1_000, 08, 1e3, 1.0, 1.5]", "[420,420,31,1000,8,1000,1,1.5]");
    check("[2021-01-01, '2021-01-01', 1:30, '']", r#"["2021-01-01T00:00:00Z","2021-01-01","1:30",""]"#);
    check("[!!str 5, !!int '5', !!float 5, !Ref x, !!binary aGk=]", r#"["5",5,5,"x","hi"]"#);
    check("{a: , b: [~, '']}\n", r#"{"a":"","b":[null,""]}"#);
    check("a:\nb: ~\n", r#"{"a":null,"b":null}"#);
    check("a: |\n  x\n   y\nb: >\n  one\n  two\n", r#"{"a":"x\n y\n","b":"one two\n"}"#);
    check("a: |\n  no final break", r#"{"a":"no final break"}"#);
}

#[test]
fn scalars_of_kustomization_files() {
    check_1_1("[yes, n, on, Off, y]", "[true,false,true,false,true]");
    check_1_1("{y: 1, 5: x}", r#"{"5":"x","true":1}"#);
    let error = parse_with("{a: 1, ~: z}", 0, Dialect::Yaml11, Limits::default()).expect_err("JSON has no such key");
    assert_eq!((error.pos.column, error.message.contains("null")), (8, true));
    check_1_1("d: 2021-01-01", r#"{"d":"2021-01-01"}"#);
    check_1_1("a: 1\nb: 2\na: 3\n", r#"{"a":3,"b":2}"#);
}

#[test]
fn documents() {
    check("---\na: 1\n---\n# nothing\n---\n---\nb: 2\n", "{\"a\":1}\n{\"b\":2}");
    check("", "");
    check("# only a comment\n", "");
}

#[test]
fn anchors_aliases_and_merge_keys() {
    check("a: &x {p: 1}\nb: *x\n", r#"{"a":{"p":1},"b":{"p":1}}"#);
    check("a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n", r#"{"a":{"p":1,"q":2},"b":{"p":1,"q":3}}"#);
    check(
        "x: &x {p: 1}\ny: &y {p: 2, q: 2}\nb: {<<: [*x, *y]}",
        r#"{"b":{"p":1,"q":2},"x":{"p":1},"y":{"p":2,"q":2}}"#,
    );
    check("'<<': 1", r#"{"<<":1}"#);
}

#[test]
fn places() {
    let documents = parse("a:\n  b: [x, y]\nc: |\n  text\n", 3).expect("readable");
    let at = |pointer: &str| {
        let pos = documents[0].pos_at(pointer);
        (pos.file, pos.line, pos.column)
    };
    assert_eq!(at("/a/b/1"), (3, 2, 10));
    assert_eq!(at("/a"), (3, 2, 3));
    assert_eq!(at("/c"), (3, 4, 3), "the text, not the bar");
    assert_eq!(at("/a/missing"), (3, 2, 3));
}

#[test]
fn mistakes_have_a_place() {
    refused("a: 1\na: 2\n", 2, 1, "already defined at line 1");
    refused("a: b: c\n", 1, 5, "mapping");
    refused("? [a]\n: b\n", 1, 3, "key must be a scalar");
    refused("a: *nobody\n", 1, 4, "anchor");
    refused("a: &x [*x]\n", 1, 8, "contains itself");
    refused("a: x\u{7f}\n", 1, 5, "U+007F");
    refused("{<<: 1}", 1, 2, "merge key");
}

#[test]
fn bombs_are_refused() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for level in 1..9 {
        let below = format!("*a{}", level - 1);
        let _ = writeln!(bomb, "a{level}: &a{level} [{}]", [below.as_str(); 10].join(","));
    }
    assert!(parse(&bomb, 0).expect_err("a bomb").message.contains("aliases expand"));
    assert!(parse(&"[".repeat(100_000), 0).is_err());
    let deep = (0..300).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>();
    assert!(parse(&deep, 0).is_err());
    let limits = Limits { bytes: 10, ..Limits::default() };
    assert!(parse_with("a: 0123456789", 0, Dialect::Resource, limits).is_err());
    let many = Limits { nodes: 10, ..Limits::default() };
    assert!(parse_with("[1,2,3,4,5,6,7,8,9,10,11]", 0, Dialect::Resource, many).is_err());
}
