//! Rust's standard library for other systems.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{is_installed, output, run};

/// Adds what is missing for these targets, by rustup.
pub(crate) fn ensure(triples: &[&str]) -> Result<()> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let libraries = PathBuf::from(sysroot.trim()).join("lib/rustlib");
    let missing: Vec<&str> = triples.iter().copied().filter(|triple| !libraries.join(triple).exists()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !is_installed("rustup") {
        bail!("Rust has no standard library for {}; install it, or rustup", missing.join(" and "));
    }
    run(Command::new("rustup").args(["target", "add"]).args(missing))
}
