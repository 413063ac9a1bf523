//! Defaults of pod specs.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use crate::json::{Json, JsonMut};

/// A pod's own spec, or a template's.
pub(crate) fn spec(spec: &mut Value) {
    spec.default_to("dnsPolicy", "ClusterFirst");
    spec.default_to("restartPolicy", "Always");
    spec.default_to("schedulerName", "default-scheduler");
    spec.default_to("securityContext", json!({}));
    spec.default_to("terminationGracePeriodSeconds", 30);
    let named = if spec.str("serviceAccountName").is_empty() { "serviceAccount" } else { "serviceAccountName" };
    let account = spec.str(named).to_owned();
    if !account.is_empty() {
        spec.put("serviceAccountName", account.clone());
        spec.put("serviceAccount", account);
    }
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        spec.items(list).iter_mut().for_each(container);
    }
    spec.items("volumes").iter_mut().for_each(volume);
}

fn container(container: &mut Value) {
    container.default_to("terminationMessagePath", "/dev/termination-log");
    container.default_to("terminationMessagePolicy", "File");
    container.default_to("resources", json!({}));
    let policy = if is_latest(container.str("image")) { "Always" } else { "IfNotPresent" };
    container.default_to("imagePullPolicy", policy);
    for port in container.items("ports") {
        port.default_to("protocol", "TCP");
    }
    for variable in container.items("env") {
        if variable.has("valueFrom/fieldRef") {
            variable.default_to("valueFrom/fieldRef/apiVersion", "v1");
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if container.has(name) {
            probe(container.entry(name));
        }
    }
    for hook in ["lifecycle/postStart/httpGet", "lifecycle/preStop/httpGet"] {
        if container.has(hook) {
            http_get(container.entry(hook));
        }
    }
    for list in ["resources/limits", "resources/requests"] {
        quantities(container.entry_if(list));
    }
}

fn probe(probe: &mut Value) {
    probe.default_to("timeoutSeconds", 1);
    probe.default_to("periodSeconds", 10);
    probe.default_to("successThreshold", 1);
    probe.default_to("failureThreshold", 3);
    if probe.has("httpGet") {
        http_get(probe.entry("httpGet"));
    }
    if probe.has("grpc") {
        probe.default_to("grpc/service", "");
    }
}

fn http_get(get: &mut Value) {
    get.default_to("path", "/");
    get.default_to("scheme", "HTTP");
}

fn volume(volume: &mut Value) {
    for (field, mode) in [
        ("configMap", "defaultMode"),
        ("secret", "defaultMode"),
        ("downwardAPI", "defaultMode"),
        ("projected", "defaultMode"),
    ] {
        if volume.has(field) {
            volume.default_to(&format!("{field}/{mode}"), 420);
        }
    }
    if volume.has("hostPath") {
        volume.default_to("hostPath/type", "");
    }
    for source in volume.items("projected/sources") {
        for item in source.items("downwardAPI/items").iter_mut().filter(|item| item.has("fieldRef")) {
            item.default_to("fieldRef/apiVersion", "v1");
        }
        if source.has("serviceAccountToken") {
            source.default_to("serviceAccountToken/expirationSeconds", 3600);
        }
    }
    for path in ["downwardAPI/items"] {
        for item in volume.items(path).iter_mut().filter(|item| item.has("fieldRef")) {
            item.default_to("fieldRef/apiVersion", "v1");
        }
    }
    let only_name = volume.as_object().is_some_and(|map| map.len() == 1 && map.contains_key("name"));
    if only_name {
        volume.put("emptyDir", json!({}));
    }
}

/// What a pod gets and a template does not: a container that states a limit and no request requests its limit, on the
/// host's network its ports are the host's, and it ends within a second at the least.
pub(crate) fn pod(object: &mut Value) {
    if object.int("spec/terminationGracePeriodSeconds") < 0 {
        object.put("spec/terminationGracePeriodSeconds", 1);
    }
    object.default_to("spec/enableServiceLinks", true);
    let address = object.str("status/podIP").to_owned();
    let first = object.list("status/podIPs").first().map(|first| first.str("ip").to_owned());
    match (address.as_str(), first.as_deref()) {
        ("", Some(first)) => object.put("status/podIP", first),
        ("", None) => {}
        (address, first) if first != Some(address) => object.put("status/podIPs", json!([{"ip": address}])),
        _ => {}
    }
    let host_network = object.flag("spec/hostNetwork");
    for list in ["spec/initContainers", "spec/containers"] {
        for container in object.items(list) {
            let limits = container.map("resources/limits").cloned().unwrap_or_default();
            for (name, limit) in limits {
                let requests = container.entry("resources/requests");
                if !requests.is_object() {
                    *requests = json!({});
                }
                requests.as_object_mut().expect("made an object above").entry(name).or_insert(limit);
            }
            for port in container.items("ports").iter_mut().filter(|_| host_network) {
                let number = port.at("containerPort").clone();
                port.default_to("hostPort", number);
            }
        }
    }
}

/// What can be the name of an image, in the grammar of github.com/distribution/reference.
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    let part = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
    let label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    let host = format!("(?:{label}(?:\\.{label})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?");
    let digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
    let whole = format!("^(?:{host}/)?{part}(?:/{part})*(?::[0-9A-Za-z_][0-9A-Za-z_.-]{{0,127}})?(?:@{digest})?$");
    Regex::new(&whole).expect("a sound expression")
});

/// `latest`, whether written or meant; a digest never is, and neither is what cannot be read.
fn is_latest(image: &str) -> bool {
    if !REFERENCE.is_match(image) {
        return false;
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    !name.contains('@') && name.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

/// Quantities in the form in which the server prints them.
fn quantities(map: Option<&mut Value>) {
    for value in map.and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut()) {
        if let Some(canonical) = crate::quantity::canonical(value) {
            *value = canonical.into();
        }
    }
}

trait EntryIf {
    fn entry_if(&mut self, path: &str) -> Option<&mut Value>;
}

impl EntryIf for Value {
    fn entry_if(&mut self, path: &str) -> Option<&mut Value> {
        path.split('/').try_fold(self, |value, key| value.get_mut(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(image: &str, latest: bool) {
        assert_eq!(is_latest(image), latest, "{image}");
    }

    #[test]
    fn moving_images_are_always_pulled() {
        check("redis", true);
        check("localhost:5000/redis", true);
        check("redis:latest", true);
        check("redis:8", false);
        check(&format!("redis@sha256:{}", "0".repeat(64)), false);
        check(&format!("localhost:5000/redis:8@sha256:{}", "0".repeat(64)), false);
        check(" redis", false);
        check("Redis", false);
    }

    #[test]
    fn a_bare_container_gets_what_the_server_adds() {
        let mut pod = json!({"containers": [{"name": "a", "image": "x:1", "ports": [{"containerPort": 80}],
            "readinessProbe": {"httpGet": {"port": 80}}}], "volumes": [{"name": "v"}]});
        spec(&mut pod);
        let container = &pod["containers"][0];
        assert_eq!(container["ports"][0]["protocol"], "TCP");
        assert_eq!(container["imagePullPolicy"], "IfNotPresent");
        assert_eq!(
            container["readinessProbe"],
            json!({"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
            "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3})
        );
        assert_eq!(pod["volumes"][0]["emptyDir"], json!({}));
        assert_eq!((pod.int("terminationGracePeriodSeconds"), pod.str("dnsPolicy")), (30, "ClusterFirst"));
    }
}
