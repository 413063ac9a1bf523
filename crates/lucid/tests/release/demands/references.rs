//! The mistakes that the predecessor was full of: selectors that select nothing, routes and references to nothing.

use lucid_object::{LabelSelector, Object};
use serde_json::{Value, json};

use super::{check_pods, check_releases};
use crate::manifests::{Release, containers};
use crate::table::{INGRESS, workload};

/// Labels that controllers put on pods.
const SET_BY_CONTROLLERS: [&str; 1] = ["apps.kubernetes.io/pod-index"];

fn selects_something(release: &Release, namespace: Option<&str>, mut selector: LabelSelector) -> bool {
    use lucid_object::Requirement::In;
    selector.requirements.retain(|r| !matches!(r, In(key, _) if SET_BY_CONTROLLERS.contains(&key.as_str())));
    let mut pods = release.pod_makers().filter(|maker| maker.namespace() == namespace);
    pods.any(|maker| selector.matches(&maker.pod_labels().expect("labels")))
}

#[test]
fn every_selector_selects_pods_of_the_release() {
    check_releases(|release| {
        let selector = |object: &Object| match object.kind() {
            "Service" => Some(LabelSelector::from_map(&object.value()["spec"]["selector"])),
            "PodDisruptionBudget" => LabelSelector::from_value(&object.value()["spec"]["selector"]),
            "NetworkPolicy" => LabelSelector::from_value(&object.value()["spec"]["podSelector"]),
            _ => None,
        };
        let all = release.objects().filter_map(|object| Some((object, selector(object)?)));
        let nothing =
            all.filter(|(object, selector)| !selects_something(release, object.namespace(), selector.clone()));
        nothing.map(|(object, _)| format!("{}/{} selects nothing", object.kind(), object.name())).collect()
    });
}

#[test]
fn services_pin_no_address_and_forward_to_ports_that_pods_have() {
    check_releases(|release| {
        let mut wrong = Vec::new();
        for service in release.of_kind("Service") {
            let spec = &service.value()["spec"];
            if !spec["clusterIP"].is_null() && spec["clusterIP"] != "None" || !spec["type"].is_null() {
                wrong.push(format!("{}: {} {}", service.name(), spec["clusterIP"], spec["type"]));
            }
            let maker = release.workloads().find(|maker| {
                let name = service.name().trim_end_matches("-peers");
                maker.name() == name && maker.namespace() == service.namespace()
            });
            let Some(maker) = maker else {
                wrong.push(format!("{}: of no workload", service.name()));
                continue;
            };
            let named = containers(maker.pod_spec().expect("pods")).filter_map(|c| c["ports"].as_array()).flatten();
            let named: Vec<(&Value, &Value)> = named.map(|port| (&port["name"], &port["containerPort"])).collect();
            for port in spec["ports"].as_array().expect("ports") {
                // Under the number that the architecture gives it, too.
                if !named.contains(&(&port["targetPort"], &port["port"])) {
                    wrong.push(format!("{}: {port}", service.name()));
                }
            }
        }
        wrong
    });
}

#[test]
fn stateful_sets_have_the_headless_service_that_names_their_pods() {
    check_releases(|release| {
        let wrong = release.of_kind("StatefulSet").filter(|set| {
            let service = release.of_kind("Service").find(|service| {
                Some(service.name()) == set.str_at("/spec/serviceName") && service.namespace() == set.namespace()
            });
            service.is_none_or(|service| service.str_at("/spec/clusterIP") != Some("None"))
        });
        wrong.map(|set| format!("{}: {:?}", set.name(), set.str_at("/spec/serviceName"))).collect()
    });
}

#[test]
fn pods_mount_what_they_have_and_what_is_there() {
    check_pods(|release, maker| {
        let spec = maker.pod_spec().expect("pods");
        let volumes: Vec<&Value> = spec["volumes"].as_array().into_iter().flatten().collect();
        let claims = maker.value()["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten();
        let claims: Vec<&Value> = claims.map(|claim| &claim["metadata"]["name"]).collect();
        let mounts = containers(spec).filter_map(|c| c["volumeMounts"].as_array()).flatten();
        let is_there = |name: &Value| claims.contains(&name) || volumes.iter().any(|volume| volume["name"] == *name);
        let dangling = mounts.filter(|mount| !is_there(&mount["name"])).map(|mount| format!("mount {}", mount["name"]));
        let maps = volumes.iter().filter_map(|volume| volume["configMap"]["name"].as_str());
        let missing = maps.filter(|name| !release.has("ConfigMap", maker.namespace(), name));
        dangling.chain(missing.map(|name| format!("no ConfigMap {name}"))).collect()
    });
}

/// What services are told about each other are names and ports that Services have, of those that they may call.
#[test]
fn peers_that_pods_are_told_of_are_services_that_they_may_call() {
    check_pods(|release, maker| {
        let variables = containers(maker.pod_spec().expect("pods")).filter_map(|c| c["env"].as_array()).flatten();
        let peers = variables.filter(|v| v["name"] == "LUCID_PEERS").filter_map(|v| v["value"].as_str());
        let wrong = peers.flat_map(str::split_whitespace).filter(|peer| {
            let (host, port) = peer.split_once(':').unwrap_or((peer, ""));
            let mut parts = host.split('.');
            let (name, namespace) = (parts.next().unwrap_or_default(), parts.next());
            let service =
                release.of_kind("Service").find(|service| service.name() == name && service.namespace() == namespace);
            let has_port = |s: &Object| {
                s.value()["spec"]["ports"]
                    .as_array()
                    .is_some_and(|all| all.iter().any(|p| p["port"].as_u64() == port.parse().ok()))
            };
            let called = workload(maker.name()).calls.iter().any(|callee| format!("lucid-{callee}") == name);
            !(called && service.is_some_and(has_port))
        });
        wrong.map(|peer| format!("peer {peer}")).collect()
    });
}

/// Host name to Service and port.
fn routes(release: &Release) -> Vec<(String, String, Value)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rules = release.of_kind("Ingress").flat_map(|i| i.value()["spec"]["rules"].as_array().expect("rules"));
    let ingress = rules.map(|rule| {
        let backend = &rule["http"]["paths"][0]["backend"]["service"];
        (text(&rule["host"]), text(&backend["name"]), backend["port"]["name"].clone())
    });
    let gateway = release.of_kind("HTTPRoute").map(|route| {
        let backend = &route.value()["spec"]["rules"][0]["backendRefs"][0];
        (text(&route.value()["spec"]["hostnames"][0]), text(&backend["name"]), backend["port"].clone())
    });
    ingress.chain(gateway).collect()
}

#[test]
fn the_ingress_or_its_gateway_routes_five_hosts_to_ports_that_their_services_have() {
    check_releases(|release| {
        let there = routes(release);
        let mut wrong = Vec::new();
        for (name, port, host) in INGRESS {
            let name = format!("lucid-{name}");
            let service = release.of_kind("Service").find(|service| service.name() == name).expect("a Service");
            let served = service.value()["spec"]["ports"].as_array().expect("ports");
            let of_host: Vec<_> = there.iter().filter(|(known, _, _)| known == host).collect();
            let fits = matches!(of_host[..], [(_, to, at)] if *to == name
                && served.iter().any(|p| p["port"] == json!(port) && (p["name"] == *at || p["port"] == *at)));
            if !fits {
                wrong.push(format!("{host}: {of_host:?}"));
            }
        }
        if there.len() != INGRESS.len() {
            wrong.push(format!("{} routes", there.len()));
        }
        for ingress in release.of_kind("Ingress") {
            let hosts = ingress.value().pointer("/spec/tls/0/hosts").and_then(Value::as_array).into_iter().flatten();
            let mut hosts: Vec<&str> = hosts.filter_map(Value::as_str).collect();
            hosts.sort_unstable();
            let mut all = INGRESS.map(|(_, _, host)| host);
            all.sort_unstable();
            if hosts != all {
                wrong.push(format!("TLS for {hosts:?}"));
            }
        }
        wrong
    });
}

#[test]
fn both_namespaces_enforce_restricted_and_everything_of_ours_is_in_one_of_them() {
    check_releases(|release| {
        let mut wrong = Vec::new();
        let namespaces: Vec<&Object> = release.of_kind("Namespace").collect();
        if namespaces.iter().map(|n| n.name()).collect::<Vec<_>>() != ["lucid-system", "lucid-tron"] {
            wrong.push(format!("{} namespaces", namespaces.len()));
        }
        for namespace in &namespaces {
            let level = |mode: &str| namespace.labels().get(&format!("pod-security.kubernetes.io/{mode}")).cloned();
            if level("enforce").as_deref() != Some("restricted") || level("warn").as_deref() != Some("restricted") {
                wrong.push(format!("{}: {:?}", namespace.name(), namespace.labels()));
            }
        }
        let outside = release.objects().filter(|object| {
            object.kind() != "Namespace"
                && !["lucid-system", "lucid-tron"].iter().any(|name| object.namespace() == Some(name))
        });
        wrong.extend(outside.map(|object| format!("{}/{} is elsewhere", object.kind(), object.name())));
        let odd = release.objects().filter(|object| !object.name().starts_with("lucid-"));
        wrong.extend(odd.map(|object| format!("{}/{} lacks its prefix", object.kind(), object.name())));
        wrong
    });
}

#[test]
fn overlays_use_only_what_every_cluster_serves() {
    for release in Release::overlays() {
        let built_in = |group: &str| !group.contains('.') || group.ends_with(".k8s.io");
        for object in release.objects() {
            assert!(built_in(object.group()) && object.group() != "gateway.networking.k8s.io", "{}", object.gvk().kind);
        }
    }
}
