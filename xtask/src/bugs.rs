//! Bugs of other tools, put into a copy of lucid one at a time: what the invariants do not notice, they do not guard.
//!
//! The copy holds all of them, each behind the name of an environment variable, so that it is compiled once. The judges
//! are tests that know of no bug: those of the crash matrix, the properties of any releases, and rehearsals.

mod catalogue;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{cargo, output, run, wait_within};
use crate::root::root;
use catalogue::Bug;

/// Turns a bug on, by its name.
pub(super) const SWITCH: &str = "LUCID_BUG";

/// Whoever has not come to an end by then is stuck, and that has been noticed.
const PATIENCE: Duration = Duration::from_secs(300);

/// A component of the smallest overlay that is a StatefulSet: one comes back from a broken revision in a way of its own.
const STATEFUL: &str = "mongodb";

/// What a dead process has created arrives when the next one is nearly through with bringing back what served before.
const LATE: &str = "Late(30), asleep: false, next: Back";

/// Processes whose machine stood still in the middle of a write, while another one brought back what served before.
const STOOD_STILL: &str = "asleep: true, next: Back, second: None";

/// Builds the copy and turns on one bug after the other; says how many were noticed, and by whom. The environment may name
/// the only ones that are meant, with commas between them.
pub(crate) fn suite() -> Result<String> {
    let bugs = catalogue::read()?;
    let meant = meant(&bugs)?;
    let copy = root().join("target/bugs/tree");
    copy_tree(&copy)?;
    bugs.iter().try_for_each(|bug| bug.put_into(&copy))?;
    let judges = Judges::build(&copy)?;
    if let Some(noticed) = judges.ask(None)? {
        bail!("without any bug, {} fails: {}", noticed.by, noticed.words);
    }
    let mut missed = Vec::new();
    for bug in &meant {
        let began = Instant::now();
        let noticed = judges.ask(Some(bug))?;
        let took = began.elapsed().as_secs();
        match noticed {
            Some(noticed) => println!("{:<36} {:<10} {took:>4} s  {}", bug.name, noticed.by, noticed.words),
            None => {
                println!("{:<36} NOT NOTICED in {took} s ({})", bug.name, bug.from);
                missed.push(bug.name.as_str());
            }
        }
    }
    match missed.is_empty() {
        true => Ok(format!("{} bugs of other tools put in one at a time, every one noticed", meant.len())),
        false => bail!("{} of {} bugs were not noticed: {}", missed.len(), meant.len(), missed.join(", ")),
    }
}

/// Those that the environment names, or all.
fn meant(bugs: &[Bug]) -> Result<Vec<&Bug>> {
    let Ok(names) = std::env::var(SWITCH) else { return Ok(bugs.iter().collect()) };
    let named = |name: &str| bugs.iter().find(|bug| bug.name == name);
    names.split(',').map(|name| named(name).with_context(|| format!("there is no bug {name}"))).collect()
}

/// What git knows, as it stands in the working tree.
fn copy_tree(copy: &Path) -> Result<()> {
    if copy.exists() {
        fs::remove_dir_all(copy).with_context(|| format!("remove {}", copy.display()))?;
    }
    let listed = output(
        Command::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root()),
    )?;
    for name in listed.split('\0').filter(|name| !name.is_empty()) {
        let (from, to) = (root().join(name), copy.join(name));
        if !from.is_file() {
            continue;
        }
        fs::create_dir_all(to.parent().context("a file has a folder")?)?;
        fs::copy(&from, &to).with_context(|| format!("copy {name}"))?;
        // What has not changed is not compiled again.
        fs::File::options().write(true).open(&to)?.set_modified(fs::metadata(&from)?.modified()?)?;
    }
    Ok(())
}

/// Programs that fail when something is wrong, the quickest first.
struct Judges {
    folder: PathBuf,
    programs: Vec<Judge>,
}

struct Judge {
    name: &'static str,
    program: PathBuf,
    args: Vec<&'static str>,
    /// Which scenarios of the crash matrix, if not the drawn ones.
    crashes: Option<&'static str>,
}

/// Who has noticed that something is wrong, and how it was said.
struct Noticed {
    by: &'static str,
    words: String,
}

impl Judges {
    fn build(copy: &Path) -> Result<Self> {
        let target = root().join("target/bugs/build");
        let mut build = cargo();
        build.args(["build", "--profile", "soak", "-p", "lucid"]).env("CARGO_TARGET_DIR", &target);
        run(build.current_dir(copy))?;
        let crash = test_program(copy, &target, "lucid-deploy", "crash")?;
        let sim = test_program(copy, &target, "lucid", "sim")?;
        let lucid = target.join("soak/lucid");
        let judge = |name, program: &Path, args: &[&'static str]| Judge {
            name,
            program: program.to_owned(),
            args: args.to_vec(),
            crashes: None,
        };
        let programs = vec![
            judge("properties", &sim, &["properties::"]),
            judge("rehearsal", &lucid, &["rehearse", "minimal", "--progress", "quiet"]),
            judge("crashes", &crash, &["--nocapture"]),
            judge("exploring", &lucid, &["rehearse", "minimal", "--explore", "80", "--progress", "quiet"]),
            judge("broken set", &lucid, &["rehearse", "minimal", "--break", STATEFUL, "--progress", "quiet"]),
            Judge { crashes: Some(LATE), ..judge("latecomers", &crash, &["--nocapture"]) },
            Judge { crashes: Some(STOOD_STILL), ..judge("sleepers", &crash, &["--nocapture"]) },
        ];
        Ok(Self { folder: copy.to_owned(), programs })
    }

    /// The first that notices something.
    fn ask(&self, bug: Option<&Bug>) -> Result<Option<Noticed>> {
        for judge in &self.programs {
            let mut command = Command::new(&judge.program);
            command.args(&judge.args).current_dir(&self.folder).env("RUST_BACKTRACE", "0");
            command.envs(judge.crashes.map(|words| ("LUCID_CRASH", words)));
            command.env(SWITCH, bug.map_or("", |bug| &bug.name));
            if let Some(words) = failure(&mut command)? {
                return Ok(Some(Noticed { by: judge.name, words }));
            }
        }
        Ok(None)
    }
}

/// The program of a test target, built.
fn test_program(copy: &Path, target: &Path, package: &str, name: &str) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["test", "--no-run", "--profile", "soak", "-p", package, "--test", name, "--message-format=json"]);
    let told = output(command.env("CARGO_TARGET_DIR", target).current_dir(copy))?;
    let artifact = told.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let program = artifact
        .filter(|value| value["target"]["name"] == name && value["profile"]["test"] == true)
        .find_map(|value| value["executable"].as_str().map(PathBuf::from));
    program.with_context(|| format!("cargo names no program for the test {name}"))
}

/// What a program says when it fails; none if it succeeds. One that does not end has failed.
fn failure(command: &mut Command) -> Result<Option<String>> {
    let log = root().join("target/bugs/log");
    let file = fs::File::create(&log)?;
    let mut child = command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).spawn()?;
    let Some(status) = wait_within(&mut child, PATIENCE, |_| {})? else {
        child.kill()?;
        child.wait()?;
        return Ok(Some(format!("it did not end within {} s", PATIENCE.as_secs())));
    };
    if status.success() {
        return Ok(None);
    }
    Ok(Some(words(&String::from_utf8_lossy(&fs::read(&log)?))))
}

/// The line that says most: a broken rule, or what a panic says.
fn words(told: &str) -> String {
    const TELLING: [&str; 12] =
        ["I1:", "I2:", "I3:", "I4:", "I5:", "I8:", "I9:", "I13:", "I16:", "is orphaned", "called verified", "ended as"];
    let lines: Vec<&str> = told.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let rule = TELLING.iter().find_map(|word| lines.iter().find(|line| line.contains(word)));
    let panic = || lines.iter().position(|line| line.contains("panicked at")).and_then(|at| lines.get(at + 1));
    let error = || lines.iter().find(|line| line.starts_with("error"));
    rule.or_else(panic).or_else(error).or(lines.first()).map_or("", |line| line).chars().take(160).collect()
}
