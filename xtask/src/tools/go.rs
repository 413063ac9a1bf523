//! Building Go programs, saying what is being done while nothing else does.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};

use super::stamp;
use crate::process::{is_installed, output, run_with_heartbeat, seconds};
use crate::root::tools;

/// A program of someone else's, at one version.
pub(crate) struct Install {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
    pub(crate) version: &'static str,
    /// How long it compiles from an empty cache.
    pub(crate) takes: &'static str,
}

impl Install {
    /// Installs it unless this version is there already.
    pub(crate) fn ensure(&self) -> Result<()> {
        let wanted = format!("{}@{}", self.package, self.version);
        let program = tools().join(self.name);
        if program.exists() && stamp::read(&program) == wanted {
            return Ok(());
        }
        let mut go = command(&format!("go install {wanted}"))?;
        go.args(["install", "-p", "2", "-trimpath", &wanted]).env("GOBIN", tools());
        // Static, as a program in an image of its own must be.
        go.env("CGO_ENABLED", "0");
        compile(&mut go, self.name, self.takes)?;
        stamp::write(&program, &wanted)
    }
}

/// As [`build`], for the tests of a module.
pub(crate) fn build_tests(source: &Path, program: &Path, linker_flags: &str, what: &str, takes: &str) -> Result<()> {
    make(&["test", "-c"], &[], source, program, linker_flags, what, takes)
}

/// Builds the module in `source` unless the program was built from exactly these sources.
pub(crate) fn build(source: &Path, program: &Path, linker_flags: &str, what: &str, takes: &str) -> Result<()> {
    make(&["build"], &[], source, program, linker_flags, what, takes)
}

/// As [`build`], without any C library: what is alone in an image.
pub(crate) fn build_static(source: &Path, program: &Path, what: &str, takes: &str) -> Result<()> {
    make(&["build"], &["CGO_ENABLED=0"], source, program, "-s -w", what, takes)
}

fn make(
    verb: &[&str],
    settings: &[&str],
    source: &Path,
    program: &Path,
    linker_flags: &str,
    what: &str,
    takes: &str,
) -> Result<()> {
    let mut go = command(&format!("build {what}"))?;
    let version = output(Command::new("go").args(["env", "GOVERSION"]).current_dir(source))?;
    let wanted = stamp::of_sources(source, &[&[linker_flags, version.trim()], settings].concat())?;
    if program.exists() && stamp::read(program) == wanted {
        return Ok(());
    }
    go.args(verb).args(["-p", "2", "-trimpath", "-buildvcs=false", "-ldflags", linker_flags, "-o"]);
    go.arg(program).arg(".").current_dir(source);
    go.envs(settings.iter().filter_map(|setting| setting.split_once('=')));
    compile(&mut go, what, takes)?;
    stamp::write(program, &wanted)
}

pub(super) fn command(what: &str) -> Result<Command> {
    if !is_installed("go") {
        bail!("{what}: no `go` in PATH; install Go 1.26 or later");
    }
    let mut go = Command::new("go");
    // The machine stays usable while this compiles.
    go.env("GOFLAGS", "-buildvcs=false");
    Ok(go)
}

fn compile(go: &mut Command, what: &str, takes: &str) -> Result<()> {
    println!("compiling {what} ({takes} on two cores from an empty cache, seconds after that)");
    let began = Instant::now();
    run_with_heartbeat(go, what)?;
    println!("  compiled {what} in {}", seconds(began.elapsed()));
    Ok(())
}
