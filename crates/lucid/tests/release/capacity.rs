//! Every profile fits the nodes that it is meant for, also while any one component rolls.
//!
//! Two schedulers in small: first fit decreasing, which packs as tightly as it can, and one like Kubernetes' own, which
//! takes pods as they come and prefers the emptiest node. The cluster suite asks the real one.

use std::collections::BTreeMap;

use lucid_object::Object;

use crate::manifests::{Release, requests};

/// What a node can give: milli-CPU, MiB, and pods as the kubelet allows them by default.
#[derive(Debug, Clone)]
struct Node {
    cpu: i128,
    memory: i128,
    pods: usize,
    /// How many pods of each workload are on it.
    holds: BTreeMap<String, usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pod {
    of: String,
    cpu: i128,
    memory: i128,
    /// At most one more of its kind here than on any other node.
    strict_spread: bool,
}

fn nodes(count: usize, cpu: i128, memory: i128) -> Vec<Node> {
    vec![Node { cpu, memory, pods: 110, holds: BTreeMap::new() }; count]
}

/// 3 nodes with 8 CPU and 16 GiB together, less what the system keeps; the memory of a node is 4.8 GiB.
fn minimum() -> Vec<Node> {
    nodes(3, 2400, 4915)
}

/// 5 nodes with 16 CPU and 32 GiB together; the memory of a node is 5.8 GiB.
fn recommended() -> Vec<Node> {
    nodes(5, 2900, 5939)
}

fn pod_of(maker: &Object) -> Pod {
    let spec = maker.pod_spec().expect("pods");
    let (cpu, memory) = requests(spec);
    let spreads = spec["topologySpreadConstraints"].as_array().into_iter().flatten();
    let strict_spread = spreads.into_iter().any(|constraint| constraint["whenUnsatisfiable"] == "DoNotSchedule");
    Pod { of: maker.name().to_owned(), cpu, memory, strict_spread }
}

/// Every pod of the release, the Job's included.
fn pods(release: &Release) -> Vec<Pod> {
    let of = |maker: &Object| {
        let count = if maker.kind() == "Job" { 1 } else { release.replicas(maker) };
        (0..count).map(|_| pod_of(maker)).collect::<Vec<_>>()
    };
    release.pod_makers().flat_map(of).collect()
}

impl Node {
    fn takes(&self, pod: &Pod, fewest: usize) -> bool {
        let here = self.holds.get(&pod.of).copied().unwrap_or(0);
        pod.cpu <= self.cpu && pod.memory <= self.memory && self.pods > 0 && (!pod.strict_spread || here <= fewest)
    }

    fn put(&mut self, pod: &Pod) {
        (self.cpu, self.memory, self.pods) = (self.cpu - pod.cpu, self.memory - pod.memory, self.pods - 1);
        *self.holds.entry(pod.of.clone()).or_default() += 1;
    }
}

/// Puts pods on nodes in the order given; `prefers` says which of the nodes that can take one is taken: the least.
/// An error names the first that fits nowhere.
fn place(nodes: &mut [Node], pods: &[Pod], prefers: impl Fn(&Node, &Pod) -> i128) -> Result<(), String> {
    for (number, pod) in pods.iter().enumerate() {
        let fewest = nodes.iter().map(|node| node.holds.get(&pod.of).copied().unwrap_or(0)).min().unwrap_or(0);
        let fitting = nodes.iter_mut().filter(|node| node.takes(pod, fewest));
        let Some(node) = fitting.min_by_key(|node| prefers(node, pod)) else {
            return Err(format!("{} of {} pods are placed, {} fits nowhere", number, pods.len(), pod.of));
        };
        node.put(pod);
    }
    Ok(())
}

/// First fit: the first node.
fn first(_: &Node, _: &Pod) -> i128 {
    0
}

/// Kubernetes' defaults in outline: away from one's own kind, then where most is left.
fn emptiest(node: &Node, pod: &Pod) -> i128 {
    let own = i128::try_from(node.holds.get(&pod.of).copied().unwrap_or(0)).unwrap_or(0);
    own * 1_000_000 - node.cpu * 2 - node.memory
}

fn decreasing(mut pods: Vec<Pod>) -> Vec<Pod> {
    pods.sort_by_key(|pod| std::cmp::Reverse((pod.strict_spread, pod.memory, pod.cpu)));
    pods
}

/// One of many orders in which pods may come, always the same for the same seed.
fn shuffled(mut pods: Vec<Pod>, seed: u64) -> Vec<Pod> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for last in (1..pods.len()).rev() {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let pick = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        pods.swap(last, usize::try_from(pick).unwrap_or(0) % (last + 1));
    }
    pods
}

/// With every replica of one workload there twice: new ones are ready before the old ones go, and old ones keep their
/// room until their grace period ends.
fn rolling(maker: &Object, release: &Release) -> Vec<Pod> {
    (0..release.replicas(maker)).map(|_| pod_of(maker)).collect()
}

fn check(release: &Release, nodes: &[Node]) {
    let all = pods(release);
    let surging = release.of_kind("Deployment").map(|maker| (maker.name(), rolling(maker, release)));
    for (rolls, surge) in std::iter::once(("nothing", Vec::new())).chain(surging) {
        let with_surge = || all.iter().chain(&surge).cloned().collect::<Vec<_>>();
        if let Err(why) = place(&mut nodes.to_vec(), &decreasing(with_surge()), first) {
            panic!("{}, first fit decreasing, {rolls} rolls: {why}", release.name);
        }
        for seed in 0..20 {
            let mut nodes = nodes.to_vec();
            let placed = place(&mut nodes, &shuffled(all.clone(), seed), emptiest)
                .and_then(|()| place(&mut nodes, &surge, emptiest));
            placed.unwrap_or_else(|why| panic!("{}, seed {seed}, {rolls} rolls: {why}", release.name));
        }
    }
}

#[test]
fn minimal_fits_three_small_nodes_while_any_component_rolls() {
    check(Release::overlay("minimal"), &minimum());
}

#[test]
fn production_fits_five_nodes_while_any_component_rolls() {
    check(Release::overlay("production"), &recommended());
    check(Release::overlay("staging"), &recommended());
}

#[test]
fn local_fits_one_small_node() {
    check(Release::overlay("local"), &nodes(1, 1900, 3500));
}

/// Also with one node gone: what the budgets and spreads are for.
#[test]
fn production_fits_four_of_its_nodes() {
    check(Release::overlay("production"), &recommended()[..4]);
}

/// The placement itself: what does not fit is said, and strict spreads count.
#[test]
fn what_does_not_fit_is_named() {
    let pod = |of: &str, cpu, strict_spread| Pod { of: of.to_owned(), cpu, memory: 1, strict_spread };
    let try_on = |count, pods: &[Pod]| place(&mut nodes(count, 1000, 10), pods, first);
    assert_eq!(try_on(2, &[pod("a", 600, false), pod("b", 600, false)]), Ok(()));
    assert_eq!(
        try_on(2, &[pod("a", 600, false), pod("b", 600, false), pod("c", 600, false)]),
        Err("2 of 3 pods are placed, c fits nowhere".to_owned())
    );
    let three = [pod("a", 100, true), pod("a", 100, true), pod("a", 100, true)];
    assert_eq!(try_on(3, &three), Ok(()));
    let crowded = [pod("big", 950, false), pod("a", 100, true), pod("a", 100, true)];
    assert!(try_on(2, &crowded).is_err_and(|why| why.contains("a fits nowhere")));
    assert!(place(&mut minimum(), &pods(Release::overlay("production")), first).is_err(), "production is no minimum");
}
