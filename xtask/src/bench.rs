//! `cargo xtask bench`: `lucid` beside what it is measured against. `lucid-bench` measures, each case on a cluster of its own
//! where it needs one; the figures of a case are merged into `docs/benchmarks.json`, out of which `docs/benchmarks.md` is
//! written anew.

mod cases;
mod render;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::cluster::{command_inside, for_one_use, path_with_tools};
use crate::process::{cargo, output, run, run_with_heartbeat, seconds};
use crate::root::{root, target};
use crate::tools;
use cases::Case;

#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    measure: Measure,
}

#[derive(Subcommand)]
enum Verb {
    /// Writes docs/benchmarks.md out of docs/benchmarks.json; measures nothing
    Page,
    /// Rendering beside the real kustomize, on the same trees; run it on a quiet machine
    Render(render::Args),
}

#[derive(Parser)]
struct Measure {
    /// Which, e.g. deploy-27; a kind alone is all of its usual sizes; without any, all cases
    #[arg(value_name = "CASE", value_parser = cases::parse)]
    cases: Vec<Vec<Case>>,
    /// Small sizes: 25 minutes on two cores
    #[arg(long, conflicts_with = "cases")]
    quick: bool,
    /// Paired runs of each tool
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Measure this program instead of building one
    #[arg(long, value_name = "PROGRAM")]
    lucid: Option<PathBuf>,
    /// To see that it works: one round, nothing optimised, and the page goes to target/bench/trial
    #[arg(long)]
    trial: bool,
}

pub(crate) fn run_verb(args: Args) -> Result<()> {
    match args.verb {
        Some(Verb::Page) => page(),
        Some(Verb::Render(args)) => render::measure(&args),
        None => measure(&args.measure),
    }
}

fn measure(args: &Measure) -> Result<()> {
    let cases = match (args.cases.is_empty(), args.quick) {
        (false, _) => args.cases.concat(),
        (true, true) => cases::quick(),
        (true, false) => cases::all(),
    };
    tools::peers()?;
    let programs = Programs::build(args)?;
    let mut failed = Vec::new();
    for case in &cases {
        println!("== case {case} ==");
        let began = Instant::now();
        // The others are measured also after a failure: an evening is long.
        if let Err(error) = one(case, args, &programs) {
            eprintln!("case {case}: {error:#}");
            failed.push(case.to_string());
        }
        println!("case {case}: {}", seconds(began.elapsed()));
    }
    println!("written to {}", docs(args).join("benchmarks.md").display());
    match failed.is_empty() {
        true => Ok(()),
        false => anyhow::bail!("not measured: {}", failed.join(", ")),
    }
}

fn one(case: &Case, args: &Measure, programs: &Programs) -> Result<()> {
    if !case.needs_cluster() {
        let mut command = Command::new(&programs.bench);
        arguments(&mut command, case, args, programs);
        return run(command.env("PATH", path_with_tools()?));
    }
    let cluster = for_one_use("bench", 0)?;
    let mut command = command_inside(&cluster.layout, programs.bench.as_os_str())?;
    arguments(&mut command, case, args, programs);
    run(command.arg("--cluster").arg(&cluster.layout.dir))
}

fn arguments(command: &mut Command, case: &Case, args: &Measure, programs: &Programs) {
    let rounds = if args.trial { 1 } else { args.rounds };
    command.args(["run", &case.to_string(), "--rounds", &rounds.to_string()]);
    command.arg("--lucid").arg(&programs.lucid).arg("--work").arg(target().join("bench"));
    command.arg("--docs").arg(docs(args)).current_dir(root());
    for (name, version) in tools::versions() {
        command.args(["--version", &format!("{name}={version}")]);
    }
    command.args(["--version", &format!("lucid={}", programs.lucid_version)]);
}

fn docs(args: &Measure) -> PathBuf {
    if args.trial { target().join("bench/trial") } else { root().join("docs") }
}

fn page() -> Result<()> {
    run(cargo().args(["run", "--quiet", "-p", "lucid-bench", "--", "page", "--docs"]).arg(root().join("docs")))
}

/// What is measured and what measures.
struct Programs {
    lucid: PathBuf,
    lucid_version: String,
    bench: PathBuf,
}

impl Programs {
    /// Optimised, as they are shipped.
    fn build(args: &Measure) -> Result<Self> {
        let profile = if args.trial { "debug" } else { "release" };
        let mut build = cargo();
        build.args(["build", "--quiet", "-p", "lucid-bench"].map(OsStr::new));
        if !args.trial {
            build.arg("--release");
        }
        if args.lucid.is_none() {
            build.args(["-p", "lucid"]);
        }
        println!("building what is measured ({profile}; minutes from an empty cache)");
        run_with_heartbeat(&mut build, "the programs")?;
        let built = |name: &str| target().join(profile).join(name);
        let lucid = match &args.lucid {
            Some(program) => std::fs::canonicalize(program).with_context(|| format!("find {}", program.display()))?,
            None => built("lucid"),
        };
        Ok(Self { lucid_version: version_of(&lucid)?, lucid, bench: built("lucid-bench") })
    }
}

/// Of `lucid 0.1.0`, the number.
fn version_of(lucid: &Path) -> Result<String> {
    let said = output(Command::new(lucid).arg("version"))?;
    Ok(said.lines().next().unwrap_or_default().trim_start_matches("lucid ").to_owned())
}
