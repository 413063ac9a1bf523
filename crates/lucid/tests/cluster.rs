//! Tests against a real control plane with kwok nodes. `cargo xtask test cluster` brings it up and runs them in its network
//! namespace, one at a time; anywhere else they fail at once and say so.

/// `lucid validate` beside the API server.
#[path = "cluster/alike.rs"]
mod alike;
/// `lucid deploy --bake`.
#[path = "cluster/bake.rs"]
mod bake;
/// Secret values stay where they belong.
#[path = "cluster/canary.rs"]
mod canary;
/// Codes of the catalogue, produced for real.
#[path = "cluster/causes.rs"]
mod causes;
/// Controllers of the simulator beside the real ones.
#[path = "cluster/controllers.rs"]
mod controllers;
/// Runs that are killed, and runs that meet.
#[path = "cluster/crash.rs"]
mod crash;
/// `lucid deploy` and `lucid status`: first, again, changed, broken, refused, interrupted, killed.
#[path = "cluster/deploy.rs"]
mod deploy;
#[path = "../../lucid-kustomize/tests/it/figure.rs"]
mod figure;
#[path = "cluster/harness.rs"]
mod harness;
/// `lucid health`: every format, every exit code, and what it costs.
#[path = "cluster/health.rs"]
mod health;
/// The manifests of the Lucid release; the target `release` uses all of it.
#[expect(dead_code, reason = "what only the target `release` uses")]
#[path = "release/manifests.rs"]
mod manifests;
/// The Lucid release beside kustomize and under kube-score.
#[path = "release/peers.rs"]
mod peers;
/// `lucid plan` and `lucid diff`.
#[path = "cluster/plan.rs"]
mod plan;
/// One object on both sides, and what is compared of it.
#[path = "cluster/played.rs"]
mod played;
/// Revisions as files.
#[path = "cluster/portable.rs"]
mod portable;
/// `lucid rehearse --from-cluster`, `lucid snapshot`.
#[path = "cluster/rehearsed.rs"]
mod rehearsed;
/// The Lucid release, accepted whole by the API server.
#[path = "cluster/release.rs"]
mod release;
/// `lucid cleanup` and the emergency rollback.
#[path = "cluster/removal.rs"]
mod removal;
/// Objects that cannot be changed, only made anew.
#[path = "cluster/replace.rs"]
mod replace;
/// Replicas between a release and an autoscaler.
#[path = "cluster/replicas.rs"]
mod replicas;
/// `lucid rollback`, the automatic one, and `lucid history`.
#[path = "cluster/rollback.rs"]
mod rollback;
/// States, events and children of an object in a form that can be compared.
#[path = "cluster/seen.rs"]
mod seen;
/// A small release and the binary run on it.
#[path = "cluster/shop.rs"]
mod shop;
/// The Lucid release, on nodes of the sizes that it is made for.
#[path = "cluster/sizes.rs"]
mod sizes;
/// The cluster itself: what kwok does to pods, and that everything the other modules rely on is there.
#[path = "cluster/testbed.rs"]
mod testbed;
/// The simulator beside a real API server: the same random requests to both.
#[path = "cluster/twins.rs"]
mod twins;
/// `lucid validate --cluster`.
#[path = "cluster/validate.rs"]
mod validate;
