//! What the cluster lets us do.

use lucid_object::Gvk;
use serde_json::{Value, json};

use crate::error::Result;
use crate::request::{ApiClient, Call};

/// One thing we may or may not do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Access {
    pub verb: String,
    pub group: String,
    /// Plural, with `/subresource` where one is meant; `*` for everything.
    pub resource: String,
    /// Absent for cluster-scoped kinds and for all namespaces.
    pub namespace: Option<String>,
    /// Only this object: privileges may be given for single names.
    pub name: Option<String>,
}

impl Access {
    pub fn new(verb: &str, group: &str, resource: &str, namespace: Option<&str>) -> Self {
        Self {
            verb: verb.into(),
            group: group.into(),
            resource: resource.into(),
            namespace: namespace.map(Into::into),
            name: None,
        }
    }

    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: Some(name.into()), ..self }
    }
}

impl std::fmt::Display for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dot = if self.group.is_empty() { "" } else { "." };
        write!(f, "{} {}{dot}{}", self.verb, self.resource, self.group)?;
        match (&self.name, &self.namespace) {
            (Some(name), None) => write!(f, " {name}"),
            (Some(name), Some(namespace)) => write!(f, " {name} in namespace {namespace}"),
            (None, Some(namespace)) => write!(f, " in namespace {namespace}"),
            (None, None) => write!(f, " in the whole cluster"),
        }
    }
}

impl ApiClient {
    /// A SelfSubjectAccessReview: changes nothing, although it is a POST.
    ///
    /// # Errors
    /// When the question itself cannot be asked.
    pub async fn may(&self, access: &Access) -> Result<bool> {
        let (resource, subresource) = access.resource.split_once('/').unwrap_or((&access.resource, ""));
        let mut attributes = json!({"verb": access.verb, "group": access.group, "resource": resource, "version": "*"});
        if !subresource.is_empty() {
            attributes["subresource"] = subresource.into();
        }
        if let Some(namespace) = &access.namespace {
            attributes["namespace"] = namespace.clone().into();
        }
        if let Some(name) = &access.name {
            attributes["name"] = name.clone().into();
        }
        let gvk = Gvk::new("authorization.k8s.io", "v1", "SelfSubjectAccessReview");
        let body =
            json!({"apiVersion": gvk.api_version(), "kind": gvk.kind, "spec": {"resourceAttributes": attributes}});
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews".to_owned();
        let mut call = Call::with_body(http::Method::POST, path, &body, format!("ask whether we may {access}"));
        call.is_idempotent = true;
        let answer = self.call(&call).await?.value;
        Ok(answer.pointer("/status/allowed").and_then(Value::as_bool).unwrap_or(false))
    }
}
