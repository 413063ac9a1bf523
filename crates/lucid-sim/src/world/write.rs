//! Creating and updating objects: the order of steps that the server's generic registry follows.

use std::sync::Arc;

use serde_json::Value;

use crate::admission;
use crate::defaults;
use crate::error::ApiError;
use crate::fields::{self, Manager};
use crate::json::{Json, JsonMut};
use crate::kinds::{Kind, Table};
use crate::strategy;
use crate::validate;
use crate::world::{World, metadata};

/// How a write is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct By<'a> {
    pub(crate) manager: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) dry_run: bool,
    /// Written by server-side apply, which has put the record of owners in order already.
    pub(crate) applied: bool,
    /// A part of the cluster itself: its objects are known to be sound.
    pub(crate) trusted: bool,
}

impl<'a> By<'a> {
    /// A controller's write.
    pub(crate) fn system(manager: &'a str) -> Self {
        Self { manager, subresource: "", dry_run: false, applied: false, trusted: true }
    }

    pub(crate) fn status(manager: &'a str) -> Self {
        Self { subresource: "status", ..Self::system(manager) }
    }
}

/// What became of a write.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) object: Arc<Value>,
    pub(crate) created: bool,
}

impl World {
    pub(crate) fn create(
        &mut self,
        kind: &Kind,
        namespace: &str,
        object: Value,
        by: By<'_>,
    ) -> Result<Write, ApiError> {
        let mut object = object;
        metadata::identify(self, kind, namespace, &mut object)?;
        admission::namespace_is_open(self, kind, namespace, object.name())?;
        strategy::prepare_create(kind, &mut object);
        defaults::apply(kind, &mut object);
        admission::mutate(self, kind, &mut object, None)?;
        metadata::stamp_new(self, kind, &mut object);
        validate::create(self, kind, &object, by.trusted)?;
        let name = object.name().to_owned();
        if let Some(existing) = self.store.get(kind.table, namespace, &name) {
            let about = kind.about();
            return Err(match existing.is_deleting() {
                true => ApiError::being_deleted(about, &name),
                false => ApiError::already_exists(about, &name),
            });
        }
        admission::validate(self, kind, &object, None)?;
        strategy::allocate(self, kind, None, &mut object)?;
        self.record_owners(kind, None, &mut object, by);
        if by.dry_run {
            return Ok(Write { object: Arc::new(object), created: true });
        }
        Ok(Write { object: self.commit(kind.table, object), created: true })
    }

    /// Rewrites an object; `change` gets the live one and gives what it shall become.
    pub(crate) fn update(
        &mut self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        by: By<'_>,
        change: impl FnOnce(&Value) -> Result<Value, ApiError>,
    ) -> Result<Write, ApiError> {
        let Some(old) = self.get(kind.table, namespace, name) else {
            return Err(ApiError::not_found(kind.about(), name));
        };
        let mut new = change(&old)?;
        metadata::check_update(kind, &old, &mut new)?;
        strategy::prepare_update(kind, by.subresource, &old, &mut new);
        defaults::apply(kind, &mut new);
        metadata::keep(&old, &mut new);
        admission::mutate(self, kind, &mut new, Some(&old))?;
        // The Deployment controller writes the revision annotation along with the status, which is no new wish.
        if by.subresource != "status" {
            strategy::bump_generation(kind, &old, &mut new);
        }
        if !by.trusted {
            validate::update(self, kind, by.subresource, &old, &new)?;
        }
        strategy::allocate(self, kind, Some(&old), &mut new)?;
        self.record_owners(kind, Some(&old), &mut new, by);
        if fields::managed::same_but_for_stamps(&old, &new) {
            return Ok(Write { object: old, created: false });
        }
        let finished =
            new.is_deleting() && new.list("metadata/finalizers").is_empty() && strategy::gone_when_unheld(kind, &new);
        if by.dry_run {
            return Ok(Write { object: Arc::new(new), created: false });
        }
        let object = self.commit(kind.table, new);
        if finished {
            self.erase(kind.table, namespace, name);
        }
        Ok(Write { object, created: false })
    }

    /// A controller's change to an object that may have gone meanwhile.
    pub(crate) fn edit(
        &mut self,
        table: Table,
        namespace: &str,
        name: &str,
        by: By<'_>,
        change: impl FnOnce(&mut Value),
    ) {
        let kind = self.kinds.stored(table).clone();
        // An object that disappeared, or a refused write, is seen again by the controller's next look.
        let _ = self.update(&kind, namespace, name, by, |old| {
            let mut new = old.clone();
            change(&mut new);
            Ok(new)
        });
    }

    /// A controller's new object.
    pub(crate) fn make(
        &mut self,
        table: Table,
        namespace: &str,
        object: Value,
        manager: &str,
    ) -> Result<Arc<Value>, ApiError> {
        let kind = self.kinds.stored(table).clone();
        self.create(&kind, namespace, object, By::system(manager)).map(|write| write.object)
    }

    fn record_owners(&self, kind: &Kind, old: Option<&Value>, new: &mut Value, by: By<'_>) {
        if by.applied {
            return;
        }
        let (now, api_version) = (self.stamp(), kind.api_version());
        let ignored = strategy::ignored_fields(kind, by.subresource);
        let manager = Manager {
            name: by.manager,
            api_version: &api_version,
            subresource: by.subresource,
            now: &now,
            ignored: &ignored,
        };
        fields::update(old, new, kind.type_ref(), &manager);
    }

    pub(crate) fn commit(&mut self, table: Table, object: Value) -> Arc<Value> {
        let change = self.store.put(table, object);
        self.committed(&change);
        change.object().clone()
    }

    /// Takes the object out of the store and gives back what it held.
    pub(crate) fn erase(&mut self, table: Table, namespace: &str, name: &str) {
        if let Some(change) = self.store.delete(table, namespace, name) {
            strategy::release(self, table, change.object());
            self.committed(&change);
        }
    }

    /// Puts an object into the store as it is, but for identity and stamps that it lacks.
    pub(crate) fn plant(&mut self, mut object: Value) -> Result<Arc<Value>, ApiError> {
        let kind = self.kinds.by_kind(object.str("apiVersion"), object.str("kind")).cloned();
        let kind = kind.ok_or_else(|| {
            ApiError::bad_request(format!("no such kind: {} {}", object.str("apiVersion"), object.str("kind")))
        })?;
        if kind.namespaced {
            object.default_to("metadata/namespace", "default");
        }
        metadata::stamp_new_if_absent(self, &kind, &mut object);
        defaults::apply(&kind, &mut object);
        Ok(self.commit(kind.table, object))
    }
}
