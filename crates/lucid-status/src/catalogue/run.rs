//! L90xx: the run itself: locks, permissions, deadlines.

use super::{Entry, entry_of};
use crate::diagnosis::Class::{Advice, FatalNow};

#[rustfmt::skip]
pub(super) const TABLE: &[Entry] = &[
    entry_of(9001, "Locked", FatalNow, "someone else is at work on this release", ["the Lease, with its holder and since when", "another run holds the lock", "wait for it; a dead run's lock is taken over by itself"]),
    entry_of(9002, "ForeignObject", FatalNow, "an object exists and does not belong to this release", ["the object, and who manages it", "made by hand, by another tool or by another release", "rename ours, remove theirs, or adopt it with `--take-ownership`"]),
    entry_of(9003, "DeadlinePassed", FatalNow, "the component was still on its way when the deadline passed", ["what it was waiting for", "not proven broken: slow, or waiting for something that no code explains", "`lucid status` shows whether it arrives; `--timeout` gives it longer"]),
    entry_of(9004, "Interrupted", FatalNow, "the run was interrupted", ["SIGINT or SIGTERM", "a person or the CI system stopped it", "`lucid deploy --resume` goes on, `lucid rollback` goes back"]),
    entry_of(9005, "MissingPermission", FatalNow, "the deployer lacks a permission that the run needs", ["the answer of SelfSubjectAccessReview", "its role does not allow it", "`lucid rbac` prints the role"]),
    entry_of(9006, "SecretMissing", FatalNow, "a Secret that the release refers to does not exist", ["the reference's line", "it was never created in this namespace, or lacks the key", "`lucid secrets init` creates what may be random; the others are yours to bring"]),
    entry_of(9007, "NoCapacity", FatalNow, "the cluster has no room for the release", ["requests against the nodes' allocatable", "a request is larger than every node, or other pods fill them", "add nodes, or lower requests"]),
    entry_of(9008, "NeedsNotReady", FatalNow, "a component that this one needs is not ready", ["the component and what it waits for", "only a part of the release is being deployed", "`--with-needs` deploys it too"]),
    entry_of(9009, "Unreachable", FatalNow, "the cluster does not answer", ["the address and the network's error", "a wrong context, a VPN, or the cluster is down", "`kubectl --context NAME version` with the same kubeconfig"]),
    entry_of(9010, "BeingDeleted", FatalNow, "an object of the release is being deleted", ["`deletionTimestamp`", "someone, or an earlier run, deletes it", "wait until it is gone, then run again"]),
    entry_of(9011, "HealthCheck", FatalNow, "a component does not answer its health check", ["what was asked and what came back", "it is ready for Kubernetes, but not for its users", "ask the same address by hand; read its log"]),
    entry_of(9012, "FailedUnexplained", FatalNow, "an object has failed, and the API does not show why", ["its status", "the cause cannot be seen from here", "`kubectl describe` and the logs"]),
    entry_of(9013, "VersionSkew", Advice, "the cluster's Kubernetes version is not one that is tested", ["the server's version", "older or newer than the supported minors", "most will work; the tables of fields may be wrong"]),
    entry_of(9014, "PartlyChecked", Advice, "something could not be checked", ["what, and which permission is missing", "optional reads are not allowed", "`lucid rbac` lists what each buys"]),
    entry_of(9015, "ServerWarning", Advice, "the API server warns about an object", ["the `Warning` header", "see the server's own words", "see the server's own words"]),
    entry_of(9016, "WouldDo", Advice, "what a dry run would do", ["the plan", "nothing was changed", "run without `--dry-run`"]),
    entry_of(9017, "StalePlan", FatalNow, "the plan does not fit the cluster any more", ["what differs", "the cluster changed after the plan was made", "plan again"]),
    entry_of(9018, "NothingToGoBackTo", FatalNow, "there is no revision to go back to", ["the record of the release", "no earlier revision was verified, or it is not kept any more", "`lucid history` lists what is there; deploy the wanted manifests instead"]),
    entry_of(9019, "NotGone", FatalNow, "an object was deleted and is still there", ["its finalizers, or its pods", "a controller has not let go of it yet", "look at that controller; finalizers are never stripped by lucid"]),
    entry_of(9025, "ObjectMissing", FatalNow, "an object of the release is not in the cluster", ["a LIST of its kind that does not hold it", "it was never deployed, or someone has deleted it", "`lucid deploy` brings it back; `lucid history` shows whether it was ever there"]),
    entry_of(9030, "DidNotLast", FatalNow, "a component was verified and did not stay good", ["restarts, readiness or its health endpoint during `--bake`", "it breaks under load, leaks, or loses what it depends on", "`lucid why` shows its events and logs; the old release is brought back like after any failure"]),
    entry_of(9031, "CannotBeChanged", FatalNow, "an object can only be deleted and made anew, and nobody has agreed to that", ["the server's answer to a trial: a field is immutable", "the release changes a field that Kubernetes fixes at creation", "take the change back, give the object another name, or agree with `--allow-replace KIND/NAME`"]),
    entry_of(9032, "SecretNotBrought", FatalNow, "a revision from a file wants the values of a Secret, and the cluster does not have them", ["the Secret and its keys", "files of revisions hold no Secret values; they are taken from the cluster that imports", "create the Secret with these keys in the cluster, then import again"]),
];
