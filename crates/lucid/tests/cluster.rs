//! Tests against a real control plane with kwok nodes. `cargo xtask test cluster` brings it up and runs them in its network
//! namespace, one at a time; anywhere else they fail at once and say so.

/// `lucid deploy` and `lucid status`: first, again, changed, broken, refused, interrupted, killed.
#[path = "cluster/deploy.rs"]
mod deploy;
#[path = "cluster/harness.rs"]
mod harness;
/// `lucid rollback`, the automatic one, and `lucid history`.
#[path = "cluster/rollback.rs"]
mod rollback;
/// A small release and the binary run on it.
#[path = "cluster/shop.rs"]
mod shop;
/// The cluster itself: what kwok does to pods, and that everything the other modules rely on is there.
#[path = "cluster/testbed.rs"]
mod testbed;
