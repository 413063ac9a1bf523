//! The manifests of the release as they are on disk, rendered with our own renderer.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use lucid_kustomize::{MemoryLoader, Options, Rendered, render};
use lucid_object::{Object, ObjectRef, Quantity};
use serde_json::Value;

/// The overlays of `lucid.yaml`.
pub(crate) const OVERLAYS: [&str; 4] = ["production", "staging", "minimal", "local"];

/// Components that no overlay uses, each put on top of one that it goes with.
pub(crate) const VARIANTS: [(&str, &str); 4] = [
    ("production", "gateway-api"),
    ("production", "external-secrets"),
    ("minimal", "sealed-secrets"),
    ("production", "api-server"),
];

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// `infrastructure/kubernetes`, with a kustomization for each variant: `variants/production+gateway-api`.
pub(crate) fn tree() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    read(&root().join("infrastructure/kubernetes"), "", &mut files);
    for (overlay, component) in VARIANTS {
        let text = format!(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- ../../overlays/{overlay}\n\
             components:\n- ../../components/{component}\n"
        );
        files.insert(format!("variants/{overlay}+{component}/kustomization.yaml"), text);
    }
    files
}

fn read(folder: &Path, at: &str, into: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("a folder of manifests") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|n| n.to_str()).expect("a name");
        let inside = if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") };
        match path.is_dir() {
            true => read(&path, &inside, into),
            false => _ = into.insert(inside, fs::read_to_string(&path).expect("a manifest")),
        }
    }
}

/// The folders that are rendered: every overlay, then every variant.
pub(crate) fn folders() -> Vec<String> {
    let overlays = OVERLAYS.iter().map(|name| format!("overlays/{name}"));
    overlays.chain(VARIANTS.iter().map(|(overlay, component)| format!("variants/{overlay}+{component}"))).collect()
}

/// One rendered folder of the tree.
pub(crate) struct Release {
    pub(crate) name: String,
    pub(crate) rendered: Rendered,
}

impl Release {
    /// Rendered once for all tests.
    #[track_caller]
    pub(crate) fn of(folder: &str) -> &'static Self {
        static ALL: LazyLock<BTreeMap<String, Release>> = LazyLock::new(render_all);
        ALL.get(folder).unwrap_or_else(|| panic!("no folder {folder}"))
    }

    pub(crate) fn overlay(name: &str) -> &'static Self {
        Self::of(&format!("overlays/{name}"))
    }

    pub(crate) fn overlays() -> impl Iterator<Item = &'static Self> {
        OVERLAYS.iter().map(|name| Self::overlay(name))
    }

    pub(crate) fn objects(&self) -> impl Iterator<Item = &Object> {
        self.rendered.objects.iter()
    }

    pub(crate) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Object> {
        self.objects().filter(move |object| object.kind() == kind)
    }

    /// Deployments and StatefulSets.
    pub(crate) fn workloads(&self) -> impl Iterator<Item = &Object> {
        self.objects().filter(|object| ["Deployment", "StatefulSet"].contains(&object.kind()))
    }

    /// Everything that makes pods.
    pub(crate) fn pod_makers(&self) -> impl Iterator<Item = &Object> {
        self.objects().filter(|object| object.pod_spec().is_some())
    }

    pub(crate) fn has(&self, kind: &str, namespace: Option<&str>, name: &str) -> bool {
        self.of_kind(kind).any(|object| object.namespace() == namespace && object.name() == name)
    }

    /// How many pods a workload has when nothing is under load: an autoscaler's minimum counts before `replicas`.
    pub(crate) fn replicas(&self, workload: &Object) -> u64 {
        let scaler = self.of_kind("HorizontalPodAutoscaler").find(|scaler| {
            scaler.namespace() == workload.namespace()
                && scaler.str_at("/spec/scaleTargetRef/name") == Some(workload.name())
        });
        let number = |object: &Object, pointer: &str| object.value().pointer(pointer).and_then(Value::as_u64);
        match scaler {
            Some(scaler) => number(scaler, "/spec/minReplicas").unwrap_or(1),
            None => number(workload, "/spec/replicas").unwrap_or(1),
        }
    }
}

fn render_all() -> BTreeMap<String, Release> {
    let mut loader = MemoryLoader::new();
    for (path, text) in tree() {
        loader.add(&path, text);
    }
    let release = |folder: String| {
        let rendered = render(&loader, &folder, &Options::default()).unwrap_or_else(|findings| {
            let all: Vec<&str> = findings.errors().map(|finding| finding.message.as_str()).collect();
            panic!("{folder}: {}", all.join("\n"))
        });
        let name = folder.rsplit('/').next().expect("a name").to_owned();
        (folder, Release { name, rendered })
    };
    folders().into_iter().map(release).collect()
}

/// The containers of a pod spec with what they are, the native sidecars among the init containers included.
pub(crate) fn containers(spec: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers"].into_iter().filter_map(|list| spec.get(list)?.as_array()).flatten()
}

/// A native sidecar: an init container that stays.
pub(crate) fn is_sidecar(container: &Value) -> bool {
    container["restartPolicy"] == "Always"
}

/// A quantity, written as a string or as a number.
pub(crate) fn quantity(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => Quantity::parse(text),
        Value::Number(number) => Quantity::parse(&number.to_string()),
        _ => None,
    }
}

/// Milli-CPU and MiB that the scheduler reserves for a pod. Init containers that end do not ask for more here.
pub(crate) fn requests(spec: &Value) -> (i128, i128) {
    let of = |resource: &str| -> i128 {
        containers(spec).filter_map(|c| quantity(&c["resources"]["requests"][resource])).map(Quantity::milli).sum()
    };
    (of("cpu"), of("memory") / 1000 / (1 << 20))
}

/// `kind/name`, as people say it.
pub(crate) fn shown(object: &Object) -> String {
    let ObjectRef { kind, name, .. } = object.reference();
    format!("{kind}/{name}")
}
