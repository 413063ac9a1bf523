//! `cargo xtask soak`: the real-cluster suite with its full counts, noted with its date in `docs/soak.md`.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::process::{output, seconds};
use crate::root::root;
use crate::test::{Counts, real_suite};

const HEAD: &str = "# Soak\n\nResults of `cargo xtask soak`, newest last.\n\n| date | commit | cores | took | result |\n|---|---|---|---|---|\n";

pub(crate) fn run() -> Result<()> {
    let began = Instant::now();
    let result = real_suite(Counts::Full);
    note(&row(&date()?, &commit()?, cores(), began.elapsed(), &result))?;
    result
}

fn note(row: &str) -> Result<()> {
    let path = root().join("docs/soak.md");
    append(&path, row).with_context(|| format!("write {}", path.display()))
}

fn append(path: &Path, row: &str) -> std::io::Result<()> {
    let new = !path.exists();
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    if new {
        file.write_all(HEAD.as_bytes())?;
    }
    file.write_all(row.as_bytes())
}

fn row(date: &str, commit: &str, cores: usize, took: Duration, result: &Result<()>) -> String {
    let verdict = match result {
        Ok(()) => "passed".to_owned(),
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
        let failed: Result<()> = Err(anyhow::anyhow!("one | two\nthree"));
        let row = row("2026-01-02 03:04\n", "abc\n", 2, Duration::from_secs(61), &failed);
        assert_eq!(row, "| 2026-01-02 03:04 | abc | 2 | 1:01 min | failed: one / two three |\n");
    }
}
