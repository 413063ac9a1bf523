//! The Lucid release and the real API server: every overlay and variant is accepted whole, by server-side dry run, in
//! namespaces that enforce Pod Security `restricted`.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use lucid_object::Object;
use serde_json::{Value, json};

use crate::harness::{kubectl, kubectl_command, told};
use crate::manifests::{OVERLAYS, Release, VARIANTS, root};

/// Kinds of a variant that need CRDs, with the group that they are in.
const CRDS: [(&str, &str); 3] = [
    ("gateway-api", "gateway.networking.k8s.io"),
    ("external-secrets", "external-secrets.io"),
    ("sealed-secrets", "bitnami.com"),
];

/// kubectl with objects on its standard input.
fn with_input(args: &[&str], input: &str) -> Output {
    let mut kubectl = kubectl_command();
    kubectl.args(args).args(["-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = kubectl.spawn().expect("start kubectl");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("write to kubectl");
    child.wait_with_output().expect("kubectl")
}

/// Takes every object, and says nothing: a warning would be Pod Security's or of a deprecated field.
#[track_caller]
fn accepted(what: &str, args: &[&str], input: &str, count: usize) {
    let output = with_input(args, input);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{what}: {}\n{said}", output.status);
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), count, "{what}");
}

/// The two namespaces of the release, for real, with the ServiceAccounts that pods of it run as: those of all overlays
/// are the same.
struct Namespaces;

impl Namespaces {
    #[track_caller]
    fn new() -> Self {
        let (made, release) = (Self, Release::overlay("production"));
        for kind in ["Namespace", "ServiceAccount"] {
            let objects: Vec<&Value> = release.of_kind(kind).map(Object::value).collect();
            let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
            accepted(kind, &["apply", "--server-side", "--field-manager=test"], &list, objects.len());
        }
        made
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        let all = ["delete", "namespace", "lucid-system", "lucid-tron", "--ignore-not-found", "--timeout=60s"];
        let _ = kubectl_command().args(all).output();
    }
}

/// The pods that each workload and Job makes; Pod Security refuses pods, and only warns of what makes them.
fn pods(release: &Release) -> Vec<Value> {
    let of = |maker: &Object| {
        let mut spec = maker.pod_spec().expect("pods").clone();
        let claims = maker.value()["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten();
        let volumes = claims.map(|claim| {
            let name = &claim["metadata"]["name"];
            json!({"name": name, "persistentVolumeClaim": {"claimName": name}})
        });
        let volumes: Vec<Value> = volumes.collect();
        if let Some(there) = spec["volumes"].as_array_mut() {
            there.extend(volumes);
        }
        let metadata = json!({"name": maker.name(), "namespace": maker.namespace(), "labels": maker.pod_labels()});
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    };
    release.pod_makers().map(of).collect()
}

const DRY_RUN: [&str; 4] = ["apply", "--server-side", "--dry-run=server", "--field-manager=lucid"];

#[track_caller]
fn check(folder: &str) {
    let release = Release::of(folder);
    accepted(folder, &DRY_RUN, release.rendered.to_yaml(), release.objects().count());
    let pods = pods(release);
    assert!(pods.len() >= 27);
    let list = json!({"apiVersion": "v1", "kind": "List", "items": pods}).to_string();
    accepted(folder, &["create", "--dry-run=server"], &list, pods.len());
}

#[test]
fn every_overlay_and_variant_is_accepted_whole() {
    let _namespaces = Namespaces::new();
    OVERLAYS.iter().for_each(|overlay| check(&format!("overlays/{overlay}")));
    let plain = VARIANTS.iter().filter(|(_, component)| CRDS.iter().all(|(crd, _)| crd != component));
    plain.for_each(|(overlay, component)| check(&format!("variants/{overlay}+{component}")));
}

/// The CRDs of one group, installed until this is dropped.
struct Installed(Vec<PathBuf>);

impl Installed {
    #[track_caller]
    fn of(group: &str) -> Self {
        let folder = told("LUCID_TEST_TOOLS").join("crds");
        let files = std::fs::read_dir(folder)
            .expect("the CRDs of `cargo xtask tools`")
            .map(|entry| entry.expect("a file").path());
        let is_of = |path: &PathBuf| {
            path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.contains(&format!("@{group}_")))
        };
        let files: Vec<PathBuf> = files.filter(is_of).collect();
        assert!(!files.is_empty(), "no CRDs of {group}");
        let made = Self(files);
        for file in &made.0 {
            let file = file.to_str().expect("a path of UTF-8");
            kubectl(&["apply", "--server-side", "-f", file]);
            kubectl(&["wait", "--for=condition=Established", "--timeout=30s", "-f", file]);
        }
        made
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        for file in &self.0 {
            let _ = kubectl_command().args(["delete", "--ignore-not-found", "--timeout=60s", "-f"]).arg(file).output();
        }
    }
}

#[test]
fn variants_are_accepted_whole_where_their_crds_are_installed_and_refused_elsewhere() {
    let _namespaces = Namespaces::new();
    for (component, group) in CRDS {
        let (overlay, _) = VARIANTS.iter().find(|(_, c)| *c == component).expect("a variant");
        let folder = format!("variants/{overlay}+{component}");
        let refused = with_input(&DRY_RUN, Release::of(&folder).rendered.to_yaml());
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains("no matches for kind"), "{folder}: {said}");
        let _installed = Installed::of(group);
        check(&folder);
    }
}

/// Otherwise the tests above would show nothing.
#[test]
fn a_pod_that_may_more_than_restricted_allows_is_refused_there() {
    let _namespaces = Namespaces::new();
    let good = pods(Release::overlay("minimal")).remove(0);
    accepted("a pod", &["create", "--dry-run=server"], &good.to_string(), 1);
    for (pointer, value) in [
        ("/spec/containers/0/securityContext/allowPrivilegeEscalation", json!(true)),
        ("/spec/securityContext/runAsNonRoot", json!(false)),
        ("/spec/securityContext/seccompProfile", json!({"type": "Unconfined"})),
        ("/spec/containers/0/securityContext/capabilities", json!({"add": ["NET_ADMIN"]})),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).expect("a field of the pod") = value;
        let refused = with_input(&["create", "--dry-run=server"], &bad.to_string());
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains("violates PodSecurity \"restricted"), "{pointer}: {said}");
    }
}

/// What `lucid rbac` prints for an overlay, given by the administrator until this is dropped.
struct Privileges(String);

impl Privileges {
    #[track_caller]
    fn of(overlay: &str) -> Self {
        let mut lucid = Command::new(env!("CARGO_BIN_EXE_lucid"));
        let output = lucid.args(["rbac", overlay]).current_dir(root()).output().expect("start lucid");
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        let given = with_input(&["apply", "--server-side"], &printed);
        assert!(given.status.success(), "{overlay}: {}", String::from_utf8_lossy(&given.stderr));
        Self(printed)
    }
}

impl Drop for Privileges {
    fn drop(&mut self) {
        let _ = with_input(&["delete", "--ignore-not-found"], &self.0);
    }
}

const DEPLOYER: &str = "--as=system:serviceaccount:lucid-system:lucid-deployer";

#[test]
fn the_deployer_of_lucid_rbac_may_apply_every_overlay_and_nothing_else() {
    let _namespaces = Namespaces::new();
    for overlay in OVERLAYS {
        let release = Release::overlay(overlay);
        let _privileges = Privileges::of(overlay);
        // Whoever binds a role must hold what is in it, which the server can only see when the role is there.
        let roles: Vec<&Value> = release.of_kind("Role").map(Object::value).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": roles}).to_string();
        accepted(overlay, &["apply", "--server-side", "--field-manager=lucid", DEPLOYER], &list, roles.len());
        let mut dry_run = DRY_RUN.to_vec();
        dry_run.push(DEPLOYER);
        accepted(overlay, &dry_run, release.rendered.to_yaml(), release.objects().count());
        for beyond in [
            ["delete", "nodes", "default"],
            ["get", "secrets", "kube-system"],
            ["get", "secrets/another", "lucid-tron"],
            ["create", "pods", "lucid-system"],
            ["create", "deployments.apps", "default"],
            ["create", "clusterrolebindings.rbac.authorization.k8s.io", "default"],
        ] {
            let [verb, resource, namespace] = beyond;
            let mut asked = kubectl_command();
            let asked =
                asked.args(["auth", "can-i", verb, resource, "-n", namespace, DEPLOYER]).output().expect("kubectl");
            assert_eq!(String::from_utf8_lossy(&asked.stdout).trim(), "no", "{overlay}: {beyond:?}");
        }
    }
}
