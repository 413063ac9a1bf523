//! What would go wrong in this cluster, said before anything is sent: the same codes as when it does go wrong.
//!
//! Each file foresees one kind of trouble from the release's objects and from what is there ([`Ground`]). What could not be
//! listed is not judged. Only what no autoscaler and no patience can mend is an error.

mod addresses;
mod ground;
mod limits;
mod named;
mod placement;
mod quota;
mod rollout;
mod security;
mod storage;
mod webhooks;

use lucid_object::{Finding, ObjectSet};

pub use ground::{Ground, Need, needs};

/// Everything that can be foreseen, in the order of the files.
pub fn foresee(objects: &ObjectSet, ground: &Ground<'_>) -> Vec<Finding> {
    let checks: [fn(&ObjectSet, &Ground<'_>) -> Vec<Finding>; 9] = [
        named::check,
        security::check,
        limits::check,
        quota::check,
        placement::check,
        rollout::check,
        storage::check,
        webhooks::check,
        addresses::check,
    ];
    checks.into_iter().flat_map(|check| check(objects, ground)).collect()
}
