//! L40xx: containers that cannot start.

use super::{Entry, entry_of};
use crate::diagnosis::Class::{After, FatalNow, Repeated, Wait};

#[rustfmt::skip]
pub(super) const TABLE: &[Entry] = &[
    entry_of(4000, "CannotCreate", After(60), "the container cannot be created", ["waiting `CreateContainerError`, `CreateContainerConfigError` or `RunContainerError`, in words no other code knows", "see the runtime's own words", "see the runtime's own words"]),
    entry_of(4001, "MissingSecretOrConfigMap", After(20), "a Secret or ConfigMap that the pod uses does not exist", ["waiting `CreateContainerConfigError`, `secret \"x\" not found`", "it is not in the release and not in the cluster, in this namespace", "create it (`lucid secrets check` lists all that are missing), or correct the name"]),
    entry_of(4002, "MissingKey", FatalNow, "a key that the pod asks for is not in the Secret or ConfigMap", ["waiting `CreateContainerConfigError`, \"couldn't find key K in Secret ns/name\"", "the object exists, but has no such key: a typo, or an older content", "add the key, or correct the name in `valueFrom`"]),
    entry_of(4003, "CacheSync", Wait, "the kubelet has not read the Secret or ConfigMap yet", ["waiting `CreateContainerConfigError`, `failed to sync secret cache: timed out`", "the node lags behind the API server", "nothing: it passes by itself"]),
    entry_of(4004, "RunAsNonRoot", FatalNow, "the pod must not run as root, and the image does", ["`container has runAsNonRoot and image will run as root`, `non-numeric user`", "the image's USER is root, or a name that cannot be checked", "set `runAsUser` to a number, or give the image a numeric USER"]),
    entry_of(4005, "MountMissing", After(20), "a volume's Secret or ConfigMap does not exist", ["event `FailedMount`, `configmap \"x\" not found`", "it is not in the release and not in the cluster, in this namespace", "create it, or correct the name in `volumes`"]),
    entry_of(4006, "MultiAttach", After(120), "the volume is still attached to another node", ["event `FailedAttachVolume`, `Multi-Attach error`", "a ReadWriteOnce disk serves one node; the old pod still holds it, or its node died", "use `strategy: Recreate` or a StatefulSet; for a dead node set the `out-of-service` taint"]),
    entry_of(4007, "CsiMissing", After(60), "the volume's driver does not run on the node", ["`not found in the list of registered CSI drivers`", "the driver's DaemonSet has no ready pod there", "repair the driver on that node"]),
    entry_of(4008, "MountTimeout", After(180), "a volume does not get mounted", ["event `FailedMount` or `FailedAttachVolume`: `timed out waiting`, or in words no other code knows", "slow or broken storage, or `fsGroup` changing the owner of many files", "look at the VolumeAttachment; use `fsGroupChangePolicy: OnRootMismatch`"]),
    entry_of(4009, "Sandbox", After(60), "the node cannot set up the pod's network", ["event `FailedCreatePodSandBox`", "the network plugin is broken, or out of addresses, or the runtime is", "if on one node only, it is the node; else look at the network plugin's pods"]),
    entry_of(4010, "ExecNotFound", FatalNow, "the container's command cannot be run", ["`executable file not found`, `permission denied`, `no such file or directory`; exit codes 126, 127, 128", "wrong `command`, a missing file, a missing execute bit, or a shell script in an image without a shell", "correct `command` or the image's entrypoint"]),
    entry_of(4011, "ExecFormat", FatalNow, "the program is built for another CPU", ["`exec format error`", "the image says it fits this architecture, its program does not, or a script lacks its `#!` line", "rebuild the image for the node's architecture"]),
    entry_of(4012, "HostPath", FatalNow, "a path, profile or device is not as the pod needs it", ["`hostPath type check failed`, `subPath`, seccomp or AppArmor profile not found", "the node lacks what the pod spec names", "put it on the node, or correct the pod spec"]),
    entry_of(4013, "Hook", FatalNow, "a lifecycle hook failed", ["event `FailedPostStartHook` or `FailedPreStopHook`", "the hook's command or request failed; the container is killed for it", "run the hook's command by hand, or drop the hook"]),
    entry_of(4014, "InitFailing", Repeated(2), "an init container fails", ["`initContainerStatuses`: terminated with an error, again and again", "the step before the application does not work", "read the init container's log"]),
    entry_of(4015, "InitWaiting", Wait, "an init container is still running", ["`initContainerStatuses`: running", "it works, or waits for something that is not there", "read its log to see what it waits for"]),
    entry_of(4016, "SidecarNotStarted", After(60), "a sidecar has not started, and the application waits for it", ["a restartable init container with `started: false`", "its startup probe does not pass", "read the sidecar's log"]),
    entry_of(4017, "RuntimeFault", After(60), "the container runtime failed", ["exit 128, `ContainerCannotRun`, `context deadline exceeded`, runtime endpoint not reachable", "trouble on the node, not in your container", "usually it passes; if on one node only, drain the node"]),
];
