//! The Lucid release held against the architecture: `infrastructure/kubernetes` and `lucid.yaml`, rendered, with no cluster.

/// A scheduler in small: every overlay fits its nodes, also while one component rolls.
#[path = "release/capacity.rs"]
mod capacity;
/// One test for each thing that the architecture demands of the manifests.
#[path = "release/demands.rs"]
mod demands;
/// `docs/guide/release.md` says what the manifests say.
#[path = "release/guide.rs"]
mod guide;
/// Who may talk to whom, by the NetworkPolicies alone, and that no part of a policy is there for nothing.
#[path = "release/isolation.rs"]
mod isolation;
#[path = "release/manifests.rs"]
mod manifests;
/// Beside kustomize 5.8.2 and kube-score.
#[path = "release/peers.rs"]
mod peers;
#[path = "release/table.rs"]
mod table;
