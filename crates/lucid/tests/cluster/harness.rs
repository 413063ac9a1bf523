//! Setting the scene with kubectl, running `lucid`, and counting what it asked of the server.

use std::collections::BTreeMap;
use std::env;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// What `cargo xtask test cluster` told us about the cluster.
#[track_caller]
pub(crate) fn told(variable: &str) -> PathBuf {
    let value = env::var_os(variable);
    value.unwrap_or_else(|| panic!("{variable} is not set: run these tests with `cargo xtask test cluster`")).into()
}

/// The cluster's folder: logs, kubeconfigs, `audit.log`.
#[track_caller]
pub(crate) fn dir() -> PathBuf {
    told("LUCID_TEST_DIR")
}

/// The kubeconfig of one of the cluster's users: `admin`, `lucid`, `bench`, `guest`.
#[track_caller]
pub(crate) fn kubeconfig(user: &str) -> PathBuf {
    dir().join(format!("{user}.kubeconfig"))
}

/// kubectl as the administrator, whose requests are not counted.
#[track_caller]
pub(crate) fn kubectl_command() -> Command {
    let mut kubectl = Command::new(told("LUCID_TEST_TOOLS").join("kubectl"));
    kubectl.arg("--kubeconfig").arg(kubeconfig("admin"));
    kubectl
}

/// What kubectl prints; the test fails when it does.
#[track_caller]
pub(crate) fn kubectl(args: &[&str]) -> String {
    success(kubectl_command().args(args).output().expect("start kubectl"), args)
}

/// Applies objects given as JSON.
#[track_caller]
pub(crate) fn apply(namespace: &str, objects: &Value) {
    let mut kubectl = kubectl_command();
    kubectl.args(["apply", "--server-side", "-n", namespace, "-f", "-"]);
    let mut child =
        kubectl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start kubectl");
    child.stdin.take().expect("piped").write_all(objects.to_string().as_bytes()).expect("write to kubectl");
    success(child.wait_with_output().expect("kubectl"), &["apply"]);
}

/// One object, or a list, as JSON.
#[track_caller]
pub(crate) fn get(namespace: &str, args: &[&str]) -> Value {
    let mut all = vec!["get", "-n", namespace, "-o", "json"];
    all.extend(args);
    serde_json::from_str(&kubectl(&all)).expect("JSON from kubectl")
}

#[track_caller]
fn success(output: Output, args: &[&str]) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{args:?}: {}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr));
    text
}

/// A namespace of the test's own, deleted when it goes out of scope.
pub(crate) struct Namespace(pub(crate) String);

impl Namespace {
    #[track_caller]
    pub(crate) fn new(prefix: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{prefix}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        kubectl(&["create", "namespace", &name]);
        let made = Self(name);
        // Pods cannot be admitted before.
        kubectl(&["wait", "--for=create", "--timeout=20s", "-n", &made.0, "serviceaccount/default"]);
        made
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = kubectl_command().args(["delete", "namespace", &self.0, "--wait=false"]).output();
    }
}

/// Asks again and again until there is an answer. Bounded: the test fails when there is none in time.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, within: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < within, "{what}: not within {within:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The end of the audit log at some moment: what is counted is what came after.
pub(crate) struct AuditMark(u64);

impl AuditMark {
    pub(crate) fn now() -> Self {
        Self(File::open(dir().join("audit.log")).and_then(|f| f.metadata()).map_or(0, |m| m.len()))
    }

    /// How often the user sent each verb (`get`, `list`, `watch`, `patch`, `create`, …) since the mark.
    pub(crate) fn requests(&self, user: &str) -> BTreeMap<String, usize> {
        let mut text = String::new();
        let mut log = File::open(dir().join("audit.log")).expect("open audit.log");
        log.seek(SeekFrom::Start(self.0)).expect("seek in audit.log");
        log.read_to_string(&mut text).expect("read audit.log");
        let mut verbs = BTreeMap::new();
        for event in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            // A watch counts when it starts; proxied requests are logged twice too, and count when they end.
            let stage = if event["verb"] == "watch" { "ResponseStarted" } else { "ResponseComplete" };
            if event["user"]["username"] == user && event["stage"] == stage {
                *verbs.entry(event["verb"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
            }
        }
        verbs
    }
}
