//! `docs/benchmarks.md`, made of nothing but `docs/benchmarks.json`.

mod claims;
mod table;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::case::Case;
use crate::machine::Measured;
use crate::name::Name;
use crate::store::Store;

const HEAD: &str = "# Benchmarks

Made by `cargo xtask bench` out of `benchmarks.json`: everything anew with `cargo xtask bench` (hours), the small sizes with
`cargo xtask bench --quick` (25 minutes on two cores), one case with the command that stands below its heading. A case that is
measured anew takes the place of the old one; each says when, where and with what it was measured.

All tools of a case meet the same fresh control plane in the same run, a namespace each, in turns. Times are medians with the
least and the most beside them, from the start of the client's process to its end; ratios are medians of those within a round.
CPU and peak memory are the client's (of a script: CPU of all processes, memory of the largest one). Requests are counted at the
server, from its audit log; \"changing\" counts dry runs too. A tool that failed or was stopped is told so and not asked again.
";

pub(crate) fn write(store: &Store, folder: &Path) -> Result<()> {
    let path = folder.join("benchmarks.md");
    fs::write(&path, text(store)).with_context(|| format!("write {}", path.display()))
}

fn text(store: &Store) -> String {
    let mut page = HEAD.to_owned();
    page.push_str(&claims::text(store));
    let mut cases: Vec<(Name, &Case)> =
        store.cases.iter().filter_map(|(name, case)| Some((name.parse().ok()?, case))).collect();
    cases.sort_by_key(|(name, _)| *name);
    for (_, case) in cases {
        page.push_str(&section(case));
    }
    page
}

fn section(case: &Case) -> String {
    let mut text = format!("\n## {}\n\n", case.title);
    let _ = writeln!(text, "{}\n", provenance(&case.measured));
    for paragraph in &case.about {
        let _ = writeln!(text, "{paragraph}\n");
    }
    text.push_str(&table::text(case));
    if !case.settings.is_empty() {
        text.push_str("\nAs called:\n");
    }
    for setting in &case.settings {
        let _ = writeln!(text, "- {}: {}", setting.tool, setting.command);
    }
    text
}

fn provenance(measured: &Measured) -> String {
    let versions: Vec<String> = measured.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    format!(
        "`{}` · {} UTC · commit {} · {} cores of {}, {} GB, Linux {} · load {:.2} before and {:.2} after · {}",
        measured.command,
        measured.date,
        measured.commit,
        measured.cores,
        measured.processor,
        measured.memory_gb,
        measured.kernel,
        measured.load_before,
        measured.load_after,
        versions.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Run;

    #[test]
    fn sections_come_by_kind_and_size_and_say_how_they_are_repeated() {
        let mut store = Store::default();
        for name in ["flat-500", "deploy-100", "deploy-27"] {
            let mut case = Case::new(name, Measured::now(name, &Default::default()));
            case.add("x", "lucid", Run { seconds: 1.0, ..Run::default() });
            case.setting("lucid", "`lucid x`");
            store.cases.insert(name.to_owned(), case);
        }
        let page = text(&store);
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not in {page}"));
        assert!(at("## deploy-27\n") < at("## deploy-100\n") && at("## deploy-100\n") < at("## flat-500\n"));
        assert!(at("`cargo xtask bench deploy-27`") < at("- lucid: `lucid x`"));
    }
}
