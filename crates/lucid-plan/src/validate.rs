//! Mistakes that manifests alone give away: one file a subject, everything found in one go.
//!
//! [`manifests`] looks at the objects of a release as a reader does who knows Kubernetes and has no cluster. What is
//! certainly wrong is an error. What may be right where the cluster has more than the manifests is a warning.

mod addresses;
mod budgets;
mod credentials;
mod duplicates;
mod images;
mod kinds;
mod metadata;
mod outside;
pub(crate) mod pod_security;
mod pods;
mod policies;
mod roles;
mod rollout;
mod routes;
mod scaling;
mod scene;
mod schema;
mod services;
mod sizes;
#[cfg(test)]
mod tests;
mod workloads;

use lucid_object::{Finding, Findings, ObjectSet};
use lucid_release::ReleaseFile;

use crate::{check, graph, ownership};
use scene::Scene;
pub use scene::{Source, place};

type Check = fn(&Scene<'_>, &mut Vec<Finding>);

const CHECKS: [Check; 17] = [
    kinds::check,
    schema::check,
    metadata::check,
    duplicates::check,
    sizes::check,
    services::check,
    budgets::check,
    policies::check,
    routes::check,
    workloads::check,
    rollout::check,
    scaling::check,
    roles::check,
    pods::check,
    pod_security::check,
    images::check,
    addresses::check,
];

/// Everything that is wrong with a release, by its manifests and its release file alone.
///
/// The objects are placed already: see [`place`].
pub fn manifests(release: &ReleaseFile, objects: &ObjectSet, source: Source) -> Findings {
    let mut findings = Findings::default();
    findings.extend(check::identities(objects));
    let ownership = ownership::assign(release, objects);
    findings.extend(ownership.findings);
    findings.extend(check::empty_components(release, &ownership.owners, "lucid.yaml"));
    findings.extend(graph::needs(release, objects, &ownership.owners).findings);
    let scene = Scene::new(release, objects, source, false);
    let mut found = Vec::new();
    CHECKS.iter().for_each(|check| check(&scene, &mut found));
    outside::check(&scene, &mut found);
    credentials::check(&scene, &mut found);
    findings.extend(found);
    findings
}

/// The same before a run, which looks by itself, in the cluster, for what the manifests do not have, and plans.
pub fn before_a_run(release: &ReleaseFile, objects: &ObjectSet, source: Source) -> Findings {
    let scene = Scene::new(release, objects, source, true);
    let mut found = Vec::new();
    CHECKS.iter().for_each(|check| check(&scene, &mut found));
    Findings(found)
}
