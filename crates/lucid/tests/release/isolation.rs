//! Who may talk to whom in every overlay, judged by the rendered NetworkPolicies alone: exactly the `calls` of the
//! architecture. And that every label, port, peer, rule and direction in them is needed: without it the table differs.
//!
//! Each direction is held against the table on its own, so that a policy that is too wide shows also where the one at the
//! other end still stands in the way.

use std::collections::BTreeSet;

use lucid_object::Object;

use crate::manifests::{Release, folders};

#[path = "isolation/evaluator.rs"]
mod evaluator;
#[path = "isolation/mutate.rs"]
mod mutate;
#[path = "isolation/policy.rs"]
mod policy;
#[path = "isolation/scene.rs"]
mod scene;

use mutate::mutants;
use policy::{Direction, Peer, Pod, Policy, allowed};
use scene::{NAME, SIDECAR, Scene, differences};

#[test]
fn every_pair_may_do_what_the_architecture_says_and_nothing_else() {
    for folder in folders() {
        let release = Release::of(&folder);
        let scene = Scene::of(release);
        assert!(scene.peers.len() > 27 * 3, "too few peers: {}", scene.peers.len());
        let policies: Vec<Policy> = release.of_kind("NetworkPolicy").map(Policy::of).collect();
        let found: Vec<String> = differences(&scene, &policies.iter().collect::<Vec<_>>(), |_| true).collect();
        assert!(found.is_empty(), "{folder}: {} pairs differ:\n{}", found.len(), found.join("\n"));
    }
}

/// A policy of ours that is forgotten opens nothing: the two that deny stand on their own.
#[test]
fn without_any_other_policy_the_default_is_to_deny_both_directions() {
    for release in Release::overlays() {
        let scene = Scene::of(release);
        let policies: Vec<Policy> = release.of_kind("NetworkPolicy").map(Policy::of).collect();
        let deny: Vec<&Policy> = policies.iter().filter(|policy| policy.name == "lucid-default-deny").collect();
        for subject in scene.subjects.iter().filter_map(|index| scene.peers[*index].pod.as_ref()) {
            for (peer, direction) in
                scene.peers.iter().flat_map(|peer| [(peer, Direction::Ingress), (peer, Direction::Egress)])
            {
                assert!(
                    allowed(&deny, direction, (subject, peer), &scene.ports).is_empty(),
                    "{subject:?} {direction:?}"
                );
            }
        }
    }
}

/// Mutants that change nothing, each with the reason why what they change is there all the same.
const EQUIVALENT: [(&str, &str); 4] = [
    ("lucid-system/lucid-default-deny /spec/policyTypes/1 is gone", DENY),
    ("lucid-system/lucid-default-deny /spec/policyTypes/1 is the other direction", DENY),
    ("lucid-tron/lucid-default-deny /spec/policyTypes/1 is gone", DENY),
    ("lucid-tron/lucid-default-deny /spec/policyTypes/1 is the other direction", DENY),
];
const DENY: &str =
    "lucid-allow-dns selects every pod too; the denial must not hang on it, which a test of its own shows";

/// What the mutants depend on. Folders in which it is the same are tried once.
fn fingerprint(release: &Release) -> String {
    let pods = release.pod_makers().map(|maker| format!("{} {:?}", maker.name(), maker.pod_labels()));
    let policies = release.of_kind("NetworkPolicy").map(|policy| policy.value().to_string());
    policies.chain(pods).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_part_of_a_policy_can_change_without_the_table_showing_it() {
    let (mut count, mut unnoticed, mut tried) = (0, BTreeSet::new(), BTreeSet::new());
    for folder in folders() {
        let release = Release::of(&folder);
        if tried.insert(fingerprint(release)) {
            count += try_mutants(release, &mut unnoticed);
        }
    }
    let known: BTreeSet<String> = EQUIVALENT.iter().map(|(what, _)| (*what).to_owned()).collect();
    assert!(tried.len() >= 3 && count > 3000, "{count} mutants of {} sets of policies", tried.len());
    assert_eq!(unnoticed, known, "mutants that change nothing, and those that are known to");
}

/// Gives their number.
fn try_mutants(release: &Release, unnoticed: &mut BTreeSet<String>) -> usize {
    let mut count = 0;
    let scene = Scene::of(release);
    let objects: Vec<&Object> = release.of_kind("NetworkPolicy").collect();
    let policies: Vec<Policy> = objects.iter().map(|object| Policy::of(object)).collect();
    for (index, (object, original)) in objects.iter().zip(&policies).enumerate() {
        let dropped = std::iter::once(("is gone".to_owned(), None));
        let changed = mutants(object.value()).into_iter().map(|m| (m.what, Some(Policy::parse(&m.policy))));
        for (what, mutant) in dropped.chain(changed) {
            count += 1;
            let others = policies.iter().enumerate().filter(|(i, _)| *i != index).map(|(_, policy)| policy);
            let with_it: Vec<&Policy> = others.chain(&mutant).collect();
            // Only for pods that either of the two selects can anything be different.
            let touched = |pod: &_| original.selects(pod) || mutant.as_ref().is_some_and(|m| m.selects(pod));
            if differences(&scene, &with_it, touched).next().is_none() {
                unnoticed.insert(format!("{}/{} {what}", original.namespace, original.name));
            }
        }
    }
    count
}

/// What the policies hold on to at the pods: a workload that loses its name or renames its port is cut off.
#[test]
fn no_label_or_port_name_of_a_pod_can_change_without_the_table_showing_it() {
    for release in Release::overlays() {
        let scene = Scene::of(release);
        let policies: Vec<Policy> = release.of_kind("NetworkPolicy").map(Policy::of).collect();
        let policies: Vec<&Policy> = policies.iter().collect();
        for index in scene.subjects.iter().take(release.pod_makers().count()) {
            for (what, changed) in changed_pods(&scene.peers[*index]) {
                let mut scene = scene.clone();
                scene.peers[*index] = changed;
                assert!(
                    differences(&scene, &policies, |_| true).next().is_some(),
                    "{}: {what}",
                    scene.peers[*index].name
                );
            }
        }
    }
}

fn changed_pods(peer: &Peer) -> Vec<(&'static str, Peer)> {
    let with = |change: &dyn Fn(&mut Pod)| {
        let mut peer = peer.clone();
        peer.pod.iter_mut().for_each(change);
        peer
    };
    let mut all = vec![
        ("another name", with(&|pod| _ = pod.labels.insert(NAME.to_owned(), "lucid-x".to_owned()))),
        ("another namespace", with(&|pod| pod.namespace = "elsewhere".to_owned())),
    ];
    if peer.pod.as_ref().is_some_and(|pod| pod.ports.contains_key("metrics")) {
        all.push(("no port `metrics`", with(&|pod| _ = pod.ports.remove("metrics"))));
        all.push(("another port `metrics`", with(&|pod| _ = pod.ports.insert("metrics".to_owned(), ("TCP", 1)))));
    }
    if peer.pod.as_ref().is_some_and(|pod| pod.labels.contains_key(SIDECAR)) {
        all.push(("no label of its sidecar", with(&|pod| _ = pod.labels.remove(SIDECAR))));
    }
    all
}
