//! What a pod spec refers to by name.

use serde_json::Value;

/// Something a pod needs before it can start.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    pub kind: &'static str,
    pub name: String,
    /// The key of a ConfigMap or Secret, when only one is used.
    pub key: Option<String>,
    /// The pod starts without it too.
    pub optional: bool,
    /// JSON pointer, within the pod spec, of the field that names it.
    pub pointer: String,
}

/// Every ConfigMap, Secret, claim and ServiceAccount that a pod spec names.
pub fn of_pod_spec(spec: &Value) -> Vec<Reference> {
    let mut found = Vec::new();
    if let Some(name) = spec.get("serviceAccountName").and_then(Value::as_str) {
        found.push(plain("ServiceAccount", name, "/serviceAccountName".into()));
    }
    for (index, secret) in items(spec, "imagePullSecrets") {
        push(&mut found, "Secret", secret, "name", None, format!("/imagePullSecrets/{index}"));
    }
    for (index, volume) in items(spec, "volumes") {
        volume_references(volume, &format!("/volumes/{index}"), &mut found);
    }
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for (index, container) in items(spec, list) {
            container_references(container, &format!("/{list}/{index}"), &mut found);
        }
    }
    found
}

fn volume_references(volume: &Value, at: &str, found: &mut Vec<Reference>) {
    if let Some(source) = volume.get("configMap") {
        source_with_items(found, "ConfigMap", source, "name", &format!("{at}/configMap"));
    }
    if let Some(source) = volume.get("secret") {
        source_with_items(found, "Secret", source, "secretName", &format!("{at}/secret"));
    }
    if let Some(claim) = volume.pointer("/persistentVolumeClaim/claimName").and_then(Value::as_str) {
        found.push(plain("PersistentVolumeClaim", claim, format!("{at}/persistentVolumeClaim/claimName")));
    }
    let projected = volume.pointer("/projected/sources").and_then(Value::as_array);
    for (index, source) in projected.into_iter().flatten().enumerate() {
        for (field, kind) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
            if let Some(source) = source.get(field) {
                source_with_items(found, kind, source, "name", &format!("{at}/projected/sources/{index}/{field}"));
            }
        }
    }
}

fn source_with_items(found: &mut Vec<Reference>, kind: &'static str, source: &Value, field: &str, at: &str) {
    let keys: Vec<_> = items(source, "items").filter_map(|(_, item)| item.get("key")?.as_str()).collect();
    if keys.is_empty() {
        push(found, kind, source, field, None, at.to_owned());
    }
    for key in keys {
        push(found, kind, source, field, Some(key), at.to_owned());
    }
}

fn container_references(container: &Value, at: &str, found: &mut Vec<Reference>) {
    for (index, variable) in items(container, "env") {
        for (field, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
            if let Some(source) = variable.pointer(&format!("/valueFrom/{field}")) {
                let key = source.get("key").and_then(Value::as_str);
                push(found, kind, source, "name", key, format!("{at}/env/{index}/valueFrom/{field}"));
            }
        }
    }
    for (index, bulk) in items(container, "envFrom") {
        for (field, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
            if let Some(source) = bulk.get(field) {
                push(found, kind, source, "name", None, format!("{at}/envFrom/{index}/{field}"));
            }
        }
    }
}

fn push(found: &mut Vec<Reference>, kind: &'static str, source: &Value, field: &str, key: Option<&str>, at: String) {
    let Some(name) = source.get(field).and_then(Value::as_str) else { return };
    let optional = source.get("optional").and_then(Value::as_bool).unwrap_or(false);
    let pointer = format!("{at}/{field}");
    found.push(Reference { kind, name: name.to_owned(), key: key.map(str::to_owned), optional, pointer });
}

fn plain(kind: &'static str, name: &str, pointer: String) -> Reference {
    Reference { kind, name: name.to_owned(), key: None, optional: false, pointer }
}

fn items<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = (usize, &'a Value)> + use<'a> {
    value.get(field).and_then(Value::as_array).into_iter().flatten().enumerate()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_way_to_name_something() {
        let spec = json!({
            "serviceAccountName": "sa",
            "imagePullSecrets": [{"name": "pull"}],
            "volumes": [
                {"name": "a", "configMap": {"name": "cm"}},
                {"name": "b", "secret": {"secretName": "s", "items": [{"key": "k", "path": "p"}]}},
                {"name": "c", "persistentVolumeClaim": {"claimName": "data"}},
                {"name": "d", "projected": {"sources": [{"secret": {"name": "ps", "optional": true}}]}},
            ],
            "containers": [{"name": "x",
                "env": [{"name": "E", "valueFrom": {"secretKeyRef": {"name": "es", "key": "ek"}}}],
                "envFrom": [{"configMapRef": {"name": "ef"}}]}],
        });
        let shown: Vec<String> = of_pod_spec(&spec)
            .iter()
            .map(|r| {
                format!(
                    "{} {}{}{} {}",
                    r.kind,
                    r.name,
                    r.key.as_ref().map(|k| format!("[{k}]")).unwrap_or_default(),
                    if r.optional { "?" } else { "" },
                    r.pointer
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "ServiceAccount sa /serviceAccountName",
                "Secret pull /imagePullSecrets/0/name",
                "ConfigMap cm /volumes/0/configMap/name",
                "Secret s[k] /volumes/1/secret/secretName",
                "PersistentVolumeClaim data /volumes/2/persistentVolumeClaim/claimName",
                "Secret ps? /volumes/3/projected/sources/0/secret/name",
                "Secret es[ek] /containers/0/env/0/valueFrom/secretKeyRef/name",
                "ConfigMap ef /containers/0/envFrom/0/configMapRef/name",
            ]
        );
    }
}
