//! Deleting objects: preconditions, finalizers, graceful ends.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::json::{Json, JsonMut};
use crate::kinds::{Kind, Table};
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

/// Whether the object is gone, or still there and marked.
#[derive(Debug)]
pub(crate) enum Deleted {
    Gone(Arc<Value>),
    Marked(Arc<Value>),
}

impl World {
    pub(crate) fn delete(
        &mut self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, ApiError> {
        let Some(old) = self.get(kind.table, namespace, name) else {
            return Err(ApiError::not_found(kind.about(), name));
        };
        check(kind, &old, options)?;
        let mut new = Value::clone(&old);
        hold(&mut new, options.propagation);
        let grace = self.grace(kind, &old, options);
        let waits = grace > 0 || !new.list("metadata/finalizers").is_empty() || namespace_waits(kind, &old);
        if !waits {
            if !options.dry_run {
                self.erase(kind.table, namespace, name);
            }
            return Ok(Deleted::Gone(old));
        }
        self.mark(kind, &old, &mut new, grace);
        if options.dry_run || new == *old {
            return Ok(Deleted::Marked(Arc::new(new)));
        }
        Ok(Deleted::Marked(self.commit(kind.table, new)))
    }

    /// Seconds that the object is left to end by itself: only scheduled pods that still run get any.
    fn grace(&self, kind: &Kind, old: &Value, options: &DeleteOptions) -> i64 {
        if kind.table != Table::PODS {
            return 0;
        }
        if old.str("spec/nodeName").is_empty() || matches!(old.str("status/phase"), "Succeeded" | "Failed") {
            return 0;
        }
        let wanted = options.grace_seconds.unwrap_or_else(|| {
            if old.has("spec/terminationGracePeriodSeconds") {
                old.int("spec/terminationGracePeriodSeconds")
            } else {
                30
            }
        });
        if old.is_deleting() { wanted.min(old.int("metadata/deletionGracePeriodSeconds")) } else { wanted }
    }

    fn mark(&self, kind: &Kind, old: &Value, new: &mut Value, grace: i64) {
        let shorter = old.is_deleting() && grace < old.int("metadata/deletionGracePeriodSeconds");
        if old.is_deleting() && !shorter {
            return;
        }
        new.put("metadata/deletionTimestamp", time::format_seconds(self.seconds() + grace));
        new.put("metadata/deletionGracePeriodSeconds", grace);
        if !old.is_deleting() && old.has("metadata/generation") {
            new.put("metadata/generation", old.generation() + 1);
        }
        if kind.table == Table::NAMESPACES {
            new.put("status/phase", "Terminating");
        }
    }
}

fn check(kind: &Kind, old: &Value, options: &DeleteOptions) -> Result<(), ApiError> {
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
    Ok(())
}

/// The propagation policy becomes a finalizer that the garbage collector takes away.
fn hold(object: &mut Value, propagation: Option<Propagation>) {
    let Some(propagation) = propagation else { return };
    let kept = object.list("metadata/finalizers").iter();
    let mut finalizers: Vec<Value> =
        kept.filter(|f| !matches!(f.as_str(), Some(FOREGROUND | ORPHAN))).cloned().collect();
    match propagation {
        Propagation::Foreground => finalizers.push(FOREGROUND.into()),
        Propagation::Orphan => finalizers.push(ORPHAN.into()),
        Propagation::Background => {}
    }
    if finalizers.is_empty() {
        object.cut("metadata/finalizers");
    } else {
        object.put("metadata/finalizers", finalizers);
    }
}

/// A namespace stays until its own finalizer is gone.
fn namespace_waits(kind: &Kind, object: &Value) -> bool {
    kind.table == Table::NAMESPACES && !object.list("spec/finalizers").is_empty()
}

/// The body of a finished deletion.
pub(crate) fn gone_status(kind: &Kind, object: &Value) -> Value {
    let mut details = json!({"name": object.name(), "kind": kind.plural, "uid": object.uid()});
    if !kind.group.is_empty() {
        details["group"] = kind.group.clone().into();
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}
