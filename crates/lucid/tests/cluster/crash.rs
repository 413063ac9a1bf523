//! Runs that die, and runs that meet, on the real control plane.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::figure::figure;
use crate::shop::{Ran, Shop, kubectl};

fn soak() -> bool {
    std::env::var_os("LUCID_SOAK").is_some()
}

/// SplitMix64: the same moments in every test run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

fn start(shop: &Shop, args: &[&str]) -> Child {
    shop.write();
    shop.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts")
}

/// SIGKILL after a while, or never if it was done before.
fn kill_after(mut child: Child, milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
    child.kill().expect("it can be killed");
    child.wait().expect("it has ended");
}

fn images(shop: &Shop) -> String {
    let path = "jsonpath={.items[*].spec.template.spec.containers[0].image}";
    kubectl(&["get", "deployments", "-n", &shop.namespace, "-o", path])
}

/// Everything that carries the release's label and is in no inventory would be an orphan.
fn names(shop: &Shop) -> String {
    let selector = format!("lucid.dev/release-namespace={}", shop.namespace);
    kubectl(&["get", "deployments,services,configmaps", "-n", &shop.namespace, "-l", &selector, "-o", "name"])
}

fn set_all(shop: &mut Shop, version: u32) {
    for app in &mut shop.apps {
        app.image = format!("registry.test/{}:{version}", app.name);
        app.config = format!("v{version}");
        app.annotations = vec![("lucid.dev/test-ready-delay", "200ms")];
    }
}

fn all_at(version: u32) -> String {
    ["api", "cache", "db", "web"].map(|name| format!("registry.test/{name}:{version}")).join(" ")
}

#[test]
fn from_every_moment_of_death_there_is_a_way_on_and_a_way_back() {
    let rounds = if soak() { 300 } else { 25 };
    let mut dice = Dice(0x11_25);
    let mut shop = Shop::new("death");
    set_all(&mut shop, 1);
    shop.run(&["deploy"]).check(0, &[]);
    let whole = names(&shop);
    let mut version = 1;
    let mut died = 0;
    for round in 0..rounds {
        let wanted = version + 1;
        set_all(&mut shop, wanted);
        let moment = 20 + dice.below(1200);
        let is_rollback = dice.below(3) == 0 && round > 0;
        let args: &[&str] = if is_rollback { &["rollback"] } else { &["deploy"] };
        kill_after(start(&shop, args), moment);
        let history = shop.run(&["history", "-o", "json"]).json();
        died += usize::from(!history["underWay"].is_null());
        let context = format!("round {round}: {args:?} killed after {moment} ms");
        match dice.below(3) {
            // On: the same again.
            0 => {
                shop.run(&["deploy"]).check(0, &[]);
                version = wanted;
            }
            // Back to what served before.
            1 if !history["underWay"].is_null() => {
                let ran = shop.run(&["rollback"]);
                ran.check(0, &["in service"]);
                let served = images(&shop);
                let number: u32 = served.rsplit(':').next().unwrap().parse().unwrap();
                assert_eq!(served, all_at(number), "{context}: half a release: {ran}");
                version = number;
            }
            // A newer one.
            _ => {
                set_all(&mut shop, wanted + 1);
                shop.run(&["deploy"]).check(0, &[]);
                version = wanted + 1;
            }
        }
        assert_eq!(images(&shop), all_at(version), "{context}");
        assert_eq!(names(&shop), whole, "{context}");
        let history = shop.run(&["history", "-o", "json"]).json();
        assert_eq!(history["underWay"], Value::Null, "{context}");
    }
    assert!(died * 4 >= rounds, "of {rounds} runs only {died} died at work");
    figure(&format!("{rounds} runs killed, {died} of them at work"));
}

#[test]
fn a_first_deployment_that_was_killed_is_finished_or_cleaned_up() {
    let rounds = if soak() { 20 } else { 4 };
    let mut dice = Dice(0x9);
    for round in 0..rounds {
        let mut shop = Shop::new("birth");
        set_all(&mut shop, 1);
        let is_gone_on_with = round % 4 < 3;
        let moment = if is_gone_on_with { 20 + dice.below(1800) } else { 500 + dice.below(300) };
        kill_after(start(&shop, &["deploy"]), moment);
        let context = format!("round {round}: killed after {moment} ms");
        // A cleanup waits a minute for what the dead run had sent.
        if is_gone_on_with {
            shop.run(&["deploy"]).check(0, &[]);
            assert_eq!(images(&shop), all_at(1), "{context}");
        } else {
            shop.run(&["cleanup", "--yes"]).check(0, &["what it had sent may still arrive"]);
            assert_eq!(names(&shop), "", "{context}");
        }
    }
    figure(&format!("{rounds} first deployments killed"));
}

/// SIGTERM to a process that was started here.
fn terminate(child: &Child) {
    let sent = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

#[test]
fn a_run_that_is_told_to_end_ends_and_can_be_gone_on_with() {
    let rounds = if soak() { 100 } else { 12 };
    let mut dice = Dice(0x15);
    let mut shop = Shop::new("term");
    set_all(&mut shop, 1);
    shop.run(&["deploy"]).check(0, &[]);
    let mut stopped = 0;
    for round in 0..rounds {
        set_all(&mut shop, 2 + round);
        // Before the first request, between any two writes, and while it waits.
        let moment = 30 + u64::from(round) * 1500 / u64::from(rounds) + dice.below(100);
        let mut child = start(&shop, &["deploy"]);
        std::thread::sleep(Duration::from_millis(moment));
        let is_over = child.try_wait().expect("a child").is_some();
        if !is_over {
            terminate(&child);
        }
        let status = child.wait().expect("it ends");
        // As a shell shows it: on a busy machine the signal may come before anything listens for it, or was sent.
        let code = status.code().or(status.signal().map(|signal| 128 + signal));
        let context = format!("round {round}: told to end after {moment} ms");
        assert!(code == Some(143) || code == Some(0), "{context}: {code:?}");
        stopped += u32::from(code == Some(143));
        // Nobody has to wait for a lock, and what was begun is finished.
        shop.run(&["deploy"]).check(0, &[]);
        assert_eq!(images(&shop), all_at(2 + round), "{context}");
    }
    assert!(stopped * 2 >= rounds, "only {stopped} of {rounds} were at work");
    figure(&format!("{rounds} runs told to end"));
}

#[test]
fn of_two_deployers_one_writes() {
    let rounds = if soak() { 100 } else { 10 };
    let mut shop = Shop::new("twice");
    set_all(&mut shop, 1);
    shop.run(&["deploy"]).check(0, &[]);
    for round in 2..2 + rounds {
        set_all(&mut shop, round);
        shop.write();
        let pair: Vec<Child> = (0..2)
            .map(|_| shop.command(&["deploy"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
            .collect();
        let mut ran: Vec<Ran> = pair.into_iter().map(|child| Ran::of(child.wait_with_output().unwrap())).collect();
        ran.sort_by_key(|ran| ran.code);
        assert_eq!(ran[0].code, 0, "{}", ran[0]);
        // The other finds the lock taken, or comes so late that nothing is left to do.
        let idle = ran.iter().filter(|ran| ran.stderr.contains("nothing to change")).count();
        match ran[1].code {
            5 => ran[1].check(5, &["error[L9001]", "is at work on this release"]),
            _ => assert_eq!((ran[1].code, idle), (0, 1), "{} and {}", ran[0], ran[1]),
        }
        assert_eq!(images(&shop), all_at(round));
    }
    figure(&format!("{rounds} pairs of deployers"));
    let runs = shop.run(&["history", "-o", "json"]).json()["runs"].as_array().unwrap().len();
    assert_eq!(runs, (1 + rounds as usize).min(50), "each round has one run that wrote");
}
