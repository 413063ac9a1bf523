//! Measures deployments: a generated release, by a bare concurrent client and by `lucid`, on the same cluster in one run.
//!
//! `cargo xtask bench` brings the cluster up and runs this inside of its network namespace.

mod audit;
mod bare;
mod deploy;
mod folder;
mod lucid;
mod namespace;
mod objects;
mod release;
mod report;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "lucid-bench")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Deploys a generated release with each client and compares
    Deploy(deploy::Args),
    /// Writes the generated release only
    Generate(deploy::Shape),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().verb {
        Verb::Deploy(args) => deploy::run(&args).await,
        Verb::Generate(shape) => deploy::generate(&shape).map(drop),
    }
}
