//! `cargo xtask soak`: the suites with their full counts, noted with their date in `docs/soak.md`.

mod fuzz;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};

use crate::bugs;
use crate::process::{output, seconds};
use crate::root::root;
use crate::test::{Counts, crowd_soak, real_suite, rendering_suite, simulator_soak};

#[derive(Parser)]
pub(crate) struct Args {
    /// One suite; without it all of them
    suite: Option<Suite>,
    /// How many minutes each target is fuzzed
    #[arg(long, default_value_t = 30)]
    minutes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// Deployments against a real control plane
    Cluster,
    /// Rendering beside the real kustomize
    Rendering,
    /// Fuzzing of what rendering reads
    Fuzz,
    /// Rehearsals, and processes that die at every request
    Simulator,
    /// `lucid health` over fifty thousand pods
    Health,
    /// Bugs of other tools, put into a copy one at a time
    Bugs,
}

const ALL: [Suite; 6] = [Suite::Rendering, Suite::Fuzz, Suite::Health, Suite::Bugs, Suite::Simulator, Suite::Cluster];

const HEAD: &str = "# Soak\n\nResults of `cargo xtask soak`, newest last.\n";
const TABLE: &str = "| date | commit | cores | took | result |\n|---|---|---|---|---|\n";

pub(crate) fn run(args: Args) -> Result<()> {
    let suites = args.suite.map_or(ALL.to_vec(), |suite| vec![suite]);
    let mut failed = Vec::new();
    for suite in suites {
        let began = Instant::now();
        let result = match suite {
            Suite::Cluster => real_suite(Counts::Full),
            Suite::Rendering => rendering_suite(Counts::Full),
            Suite::Simulator => simulator_soak(),
            Suite::Health => crowd_soak(),
            Suite::Bugs => bugs::suite(),
            Suite::Fuzz => fuzz::suite(args.minutes),
        };
        note(section(suite), &row(&date()?, &commit()?, cores(), began.elapsed(), &result))?;
        if let Err(error) = result {
            eprintln!("{}: {error:#}", section(suite));
            failed.push(section(suite));
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => bail!("{}", failed.join(", ")),
    }
}

/// Notes a result of another verb beside those of the soak.
pub(crate) fn note_result(section: &str, took: Duration, result: &Result<String>) -> Result<()> {
    note(section, &row(&date()?, &commit()?, cores(), took, result))
}

fn section(suite: Suite) -> &'static str {
    match suite {
        Suite::Cluster => "Cluster",
        Suite::Rendering => "Rendering",
        Suite::Simulator => "Simulator",
        Suite::Health => "Health",
        Suite::Bugs => "Bugs of others",
        Suite::Fuzz => "Fuzzing",
    }
}

fn note(section: &str, row: &str) -> Result<()> {
    let path = root().join("docs/soak.md");
    let old = fs::read_to_string(&path).unwrap_or_else(|_| HEAD.to_owned());
    fs::write(&path, with_row(&old, section, row)).with_context(|| format!("write {}", path.display()))
}

/// The page with one more row at the end of a section's table. A section that is not there yet is added.
fn with_row(page: &str, section: &str, row: &str) -> String {
    let heading = format!("## {section}\n");
    let Some(start) = page.find(&heading) else { return format!("{page}\n{heading}\n{TABLE}{row}") };
    let body = start + heading.len();
    let end = page[body..].find("\n## ").map_or(page.len(), |at| body + at);
    let table = page[body..end].rfind("\n|").map(|at| body + at + 1);
    let Some(last) = table else { return format!("{}\n{TABLE}{row}{}", &page[..body], &page[body..]) };
    let after = page[last..].find('\n').map_or(page.len(), |at| last + at + 1);
    format!("{}{row}{}", &page[..after], &page[after..])
}

fn row(date: &str, commit: &str, cores: usize, took: Duration, result: &Result<String>) -> String {
    let verdict = match result {
        Ok(told) if told.is_empty() => "passed".to_owned(),
        Ok(told) => format!("passed: {told}"),
        Err(error) => format!("failed: {}", format!("{error:#}").replace('\n', " ").replace('|', "/")),
    };
    format!("| {} | {} | {cores} | {} | {verdict} |\n", date.trim(), commit.trim(), seconds(took))
}

fn date() -> Result<String> {
    output(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M"]))
}

fn commit() -> Result<String> {
    output(Command::new("git").args(["describe", "--always", "--dirty"]).current_dir(root()))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_one_row_whatever_the_error_says() {
        let failed: Result<String> = Err(anyhow::anyhow!("one | two\nthree"));
        let row = row("2026-01-02 03:04\n", "abc\n", 2, Duration::from_secs(61), &failed);
        assert_eq!(row, "| 2026-01-02 03:04 | abc | 2 | 1:01 min | failed: one / two three |\n");
    }

    #[test]
    fn rows_stand_below_each_other_in_their_section() {
        let page = with_row(HEAD, "Rendering", "| 1 |\n");
        let page = with_row(&page, "Cluster", "| 2 |\n");
        let page = with_row(&page, "Rendering", "| 3 |\n");
        let sections: Vec<&str> = page.split("## ").skip(1).collect();
        assert_eq!(sections, [format!("Rendering\n\n{TABLE}| 1 |\n| 3 |\n\n"), format!("Cluster\n\n{TABLE}| 2 |\n")]);
        let prose = "# Soak\n\n## Rendering\n\nWords.\n";
        assert!(with_row(prose, "Rendering", "| 1 |\n").contains("| 1 |\n"));
    }
}
