//! Programs out of their packages for Python, into a folder of their own.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use super::stamp;
use crate::process::{is_installed, output};

/// Installs these versions into the folder, unless `program` came out of exactly these.
pub(super) fn ensure(folder: &Path, program: &Path, wanted: &[&str]) -> Result<()> {
    let names = wanted.join(" ");
    if program.exists() && stamp::read(folder) == names {
        return Ok(());
    }
    if !is_installed("python3") {
        bail!("{names}: no `python3` in PATH to get it with; install Python and pip");
    }
    println!("installing {names}");
    let _ = fs::remove_dir_all(folder);
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]);
    output(pip.args(["--root-user-action", "ignore", "--target"]).arg(folder).args(wanted))?;
    stamp::write(folder, &names)
}
