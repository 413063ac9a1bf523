//! `lucid notify`: whom it tells, what it exits with, and that no value of a receiver is in its output.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;

use super::bench::{Bench, Ran};

const RELEASE: &str = "apiVersion: lucid.dev/v1alpha1\nkind: Release\nmetadata: {name: shop}\nspec:\n  source: .\n  namespace: shop\n  notifications:\n  - {name: team, slack: {url: {env: SHOP_HOOK}}}\n  - {name: systems, events: [failure], webhook: {url: {env: SHOP_URL}, key: {file: key}}}\n";

fn notify(bench: &Bench, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut lucid = Command::new(env!("CARGO_BIN_EXE_lucid"));
    lucid.arg("notify").args(arguments).env_remove("GITHUB_ACTOR").env_remove("GITHUB_SHA");
    bench.run(lucid.envs(variables.iter().copied()))
}

/// A server that answers each request with the status, and gives back what it was asked first.
fn server(status: &'static str) -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/very-secret", listener.local_addr().expect("an address"));
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut asked = vec![0; 64 << 10];
            let mut length = 0;
            while !asked[..length].ends_with(b"}") {
                match stream.read(&mut asked[length..]).expect("read") {
                    0 => break,
                    more => length += more,
                }
            }
            let _ = sender.send(String::from_utf8_lossy(&asked[..length]).into_owned());
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 11\r\nconnection: close\r\n\r\nvery-secret");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (url, receiver)
}

#[test]
fn everybody_is_told_and_nothing_secret_is_said() {
    let (url, asked) = server("200 OK");
    let bench = Bench::new(&[("lucid.yaml", RELEASE), ("key", "a key of some length\n")]);
    let reason = format!("see {url} or a key of some length");
    let arguments = ["failure", "production", "--by", "ann", "--reason", &reason];
    let ran = notify(&bench, &arguments, &[("SHOP_HOOK", &url), ("SHOP_URL", &url)]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("team was told (slack)") && ran.out.contains("systems was told (webhook)"), "{ran:?}");
    let asked: Vec<String> = asked.try_iter().collect();
    assert_eq!(asked.len(), 2);
    for said in asked.iter().map(|one| one.split_once("\r\n\r\n").expect("a body").1).chain([&*ran.out, &*ran.err]) {
        assert!(!said.contains("very-secret") && !said.contains("a key of"), "{said}");
    }
    assert!(asked.iter().all(|one| one.contains("shop to production: deploy FAILED")));
}

#[test]
fn one_that_refuses_is_named_without_its_address_or_answer() {
    let (url, _asked) = server("403 very-secret");
    let bench = Bench::new(&[("lucid.yaml", RELEASE)]);
    let ran = notify(&bench, &["start", "production"], &[("SHOP_HOOK", &url)]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("team was not told (slack): it answered 403; check the key or token"), "{ran:?}");
    assert!(!format!("{ran:?}").contains("very-secret") && !format!("{ran:?}").contains("127.0.0.1"), "{ran:?}");
}

#[test]
fn who_is_not_set_up_is_said_and_fails_when_that_is_asked_for() {
    let bench = Bench::new(&[("lucid.yaml", RELEASE)]);
    let ran = notify(&bench, &["start"], &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("not set up: environment variable SHOP_HOOK is empty"), "{ran:?}");
    assert_eq!(notify(&bench, &["start", "--strict"], &[]).code, 2);
    assert_eq!(notify(&bench, &["start"], &[("SHOP_HOOK", "http://far.example/very-secret")]).code, 2);
    assert_eq!(notify(&bench, &["start", "--to", "nobody"], &[]).code, 2);
    assert_eq!(notify(&bench, &["end"], &[]).code, 2);
}

#[test]
fn a_dry_run_tells_nobody() {
    let (url, asked) = server("200 OK");
    let bench = Bench::new(&[("lucid.yaml", RELEASE)]);
    let result = r#"{"kind": "RunResult", "tookSeconds": 3.0, "components": [{"name": "redis", "result": "failed", "findings": [{"code": "L3002", "message": "hush"}]}]}"#;
    bench.write("result.json", result);
    let ran = notify(&bench, &["failure", "--dry-run", "--result", "result.json"], &[("SHOP_HOOK", &url)]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("redis failed (L3002)") && ran.out.contains("team would be told"), "{ran:?}");
    assert!(!ran.out.contains("hush") && asked.try_recv().is_err());
}
