//! The one door to all automation: `cargo xtask <verb>`, one file a verb.

mod bench;
mod bugs;
mod cluster;
mod codegen;
mod conformance;
mod dist;
mod image;
mod process;
mod profile;
mod root;
mod soak;
mod test;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Everything that is automated here, for people and for CI alike")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// A real Kubernetes control plane with kwok nodes, in a network namespace of its own
    Cluster(cluster::Args),
    /// All test suites, or one of them
    Test(test::Args),
    /// The generated reference: command line, exit codes, findings, schema of lucid.yaml
    Codegen(codegen::Args),
    /// Kubernetes' conformance tests of the API server, against `lucid sim`; notes a dated result in docs/soak.md
    Conformance(conformance::Args),
    /// Measurements beside what we are measured against
    Bench(bench::Args),
    /// Where the time goes: a flame graph, and the list of requests with their times; needs perf
    Profile(profile::Args),
    /// The suites with their full counts; notes a dated result in docs/soak.md
    Soak(soak::Args),
    /// Images of the tests, for a registry on loopback
    Image(image::Args),
    /// The archives of a release: binaries, checksums, bills of materials and krew's manifest, in target/dist
    Dist(dist::Args),
    /// Builds and installs the programs that the tests need, into target/tools
    Tools(tools::Args),
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    match Cli::parse().verb {
        Verb::Cluster(args) => cluster::run(args),
        Verb::Test(args) => test::run(args),
        Verb::Codegen(args) => codegen::run_verb(args),
        Verb::Conformance(args) => conformance::run(args),
        Verb::Bench(args) => bench::run_verb(args),
        Verb::Profile(args) => profile::run_verb(&args),
        Verb::Soak(args) => soak::run(args),
        Verb::Image(args) => image::run(args),
        Verb::Dist(args) => dist::run(args),
        Verb::Tools(args) => tools::run(args),
    }
}
