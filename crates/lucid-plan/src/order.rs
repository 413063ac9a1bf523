//! The order of objects within one lane: what others use comes first.

use lucid_object::ObjectRef;

/// Smaller goes first. Removal runs the other way round.
pub fn rank(group: &str, kind: &str) -> u8 {
    match (group, kind) {
        ("", "Namespace") => 0,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => 1,
        ("scheduling.k8s.io", "PriorityClass")
        | ("storage.k8s.io", "StorageClass")
        | ("node.k8s.io", "RuntimeClass") => 2,
        ("", "ResourceQuota" | "LimitRange") => 3,
        ("", "ServiceAccount") => 4,
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => 5,
        ("rbac.authorization.k8s.io", _) => 6,
        ("networking.k8s.io", "NetworkPolicy") => 7,
        ("", "ConfigMap" | "Secret") => 8,
        ("", "PersistentVolume") => 9,
        ("", "PersistentVolumeClaim") => 10,
        ("", "Service") => 11,
        ("policy", _) => 12,
        ("apps" | "batch", _) | ("", "Pod" | "ReplicationController") => 20,
        ("autoscaling", _) => 21,
        ("networking.k8s.io" | "gateway.networking.k8s.io", _) => 22,
        ("admissionregistration.k8s.io" | "apiregistration.k8s.io", _) => 23,
        _ => 15,
    }
}

/// Kinds that are as they should be the moment the server has accepted them: nothing to watch.
pub fn is_settled_at_once(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        ("", "ConfigMap" | "Secret" | "ServiceAccount" | "LimitRange" | "ResourceQuota" | "Endpoints")
            | (
                "rbac.authorization.k8s.io" | "scheduling.k8s.io" | "storage.k8s.io" | "admissionregistration.k8s.io",
                _
            )
            | ("networking.k8s.io" | "policy" | "autoscaling" | "discovery.k8s.io", _)
            | ("batch", "CronJob")
    )
}

/// Never removed by itself: going back would not bring the content back.
pub fn holds_data(object: &ObjectRef) -> bool {
    matches!(
        object.kind.as_str(),
        "PersistentVolumeClaim" | "PersistentVolume" | "CustomResourceDefinition" | "Namespace"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_comes_before_its_user() {
        let chain = [
            ("", "Namespace"),
            ("apiextensions.k8s.io", "CustomResourceDefinition"),
            ("", "ServiceAccount"),
            ("rbac.authorization.k8s.io", "Role"),
            ("rbac.authorization.k8s.io", "RoleBinding"),
            ("", "ConfigMap"),
            ("", "PersistentVolumeClaim"),
            ("", "Service"),
            ("example.com", "Anything"),
            ("apps", "Deployment"),
            ("autoscaling", "HorizontalPodAutoscaler"),
            ("networking.k8s.io", "Ingress"),
        ];
        assert!(chain.windows(2).all(|pair| rank(pair[0].0, pair[0].1) < rank(pair[1].0, pair[1].1)));
    }

    #[test]
    fn isolation_is_in_force_before_the_first_pod() {
        assert!(rank("networking.k8s.io", "NetworkPolicy") < rank("apps", "Deployment"));
    }
}
