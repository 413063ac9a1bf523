//! What the scripts do: exit codes, signals, and whom they tell.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.github/scripts").join(name)
}

/// A folder of its own for each test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pipeline-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("folder");
    folder
}

fn program(path: &Path, text: &str) {
    fs::write(path, format!("#!/usr/bin/env bash\n{text}\n")).expect("write");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("mode");
}

fn run_lucid(folder: &Path, lucid: &str, command: &str) -> Command {
    program(&folder.join("lucid"), lucid);
    // Whoever started the tests may have SIGINT ignored, as shells do for what runs in the background; a shell that
    // inherits that cannot trap it.
    let mut run = Command::new("env");
    run.arg("--default-signal=INT").arg(script("run-lucid")).arg(command).env("LUCID", folder.join("lucid"));
    run.env("GITHUB_OUTPUT", folder.join("output")).env("GITHUB_STEP_SUMMARY", folder.join("summary"));
    run
}

#[track_caller]
fn check_code(command: &str, code: i32, expect: i32, says: &str) {
    let folder = folder(&format!("code-{command}-{code}"));
    let output = run_lucid(&folder, &format!("exit {code}"), command).output().expect("run");
    assert_eq!(output.status.code(), Some(expect), "lucid {command} with {code}");
    let outputs = fs::read_to_string(folder.join("output")).expect("outputs");
    assert!(outputs.starts_with(&format!("code={code}\nverdict=")), "{outputs}");
    let summary = fs::read_to_string(folder.join("summary")).expect("summary");
    assert!(summary.contains(says) && outputs.contains(says), "{summary}");
    assert_eq!(String::from_utf8_lossy(&output.stderr).contains("::error"), expect != 0);
    fs::remove_dir_all(&folder).expect("remove");
}

#[test]
fn each_exit_code_has_its_meaning_and_only_success_passes() {
    check_code("deploy", 0, 0, "done");
    check_code("deploy", 1, 1, "rolled back or stopped");
    check_code("deploy", 2, 2, "error findings");
    check_code("deploy", 3, 3, "deadline");
    check_code("deploy", 4, 4, "unknown");
    check_code("deploy", 5, 5, "refused before any change");
    check_code("health", 7, 7, "in part");
    check_code("deploy", 8, 8, "a person is needed");
    check_code("deploy", 143, 143, "stopped");
    check_code("deploy", 101, 101, "unexpected");
}

#[test]
fn changes_are_good_news_of_a_plan_only() {
    check_code("plan", 6, 0, "has changes");
    check_code("deploy", 6, 6, "has changes");
}

#[test]
fn every_documented_exit_code_is_known_to_the_script() {
    let table = include_str!("../../../../docs/reference/exit-codes.md");
    let codes = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse::<u8>().ok());
    let text = fs::read_to_string(script("run-lucid")).expect("script");
    let codes: Vec<u8> = codes.collect();
    assert!(codes.len() >= 11, "{codes:?}");
    for code in codes {
        let known = text.lines().any(|line| {
            let pattern = line.trim().split(')').next().unwrap_or_default();
            line.contains("verdict=") && pattern.split(" | ").any(|one| one == code.to_string())
        });
        assert!(known, "{code}");
    }
}

#[test]
fn a_cancelled_step_waits_until_lucid_has_stopped_in_order() {
    let folder = folder("signal");
    let lucid = format!(
        "trap 'sleep 0.3; touch {0}/tidied; exit 143' TERM\ntouch {0}/running\nwhile true; do sleep 0.05; done",
        folder.display()
    );
    let mut run =
        run_lucid(&folder, &lucid, "deploy").stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("run");
    let began = Instant::now();
    while !folder.join("running").exists() {
        assert!(began.elapsed() < Duration::from_secs(20), "the program never started");
        std::thread::sleep(Duration::from_millis(20));
    }
    let killed = Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    assert_eq!(run.wait().expect("wait").code(), Some(143));
    assert!(folder.join("tidied").exists(), "lucid was left behind");
    assert!(fs::read_to_string(folder.join("output")).expect("outputs").contains("code=143"));
    fs::remove_dir_all(&folder).expect("remove");
}

/// A program in lucid's place notes what it was given.
fn notify(folder: &Path, lucid: &str, variables: &[(&str, &str)]) -> Output {
    program(&folder.join("lucid"), &format!("printf '%s\\n' \"$@\" > {}/args\n{lucid}", folder.display()));
    let mut notify = Command::new(script("notify"));
    notify.current_dir(folder).env("LUCID", folder.join("lucid")).env("EVENT", "failure");
    notify.env("ENVIRONMENT", "production").env("REASON", "a \"quoted\" $(reason)").env("RUN", "https://ci.example/1");
    notify.envs(variables.iter().copied()).output().expect("run")
}

fn arguments(folder: &Path) -> Vec<String> {
    fs::read_to_string(folder.join("args")).expect("args").lines().map(str::to_owned).collect()
}

#[test]
fn what_is_known_of_a_run_is_told_and_no_word_of_it_is_run() {
    let folder = folder("notify");
    assert!(notify(&folder, "exit 0", &[]).status.success());
    let plain = ["notify", "failure", "production", "--reason=a \"quoted\" $(reason)", "--link=https://ci.example/1"];
    assert_eq!(arguments(&folder), plain);
    fs::write(folder.join("result.json"), "{}").expect("write");
    assert!(notify(&folder, "exit 0", &[("COMPONENT", "redis"), ("VERDICT", "-- went back")]).status.success());
    let more = ["--component=redis", "--detail=-- went back", "--result", "result.json"];
    assert_eq!(arguments(&folder)[3..7], more);
    fs::remove_dir_all(&folder).expect("remove");
}

#[test]
fn a_message_that_does_not_arrive_is_a_warning() {
    let folder = folder("notify-fails");
    let output = notify(&folder, "exit 1", &[]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("::warning title=lucid notify::not everybody was told"));
    let without = notify(&folder, "exit 0", &[("LUCID", "/nowhere/lucid")]);
    assert!(without.status.success());
    assert!(String::from_utf8_lossy(&without.stdout).contains("nobody was told"));
    fs::remove_dir_all(&folder).expect("remove");
}
