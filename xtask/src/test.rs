//! `cargo xtask test`: every suite, or one of them. A suite that cannot run has failed.

mod architecture;
mod containers;
mod deny;
mod figures;
mod real;
mod rendering;
mod rust;
mod tidy;
mod workflows;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::{Parser, ValueEnum};

use crate::codegen;
use crate::process::seconds;
use crate::tools;
pub(crate) use real::suite as real_suite;
pub(crate) use rendering::suite as rendering_suite;
pub(crate) use rust::{crowd_soak, simulator_soak};

#[derive(Parser)]
pub(crate) struct Args {
    /// One suite; without it all of them but `deny`
    suite: Option<Suite>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// Formatting, lints, tidiness, and every test that needs no cluster
    Unit,
    /// Rendering beside the real kustomize
    Render,
    /// Deployments against the simulator
    Sim,
    /// kubectl, helm and a dozen of Kubernetes' own conformance tests against `lucid sim`
    Clients,
    /// Deployments against a real control plane with kwok nodes
    Cluster,
    /// The Lucid release on a node that runs real containers
    Containers,
    /// Licences and sources of the dependencies; builds cargo-deny first, which takes minutes
    Deny,
}

const ALL: [Suite; 6] = [Suite::Unit, Suite::Render, Suite::Sim, Suite::Clients, Suite::Cluster, Suite::Containers];

/// How much the tests do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    Small,
    Full,
}

struct Outcome {
    suite: Suite,
    took: Duration,
    result: Result<()>,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let suites = args.suite.map_or(ALL.to_vec(), |suite| vec![suite]);
    let outcomes: Vec<Outcome> = suites.into_iter().map(timed).collect();
    println!();
    for outcome in &outcomes {
        println!("{}", line(outcome));
    }
    match outcomes.iter().filter(|o| o.result.is_err()).count() {
        0 => Ok(()),
        1 => bail!("a suite failed"),
        failed => bail!("{failed} suites failed"),
    }
}

/// Runs one suite. The others run also after a failure: one command shows all that is wrong.
fn timed(suite: Suite) -> Outcome {
    println!("== suite {} ==", name(suite));
    let began = Instant::now();
    let result = match suite {
        Suite::Unit => unit(),
        Suite::Render => rendering::suite(Counts::Small).map(|_| ()),
        Suite::Sim => rust::simulator(),
        Suite::Clients => clients(),
        Suite::Cluster => real::suite(Counts::Small).map(|_| ()),
        Suite::Containers => containers::suite(),
        Suite::Deny => deny::check(),
    };
    if let Err(error) = &result {
        eprintln!("suite {}: {error:#}", name(suite));
    }
    Outcome { suite, took: began.elapsed(), result }
}

fn clients() -> Result<()> {
    tools::clients()?;
    rust::suite("clients")
}

fn line(outcome: &Outcome) -> String {
    let verdict = match &outcome.result {
        Ok(()) => "passed".to_owned(),
        Err(error) => format!("FAILED: {error:#}"),
    };
    format!("suite {:<10} {:>10}  {verdict}", name(outcome.suite), seconds(outcome.took))
}

fn name(suite: Suite) -> String {
    suite.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default()
}

type Check = fn() -> Result<()>;

/// Every check of the unit suite runs also after another failed, cheapest first.
fn unit() -> Result<()> {
    let checks: [(&str, Check); 7] = [
        ("formatting", rust::formatting),
        ("tidiness", tidy::check),
        ("architecture", architecture::check),
        ("workflows", workflows::check),
        ("lints", rust::lints),
        ("tests", rust::unit_tests),
        ("generated reference", codegen::check),
    ];
    let mut failed = Vec::new();
    for (what, check) in checks {
        println!("-- {what}");
        if let Err(error) = check() {
            eprintln!("{what}: {error:#}");
            failed.push(what);
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => bail!("{}", failed.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_suite_time_and_reason() {
        let failed = Outcome {
            suite: Suite::Cluster,
            took: Duration::from_secs(90),
            result: Err(anyhow::anyhow!("no `go` in PATH")),
        };
        assert_eq!(line(&failed), "suite cluster      1:30 min  FAILED: no `go` in PATH");
    }
}
