//! Where a kind is addressed: its path on the API server.

use lucid_object::Gvk;

/// One kind, in one namespace, in all of them, or cluster-scoped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    pub gvk: Gvk,
    pub plural: String,
    /// Absent for cluster-scoped kinds, and for all namespaces.
    pub namespace: Option<String>,
}

impl Target {
    pub fn new(gvk: Gvk, plural: impl Into<String>, namespace: Option<&str>) -> Self {
        Self { gvk, plural: plural.into(), namespace: namespace.map(str::to_owned) }
    }

    /// A kind of the core group.
    pub fn core(kind: &str, plural: &str, namespace: Option<&str>) -> Self {
        Self::new(Gvk::new("", "v1", kind), plural, namespace)
    }

    /// `/apis/apps/v1/namespaces/n/deployments`.
    pub fn path(&self) -> String {
        let root = if self.gvk.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", self.gvk.group) };
        let version = &self.gvk.version;
        match &self.namespace {
            Some(namespace) => format!("{root}/{version}/namespaces/{}/{}", escape(namespace), self.plural),
            None => format!("{root}/{version}/{}", self.plural),
        }
    }

    pub fn object_path(&self, name: &str) -> String {
        format!("{}/{}", self.path(), escape(name))
    }
}

/// Percent-encodes everything that is not unreserved in RFC 3986.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let deployments = Target::new(Gvk::new("apps", "v1", "Deployment"), "deployments", Some("n"));
        assert_eq!(deployments.object_path("a"), "/apis/apps/v1/namespaces/n/deployments/a");
        assert_eq!(Target::core("Node", "nodes", None).path(), "/api/v1/nodes");
    }

    #[test]
    fn names_cannot_leave_their_place() {
        assert_eq!(
            Target::core("Pod", "pods", Some("n")).object_path("../x?y"),
            "/api/v1/namespaces/n/pods/..%2Fx%3Fy"
        );
    }
}
