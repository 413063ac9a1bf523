//! NetworkPolicies as the API defines them: what one pod may send and receive. Ours, so that no network plugin is needed.
//!
//! Source: `NetworkPolicySpec` in k8s.io/api/networking/v1/types.go. Where plugins differ, the stricter reading is taken:
//! an `ipBlock` matches pods too, by their address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use lucid_object::{LabelSelector, Object};
use serde_json::Value;

pub(crate) type Labels = BTreeMap<String, String>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    Ingress,
    Egress,
}

/// A protocol and a number.
pub(crate) type Port = (&'static str, u16);

/// Who may be at the other end: a pod, or just an address.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) pod: Option<Pod>,
    pub(crate) address: Ipv4Addr,
}

#[derive(Debug, Clone)]
pub(crate) struct Pod {
    pub(crate) namespace: String,
    pub(crate) namespace_labels: Labels,
    pub(crate) labels: Labels,
    /// Its container ports that have names.
    pub(crate) ports: BTreeMap<String, Port>,
}

#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) name: String,
    pub(crate) namespace: String,
    selector: LabelSelector,
    types: BTreeSet<Direction>,
    ingress: Vec<Rule>,
    egress: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    /// Empty: anyone.
    peers: Vec<PeerSelector>,
    /// Empty: any port.
    ports: Vec<PortSelector>,
}

#[derive(Debug, Clone)]
enum PeerSelector {
    Pods { namespaces: Option<LabelSelector>, pods: Option<LabelSelector> },
    Block { block: Block, except: Vec<Block> },
}

#[derive(Debug, Clone, Copy)]
struct Block {
    network: u32,
    mask: u32,
}

#[derive(Debug, Clone)]
struct PortSelector {
    protocol: &'static str,
    which: Which,
}

#[derive(Debug, Clone)]
enum Which {
    All,
    Named(String),
    Range(u16, u16),
}

impl Policy {
    pub(crate) fn of(object: &Object) -> Self {
        Self::parse(object.value())
    }

    #[track_caller]
    pub(crate) fn parse(value: &Value) -> Self {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let spec = &value["spec"];
        let rules =
            |list: &str, peers: &str| items(&spec[list]).map(|rule| Rule::parse(rule, peers)).collect::<Vec<_>>();
        let (ingress, egress) = (rules("ingress", "from"), rules("egress", "to"));
        Self {
            name: text("/metadata/name"),
            namespace: text("/metadata/namespace"),
            selector: selector(&spec["podSelector"]),
            types: types(&spec["policyTypes"], !egress.is_empty()),
            ingress,
            egress,
        }
    }

    pub(crate) fn selects(&self, pod: &Pod) -> bool {
        self.namespace == pod.namespace && self.selector.matches(&pod.labels)
    }

    fn rules(&self, direction: Direction) -> &[Rule] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }
}

/// Without the field: ingress always, egress when there are rules for it.
fn types(value: &Value, has_egress: bool) -> BTreeSet<Direction> {
    let named: BTreeSet<Direction> = items(value)
        .map(|item| match item.as_str() {
            Some("Ingress") => Direction::Ingress,
            Some("Egress") => Direction::Egress,
            _ => panic!("no policy type: {item}"),
        })
        .collect();
    match (named.is_empty(), has_egress) {
        (false, _) => named,
        (true, true) => BTreeSet::from([Direction::Ingress, Direction::Egress]),
        (true, false) => BTreeSet::from([Direction::Ingress]),
    }
}

impl Rule {
    fn parse(value: &Value, peers: &str) -> Self {
        let ports = items(&value["ports"]).map(PortSelector::parse).collect();
        Self { peers: items(&value[peers]).map(PeerSelector::parse).collect(), ports }
    }

    /// `there` is who is at the other end, `receiver` the pod that a named port belongs to.
    fn allows(&self, policy: &Policy, there: &Peer) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|peer| peer.matches(policy, there))
    }
}

impl PeerSelector {
    fn parse(value: &Value) -> Self {
        if let Some(block) = value.get("ipBlock") {
            let except = items(&block["except"]).map(Block::parse).collect();
            return Self::Block { block: Block::parse(&block["cidr"]), except };
        }
        let part = |key: &str| value.get(key).map(selector);
        Self::Pods { namespaces: part("namespaceSelector"), pods: part("podSelector") }
    }

    fn matches(&self, policy: &Policy, peer: &Peer) -> bool {
        match (self, &peer.pod) {
            (Self::Block { block, except }, _) => {
                block.contains(peer.address) && !except.iter().any(|b| b.contains(peer.address))
            }
            (Self::Pods { .. }, None) => false,
            (Self::Pods { namespaces, pods }, Some(pod)) => {
                let in_namespace = match namespaces {
                    Some(selector) => selector.matches(&pod.namespace_labels),
                    None => pod.namespace == policy.namespace,
                };
                in_namespace && pods.as_ref().is_none_or(|selector| selector.matches(&pod.labels))
            }
        }
    }
}

impl PortSelector {
    fn parse(value: &Value) -> Self {
        let protocol = match value["protocol"].as_str() {
            None | Some("TCP") => "TCP",
            Some("UDP") => "UDP",
            Some("SCTP") => "SCTP",
            Some(other) => panic!("no protocol: {other}"),
        };
        let number = |value: &Value| value.as_u64().map(|n| u16::try_from(n).expect("a port"));
        let which = match (&value["port"], number(&value["port"])) {
            (Value::Null, _) => Which::All,
            (Value::String(name), _) => Which::Named(name.clone()),
            (_, Some(from)) => Which::Range(from, number(&value["endPort"]).unwrap_or(from)),
            (other, None) => panic!("no port: {other}"),
        };
        Self { protocol, which }
    }

    fn matches(&self, receiver: Option<&Pod>, port: Port) -> bool {
        match &self.which {
            Which::All => self.protocol == port.0,
            Which::Range(from, to) => self.protocol == port.0 && (*from..=*to).contains(&port.1),
            Which::Named(name) => {
                self.protocol == port.0 && receiver.and_then(|pod| pod.ports.get(name)).is_some_and(|p| *p == port)
            }
        }
    }
}

impl Block {
    #[track_caller]
    fn parse(value: &Value) -> Self {
        let text = value.as_str().expect("a CIDR");
        let (address, bits) = text.split_once('/').expect("a CIDR");
        let (address, bits): (Ipv4Addr, u32) = (address.parse().expect("an address"), bits.parse().expect("a length"));
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        Self { network: u32::from(address) & mask, mask }
    }

    fn contains(self, address: Ipv4Addr) -> bool {
        u32::from(address) & self.mask == self.network
    }
}

/// On which of `ports` the policies let `pod` receive from or send to `peer`.
pub(crate) fn allowed(
    policies: &[&Policy],
    direction: Direction,
    (pod, peer): (&Pod, &Peer),
    ports: &[Port],
) -> BTreeSet<Port> {
    let mut isolated = false;
    let mut allowed = BTreeSet::new();
    let receiver = match direction {
        Direction::Ingress => Some(pod),
        Direction::Egress => peer.pod.as_ref(),
    };
    for policy in policies.iter().filter(|p| p.types.contains(&direction) && p.selects(pod)) {
        isolated = true;
        for rule in policy.rules(direction).iter().filter(|rule| rule.allows(policy, peer)) {
            let matches =
                |port: &&Port| rule.ports.is_empty() || rule.ports.iter().any(|p| p.matches(receiver, **port));
            allowed.extend(ports.iter().filter(matches));
        }
    }
    if isolated { allowed } else { ports.iter().copied().collect() }
}

fn selector(value: &Value) -> LabelSelector {
    LabelSelector::from_value(value).expect("a selector")
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
