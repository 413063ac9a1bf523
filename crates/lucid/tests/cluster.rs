//! Tests against a real control plane with kwok nodes. `cargo xtask test cluster` brings it up and runs them in its network
//! namespace, one at a time; anywhere else they fail at once and say so.

/// Controllers of the simulator beside the real ones.
#[path = "cluster/controllers.rs"]
mod controllers;
/// `lucid deploy` and `lucid status`: first, again, changed, broken, refused, interrupted, killed.
#[path = "cluster/deploy.rs"]
mod deploy;
#[path = "cluster/harness.rs"]
mod harness;
/// One object on both sides, and what is compared of it.
#[path = "cluster/played.rs"]
mod played;
/// States, events and children of an object in a form that can be compared.
#[path = "cluster/seen.rs"]
mod seen;
/// A small release and the binary run on it.
#[path = "cluster/shop.rs"]
mod shop;
/// The cluster itself: what kwok does to pods, and that everything the other modules rely on is there.
#[path = "cluster/testbed.rs"]
mod testbed;
/// The simulator beside a real API server: the same random requests to both.
#[path = "cluster/twins.rs"]
mod twins;
