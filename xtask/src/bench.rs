//! `cargo xtask bench`: measurements beside what we are measured against. Those of deploying happen on a cluster of their
//! own and are done by `lucid-bench`.

mod render;

use std::ffi::OsStr;
use std::process::Command;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::cluster::{command_inside, for_one_use};
use crate::process::{cargo, run};
use crate::root::target;

#[derive(Parser)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// A generated release by a bare concurrent client and by `lucid deploy`, on the same fresh cluster
    Deploy(Deploy),
    /// Rendering beside the real kustomize, on the same trees; run it on a quiet machine
    Render(render::Args),
}

#[derive(Parser)]
struct Deploy {
    /// How many workloads the release has
    #[arg(long, default_value_t = 27)]
    workloads: usize,
    /// Measure the bare client only
    #[arg(long)]
    bare_only: bool,
    /// Fail when lucid takes more than this many times the bare client's time
    #[arg(long)]
    at_most: Option<f64>,
}

pub(crate) fn run_verb(args: Args) -> Result<()> {
    match args.verb {
        Verb::Deploy(bench) => deploy(&bench),
        Verb::Render(args) => render::measure(&args),
    }
}

fn deploy(bench: &Deploy) -> Result<()> {
    build(bench)?;
    let cluster = for_one_use("bench", 0)?;
    let mut command = command_inside(&cluster.layout, target().join("release/lucid-bench").as_os_str())?;
    command.args(["deploy", "--workloads", &bench.workloads.to_string()]);
    command.arg("--out").arg(target().join("bench")).arg("--cluster").arg(&cluster.layout.dir);
    if !bench.bare_only {
        command.arg("--lucid").arg(target().join("release/lucid"));
    }
    if let Some(bound) = bench.at_most {
        command.arg("--at-most").arg(bound.to_string());
    }
    run(&mut command)
}

/// Optimised, as it is shipped.
fn build(bench: &Deploy) -> Result<()> {
    println!("building lucid-bench and lucid (release; minutes from an empty cache)");
    let mut build: Command = cargo();
    build.args(["build", "--release", "--quiet", "-p", "lucid-bench"].map(OsStr::new));
    if !bench.bare_only {
        build.args(["-p", "lucid"]);
    }
    run(&mut build)
}
