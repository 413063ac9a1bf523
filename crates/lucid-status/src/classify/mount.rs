//! What kubelet and the attach controller say when a volume or the pod's sandbox does not come.

use super::{Table, on};

#[rustfmt::skip]
pub(crate) const TABLE: Table = &[
    on(4003, &["failed to sync", "cache"], &[("kubelet 1.37", "MountVolume.SetUp failed for volume \"c\" : failed to sync configmap cache: timed out waiting for the condition")]),
    on(4003, &["not registered"], &[("kubelet 1.37", "MountVolume.SetUp failed for volume \"kube-api-access-x\" : object \"shop\"/\"kube-root-ca.crt\" not registered")]),
    on(4002, &["references non-existent"], &[("kubelet 1.37", "MountVolume.SetUp failed for volume \"c\" : references non-existent config key: app.yaml")]),
    on(4005, &["configmap \"", "\" not found"], &[("kubelet 1.37", "MountVolume.SetUp failed for volume \"config\" : configmap \"api-config\" not found")]),
    on(4005, &["secret \"", "\" not found"], &[("kubelet 1.37", "MountVolume.SetUp failed for volume \"tls\" : secret \"api-tls\" not found")]),
    on(4006, &["multi-attach error"], &[("attach controller 1.37", "Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) mongo-0")]),
    on(4007, &["list of registered csi drivers"], &[("kubelet 1.37", "MountVolume.MountDevice failed for volume \"pvc-1\" : kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name ebs.csi.aws.com not found in the list of registered CSI drivers")]),
    on(4012, &["hostpath type check failed"], &[("kubelet 1.37", "MountVolume.SetUp failed for volume \"h\" : hostPath type check failed: /data is not a directory")]),
    on(7002, &["no space left on device"], &[("kubelet 1.37", "MountVolume.SetUp failed for volume \"c\" : write /var/lib/kubelet/pods/x: no space left on device")]),
    on(4008, &["unable to attach or mount volumes"], &[("kubelet 1.30", "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data]: timed out waiting for the condition")]),
    on(4008, &["timed out waiting"], &[("kubelet 1.37", "MountVolume.WaitForAttach failed for volume \"pvc-1\" : timed out waiting for external-attacher of ebs.csi.aws.com CSI driver to attach volume vol-1")]),
    on(4008, &["deadline"], &[("kubelet 1.37", "AttachVolume.Attach failed for volume \"pvc-1\" : rpc error: code = DeadlineExceeded desc = context deadline exceeded")]),
];
