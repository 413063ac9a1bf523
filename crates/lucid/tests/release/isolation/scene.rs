//! Everyone who might talk to the release, and who may: the `calls` of the architecture as a table of ports.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use lucid_object::Object;

use super::policy::{Direction, Labels, Peer, Pod, Policy, Port, allowed};
use crate::manifests::{Release, containers};
use crate::table::{API_SERVER, INGRESS, INTERNET, MESH_CONTROLLER, REPLICAS, WORKLOADS, XDS, called_ports, workload};

pub(crate) const NAME: &str = "app.kubernetes.io/name";
pub(crate) const SIDECAR: &str = "lucid.dev/mesh";

/// Who is no pod of ours, in `Expected`.
const ENVOY: &str = "the ingress controller";
const MONITORING: &str = "monitoring";
const DNS: &str = "DNS";
/// Starts the replica set of the database where there is one.
const MONGODB_INIT: &str = "lucid-mongodb-init";

/// Addresses that are no pods.
#[rustfmt::skip]
const ADDRESSES: [(&str, [u8; 4]); 7] = [
    ("the API server", [10, 96, 0, 1]),
    ("an API server in 172.16.0.0/12", [172, 18, 0, 2]),
    ("an API server in 192.168.0.0/16", [192, 168, 49, 2]),
    ("the internet", [203, 0, 113, 10]),
    ("a shared address (100.64.0.0/10)", [100, 100, 0, 1]),
    ("loopback", [127, 0, 0, 1]),
    ("the metadata service of a cloud", [169, 254, 169, 254]),
];

/// Ports that nobody in the release has.
const ODD_PORTS: [u16; 8] = [1, 22, 53, 80, 443, 6443, 15021, 65535];

/// The pods of one release, those around them, and what is probed.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) peers: Vec<Peer>,
    /// Of the peers, those whose namespaces are the release's: for them there are policies.
    pub(crate) subjects: Vec<usize>,
    pub(crate) ports: Vec<Port>,
    expected: Expected,
}

impl Scene {
    pub(crate) fn of(release: &Release) -> Self {
        let mut pods = release_pods(release);
        let ours = pods.clone();
        // A pod of ours that nothing was written for may ask for names, and nothing else.
        for namespace in ["lucid-system", "lucid-tron"] {
            pods.push((format!("a stranger in {namespace}"), with_metrics(pod(namespace, &[(NAME, "stranger")]))));
        }
        let subjects = (0..pods.len()).collect();
        pods.extend(around());
        for (name, pod_of_ours) in ours {
            // The labels of a pod of ours elsewhere are worth nothing.
            pods.push((format!("an impostor of {name}"), in_namespace(&pod_of_ours, "elsewhere")));
            let other = if pod_of_ours.namespace == "lucid-tron" { "lucid-system" } else { "lucid-tron" };
            pods.push((format!("{name}'s labels in {other}"), in_namespace(&pod_of_ours, other)));
        }
        let mut peers: Vec<Peer> = pods.into_iter().enumerate().map(|(i, (name, pod))| peer(i, name, pod)).collect();
        peers.extend(ADDRESSES.iter().map(|(name, address)| Peer {
            name: (*name).to_owned(),
            pod: None,
            address: Ipv4Addr::from(*address),
        }));
        let expected = Expected::of(release);
        Self { peers, subjects, ports: ports(), expected }
    }

    /// Ports on which the architecture lets `from` open connections to `to`. `by` is whose policies are looked at.
    pub(crate) fn expected(&self, from: &Peer, to: &Peer, by: Direction) -> BTreeSet<Port> {
        let calls = self.expected.calls.get(&(from.name.clone(), to.name.clone())).cloned().unwrap_or_default();
        let broad = self.expected.broad_api_server
            && by == Direction::Egress
            && to.address.is_private()
            && self.expected.api_clients.contains(&from.name);
        let widened = [("TCP", 443), ("TCP", 6443)].into_iter().filter(|_| broad);
        calls.into_iter().chain(widened).collect()
    }
}

/// The table. A pair that is not in it has no port.
#[derive(Clone)]
struct Expected {
    calls: BTreeMap<(String, String), BTreeSet<Port>>,
    api_clients: BTreeSet<String>,
    /// Where nobody said where the API server is, its two clients may reach its ports at any private address.
    broad_api_server: bool,
}

impl Expected {
    fn of(release: &Release) -> Self {
        let mut calls: BTreeMap<(String, String), BTreeSet<Port>> = BTreeMap::new();
        let mut may = |from: &str, to: &str, port: Port| {
            calls.entry((from.to_owned(), to.to_owned())).or_default().insert(port);
        };
        let broad_api_server = !release.name.ends_with("+api-server");
        let mut api_clients = BTreeSet::new();
        for row in &WORKLOADS {
            let name = row.full_name();
            for callee in row.calls {
                match *callee {
                    API_SERVER => {
                        may(&name, "the API server", ("TCP", 443));
                        api_clients.insert(name.clone());
                    }
                    INTERNET => may(&name, "the internet", ("TCP", 443)),
                    callee => {
                        called_ports(callee).iter().for_each(|p| may(&name, &format!("lucid-{callee}"), ("TCP", *p)));
                    }
                }
            }
            may(MONITORING, &name, ("TCP", row.metrics));
            if row.has_sidecar() && has_mesh(&release.name) {
                may(&name, &workload(MESH_CONTROLLER).full_name(), ("TCP", XDS));
            }
        }
        for (name, ports) in REPLICAS {
            let name = format!("lucid-{name}");
            ports.iter().for_each(|port| may(&name, &name, ("TCP", *port)));
        }
        for (name, port, _) in INGRESS {
            may(ENVOY, &format!("lucid-{name}"), ("TCP", port));
        }
        let databases_replicated = has_mesh(&release.name);
        if databases_replicated {
            may(MONGODB_INIT, "lucid-mongodb", ("TCP", 27017));
        }
        for (name, _) in release_pods(release) {
            [("UDP", 53), ("TCP", 53)].into_iter().for_each(|port| may(&name, DNS, port));
        }
        for namespace in ["lucid-system", "lucid-tron"] {
            let stranger = format!("a stranger in {namespace}");
            [("UDP", 53), ("TCP", 53)].into_iter().for_each(|port| may(&stranger, DNS, port));
        }
        Self { calls, api_clients, broad_api_server }
    }
}

/// The two large overlays have sidecars and replicated databases.
fn has_mesh(name: &str) -> bool {
    name.starts_with("production") || name.starts_with("staging")
}

/// The pods that the rendered workloads and Jobs make, by the name of their workload.
fn release_pods(release: &Release) -> Vec<(String, Pod)> {
    release.pod_makers().map(|maker| (maker.name().to_owned(), made_by(maker))).collect()
}

fn made_by(maker: &Object) -> Pod {
    let namespace = maker.namespace().expect("a namespace").to_owned();
    let mut ports = BTreeMap::new();
    for port in containers(maker.pod_spec().expect("pods")).filter_map(|c| c["ports"].as_array()).flatten() {
        let number = port["containerPort"].as_u64().and_then(|n| u16::try_from(n).ok()).expect("a port");
        if let Some(name) = port["name"].as_str() {
            ports.insert(name.to_owned(), ("TCP", number));
        }
    }
    let labels = maker.pod_labels().expect("labels");
    Pod { namespace_labels: namespace_labels(&namespace), namespace, labels, ports }
}

/// Who stands around the release in the cluster.
fn around() -> Vec<(String, Pod)> {
    vec![
        (ENVOY.to_owned(), pod("projectcontour", &[("app", "envoy")])),
        ("another pod of projectcontour".to_owned(), pod("projectcontour", &[("app", "contour")])),
        ("an Envoy elsewhere".to_owned(), pod("elsewhere", &[("app", "envoy")])),
        (MONITORING.to_owned(), with_metrics(pod("monitoring", &[(NAME, "prometheus")]))),
        (DNS.to_owned(), pod("kube-system", &[("k8s-app", "kube-dns")])),
        ("another pod of kube-system".to_owned(), pod("kube-system", &[("k8s-app", "kube-proxy")])),
        ("a DNS server elsewhere".to_owned(), pod("elsewhere", &[("k8s-app", "kube-dns")])),
        ("another namespace".to_owned(), with_metrics(pod("elsewhere", &[("app", "shop")]))),
        ("a pod without labels".to_owned(), pod("default", &[])),
    ]
}

fn pod(namespace: &str, labels: &[(&str, &str)]) -> Pod {
    Pod {
        namespace: namespace.to_owned(),
        namespace_labels: namespace_labels(namespace),
        labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        ports: BTreeMap::new(),
    }
}

fn with_metrics(mut pod: Pod) -> Pod {
    pod.ports.insert("metrics".to_owned(), ("TCP", 9464));
    pod
}

fn in_namespace(pod: &Pod, namespace: &str) -> Pod {
    Pod { namespace: namespace.to_owned(), namespace_labels: namespace_labels(namespace), ..pod.clone() }
}

/// Every namespace has this label from the API server; no policy of ours may rely on another.
fn namespace_labels(namespace: &str) -> Labels {
    Labels::from([("kubernetes.io/metadata.name".to_owned(), namespace.to_owned())])
}

fn peer(index: usize, name: String, pod: Pod) -> Peer {
    let last = u8::try_from(index).expect("few pods");
    Peer { name, pod: Some(pod), address: Ipv4Addr::new(10, 244, 1, last) }
}

/// Every port that means something to anyone, and some that mean nothing.
fn ports() -> Vec<Port> {
    let of_workloads = WORKLOADS.iter().flat_map(|row| row.ports.iter().copied().chain([row.metrics]));
    let of_replicas = REPLICAS.iter().flat_map(|(_, ports)| ports.iter().copied());
    let numbers: BTreeSet<u16> = of_workloads.chain(of_replicas).chain(ODD_PORTS).collect();
    numbers.iter().flat_map(|number| [("TCP", *number), ("UDP", *number)]).collect()
}

/// What is there beside what should be there, for the pods that `of` picks. Nothing when they are the same.
pub(crate) fn differences<'a>(
    scene: &'a Scene,
    policies: &'a [&Policy],
    of: impl Fn(&Pod) -> bool,
) -> impl Iterator<Item = String> {
    let subjects = scene.subjects.iter().map(|index| &scene.peers[*index]);
    let pods = subjects.filter_map(|subject| Some((subject, subject.pod.as_ref()?)));
    let pairs = pods.filter(move |(_, pod)| of(pod)).flat_map(|pod| scene.peers.iter().map(move |peer| (pod, peer)));
    let both = pairs.flat_map(|pair| [(pair, Direction::Ingress), (pair, Direction::Egress)]);
    both.filter_map(|(((subject, pod), peer), direction)| {
        let got = allowed(policies, direction, (pod, peer), &scene.ports);
        let (from, to) = match direction {
            Direction::Ingress => (peer, subject),
            Direction::Egress => (subject, peer),
        };
        let want = scene.expected(from, to, direction);
        (got != want).then(|| difference(direction, from, to, &got, &want))
    })
}

fn difference(by: Direction, from: &Peer, to: &Peer, got: &BTreeSet<Port>, want: &BTreeSet<Port>) -> String {
    let shown = |ports: Vec<&Port>| match ports.len() {
        0 => "none".to_owned(),
        1..=6 => ports.iter().map(|(protocol, number)| format!("{number}/{protocol}")).collect::<Vec<_>>().join(" "),
        many => format!("{many} ports"),
    };
    let (more, less) = (got.difference(want).collect(), want.difference(got).collect());
    format!("{by:?}: {} -> {}: too many: {}; missing: {}", from.name, to.name, shown(more), shown(less))
}
