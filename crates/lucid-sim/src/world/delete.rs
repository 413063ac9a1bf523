//! Deleting objects: preconditions, finalizers, graceful ends.
//!
//! Source: apiserver's registry/rest/delete.go and registry/generic/registry/store.go.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::error::{About, ApiError};
use crate::json::{Json, JsonMut};
use crate::kinds::{Kind, Table};
use crate::strategy;
use crate::time;
use crate::world::World;

/// What a `DeleteOptions` asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) grace_seconds: Option<i64>,
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
    pub(crate) propagation: Option<Propagation>,
    pub(crate) dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";
/// These hold what keeps the cluster itself alive.
const IMMORTAL: [&str; 3] = ["default", "kube-public", "kube-system"];

/// Whether the object is gone, or still there and marked.
#[derive(Debug)]
pub(crate) enum Deleted {
    Gone(Arc<Value>),
    Marked(Arc<Value>),
    /// It is on its way already, and this request changes nothing about it.
    Pending(Arc<Value>),
}

/// How an end begins.
enum Grace {
    None,
    /// So many seconds are left to the object to end by itself.
    Seconds(i64),
    /// It was told before, and not later than this.
    Pending,
}

impl World {
    pub(crate) fn delete(
        &mut self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, ApiError> {
        self.live(|world| world.delete_live(kind, namespace, name, options))
    }

    fn delete_live(
        &mut self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, ApiError> {
        if kind.table == Table::NAMESPACES && IMMORTAL.contains(&name) {
            return Err(ApiError::forbidden(kind.about(), name, "this namespace may not be deleted"));
        }
        let Some(old) = self.get(kind.table, namespace, name) else {
            return Err(ApiError::not_found(kind.about(), name));
        };
        if kind.table == Table::NAMESPACES {
            return self.delete_namespace(kind, &old, options);
        }
        check(kind, &old, options)?;
        let grace = self.grace(kind, &old, options);
        if matches!(grace, Grace::Pending) {
            return Ok(Deleted::Pending(old));
        }
        let mut new = Value::clone(&old);
        hold(kind, &mut new, options.propagation);
        let held = !new.list("metadata/finalizers").is_empty();
        match grace {
            Grace::Seconds(seconds) => self.set_end(&old, &mut new, seconds),
            _ if held => self.mark(&old, &mut new),
            _ => {}
        }
        let seconds = if let Grace::Seconds(seconds) = grace { seconds } else { 0 };
        if held || seconds > 0 {
            let object = if options.dry_run || new == *old { Arc::new(new) } else { self.commit(kind.table, new) };
            return Ok(Deleted::Marked(object));
        }
        if options.dry_run {
            return Ok(Deleted::Gone(Arc::new(new)));
        }
        if new != *old {
            self.commit(kind.table, new);
        }
        Ok(Deleted::Gone(self.erase(kind.table, namespace, name).unwrap_or(old)))
    }

    /// A namespace is marked at once; it goes when its own finalizer has gone.
    fn delete_namespace(
        &mut self,
        kind: &Kind,
        old: &Arc<Value>,
        options: &DeleteOptions,
    ) -> Result<Deleted, ApiError> {
        let conflict = |what: &str, wanted: &str, is: &str| {
            let why = format!("Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {is}");
            Err(ApiError::conflict(kind.about(), old.name(), &why))
        };
        if let Some(uid) = options.uid.as_deref().filter(|uid| *uid != old.uid()) {
            return conflict("UID", uid, old.uid());
        }
        let version = old.str("metadata/resourceVersion");
        if let Some(wanted) = options.resource_version.as_deref().filter(|wanted| *wanted != version) {
            return conflict("ResourceVersion", wanted, version);
        }
        if old.is_deleting() {
            if !old.list("spec/finalizers").is_empty() || !old.list("metadata/finalizers").is_empty() {
                return Ok(Deleted::Marked(old.clone()));
            }
            let gone = if options.dry_run { None } else { self.erase(kind.table, "", old.name()) };
            return Ok(Deleted::Gone(gone.unwrap_or_else(|| old.clone())));
        }
        let mut new = Value::clone(old);
        new.put("metadata/deletionTimestamp", self.stamp());
        new.put("status/phase", "Terminating");
        hold(kind, &mut new, options.propagation);
        let object = if options.dry_run { Arc::new(new) } else { self.commit(kind.table, new) };
        Ok(Deleted::Marked(object))
    }

    /// Only pods end gracefully.
    fn grace(&self, kind: &Kind, old: &Value, options: &DeleteOptions) -> Grace {
        if kind.table != Table::PODS {
            return Grace::None;
        }
        let asked = options.grace_seconds.map(|seconds| if seconds < 0 { 1 } else { seconds });
        if old.is_deleting() {
            let given = old.int("metadata/deletionGracePeriodSeconds");
            return match asked {
                _ if given == 0 => Grace::None,
                Some(seconds) if seconds < given => Grace::Seconds(seconds),
                _ => Grace::Pending,
            };
        }
        if old.str("spec/nodeName").is_empty() || matches!(old.str("status/phase"), "Succeeded" | "Failed") {
            return Grace::Seconds(0);
        }
        Grace::Seconds(asked.unwrap_or_else(|| old.int("spec/terminationGracePeriodSeconds")))
    }

    /// Sets, or brings forward, the time at which a pod is to be gone.
    fn set_end(&self, old: &Value, new: &mut Value, seconds: i64) {
        let now = self.seconds();
        let begun = time::parse_seconds(old.str("metadata/deletionTimestamp"))
            .map_or(now, |end| end - old.int("metadata/deletionGracePeriodSeconds"));
        let end = (begun + seconds).max(now);
        let seconds = if begun + seconds < now && seconds != 0 { 1 } else { seconds };
        new.put("metadata/deletionTimestamp", time::format_seconds(end));
        new.put("metadata/deletionGracePeriodSeconds", seconds);
        count(old, new);
    }

    /// What finalizers hold is told that it is to go.
    fn mark(&self, old: &Value, new: &mut Value) {
        if !old.is_deleting() {
            new.put("metadata/deletionTimestamp", self.stamp());
        }
        new.put("metadata/deletionGracePeriodSeconds", 0);
        count(old, new);
    }
}

fn count(old: &Value, new: &mut Value) {
    if !old.is_deleting() && old.generation() > 0 {
        new.put("metadata/generation", old.generation() + 1);
    }
}

fn check(kind: &Kind, old: &Value, options: &DeleteOptions) -> Result<(), ApiError> {
    let conflict = |what: &str, wanted: &str, is: &str, then: &str| {
        let why = format!(
            "the {what} in the precondition ({wanted}) does not match the {what} in record ({is}). The object might have been {then}"
        );
        // The server names the kind where the resource should stand.
        let about = About { plural: &kind.kind, ..kind.about() };
        Err(ApiError::conflict(about, old.name(), &why))
    };
    if let Some(uid) = options.uid.as_deref().filter(|uid| *uid != old.uid()) {
        return conflict("UID", uid, old.uid(), "deleted and then recreated");
    }
    let version = old.str("metadata/resourceVersion");
    if let Some(wanted) = options.resource_version.as_deref().filter(|wanted| *wanted != version) {
        return conflict("ResourceVersion", wanted, version, "modified");
    }
    Ok(())
}

/// The propagation policy becomes a finalizer that the garbage collector takes away.
fn hold(kind: &Kind, object: &mut Value, asked: Option<Propagation>) {
    if kind.table == Table::EVENTS {
        return;
    }
    let had = |finalizer: &str| object.list("metadata/finalizers").iter().any(|f| f.as_str() == Some(finalizer));
    let propagation = asked.unwrap_or_else(|| match (had(ORPHAN), had(FOREGROUND)) {
        (true, _) => Propagation::Orphan,
        (_, true) => Propagation::Foreground,
        _ if strategy::orphans_by_default(kind) => Propagation::Orphan,
        _ => Propagation::Background,
    });
    let wanted = match propagation {
        Propagation::Foreground => Some(FOREGROUND),
        Propagation::Orphan => Some(ORPHAN),
        Propagation::Background => None,
    };
    let kept = object.list("metadata/finalizers").iter().filter_map(Value::as_str);
    let kept = kept.filter(|f| !matches!(*f, FOREGROUND | ORPHAN) || Some(*f) == wanted);
    let mut finalizers: Vec<String> = kept.map(str::to_owned).collect();
    if let Some(wanted) = wanted.filter(|wanted| !finalizers.iter().any(|f| f == wanted)) {
        finalizers.push(wanted.into());
    }
    if finalizers.is_empty() {
        object.cut("metadata/finalizers");
    } else {
        object.put("metadata/finalizers", finalizers);
    }
}

/// The body of a finished deletion.
pub(crate) fn gone_status(kind: &Kind, object: &Value) -> Value {
    let mut details = json!({"name": object.name(), "kind": kind.plural, "uid": object.uid()});
    if !kind.group.is_empty() {
        details["group"] = kind.group.clone().into();
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}
