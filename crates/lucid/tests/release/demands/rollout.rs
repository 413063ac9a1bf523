//! Updates without downtime: how many there are, where they run, how they are replaced, and who may scale them.

use lucid_object::{LabelSelector, Object, Quantity};
use serde_json::{Value, json};

use super::{check_releases, check_workloads};
use crate::manifests::{Release, containers, is_sidecar, quantity};
use crate::table::{DATABASES, Kind, WORKLOADS, workload};

/// Databases are replicated in the two large overlays; the local one has one of everything.
fn replicas(release: &Release, name: &str) -> u64 {
    let row = workload(name);
    let is_large = ["production", "staging"].iter().any(|large| release.name.starts_with(large));
    match (DATABASES.contains(&row.name) && is_large, release.name == "local") {
        (true, _) => 3,
        (false, true) => 1,
        (false, false) => row.replicas,
    }
}

#[test]
fn all_27_are_there_as_often_and_of_the_kind_that_the_architecture_says() {
    check_workloads(|release, maker| {
        let row = workload(maker.name());
        let mut wrong = Vec::new();
        let kind = if maker.kind() == "StatefulSet" { Kind::StatefulSet } else { Kind::Deployment };
        let volumes = maker.value()["spec"]["volumeClaimTemplates"].as_array().map_or(0, Vec::len);
        if kind != row.kind || volumes != usize::from(row.kind == Kind::StatefulSet) {
            wrong.push(format!("{kind:?} with {volumes} volumes each"));
        }
        if release.replicas(maker) != replicas(release, row.name) {
            wrong.push(format!("{} replicas", release.replicas(maker)));
        }
        if maker.namespace() != Some(row.namespace()) {
            wrong.push(format!("in namespace {:?}", maker.namespace()));
        }
        let part = |key: &str| maker.labels().get(&format!("app.kubernetes.io/{key}")).cloned();
        if part("component").as_deref() != Some(row.phase) || part("part-of").as_deref() != Some("lucid") {
            wrong.push(format!("labels {:?}", maker.labels()));
        }
        wrong
    });
}

#[test]
fn deployments_replace_no_pod_before_its_successor_is_ready() {
    check_workloads(|_, maker| {
        if maker.kind() != "Deployment" {
            return Vec::new();
        }
        let strategy = &maker.value()["spec"]["strategy"];
        let want = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
        let deadline = maker.value()["spec"]["progressDeadlineSeconds"].as_u64();
        let mut wrong = Vec::new();
        if *strategy != want {
            wrong.push(format!("strategy {strategy}"));
        }
        if deadline.is_none_or(|seconds| seconds > 600) {
            wrong.push(format!("gives up after {deadline:?} s"));
        }
        wrong
    });
}

#[test]
fn stateful_sets_are_updated_one_pod_after_the_other() {
    check_workloads(|_, maker| {
        let spec = &maker.value()["spec"];
        let wrong = maker.kind() == "StatefulSet" && spec["updateStrategy"] != json!({"type": "RollingUpdate"});
        wrong.then(|| format!("updateStrategy {}", spec["updateStrategy"])).into_iter().collect()
    });
}

#[test]
fn a_disruption_takes_one_pod_of_a_workload_at_a_time() {
    check_workloads(|release, maker| {
        let pods = maker.pod_labels().expect("labels");
        let budgets = release.of_kind("PodDisruptionBudget").filter(|budget| {
            let selector = LabelSelector::from_value(&budget.value()["spec"]["selector"]).expect("a selector");
            budget.namespace() == maker.namespace() && selector.matches(&pods)
        });
        let budgets: Vec<&Object> = budgets.collect();
        let spec = |budget: &Object| budget.value()["spec"]["maxUnavailable"] == json!(1);
        match budgets[..] {
            // A second one would make every eviction fail.
            [budget] if spec(budget) => Vec::new(),
            [] if release.replicas(maker) < 2 => Vec::new(),
            _ => vec![format!("{} budgets, or not one pod at a time", budgets.len())],
        }
    });
}

#[test]
fn replicas_are_spread_over_the_nodes() {
    check_workloads(|release, maker| {
        let spec = maker.pod_spec().expect("pods");
        let pods = maker.pod_labels().expect("labels");
        let strict = DATABASES.contains(&workload(maker.name()).name) && release.replicas(maker) > 1;
        let spreads = |constraint: &Value| {
            let own =
                LabelSelector::from_value(&constraint["labelSelector"]).is_some_and(|selector| selector.matches(&pods));
            let policy = &constraint["whenUnsatisfiable"];
            own && constraint["topologyKey"] == "kubernetes.io/hostname"
                && constraint["maxSkew"] == json!(1)
                // A majority of a database never stands on one node; for the others a crowded node is better than none.
                && *policy == json!(if strict { "DoNotSchedule" } else { "ScheduleAnyway" })
                && constraint["matchLabelKeys"].as_array().is_some_and(|keys| keys.len() == 1)
        };
        match spec["topologySpreadConstraints"].as_array().is_some_and(|all| all.iter().any(spreads)) {
            true => Vec::new(),
            false => vec![format!("spread {}", spec["topologySpreadConstraints"])],
        }
    });
}

#[test]
fn pods_that_go_wait_until_nobody_sends_them_requests_any_more() {
    check_workloads(|_, maker| {
        let spec = maker.pod_spec().expect("pods");
        let grace = spec["terminationGracePeriodSeconds"].as_u64().unwrap_or(30);
        let pauses: Vec<Option<u64>> =
            containers(spec).map(|c| c.pointer("/lifecycle/preStop/sleep/seconds").and_then(Value::as_u64)).collect();
        // Sidecars stop after the containers, so their pauses follow each other.
        let all: u64 = pauses.iter().flatten().sum();
        let mut wrong = Vec::new();
        if pauses.iter().any(|pause| pause.is_none_or(|seconds| seconds < 3)) {
            wrong.push(format!("pauses {pauses:?}"));
        }
        if grace < all + 15 {
            wrong.push(format!("{grace} s to stop, {all} s of which it pauses"));
        }
        wrong
    });
}

fn env<'a>(release: &'a Release, workload: &str, variable: &str) -> Option<&'a str> {
    let maker = release.workloads().find(|maker| maker.name() == workload)?;
    let list = maker.pod_spec()?["containers"][0]["env"].as_array()?;
    list.iter().find(|entry| entry["name"] == variable)?["value"].as_str()
}

#[test]
fn databases_form_clusters_where_they_are_replicated() {
    check_releases(|release| {
        let is_large = replicas(release, "mongodb") == 3;
        let elasticsearch = |variable| env(release, "lucid-elasticsearch", variable);
        let mut facts = vec![("mmap", elasticsearch("node.store.allow_mmap") == Some("false"))];
        if is_large {
            let job = release.of_kind("Job").find(|job| job.name() == "lucid-mongodb-init");
            let members = job.and_then(|job| {
                job.pod_spec()?["containers"][0]["args"][1].as_str().map(|m| m.matches("-peers").count())
            });
            let masters = elasticsearch("cluster.initial_master_nodes").map(|nodes| nodes.split(',').count());
            let service =
                release.of_kind("Service").find(|service| service.name() == "lucid-redis").expect("a Service");
            facts.extend([
                ("the Job that starts the replica set of MongoDB", members == Some(3)),
                ("MongoDB's replica set", env(release, "lucid-mongodb", "MONGODB_REPLICA_SET") == Some("rs0")),
                (
                    "Elasticsearch's discovery",
                    elasticsearch("discovery.type") == Some("multi-node") && masters == Some(3),
                ),
                (
                    "Redis' primary",
                    env(release, "lucid-redis", "REDIS_PRIMARY").is_some_and(|p| p.starts_with("lucid-redis-0.")),
                ),
                ("writes to Redis", service.str_at("/spec/selector/apps.kubernetes.io~1pod-index") == Some("0")),
            ]);
        } else {
            facts.push(("Elasticsearch alone", elasticsearch("discovery.type") == Some("single-node")));
            facts.push(("no Job", release.of_kind("Job").count() == 0));
        }
        facts.into_iter().filter(|(_, is_so)| !is_so).map(|(what, _)| what.to_owned()).collect()
    });
}

/// GiB of volumes.
fn volumes(release: &Release) -> i128 {
    let of = |maker: &Object| -> Quantity {
        let claims = maker.value()["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten();
        claims.filter_map(|claim| quantity(&claim["spec"]["resources"]["requests"]["storage"])).sum()
    };
    let all = release.workloads().map(|maker| of(maker).value() * i128::from(release.replicas(maker)));
    all.sum::<i128>() >> 30
}

#[test]
fn production_keeps_100_gib() {
    assert_eq!(volumes(Release::overlay("production")), 100);
    assert!(volumes(Release::overlay("staging")) < 50);
    assert!(volumes(Release::overlay("local")) < 20);
}

/// The stateless services whose load comes from users. The others are not scaled by their CPU: they lead, hold sessions,
/// write to a chain in order, or pay.
const SCALED: [&str; 9] = [
    "auth-service",
    "api-gateway",
    "session-pipeline",
    "session-recorder",
    "chunk-processor",
    "session-api",
    "rdp-controller",
    "node-management",
    "payment-gateway",
];

#[test]
fn autoscalers_are_for_the_stateless_and_the_release_names_no_replicas_for_those() {
    check_releases(|release| {
        let scalers: Vec<&Object> = release.of_kind("HorizontalPodAutoscaler").collect();
        let mut wrong = Vec::new();
        if scalers.len() != if release.name.starts_with("production") { SCALED.len() } else { 0 } {
            wrong.push(format!("{} autoscalers", scalers.len()));
        }
        for scaler in scalers {
            let spec = &scaler.value()["spec"];
            let target = release
                .workloads()
                .find(|w| json!(w.name()) == spec["scaleTargetRef"]["name"] && w.namespace() == scaler.namespace());
            let Some(target) =
                target.filter(|w| w.kind() == "Deployment" && spec["scaleTargetRef"]["kind"] == "Deployment")
            else {
                wrong.push(format!("{}: no such Deployment", scaler.name()));
                continue;
            };
            let row = workload(target.name());
            let (min, max) = (spec["minReplicas"].as_u64(), spec["maxReplicas"].as_u64());
            // Not by the sidecar's CPU, and only where CPU is requested.
            let metric = &spec["metrics"][0]["containerResource"];
            let own = containers(target.pod_spec().expect("pods"))
                .find(|c| c["name"] == metric["container"] && !is_sidecar(c));
            let requests = own.is_some_and(|container| quantity(&container["resources"]["requests"]["cpu"]).is_some());
            let fits = SCALED.contains(&row.name) && min == Some(row.replicas) && max > min && requests;
            if !fits || !target.value()["spec"]["replicas"].is_null() {
                wrong.push(format!("{}: {spec}", scaler.name()));
            }
        }
        wrong
    });
}

#[test]
fn the_table_has_27_in_five_phases_with_one_for_the_ingress() {
    assert_eq!(WORKLOADS.len(), 27);
    let phases: Vec<usize> = ["infrastructure", "core", "application", "support"]
        .map(|phase| WORKLOADS.iter().filter(|row| row.phase == phase).count())
        .to_vec();
    assert_eq!(phases, [3, 7, 10, 7]);
}
