//! The scheduler's reasons, one clause of "0/5 nodes are available: …" at a time.

use super::{Table, on};

#[rustfmt::skip]
pub(crate) const TABLE: Table = &[
    on(2009, &["unbound immediate persistentvolumeclaims"], &[("scheduler 1.37", "pod has unbound immediate PersistentVolumeClaims")]),
    on(2009, &["persistentvolumeclaim", "not found"], &[("scheduler 1.37", "persistentvolumeclaim \"data\" not found")]),
    on(2009, &["persistentvolumeclaim", "is being deleted"], &[("scheduler 1.37", "persistentvolumeclaim \"data\" is being deleted")]),
    on(2009, &["didn't find available persistent volumes"], &[("scheduler 1.37", "3 node(s) didn't find available persistent volumes to bind")]),
    on(2008, &["volume node affinity conflict"], &[("scheduler 1.37", "2 node(s) had volume node affinity conflict")]),
    on(2008, &["no available volume zone"], &[("scheduler 1.34", "1 node(s) had no available volume zone")]),
    on(2006, &["anti-affinity rules"], &[("scheduler 1.37", "3 node(s) didn't match pod anti-affinity rules"), ("scheduler 1.34", "3 node(s) didn't satisfy existing pods anti-affinity rules")]),
    on(2007, &["topology spread constraints"], &[("scheduler 1.37", "2 node(s) didn't match pod topology spread constraints"), ("scheduler 1.37", "2 node(s) didn't match pod topology spread constraints (missing required label)")]),
    on(2005, &["node affinity/selector"], &[("scheduler 1.37", "5 node(s) didn't match Pod's node affinity/selector")]),
    on(2005, &["didn't match pod affinity rules"], &[("scheduler 1.37", "3 node(s) didn't match pod affinity rules")]),
    on(2005, &["match the requested node name"], &[("scheduler 1.37", "3 node(s) didn't match the requested node name")]),
    on(2010, &["too many pods"], &[("scheduler 1.37", "1 Too many pods")]),
    on(2010, &["max volume count"], &[("scheduler 1.37", "2 node(s) exceed max volume count")]),
    on(2010, &["free ports"], &[("scheduler 1.37", "3 node(s) didn't have free ports for the requested pod ports")]),
    on(2003, &["insufficient "], &[("scheduler 1.37", "3 Insufficient cpu"), ("scheduler 1.37", "1 Insufficient nvidia.com/gpu")]),
    on(2003, &["cannot allocate all claims"], &[("scheduler 1.37", "1 cannot allocate all claims")]),
    on(2004, &["untolerated taint"], &[("scheduler 1.37", "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }"), ("scheduler 1.37", "2 node(s) had untolerated taint(s)")]),
    on(2004, &["were unschedulable"], &[("scheduler 1.37", "1 node(s) were unschedulable")]),
];

/// The clauses of the scheduler's sentence, without its statistics and what preemption has to say.
pub(crate) fn clauses(message: &str) -> Vec<&str> {
    let message = message.split(" preemption:").next().unwrap_or(message);
    let reasons = match message.split_once("nodes are available: ") {
        Some((_, reasons)) => reasons,
        None => message,
    };
    reasons.split(", ").map(|clause| clause.trim().trim_end_matches('.')).filter(|clause| !clause.is_empty()).collect()
}

/// How many nodes a clause speaks of.
pub(crate) fn nodes_of(clause: &str) -> u32 {
    clause.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Nodes in all, from "0/5 nodes are available".
pub(crate) fn nodes_in_all(message: &str) -> Option<u32> {
    message.strip_prefix("0/")?.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_falls_into_clauses() {
        let message = "0/5 nodes are available: 1 node(s) had untolerated taint {a: b}, 4 Insufficient cpu. preemption: 0/5 nodes are available: 1 Preemption is not helpful for scheduling, 4 No preemption victims found for incoming pod.";
        assert_eq!(clauses(message), ["1 node(s) had untolerated taint {a: b}", "4 Insufficient cpu"]);
        assert_eq!(nodes_of("4 Insufficient cpu"), 4);
        assert_eq!(nodes_in_all(message), Some(5));
        assert_eq!(clauses("no nodes available to schedule pods"), ["no nodes available to schedule pods"]);
    }
}
