//! `start-N`: N starts of each program that only says its version, and how large the program is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::case::{Case, Run};
use crate::folder;
use crate::machine::Measured;
use crate::meter::{self, Task};
use crate::scene::{Setup, turns};
use crate::tool::{Tool, quoted};

const STATE: &str = "says its version";
const PATIENCE: Duration = Duration::from_secs(120);

/// A program, and what makes it say its version.
struct Program {
    name: &'static str,
    path: PathBuf,
    args: &'static str,
}

pub(crate) async fn measure(setup: &Setup, starts: usize) -> Result<Case> {
    let mut case =
        Case::new(&format!("Start: {starts} times"), Measured::now(&format!("start-{starts}"), &setup.versions));
    case.about =
        vec!["Seconds and CPU are those of all starts together, with the shell's loop around them.".to_owned()];
    let others = [("kubectl", "version --client"), ("helm", "version"), ("kustomize", "version")];
    let others = others.into_iter().filter_map(|(name, args)| Some(Program { name, path: find(name)?, args }));
    let lucid = Program { name: Tool::Lucid.name(), path: setup.lucid.clone(), args: "version" };
    let programs: Vec<Program> = [lucid].into_iter().chain(others).collect();
    for program in &programs {
        case.setting(program.name, &format!("`{} {}`", program.name, program.args));
    }
    folder::fresh(&setup.folder)?;
    let all: Vec<usize> = (0..programs.len()).collect();
    for round in 0..setup.rounds {
        for which in turns(&all, round) {
            let program = &programs[which];
            let run = start(setup, program, starts, round).await?;
            println!("  round {}: {}: {}", round + 1, program.name, run.told());
            case.add(STATE, program.name, run);
        }
    }
    case.measured.done();
    Ok(case)
}

async fn start(setup: &Setup, program: &Program, starts: usize, round: usize) -> Result<Run> {
    let line = format!("{} {} >/dev/null\n", quoted(&program.path), program.args);
    let script = line.repeat(starts);
    let ran = meter::run(&Task { script: &script, folder: &setup.folder, patience: PATIENCE }).await?;
    let figures = BTreeMap::from([
        ("ms a start".to_owned(), ran.run(round).seconds * 1000.0 / starts as f64),
        ("program MB".to_owned(), megabytes(&program.path)?),
    ]);
    Ok(Run { figures, ..ran.run(round) })
}

fn megabytes(path: &Path) -> Result<f64> {
    let bytes = fs::metadata(path).with_context(|| format!("look at {}", path.display()))?.len();
    Ok(bytes as f64 / 1e6)
}

/// In `PATH`, where `cargo xtask bench` has put the tools.
fn find(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_in_the_path() {
        assert!(find("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(find("no-such-program"), None);
        assert!(megabytes(&find("sh").expect("sh")).expect("its size") > 0.0);
    }
}
