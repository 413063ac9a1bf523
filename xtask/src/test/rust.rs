//! What cargo itself checks: formatting, lints, and the tests that need nothing but the workspace.

use anyhow::{Result, bail};

use super::architecture::Workspace;
use crate::process::{cargo, output, run};

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

/// The same with full counts; the lines that say how many they were.
pub(crate) fn simulator_soak() -> Result<String> {
    let soak = |package: &str, target: &str| {
        let mut command = cargo();
        command.args(["test", "--profile", "soak", "-p", package, "--test", target, "--", "--nocapture"]);
        output(command.env("LUCID_SOAK", "1"))
    };
    soak("lucid", "sim")?;
    let told = soak("lucid-deploy", "crash")?;
    let counts: Vec<&str> = told.lines().filter(|line| line.contains(" scenarios in ")).collect();
    if counts.is_empty() {
        bail!("the crash matrix did not say how many scenarios it played");
    }
    Ok(counts.join(", "))
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
