//! Bytes of kustomize 5.8.2, value by value.

use serde_json::{Value, json};

use super::{emit, emit_node};
use crate::yaml::{Node, Pos};

#[track_caller]
fn check(value: &Value, want: &str) {
    assert_eq!(emit(value), want);
    assert_eq!(emit_node(&Node::from_json(value, Pos::NOWHERE)), want, "the tree prints the same");
}

#[test]
fn collections() {
    check(
        &json!({"a": {}, "b": [], "c": {"d": [1, {"e": 2, "f": [3]}, [4, 5], [[6]]]}}),
        "a: {}\nb: []\nc:\n  d:\n  - 1\n  - e: 2\n    f:\n    - 3\n  - - 4\n    - 5\n  - - - 6\n",
    );
    check(&json!({}), "{}\n");
    check(&json!(null), "null\n");
}

#[test]
fn words_that_are_not_strings_to_old_readers() {
    check(&json!({"n": "y", "y": "no"}), "\"n\": \"y\"\n\"y\": \"no\"\n");
    check(
        &json!([
            "",
            "~",
            "null",
            "true",
            "0x1F",
            "1_000",
            "1e3",
            "1:30",
            "12:30:45.5",
            "2021-01-01",
            ".5",
            "09",
            "0777"
        ]),
        "- \"\"\n- \"~\"\n- \"null\"\n- \"true\"\n- \"0x1F\"\n- \"1_000\"\n- \"1e3\"\n- \"1:30\"\n- \"12:30:45.5\"\n- \"2021-01-01\"\n- \".5\"\n- \"09\"\n- \"0777\"\n",
    );
    check(
        &json!(["=", "<<", "0x", "1e", "1e5x", "5m", "NaN", "09x", "1:60"]),
        "- =\n- <<\n- 0x\n- 1e\n- 1e5x\n- 5m\n- NaN\n- 09x\n- 1:60\n",
    );
}

#[test]
fn numbers() {
    check(
        &json!([1, -1, 1.5, 1234567.5, 0.000012, 1.0, 1e20, u64::MAX]),
        "- 1\n- -1\n- 1.5\n- 1.2345675e+06\n- 1.2e-05\n- 1\n- 1e+20\n- 18446744073709551615\n",
    );
}

#[test]
fn quotes() {
    check(
        &json!(["- a", "a: b", "a #b", " a", "a ", "---", "it's", "'x", "%a", "a:b", "a#b", "?a", "? a", "-a", "*a"]),
        "- '- a'\n- 'a: b'\n- 'a #b'\n- ' a'\n- 'a '\n- '---'\n- it's\n- '''x'\n- '%a'\n- a:b\n- a#b\n- ?a\n- '? a'\n- -a\n- '*a'\n",
    );
    check(
        &json!(["\u{1F600}", "tab\there", "\u{feff}a", "a \u{85} b", "é"]),
        "- \"\\U0001F600\"\n- \"tab\\there\"\n- \"\\uFEFF\\x61\"\n- a b\n- é\n",
    );
}

#[test]
fn literals() {
    check(
        &json!({"a": "x\n", "b": "x", "c": "x\ny", "d": "x\n\n", "e": " x\n", "f": "\n", "g": "x \ny", "h": "x\ty\nz"}),
        "a: |\n  x\nb: x\nc: |-\n  x\n  y\nd: |+\n  x\n\ne: |2\n   x\nf: |2+\n\ng: \"x \\ny\"\nh: \"x\\ty\\nz\"\n",
    );
    check(&json!([["x\n", 1]]), "- - |\n    x\n  - 1\n");
}

#[test]
fn long_lines_fold_after_column_80() {
    let long = ["word"; 20].join(" ");
    check(
        &json!({ "k": long }),
        "k: word word word word word word word word word word word word word word word word\n  word word word word\n",
    );
    let quoted = format!("{long}: x");
    check(
        &json!({ "k": quoted }),
        "k: 'word word word word word word word word word word word word word word word word\n  word word word word: x'\n",
    );
    let double = format!("{long} \u{7}");
    check(
        &json!({ "k": double }),
        "k: \"word word word word word word word word word word word word word word word word\n  word word word word \\a\"\n",
    );
}

#[test]
fn long_keys() {
    let key = "k".repeat(129);
    check(&json!({ &key: {"a": 1} }), &format!("? {key}\n: a: 1\n"));
    check(&json!({ &key: [1, 2] }), &format!("? {key}\n: - 1\n  - 2\n"));
    check(&json!({ "a\nb": "c" }), "? |-\n  a\n  b\n: c\n");
}

/// As go-yaml v2 prints them.
#[test]
fn a_document_that_is_one_text() {
    check(&json!("\n  #"), "|2-\n\n    #\n");
    check(&json!("a\nb"), "|-\n  a\n  b\n");
    let (long, more) = ("a".repeat(60), "b".repeat(30));
    check(&json!(format!("{long} {more} cc dd")), &format!("{long} {more}\n  cc dd\n"));
    check(&json!(format!("x\t{long} {more} cc")), &format!("\"x\\t{long} {more}\n  cc\"\n"));
}
