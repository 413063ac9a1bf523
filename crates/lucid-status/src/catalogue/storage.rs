//! L60xx: volumes and claims.

use super::{Entry, entry_of};
use crate::diagnosis::Class::{Advice, After, FatalNow, Wait};

#[rustfmt::skip]
pub(super) const TABLE: &[Entry] = &[
    entry_of(6001, "PvcNoClass", FatalNow, "the claim's storage class does not exist", ["`Pending`, no default class or `storageclass … not found`", "the class is misspelt, or the cluster has no provisioner", "name an installed class, or install a provisioner"]),
    entry_of(6002, "Provisioning", After(60), "the volume cannot be made", ["event `ProvisioningFailed`", "the storage system refuses: quota, parameters, zone", "repair what the text names"]),
    entry_of(6003, "WaitForConsumer", Wait, "the claim waits for its first pod", ["event `WaitForFirstConsumer`", "normal: the volume is made where the pod runs", "nothing"]),
    entry_of(6004, "PvLost", FatalNow, "the claim has lost its volume", ["phase `Lost`", "the PersistentVolume was deleted", "restore the volume from a backup, or recreate the claim"]),
    entry_of(6005, "PvcFull", Advice, "the volume is nearly full", ["used ≥ 85 % of bytes or inodes", "data grew", "expand the claim, or remove data"]),
    entry_of(6006, "PvcResize", Advice, "the volume's expansion is not finished", ["`FileSystemResizePending`, `ControllerResizeError`, `NodeResizeError`", "the file system grows when a pod mounts it anew, or the class cannot expand", "restart the pod; check `allowVolumeExpansion`"]),
    entry_of(6007, "PvcMissing", After(20), "the claim that the pod uses does not exist", ["`persistentvolumeclaim \"x\" not found`", "it is not in the release and not in the cluster, in this namespace", "create it, or correct the name in `volumes`"]),
    entry_of(6008, "PvcPending", After(120), "the claim is not bound to a volume", ["phase `Pending` without a word", "no volume fits, or the provisioner does not run", "`kubectl describe pvc`, then look at the provisioner's pods"]),
    entry_of(6009, "PvFailed", Advice, "the volume has failed", ["PersistentVolume in phase `Failed`", "the storage system could not reclaim or reach it", "read its `status.message`; data may still be on it"]),
];
