//! Rendering beside the real kustomize: the corpus, random trees, accidents, and the overlays of the Lucid release.

use anyhow::Result;

use super::{Counts, figures};
use crate::process::{cargo, run};
use crate::tools;

/// Runs the tests of `lucid-kustomize` with kustomize at hand; what they counted, in words.
pub(crate) fn suite(counts: Counts) -> Result<String> {
    tools::rendering()?;
    let mut tests = cargo();
    tests.args(["test", "-p", "lucid-kustomize"]);
    tests.env("LUCID_TEST_TOOLS", crate::root::tools());
    if counts == Counts::Full {
        // Fifty times as fast, and the counts are large.
        tests.arg("--release").env("LUCID_SOAK", "1");
    }
    let told = figures::of(&mut tests)?;
    // The command itself, beside the real one.
    run(cargo().args(["test", "-p", "lucid", "--test", "cli"]).env("LUCID_TEST_TOOLS", crate::root::tools()))?;
    Ok(told)
}
