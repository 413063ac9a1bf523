//! zig as the C compiler and linker for other systems, and cargo-zigbuild, which tells cargo of it; out of their packages
//! for Python.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::python;
use crate::root::tools;

const WANTED: [&str; 2] = ["cargo-zigbuild==0.22.3", "ziglang==0.15.2"];

fn folder() -> PathBuf {
    tools().join("zig")
}

fn program() -> PathBuf {
    folder().join("bin/cargo-zigbuild")
}

/// `cargo-zigbuild VERB`, which finds its zig and leaves its files below `target/tools`.
pub(crate) fn cargo_zigbuild(verb: &str) -> Command {
    let mut cargo = Command::new(program());
    cargo.arg(verb).env("CARGO_ZIGBUILD_ZIG_PATH", folder().join("ziglang/zig"));
    for cache in ["CARGO_ZIGBUILD_CACHE_DIR", "ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"] {
        cargo.env(cache, tools().join("zig-cache"));
    }
    cargo
}

pub(crate) fn ensure() -> Result<()> {
    let _lock = super::lock()?;
    python::ensure(&folder(), &program(), &WANTED)
}
