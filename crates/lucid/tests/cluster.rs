//! Tests against a real control plane with kwok nodes. `cargo xtask test cluster` brings it up and runs them in its network
//! namespace, one at a time; anywhere else they fail at once and say so.

/// Secret values stay where they belong.
#[path = "cluster/canary.rs"]
mod canary;
/// Runs that are killed, and runs that meet.
#[path = "cluster/crash.rs"]
mod crash;
/// `lucid deploy` and `lucid status`: first, again, changed, broken, refused, interrupted, killed.
#[path = "cluster/deploy.rs"]
mod deploy;
#[path = "cluster/harness.rs"]
mod harness;
/// `lucid cleanup` and the emergency rollback.
#[path = "cluster/removal.rs"]
mod removal;
/// `lucid rollback`, the automatic one, and `lucid history`.
#[path = "cluster/rollback.rs"]
mod rollback;
/// A small release and the binary run on it.
#[path = "cluster/shop.rs"]
mod shop;
/// The cluster itself: what kwok does to pods, and that everything the other modules rely on is there.
#[path = "cluster/testbed.rs"]
mod testbed;
