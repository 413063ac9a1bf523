//! Text with which the API server refused an object, ours or a controller's, to a diagnosis.

use lucid_object::ObjectRef;

use crate::classify::{classify, refusal::TABLE};
use crate::clean::between;
use crate::diagnosis::Diagnosis;

/// What a refusal means; `None` for words that no pattern knows.
pub(crate) fn by_words(message: &str, object: &ObjectRef) -> Option<Diagnosis> {
    let code = classify(TABLE, message)?;
    let new = Diagnosis::new(code, object.clone(), sentence(code, message, object)).seen(message);
    Some(match code {
        1007 => new.help(webhook_help(message)),
        1009 => new.help(pod_security_help(message)),
        _ => new,
    })
}

fn sentence(code: u16, message: &str, object: &ObjectRef) -> String {
    let quoted = |before: &str| between(message, before, "\"").unwrap_or("?");
    match code {
        1001 => format!("{object} changes a field that cannot change{}", at_field(message)),
        1002 => format!("{object} has a field that its kind does not know{}", unknown_field(message)),
        1003 => format!("the cluster does not know the kind of {object}"),
        1006 => format!("the admission webhook {} refused {object}", quoted("admission webhook \"")),
        1007 => format!("the admission webhook {} does not answer", quoted("webhook \"")),
        1008 => format!(
            "the policy {} refused {object}",
            between(message, "ValidatingAdmissionPolicy '", "'").unwrap_or("?")
        ),
        1009 => format!(
            "the Pod Security level {} forbids the pods of {object}",
            between(message, "PodSecurity \"", "\"").unwrap_or("?")
        ),
        1010 => format!("quota {} is used up", quota(message)),
        1011 => format!("quota {} demands that requests or limits are set", quota(message)),
        1012 => "a request or limit is outside of the namespace's range".to_owned(),
        1013 => format!(
            "{} may not {} {}",
            between(message, "User \"", "\"").unwrap_or("we"),
            between(message, "cannot ", " ").unwrap_or("do that to"),
            quoted("resource \"")
        ),
        1015 => {
            let name = namespace_of(message).or(object.namespace.as_deref()).unwrap_or("?");
            let state = if message.contains("terminated") { "is being deleted" } else { "does not exist" };
            format!("namespace {name} {state}")
        }
        1016 => format!("{object} is too large"),
        1017 => format!("{object} asks for a port or address that is in use"),
        1018 => format!("another Ingress claims a host and path of {object}"),
        2002 => missing(message),
        _ => format!("the API server refuses {object}"),
    }
}

fn namespace_of(message: &str) -> Option<&str> {
    between(message, "in namespace ", " ").or_else(|| between(message, "namespaces \"", "\""))
}

fn quota(message: &str) -> &str {
    let name = between(message, "exceeded quota: ", ",").or_else(|| between(message, "failed quota: ", ":"));
    name.unwrap_or("?")
}

/// `X "a" is invalid: spec.selector: …` → ": spec.selector".
fn at_field(message: &str) -> String {
    let field = message.split_once("is invalid: ").and_then(|(_, rest)| rest.split_once(": ")).map(|(field, _)| field);
    field.map(|field| format!(": {field}")).unwrap_or_default()
}

fn unknown_field(message: &str) -> String {
    let field = between(message, "unknown field \"", "\"").map(str::to_owned).or_else(|| {
        let before = message.split(": field not declared in schema").next()?;
        let field = before.rsplit(' ').next()?;
        Some(field.trim_start_matches('.').to_owned()).filter(|field| before.len() < message.len() && !field.is_empty())
    });
    field.map(|field| format!(": {field}")).unwrap_or_default()
}

fn missing(message: &str) -> String {
    let named = [
        ("ServiceAccount", between(message, "serviceaccount \"", "\"")),
        ("PriorityClass", between(message, "PriorityClass with name ", " ")),
        ("RuntimeClass", between(message, "RuntimeClass \"", "\"")),
    ];
    let found = named.iter().find_map(|(kind, name)| Some(format!("{kind} {} does not exist", (*name)?)));
    found.unwrap_or_else(|| "the pods refer to an object that does not exist".to_owned())
}

fn webhook_help(message: &str) -> String {
    let host = between(message, "https://", "/").map(|host| host.split(':').next().unwrap_or(host));
    match host.and_then(|host| host.strip_suffix(".svc")).and_then(|host| host.split_once('.')) {
        Some((service, namespace)) => {
            format!("repair the webhook's own workload: Service {service} in namespace {namespace}")
        }
        None => "repair the workload behind the webhook".to_owned(),
    }
}

/// The security context that the message asks for, as lines to add.
fn pod_security_help(message: &str) -> String {
    const LINES: [(&str, &str); 5] = [
        ("allowPrivilegeEscalation != false", "allowPrivilegeEscalation: false"),
        ("unrestricted capabilities", "capabilities: {drop: [ALL]}"),
        ("runAsNonRoot != true", "runAsNonRoot: true"),
        ("seccompProfile", "seccompProfile: {type: RuntimeDefault}"),
        ("privileged", "privileged: false"),
    ];
    let lines: Vec<&str> = LINES.iter().filter(|(sign, _)| message.contains(sign)).map(|(_, line)| *line).collect();
    match lines.is_empty() {
        true => "change the pod as the message says".to_owned(),
        false => format!("add to the container's securityContext: {}", lines.join(", ")),
    }
}
