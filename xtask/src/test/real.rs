//! The suite against a real control plane: a cluster of its own, held for as long as the tests run.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::Result;

use super::{Counts, rust};
use crate::cluster::{Guard, command_inside, for_one_use};
use crate::process::{cargo, run};
use crate::{root, tools};

/// Builds everything outside, then runs the tests in the cluster's network namespace, one at a time.
pub(crate) fn suite(counts: Counts) -> Result<()> {
    rust::exists("cluster")?;
    tools::all()?;
    println!("building the tests");
    run(cargo().args(["test", "-p", "lucid", "--test", "cluster", "--no-run", "--quiet"]))?;
    let cluster = for_one_use("suite", 120)?;
    run(&mut tests(&cluster, counts)?)
}

fn tests(cluster: &Guard, counts: Counts) -> Result<Command> {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let mut tests = command_inside(&cluster.layout, OsStr::new(&cargo))?;
    // Nothing can be fetched from in there.
    tests.args(["test", "--offline", "-p", "lucid", "--test", "cluster", "--", "--test-threads=1"]);
    tests.current_dir(root::root());
    if counts == Counts::Full {
        tests.env("LUCID_SOAK", "1");
    }
    Ok(tests)
}
