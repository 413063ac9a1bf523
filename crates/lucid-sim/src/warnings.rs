//! What the server says about an object that it takes but would rather not see.
//!
//! Source: the `WarningsOnCreate` and `WarningsOnUpdate` functions below k8s.io/kubernetes/pkg/registry, and the
//! `warnings.go` files below pkg/api.

mod pod;

use std::net::IpAddr;

use serde_json::Value;

use crate::json::Json;
use crate::kinds::Kind;
use crate::validate::text;

const IN_PODS: &str = "this is used in Pod names and hostnames";

pub(crate) fn create(kind: &Kind, object: &Value) -> Vec<String> {
    let mut out = Vec::new();
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => {
            name(object, "this is used in the Pod's hostname", &mut out);
            pod::check("", object, &mut out);
        }
        ("apps", "Deployment" | "ReplicaSet") | ("batch", "Job" | "CronJob") => name(object, IN_PODS, &mut out),
        ("networking.k8s.io", "Ingress") => {
            let annotation = "kubernetes.io/ingress.class";
            let noted = object.map("metadata/annotations").is_some_and(|map| map.contains_key(annotation));
            if noted && !object.has("spec/ingressClassName") {
                out.push(format!(
                    "annotation {annotation:?} is deprecated, please use 'spec.ingressClassName' instead"
                ));
            }
        }
        _ if kind.is_custom() => finalizers(&Value::Null, object, &mut out),
        _ => {}
    }
    templates(kind, object, &mut out);
    always(kind, object, &mut out);
    claims(kind, object, "", &mut out);
    out
}

pub(crate) fn update(kind: &Kind, subresource: &str, old: &Value, new: &Value) -> Vec<String> {
    let mut out = Vec::new();
    if kind.is_custom() {
        finalizers(old, new, &mut out);
    }
    if !subresource.is_empty() {
        return out;
    }
    // A DaemonSet is told of its template only.
    let changed = match kind.kind.as_str() {
        "DaemonSet" => old.at("spec/template") != new.at("spec/template"),
        _ => old.generation() != new.generation(),
    };
    if changed {
        templates(kind, new, &mut out);
    }
    if (kind.group.as_str(), kind.kind.as_str()) == ("batch", "CronJob") && new.str("spec/schedule").contains("TZ") {
        out.push("cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details".into());
    }
    let told_before = kind.kind == "ServiceAccount" && has_secrets_rule(old);
    if !told_before {
        always(kind, new, &mut out);
    }
    claims(kind, new, ".Spec", &mut out);
    out
}

fn name(object: &Value, why: &str, out: &mut Vec<String>) {
    let problems = text::label(object.name());
    if !problems.is_empty() {
        let list = problems.join(" ");
        out.push(format!(
            "metadata.name: {why}, which can result in surprising behavior; a DNS label is recommended: [{list}]"
        ));
    }
}

fn templates(kind: &Kind, object: &Value, out: &mut Vec<String>) {
    let path = match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") => "spec/template",
        ("batch", "Job") => {
            many_indexes(object.at("spec"), "spec", out);
            "spec/template"
        }
        ("batch", "CronJob") => {
            many_indexes(object.at("spec/jobTemplate/spec"), "spec.jobTemplate.spec", out);
            "spec/jobTemplate/spec/template"
        }
        _ => return,
    };
    pod::check(&format!("{}.", path.replace('/', ".")), object.at(path), out);
}

fn many_indexes(spec: &Value, at: &str, out: &mut Vec<String>) {
    let indexed = spec.str("completionMode") == "Indexed";
    if indexed && spec.int("completions") > 100_000 && spec.int("parallelism") > 10_000 {
        out.push(format!("{at}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail"));
    }
}

/// What is said at each write.
fn always(kind: &Kind, object: &Value, out: &mut Vec<String>) {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Service") => service(object, out),
        ("", "Secret") if object.str("type") == "kubernetes.io/tls" => certificate(object, out),
        ("", "ServiceAccount") if has_secrets_rule(object) => {
            out.push(format!("metadata.annotations[{SECRETS_RULE}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"));
        }
        ("apps", "StatefulSet") if object.int("spec/revisionHistoryLimit") < 0 => {
            out.push("spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended".into());
        }
        _ => {}
    }
}

const SECRETS_RULE: &str = "kubernetes.io/enforce-mountable-secrets";

fn has_secrets_rule(account: &Value) -> bool {
    account.map("metadata/annotations").is_some_and(|map| map.contains_key(SECRETS_RULE))
}

fn certificate(secret: &Value, out: &mut Vec<String>) {
    let begins = |key: &str| {
        let bytes = secret.at("data").get(key).and_then(Value::as_str).and_then(crate::base64::decode);
        String::from_utf8_lossy(&bytes.unwrap_or_default()).contains("-----BEGIN")
    };
    for (key, what) in [("tls.crt", "certificate"), ("tls.key", "key")] {
        if !begins(key) {
            return out.push(format!("tls: failed to find any PEM data in {what} input"));
        }
    }
}

fn claims(kind: &Kind, object: &Value, spec: &str, out: &mut Vec<String>) {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "PersistentVolumeClaim") => pod::claim("spec", object.at("spec"), out),
        ("apps", "StatefulSet") => {
            for (at, claim) in object.list("spec/volumeClaimTemplates").iter().enumerate() {
                pod::claim(&format!("spec.volumeClaimTemplates[{at}]{spec}"), claim.at("spec"), out);
            }
        }
        _ => {}
    }
}

fn service(service: &Value, out: &mut Vec<String>) {
    let (hints, mode) = ("service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode");
    if service.map("metadata/annotations").is_some_and(|map| map.contains_key(hints)) {
        out.push(format!("annotation {hints} is deprecated, please use {mode} instead"));
    }
    let headless = service.str("spec/clusterIP") == "None";
    let external = service.str("spec/type") == "ExternalName";
    let outside = service.list("spec/externalIPs");
    for field in ["clusterIPs", "externalIPs"].into_iter().filter(|field| *field != "clusterIPs" || !headless) {
        for (at, ip) in service.at("spec").list(field).iter().enumerate() {
            out.extend(address(&format!("spec.{field}[{at}]"), ip.as_str().unwrap_or("")));
        }
    }
    if headless {
        if !service.str("spec/loadBalancerIP").is_empty() {
            out.push("spec.loadBalancerIP is ignored for headless services".into());
        }
        if !outside.is_empty() {
            out.push("spec.externalIPs is ignored for headless services".into());
        }
        if service.str("spec/sessionAffinity") != "None" {
            out.push("spec.SessionAffinity is ignored for headless services".into());
        }
    } else if !outside.is_empty() && !external {
        out.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters".into());
    }
    if external && !outside.is_empty() {
        out.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".into());
    }
    if !external && !service.str("spec/externalName").is_empty() {
        out.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".into());
    }
    if service.str("spec/trafficDistribution") == "PreferClose" {
        out.push("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".into());
    }
}

/// An IPv6 address that could be written shorter.
fn address(at: &str, text: &str) -> Option<String> {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) if address.to_string() != text => {
            let short = address.to_string();
            Some(format!("{at}: IPv6 address {text:?} should be in RFC 5952 canonical format ({short:?})"))
        }
        _ => None,
    }
}

fn finalizers(old: &Value, new: &Value, out: &mut Vec<String>) {
    let had = old.list("metadata/finalizers");
    let mut added: Vec<&str> =
        new.list("metadata/finalizers").iter().filter(|name| !had.contains(name)).filter_map(Value::as_str).collect();
    added.sort_unstable();
    for name in added {
        out.extend(text::qualified_name(name).into_iter().map(|why| format!("metadata.finalizers: {name:?}: {why}")));
        if !name.contains('/') && !matches!(name, "orphan" | "foregroundDeletion" | "kubernetes") {
            let how = if name.contains('.') { " including a path (/)" } else { "" };
            out.push(format!("metadata.finalizers: {name:?}: prefer a domain-qualified finalizer name{how} to avoid accidental conflicts with other finalizer writers"));
        }
    }
}
