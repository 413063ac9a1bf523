//! What cargo itself checks: formatting, lints, and the tests that need nothing but the workspace.

use anyhow::{Result, bail};

use super::Counts;
use super::architecture::Workspace;
use crate::process::{cargo, run};

/// Test targets of the `lucid` package that are suites of their own.
const SUITES: [&str; 2] = ["sim", "cluster"];

pub(super) fn formatting() -> Result<()> {
    run(cargo().args(["fmt", "--all", "--check"]))
}

pub(super) fn lints() -> Result<()> {
    run(cargo().args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))
}

/// Everything but the suites: `lucid` is tested target by target, since cargo cannot leave one out.
pub(super) fn unit_tests() -> Result<()> {
    let workspace = Workspace::read()?;
    run(cargo().args(["test", "--workspace", "--exclude", "lucid", "--quiet"]))?;
    let mut lucid = cargo();
    lucid.args(["test", "-p", "lucid", "--quiet", "--bins"]);
    for target in workspace.test_targets("lucid").filter(|t| !SUITES.contains(t)) {
        lucid.args(["--test", target]);
    }
    run(&mut lucid)
}

/// A suite that is one test target of the `lucid` package.
pub(super) fn suite(name: &str, counts: Counts) -> Result<()> {
    exists(name)?;
    let mut tests = cargo();
    tests.args(["test", "-p", "lucid", "--test", name]);
    if counts == Counts::Full {
        tests.env("LUCID_SOAK", "1");
    }
    run(&mut tests)
}

/// A suite that is not there cannot have passed.
pub(super) fn exists(name: &str) -> Result<()> {
    if Workspace::read()?.test_targets("lucid").any(|target| target == name) {
        return Ok(());
    }
    bail!("there is no test target `{name}` in crates/lucid")
}
