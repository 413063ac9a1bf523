//! GitHub's workflows beside actionlint, which knows their syntax, expressions and contexts, and hands each step's shell to
//! shellcheck; the scripts that they call go there directly. zizmor looks for what an attacker could do with them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::run;
use crate::root::root;
use crate::tools::{self, shellcheck, zizmor};

/// What actionlint does not know yet, each with the reason why it is right.
const IGNORED: [&str; 1] = [
    // GitHub keeps up to a hundred waiting runs with `queue: max`; without it a newer one throws the waiting one away.
    r#"unexpected key "queue" for "concurrency" section"#,
];

pub(super) fn check() -> Result<()> {
    tools::workflows()?;
    sees_a_mistake()?;
    actionlint()?;
    let scripts = scripts()?;
    run(Command::new(shellcheck::program()).arg("--severity=style").args(scripts).current_dir(root()))?;
    attacks()
}

/// What zizmor can see without a network; a token around it would make it look on the internet.
fn attacks() -> Result<()> {
    let mut zizmor = Command::new(zizmor::program());
    zizmor.args(["--offline", "--quiet", "--no-progress", ".github/workflows", "action.yml"]).current_dir(root());
    run(zizmor.env_remove("GH_TOKEN").env_remove("GITHUB_TOKEN").env_remove("ZIZMOR_GITHUB_TOKEN"))
}

fn actionlint() -> Result<()> {
    let mut actionlint = Command::new(tools::path("actionlint"));
    actionlint.arg("-no-color").arg("-shellcheck").arg(shellcheck::program()).current_dir(root());
    for pattern in IGNORED {
        actionlint.args(["-ignore", pattern]);
    }
    run(&mut actionlint)
}

/// actionlint says nothing when it cannot start shellcheck.
fn sees_a_mistake() -> Result<()> {
    let file = std::env::temp_dir().join(format!("lucid-shell-{}.yml", std::process::id()));
    let step = "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n    - run: cd $HOME/$1\n";
    fs::write(&file, step).with_context(|| format!("write {}", file.display()))?;
    let mut actionlint = Command::new(tools::path("actionlint"));
    let said = actionlint.args(["-no-color", "-shellcheck"]).arg(shellcheck::program()).arg(&file).output();
    fs::remove_file(&file)?;
    let said = String::from_utf8_lossy(&said?.stdout).into_owned();
    if said.contains("SC2086") { Ok(()) } else { bail!("shellcheck is not asked about steps: {said:?}") }
}

/// Every program in `.github/scripts`, and what CI runs.
fn scripts() -> Result<Vec<PathBuf>> {
    let folder = root().join(".github/scripts");
    let entries = fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))?;
    let mut scripts = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    scripts.push(root().join(".ci/run"));
    scripts.sort();
    Ok(scripts)
}
