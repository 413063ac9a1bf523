//! zig as the C compiler and linker for other systems, and cargo-zigbuild, which tells cargo of it; out of their packages
//! for Python.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use super::stamp;
use crate::process::{is_installed, output};
use crate::root::tools;

const WANTED: [&str; 2] = ["cargo-zigbuild==0.22.3", "ziglang==0.15.2"];

fn folder() -> PathBuf {
    tools().join("zig")
}

/// `cargo-zigbuild VERB`, which finds its zig and leaves its files below `target/tools`.
pub(crate) fn cargo_zigbuild(verb: &str) -> Command {
    let mut cargo = Command::new(folder().join("bin/cargo-zigbuild"));
    cargo.arg(verb).env("CARGO_ZIGBUILD_ZIG_PATH", folder().join("ziglang/zig"));
    for cache in ["CARGO_ZIGBUILD_CACHE_DIR", "ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"] {
        cargo.env(cache, tools().join("zig-cache"));
    }
    cargo
}

pub(crate) fn ensure() -> Result<()> {
    let (folder, wanted) = (folder(), WANTED.join(" "));
    let _lock = super::lock()?;
    if folder.exists() && stamp::read(&folder) == wanted {
        return Ok(());
    }
    if !is_installed("python3") {
        bail!("{wanted}: no `python3` in PATH to get them with; install Python and pip");
    }
    println!("installing {wanted}");
    let _ = fs::remove_dir_all(&folder);
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]);
    output(pip.args(["--root-user-action", "ignore", "--target"]).arg(&folder).args(WANTED))?;
    stamp::write(&folder, &wanted)
}
