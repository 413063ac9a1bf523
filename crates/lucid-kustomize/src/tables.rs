//! Facts that kustomize 5.8.2 is built with: default field specifications, scopes and list merge keys.

use std::borrow::Cow;

pub(crate) mod config;
mod merge_keys;
mod scopes;

/// Which field of which kinds a transformer writes. Empty group, version or kind match anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spec {
    pub(crate) group: Cow<'static, str>,
    pub(crate) version: Cow<'static, str>,
    pub(crate) kind: Cow<'static, str>,
    pub(crate) path: Cow<'static, str>,
    pub(crate) create: bool,
}

/// Fields that hold the name of an object of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NameRule {
    pub(crate) group: Cow<'static, str>,
    pub(crate) version: Cow<'static, str>,
    pub(crate) kind: Cow<'static, str>,
    pub(crate) referrers: Cow<'static, [Spec]>,
}

const fn r(group: &'static str, version: &'static str, kind: &'static str, referrers: &'static [Spec]) -> NameRule {
    NameRule {
        group: Cow::Borrowed(group),
        version: Cow::Borrowed(version),
        kind: Cow::Borrowed(kind),
        referrers: Cow::Borrowed(referrers),
    }
}

pub(crate) const fn f(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    path: &'static str,
    create: bool,
) -> Spec {
    Spec {
        group: Cow::Borrowed(group),
        version: Cow::Borrowed(version),
        kind: Cow::Borrowed(kind),
        path: Cow::Borrowed(path),
        create,
    }
}

/// One field on the way to a merged list.
#[derive(Debug)]
pub(crate) struct Step {
    field: &'static str,
    state: u16,
    /// The merge keys, if the field is a list that is merged; none for a list of plain values.
    list: Option<&'static [&'static str]>,
}

const fn m(field: &'static str, state: u16) -> Step {
    Step { field, state, list: None }
}

const fn l(field: &'static str, state: u16, keys: &'static [&'static str]) -> Step {
    Step { field, state, list: Some(keys) }
}

/// True for kinds that kustomize knows to be cluster-scoped.
pub(crate) fn is_cluster_scoped(api_version: &str, kind: &str) -> bool {
    scopes::CLUSTER_SCOPED.binary_search(&(kind, api_version)).is_ok()
}

/// The same for the kinds that kustomize knows before it looks at any OpenAPI document; none for others.
pub(crate) fn scope_known_first(api_version: &str, kind: &str) -> Option<bool> {
    scopes::KNOWN_FIRST
        .binary_search_by(|known| (known.0, known.1).cmp(&(kind, api_version)))
        .ok()
        .map(|at| scopes::KNOWN_FIRST[at].2)
}

/// The state of a kind in the automaton of merge keys; 0 has no merged lists.
pub(crate) fn merge_state(api_version: &str, kind: &str) -> u16 {
    let found = merge_keys::KINDS.binary_search_by(|(k, v, _)| (*k, *v).cmp(&(kind, api_version)));
    found.map_or(0, |index| merge_keys::KINDS[index].2)
}

/// The state below a field, and its merge keys if it is a merged list.
pub(crate) fn merge_step(state: u16, field: &str) -> (u16, Option<&'static [&'static str]>) {
    let Some(steps) = usize::from(state).checked_sub(1).and_then(|index| merge_keys::STATES.get(index)) else {
        return (0, None);
    };
    match steps.binary_search_by(|step| step.field.cmp(field)) {
        Ok(index) => (steps[index].state, steps[index].list),
        Err(_) => (0, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted() {
        assert!(scopes::CLUSTER_SCOPED.is_sorted());
        assert!(scopes::KNOWN_FIRST.is_sorted());
        assert!(merge_keys::KINDS.is_sorted());
        for steps in merge_keys::STATES {
            assert!(steps.is_sorted_by(|a, b| a.field < b.field));
        }
    }

    #[test]
    fn merge_keys_of_a_deployment() {
        let mut state = merge_state("apps/v1", "Deployment");
        for field in ["spec", "template", "spec"] {
            state = merge_step(state, field).0;
        }
        let (container, keys) = merge_step(state, "containers");
        assert_eq!(keys, Some(["name"].as_slice()));
        assert_eq!(merge_step(container, "ports").1, Some(["containerPort", "protocol"].as_slice()));
        assert_eq!(merge_step(container, "args").1, None);
        assert_eq!(merge_state("autoscaling/v2", "HorizontalPodAutoscaler"), 0, "the tables are of 1.21");
    }

    #[test]
    fn scopes() {
        assert!(is_cluster_scoped("v1", "Namespace"));
        assert!(is_cluster_scoped("rbac.authorization.k8s.io/v1", "ClusterRole"));
        assert!(!is_cluster_scoped("apps/v1", "Deployment"));
        assert!(!is_cluster_scoped("example.com/v1", "Unknown"));
    }
}
