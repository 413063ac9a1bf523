//! Rendering beside the real kustomize: the corpus, random trees, accidents, and the overlays of the Lucid release.

use std::fs;

use anyhow::{Context, Result};

use super::Counts;
use crate::process::{cargo, run};
use crate::root::target;
use crate::tools;

/// Runs the tests of `lucid-kustomize` with kustomize at hand; what they counted, in words.
pub(crate) fn suite(counts: Counts) -> Result<String> {
    tools::rendering()?;
    let figures = target().join("rendering-figures");
    fs::write(&figures, "").with_context(|| format!("write {}", figures.display()))?;
    let mut tests = cargo();
    tests.args(["test", "-p", "lucid-kustomize"]);
    tests.env("LUCID_TEST_TOOLS", crate::root::tools()).env("LUCID_FIGURES", &figures);
    if counts == Counts::Full {
        // Fifty times as fast, and the counts are large.
        tests.arg("--release").env("LUCID_SOAK", "1");
    }
    run(&mut tests)?;
    // The command itself, beside the real one.
    run(cargo().args(["test", "-p", "lucid", "--test", "cli"]).env("LUCID_TEST_TOOLS", crate::root::tools()))?;
    let told = fs::read_to_string(&figures).with_context(|| format!("read {}", figures.display()))?;
    let mut told: Vec<&str> = told.lines().collect();
    told.sort_unstable();
    Ok(told.join("; "))
}
