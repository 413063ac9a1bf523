//! The order of the output.

use std::cmp::Ordering;

use crate::resource::Resource;

const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// What decides, computed once for each resource.
struct SortKey {
    rank: i64,
    /// `group_version_kind`, with placeholders that come after letters for empty parts.
    type_text: String,
    is_namespace: bool,
    has_group: bool,
    /// `kind.version.group|namespace|name`.
    id_text: String,
}

/// Sorts by kind, in kustomize's "legacy" order, or in one that `sortOptions` gives.
pub(crate) fn legacy(resources: Vec<Resource>, first: Option<&[&str]>, last: Option<&[&str]>) -> Vec<Resource> {
    let (first, last) = (first.unwrap_or(&FIRST), last.unwrap_or(&LAST));
    let mut keyed: Vec<(SortKey, Resource)> =
        resources.into_iter().map(|resource| (SortKey::new(&resource, first, last), resource)).collect();
    if !keyed.iter().any(|(key, _)| key.is_namespace && key.has_group) {
        keyed.sort_by(|a, b| a.0.compare(&b.0));
    } else {
        insertion_sort(&mut keyed);
    }
    keyed.into_iter().map(|(_, resource)| resource).collect()
}

/// A kind called Namespace beside the core one turns the order around between them, which no order of everything can do: the standard
/// sort may panic on that.
fn insertion_sort(keyed: &mut [(SortKey, Resource)]) {
    for end in 1..keyed.len() {
        let mut at = end;
        while at > 0 && keyed[at].0.compare(&keyed[at - 1].0) == Ordering::Less {
            keyed.swap(at, at - 1);
            at -= 1;
        }
    }
}

/// Later entries win where a list has a kind twice, and the last list over the first.
fn rank(kind: &str, first: &[&str], last: &[&str]) -> i64 {
    let at = |list: &[&str]| list.iter().rposition(|name| *name == kind).map(|index| index as i64);
    match (at(last), at(first)) {
        (Some(index), _) => index + 1,
        (None, Some(index)) => index - first.len() as i64,
        (None, None) => 0,
    }
}

impl SortKey {
    fn new(resource: &Resource, first: &[&str], last: &[&str]) -> Self {
        let or = |text: &str, empty: &str| if text.is_empty() { empty.to_owned() } else { text.to_owned() };
        let (group, version) = resource.group_version();
        let (kind, name, namespace) = (resource.kind(), resource.name(), resource.namespace());
        Self {
            rank: rank(kind, first, last),
            type_text: format!("{}_{}_{}", or(group, "~G"), or(version, "~V"), or(kind, "~K")),
            is_namespace: kind == "Namespace",
            has_group: !group.is_empty(),
            id_text: format!(
                "{}.{}.{}|{}|{}",
                or(kind, "[noKind]"),
                or(version, "[noVer]"),
                or(group, "[noGrp]"),
                or(namespace, "~X"),
                or(name, "~N")
            ),
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        if self.type_text == other.type_text {
            return self.id_text.cmp(&other.id_text);
        }
        self.rank.cmp(&other.rank).then_with(|| {
            let by_type = self.type_text.cmp(&other.type_text);
            let core = self.is_namespace && other.is_namespace && !(self.has_group && other.has_group);
            if core { by_type.reverse() } else { by_type }
        })
    }
}

#[cfg(test)]
mod tests {
    use lucid_object::yaml::parse;

    use super::*;

    #[track_caller]
    fn check(list: &[&str], want: &[&str]) {
        let resources = list.iter().map(|text| {
            let (api_version, rest) = text.split_once(' ').expect("apiVersion kind name");
            let (kind, name) = rest.split_once(' ').expect("kind name");
            let text = format!("{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: {name}}}}}");
            Resource::new(parse(&text, 0).expect("readable").remove(0))
        });
        let sorted = legacy(resources.collect(), None, None);
        let got: Vec<String> =
            sorted.iter().map(|r| format!("{} {} {}", r.api_version(), r.kind(), r.name())).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn by_kind_then_type_then_name() {
        check(
            &[
                "apps/v1 Deployment b",
                "v1 Pod z",
                "apps/v1 Deployment a",
                "x/v1 Foo a",
                "v1 Service s",
                "v1 Namespace n",
            ],
            &[
                "v1 Namespace n",
                "v1 Service s",
                "apps/v1 Deployment a",
                "apps/v1 Deployment b",
                "x/v1 Foo a",
                "v1 Pod z",
            ],
        );
        check(&["a/v1 Namespace x", "v1 Namespace n"], &["v1 Namespace n", "a/v1 Namespace x"]);
    }
}
