//! What the architecture demands of the manifests, demand by demand, in every overlay.

/// Containers: distroless, restricted, bounded and probed.
#[path = "demands/containers.rs"]
mod containers;
/// `lucid.yaml` says about the 27 what the architecture says.
#[path = "demands/file.rs"]
mod file;
/// The sidecar and its controller.
#[path = "demands/mesh.rs"]
mod mesh;
/// What refers to something refers to something that is there.
#[path = "demands/references.rs"]
mod references;
/// Replicas, updates without downtime, databases, autoscaling.
#[path = "demands/rollout.rs"]
mod rollout;
/// Secrets and privileges.
#[path = "demands/secrets.rs"]
mod secrets;

/// The stand-in behaves like the service that it stands for.
#[path = "demands/standin.rs"]
mod standin;

use lucid_object::Object;

use crate::manifests::{Release, folders, shown};

/// Looks at each pod-making object of every overlay and variant and says all that is wrong at once.
#[track_caller]
fn check_pods(wrong: impl Fn(&Release, &Object) -> Vec<String>) {
    check_releases(|release| release.pod_makers().flat_map(|maker| named(maker, wrong(release, maker))).collect());
}

/// The same for Deployments and StatefulSets.
#[track_caller]
fn check_workloads(wrong: impl Fn(&Release, &Object) -> Vec<String>) {
    check_releases(|release| {
        assert_eq!(release.workloads().count(), 27, "{}", release.name);
        release.workloads().flat_map(|workload| named(workload, wrong(release, workload))).collect()
    });
}

#[track_caller]
fn check_releases(wrong: impl Fn(&Release) -> Vec<String>) {
    let mut all = Vec::new();
    for folder in folders() {
        let release = Release::of(&folder);
        all.extend(wrong(release).into_iter().map(|what| format!("{folder}: {what}")));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

fn named(object: &Object, wrong: Vec<String>) -> Vec<String> {
    wrong.into_iter().map(|what| format!("{}: {what}", shown(object))).collect()
}
