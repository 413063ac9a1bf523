//! `cargo xtask profile CASE`: where the time goes. A flame graph, and for what speaks to a cluster the list of its requests.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use inferno::collapse::Collapse;
use inferno::collapse::perf::Folder;
use inferno::flamegraph;

use crate::cluster::{Guard, command_inside, for_one_use};
use crate::process::{cargo, is_installed, run, run_with_heartbeat};
use crate::root::{root, target};
use crate::tools;

#[derive(Parser)]
pub(crate) struct Args {
    case: Case,
    /// How many workloads the deployed release has
    #[arg(long, default_value_t = 300)]
    workloads: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Case {
    /// The production overlay, a hundred times
    Render,
    /// The production release in the simulator
    Rehearse,
    /// A generated release on a real control plane, from empty
    Deploy,
    /// The same, looked at
    Health,
}

impl Case {
    fn name(self) -> &'static str {
        match self {
            Self::Render => "render",
            Self::Rehearse => "rehearse",
            Self::Deploy => "deploy",
            Self::Health => "health",
        }
    }
}

const NAMESPACE: &str = "profile";
/// Samples a second; a prime, so that nothing periodic is always or never seen.
const SAMPLES: &str = "1997";

pub(crate) fn run_verb(args: &Args) -> Result<()> {
    if !is_installed("perf") {
        bail!("there is no `perf` in PATH; Debian's package is linux-perf");
    }
    let lucid = build()?;
    let place = Place { lucid, data: folder().join(format!("{}.data", args.case.name())) };
    match args.case {
        Case::Render => {
            let line =
                format!("for i in $(seq 100); do '{}' render production >/dev/null; done", place.lucid.display());
            run(place.record(Command::new("perf")).args(["sh", "-c", &line]))?;
        }
        Case::Rehearse => {
            run(place.record(Command::new("perf")).arg(&place.lucid).args([
                "rehearse",
                "production",
                "--progress",
                "quiet",
            ]))?;
        }
        Case::Deploy | Case::Health => on_a_cluster(args, &place)?,
    }
    let graph = folder().join(format!("{}.svg", args.case.name()));
    draw(&place.data, &graph, args.case)?;
    println!("flame graph: {}", graph.display());
    Ok(())
}

fn folder() -> PathBuf {
    target().join("profile")
}

/// What is profiled, and where the samples go.
struct Place {
    lucid: PathBuf,
    data: PathBuf,
}

impl Place {
    /// `perf`, however it is started, about to record what is appended.
    fn record(&self, mut perf: Command) -> Command {
        perf.args(["record", "--quiet", "-F", SAMPLES, "--call-graph", "fp", "-o"]).arg(&self.data).arg("--");
        perf.current_dir(root());
        perf
    }
}

/// As it is shipped, but with names, lines and frame pointers.
fn build() -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--quiet", "--release", "-p", "lucid", "--target-dir"]).arg(folder());
    build.env("RUSTFLAGS", "-C force-frame-pointers=yes").env("CARGO_PROFILE_RELEASE_STRIP", "none");
    build.env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only").env("CARGO_PROFILE_RELEASE_LTO", "false");
    println!("building lucid with frame pointers (minutes from an empty cache)");
    run_with_heartbeat(&mut build, "lucid")?;
    Ok(folder().join("release/lucid"))
}

fn on_a_cluster(args: &Args, place: &Place) -> Result<()> {
    tools::all()?;
    run(cargo().args(["build", "--quiet", "-p", "lucid-bench"]))?;
    let bench = target().join("debug/lucid-bench");
    let release = folder().join("release-files");
    let mut write = Command::new(&bench);
    write.args(["release", "--size", &args.workloads.to_string(), "--namespace", NAMESPACE, "--folder"]);
    run(write.arg(&release))?;
    let cluster = for_one_use("profile", 0)?;
    let quiet = ["--progress", "quiet"];
    if args.case == Case::Health {
        run(inside(&cluster, place.lucid.as_os_str(), &release)?.arg("deploy").args(quiet))?;
    }
    let mut perf = inside(&cluster, bench.as_os_str(), &release)?;
    perf.arg("requests").arg("--cluster").arg(&cluster.layout.dir).arg("--list");
    perf.arg(folder().join(format!("{}.requests.txt", args.case.name()))).args(["--", "perf"]);
    let mut recorded = place.record(perf);
    recorded.current_dir(&release).arg(&place.lucid).arg(args.case.name()).args(quiet);
    run(&mut recorded)
}

/// As the user whose requests are listed.
fn inside(cluster: &Guard, program: &OsStr, folder: &Path) -> Result<Command> {
    let mut command = command_inside(&cluster.layout, program)?;
    command.env("KUBECONFIG", cluster.layout.path("bench.kubeconfig")).current_dir(folder);
    Ok(command)
}

fn draw(data: &Path, graph: &Path, case: Case) -> Result<()> {
    let mut script = Command::new("perf");
    script.args(["script", "-i"]).arg(data).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = script.spawn().context("start perf script")?;
    let samples = child.stdout.take().context("a pipe")?;
    let mut folded = Vec::new();
    Folder::default().collapse(BufReader::new(samples), &mut folded).context("read the samples")?;
    child.wait()?;
    let mut options = flamegraph::Options::default();
    options.title = format!("lucid {}", case.name());
    let file = File::create(graph).with_context(|| format!("create {}", graph.display()))?;
    flamegraph::from_reader(&mut options, folded.as_slice(), BufWriter::new(file)).context("draw the flame graph")
}
