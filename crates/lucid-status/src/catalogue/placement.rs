//! L20xx: pods that are not made, or find no node.

use super::{Entry, entry_of};
use crate::diagnosis::Class::{Advice, After, FatalNow, Symptom, Wait};

#[rustfmt::skip]
pub(super) const TABLE: &[Entry] = &[
    entry_of(2001, "FailedCreate", FatalNow, "the controller cannot create pods", ["`ReplicaFailure=True` or the event `FailedCreate` on the ReplicaSet, StatefulSet, DaemonSet or Job", "the API server refuses the pods; the reason is in the text", "repair what the text names"]),
    entry_of(2002, "RefMissing", After(15), "the pod names a ServiceAccount, PriorityClass or RuntimeClass that does not exist", ["`FailedCreate`: `serviceaccount \"x\" not found`, `no PriorityClass with name x was found`", "it is not in the release and not in the cluster, or the name is misspelt", "create it, or correct the name"]),
    entry_of(2003, "InsufficientResource", After(180), "no node has room for the pod's requests", ["`PodScheduled=False`, `Insufficient cpu`", "the requests of all pods together fill the nodes; use does not matter, requests do", "lower the request, free room, or add nodes"]),
    entry_of(2004, "Taint", After(120), "the nodes are tainted and the pod does not tolerate it", ["`untolerated taint {key: value}`", "nodes are reserved, or unhealthy (`node.kubernetes.io/…`)", "add the toleration, or repair the nodes"]),
    entry_of(2005, "Affinity", FatalNow, "no node carries the labels that the pod asks for", ["`didn't match Pod's node affinity/selector`", "`nodeSelector` or node affinity name a label that no node has", "label a node, or correct the selector"]),
    entry_of(2006, "AntiAffinity", After(120), "pod anti-affinity leaves no node", ["`didn't match pod anti-affinity rules`", "there are more replicas, with those of the rolling update, than nodes or zones", "use preferred anti-affinity, `maxSurge: 0`, or add nodes"]),
    entry_of(2007, "TopologySpread", After(120), "the topology spread constraints leave no node", ["`didn't match pod topology spread constraints`", "the skew limit is reached, often because pods of the old revision are counted", "use `whenUnsatisfiable: ScheduleAnyway` or `matchLabelKeys: [pod-template-hash]`"]),
    entry_of(2008, "VolumeZone", FatalNow, "the pod's volume is in a zone where the pod cannot run", ["`volume node affinity conflict`", "the disk was made in one zone, the free nodes are in another", "add a node in the disk's zone; use `WaitForFirstConsumer` for new disks"]),
    entry_of(2009, "PvcProblem", Symptom, "the pod waits for its volume claim", ["`unbound immediate PersistentVolumeClaims`, `persistentvolumeclaim \"x\" not found`", "the claim is missing or not bound", "see the finding about the claim"]),
    entry_of(2010, "NodeLimits", After(120), "the nodes' pod, volume or port limits are reached", ["`Too many pods`, `max volume count`, `didn't have free ports`", "each node takes a limited number of pods and volumes, and one user of each host port", "add nodes, or give up the `hostPort`"]),
    entry_of(2011, "WaitingForNode", Wait, "a node is being added for the pod", ["event `TriggeredScaleUp` (cluster-autoscaler) or `Nominated` (Karpenter)", "there was no room; the autoscaler has ordered a node", "nothing: the clock stands still while the node comes"]),
    entry_of(2012, "SchedulingGated", Wait, "a scheduling gate holds the pod", ["`PodScheduled=False`, reason `SchedulingGated`", "a controller put a gate on the pod and has not removed it", "look at the controller that owns the gate"]),
    entry_of(2013, "NoScheduler", After(120), "no scheduler has looked at the pod", ["no `PodScheduled` condition", "`schedulerName` names a scheduler that does not run, or the scheduler is down", "correct `spec.schedulerName`, or repair that scheduler"]),
    entry_of(2014, "NodeRejected", After(60), "the kubelet refused the pod", ["phase `Failed`, reason `OutOfcpu`, `OutOfmemory`, `NodeAffinity`, `UnexpectedAdmissionError` …", "the node changed between scheduling and start", "usually the pod is replaced; if it repeats, look at the node"]),
    entry_of(2015, "Preempted", Advice, "a pod of higher priority took this pod's place", ["`DisruptionTarget=True`, reason `PreemptionByScheduler`", "the cluster is full and priorities decide", "add nodes, or give the workload a PriorityClass"]),
    entry_of(2016, "Unschedulable", After(120), "the scheduler finds no node", ["`PodScheduled=False`, reason `Unschedulable`, in words no other code knows", "see the scheduler's own words", "see the scheduler's own words"]),
];
