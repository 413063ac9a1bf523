//! `cargo xtask dist`: what a release consists of, in `target/dist`. The same source gives the same bytes.
//!
//! [`target`] is the table of platforms, [`build`] compiles, [`archive`] packs, [`sbom`] lists what is inside, [`krew`] and
//! [`sums`] are made of all that is there.

mod archive;
mod build;
mod krew;
mod sbom;
mod source;
mod sums;
mod target;

use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::process::{cargo, run as run_to_end};
use crate::root::{self, root};
use archive::{Entry, Form};
use source::Source;
use target::{Maker, TARGETS, Target};

#[derive(Parser)]
pub(crate) struct Args {
    /// Only this platform; may be repeated. Default: all
    #[arg(long = "target", value_name = "TRIPLE", value_parser = target::parse)]
    targets: Vec<&'static Target>,
    /// Compile nothing: checksums and krew's manifest of the archives that are there
    #[arg(long, conflicts_with_all = ["targets", "check"])]
    finish: bool,
    /// Compile everything a second time, elsewhere, and compare the bytes
    #[arg(long)]
    check: bool,
    /// Refuse unless this is the tag of the version that is built
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
}

pub(crate) fn folder() -> PathBuf {
    root::target().join("dist")
}

/// The program for this machine, as a release has it.
pub(crate) fn for_this_machine() -> Result<PathBuf> {
    let here = |target: &&Target| target.triple.starts_with(ARCH) && target.os == Target::os_of(OS);
    let target = TARGETS.iter().find(here).with_context(|| format!("there is no release for {OS} on {ARCH}"))?;
    build::prepare(&[target])?;
    build::build(target, build::FIRST)
}

pub(crate) fn run(args: Args) -> Result<()> {
    let source = Source::read()?;
    source.expect_tag(args.tag.as_deref())?;
    fs::create_dir_all(folder())?;
    if !args.finish {
        make(&source, &args)?;
    }
    finish(&source)
}

fn make(source: &Source, args: &Args) -> Result<()> {
    let wanted: Vec<&Target> = if args.targets.is_empty() { TARGETS.iter().collect() } else { args.targets.clone() };
    build::prepare(&wanted)?;
    let pages = pages()?;
    for target in wanted {
        if !target.is_made_here() {
            println!("{}: only checked, not built: {}", target.triple, target.why_not_here());
            build::check(target)?;
            continue;
        }
        let binary = build::build(target, build::FIRST)?;
        if args.check {
            same(target, &binary, &build::build(target, build::SECOND)?)?;
        }
        pack(source, target, &binary, &pages)?;
        let bill = sbom::of(source, target)?;
        write(&format!("{}.cdx.json", source.name_for(target)), bill.as_bytes())?;
    }
    Ok(())
}

/// The manual pages and completions, which the program writes itself: one that runs here, whatever it is built for.
fn pages() -> Result<PathBuf> {
    let folder = root::target().join("dist-pages");
    let _ = fs::remove_dir_all(&folder);
    run_to_end(cargo().args(["run", "--quiet", "--locked", "-p", "lucid", "--", "pages"]).arg(&folder))?;
    Ok(folder)
}

fn same(target: &Target, first: &Path, second: &Path) -> Result<()> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("read {}", path.display()));
    if read(first)? == read(second)? {
        println!("{}: the second build has the same bytes", target.triple);
        return Ok(());
    }
    bail!("{} and {} differ: the build is not reproducible", first.display(), second.display())
}

fn pack(source: &Source, target: &Target, binary: &Path, pages: &Path) -> Result<()> {
    let top = source.name_for(target);
    let mut entries = vec![Entry::read(binary, &format!("{top}/{}", target.program()), true)?];
    for name in ["LICENSE", "README.md", "CHANGELOG.md"].iter().filter(|name| root().join(name).exists()) {
        entries.push(Entry::read(&root().join(name), &format!("{top}/{name}"), false)?);
    }
    for part in ["completions", "man"] {
        entries.extend(Entry::read_all(&pages.join(part), &format!("{top}/{part}"))?);
    }
    let bytes = archive::pack(entries, target.form(), source.epoch)?;
    write(&format!("{top}{}", target.form().ending()), &bytes)
}

fn finish(source: &Source) -> Result<()> {
    let archives: Vec<(&Target, String)> = TARGETS
        .iter()
        .map(|target| (target, format!("{}{}", source.name_for(target), target.form().ending())))
        .filter(|(_, name)| folder().join(name).exists())
        .collect();
    if archives.is_empty() {
        bail!("there is no archive in {}; build one with `cargo xtask dist --target TRIPLE`", folder().display());
    }
    let manifest = krew::manifest(source, &archives, |name| sums::of(&folder().join(name)))?;
    write("lucid.krew.yaml", manifest.as_bytes())?;
    sums::write(&folder())?;
    let missing: Vec<&str> =
        TARGETS.iter().filter(|t| archives.iter().all(|(made, _)| made != t)).map(|target| target.triple).collect();
    if !missing.is_empty() {
        println!("not in {}: {}", folder().display(), missing.join(", "));
    }
    Ok(())
}

fn write(name: &str, bytes: &[u8]) -> Result<()> {
    let path = folder().join(name);
    fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))?;
    println!("wrote {} ({:.1} MB)", path.display(), bytes.len() as f64 / 1e6);
    Ok(())
}
