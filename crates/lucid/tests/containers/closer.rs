//! Troubles that the API's objects show as others: a real kubelet, real logs and a real port-forward tell them apart.

use std::time::Duration;

use crate::harness::{get, wait_for};
use crate::one::{NAME, OPEN, One};
use crate::ran::{Ran, lucid};

fn health(one: &One) -> Ran {
    lucid(&one.folder, &["health", "--skip", "usage"], &[])
}

#[test]
fn an_application_that_listens_on_its_loopback_address_only_is_told_so() {
    let one = One::with(&format!("{OPEN}/{NAME}:1.0.0"), "", "args: [--bind=127.0.0.1]");
    lucid(&one.folder, &["deploy", "--on-failure", "stop", "--no-images", "--timeout", "5s"], &[]).check(3, &[]);
    wait_for("a probe that is refused", Duration::from_secs(20), || {
        let events = get(&one.namespace.0, &["events"]).to_string();
        events.contains("connection refused").then_some(())
    });
    health(&one).check(1, &["L5214", "listens on its loopback address only", "by port-forward, port 8086 answers"]);
}

#[test]
fn a_name_that_cannot_be_resolved_is_read_from_the_log() {
    let one = One::with(&format!("{OPEN}/{NAME}:1.0.0"), "", "command: [/bin/mongo-ping, no-such-database]");
    let ran = one.deploy();
    ran.check(1, &["L5005"]);
    lucid(&one.folder, &["why"], &[]).check(0, &["L5212", "cannot resolve"]);
    health(&one).check(1, &["L5212", "cannot resolve", "use `service.namespace`"]);
}
