//! The names that lucid gives: labels, annotations, managers, and the objects of its own record.

/// Label: the release an object belongs to.
pub const RELEASE_LABEL: &str = "lucid.dev/release";
/// Label: the namespace of that release's record, so that two releases may share a second namespace.
pub const RELEASE_NAMESPACE_LABEL: &str = "lucid.dev/release-namespace";
/// Label: the component of the release that an object belongs to.
pub const COMPONENT_LABEL: &str = "lucid.dev/component";
/// Annotation: the epoch of the run that last wrote the object.
pub const EPOCH_ANNOTATION: &str = "lucid.dev/epoch";
/// Annotation: the epoch of the run that took over from one that had died, and made its late writes void.
pub const FENCE_ANNOTATION: &str = "lucid.dev/fence";
/// Annotation on a pod template: the epoch of the run that restarted its pods.
pub const RESTARTED_ANNOTATION: &str = "lucid.dev/restarted";
/// The field manager of everything that the release says.
pub const FIELD_MANAGER: &str = "lucid";
/// The field manager of the pod annotation that restarts pods because what they read has changed back.
pub const RESTART_MANAGER: &str = "lucid-restart";
/// The field manager of the fence.
pub const FENCE_MANAGER: &str = "lucid-fence";
/// The field manager that holds `spec.replicas` while it passes between the release and an autoscaler.
pub const REPLICAS_MANAGER: &str = "lucid-replicas";
/// Objects that target no component and no shared user are applied under this name.
pub const SHARED: &str = "(shared)";

/// Whether an object of this name, a Secret or a Lease, is what the release keeps of itself.
pub fn is_bookkeeping(release: &str, name: &str) -> bool {
    let numbered = ["run", "revision", "pack"].map(|kind| format!("lucid-{kind}-{release}-"));
    [lease(release), record(release), key(release)].iter().any(|own| own == name)
        || numbered.iter().any(|own| name.starts_with(own.as_str()))
}

/// The Lease that is the release's lock.
pub fn lease(release: &str) -> String {
    format!("lucid-{release}")
}

/// The Secret that holds the release's record.
pub fn record(release: &str) -> String {
    format!("lucid-record-{release}")
}

/// The Secret that holds the key of the release's content hashes.
pub fn key(release: &str) -> String {
    format!("lucid-key-{release}")
}

/// The Secret with what was seen when a run failed.
pub fn evidence(release: &str, run: u64) -> String {
    format!("lucid-run-{release}-{run}")
}

/// The Secret that says what a revision consists of.
pub fn revision(release: &str, number: u64) -> String {
    format!("lucid-revision-{release}-{number}")
}

/// One piece of a pack of blobs.
pub fn chunk(release: &str, pack: &str, piece: usize) -> String {
    format!("lucid-pack-{release}-{pack}-{piece}")
}
