//! A Secret's value through every command, format and record: it may stand in what `render` prints and in the blobs of
//! Secret objects, and nowhere else, in no encoding.

use std::fmt::Write as _;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use lucid_release::{Evidence, Index, Record};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::shop::{Ran, Shop, kubectl};

pub(crate) const CANARY: &str = "kanari?vogel>9#singt/leise~";

/// The forms in which a value may hide.
fn forms() -> Vec<(&'static str, String)> {
    let bytes = CANARY.as_bytes();
    let each = |format: fn(u8) -> String| bytes.iter().map(|byte| format(*byte)).collect::<String>();
    // Inside of a longer text, base64 depends on the offset; its middle does not show the neighbours.
    let shifted = |by: usize| {
        let text = STANDARD.encode([&vec![b'x'; by][..], bytes].concat());
        text[4..text.len() - 4].to_owned()
    };
    let hash = Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    vec![
        ("plain", CANARY.into()),
        ("base64", STANDARD.encode(bytes)),
        ("base64 without padding", STANDARD_NO_PAD.encode(bytes)),
        ("base64url", URL_SAFE.encode(bytes)),
        ("base64url without padding", URL_SAFE_NO_PAD.encode(bytes)),
        ("base64 at offset 1", shifted(1)),
        ("base64 at offset 2", shifted(2)),
        ("base64 twice", STANDARD.encode(STANDARD.encode(bytes))),
        ("hex", each(|byte| format!("{byte:02x}"))),
        ("hex in capitals", each(|byte| format!("{byte:02X}"))),
        (
            "percent",
            each(
                |byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") },
            ),
        ),
        ("backwards", CANARY.chars().rev().collect()),
        ("unkeyed SHA-256", hash),
    ]
}

#[track_caller]
pub(crate) fn check_clean(text: &str, context: &str) {
    for (form, value) in forms() {
        assert!(!text.contains(&value), "{context}: the canary as {form}");
    }
}

#[track_caller]
fn clean(ran: &Ran, context: &str) {
    check_clean(&format!("{ran}"), context);
}

#[test]
fn the_value_of_a_secret_stands_nowhere_but_where_it_must() {
    let mut shop = Shop::new("canary");
    let secret = |value: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: bird}}\nstringData: {{song: '{value}'}}\n")
    };
    shop.extra = secret(CANARY);
    shop.app("api").container =
        "\n        env:\n        - name: SONG\n          valueFrom: {secretKeyRef: {name: bird, key: song}}\n";
    for args in [
        &["validate"][..],
        &["validate", "-o", "json"],
        &["deploy", "--dry-run", "-o", "json"],
        &["deploy", "--dry-run=server", "-vv"],
        &["deploy", "-vv", "--log-format", "json", "--progress", "json", "-o", "json"],
        &["deploy"],
        &["status", "-o", "json"],
        &["status"],
        &["history", "-o", "json"],
        &["history"],
        &["history", "export"],
        &["plan"],
        &["plan", "-o", "json"],
        &["plan", "-o", "markdown"],
        &["diff", "1", "live", "-o", "json"],
        &["rbac"],
    ] {
        let ran = shop.run(args);
        assert_eq!(ran.code, 0, "{ran}");
        clean(&ran, &format!("{args:?}"));
    }
    // A plan with another value, on both sides of which nothing may be seen, and its file.
    shop.extra = secret("another-value-altogether");
    let file = shop.folder.join("plan.json");
    for format in ["text", "json", "markdown"] {
        let planned = shop.run(&["plan", "-o", format, "--out", file.to_str().unwrap()]);
        planned.check(6, &["song", "(secret)"]);
        clean(&planned, format);
        assert!(!format!("{planned}").contains("another-value"), "{planned}");
    }
    check_clean(&fs::read_to_string(&file).unwrap(), "the plan file");
    // The same, and a component that breaks: evidence, rollback, and everything that tells of them.
    shop.extra = secret("another-value-altogether");
    shop.app("api").annotations.push(("lucid.dev/test-fail", "crash"));
    let events = shop.folder.join("events.ndjson");
    let failed = shop.run(&["deploy", "-vv", "--events", events.to_str().unwrap()]);
    failed.check(1, &["is in service again"]);
    clean(&failed, "a failed deploy");
    for args in [&["why"][..], &["why", "-o", "json"], &["rollback", "--dry-run"], &["history", "-o", "json"]] {
        clean(&shop.run(args), &format!("{args:?}"));
    }
    let why = [
        "api",
        "failed",
        "error[L",
        "Pod",
        "what had changed",
        "Secret",
        "stringData.song: another value",
        "lucid.dev/test-fail",
    ];
    shop.run(&["why"]).check(0, &why);
    check_clean(&fs::read_to_string(&events).unwrap(), "the events file");
    for log in fs::read_dir(shop.folder.join("state/runs")).unwrap() {
        check_clean(&fs::read_to_string(log.unwrap().path()).unwrap(), "the complete log");
    }
    check_records(&shop);
    // It is what render is for.
    assert!(shop.run(&["render"]).stdout.contains("another-value-altogether"));
}

/// Every record, decoded as far as it goes.
fn check_records(shop: &Shop) {
    let out = kubectl(&["get", "secrets", "-n", &shop.namespace, "-o", "json"]);
    let list: Value = serde_json::from_str(&out).unwrap();
    let mut seen = Vec::new();
    for item in list["items"].as_array().unwrap() {
        let kind = item["type"].as_str().unwrap();
        let content = |key: &str| STANDARD.decode(item["data"][key].as_str().unwrap_or_default()).unwrap();
        let text = match kind {
            "lucid.dev/record" => serde_json::to_string(&Record::decode(&content("record")).unwrap()).unwrap(),
            "lucid.dev/revision" => serde_json::to_string(&Index::decode(&content("content")).unwrap()).unwrap(),
            "lucid.dev/run" => serde_json::to_string(&Evidence::decode(&content("content")).unwrap()).unwrap(),
            // Blobs of Secret objects, the Secret itself, and the key, which is random.
            _ => continue,
        };
        seen.push(kind.to_owned());
        check_clean(&text, kind);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["lucid.dev/record", "lucid.dev/revision", "lucid.dev/run"]);
}
