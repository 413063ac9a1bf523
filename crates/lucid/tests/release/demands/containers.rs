//! Distroless and restricted: fixed non-root users, read-only root file systems, no privileges, bounds and probes.

use lucid_object::{Object, Quantity};
use serde_json::{Value, json};

use super::{check_pods, check_workloads};
use crate::manifests::{Release, containers, is_sidecar, quantity};
use crate::table::{DATABASES, Health, workload};

/// What is not as it must be: (pointer, the only value it may have).
fn unlike(value: &Value, wanted: &[(&str, Value)]) -> Vec<String> {
    let is = |pointer: &str| value.pointer(pointer).unwrap_or(&Value::Null).clone();
    let wrong = wanted.iter().filter(|(pointer, want)| is(pointer) != *want);
    wrong.map(|(pointer, want)| format!("{pointer} is {}, not {want}", is(pointer))).collect()
}

/// Everything that is wrong with the containers of one pod maker.
fn each_container(maker: &Object, wrong: impl Fn(&Value) -> Vec<String>) -> Vec<String> {
    let name = |container: &Value| container["name"].as_str().unwrap_or_default().to_owned();
    let all = containers(maker.pod_spec().expect("pods"));
    all.flat_map(|c| wrong(c).into_iter().map(move |what| format!("{}: {what}", name(c)))).collect()
}

#[test]
fn pods_run_as_one_fixed_user_that_is_not_root_under_the_default_seccomp_profile() {
    check_pods(|_, maker| {
        let wanted = [
            ("/securityContext/runAsNonRoot", json!(true)),
            ("/securityContext/runAsUser", json!(65532)),
            ("/securityContext/runAsGroup", json!(65532)),
            ("/securityContext/seccompProfile", json!({"type": "RuntimeDefault"})),
            ("/enableServiceLinks", json!(false)),
            // Nothing of the node.
            ("/hostNetwork", Value::Null),
            ("/hostPID", Value::Null),
            ("/hostIPC", Value::Null),
        ];
        unlike(maker.pod_spec().expect("pods"), &wanted)
    });
}

#[test]
fn containers_have_no_privileges_and_cannot_write_to_their_image() {
    check_pods(|_, maker| {
        each_container(maker, |container| {
            // The whole context: what is not listed must not be set, also no other user.
            let context = json!({
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            });
            unlike(container, &[("/securityContext", context)])
        })
    });
}

#[test]
fn volumes_are_of_kinds_that_restricted_allows_and_writable_memory_is_bounded() {
    check_pods(|_, maker| {
        let volumes = maker.pod_spec().and_then(|spec| spec["volumes"].as_array()).into_iter().flatten();
        let wrong = volumes.filter(|volume| match volume.get("emptyDir") {
            Some(bounds) => bounds["sizeLimit"].as_str().and_then(Quantity::parse).is_none(),
            None => volume.get("configMap").or(volume.get("secret")).is_none(),
        });
        wrong.map(|volume| format!("volume {volume}")).collect()
    });
}

#[test]
fn no_container_needs_a_shell() {
    check_pods(|_, maker| {
        each_container(maker, |container| {
            let mut commands = vec![&container["command"], &container["args"]];
            let handlers = ["startupProbe", "readinessProbe", "livenessProbe"].map(|probe| &container[probe]);
            commands.extend(handlers.iter().map(|probe| &probe["exec"]["command"]));
            commands.extend(["postStart", "preStop"].map(|hook| &container["lifecycle"][hook]["exec"]["command"]));
            let words = commands.into_iter().filter_map(Value::as_array).flatten().filter_map(Value::as_str);
            let shells = ["sh", "bash", "ash", "dash", "busybox", "env"];
            let is_shell = |word: &str| shells.contains(&word.rsplit('/').next().unwrap_or(word)) || word == "-c";
            words.filter(|word| is_shell(word)).map(|word| format!("runs {word}")).collect()
        })
    });
}

#[test]
fn every_container_has_requests_and_limits() {
    check_pods(|_, maker| {
        each_container(maker, |container| {
            let resources = ["cpu", "memory", "ephemeral-storage"];
            let wrong = resources.iter().filter(|resource| {
                let parsed = |list: &str| quantity(&container["resources"][list][**resource]);
                !matches!((parsed("requests"), parsed("limits")), (Some(request), Some(limit))
                    if Quantity::ZERO < request && request <= limit)
            });
            wrong.map(|resource| format!("{resource}: {}", container["resources"])).collect()
        })
    });
}

/// The longest that a probe lets pass before it acts, in seconds, as the API server fills in what is not said.
fn patience(probe: &Value) -> u64 {
    let or = |field: &str, default| probe[field].as_u64().unwrap_or(default);
    or("initialDelaySeconds", 0) + or("periodSeconds", 10) * or("failureThreshold", 3)
}

#[test]
fn every_container_that_stays_is_probed_at_the_start_for_readiness_and_for_life() {
    check_workloads(|_, maker| {
        each_container(maker, |container| {
            let probes = ["startupProbe", "readinessProbe", "livenessProbe"];
            let missing: Vec<String> =
                probes.iter().filter(|probe| !container[**probe].is_object()).map(|p| (*p).to_owned()).collect();
            if !missing.is_empty() {
                return missing;
            }
            let [startup, readiness, liveness] = probes.map(|probe| patience(&container[probe]));
            let mut wrong = Vec::new();
            // Out of the way within 15 s; restarted no sooner than after a minute, when it is certain.
            if readiness > 15 && !is_sidecar(container) {
                wrong.push(format!("stays ready for {readiness} s when it is not"));
            }
            if liveness < 60 || startup < 30 {
                wrong.push(format!("restarted after {liveness} s, at the start after {startup} s"));
            }
            wrong
        })
    });
}

/// Where a probe asks, as the table says it; named ports are looked up.
fn asks(container: &Value, probe: &Value) -> Option<Health> {
    let number = |port: &Value| -> Option<u16> {
        let named = |name| container["ports"].as_array()?.iter().find(|p| p["name"] == name)?["containerPort"].as_u64();
        u16::try_from(port.as_u64().or_else(|| named(port.as_str()?))?).ok()
    };
    if let Some(http) = probe.get("httpGet") {
        return Some(Health::Http(number(&http["port"])?, leaked(http["path"].as_str()?)));
    }
    if probe.get("exec").is_some() {
        return Some(Health::Ping(number(&container["ports"][0]["containerPort"])?));
    }
    Some(Health::Tcp(number(&probe["tcpSocket"]["port"])?))
}

fn leaked(path: &str) -> &'static str {
    ["/health", "/_cluster/health", "/v1/status/leader"].into_iter().find(|known| *known == path).unwrap_or("elsewhere")
}

#[test]
fn services_are_asked_for_their_health_where_the_architecture_says() {
    check_workloads(|release, maker| {
        let row = workload(maker.name());
        let own = &maker.pod_spec().expect("pods")["containers"][0];
        // The stand-in of the local overlay has no client of the database.
        let want = match row.health {
            Health::Ping(port) if release.name == "local" => Health::Tcp(port),
            health => health,
        };
        let probes = ["startupProbe", "readinessProbe", "livenessProbe"];
        let wrong = probes.into_iter().filter(|probe| asks(own, &own[*probe]) != Some(want));
        wrong.map(|probe| format!("{probe}: {}", own[probe])).collect()
    });
}

#[test]
fn metrics_are_served_on_a_port_of_that_name() {
    check_workloads(|release, maker| {
        let row = workload(maker.name());
        let own = &maker.pod_spec().expect("pods")["containers"][0];
        let mut wrong = Vec::new();
        if !own["ports"]
            .as_array()
            .is_some_and(|ports| ports.contains(&json!({"name": "metrics", "containerPort": row.metrics})))
        {
            wrong.push(format!("no port `metrics` at {}", row.metrics));
        }
        let service =
            release.of_kind("Service").find(|s| s.name() == maker.name() && s.namespace() == maker.namespace());
        let ports = service.and_then(|service| service.value()["spec"]["ports"].as_array());
        if !ports.is_some_and(|ports| ports.iter().any(|port| port["targetPort"] == "metrics")) {
            wrong.push("its Service does not serve metrics".to_owned());
        }
        wrong
    });
}

#[test]
fn workloads_serve_on_the_ports_of_the_architecture_and_no_other() {
    check_workloads(|_, maker| {
        let row = workload(maker.name());
        let own = &maker.pod_spec().expect("pods")["containers"][0];
        let ports = own["ports"].as_array().into_iter().flatten().filter_map(|port| port["containerPort"].as_u64());
        let mut there: Vec<u16> = ports.filter_map(|port| u16::try_from(port).ok()).collect();
        let mut want: Vec<u16> = row.ports.iter().copied().chain([row.metrics]).collect();
        if row.name == "elasticsearch" {
            want.push(9300);
        }
        there.sort_unstable();
        want.sort_unstable();
        if there == want { Vec::new() } else { vec![format!("{there:?}, not {want:?}")] }
    });
}

/// Every service has an image of its own but in the local overlay.
fn image_of(release: &Release, container: &str) -> String {
    let name = match container {
        "lucid-mesh-proxy" => "lucid-envoy",
        "lucid-mongodb-init" => "lucid-mongodb",
        _ if release.name == "local" => "lucid-standin",
        own => own,
    };
    format!("ghcr.io/hamigames/lucid/{name}")
}

/// `1.0.0` or a digest. A tag is resolved to a digest once, when the release is planned.
fn is_fixed(version: &str) -> bool {
    match version.strip_prefix("@sha256:") {
        Some(digest) => digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => {
            let numbers: Vec<&str> = version.trim_start_matches(':').split('.').collect();
            numbers.len() == 3 && numbers.iter().all(|number| number.parse::<u32>().is_ok())
        }
    }
}

#[test]
fn images_are_ours_and_of_a_fixed_version() {
    check_pods(|release, maker| {
        each_container(maker, |container| {
            let name = container["name"].as_str().unwrap_or_default();
            let image = container["image"].as_str().unwrap_or_default();
            let mut wrong = Vec::new();
            if !image.strip_prefix(&image_of(release, name)).is_some_and(is_fixed) {
                wrong.push(format!("image {image}"));
            }
            if !name.starts_with("lucid-") {
                wrong.push("a name without its prefix".to_owned());
            }
            wrong
        })
    });
}

#[test]
fn what_runs_inside_is_named_as_its_workload() {
    check_workloads(|_, maker| {
        let spec = maker.pod_spec().expect("pods");
        let own: Vec<&str> =
            spec["containers"].as_array().into_iter().flatten().filter_map(|c| c["name"].as_str()).collect();
        let mut wrong = Vec::new();
        if own != [maker.name()] {
            wrong.push(format!("containers {own:?}"));
        }
        let data =
            spec["containers"][0]["volumeMounts"].as_array().is_some_and(|all| all.iter().any(|m| m["name"] == "data"));
        let keeps = DATABASES.contains(&workload(maker.name()).name) || maker.kind() == "StatefulSet";
        if data != keeps {
            wrong.push("its volume `data` is mounted where it has none, or the other way round".to_owned());
        }
        wrong
    });
}
