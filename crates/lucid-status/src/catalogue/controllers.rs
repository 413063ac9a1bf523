//! L51xx: workloads whose controller is stuck, waits or gave up.

use super::{Entry, entry_of};
use crate::diagnosis::Class::{Advice, After, FatalNow, Symptom, Wait};

#[rustfmt::skip]
pub(super) const TABLE: &[Entry] = &[
    entry_of(5101, "ProgressDeadline", Symptom, "the rollout made no progress within its deadline", ["`Progressing=False`, reason `ProgressDeadlineExceeded`", "a timeout: the cause is with the pods", "see the findings about the pods"]),
    entry_of(5102, "Paused", FatalNow, "the rollout is paused", ["`spec.paused: true`", "a paused Deployment does not roll out what changes", "`kubectl rollout resume`, or remove `paused` from the manifest"]),
    entry_of(5103, "ControllerLag", After(180), "the controller has not looked at the change", ["`observedGeneration` stays behind `generation`", "the controller of this kind does not run, or is overloaded", "look at the controller (for a custom resource: the operator)"]),
    entry_of(5104, "StsBadRevision", FatalNow, "a broken pod of an old revision blocks the StatefulSet", ["a pod that is not ready, not of `updateRevision`, at or above the partition", "the controller waits for that pod before it replaces any, so the repair never reaches it (kubernetes#67250)", "delete that one pod; it comes back with the new revision"]),
    entry_of(5105, "StsOrdered", Symptom, "the StatefulSet waits for an earlier pod", ["pod N is not ready and pod N+1 is not made", "`podManagementPolicy: OrderedReady` makes one pod at a time", "see the finding about pod N"]),
    entry_of(5106, "StsServiceMissing", After(60), "the StatefulSet's governing Service does not exist, or is not headless", ["`spec.serviceName` names no Service", "the pods have no names of their own in DNS, so peers cannot find each other", "create the headless Service (`clusterIP: None`)"]),
    entry_of(5107, "DaemonSetNodes", Symptom, "nodes that are not ready hold the DaemonSet back", ["fewer pods updated than desired, on nodes that are NotReady", "`maxUnavailable` is used up by dead nodes", "repair or remove those nodes"]),
    entry_of(5108, "SelectorOverlap", Advice, "two controllers select the same pods", ["two selectors match one pod template", "labels were copied", "give each its own labels"]),
    entry_of(5109, "SurgeDeadlock", FatalNow, "the rolling update can never finish", ["the surge pod cannot be placed while the old pod holds what it needs", "quota, anti-affinity, host port or a single-node disk allow one pod only, and `maxUnavailable` is 0", "use `maxSurge: 0` with `maxUnavailable: 1`, or `strategy: Recreate`"]),
    entry_of(5110, "JobFailed", FatalNow, "the Job failed", ["condition `FailureTarget` or `Failed`: `BackoffLimitExceeded`, `DeadlineExceeded`, `PodFailurePolicy`", "its pods failed more often, or ran longer, than allowed", "read the log of its last pod"]),
    entry_of(5111, "CronJob", Advice, "the CronJob does not run as planned", ["suspended, `TooManyMissedTimes`, `JobAlreadyActive`", "it is switched off, or runs overlap", "look at `suspend`, `concurrencyPolicy` and the last Job"]),
    entry_of(5112, "HpaNoMetrics", Advice, "the autoscaler cannot read its metric", ["`ScalingActive=False`, `FailedGetResourceMetric`", "no metrics server, no requests on the pods, or the pods are young", "install metrics-server, set requests; in a rollout it passes in a minute or two"]),
    entry_of(5113, "HpaAtMax", Advice, "the autoscaler is at its maximum", ["`ScalingLimited=True`, reason `TooManyReplicas`", "the load asks for more replicas than `maxReplicas`", "raise `maxReplicas`, if the cluster has room"]),
    entry_of(5114, "HpaTarget", Advice, "the autoscaler's target does not exist", ["`AbleToScale=False`, `FailedGetScale`", "`scaleTargetRef` names nothing", "correct `scaleTargetRef`"]),
    entry_of(5115, "PdbBlocks", Advice, "the PodDisruptionBudget allows no disruption", ["`disruptionsAllowed: 0`", "unhealthy pods, or `minAvailable` equals the replicas", "more replicas, or a smaller `minAvailable`: a drain would hang"]),
    entry_of(5116, "MinReadySeconds", Wait, "pods are ready and must stay so for `minReadySeconds`", ["ready, but not yet available", "the workload asks for this wait", "nothing: the countdown is shown"]),
    entry_of(5117, "Suspended", Wait, "it is suspended", ["`spec.suspend: true`", "someone, or a queue, holds it back", "set `suspend: false`"]),
    entry_of(5118, "OnDelete", Advice, "pods of the old revision stay until they are deleted", ["`updateStrategy: OnDelete` or a `partition`", "the workload asks for it", "delete the pods when it suits, or lower the partition"]),
    entry_of(5119, "Stalled", FatalNow, "the resource's controller says that it cannot go on", ["`Stalled=True`", "its operator gave up; the reason is in the text", "repair what the text names"]),
    entry_of(5120, "ConditionFailed", After(120), "the resource's own condition says that it is not ready", ["`Ready=False`, or `phase: Failed`", "its operator has not finished, or failed; the reason is in the text", "repair what the text names"]),
];
