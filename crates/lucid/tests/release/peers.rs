//! Beside the real kustomize 5.8.2, byte for byte and without a warning, and under kube-score: nothing critical without a
//! written reason.
//!
//! The programs are those of `LUCID_TEST_TOOLS`, which the cluster suite sets, else of `target/tools` if
//! `cargo xtask tools` has run; with neither, only the cluster suite has these tests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::manifests::{Release, folders, root, tree};

fn tool(name: &str) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("LUCID_TEST_TOOLS") {
        let program = Path::new(&folder).join(name);
        assert!(program.exists(), "{} does not exist", program.display());
        return Some(program);
    }
    Some(root().join("target/tools").join(name)).filter(|program| program.exists())
}

/// The tree of manifests, variants included, on disk for as long as it is needed.
struct OnDisk(PathBuf);

impl OnDisk {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("lucid-release-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        for (path, text) in tree() {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("make a folder");
            std::fs::write(path, text).expect("write a manifest");
        }
        Self(folder)
    }
}

impl Drop for OnDisk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn kustomize_prints_the_same_bytes_and_warns_of_nothing() {
    let Some(kustomize) = tool("kustomize") else { return };
    let tree = OnDisk::new();
    for folder in folders() {
        let output = Command::new(&kustomize).arg("build").arg(tree.0.join(&folder)).output().expect("kustomize runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{folder}: {}\n{said}", output.status);
        let ours = Release::of(&folder);
        let warns = ours.rendered.warnings.iter().any(|finding| finding.severity > lucid_object::Severity::Advice);
        assert!(!warns, "{folder}: {:?}", ours.rendered.warnings);
        let theirs = String::from_utf8(output.stdout).expect("UTF-8");
        let difference = theirs.lines().zip(ours.rendered.to_yaml().lines()).enumerate().find(|(_, (a, b))| a != b);
        assert_eq!(difference, None, "{folder}: the first line that differs");
        assert_eq!(theirs.len(), ours.rendered.to_yaml().len(), "{folder}: one of them prints more");
    }
}

/// What kube-score calls critical and we keep: the check, the one object that may fail it (any when empty), and why.
pub(crate) const EXCUSED: [(&str, &str, &str); 3] = [
    (
        "container-image-pull-policy",
        "",
        "images are deployed by digest, so the node's copy is the image; a pod must be able to start again while the \
         registry is away",
    ),
    (
        "pod-probes-identical",
        "",
        "the services have one health endpoint, and the databases one ping; liveness waits a minute or more for it where \
         readiness reacts within ten seconds, which a test holds",
    ),
    (
        "service-targets-pod",
        "lucid-redis",
        "with replicas, writes go to the first pod, by the label `apps.kubernetes.io/pod-index` that the StatefulSet \
         controller sets and no manifest shows",
    ),
];

/// kube-score's grade for what must be mended.
const CRITICAL: u64 = 1;

#[test]
fn kube_score_finds_nothing_critical_that_is_not_excused() {
    let Some(kube_score) = tool("kube-score") else { return };
    let tree = OnDisk::new();
    let (mut unexcused, mut used) = (Vec::new(), BTreeSet::new());
    for folder in folders() {
        let manifest = tree.0.join("rendered.yaml");
        std::fs::write(&manifest, Release::of(&folder).rendered.to_yaml()).expect("write what was rendered");
        let mut command = Command::new(&kube_score);
        command.args(["score", "--kubernetes-version", "v1.37", "--output-format", "json"]).arg(&manifest);
        let output = command.output().expect("kube-score runs");
        let scored: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{folder}: {error}: {}", String::from_utf8_lossy(&output.stderr)));
        let objects = scored.as_array().expect("a list of objects");
        assert!(objects.len() > 100, "{folder}: only {} objects are scored", objects.len());
        for (object, check) in objects.iter().flat_map(criticals) {
            match EXCUSED.iter().position(|(id, name, _)| check == *id && (name.is_empty() || object == *name)) {
                Some(index) => _ = used.insert(index),
                None => unexcused.push(format!("{folder}: {object}: {check}")),
            }
        }
    }
    assert!(unexcused.is_empty(), "{}", unexcused.join("\n"));
    assert_eq!(used.len(), EXCUSED.len(), "excuses for what is not found any more");
}

/// Name and check of everything that is critical about one object.
fn criticals(object: &Value) -> impl Iterator<Item = (&str, &str)> {
    let name = object["object_meta"]["name"].as_str().unwrap_or_default();
    let checks = object["checks"].as_array().into_iter().flatten();
    let critical = checks
        .filter(|check| check["skipped"] == false && check["grade"].as_u64().is_some_and(|grade| grade <= CRITICAL));
    critical.map(move |check| (name, check["check"]["id"].as_str().unwrap_or_default()))
}
