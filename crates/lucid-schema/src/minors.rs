//! What the supported minors do not have in common: newer fields and kinds, and API versions that come and go.

use lucid_object::Gvk;

use crate::history::{GONE_FIELDS, LIVES, NEW_FIELDS, NEW_KINDS};

/// The minors of Kubernetes 1 that `lucid` supports.
pub const SUPPORTED: std::ops::RangeInclusive<u32> = 34..=crate::KUBERNETES_MINOR;

/// One kind in a version that is, or was, on its way out. Versions are pairs of major and minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub deprecated: Option<(u32, u32)>,
    /// The first version that does not serve it any more.
    pub removed: Option<(u32, u32)>,
    /// `apps/v1 Deployment`; empty where nothing takes its place.
    pub replacement: &'static str,
}

/// What is known of the end of this version of a kind.
pub fn life(gvk: &Gvk) -> Option<&'static Life> {
    LIVES.iter().find(|life| life.kind == gvk.kind && life.group == gvk.group && life.version == gvk.version)
}

/// The first supported minor with this kind, if not all have it.
pub fn kind_since(gvk: &Gvk) -> Option<u32> {
    let is_it = |row: &&(&str, &str, &str, u32)| row.2 == gvk.kind && row.0 == gvk.group && row.1 == gvk.version;
    NEW_KINDS.iter().find(is_it).map(|row| row.3)
}

/// The first supported minor with this field of a type, if not all have it.
pub fn field_since(definition: &str, field: &str) -> Option<u32> {
    of_field(NEW_FIELDS, definition, field)
}

/// The last minor with this field of a type, if the newest does not have it.
pub fn field_until(definition: &str, field: &str) -> Option<u32> {
    of_field(GONE_FIELDS, definition, field)
}

fn of_field(table: &[(&str, &str, u32)], definition: &str, field: &str) -> Option<u32> {
    let at = table.binary_search_by(|row| (row.0, row.1).cmp(&(definition, field))).ok()?;
    Some(table[at].2)
}

/// Groups that belong to Kubernetes itself, also those that have no kinds any more.
pub fn is_own_group(group: &str) -> bool {
    crate::resources().iter().any(|resource| resource.group == group) || LIVES.iter().any(|life| life.group == group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_are_gone_name_what_took_their_place() {
        let ingress = life(&Gvk::from_api_version("extensions/v1beta1", "Ingress")).expect("it was there once");
        assert_eq!((ingress.removed, ingress.replacement), (Some((1, 22)), "networking.k8s.io/v1 Ingress"));
        let crd = Gvk::from_api_version("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition");
        assert_eq!(life(&crd).and_then(|life| life.removed), Some((1, 22)));
        assert_eq!(life(&Gvk::from_api_version("apps/v1", "Deployment")), None);
    }

    #[test]
    fn fields_and_kinds_that_are_not_in_all_minors() {
        assert_eq!(field_since("io.k8s.api.core.v1.PodSpec", "schedulingGroup"), Some(36));
        assert_eq!(field_since("io.k8s.api.core.v1.PodSpec", "containers"), None);
        assert_eq!(field_until("io.k8s.api.core.v1.PodSpec", "workloadRef"), Some(35));
        let policy = Gvk::from_api_version("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy");
        assert_eq!(kind_since(&policy), Some(36));
    }

    #[test]
    fn groups() {
        for group in ["", "apps", "extensions", "policy", "rbac.authorization.k8s.io"] {
            assert!(is_own_group(group), "{group}");
        }
        for group in ["example.com", "gateway.networking.k8s.io", "monitoring.coreos.com"] {
            assert!(!is_own_group(group), "{group}");
        }
    }

    #[test]
    fn tables_are_sorted_and_say_something_about_supported_minors() {
        for table in [NEW_FIELDS, GONE_FIELDS] {
            assert!(table.windows(2).all(|pair| (pair[0].0, pair[0].1) < (pair[1].0, pair[1].1)));
            assert!(table.iter().all(|row| SUPPORTED.contains(&row.2)));
        }
    }
}
