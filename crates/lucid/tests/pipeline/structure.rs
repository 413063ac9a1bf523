//! What every workflow keeps: rights, limits, pinned actions, no foreign text in a script; and who waits for whom.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn parse(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("YAML")
}

fn workflows() -> Vec<(String, Value)> {
    let files = fs::read_dir(root().join(".github/workflows")).expect("workflows");
    let files = files.map(|file| file.expect("file").path());
    files.map(|path| (path.display().to_string(), parse(&fs::read_to_string(&path).expect("read")))).collect()
}

fn deploy() -> Value {
    parse(include_str!("../../../../.github/workflows/deploy-production.yml"))
}

fn jobs(workflow: &Value) -> impl Iterator<Item = (&String, &Value)> {
    workflow["jobs"].as_object().expect("jobs").iter()
}

fn steps(job: &Value) -> impl Iterator<Item = &Value> {
    job["steps"].as_array().expect("steps").iter()
}

fn pinned(action: &str) -> bool {
    action.split_once('@').is_some_and(|(_, at)| at.len() == 40 && at.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// What is wrong with a workflow, in words.
fn faults(workflow: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if workflow["permissions"].as_object().is_none_or(|granted| !granted.is_empty()) {
        faults.push("the workflow does not begin with no permissions".to_owned());
    }
    if workflow["concurrency"]["group"].as_str().is_none() {
        faults.push("no concurrency group".to_owned());
    }
    for (name, job) in jobs(workflow) {
        if job["timeout-minutes"].as_u64().is_none() {
            faults.push(format!("{name}: no timeout"));
        }
        match job["permissions"].as_object() {
            None => faults.push(format!("{name}: no permissions")),
            // A release belongs to the repository; whoever publishes one is approved by its environment.
            Some(_) if name == "publish" && job["environment"] == "release" => {}
            Some(granted) if granted.get("contents").is_some_and(|contents| contents != "read") => {
                faults.push(format!("{name}: may write to the repository"));
            }
            Some(_) => {}
        }
        for step in steps(job) {
            if let Some(action) = step["uses"].as_str() {
                if !pinned(action) {
                    faults.push(format!("{name}: {action} is not pinned"));
                }
                if action.starts_with("actions/checkout@") && step["with"]["persist-credentials"] != Value::Bool(false)
                {
                    faults.push(format!("{name}: the checkout leaves its credential behind"));
                }
            }
            if let Some(run) = step["run"].as_str() {
                if run.contains("${{") {
                    faults.push(format!("{name}: an expression inside a script"));
                }
                if step["continue-on-error"] == Value::Bool(true) {
                    faults.push(format!("{name}: a failure is swallowed"));
                }
            }
        }
    }
    faults
}

#[test]
fn every_workflow_keeps_the_rules() {
    let all = workflows();
    assert!(all.len() >= 3);
    for (path, workflow) in all {
        assert_eq!(faults(&workflow), Vec::<String>::new(), "{path}");
    }
}

#[test]
fn a_workflow_that_breaks_each_rule_is_told_each() {
    let bad = parse(
        "permissions: write-all\njobs:\n  a:\n    steps:\n    - uses: actions/checkout@v4\n    - run: echo ${{ inputs.reason }}\n      \
         continue-on-error: true\n  b:\n    timeout-minutes: 1\n    permissions: {contents: write}\n    steps: []\n",
    );
    assert_eq!(faults(&bad).len(), 9, "{:#?}", faults(&bad));
}

#[test]
fn only_those_who_must_may_push_sign_or_log_in() {
    let workflow = deploy();
    let with = |right: &str| -> Vec<String> {
        let having = jobs(&workflow).filter(|(_, job)| job["permissions"][right] == "write");
        let mut names: Vec<String> = having.map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    };
    assert_eq!(with("packages"), ["build", "index"]);
    assert_eq!(with("attestations"), ["index"]);
    assert_eq!(with("id-token"), ["deploy", "index", "plan", "rollback"]);
}

/// A release is published whole, of this tag, and proven.
#[test]
fn a_release_has_every_platform_and_is_published_last() {
    let workflow = parse(include_str!("../../../../.github/workflows/release.yml"));
    assert_eq!(workflow["on"], serde_json::json!({"push": {"tags": ["v*"]}}));
    let made = workflow["jobs"]["build"]["strategy"]["matrix"]["include"].as_array().expect("platforms");
    let mut made: Vec<&str> = made.iter().map(|one| one["target"].as_str().expect("a target")).collect();
    made.sort_unstable();
    // The table of `cargo xtask dist`.
    let table = include_str!("../../../../xtask/src/dist/target.rs");
    let mut known: Vec<&str> =
        table.split("triple: \"").skip(1).map(|rest| rest.split('"').next().expect("a name")).collect();
    known.sort_unstable();
    assert_eq!(made, known);
    let publish = &workflow["jobs"]["publish"];
    assert_eq!(publish["needs"], serde_json::json!(["build", "index"]));
    let script = steps(publish).last().expect("a step")["run"].as_str().expect("a script");
    let order = ["--draft --verify-tag", "gh release upload", "--draft=false"].map(|part| script.find(part));
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{script}");
    for job in ["build", "publish"] {
        let runs: Vec<&str> = steps(&workflow["jobs"][job]).filter_map(|step| step["run"].as_str()).collect();
        assert!(runs.iter().any(|run| run.contains("--tag \"$GITHUB_REF_NAME\"")), "{job}: {runs:?}");
    }
    let writers: Vec<&String> =
        jobs(&workflow).filter(|(_, job)| job["permissions"]["contents"] == "write").map(|(name, _)| name).collect();
    assert_eq!(writers, ["publish"]);
}

#[test]
fn who_waits_for_whom() {
    let workflow = deploy();
    let needs = |job: &str| match &workflow["jobs"][job]["needs"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().map(|one| one.as_str().expect("name").to_owned()).collect(),
        _ => Vec::new(),
    };
    for (job, expect) in [
        ("check", &[][..]),
        ("build", &["check"][..]),
        ("index", &["build"][..]),
        ("plan", &["check", "index"][..]),
        ("deploy", &["check", "index", "plan"][..]),
        ("rollback", &["check"][..]),
        ("notify", &["check", "build", "index", "plan", "deploy", "rollback"][..]),
    ] {
        assert_eq!(needs(job), expect, "{job}");
    }
    let condition = |job: &str| workflow["jobs"][job]["if"].as_str().unwrap_or_default().to_owned();
    assert!(
        condition("deploy").contains("needs.plan.outputs.code == '6'")
            && condition("deploy").contains("!inputs.dry_run")
    );
    assert!(
        condition("plan").contains("needs.check.result == 'success'") && condition("plan").contains("!cancelled()")
    );
    assert!(condition("notify").contains("always()"));
}

#[test]
fn what_changes_the_cluster_waits_for_an_approval() {
    let workflow = deploy();
    for job in ["deploy", "rollback"] {
        assert_eq!(workflow["jobs"][job]["environment"], "${{ inputs.environment }}", "{job}");
    }
    assert_eq!(workflow["concurrency"]["cancel-in-progress"], Value::Bool(false));
    assert_eq!(workflow["concurrency"]["queue"], "max");
}

#[test]
fn nothing_happens_unless_it_is_asked_for() {
    let workflow = deploy();
    for door in ["workflow_dispatch", "workflow_call"] {
        let inputs = &workflow["on"][door]["inputs"];
        assert_eq!(inputs["dry_run"]["default"], Value::Bool(true), "{door}");
        assert_eq!(inputs["auto_rollback"]["default"], Value::Bool(true), "{door}");
        assert_eq!(inputs["reason"]["required"], Value::Bool(true), "{door}");
    }
    assert_eq!(workflow["on"]["workflow_dispatch"]["inputs"]["strategy"]["options"], serde_json::json!(["rolling"]));
    let names = |door: &str| -> BTreeSet<String> {
        workflow["on"][door]["inputs"].as_object().expect("inputs").keys().cloned().collect()
    };
    assert_eq!(names("workflow_dispatch"), names("workflow_call"));
}

/// The script of the step that refuses odd inputs, run with one of them changed.
#[track_caller]
fn check_input(name: &str, value: &str, passes: bool) {
    let workflow = deploy();
    let inputs = steps(&workflow["jobs"]["check"]).find(|step| step["name"] == "Inputs").expect("the step").clone();
    let mut bash = std::process::Command::new("bash");
    bash.args(["-e", "-c", inputs["run"].as_str().expect("a script")]).env("ENVIRONMENT", "production");
    for (variable, usual) in [("ACTION", "deploy"), ("STRATEGY", "rolling"), ("BAKE_MINUTES", "5")] {
        bash.env(variable, usual);
    }
    let known: Vec<&String> = inputs["env"].as_object().expect("inputs").keys().collect();
    assert!(name == "ENVIRONMENT" || known.iter().any(|known| *known == name), "{name} is not handed to the step");
    let output = bash.env(name, value).output().expect("bash runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(if passes { 0 } else { 2 }), "{name}={value}: {said}");
    assert_eq!(said.starts_with("::error::"), !passes, "{name}={value}: {said}");
}

#[test]
fn odd_inputs_are_refused_before_anything_is_built() {
    for minutes in ["0", "5", "20"] {
        check_input("BAKE_MINUTES", minutes, true);
    }
    for minutes in ["", "21", "05m", "-1", "1.5", "5; touch x", "100", "5\n"] {
        check_input("BAKE_MINUTES", minutes, false);
    }
    check_input("COMPONENT", "", true);
    check_input("COMPONENT", "api-gateway", true);
    check_input("COMPONENT", "$(touch x)", false);
    check_input("REVISION", "3", true);
    check_input("REVISION", "3 --force", false);
    check_input("STRATEGY", "canary", false);
    check_input("ENVIRONMENT", "elsewhere", false);
    check_input("ACTION", "destroy", false);
}

/// The longest that a deploy takes, watching and the way back included, ends before the runner ends it.
#[test]
fn there_is_time_to_watch_and_to_go_back() {
    let release = parse(&fs::read_to_string(root().join("lucid.yaml")).expect("lucid.yaml"));
    let deadline = release["spec"]["deadline"].as_str().and_then(|text| text.strip_suffix('m')).expect("minutes");
    let deadline: u64 = deadline.parse().expect("a number");
    let limit = deploy()["jobs"]["deploy"]["timeout-minutes"].as_u64().expect("a limit");
    assert!(deadline + 20 + deadline < limit, "{deadline} minutes there and back, and 20 between, in {limit}");
}

/// The workflow gives every image of the catalogue a digest, and a name that nobody runs would be refused.
#[test]
fn every_image_that_is_built_runs_in_every_place_that_is_deployed_to() {
    let release = parse(&fs::read_to_string(root().join("lucid.yaml")).expect("lucid.yaml"));
    let catalogue = release["spec"]["images"]["catalogue"].as_object().expect("catalogue");
    let digest = format!("sha256:{}", "ab".repeat(32));
    let lines: String = catalogue.keys().map(|name| format!("{name}={digest}\n")).collect();
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("images-{}.txt", std::process::id()));
    fs::write(&file, lines).expect("write");
    let places = deploy()["on"]["workflow_dispatch"]["inputs"]["environment"]["options"].clone();
    for place in places.as_array().expect("places") {
        let mut lucid = std::process::Command::new(env!("CARGO_BIN_EXE_lucid"));
        lucid.args(["render", place.as_str().expect("a name"), "--images"]).arg(&file).current_dir(root());
        let output = lucid.output().expect("lucid runs");
        assert!(output.status.success(), "{place}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let images: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with("image: ")).collect();
        assert!(images.len() >= catalogue.len(), "{images:?}");
        assert!(images.iter().all(|image| image.ends_with(&digest)), "{place}: {images:?}");
    }
    fs::remove_file(&file).expect("remove");
}

#[test]
fn the_contexts_that_are_built_are_those_of_the_catalogue() {
    let release = parse(&fs::read_to_string(root().join("lucid.yaml")).expect("lucid.yaml"));
    let catalogue = release["spec"]["images"]["catalogue"].as_object().expect("catalogue");
    let named: BTreeSet<&str> = catalogue.values().filter_map(|image| image["context"].as_str()).collect();
    let workflow = deploy();
    let matrix = workflow["jobs"]["build"]["strategy"]["matrix"]["context"].as_array().expect("contexts").clone();
    let built: BTreeSet<String> = matrix.iter().map(|c| format!("images/{}", c.as_str().expect("name"))).collect();
    assert_eq!(named, built.iter().map(String::as_str).collect());
    // Building is the default only when there is something to build.
    let there = built.iter().all(|context| root().join(context).join("Dockerfile").exists());
    let skipped = workflow["on"]["workflow_dispatch"]["inputs"]["skip_build"]["default"] == Value::Bool(true);
    assert_eq!(skipped, !there, "skip_build's default, and whether every context has its Dockerfile");
}
