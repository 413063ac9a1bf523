//! The action that other repositories use: what it may contain, and its script run for real.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn action() -> Value {
    serde_saphyr::from_str(include_str!("../../../../action.yml")).expect("YAML")
}

fn steps() -> Vec<Value> {
    action()["runs"]["steps"].as_array().expect("steps").clone()
}

#[test]
fn no_step_has_foreign_text_in_its_script_or_an_action_that_is_not_pinned() {
    assert_eq!(action()["runs"]["using"], "composite");
    for step in steps() {
        let script = step["run"].as_str().expect("every step is a script");
        assert!(!script.contains("${{"), "{script}");
        assert_eq!(step["shell"], "bash");
        assert!(step["uses"].is_null(), "pin it by commit, and hold it here");
    }
}

#[test]
fn every_output_comes_from_a_step_that_is_there() {
    let text = fs::read_to_string(root().join(".github/scripts/run-lucid")).expect("script");
    for (name, output) in action()["outputs"].as_object().expect("outputs") {
        assert_eq!(output["value"], format!("${{{{ steps.run.outputs.{name} }}}}"));
        assert!(text.contains(&format!("echo \"{name}=")), "{name}");
    }
    assert!(steps().iter().any(|step| step["id"] == "run"));
}

/// The action's last step with a program in lucid's place that prints each of its arguments on a line.
fn run(name: &str, arguments: &str) -> (Output, String) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("action-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("folder");
    let lucid = folder.join("lucid");
    fs::write(&lucid, "#!/usr/bin/env bash\nprintf '<%s>\\n' \"$@\"\nexit 3\n").expect("write");
    fs::set_permissions(&lucid, fs::Permissions::from_mode(0o755)).expect("mode");
    let steps = steps();
    let script = steps.last().and_then(|step| step["run"].as_str()).expect("a script");
    // As the runner starts `shell: bash`.
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]).current_dir(&folder);
    bash.env("SOURCE", root()).env("LUCID", &lucid).env("ARGUMENTS", arguments);
    bash.env("GITHUB_OUTPUT", folder.join("output")).env("GITHUB_STEP_SUMMARY", folder.join("summary"));
    let output = bash.output().expect("run");
    let outputs = fs::read_to_string(folder.join("output")).unwrap_or_default();
    fs::remove_dir_all(&folder).expect("remove");
    (output, outputs)
}

#[test]
fn each_line_is_one_argument_and_none_of_it_is_run() {
    let (output, outputs) = run("lines", "deploy\nproduction\n\n--reason=$(touch x) `y` \"z\" *\n");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said, "<deploy>\n<production>\n<--reason=$(touch x) `y` \"z\" *>\n");
    assert_eq!(output.status.code(), Some(3));
    assert!(outputs.starts_with("code=3\nverdict=the deadline passed"), "{outputs}");
}

#[test]
fn nothing_to_run_is_refused() {
    let (output, outputs) = run("empty", "\n\n");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(outputs, "");
}
