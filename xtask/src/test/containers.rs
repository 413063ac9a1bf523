//! The suite on a node that runs real containers.

use std::ffi::OsStr;

use anyhow::Result;

use super::rust;
use crate::cluster::{command_inside, leftovers, with_containers};
use crate::process::{cargo, run};
use crate::{image, root};

pub(super) fn suite() -> Result<()> {
    rust::exists("containers")?;
    println!("building the tests");
    run(cargo().args(["test", "-p", "lucid", "--test", "containers", "--no-run", "--quiet"]))?;
    let cluster = with_containers("containers")?;
    let layout = cluster.layout.clone();
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let mut tests = command_inside(&layout, OsStr::new(&cargo))?;
    tests.args(["test", "--offline", "-p", "lucid", "--test", "containers", "--", "--test-threads=1", "--nocapture"]);
    tests.env("LUCID_TEST_STANDIN_ARM64", image::binary(image::AARCH64)).current_dir(root::root());
    let result = run(&mut tests);
    drop(cluster);
    result.and(leftovers(&layout))
}
