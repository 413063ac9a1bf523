//! What kubelet and runtimes say when a container cannot be created or started.

use super::{Table, on};

#[rustfmt::skip]
pub(crate) const TABLE: Table = &[
    on(4003, &["failed to sync", "cache"], &[("kubelet 1.37", "failed to sync secret cache: timed out waiting for the condition")]),
    on(4002, &["couldn't find key"], &[
        ("kubelet 1.37", "couldn't find key DB_PASSWRD in Secret shop/worker-db"),
        ("kubelet 1.34", "couldn't find key mode in ConfigMap shop/worker"),
    ]),
    on(4002, &["references non-existent secret key"], &[("kubelet 1.37", "references non-existent secret key: tls.key")]),
    on(4002, &["references non-existent config key"], &[("kubelet 1.37", "MountVolume.SetUp failed for volume \"c\" : references non-existent config key: app.yaml")]),
    on(4001, &["secret \"", "\" not found"], &[("kubelet 1.37", "secret \"worker-db\" not found")]),
    on(4001, &["configmap \"", "\" not found"], &[("kubelet 1.37", "configmap \"worker\" not found")]),
    on(4004, &["image will run as root"], &[("kubelet 1.37", "container has runAsNonRoot and image will run as root (pod: \"api_shop(1)\", container: api)")]),
    on(4004, &["non-numeric user"], &[("kubelet 1.37", "container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root (pod: \"api_shop(1)\", container: api)")]),
    on(4004, &["runasuser breaks non-root policy"], &[("kubelet 1.37", "container's runAsUser breaks non-root policy (pod: \"api_shop(1)\", container: api)")]),
    on(4011, &["exec format error"], &[("runc 1.1", "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec /app: exec format error: unknown")]),
    on(4012, &["hostpath type check failed"], &[("kubelet 1.37", "MountVolume.SetUp failed for volume \"h\" : hostPath type check failed: /data is not a directory")]),
    on(4012, &["subpath"], &[("kubelet 1.37", "failed to prepare subPath for volumeMount \"c\" of container \"api\"")]),
    on(4012, &["seccomp"], &[("containerd 1.6", "failed to generate seccomp spec opts: cannot load seccomp profile \"/var/lib/kubelet/seccomp/p.json\": open: no such file or directory")]),
    on(4012, &["apparmor"], &[("containerd 1.7", "failed to generate apparmor spec opts: apparmor profile not found k8s-api")]),
    on(4012, &["not a directory: unknown: are you trying to mount a directory onto a file"], &[("runc 1.1", "error mounting \"/x\" to rootfs at \"/etc/app.yaml\": mount: not a directory: unknown: Are you trying to mount a directory onto a file (or vice-versa)?")]),
    on(4010, &["executable file not found"], &[("runc 1.1", "failed to create containerd task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"sh\": executable file not found in $PATH: unknown")]),
    on(4010, &["exec:", "permission denied"], &[("runc 1.1", "unable to start container process: exec: \"/app\": permission denied: unknown")]),
    on(4010, &["exec", "no such file or directory"], &[("runc 1.1", "unable to start container process: error during container init: exec: \"/ap\": stat /ap: no such file or directory: unknown")]),
    on(4010, &["no command specified"], &[("containerd 1.7", "failed to generate container \"1\" spec: failed to generate spec: no command specified")]),
    on(4010, &["chdir to cwd"], &[("runc 1.1", "unable to start container process: chdir to cwd (\"/srv\") set in config.json failed: permission denied: unknown")]),
    on(5001, &["container init was oom-killed"], &[("runc 1.1", "OCI runtime create failed: runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?): unknown")]),
    on(4017, &["context deadline exceeded"], &[("kubelet 1.37", "context deadline exceeded")]),
    on(4017, &["is reserved for"], &[("containerd 1.6", "failed to reserve container name \"api_api-1_shop_0\": name \"api_api-1_shop_0\" is reserved for \"abc\"")]),
    on(4017, &["rpc error: code = unavailable"], &[("kubelet 1.37", "rpc error: code = Unavailable desc = connection error: dial unix /run/containerd/containerd.sock")]),
];
