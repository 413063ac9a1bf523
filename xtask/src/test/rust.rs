//! What cargo itself checks: formatting, lints, and the tests that need nothing but the workspace.

use anyhow::{Result, bail};

use super::architecture::Workspace;
use super::figures;
use crate::process::{cargo, run};

/// Packages and their test targets that are suites of their own.
const SUITES: [(&str, &str); 5] =
    [("lucid", "sim"), ("lucid", "clients"), ("lucid", "cluster"), ("lucid", "containers"), ("lucid-deploy", "crash")];

pub(super) fn formatting() -> Result<()> {
    run(cargo().args(["fmt", "--all", "--check"]))
}

pub(super) fn lints() -> Result<()> {
    run(cargo().args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))
}

/// Everything but the suites: their packages are tested target by target, since cargo cannot leave one out.
pub(super) fn unit_tests() -> Result<()> {
    let workspace = Workspace::read()?;
    let mut others = cargo();
    others.args(["test", "--workspace", "--quiet"]);
    let packages: std::collections::BTreeSet<&str> = SUITES.iter().map(|(package, _)| *package).collect();
    for package in &packages {
        others.args(["--exclude", package]);
    }
    run(&mut others)?;
    for package in packages {
        let mut targets = cargo();
        targets.args(["test", "-p", package, "--quiet", if package == "lucid" { "--bins" } else { "--lib" }]);
        for target in workspace.test_targets(package).filter(|target| !SUITES.contains(&(package, target))) {
            targets.args(["--test", target]);
        }
        run(&mut targets)?;
    }
    Ok(())
}

/// Rehearsals of the whole binary, and processes that die at every request.
pub(super) fn simulator() -> Result<()> {
    suite("sim")?;
    run(cargo().args(["test", "-p", "lucid-deploy", "--test", "crash", "--", "--nocapture"]))
}

/// The same with full counts, and how many they were.
pub(crate) fn simulator_soak() -> Result<String> {
    soak("lucid", "sim", "")?;
    soak("lucid-deploy", "crash", "")
}

/// `lucid health` over fifty thousand pods.
pub(crate) fn crowd_soak() -> Result<String> {
    soak("lucid", "cli", "crowd")
}

fn soak(package: &str, target: &str, filter: &str) -> Result<String> {
    let mut command = cargo();
    command.args(["test", "--profile", "soak", "-p", package, "--test", target, "--", "--nocapture", filter]);
    figures::of(command.env("LUCID_SOAK", "1"))
}

/// A suite that is one test target of the `lucid` package.
pub(super) fn suite(name: &str) -> Result<()> {
    exists(name)?;
    run(cargo().args(["test", "-p", "lucid", "--test", name]))
}

/// A suite that is not there cannot have passed.
pub(super) fn exists(name: &str) -> Result<()> {
    if Workspace::read()?.test_targets("lucid").any(|target| target == name) {
        return Ok(());
    }
    bail!("there is no test target `{name}` in crates/lucid")
}
