//! What tests tell of their counts: they append it to a file that the soak reads.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::run;
use crate::root::target;

/// Runs tests; what they told, in words.
pub(super) fn of(tests: &mut Command) -> Result<String> {
    let file = target().join("figures");
    fs::write(&file, "").with_context(|| format!("write {}", file.display()))?;
    run(tests.env("LUCID_FIGURES", &file))?;
    let told = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
    Ok(words(&told))
}

/// In an order that does not depend on which test ended first.
fn words(told: &str) -> String {
    let mut told: Vec<&str> = told.lines().collect();
    told.sort_unstable();
    told.join("; ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn figures_stand_in_order() {
        assert_eq!(super::words("b 2\na 1\n"), "a 1; b 2");
    }
}
