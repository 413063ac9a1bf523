//! The simulator from outside: through the client that production uses, and through plain HTTP where that client does
//! not go.

/// Server-side apply: ownership, conflicts, force, list items, nulls.
mod apply;
/// Discovery, reads and writes through `lucid_client::ApiClient`.
mod client;
/// Deployments: rollouts that work, and those that do not.
mod controllers_rollout;
/// StatefulSets, claims, Jobs and namespaces.
mod controllers_sets;
/// Deleting: preconditions, finalizers, propagation, namespaces.
mod delete;
/// The same seed gives the same run.
mod determinism;
mod history;
/// Lists in pages, selectors, formats, watches and what ends them.
mod read;
/// What Kubernetes demands of its storage, property by property.
mod storage;
/// Parts of objects: logs, proxy, scale, reviews.
mod subresources;
mod support;
/// Create, replace and the patch types: versions, generation, status, dry run, field validation.
mod write;
