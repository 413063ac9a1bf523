//! `render-1`: what `cargo xtask bench render` has measured, as a case of the page.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::case::{Case, Run};
use crate::machine::Measured;
use crate::store::Store;
use crate::tool::Tool;
use crate::{Page, page, stats};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What `cargo xtask bench render` wrote
    #[arg(long)]
    figures: PathBuf,
    /// A version that was used, as NAME=VERSION
    #[arg(long = "version", value_parser = crate::version)]
    versions: Vec<(String, String)>,
    #[command(flatten)]
    page: Page,
}

/// As `xtask/src/bench/render.rs` writes it; times in seconds.
#[derive(Deserialize)]
struct Figures {
    rows: Vec<Row>,
    growth: Vec<Growth>,
}

#[derive(Deserialize)]
struct Row {
    tree: String,
    bytes_out: usize,
    kustomize: Vec<f64>,
    lucid: Vec<f64>,
    target: f64,
}

#[derive(Deserialize)]
struct Growth {
    objects: usize,
    lucid: Vec<f64>,
}

const KUSTOMIZE: &str = "kustomize";

pub(crate) fn merge(args: Args) -> Result<()> {
    let figures = read(&args.figures)?;
    let mut measured = Measured::now("render", &args.versions.into_iter().collect());
    measured.done();
    let mut store = Store::read(&args.page.docs)?;
    store.cases.insert("render-1".to_owned(), case(&figures, measured));
    store.write(&args.page.docs)?;
    page::write(&store, &args.page.docs)
}

fn read(path: &Path) -> Result<Figures> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("read {}", path.display()))
}

fn case(figures: &Figures, measured: Measured) -> Case {
    let mut case = Case::new("Rendering beside kustomize", measured);
    case.about = vec![
        "The same trees in turns, from the start of the process to its end; the output was compared byte for byte first. The \
         large trees have overlays, prefixes, labels, generators, patches and references of names. What takes kustomize longer \
         than 20 seconds it did once."
            .to_owned(),
    ];
    case.setting(Tool::Lucid.name(), "`lucid render DIR`");
    case.setting(KUSTOMIZE, "`kustomize build DIR`");
    for row in &figures.rows {
        let theirs = stats::spread(row.kustomize.iter().copied()).map_or(f64::NAN, |spread| spread.median);
        for (round, seconds) in row.lucid.iter().enumerate() {
            let mut run = Run { round, seconds: *seconds, ..Run::default() };
            run.figures.insert("times as fast".to_owned(), theirs / seconds);
            run.figures.insert("wanted".to_owned(), row.target);
            run.figures.insert("MB out".to_owned(), row.bytes_out as f64 / 1e6);
            case.add(&row.tree, Tool::Lucid.name(), run);
        }
        for (round, seconds) in row.kustomize.iter().enumerate() {
            case.add(&row.tree, KUSTOMIZE, Run { round, seconds: *seconds, ..Run::default() });
        }
    }
    for row in &figures.growth {
        for (round, seconds) in row.lucid.iter().enumerate() {
            let mut run = Run { round, seconds: *seconds, ..Run::default() };
            run.figures.insert("µs an object".to_owned(), seconds * 1e6 / row.objects as f64);
            case.add(&format!("growth: {} objects", row.objects), Tool::Lucid.name(), run);
        }
    }
    case
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_become_a_case() {
        let figures: Figures = serde_json::from_str(
            r#"{"rows": [{"tree": "few", "bytes_in": 1, "bytes_out": 2000, "kustomize": [0.01, 0.02, 0.012], "lucid": [0.002, 0.001],
                "target": 5.0}], "growth": [{"objects": 1000, "lucid": [0.02]}]}"#,
        )
        .expect("figures");
        let case = case(&figures, Measured::default());
        let lucid = case.find("few", "lucid").expect("lucid");
        assert_eq!(lucid.runs[1].figures["times as fast"], 12.0);
        assert_eq!(case.find("few", KUSTOMIZE).expect("kustomize").runs.len(), 3);
        assert_eq!(case.find("growth: 1000 objects", "lucid").expect("growth").runs[0].figures["µs an object"], 20.0);
    }
}
