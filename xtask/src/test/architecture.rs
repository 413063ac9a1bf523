//! The crates and who may use whom: `ARCHITECTURE.md` and the manifests are held against the design.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::process::{cargo, output};
use crate::root::root;

/// What each crate may use, directly or through others. Nothing points up; the simulator shares data and syntax with the
/// engine, never a decision; only the client speaks to API servers.
const MAY_USE: [(&str, &[&str]); 16] = [
    ("lucid-object", &[]),
    ("lucid-schema", &["lucid-object"]),
    ("lucid-kustomize", &["lucid-object"]),
    ("lucid-release", &["lucid-object"]),
    ("lucid-status", &["lucid-object"]),
    ("lucid-client", &["lucid-object"]),
    ("lucid-sim", &["lucid-object", "lucid-schema"]),
    ("lucid-plan", &["lucid-schema", "lucid-release", "lucid-status"]),
    ("lucid-engine", &["lucid-plan"]),
    ("lucid-health", &["lucid-release", "lucid-status", "lucid-client"]),
    ("lucid-deploy", &["lucid-engine", "lucid-health", "lucid-client"]),
    ("lucid-report", &["lucid-engine", "lucid-plan", "lucid-status", "lucid-release"]),
    ("lucid-https", &[]),
    ("lucid-images", &["lucid-object", "lucid-https"]),
    ("lucid-notify", &["lucid-release", "lucid-https"]),
    ("lucid-standin", &[]),
];

/// These may use every crate, and no crate may use them.
const PROGRAMS: [&str; 3] = ["lucid", "lucid-bench", "xtask"];

#[derive(Debug, Deserialize)]
pub(super) struct Workspace {
    packages: Vec<Package>,
    workspace_default_members: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) manifest_path: String,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Workspace {
    pub(super) fn read() -> Result<Self> {
        let text = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
        serde_json::from_str(&text).context("read cargo's metadata")
    }

    pub(super) fn packages(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter()
    }

    /// The integration tests of a package.
    pub(super) fn test_targets<'a>(&'a self, package: &'a str) -> impl Iterator<Item = &'a str> {
        let targets = self.packages.iter().filter(move |p| p.name == package).flat_map(|p| &p.targets);
        targets.filter(|t| t.kind.iter().any(|k| k == "test")).map(|t| t.name.as_str())
    }

    /// The edges between our own crates that end up in a program; what only tests use does not count.
    fn edges(&self) -> impl Iterator<Item = (&str, &str)> {
        self.packages.iter().flat_map(|package| {
            let ours = package.dependencies.iter().filter(|d| d.path.is_some() && d.kind.as_deref() != Some("dev"));
            ours.map(move |dependency| (package.name.as_str(), dependency.name.as_str()))
        })
    }
}

pub(super) fn check() -> Result<()> {
    let workspace = Workspace::read()?;
    let mut wrong = wrong_edges(workspace.edges());
    if !matches!(workspace.workspace_default_members.as_slice(), [one] if one.contains("/crates/lucid#")) {
        wrong.push("Cargo.toml: `cargo run`, the README's first command, must mean lucid".into());
    }
    let map = root().join("ARCHITECTURE.md");
    match fs::read_to_string(&map) {
        Ok(text) => wrong.extend(wrong_map(&text, workspace.packages().map(|p| p.name.as_str()))),
        Err(error) => wrong.push(format!("read ARCHITECTURE.md: {error}")),
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => bail!("{}", wrong.join("\n")),
    }
}

fn wrong_edges<'a>(edges: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let allowed = closure();
    let mut wrong = Vec::new();
    for (from, to) in edges.filter(|(from, _)| !PROGRAMS.contains(from)) {
        match allowed.get(from) {
            None => wrong.push(format!(
                "{from} is not in the list of crates and what they may use (xtask, test/architecture.rs)"
            )),
            Some(all) if !all.contains(to) => wrong.push(format!("{from} must not use {to}")),
            Some(_) => {}
        }
    }
    wrong
}

/// What may be used directly or through others. The table lists every crate after those that it may use.
fn closure() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, direct) in MAY_USE {
        let through = direct.iter().filter_map(|d| all.get(d)).flatten().copied();
        let uses: BTreeSet<&str> = through.chain(direct.iter().copied()).collect();
        all.insert(name, uses);
    }
    all
}

/// The crate map must name every crate there is, and none that is not: rows of a table that begin with `lucid-…`.
fn wrong_map<'a>(text: &str, packages: impl Iterator<Item = &'a str>) -> Vec<String> {
    let listed: BTreeSet<&str> = text.lines().filter_map(crate_of_row).collect();
    let there: BTreeSet<&str> = packages.filter(|name| name.starts_with("lucid")).collect();
    let missing = there.difference(&listed).map(|name| format!("ARCHITECTURE.md: its crate table lacks `{name}`"));
    let gone = listed
        .difference(&there)
        .map(|name| format!("ARCHITECTURE.md: its crate table has `{name}`, which is no crate"));
    missing.chain(gone).collect()
}

/// The crate that a row like "| `lucid-plan` | pure | … |" is about; also "| [`lucid-plan`](crates/lucid-plan) | …".
fn crate_of_row(line: &str) -> Option<&str> {
    let cell = line.strip_prefix('|')?.split('|').next()?.trim();
    let name = cell.trim_start_matches(['[', '`', '*']).split(['`', ']', '*', ' ']).next()?;
    (name == "lucid" || name.starts_with("lucid-")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_edge(from: &str, to: &str, allowed: bool) {
        assert_eq!(wrong_edges([(from, to)].into_iter()).is_empty(), allowed, "{from} -> {to}");
    }

    #[test]
    fn edges_point_down_directly_or_through_others() {
        check_edge("lucid-plan", "lucid-status", true);
        check_edge("lucid-engine", "lucid-object", true);
        check_edge("lucid", "lucid-sim", true);
        check_edge("lucid-status", "lucid-plan", false);
        check_edge("lucid-engine", "lucid-client", false);
        check_edge("lucid-report", "lucid-client", false);
    }

    #[test]
    fn the_simulator_shares_no_decision_with_the_engine() {
        check_edge("lucid-sim", "lucid-schema", true);
        check_edge("lucid-sim", "lucid-status", false);
        check_edge("lucid-sim", "lucid-client", false);
    }

    #[test]
    fn nothing_uses_a_program_and_new_crates_are_entered() {
        check_edge("lucid-deploy", "lucid", false);
        check_edge("lucid-new", "lucid-object", false);
    }

    #[test]
    fn the_table_is_sorted_so_that_one_pass_closes_it() {
        let mut seen = BTreeSet::new();
        for (name, uses) in MAY_USE {
            assert!(uses.iter().all(|used| seen.contains(used)), "{name} stands before what it uses");
            seen.insert(name);
        }
    }

    #[test]
    fn the_map_is_compared_both_ways() {
        let text = "| crate | kind |\n|---|---|\n| `lucid-plan` | pure |\n| [`lucid-gone`](x) | IO |\n";
        let wrong = wrong_map(text, ["lucid-plan", "lucid-sim", "xtask"].into_iter());
        assert_eq!(wrong.len(), 2);
        assert!(wrong[0].contains("lucid-sim") && wrong[1].contains("lucid-gone"), "{wrong:?}");
    }
}
