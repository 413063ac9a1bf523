//! `cargo xtask bench render`: `lucid render` beside `kustomize build`, on the same trees in the same run, with the start
//! of the process included.

mod trees;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Parser;
use serde::Serialize;

use crate::process::{cargo, run};
use crate::root::{root, target, tools};
use trees::Tree;

#[derive(Parser)]
pub(crate) struct Args {
    /// Sizes of the large trees, in objects; kustomize needs minutes for 5000
    #[arg(long, value_delimiter = ',', default_values_t = [1000, 5000])]
    objects: Vec<usize>,
    /// Sizes that only lucid renders, to see how time grows
    #[arg(long, value_delimiter = ',', default_values_t = [1000, 2000, 5000, 10_000])]
    growth: Vec<usize>,
    /// Size of the tree of CustomResourceDefinitions
    #[arg(long, default_value_t = 4, value_name = "MB")]
    crds: usize,
    /// Runs of what takes less than a second; the longer ones run three times or once
    #[arg(long, default_value_t = 15)]
    runs: usize,
    /// Measure this program instead of building one
    #[arg(long, value_name = "PROGRAM")]
    lucid: Option<PathBuf>,
    /// Fail when a ratio misses its target
    #[arg(long)]
    check: bool,
}

/// One tree under both programs: the seconds of each run, in turns. `bench/src/render.rs` reads it.
#[derive(Serialize)]
struct Row {
    tree: String,
    bytes_in: u64,
    bytes_out: usize,
    kustomize: Vec<f64>,
    lucid: Vec<f64>,
    target: f64,
}

/// One size under lucid alone.
#[derive(Serialize)]
struct Growth {
    objects: usize,
    lucid: Vec<f64>,
}

#[derive(Serialize)]
struct Outcome {
    rows: Vec<Row>,
    growth: Vec<Growth>,
}

impl Row {
    fn ratio(&self) -> f64 {
        median(&self.kustomize) / median(&self.lucid)
    }
}

pub(crate) fn measure(args: &Args) -> Result<()> {
    crate::tools::rendering()?;
    let lucid = match &args.lucid {
        Some(program) => fs::canonicalize(program).with_context(|| format!("find {}", program.display()))?,
        // Starting is half of what a short command does, and a static program starts in half the time.
        None => crate::dist::for_this_machine()?,
    };
    let folder = target().join("bench/trees");
    let _ = fs::remove_dir_all(&folder);
    let kustomize = Program { path: tools().join("kustomize"), verb: "build" };
    let lucid = Program { path: lucid, verb: "render" };
    let mut rows = Vec::new();
    for tree in trees(args) {
        let path = tree.write(&folder)?;
        println!("{} …", tree.name);
        rows.push(compare(&tree, &path, &kustomize, &lucid, args.runs)?);
    }
    let growth = args.growth.iter().map(|count| grown(*count, &folder, &lucid)).collect::<Result<Vec<_>>>()?;
    let result = Outcome { rows, growth };
    let out = target().join("bench/render.json");
    fs::write(&out, serde_json::to_string_pretty(&result)?).with_context(|| format!("write {}", out.display()))?;
    print!("{}", table(&result));
    publish(&out)?;
    let missed: Vec<&str> =
        result.rows.iter().filter(|row| row.ratio() < row.target).map(|row| row.tree.as_str()).collect();
    match missed.is_empty() || !args.check {
        true => Ok(()),
        false => bail!("slower than wanted: {}", missed.join(", ")),
    }
}

/// Into the page, beside the other cases.
fn publish(figures: &Path) -> Result<()> {
    let mut bench = cargo();
    bench.args(["run", "--quiet", "-p", "lucid-bench", "--", "render", "--figures"]).arg(figures);
    bench.arg("--docs").arg(root().join("docs"));
    for (name, version) in crate::tools::versions().iter().filter(|(name, _)| *name == "kustomize") {
        bench.args(["--version", &format!("{name}={version}")]);
    }
    run(&mut bench)
}

fn trees(args: &Args) -> Vec<Tree> {
    let mut all = vec![trees::few(), trees::schema()];
    all.extend(args.objects.iter().map(|count| trees::many(*count)));
    all.push(trees::crds(args.crds));
    all
}

struct Program {
    path: PathBuf,
    verb: &'static str,
}

impl Program {
    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.path);
        command.arg(self.verb).arg(folder).stdin(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn print(&self, folder: &Path) -> Result<Vec<u8>> {
        let output = self.command(folder).output().with_context(|| format!("start {}", self.path.display()))?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => bail!("{} {} {} failed", self.path.display(), self.verb, folder.display()),
        }
    }

    /// From the start of the process to its end.
    fn time(&self, folder: &Path) -> Result<Duration> {
        let mut command = self.command(folder);
        let began = Instant::now();
        let status = command.stdout(Stdio::null()).status()?;
        let took = began.elapsed();
        if status.success() { Ok(took) } else { bail!("{} failed", self.path.display()) }
    }
}

/// Turn and turn about, so that what else goes on meets both.
fn compare(tree: &Tree, path: &Path, kustomize: &Program, lucid: &Program, runs: usize) -> Result<Row> {
    let ours = lucid.print(path)?;
    let began = Instant::now();
    let theirs = kustomize.print(path)?;
    let first = began.elapsed();
    if ours != theirs {
        bail!("{}: not the same bytes", tree.name);
    }
    let of_theirs = match first {
        // Its first run counts: there will be no second.
        long if long > Duration::from_secs(20) => 0,
        long if long > Duration::from_secs(1) => 3,
        _ => runs,
    };
    let (mut their_times, mut our_times) = (Vec::new(), Vec::new());
    for round in 0..runs.max(of_theirs) {
        if round < of_theirs {
            their_times.push(kustomize.time(path)?);
        }
        if round < runs {
            our_times.push(lucid.time(path)?);
        }
    }
    if their_times.is_empty() {
        their_times.push(first);
    }
    Ok(Row {
        tree: tree.name.clone(),
        bytes_in: tree.bytes(),
        bytes_out: ours.len(),
        kustomize: in_seconds(&their_times),
        lucid: in_seconds(&our_times),
        target: tree.target,
    })
}

fn grown(objects: usize, folder: &Path, lucid: &Program) -> Result<Growth> {
    let path = trees::many(objects).write(folder)?;
    let times = (0..5).map(|_| lucid.time(&path)).collect::<Result<Vec<_>>>()?;
    Ok(Growth { objects, lucid: in_seconds(&times) })
}

fn in_seconds(times: &[Duration]) -> Vec<f64> {
    times.iter().map(Duration::as_secs_f64).collect()
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn table(result: &Outcome) -> String {
    let mut out = format!(
        "\n{:<28} {:>9} {:>13} {:>11} {:>8} {:>8}\n",
        "tree", "out", "kustomize ms", "lucid ms", "ratio", "target"
    );
    for row in &result.rows {
        let verdict = if row.ratio() >= row.target { "" } else { "  missed" };
        out.push_str(&format!(
            "{:<28} {:>6} KB {:>13.1} {:>11.2} {:>7.1}x {:>7}x{verdict}\n",
            row.tree,
            row.bytes_out / 1000,
            median(&row.kustomize) * 1000.0,
            median(&row.lucid) * 1000.0,
            row.ratio(),
            row.target
        ));
    }
    out.push_str(&format!("\n{:<28} {:>11} {:>15}\n", "growth (lucid alone)", "ms", "µs an object"));
    for row in &result.growth {
        let name = format!("{} objects", row.objects);
        let seconds = median(&row.lucid);
        out.push_str(&format!("{name:<28} {:>11.1} {:>15.1}\n", seconds * 1e3, seconds * 1e6 / row.objects as f64));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_not_moved_by_one_slow_run() {
        assert_eq!(median(&[3.0, 1.0, 900.0, 2.0, 4.0]), 3.0);
    }

    #[test]
    fn a_missed_target_is_told() {
        let row = |ratio: f64| Row {
            tree: "few".into(),
            bytes_in: 1,
            bytes_out: 2000,
            kustomize: vec![1.0],
            lucid: vec![1.0 / ratio],
            target: 5.0,
        };
        let result = Outcome { rows: vec![row(4.0), row(6.0)], growth: Vec::new() };
        let lines: Vec<String> = table(&result).lines().map(str::to_owned).collect();
        assert!(lines[2].ends_with("4.0x       5x  missed") && lines[3].ends_with("6.0x       5x"), "{lines:?}");
    }
}
