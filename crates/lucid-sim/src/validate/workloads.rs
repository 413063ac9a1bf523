//! What workloads, pods and Services must say to be accepted.

use std::collections::BTreeSet;

use serde_json::Value;

use lucid_object::LabelSelector;

use crate::error::Cause;
use crate::json::Json;
use crate::kinds::Kind;

pub(crate) fn check(kind: &Kind, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", _) if object.has("spec/template") => {
            selector(object, &mut causes);
            template(object, "spec/template", &mut causes);
        }
        ("batch", "Job") => template(object, "spec/template", &mut causes),
        ("batch", "CronJob") => template(object, "spec/jobTemplate/spec/template", &mut causes),
        ("", "Pod") => pod(object, "spec", &mut causes),
        ("", "Service") => service(object, &mut causes),
        ("", "Secret") => secret(object, &mut causes),
        _ => {}
    }
    causes
}

fn selector(object: &Value, causes: &mut Vec<Cause>) {
    let selector = object.at("spec/selector");
    if selector.is_null() {
        causes.push(Cause::required("spec.selector", ""));
        return;
    }
    let parsed = LabelSelector::from_value(selector).unwrap_or_default();
    if parsed.is_empty() {
        causes.push(Cause::invalid("spec.selector", selector, "empty selector is invalid for deployment"));
        return;
    }
    let labels = object.strings("spec/template/metadata/labels");
    if !parsed.matches(&labels) {
        let shown = object.at("spec/template/metadata/labels");
        causes.push(Cause::invalid(
            "spec.template.metadata.labels",
            shown,
            "`selector` does not match template `labels`",
        ));
    }
}

fn template(object: &Value, path: &str, causes: &mut Vec<Cause>) {
    pod(object, &format!("{path}/spec"), causes);
}

fn pod(object: &Value, path: &str, causes: &mut Vec<Cause>) {
    let spec = object.at(path);
    let shown = path.replace('/', ".");
    if spec.list("containers").is_empty() {
        causes.push(Cause::required(format!("{shown}.containers"), ""));
    }
    let mut names = BTreeSet::new();
    let volumes: BTreeSet<&str> = spec.list("volumes").iter().map(|volume| volume.str("name")).collect();
    for list in ["initContainers", "containers"] {
        for (at, one) in spec.list(list).iter().enumerate() {
            let field = format!("{shown}.{list}[{at}]");
            container(one, &field, causes);
            if !one.str("name").is_empty() && !names.insert(one.str("name")) {
                causes.push(Cause::duplicate(format!("{field}.name"), one.at("name")));
            }
            for (at, mount) in one.list("volumeMounts").iter().enumerate() {
                let template = object.list("spec/volumeClaimTemplates").iter().any(|c| c.name() == mount.str("name"));
                if !volumes.contains(mount.str("name")) && !template {
                    causes.push(Cause::not_found(format!("{field}.volumeMounts[{at}].name"), mount.at("name")));
                }
            }
        }
    }
}

fn container(container: &Value, field: &str, causes: &mut Vec<Cause>) {
    if container.str("name").is_empty() {
        causes.push(Cause::required(format!("{field}.name"), ""));
    }
    if container.str("image").is_empty() {
        causes.push(Cause::required(format!("{field}.image"), ""));
    }
    for (at, port) in container.list("ports").iter().enumerate() {
        if !(1..=65_535).contains(&port.int("containerPort")) {
            let field = format!("{field}.ports[{at}].containerPort");
            causes.push(Cause::invalid(field, port.at("containerPort"), "must be between 1 and 65535, inclusive"));
        }
    }
    for (name, limit) in container.map("resources/limits").into_iter().flatten() {
        let quantity = |value: &Value| value.as_str().and_then(lucid_object::Quantity::parse);
        let request = container.at("resources/requests").get(name);
        if let (Some(limit), Some(wanted), Some(request)) = (quantity(limit), request.and_then(quantity), request)
            && wanted > limit
        {
            let detail = format!(
                "must be less than or equal to {name} limit of {}",
                container.str(&format!("resources/limits/{name}"))
            );
            causes.push(Cause::invalid(format!("{field}.resources.requests"), request, &detail));
        }
    }
}

fn service(object: &Value, causes: &mut Vec<Cause>) {
    let ports = object.list("spec/ports");
    let headless = object.str("spec/clusterIP") == "None";
    if ports.is_empty() && !headless && object.str("spec/type") != "ExternalName" {
        causes.push(Cause::required("spec.ports", ""));
    }
    let mut seen = BTreeSet::new();
    for (at, port) in ports.iter().enumerate() {
        if ports.len() > 1 && port.str("name").is_empty() {
            causes.push(Cause::required(format!("spec.ports[{at}].name"), ""));
        }
        if !port.str("name").is_empty() && !seen.insert(port.str("name")) {
            causes.push(Cause::duplicate(format!("spec.ports[{at}].name"), port.at("name")));
        }
        if !(1..=65_535).contains(&port.int("port")) {
            let detail = "must be between 1 and 65535, inclusive";
            causes.push(Cause::invalid(format!("spec.ports[{at}].port"), port.at("port"), detail));
        }
    }
    let kinds = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !kinds.contains(&object.str("spec/type")) {
        causes.push(Cause::not_supported("spec.type", object.str("spec/type"), &kinds));
    }
}

fn secret(object: &Value, causes: &mut Vec<Cause>) {
    let needs: &[&str] = match object.str("type") {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        _ => &[],
    };
    for key in needs {
        if object.at("data").get(*key).is_none() {
            causes.push(Cause::required(format!("data[{key}]"), ""));
        }
    }
}
