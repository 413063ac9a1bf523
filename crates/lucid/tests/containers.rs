//! Tests on a node that runs real containers. `cargo xtask test containers` brings it up, with a registry that holds the
//! stand-in in several versions, and runs them in its network namespace; anywhere else they fail at once and say so.

/// What only the pods themselves tell of their trouble.
#[path = "containers/closer.rs"]
mod closer;
/// The way in from outside.
#[path = "containers/doors.rs"]
mod doors;
/// The stand-in of the other architecture, under emulation.
#[path = "containers/emulated.rs"]
mod emulated;
#[expect(dead_code, reason = "what only the cluster suite uses")]
#[path = "cluster/harness.rs"]
mod harness;
/// NetworkPolicies, enforced.
#[path = "containers/isolation.rs"]
mod isolation;
/// A client that never stops asking, and what it was answered.
#[path = "containers/load.rs"]
mod load;
/// The metrics API, of a metrics-server that is brought up for a while.
#[path = "containers/metrics.rs"]
mod metrics;
/// A release of one Deployment.
#[path = "containers/one.rs"]
mod one;
/// Running `lucid`, and what it said.
#[path = "containers/ran.rs"]
mod ran;
/// `lucid images` against real registries, and what a kubelet makes of images that were not looked for.
#[path = "containers/registry.rs"]
mod registry;
/// The Lucid release, from an empty cluster over several versions to an empty cluster.
#[path = "containers/release.rs"]
mod release;
/// Images that must be signed, and tags that are resolved.
#[path = "containers/signed.rs"]
mod signed;
/// The 27 workloads as the architecture lists them.
#[expect(dead_code, reason = "what only the tests of the manifests use")]
#[path = "release/table.rs"]
mod table;
