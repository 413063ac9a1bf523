//! The old doors: each flag that people know leads to the flag of `lucid` that does it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Runs a script with `echo` in the place of lucid.
fn script(name: &str, args: &[&str]) -> Output {
    let path = root().join("scripts/deployment").join(name);
    Command::new("bash").arg(path).args(args).env("LUCID", "echo").output().expect("bash runs")
}

#[track_caller]
fn check(name: &str, args: &[&str], expect: &str) {
    let output = script(name, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} {args:?}: {stderr}");
    let file = format!(" --file {}/lucid.yaml", root().display());
    let said = String::from_utf8(output.stdout).unwrap().replace(&file, "");
    assert_eq!(said.trim_end(), expect, "{name} {args:?}");
}

#[track_caller]
fn check_refused(name: &str, args: &[&str], part: &str) {
    let output = script(name, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(part), "{stderr}");
}

#[test]
fn deploying() {
    for name in ["deploy-k8s.sh", "deploy-production.sh"] {
        check(name, &[], "deploy production");
        check(name, &["--environment", "staging", "--dry-run"], "deploy staging --dry-run=server");
        check(name, &["--namespace", "n", "--component", "redis"], "deploy production --namespace n --component redis");
        check(name, &["--timeout", "600", "--verbose"], "deploy production --timeout 600s -v");
        check(name, &["--timeout", "10m", "--log-level", "debug"], "deploy production --timeout 10m -vv");
    }
    check("deploy-k8s.sh", &["status", "--component", "redis"], "status production --component redis");
    check("deploy-k8s.sh", &["cleanup", "--dry-run"], "cleanup --dry-run");
}

#[test]
fn rolling_back() {
    check("rollback-k8s.sh", &[], "rollback");
    check("rollback-k8s.sh", &["--revision", "3", "--dry-run"], "rollback --to 3 --dry-run=server");
    check("rollback-k8s.sh", &["--force", "--component", "redis"], "rollback --emergency --component redis");
    check("rollback-k8s.sh", &["--timeout", "60", "--environment", "staging"], "rollback --timeout 60s");
}

#[test]
fn mistakes_are_said_before_anything_runs() {
    for name in ["deploy-k8s.sh", "deploy-production.sh", "rollback-k8s.sh", "health-check-k8s.sh"] {
        check_refused(name, &["--no-such-flag"], "unknown option: --no-such-flag");
        check_refused(name, &["--component"], "--component needs a value");
        let help = script(name, &["--help"]);
        assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("usage: "), "{name}");
    }
    check_refused("deploy-k8s.sh", &["--log-level", "loud"], "unknown log level: loud");
}

/// What the scripts lead to is what the program knows.
#[test]
fn the_program_knows_every_flag() {
    for line in [&["deploy", "--help"][..], &["rollback", "--help"], &["status", "--help"], &["cleanup", "--help"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_lucid")).args(line).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        let flags: &[&str] = match line[0] {
            "deploy" => &["--namespace", "--component", "--timeout", "--dry-run", "--verbose", "--file"],
            "rollback" => &["--to", "--emergency", "--component", "--timeout", "--dry-run"],
            "status" => &["--component"],
            _ => &["--component", "--dry-run"],
        };
        for flag in flags {
            assert!(help.contains(flag), "{line:?} does not know {flag}");
        }
    }
}
