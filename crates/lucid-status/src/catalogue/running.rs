//! L50xx: containers that run, but badly.

use super::{Entry, entry_of};
use crate::diagnosis::Class::{Advice, After, FatalNow, Repeated, Symptom, Wait};

#[rustfmt::skip]
pub(super) const TABLE: &[Entry] = &[
    entry_of(5001, "OomKilled", Repeated(2), "the container uses more memory than its limit", ["`lastState.terminated.reason: OOMKilled`", "the limit is too low for the work, or memory leaks", "raise `limits.memory`, or lower what the application takes"]),
    entry_of(5002, "OomHidden", Repeated(2), "the container was killed, perhaps for memory", ["exit 137 without a reason", "something sent SIGKILL: the kernel to a child process, a runtime's own limit, or the node", "look at the node's log and at memory use before the end"]),
    entry_of(5003, "LivenessKill", Repeated(2), "the liveness probe fails and the container is restarted", ["events `Unhealthy` \"Liveness probe failed\" and `Killing`; exit 137 or 143", "the probe is stricter than the application is quick, or the application hangs", "give it a startup probe or more `failureThreshold`, or find what hangs"]),
    entry_of(5004, "StartupKill", Repeated(2), "the startup probe fails and the container is restarted", ["`failed startup probe, will be restarted`", "the application needs longer than failureThreshold × period, or the probe asks the wrong port or path", "raise `startupProbe.failureThreshold`, or correct the probe"]),
    entry_of(5005, "CrashExit", Repeated(2), "the application exits with an error", ["waiting `CrashLoopBackOff`, with the last exit code", "the program ended by itself", "read the log of the previous container"]),
    entry_of(5006, "ExitZeroLoop", Repeated(2), "the program ends although it should go on running", ["exit code 0 with `restartPolicy: Always`", "the command is no long-running process", "use a Job, or correct the command"]),
    entry_of(5007, "ReadinessNever", After(120), "the readiness probe does not pass", ["`Ready=False`, event `Unhealthy` \"Readiness probe failed\"", "refused: wrong port; 404: wrong path; 401 or 403: the probe needs no login; timeout: slow; 5xx: the application or what it depends on", "compare the probe with the port and path that the application serves"]),
    entry_of(5008, "ReadinessGate", Wait, "a readiness gate is not passed", ["`Ready=False`, reason `ReadinessGatesNotReady`", "an external controller (a load balancer) has not said yes", "look at the controller that sets the condition"]),
    entry_of(5009, "StaleUnhealthy", Advice, "a probe failed earlier and passes now", ["event `Unhealthy`, but `Ready=True`", "the kubelet sends no event for the recovery; the status counts", "nothing; many such failures ask for a gentler probe"]),
    entry_of(5010, "Evicted", Symptom, "the node evicted the pod", ["phase `Failed`, reason `Evicted`", "the node ran short of memory or disk", "see the finding about the node; set requests near the real use"]),
    entry_of(5011, "EphemeralLimit", FatalNow, "the pod wrote more to its disk than it may", ["reason `Evicted`, `ephemeral local storage usage exceeds the total limit`, `Usage of EmptyDir volume … exceeds`", "logs, caches or temporary files grow", "raise `limits.ephemeral-storage` or `sizeLimit`, or write to a volume"]),
    entry_of(5012, "StuckTerminating", After(60), "the pod does not go away", ["`deletionTimestamp` and the grace period have passed", "a finalizer, a node that does not answer, or a hook that hangs", "look at its finalizers and its node; never remove a finalizer before knowing whose it is"]),
    entry_of(5013, "NodeLost", Symptom, "the pod's node has vanished", ["reason `NodeLost` or `ContainerStatusUnknown`", "the node does not report any more", "see the finding about the node"]),
    entry_of(5014, "ResizePending", Advice, "the pod's resize in place is not done", ["condition `PodResizePending`, `Deferred` or `Infeasible`", "the node has no room for it", "let the pod be replaced on another node"]),
    entry_of(5015, "RestartsAfterReady", FatalNow, "containers restart after the component was ready", ["`restartCount` rises while the release is watched", "it starts well and then fails", "read the log of the previous container"]),
    entry_of(5016, "PodFailed", FatalNow, "the pod has failed", ["phase `Failed`", "a container ended with an error and is not restarted", "read the container's log"]),
    entry_of(5017, "NearMemoryLimit", Advice, "the container uses nearly all of its memory limit", ["the metrics API: use at 90 % of the limit or above", "the limit is low for the load, or memory leaks", "raise the limit, or look at what grows: the next peak ends it"]),
];
