//! Who may talk to whom, tried: beside every workload a pod with its labels knocks at every port of all 27, while the
//! node's firewall does what the NetworkPolicies of the release say.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Namespace, apply, get, kubectl_command, wait_for};
use crate::load;
use crate::table::{REPLICAS, WORKLOADS, called_ports};

const IMAGE: &str = "ghcr.io/hamigames/lucid/lucid-standin:1.0.0";
/// What every pod of the release may ask: the cluster's names.
const NAMES: &str = "names-53";
/// A service that needs nobody; what it is asked for here are its metrics, which tell whom it reaches.
const SERVICE: &str = "lucid-redis";
const METRICS: u16 = 9464;

/// Knocks like a workload of the release, or like somebody from another namespace.
struct Knocker {
    like: String,
    namespace: String,
    pod: String,
}

/// Gone with the test.
struct Knockers(Vec<Knocker>);

impl Drop for Knockers {
    fn drop(&mut self) {
        for namespace in self.0.iter().map(|knocker| knocker.namespace.as_str()).collect::<BTreeSet<_>>() {
            let _ =
                kubectl_command().args(["delete", "pods", "-n", namespace, "-l", "lucid.dev/knocks", "--now"]).output();
        }
    }
}

fn pod(knocker: &Knocker, doors: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": knocker.pod,
            "namespace": knocker.namespace,
            "labels": {"app.kubernetes.io/name": knocker.like, "app.kubernetes.io/part-of": "lucid", "lucid.dev/knocks": ""},
        },
        "spec": {
            // Nobody sets that, so that no Service sends it what is meant for the workload.
            "readinessGates": [{"conditionType": "lucid.dev/never"}],
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": false,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": "knocker",
                "image": IMAGE,
                "env": [{"name": "LUCID_SERVICE", "value": SERVICE}, {"name": "LUCID_PEERS", "value": doors}],
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            }],
        },
    })
}

/// The address of the first pod with these labels that is no knocker.
fn address(namespace: &str, label: &str) -> String {
    let pods = get(namespace, &["pods", "-l", &format!("{label},!lucid.dev/knocks")]);
    pods["items"][0]["status"]["podIP"].as_str().unwrap_or_else(|| panic!("no {label} in {namespace}")).to_owned()
}

/// Every port of all 27, as `NAME-PORT=ADDRESS:PORT`, and the cluster's names.
fn doors() -> String {
    let mut doors = vec![format!("{NAMES}={}:53", address("kube-system", "k8s-app=kube-dns"))];
    for row in &WORKLOADS {
        let at = address(row.namespace(), &format!("app.kubernetes.io/name={}", row.full_name()));
        doors.extend(row.ports.iter().map(|port| format!("{}-{port}={at}:{port}", row.name)));
    }
    doors.join(" ")
}

/// What the architecture lets a workload open.
fn expected(like: &str) -> BTreeSet<String> {
    let row = WORKLOADS.iter().find(|row| row.full_name() == like);
    let called = row.into_iter().flat_map(|row| row.calls);
    let called = called.filter(|name| WORKLOADS.iter().any(|row| row.name == **name));
    let doors = called.flat_map(|name| called_ports(name).iter().map(move |port| format!("{name}-{port}")));
    // The port at which replicas of Elasticsearch find each other is none of the table's.
    let known = |name: &str, port: &u16| WORKLOADS.iter().any(|row| row.name == name && row.ports.contains(port));
    let own = REPLICAS.iter().filter(|(name, _)| row.is_some_and(|row| row.name == *name)).flat_map(|(name, ports)| {
        ports.iter().filter(|port| known(name, port)).map(move |port| format!("{name}-{port}"))
    });
    doors.chain(own).chain([NAMES.to_owned()]).collect()
}

/// What it could open when it last tried; none while it has not tried them all.
fn opened(knocker: &Knocker, doors: usize) -> Option<BTreeSet<String>> {
    let pod = get(&knocker.namespace, &["pod", &knocker.pod]);
    let at = format!("{}:{METRICS}", pod["status"]["podIP"].as_str()?);
    let (_, metrics) = load::get(&at, "/metrics").ok()?;
    let tried: Vec<(&str, bool)> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("lucid_peer_up{peer=\"")?.split_once("\"} "))
        .map(|(peer, up)| (peer, up == "1"))
        .collect();
    let open = tried.iter().filter(|(_, is_up)| *is_up).map(|(peer, _)| (*peer).to_owned());
    (tried.len() == doors).then(|| open.collect())
}

/// Each of the 27 and a stranger reach what the architecture lets them, and nothing else.
pub(crate) fn is_enforced() {
    let outside = Namespace::new("outside");
    let knocker = |like: String, namespace: &str| Knocker {
        pod: format!("knocks-{like}"),
        namespace: namespace.to_owned(),
        like,
    };
    let mut all: Vec<Knocker> = WORKLOADS.iter().map(|row| knocker(row.full_name(), row.namespace())).collect();
    // With the right label in the wrong namespace, which must not help.
    all.push(knocker("lucid-api-gateway".to_owned(), &outside.0));
    all.push(knocker("stranger".to_owned(), "lucid-system"));
    let knockers = Knockers(all);
    let doors = doors();
    for namespace in knockers.0.iter().map(|knocker| knocker.namespace.as_str()).collect::<BTreeSet<_>>() {
        let own = knockers.0.iter().filter(|knocker| knocker.namespace == namespace);
        let pods: Vec<Value> = own.map(|knocker| pod(knocker, &doors)).collect();
        apply(namespace, &json!({"apiVersion": "v1", "kind": "List", "items": pods}));
    }
    let count = doors.split(' ').count();
    for knocker in &knockers.0 {
        let wanted = match knocker.namespace == outside.0 {
            true => BTreeSet::from([NAMES.to_owned()]),
            false => expected(&knocker.like),
        };
        // The firewall follows the pods within a second or two; a knocker tries again every ten.
        let mut seen = BTreeSet::new();
        let what = format!("{} in {}", knocker.like, knocker.namespace);
        let settled = wait_until(Duration::from_secs(60), || {
            opened(knocker, count).is_some_and(|open| {
                seen = open;
                seen == wanted
            })
        });
        let difference: Vec<&String> = seen.symmetric_difference(&wanted).collect();
        assert!(settled, "{what} opens {seen:?} and not {wanted:?}: {difference:?}");
    }
}

fn wait_until(within: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let began = std::time::Instant::now();
    while began.elapsed() < within {
        if is_so() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    false
}

/// All of the release's own calls get through: what each stand-in says of the services that it calls.
pub(crate) fn lets_the_release_work() {
    for row in WORKLOADS.iter().filter(|row| !row.calls.is_empty()) {
        let at = address(row.namespace(), &format!("app.kubernetes.io/name={}", row.full_name()));
        wait_for(&format!("{} to reach what it calls", row.name), Duration::from_secs(40), || {
            let (_, metrics) = load::get(&format!("{at}:{}", row.metrics), "/metrics").ok()?;
            let peers: Vec<&str> = metrics.lines().filter(|line| line.starts_with("lucid_peer_up{")).collect();
            peers.iter().all(|line| line.ends_with(" 1")).then_some(())
        });
    }
}
