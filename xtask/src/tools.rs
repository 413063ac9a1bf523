//! The programs that the tests call, built from source into `target/tools` when their inputs changed.

pub(crate) mod crds;
pub(crate) mod debian;
pub(crate) mod envoy;
mod go;
mod python;
pub(crate) mod shellcheck;
mod stamp;
pub(crate) mod targets;
pub(crate) mod zig;
pub(crate) mod zizmor;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use crate::root::{root, tools};
use go::Install;

#[derive(Parser)]
pub(crate) struct Args {
    /// What they are for; without it all of them
    purpose: Option<Purpose>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Purpose {
    /// A control plane, nodes and kubectl
    Cluster,
    /// The real kustomize
    Rendering,
    /// The lints of workflows and of their scripts
    Workflows,
    /// kubectl and helm, and Kubernetes' conformance suite
    Clients,
    /// A node that runs real containers
    Containers,
    /// A C compiler and linker for other systems
    Dist,
}

pub(crate) fn run(args: Args) -> Result<()> {
    match args.purpose {
        Some(Purpose::Cluster) => cluster(),
        Some(Purpose::Rendering) => rendering(),
        Some(Purpose::Workflows) => workflows(),
        Some(Purpose::Clients) => clients(),
        Some(Purpose::Containers) => containers(),
        Some(Purpose::Dist) => zig::ensure(),
        None => {
            all()?;
            containers()
        }
    }
}

/// The Kubernetes version that `testcluster/go.mod` requires.
pub(crate) const KUBERNETES: &str = "1.37.2";

const KWOK: Install =
    Install { name: "kwok", package: "sigs.k8s.io/kwok/cmd/kwok", version: "v0.8.0", takes: "2-3 minutes" };
const KUSTOMIZE: Install = Install {
    name: "kustomize",
    package: "sigs.k8s.io/kustomize/kustomize/v5",
    version: "v5.8.2",
    takes: "a minute or two",
};

const KUBE_SCORE: Install = Install {
    name: "kube-score",
    package: "github.com/zegl/kube-score/cmd/kube-score",
    version: "v1.20.0",
    takes: "a minute or two",
};

const ACTIONLINT: Install = Install {
    name: "actionlint",
    package: "github.com/rhysd/actionlint/cmd/actionlint",
    version: "v1.7.12",
    takes: "a minute or two",
};

const HELM: Install =
    Install { name: "helm", package: "helm.sh/helm/v4/cmd/helm", version: "v4.3.1", takes: "3-4 minutes" };

/// What measurements are made with, beside `lucid` itself.
pub(crate) fn versions() -> [(&'static str, &'static str); 4] {
    [
        ("Kubernetes and kubectl", KUBERNETES),
        ("helm", HELM.version),
        ("kustomize", KUSTOMIZE.version),
        ("kwok", KWOK.version),
    ]
}

const METRICS_SERVER: Install = Install {
    name: "metrics-server",
    package: "sigs.k8s.io/metrics-server/cmd/metrics-server",
    version: "v0.9.0",
    takes: "2-3 minutes",
};

const CONTOUR: Install = Install {
    name: "contour",
    package: "github.com/projectcontour/contour/cmd/contour",
    version: "v1.33.8",
    takes: "1-2 minutes",
};

/// For its firewall, which does what NetworkPolicies say.
const KUBE_ROUTER: Install = Install {
    name: "kube-router",
    package: "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router",
    version: "v2.1.0",
    takes: "1-2 minutes",
};

/// The components that one program of ours contains, under the names they are started by.
const COMPONENTS: [&str; 10] = [
    "etcd",
    "healthd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
    "pki",
    "supervisor",
];

/// What a test cluster needs.
pub(crate) fn cluster() -> Result<()> {
    let _lock = lock()?;
    control_plane()?;
    KWOK.ensure()
}

/// What the cluster suite and the rendering suite call besides.
pub(crate) fn all() -> Result<()> {
    cluster()?;
    rendering()?;
    workflows()?;
    clients()?;
    let _lock = lock()?;
    KUBE_SCORE.ensure()?;
    crds::ensure()
}

/// What a node with real containers needs besides.
pub(crate) fn containers() -> Result<()> {
    cluster()?;
    let _lock = lock()?;
    // Its own main package has every cloud's client in it.
    let names = root().join("testcluster/coredns");
    go::build_static(&names, &tools().join("coredns"), "CoreDNS", "a minute")?;
    METRICS_SERVER.ensure()?;
    CONTOUR.ensure()?;
    KUBE_ROUTER.ensure()?;
    crds::ensure()?;
    envoy::ensure()?;
    debian::ensure()
}

/// The real kustomize, and its build command as a program that answers many questions.
pub(crate) fn rendering() -> Result<()> {
    let _lock = lock()?;
    KUSTOMIZE.ensure()?;
    let source = root().join("crates/lucid-kustomize/tests/oracle");
    go::build(&source, &tools().join("kustomize-oracle"), "", "kustomize's oracle", "a minute or two")
}

/// The lints of GitHub's workflows and of their shell.
pub(crate) fn workflows() -> Result<()> {
    let _lock = lock()?;
    ACTIONLINT.ensure()?;
    shellcheck::ensure()?;
    zizmor::ensure()
}

/// The clients that are measured beside `lucid`.
pub(crate) fn peers() -> Result<()> {
    let _lock = lock()?;
    control_plane()?;
    HELM.ensure()?;
    KUSTOMIZE.ensure()
}

/// What the simulator is asked by.
pub(crate) fn clients() -> Result<()> {
    let _lock = lock()?;
    control_plane()?;
    HELM.ensure()?;
    let source = root().join("crates/lucid-sim/tests/conformance");
    go::build_tests(
        &source,
        &tools().join("conformance"),
        &version_flags(),
        "Kubernetes' conformance suite",
        "6-9 minutes",
    )
}

/// The folder of a component of ours or of an installed program.
pub(crate) fn path(name: &str) -> PathBuf {
    match COMPONENTS.contains(&name) {
        true => tools().join("components").join(name),
        false => tools().join(name),
    }
}

/// Two commands at a time must not build the same thing.
fn lock() -> Result<fs::File> {
    fs::create_dir_all(tools())?;
    let file = fs::File::create(tools().join(".lock"))?;
    file.lock().context("wait for the lock of target/tools")?;
    Ok(file)
}

fn control_plane() -> Result<()> {
    let source = root().join("testcluster");
    let takes = "6-8 minutes";
    go::build(&source, &tools().join("testcluster"), &version_flags(), "the Kubernetes control plane", takes)?;
    let folder = tools().join("components");
    fs::create_dir_all(&folder)?;
    for name in COMPONENTS {
        link("../testcluster", &folder.join(name))?;
    }
    // kubectl is also a tool that tests call.
    link("testcluster", &tools().join("kubectl"))
}

/// Makes sure that `link` is a symbolic link to the program.
fn link(program: &str, link: &std::path::Path) -> Result<()> {
    if fs::read_link(link).is_ok_and(|to| to == std::path::Path::new(program)) {
        return Ok(());
    }
    let _ = fs::remove_file(link);
    symlink(program, link).with_context(|| format!("link {}", link.display()))
}

/// Clients cannot parse the version of a control plane that was linked without one.
fn version_flags() -> String {
    let package = "k8s.io/component-base/version";
    let mut parts = KUBERNETES.split('.');
    let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!(
        "-s -w -X {package}.gitVersion=v{KUBERNETES} -X {package}.gitMajor={major} -X {package}.gitMinor={minor} \
         -X {package}.gitTreeState=clean"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stamped_version_is_the_one_that_is_built() {
        let module = fs::read_to_string(root().join("testcluster/go.mod")).expect("go.mod");
        assert!(module.contains(&format!("k8s.io/kubernetes v{KUBERNETES}\n")), "go.mod requires another Kubernetes");
    }

    #[test]
    fn every_component_has_its_name_in_the_program() {
        let main = fs::read_to_string(root().join("testcluster/main.go")).expect("main.go");
        for name in COMPONENTS {
            assert!(main.contains(&format!("\"{name}\":")), "{name} is not in main.go");
        }
    }
}
