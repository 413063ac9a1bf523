//! Compiling for a platform, so that no path of this machine is in the program.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::source::Source;
use super::{Maker, Target};
use crate::process::{cargo, run_with_heartbeat};
use crate::root::{self, root};
use crate::tools::{targets, zig};

/// Where it is compiled, and where a second time.
pub(super) const FIRST: &str = "dist-build";
pub(super) const SECOND: &str = "dist-again";

/// What has to be installed for these platforms.
pub(super) fn prepare(wanted: &[&Target]) -> Result<()> {
    let triples: Vec<&str> = wanted.iter().map(|target| target.triple).collect();
    targets::ensure(&triples)?;
    // Where there is no SDK, zig's headers are what C code is checked with.
    if wanted.iter().any(|target| target.maker == Maker::Zig || !target.is_made_here()) {
        zig::ensure()
    } else {
        Ok(())
    }
}

/// The program, compiled below `target/FOLDER`.
pub(super) fn build(target: &Target, folder: &str) -> Result<PathBuf> {
    let mut command = match target.maker {
        Maker::Zig => zig::cargo_zigbuild("zigbuild"),
        Maker::Mac => {
            let mut cargo = cargo();
            cargo.arg("build");
            cargo
        }
    };
    compile(&mut command, target, folder)?;
    Ok(root::target().join(folder).join(target.triple).join("release").join(target.program()))
}

/// As far as it goes without linking.
pub(super) fn check(target: &Target) -> Result<()> {
    compile(&mut zig::cargo_zigbuild("check"), target, FIRST)
}

fn compile(command: &mut Command, target: &Target, folder: &str) -> Result<()> {
    println!("compiling lucid for {} (5-15 minutes on two cores)", target.triple);
    let home = cargo_home()?;
    command.args(["--quiet", "--locked", "--release", "--package", "lucid", "--target", target.triple]);
    command.current_dir(root()).env("CARGO_TARGET_DIR", root::target().join(folder));
    // For C code too; of several that fit, the last one counts.
    command.env("RUSTFLAGS", flags("--remap-path-prefix=", &home));
    // The one for a target takes the place of the one for all, which .cargo/config.toml sets.
    let for_all = std::env::var("CFLAGS").unwrap_or_default();
    // The allocator has the day of its compilation in a message; the time of the commit is taken for it.
    let for_all = format!("{for_all} -Wno-error=date-time");
    let c = format!("{for_all} {}", flags("-ffile-prefix-map=", &home));
    command.env(format!("CFLAGS_{}", target.triple.replace('-', "_")), c.trim_start());
    command.env("SOURCE_DATE_EPOCH", Source::read()?.epoch.to_string());
    run_with_heartbeat(command, target.triple)
}

/// The same words for each build, wherever it happens: they are part of what cargo names things by.
fn flags(flag: &str, home: &str) -> String {
    let build = |name: &str| (root::target().join(name).display().to_string(), "/build");
    let places = [(home.to_owned(), "/cargo"), (root().display().to_string(), "/source"), build(FIRST), build(SECOND)];
    places.iter().map(|(from, to)| format!("{flag}{from}={to}")).collect::<Vec<_>>().join(" ")
}

fn cargo_home() -> Result<String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).context("find the folder of cargo")?;
    Ok(home.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrower_path_comes_after_the_wider_one() {
        let words = flags("--remap-path-prefix=", "/home/ann/.cargo");
        let at = |what: &str| words.find(what).unwrap_or_else(|| panic!("{what} is not in {words}"));
        assert!(at("=/cargo") < at("=/source") && at("=/source") < at("dist-build=/build"));
        assert!(words.contains("dist-again=/build"));
    }
}
