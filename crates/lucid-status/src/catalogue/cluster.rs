//! L70xx: the cluster itself.

use super::{Entry, entry_of};
use crate::diagnosis::Class::{Advice, After, FatalNow, Wait};

#[rustfmt::skip]
pub(super) const TABLE: &[Entry] = &[
    entry_of(7001, "NodeNotReady", Wait, "the node is not ready", ["node condition `Ready` is False or Unknown", "the node is down, or its kubelet does not answer", "repair or replace the node; its pods move after some minutes"]),
    entry_of(7002, "NodePressure", Wait, "the node runs short of memory, disk or processes", ["`MemoryPressure`, `DiskPressure`, `PIDPressure`, `NetworkUnavailable`", "its pods use more than they requested, or images and logs fill it", "find the top users; set requests and limits"]),
    entry_of(7003, "Cordoned", Advice, "the node takes no new pods", ["`spec.unschedulable: true`", "someone is draining it", "`kubectl uncordon` when done"]),
    entry_of(7004, "ApiService", After(120), "an aggregated API does not answer", ["APIService `Available=False`", "the pods behind it are broken; metrics and namespace deletion break with it", "repair the Service that it names"]),
    entry_of(7005, "MetricsMissing", Advice, "the cluster has no metrics API", ["no `metrics.k8s.io` in discovery", "metrics-server is not installed", "install it to see use against requests, and for autoscaling"]),
    entry_of(7006, "SystemWorkload", Wait, "a workload that the cluster itself needs is unhealthy", ["CoreDNS, kube-proxy or the network plugin in kube-system is not ready", "a fault of the cluster that shows as many faults of yours", "repair it first"]),
    entry_of(7007, "NamespaceStuck", FatalNow, "the namespace is being deleted and does not go away", ["`NamespaceContentRemaining`, `NamespaceFinalizersRemaining`, `NamespaceDeletionDiscoveryFailure`", "objects with finalizers remain, or an aggregated API is dead", "the message lists what remains; bring their controllers back"]),
    entry_of(7008, "FinalizerStuck", After(60), "the object is being deleted and a finalizer holds it", ["`deletionTimestamp` and `finalizers`", "the controller that owns the finalizer is gone or broken", "bring the controller back; removing the finalizer by hand leaks what it guards"]),
    entry_of(7009, "OperatorDown", After(60), "the operator of a custom resource does not run", ["a status that does not follow, and an unready controller", "its Deployment is broken", "repair the operator"]),
    entry_of(7010, "SecretNotSynced", FatalNow, "a Secret is not synchronised from its store", ["ExternalSecret or SealedSecret with `Ready=False` or `Synced=False`", "the store refuses the credentials, or the entry is missing", "repair what the text names"]),
    entry_of(7011, "QuotaNearLimit", Advice, "a quota is nearly used up", ["`status.used` at 90 % of `status.hard` or above", "the next rollout needs room for its surge and may not get it", "raise the quota, or lower requests; a used-up quota refuses pods (L1010)"]),
];
