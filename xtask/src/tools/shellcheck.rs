//! shellcheck, out of Debian's package, unpacked under `target/tools/shellcheck`. One that is installed will do as well.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use super::debian;
use crate::process::is_installed;
use crate::root::tools;

/// The program, which [`ensure`] has put there.
pub(crate) fn program() -> PathBuf {
    let unpacked = tools().join("shellcheck/usr/bin/shellcheck");
    if unpacked.exists() { unpacked } else { "shellcheck".into() }
}

pub(super) fn ensure() -> Result<()> {
    if program().is_absolute() || is_installed("shellcheck") {
        return Ok(());
    }
    for program in ["apt-get", "dpkg-deb"] {
        if !is_installed(program) {
            bail!("no `shellcheck` in PATH, and no `{program}` to get it with; install shellcheck");
        }
    }
    println!("unpacking shellcheck");
    let folder = tools().join("shellcheck");
    let _ = fs::remove_dir_all(&folder);
    debian::unpack_into(&folder, &["shellcheck"])?;
    let works = Command::new(program()).arg("--version").output().is_ok_and(|done| done.status.success());
    if !works {
        fs::remove_dir_all(&folder)?;
        bail!("Debian's shellcheck does not run here: it needs libgmp10 and libffi8; install shellcheck");
    }
    Ok(())
}
