//! Pod Security: what a namespace's labels demand of its pods, in the words of the real plugin.
//!
//! The rules are those of Kubernetes 1.37; a namespace that pins an older version is judged by them too.
//! Source: k8s.io/pod-security-admission/policy, checks in the order of their names, baseline before restricted.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::error::{ApiError, Cause};
use crate::json::Json;
use crate::kinds::{Kind, Table};
use crate::world::World;

const PREFIX: &str = "pod-security.kubernetes.io/";
const LEVELS: [&str; 3] = ["privileged", "baseline", "restricted"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Privileged,
    Baseline,
    Restricted,
}

/// A level, and how a message names it: `restricted:latest`.
struct Policy {
    level: Level,
    shown: String,
}

/// What the labels of a namespace demand: of pods, and of what a warning is given for.
struct Demands {
    enforce: Policy,
    warn: Policy,
}

fn level(text: &str) -> Option<Level> {
    match text {
        "privileged" => Some(Level::Privileged),
        "baseline" => Some(Level::Baseline),
        "restricted" => Some(Level::Restricted),
        _ => None,
    }
}

impl Policy {
    fn new(level: Level, version: &str) -> Self {
        let version = if version.is_empty() { "latest" } else { version };
        Self { level, shown: format!("{}:{version}", LEVELS[level as usize]) }
    }
}

impl Demands {
    fn of(namespace: &Value) -> Self {
        let label = |mode: &str| namespace.label(&format!("{PREFIX}{mode}"));
        // What cannot be read is enforced as strictly as can be.
        let wanted = match label("enforce") {
            "" => Some(Level::Privileged),
            text => level(text),
        };
        let enforce = wanted.unwrap_or(Level::Restricted);
        let warned = match label("warn") {
            "" => wanted.unwrap_or(Level::Privileged),
            text => level(text).unwrap_or(Level::Privileged),
        };
        let is_own = !label("warn").is_empty() || !label("warn-version").is_empty();
        let version = if is_own { label("warn-version") } else { label("enforce-version") };
        Self { enforce: Policy::new(enforce, label("enforce-version")), warn: Policy::new(warned, version) }
    }
}

/// Labels that say no level or version are refused with the namespace.
pub(crate) fn labels(kind: &Kind, namespace: &Value) -> Result<(), ApiError> {
    if kind.table != Table::NAMESPACES {
        return Ok(());
    }
    let mut causes = Vec::new();
    for mode in ["enforce", "audit", "warn"] {
        let (key, text) = (format!("{PREFIX}{mode}"), namespace.label(&format!("{PREFIX}{mode}")));
        if !text.is_empty() && level(text).is_none() {
            let detail = format!("must be one of {}", LEVELS.join(", "));
            causes.push(Cause::invalid(format!("metadata.labels[{key}]"), &text.into(), &detail));
        }
        let (key, text) = (format!("{key}-version"), namespace.label(&format!("{PREFIX}{mode}-version")));
        if !is_version(text) {
            let detail = "must be \"latest\" or \"v1.x\"";
            causes.push(Cause::invalid(format!("metadata.labels[{key}]"), &text.into(), detail));
        }
    }
    if causes.is_empty() { Ok(()) } else { Err(ApiError::invalid(kind.about(), namespace.name(), causes)) }
}

fn is_version(text: &str) -> bool {
    let is_number = |minor: &str| !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit());
    matches!(text, "" | "latest") || text.strip_prefix("v1.").is_some_and(is_number)
}

/// Refuses a pod that its namespace does not take.
pub(crate) fn admit(world: &World, kind: &Kind, pod: &Value) -> Result<(), ApiError> {
    if kind.table != Table::PODS {
        return Ok(());
    }
    let Some(namespace) = world.store.get(Table::NAMESPACES, "", pod.namespace()) else { return Ok(()) };
    let policy = Demands::of(namespace).enforce;
    match violations(policy.level, pod, pod.at("spec")) {
        Some(told) => {
            let why = format!("violates PodSecurity \"{}\": {told}", policy.shown);
            Err(ApiError::forbidden(kind.about(), super::shown_name(pod), &why))
        }
        None => Ok(()),
    }
}

/// What whoever writes a pod, or something that makes pods, is warned of.
pub(crate) fn warning(world: &World, kind: &Kind, object: &Value) -> Option<String> {
    let namespace = world.store.get(Table::NAMESPACES, "", object.namespace())?;
    let (metadata, spec) = template(kind, object)?;
    let policy = Demands::of(namespace).warn;
    let told = violations(policy.level, metadata, spec)?;
    Some(format!("would violate PodSecurity \"{}\": {told}", policy.shown))
}

/// The pod that an object is or makes: what has its metadata, and its spec.
fn template<'a>(kind: &Kind, object: &'a Value) -> Option<(&'a Value, &'a Value)> {
    let template = match kind.table {
        Table::PODS => return Some((object, object.at("spec"))),
        Table::DEPLOYMENTS
        | Table::REPLICA_SETS
        | Table::CONTROLLERS
        | Table::STATEFUL_SETS
        | Table::DAEMON_SETS
        | Table::JOBS => object.at("spec/template"),
        Table::CRON_JOBS => object.at("spec/jobTemplate/spec/template"),
        _ => return None,
    };
    template.is_object().then(|| (template, template.at("spec")))
}

/// Everything that the level forbids in a pod, as one sentence.
fn violations(level: Level, pod: &Value, spec: &Value) -> Option<String> {
    if level == Level::Privileged {
        return None;
    }
    let pod = Pod { annotations: pod.at("metadata/annotations"), spec };
    let is_restricted = level == Level::Restricted;
    let baseline = [
        pod.app_armor(),
        pod.added_capabilities().filter(|_| !is_restricted),
        pod.host_namespaces(),
        pod.host_paths().filter(|_| !is_restricted),
        pod.host_ports(),
        pod.probe_hosts(),
        pod.privileged(),
        pod.proc_mount().filter(|_| !is_restricted && !pod.is_in_user_namespace()),
        pod.se_linux(),
        pod.seccomp(false).filter(|_| !is_restricted),
        pod.sysctls(),
        pod.host_process(),
    ];
    let restricted = || {
        [
            pod.privilege_escalation(),
            pod.kept_capabilities(),
            pod.proc_mount(),
            pod.volume_types(),
            pod.non_root().filter(|_| !pod.is_in_user_namespace()),
            pod.root_user().filter(|_| !pod.is_in_user_namespace()),
            pod.seccomp(true),
        ]
    };
    let mut found: Vec<Violation> = baseline.into_iter().flatten().collect();
    if is_restricted {
        found.extend(restricted().into_iter().flatten());
    }
    let told: Vec<String> = found.iter().map(|one| format!("{} ({})", one.reason, one.detail)).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

struct Violation {
    reason: String,
    detail: String,
}

fn violation(reason: impl Into<String>, detail: String) -> Option<Violation> {
    Some(Violation { reason: reason.into(), detail })
}

fn quoted<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    items.into_iter().map(|item| format!("\"{item}\"")).collect::<Vec<_>>().join(", ")
}

fn plural<'a>(count: usize, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

/// `container "a"`, `containers "a", "b"`.
fn containers(names: &[&str]) -> String {
    format!("{} {}", plural(names.len(), "container", "containers"), quoted(names.iter().copied()))
}

/// `pod and container "a"`.
fn setters(pod: bool, names: &[&str]) -> Option<String> {
    let mut all = Vec::new();
    if pod {
        all.push("pod".to_owned());
    }
    if !names.is_empty() {
        all.push(containers(names));
    }
    (!all.is_empty()).then(|| all.join(" and "))
}

struct Pod<'a> {
    annotations: &'a Value,
    spec: &'a Value,
}

impl<'a> Pod<'a> {
    fn containers(&self) -> impl Iterator<Item = &'a Value> {
        let lists = ["initContainers", "containers", "ephemeralContainers"];
        lists.into_iter().flat_map(|list| self.spec.list(list))
    }

    /// Names of the containers of which something holds.
    fn those(&self, holds: impl Fn(&'a Value) -> bool) -> Vec<&'a str> {
        self.containers().filter(|container| holds(container)).map(|container| container.str("name")).collect()
    }

    fn is_in_user_namespace(&self) -> bool {
        self.spec.at("hostUsers") == false
    }

    fn is_windows(&self) -> bool {
        self.spec.str("os/name") == "windows"
    }

    fn app_armor(&self) -> Option<Violation> {
        let path = "securityContext/appArmorProfile";
        let is_bad = |one: &Value| one.has(path) && !matches!(one.at(path).str("type"), "RuntimeDefault" | "Localhost");
        let names = self.those(is_bad);
        let mut values: BTreeSet<&str> = BTreeSet::new();
        let bad = std::iter::once(self.spec).chain(self.containers()).filter(|one| is_bad(one));
        values.extend(bad.map(|one| one.at(path).str("type")));
        let mut shown: Vec<String> = values.into_iter().map(str::to_owned).collect();
        let mut who: Vec<String> = setters(is_bad(self.spec), &names).into_iter().collect();
        let mut annotated: Vec<String> = Vec::new();
        for (key, value) in self.annotations.as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            let is_fine = value.is_empty() || value == "runtime/default" || value.starts_with("localhost/");
            if key.starts_with("container.apparmor.security.beta.kubernetes.io/") && !is_fine {
                annotated.push(format!("{key}=\"{value}\""));
            }
        }
        if !annotated.is_empty() {
            annotated.sort();
            who.push(plural(annotated.len(), "annotation", "annotations").to_owned());
            shown.extend(annotated);
        }
        if who.is_empty() {
            return None;
        }
        let reason = plural(shown.len(), "forbidden AppArmor profile", "forbidden AppArmor profiles");
        let values = quoted(shown.iter().map(String::as_str));
        violation(reason, format!("{} must not set AppArmor profile type to {values}", who.join(" and ")))
    }

    fn added_capabilities(&self) -> Option<Violation> {
        const ALLOWED: [&str; 13] = [
            "AUDIT_WRITE",
            "CHOWN",
            "DAC_OVERRIDE",
            "FOWNER",
            "FSETID",
            "KILL",
            "MKNOD",
            "NET_BIND_SERVICE",
            "SETFCAP",
            "SETGID",
            "SETPCAP",
            "SETUID",
            "SYS_CHROOT",
        ];
        let told = self.adding(&ALLOWED)?;
        violation("non-default capabilities", told)
    }

    /// Which containers add capabilities other than these.
    fn adding(&self, allowed: &[&str]) -> Option<String> {
        let added = |container: &'a Value| {
            let list = container.list("securityContext/capabilities/add").iter().filter_map(Value::as_str);
            list.filter(|one| !allowed.contains(one)).collect::<Vec<_>>()
        };
        let names = self.those(|container| !added(container).is_empty());
        let all: BTreeSet<&str> = self.containers().flat_map(added).collect();
        let told = || {
            format!(
                "{} must not include {} in securityContext.capabilities.add",
                containers(&names),
                quoted(all.iter().copied())
            )
        };
        (!names.is_empty()).then(told)
    }

    fn host_namespaces(&self) -> Option<Violation> {
        let shared = ["hostNetwork", "hostPID", "hostIPC"].into_iter().filter(|field| self.spec.flag(field));
        let shared: Vec<String> = shared.map(|field| format!("{field}=true")).collect();
        if shared.is_empty() { None } else { violation("host namespaces", shared.join(", ")) }
    }

    fn host_paths(&self) -> Option<Violation> {
        let volumes = self.spec.list("volumes").iter().filter(|volume| volume.has("hostPath"));
        let names: Vec<&str> = volumes.map(|volume| volume.str("name")).collect();
        if names.is_empty() {
            return None;
        }
        let detail = format!("{} {}", plural(names.len(), "volume", "volumes"), quoted(names));
        violation("hostPath volumes", detail)
    }

    fn host_ports(&self) -> Option<Violation> {
        let ports = |container: &'a Value| {
            container.list("ports").iter().map(|port| port.int("hostPort")).filter(|port| *port != 0)
        };
        let names = self.those(|container| ports(container).next().is_some());
        let all: BTreeSet<String> = self.containers().flat_map(ports).map(|port| port.to_string()).collect();
        if names.is_empty() {
            return None;
        }
        let list: Vec<&str> = all.iter().map(String::as_str).collect();
        let (uses, what) = (plural(names.len(), "uses", "use"), plural(list.len(), "hostPort", "hostPorts"));
        violation("hostPort", format!("{} {uses} {what} {}", containers(&names), list.join(", ")))
    }

    fn probe_hosts(&self) -> Option<Violation> {
        let places = ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle/postStart", "lifecycle/preStop"];
        let hosts = |container: &'a Value| {
            let of = move |place: &&str| {
                ["httpGet", "tcpSocket"]
                    .map(|how| container.at(place).at(how).str("host"))
                    .into_iter()
                    .filter(|host| !host.is_empty())
            };
            places.iter().flat_map(of).collect::<Vec<_>>()
        };
        let names: BTreeSet<&str> = self.those(|container| !hosts(container).is_empty()).into_iter().collect();
        let all: BTreeSet<&str> = self.containers().flat_map(hosts).collect();
        if names.is_empty() {
            return None;
        }
        let names: Vec<&str> = names.into_iter().collect();
        let what = plural(all.len(), "probe or lifecycle host", "probe or lifecycle hosts");
        let uses = plural(names.len(), "uses", "use");
        violation("probe or lifecycle host", format!("{} {uses} {what} {}", containers(&names), quoted(all)))
    }

    fn privileged(&self) -> Option<Violation> {
        let names = self.those(|container| container.flag("securityContext/privileged"));
        if names.is_empty() {
            return None;
        }
        violation("privileged", format!("{} must not set securityContext.privileged=true", containers(&names)))
    }

    fn proc_mount(&self) -> Option<Violation> {
        let path = "securityContext/procMount";
        let is_bad = |container: &Value| container.has(path) && container.str(path) != "Default";
        let names = self.those(is_bad);
        let all: BTreeSet<&str> = self.containers().filter(|one| is_bad(one)).map(|one| one.str(path)).collect();
        if names.is_empty() {
            return None;
        }
        let detail = format!("{} must not set securityContext.procMount to {}", containers(&names), quoted(all));
        violation("procMount", detail)
    }

    fn se_linux(&self) -> Option<Violation> {
        const TYPES: [&str; 5] = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
        let path = "securityContext/seLinuxOptions";
        let is_bad = |one: &Value| {
            let options = one.at(path);
            options.is_object()
                && (!TYPES.contains(&options.str("type"))
                    || !options.str("user").is_empty()
                    || !options.str("role").is_empty())
        };
        let who = setters(is_bad(self.spec), &self.those(is_bad))?;
        let bad: Vec<&Value> = std::iter::once(self.spec)
            .chain(self.containers())
            .filter(|one| is_bad(one))
            .map(|one| one.at(path))
            .collect();
        let types: BTreeSet<&str> =
            bad.iter().map(|options| options.str("type")).filter(|kind| !TYPES.contains(kind)).collect();
        let mut told = Vec::new();
        if !types.is_empty() {
            told.push(format!("{} {}", plural(types.len(), "type", "types"), quoted(types)));
        }
        for field in ["user", "role"] {
            if bad.iter().any(|options| !options.str(field).is_empty()) {
                told.push(format!("{field} may not be set"));
            }
        }
        violation("seLinuxOptions", format!("{who} set forbidden securityContext.seLinuxOptions: {}", told.join("; ")))
    }

    fn seccomp(&self, is_needed: bool) -> Option<Violation> {
        if is_needed && self.is_windows() {
            return None;
        }
        let path = "securityContext/seccompProfile";
        let is_fine = |one: &Value| matches!(one.at(path).str("type"), "RuntimeDefault" | "Localhost");
        let is_bad = |one: &Value| one.has(path) && !is_fine(one);
        if let Some(who) = setters(is_bad(self.spec), &self.those(is_bad)) {
            let bad = std::iter::once(self.spec).chain(self.containers()).filter(|one| is_bad(one));
            let values: BTreeSet<&str> = bad.map(|one| one.at(path).str("type")).collect();
            let detail = format!("{who} must not set securityContext.seccompProfile.type to {}", quoted(values));
            return violation("seccompProfile", detail);
        }
        let names = self.those(|container| !container.has(path));
        if !is_needed || is_fine(self.spec) || names.is_empty() {
            return None;
        }
        let want = "must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"";
        violation("seccompProfile", format!("pod or {} {want}", containers(&names)))
    }

    fn sysctls(&self) -> Option<Violation> {
        const ALLOWED: [&str; 14] = [
            "kernel.shm_rmid_forced",
            "net.ipv4.ip_local_port_range",
            "net.ipv4.tcp_syncookies",
            "net.ipv4.ping_group_range",
            "net.ipv4.ip_unprivileged_port_start",
            "net.ipv4.ip_local_reserved_ports",
            "net.ipv4.tcp_keepalive_time",
            "net.ipv4.tcp_fin_timeout",
            "net.ipv4.tcp_keepalive_intvl",
            "net.ipv4.tcp_keepalive_probes",
            "net.ipv4.tcp_rmem",
            "net.ipv4.tcp_wmem",
            "net.ipv4.tcp_slow_start_after_idle",
            "net.ipv4.tcp_notsent_lowat",
        ];
        let names = self.spec.list("securityContext/sysctls").iter().map(|sysctl| sysctl.str("name"));
        let bad: Vec<&str> = names.filter(|name| !ALLOWED.contains(name)).collect();
        if bad.is_empty() { None } else { violation("forbidden sysctls", bad.join(", ")) }
    }

    fn host_process(&self) -> Option<Violation> {
        let is_bad = |one: &Value| one.flag("securityContext/windowsOptions/hostProcess");
        let who = setters(is_bad(self.spec), &self.those(is_bad))?;
        violation("hostProcess", format!("{who} must not set securityContext.windowsOptions.hostProcess=true"))
    }

    fn privilege_escalation(&self) -> Option<Violation> {
        let names = self.those(|container| container.at("securityContext/allowPrivilegeEscalation") != false);
        if self.is_windows() || names.is_empty() {
            return None;
        }
        let detail = format!("{} must set securityContext.allowPrivilegeEscalation=false", containers(&names));
        violation("allowPrivilegeEscalation != false", detail)
    }

    fn kept_capabilities(&self) -> Option<Violation> {
        if self.is_windows() {
            return None;
        }
        let drops_all =
            |container: &Value| container.list("securityContext/capabilities/drop").iter().any(|one| one == "ALL");
        let keeping = self.those(|container| !drops_all(container));
        let mut told = Vec::new();
        if !keeping.is_empty() {
            told.push(format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", containers(&keeping)));
        }
        told.extend(self.adding(&["NET_BIND_SERVICE"]));
        if told.is_empty() { None } else { violation("unrestricted capabilities", told.join("; ")) }
    }

    fn volume_types(&self) -> Option<Violation> {
        const ALLOWED: [&str; 9] = [
            "configMap",
            "csi",
            "downwardAPI",
            "emptyDir",
            "ephemeral",
            "image",
            "persistentVolumeClaim",
            "projected",
            "secret",
        ];
        let is_bad = |volume: &&Value| !ALLOWED.iter().any(|kind| volume.has(kind));
        let bad: Vec<&Value> = self.spec.list("volumes").iter().filter(is_bad).collect();
        if bad.is_empty() {
            return None;
        }
        let kind = |volume: &&'a Value| {
            let fields = volume.as_object().into_iter().flat_map(|map| map.keys());
            fields.map(String::as_str).find(|field| *field != "name").unwrap_or("unknown")
        };
        let kinds: BTreeSet<&str> = bad.iter().map(kind).collect();
        let names: Vec<&str> = bad.iter().map(|volume| volume.str("name")).collect();
        let (volumes, uses) = (plural(names.len(), "volume", "volumes"), plural(names.len(), "uses", "use"));
        let what = plural(kinds.len(), "restricted volume type", "restricted volume types");
        violation("restricted volume types", format!("{volumes} {} {uses} {what} {}", quoted(names), quoted(kinds)))
    }

    fn non_root(&self) -> Option<Violation> {
        let path = "securityContext/runAsNonRoot";
        let is_bad = |one: &Value| *one.at(path) == false;
        if let Some(who) = setters(is_bad(self.spec), &self.those(is_bad)) {
            return violation("runAsNonRoot != true", format!("{who} must not set securityContext.runAsNonRoot=false"));
        }
        let names = self.those(|container| !container.has(path));
        if self.spec.flag(path) || names.is_empty() {
            return None;
        }
        let detail = format!("pod or {} must set securityContext.runAsNonRoot=true", containers(&names));
        violation("runAsNonRoot != true", detail)
    }

    fn root_user(&self) -> Option<Violation> {
        let is_bad = |one: &Value| *one.at("securityContext/runAsUser") == 0;
        let who = setters(is_bad(self.spec), &self.those(is_bad))?;
        violation("runAsUser=0", format!("{who} must not set runAsUser=0"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::controllers::testing::{Stage, workload};
    use crate::json::JsonMut;

    fn told(level: Level, spec: Value) -> String {
        violations(level, &json!({}), &spec).unwrap_or_default()
    }

    #[test]
    fn a_plain_pod_lacks_what_restricted_wants() {
        let spec = json!({"containers": [{"name": "a"}, {"name": "b"}]});
        assert_eq!(told(Level::Baseline, spec.clone()), "");
        assert_eq!(told(Level::Privileged, json!({"hostNetwork": true})), "");
        let expected = "allowPrivilegeEscalation != false (containers \"a\", \"b\" must set \
            securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (containers \"a\", \"b\" must set \
            securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod or containers \"a\", \"b\" must set \
            securityContext.runAsNonRoot=true), seccompProfile (pod or containers \"a\", \"b\" must set \
            securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")";
        assert_eq!(told(Level::Restricted, spec), expected);
    }

    #[test]
    fn a_hardened_pod_is_taken() {
        let own =
            json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}});
        let whole = json!({"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}});
        let volumes =
            json!([{"name": "tmp", "emptyDir": {}}, {"name": "data", "persistentVolumeClaim": {"claimName": "d"}}]);
        let spec = json!({"securityContext": whole, "volumes": volumes, "containers": [{"name": "a", "securityContext": own}]});
        assert_eq!(told(Level::Restricted, spec), "");
    }

    #[test]
    fn a_pod_is_refused_and_who_makes_pods_is_warned() {
        let mut stage = Stage::new(json!({}));
        stage.edit(Table::NAMESPACES, "default", |namespace| {
            namespace.put("metadata/labels", json!({"pod-security.kubernetes.io/enforce": "restricted"}));
        });
        stage.world.warnings.clear();
        stage.create(workload("Deployment", "web", 1, "app:1"));
        let warned = stage.world.warnings.join("\n");
        assert!(
            warned.starts_with("would violate PodSecurity \"restricted:latest\": allowPrivilegeEscalation"),
            "{warned}"
        );
        stage.advance(5);
        assert!(stage.names(Table::PODS).is_empty());
        let events = stage.events("web");
        let refused = events.iter().find(|event| event.starts_with("Warning FailedCreate")).expect("an event");
        assert!(refused.contains("is forbidden: violates PodSecurity \"restricted:latest\": "), "{refused}");
    }

    #[test]
    fn labels_choose_the_level() {
        let namespace = |labels: Value| json!({"metadata": {"name": "n", "labels": labels}});
        let demands = Demands::of(&namespace(json!({"pod-security.kubernetes.io/enforce": "baseline",
            "pod-security.kubernetes.io/enforce-version": "v1.30"})));
        assert_eq!((demands.enforce.shown.as_str(), demands.warn.shown.as_str()), ("baseline:v1.30", "baseline:v1.30"));
        let demands = Demands::of(&namespace(json!({"pod-security.kubernetes.io/warn": "restricted"})));
        assert_eq!((demands.enforce.level, demands.warn.shown.as_str()), (Level::Privileged, "restricted:latest"));
        let demands = Demands::of(&namespace(json!({"pod-security.kubernetes.io/enforce": "strict"})));
        assert_eq!((demands.enforce.level, demands.warn.level), (Level::Restricted, Level::Privileged));
        for (version, is_fine) in [("latest", true), ("v1.9", true), ("1.9", false), ("v1.", false), ("v2.1", false)] {
            assert_eq!(is_version(version), is_fine, "{version}");
        }
    }
}
