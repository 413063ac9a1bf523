//! What the cluster serves, in two requests.

use std::collections::BTreeMap;

use lucid_object::Gvk;
use serde_json::Value;

use crate::error::Result;
use crate::request::{ApiClient, Call};

/// How a served kind is addressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    pub plural: String,
    pub namespaced: bool,
}

/// The server and who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
    /// `v1.37.2`.
    pub text: String,
}

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

impl ApiClient {
    /// # Errors
    /// When the server does not answer.
    pub async fn version(&self) -> Result<Version> {
        let answer = self.call(&Call::get("/version".into(), "ask the server for its version".into())).await?.value;
        let number = |field: &str| {
            let text = answer.get(field).and_then(Value::as_str).unwrap_or("0");
            text.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0)
        };
        let text = answer.get("gitVersion").and_then(Value::as_str).unwrap_or("unknown").to_owned();
        Ok(Version { major: number("major"), minor: number("minor"), text })
    }

    /// The uid of `kube-system`, which names the cluster; `None` when we may not read it.
    pub async fn cluster_id(&self) -> Option<String> {
        let call = Call::get("/api/v1/namespaces/kube-system".into(), "identify the cluster".into());
        let answer = self.call(&call).await.ok()?;
        Some(answer.value.pointer("/metadata/uid")?.as_str()?.to_owned())
    }

    /// Every kind in every version that is served. Groups that do not answer are left out, as one dead aggregated API
    /// must not stop a release that does not use it.
    ///
    /// # Errors
    /// When discovery as a whole fails.
    pub async fn discover(&self) -> Result<BTreeMap<Gvk, Served>> {
        let (core, groups) = tokio::join!(self.discover_at("/api"), self.discover_at("/apis"));
        let mut kinds = core?;
        kinds.extend(groups?);
        Ok(kinds)
    }

    /// The OpenAPI v3 document of a group and version.
    ///
    /// # Errors
    /// 404 when the server publishes none.
    pub async fn openapi(&self, group: &str, version: &str) -> Result<Value> {
        let path = match group {
            "" => format!("/openapi/v3/api/{version}"),
            group => format!("/openapi/v3/apis/{group}/{version}"),
        };
        Ok(self.call(&Call::get(path, format!("read the schemas of {group}/{version}"))).await?.value)
    }

    async fn discover_at(&self, path: &str) -> Result<BTreeMap<Gvk, Served>> {
        let call = Call { accept: AGGREGATED, ..Call::get(path.into(), "discover the served kinds".into()) };
        let answer = self.call(&call).await?.value;
        Ok(kinds_of(&answer))
    }
}

fn kinds_of(list: &Value) -> BTreeMap<Gvk, Served> {
    let mut kinds = BTreeMap::new();
    for group in array(list, "items") {
        let name = group.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("");
        for version in array(group, "versions") {
            let version_name = version.get("version").and_then(Value::as_str).unwrap_or("");
            for resource in array(version, "resources") {
                kinds.extend(kind_of(name, version_name, resource));
            }
        }
    }
    kinds
}

fn kind_of(group: &str, version: &str, resource: &Value) -> Option<(Gvk, Served)> {
    let plural = resource.get("resource")?.as_str()?.to_owned();
    let kind = resource.pointer("/responseKind/kind")?.as_str()?;
    let namespaced = resource.get("scope").and_then(Value::as_str) == Some("Namespaced");
    Some((Gvk::new(group, version, kind), Served { plural, namespaced }))
}

fn array<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_the_aggregated_document() {
        let list = json!({"items": [
            {"metadata": {}, "versions": [{"version": "v1", "resources": [
                {"resource": "nodes", "responseKind": {"kind": "Node"}, "scope": "Cluster"}]}]},
            {"metadata": {"name": "apps"}, "versions": [{"version": "v1", "resources": [
                {"resource": "deployments", "responseKind": {"kind": "Deployment"}, "scope": "Namespaced"}]}]}]});
        let kinds = kinds_of(&list);
        assert_eq!(kinds[&Gvk::new("", "v1", "Node")], Served { plural: "nodes".into(), namespaced: false });
        assert_eq!(
            kinds[&Gvk::new("apps", "v1", "Deployment")],
            Served { plural: "deployments".into(), namespaced: true }
        );
    }
}
