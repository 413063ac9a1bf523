//! The suite against a real control plane: a cluster of its own, held for as long as the tests run.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::Result;

use super::{Counts, figures, rust};
use crate::cluster::{Guard, command_inside, for_one_use};
use crate::process::{cargo, run};
use crate::{root, tools};

const TARGET: [&str; 5] = ["test", "-p", "lucid", "--test", "cluster"];

/// Large counts are for a program as people have it.
fn profile(counts: Counts) -> &'static [&'static str] {
    match counts {
        Counts::Small => &[],
        Counts::Full => &["--profile", "soak"],
    }
}

/// Builds everything outside, then runs the tests in the cluster's network namespace, one at a time.
pub(crate) fn suite(counts: Counts) -> Result<String> {
    rust::exists("cluster")?;
    tools::all()?;
    println!("building the tests");
    run(cargo().args(TARGET).args(profile(counts)).args(["--no-run", "--quiet"]))?;
    let cluster = for_one_use("suite", 120)?;
    figures::of(&mut tests(&cluster, counts)?)
}

fn tests(cluster: &Guard, counts: Counts) -> Result<Command> {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let mut tests = command_inside(&cluster.layout, OsStr::new(&cargo))?;
    // Nothing can be fetched from in there.
    tests.args(TARGET).args(profile(counts)).args(["--offline", "--", "--test-threads=1"]);
    tests.current_dir(root::root());
    if counts == Counts::Full {
        tests.env("LUCID_SOAK", "1");
    }
    Ok(tests)
}
