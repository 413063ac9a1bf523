//! Measures `lucid` beside what a user would pick instead: generated releases, on the same cluster, in one run.
//!
//! `cargo xtask bench` brings the cluster up and runs this inside of its network namespace.

mod audit;
mod bare;
mod case;
mod cluster;
mod deploy;
mod failure;
mod folder;
mod health;
mod machine;
mod meter;
mod name;
mod namespace;
mod objects;
mod page;
mod release;
mod render;
mod requests;
mod scene;
mod simulator;
mod start;
mod stats;
mod store;
mod tool;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use cluster::Cluster;
use name::{Kind, Name};
use scene::Setup;
use store::Store;

#[derive(Parser)]
#[command(name = "lucid-bench")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Measures one case, and merges it into benchmarks.json and benchmarks.md
    Run(Run),
    /// Writes benchmarks.md out of benchmarks.json
    Page(Page),
    /// The bare client
    Bare(bare::Args),
    /// Runs a command and notes what it took
    Meter(meter::Args),
    /// Writes a generated release with its lucid.yaml
    Release(Files),
    /// Merges what `cargo xtask bench render` has measured
    Render(render::Args),
    /// Runs a command and lists the requests that it made
    Requests(requests::Args),
}

#[derive(clap::Args)]
struct Run {
    /// deploy-N, flat-N, failure-N (workloads), health-N (pods), simulator-N (components), start-N (starts)
    case: Name,
    /// Paired runs of each tool
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[arg(long)]
    lucid: PathBuf,
    /// The cluster's folder: kubeconfigs of its users, `audit.log`
    #[arg(long)]
    cluster: Option<PathBuf>,
    /// Where generated releases go
    #[arg(long)]
    work: PathBuf,
    /// A version that was used, as NAME=VERSION
    #[arg(long = "version", value_parser = version)]
    versions: Vec<(String, String)>,
    #[command(flatten)]
    page: Page,
}

#[derive(clap::Args)]
struct Files {
    /// In workloads
    #[arg(long)]
    size: usize,
    #[arg(long)]
    namespace: String,
    #[arg(long)]
    folder: PathBuf,
}

#[derive(clap::Args)]
struct Page {
    /// The folder of benchmarks.json and benchmarks.md
    #[arg(long)]
    docs: PathBuf,
}

fn version(text: &str) -> Result<(String, String), String> {
    let (name, version) = text.split_once('=').ok_or("wanted: NAME=VERSION")?;
    Ok((name.to_owned(), version.to_owned()))
}

fn main() -> Result<ExitCode> {
    match Cli::parse().verb {
        // Small, and without threads: its memory is the least that a client is said to have.
        Verb::Meter(args) => return meter::measure(&args),
        Verb::Page(args) => page::write(&Store::read(&args.docs)?, &args.docs)?,
        Verb::Render(args) => render::merge(args)?,
        Verb::Requests(args) => return requests::run(&args),
        Verb::Release(files) => {
            let folder = folder::fresh(&files.folder)?;
            folder::whole(&release::Release::generate(files.size), &files.namespace, &folder)?;
        }
        Verb::Bare(args) => asynchronous(bare::run(&args))?,
        Verb::Run(args) => asynchronous(run(args))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn asynchronous(work: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(work)
}

async fn run(args: Run) -> Result<()> {
    let setup = Setup {
        cluster: args.cluster.map(Cluster),
        folder: folder::fresh(&std::path::absolute(args.work.join(args.case.to_string()))?)?,
        lucid: std::path::absolute(&args.lucid)?,
        versions: args.versions.into_iter().collect(),
        rounds: args.rounds,
    };
    let Name { kind, size } = args.case;
    let case = match kind {
        Kind::Deploy => deploy::graph(&setup, size).await?,
        Kind::Flat => deploy::flat(&setup, size).await?,
        Kind::Failure => failure::measure(&setup, size).await?,
        Kind::Health => health::measure(&setup, size).await?,
        Kind::Simulator => simulator::measure(&setup, size).await?,
        Kind::Start => start::measure(&setup, size).await?,
        Kind::Render => anyhow::bail!("`cargo xtask bench render` measures that"),
    };
    let mut store = Store::read(&args.page.docs)?;
    store.cases.insert(args.case.to_string(), case);
    store.write(&args.page.docs)?;
    page::write(&store, &args.page.docs)
}
