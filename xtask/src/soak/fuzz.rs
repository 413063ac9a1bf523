//! Fuzzing of the renderer with libFuzzer, steered by coverage, for a bounded time a target. What is collected goes into
//! `crates/lucid-kustomize/tests/fuzz` and is replayed by every test run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

use crate::process::{cargo, output, run};
use crate::root::{root, target};

const TARGETS: [&str; 4] = ["yaml", "kustomization", "strategic", "json6902"];

/// What cargo-fuzz passes, without the sanitizers that only a nightly compiler has.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// Longer inputs find nothing that shorter ones do not, and are slow.
const LONGEST: usize = 4096;

/// Of each target; the shortest are kept. They are replayed in every test run, so there must not be too many.
const KEPT: usize = 1200;

/// Fuzzes every target; what was done, in words.
pub(crate) fn suite(minutes: u64) -> Result<String> {
    let program = build()?;
    let at_once = thread::available_parallelism().map_or(1, std::num::NonZero::get).min(TARGETS.len());
    let mut told = Vec::new();
    let mut failed = Vec::new();
    for group in TARGETS.chunks(at_once) {
        let results: Vec<Result<String>> = thread::scope(|scope| {
            let running: Vec<_> = group.iter().map(|name| scope.spawn(|| one(&program, name, minutes * 60))).collect();
            running.into_iter().map(|one| one.join().unwrap_or_else(|_| bail!("the thread panicked"))).collect()
        });
        for (name, result) in group.iter().zip(results) {
            match result {
                Ok(words) => told.push(words),
                Err(error) => failed.push(format!("{name}: {error:#}")),
            }
        }
    }
    match failed.is_empty() {
        true => Ok(format!("{minutes} min each: {}", told.join("; "))),
        false => bail!("{}", failed.join("; ")),
    }
}

fn build() -> Result<PathBuf> {
    println!("building the fuzzer");
    let version = output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let folder = target().join("fuzz/build");
    let mut build = cargo();
    build.args(["build", "--release", "--quiet", "--target", host, "--target-dir"]).arg(&folder);
    build.arg("--manifest-path").arg(root().join("crates/lucid-kustomize/fuzz/Cargo.toml"));
    // With a target named, build scripts are compiled without the counters, which nothing would define there.
    run(build.env("RUSTFLAGS", FLAGS))?;
    Ok(folder.join(host).join("release/lucid-kustomize-fuzz"))
}

fn one(program: &Path, name: &str, seconds: u64) -> Result<String> {
    let folder = target().join("fuzz").join(name);
    let (found, kept) = (folder.join("found"), folder.join("kept"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&found)?;
    fs::create_dir_all(&kept)?;
    let pack = root().join(format!("crates/lucid-kustomize/tests/fuzz/{name}.jsonl"));
    let old = read(&pack)?;
    for (number, input) in old.iter().cloned().chain(seeds(name)?).enumerate() {
        fs::write(found.join(format!("{number:05}")), input)?;
    }
    let log = folder.join("log");
    let mut fuzzer = fuzzer(program, name, &log)?;
    fuzzer.arg(format!("-max_total_time={seconds}")).arg(format!("-artifact_prefix={}/", folder.display()));
    fuzzer.arg(format!("-dict={}", root().join("crates/lucid-kustomize/fuzz/words.dict").display()));
    let status = fuzzer.arg(&found).status().context("start the fuzzer")?;
    if !status.success() {
        let mut inputs = old;
        let artifacts = broken(&folder)?;
        inputs.extend(artifacts.iter().map(|(_, input)| input.clone()));
        write(&pack, inputs)?;
        let names: Vec<&str> = artifacts.iter().map(|(name, _)| name.as_str()).collect();
        bail!("{status}: {} (also in {}; log in {})", names.join(", "), pack.display(), log.display());
    }
    // The smallest set that reaches as much.
    run(self::fuzzer(program, name, &folder.join("merge-log"))?.arg("-merge=1").arg(&kept).arg(&found))?;
    let inputs: Vec<Vec<u8>> = files(&kept)?;
    let count = inputs.len();
    write(&pack, inputs)?;
    let runs = fs::read_to_string(&log)?.lines().rev().find_map(executed).unwrap_or_default();
    Ok(format!("{name} {runs} inputs tried, {count} kept"))
}

/// One fuzzer, with the bounds that hold for every input.
fn fuzzer(program: &Path, name: &str, log: &Path) -> Result<Command> {
    let mut fuzzer = Command::new(program);
    fuzzer.env("LUCID_FUZZ_TARGET", name).arg(format!("-max_len={LONGEST}"));
    fuzzer.args(["-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1"]);
    fuzzer.stdout(Stdio::null()).stderr(fs::File::create(log)?);
    Ok(fuzzer)
}

/// `stat::number_of_executed_units: 1234`.
fn executed(line: &str) -> Option<u64> {
    line.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok()
}

/// Where to begin: the files of the corpus that fit the target.
fn seeds(name: &str) -> Result<Vec<Vec<u8>>> {
    let mut seeds = BTreeSet::new();
    let corpus = root().join("crates/lucid-kustomize/tests/corpus");
    for folder in fs::read_dir(&corpus)? {
        for case in fs::read_dir(folder?.path())? {
            let text = fs::read_to_string(case?.path())?;
            seeds.extend(
                sections(&text).filter(|(path, text)| fits(name, path, text)).map(|(_, text)| text.into_bytes()),
            );
        }
    }
    Ok(seeds.into_iter().filter(|seed| seed.len() <= LONGEST).collect())
}

/// The files of a case, which stand under `-- path --` lines.
fn sections(case: &str) -> impl Iterator<Item = (String, String)> {
    case.split("\n-- ").filter_map(|section| {
        let (head, text) = section.split_once(" --\n")?;
        Some((head.trim_start_matches("-- ").to_owned(), format!("{text}\n")))
    })
}

fn fits(target: &str, path: &str, text: &str) -> bool {
    let is_kustomization = path.contains("ustomization");
    match target {
        "kustomization" => is_kustomization,
        "strategic" => !is_kustomization && text.contains("kind:"),
        "json6902" => !is_kustomization && text.contains("op"),
        _ => !path.starts_with("expected.error"),
    }
}

fn broken(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut broken = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if ["crash-", "timeout-", "oom-", "leak-"].iter().any(|kind| name.starts_with(kind)) {
            broken.push((name, fs::read(entry.path())?));
        }
    }
    Ok(broken)
}

fn files(folder: &Path) -> Result<Vec<Vec<u8>>> {
    fs::read_dir(folder)?.map(|entry| Ok(fs::read(entry?.path())?)).collect()
}

/// One JSON string a line; its characters are the bytes.
fn read(pack: &Path) -> Result<Vec<Vec<u8>>> {
    let text = fs::read_to_string(pack).unwrap_or_default();
    let line = |line: &str| {
        let text: String = serde_json::from_str(line).with_context(|| format!("read {}", pack.display()))?;
        Ok(text.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect())
    };
    text.lines().map(line).collect()
}

fn write(pack: &Path, mut inputs: Vec<Vec<u8>>) -> Result<()> {
    inputs.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    inputs.dedup();
    inputs.truncate(KEPT);
    let line = |input: &Vec<u8>| {
        let text: String = input.iter().map(|byte| char::from(*byte)).collect();
        format!("{}\n", serde_json::Value::String(text))
    };
    let text: String = inputs.iter().map(line).collect();
    fs::write(pack, text).with_context(|| format!("write {}", pack.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_keeps_every_byte() {
        let path = std::env::temp_dir().join(format!("lucid-pack-{}", std::process::id()));
        let inputs: Vec<Vec<u8>> = vec![(0..=255).collect(), b"a\n\"b\"".to_vec()];
        write(&path, inputs.clone()).expect("it is written");
        let mut read = read(&path).expect("it is read");
        read.reverse();
        fs::remove_file(&path).expect("it is there");
        assert_eq!(read, inputs);
    }

    #[test]
    fn cases_are_taken_apart() {
        let case = "# says: x\n-- kustomization.yaml --\nresources: [a.yaml]\n-- a.yaml --\nkind: X\n-- expected.error --\nno\n";
        let found: Vec<(String, String)> = sections(case).collect();
        let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["kustomization.yaml", "a.yaml", "expected.error"]);
        assert!(fits("kustomization", &found[0].0, &found[0].1) && fits("strategic", &found[1].0, &found[1].1));
        assert!(!fits("yaml", &found[2].0, &found[2].1));
    }
}
