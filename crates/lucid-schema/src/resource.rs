//! The kinds that a server of this minor serves by default: paths, scope, verbs, subresources.

use lucid_object::Gvk;

use crate::generated::RESOURCES;
use crate::schema::Schema;

/// One kind in one version, and where it is served.
#[derive(Debug)]
pub struct Resource {
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub short_names: &'static [&'static str],
    pub categories: &'static [&'static str],
    pub namespaced: bool,
    pub verbs: &'static [&'static str],
    pub subresources: &'static [Subresource],
    pub(crate) definition: Option<u16>,
}

/// `status`, `scale`, `log` and the like; the kind it speaks may be another than its parent's.
#[derive(Debug)]
pub struct Subresource {
    pub name: &'static str,
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub verbs: &'static [&'static str],
    pub(crate) definition: Option<u16>,
}

impl Resource {
    pub fn gvk(&self) -> Gvk {
        Gvk::new(self.group, self.version, self.kind)
    }

    pub fn subresource(&self, name: &str) -> Option<&'static Subresource> {
        self.subresources.iter().find(|subresource| subresource.name == name)
    }

    /// Whether a plain GET, LIST and WATCH of it make sense (reviews and bindings can only be created).
    pub fn is_stored(&self) -> bool {
        self.verbs.contains(&"get")
    }
}

/// All of them, in the order of the server's discovery document.
pub fn resources() -> &'static [Resource] {
    RESOURCES
}

/// The resource of a built-in kind.
pub fn resource(gvk: &Gvk) -> Option<&'static Resource> {
    RESOURCES.iter().find(|r| r.kind == gvk.kind && r.group == gvk.group && r.version == gvk.version)
}

/// The schema of a kind, be it a resource's own or one that a subresource speaks.
pub fn schema_of(gvk: &Gvk) -> Option<Schema> {
    let own = resource(gvk).and_then(Schema::of_resource);
    own.or_else(|| {
        let parts = RESOURCES.iter().flat_map(|r| r.subresources);
        let mut speaking = parts.filter(|s| s.kind == gvk.kind && s.group == gvk.group && s.version == gvk.version);
        speaking.find_map(Schema::of_subresource)
    })
}

/// The resource served under `/apis/GROUP/VERSION/…/PLURAL`.
pub fn by_plural(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|r| r.plural == plural && r.group == group && r.version == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(api_version: &str, kind: &str, expect: Option<(&str, bool)>) {
        let found = resource(&Gvk::from_api_version(api_version, kind)).map(|r| (r.plural, r.namespaced));
        assert_eq!(found, expect, "{api_version} {kind}");
    }

    #[test]
    fn plural_and_scope_of_built_in_kinds() {
        check("v1", "Pod", Some(("pods", true)));
        check("v1", "Namespace", Some(("namespaces", false)));
        check("v1", "Endpoints", Some(("endpoints", true)));
        check("apps/v1", "StatefulSet", Some(("statefulsets", true)));
        check("networking.k8s.io/v1", "NetworkPolicy", Some(("networkpolicies", true)));
        check("rbac.authorization.k8s.io/v1", "ClusterRole", Some(("clusterroles", false)));
        check("authorization.k8s.io/v1", "SelfSubjectAccessReview", Some(("selfsubjectaccessreviews", false)));
        check("autoscaling/v2", "HorizontalPodAutoscaler", Some(("horizontalpodautoscalers", true)));
    }

    #[test]
    fn what_is_not_served_is_not_listed() {
        check("apps/v1beta1", "Deployment", None);
        check("extensions/v1beta1", "Ingress", None);
        check("v1", "Deployment", None);
        assert!(by_plural("batch", "v1", "jobz").is_none());
    }

    #[test]
    fn subresources_name_the_kind_they_speak() {
        let scale = by_plural("apps", "v1", "deployments").unwrap().subresource("scale").unwrap();
        assert_eq!((scale.group, scale.version, scale.kind), ("autoscaling", "v1", "Scale"));
        let eviction = by_plural("", "v1", "pods").unwrap().subresource("eviction").unwrap();
        assert_eq!((eviction.group, eviction.kind), ("policy", "Eviction"));
        assert_eq!(by_plural("", "v1", "pods").unwrap().subresource("log").unwrap().verbs, ["get"]);
    }

    #[test]
    fn each_path_leads_to_one_resource() {
        for one in resources() {
            assert!(std::ptr::eq(by_plural(one.group, one.version, one.plural).unwrap(), one), "{}", one.plural);
            assert!(std::ptr::eq(resource(&one.gvk()).unwrap(), one), "{}", one.kind);
        }
    }
}
