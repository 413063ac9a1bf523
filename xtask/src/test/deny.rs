//! Licences and sources of the dependencies, by cargo-deny.

use anyhow::Result;

use crate::process::{cargo, run, run_with_heartbeat};
use crate::root::{target, tools};

const VERSION: &str = "0.19.0";

/// The advisories need a database from the internet and are left to a scheduled job.
pub(super) fn check() -> Result<()> {
    let program = tools().join("bin/cargo-deny");
    if !program.exists() {
        println!("compiling cargo-deny {VERSION} (some minutes)");
        let mut install = cargo();
        install.args(["install", "--locked", "--quiet", "--version", VERSION, "--root"]).arg(tools()).arg("cargo-deny");
        run_with_heartbeat(install.env("CARGO_TARGET_DIR", target().join("cargo-deny")), "cargo-deny")?;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let with_tools = std::iter::once(tools().join("bin")).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(with_tools)?;
    run(cargo().args(["deny", "check", "licenses", "bans", "sources"]).env("PATH", path))
}
