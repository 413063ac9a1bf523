//! Creating and updating objects: the order of steps that the server's generic registry follows.
//!
//! Source: apiserver's endpoints/handlers and registry/generic/registry/store.go. What a client sends has been decoded
//! and defaulted before it arrives here; the record of owners is brought up to date before anything else changes it.

use std::sync::Arc;

use serde_json::Value;

use crate::admission;
use crate::admission::pod_security;
use crate::admission::policy::{self, Attempt};
use crate::decode;
use crate::defaults;
use crate::error::{ApiError, Cause};
use crate::fields::{self, Manager};
use crate::json::{Json, JsonMut};
use crate::kinds::{Kind, Table};
use crate::strategy;
use crate::validate;
use crate::warnings;
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

/// How often a name is generated before the server gives up.
const ATTEMPTS: usize = 8;

impl World {
    pub(crate) fn create(
        &mut self,
        kind: &Kind,
        namespace: &str,
        object: Value,
        by: By<'_>,
    ) -> Result<Write, ApiError> {
        self.live(|world| world.create_live(kind, namespace, object, by))
    }

    fn create_live(&mut self, kind: &Kind, namespace: &str, object: Value, by: By<'_>) -> Result<Write, ApiError> {
        let mut object = object;
        metadata::wipe(&mut object);
        metadata::place(kind, namespace, &mut object)?;
        defaults::apply(kind, &mut object);
        object = decode::printed(&object, kind.type_ref());
        let labels_shared = strategy::share_labels(kind, &mut object);
        metadata::drop_repeated_owners(&mut object);
        if !by.applied {
            self.record_owners(kind, None, &mut object, by);
        }
        admission::mutate(self, kind, &mut object, None, false)?;
        policy::mutate(self, kind, by.subresource, &mut object, None, by.dry_run)?;
        let generated = object.name().is_empty() && !object.str("metadata/generateName").is_empty();
        // What may have to be tried under another name is copied first.
        let labels_shared = labels_shared && !generated;
        for _ in 1..ATTEMPTS {
            match self.create_named(kind, namespace, object.clone(), labels_shared, by) {
                Err(error) if generated && error.reason == "AlreadyExists" => {}
                result => return result,
            }
        }
        self.create_named(kind, namespace, object, labels_shared, by)
    }

    fn create_named(
        &mut self,
        kind: &Kind,
        namespace: &str,
        object: Value,
        labels_shared: bool,
        by: By<'_>,
    ) -> Result<Write, ApiError> {
        let mut object = object;
        metadata::fill(self, &mut object);
        strategy::service::begin_create(self, kind, &mut object)?;
        strategy::prepare_create(kind, &mut object);
        // The two are one map.
        if labels_shared {
            let labels = object.at("spec/template/metadata/labels").clone();
            object.put("metadata/labels", labels);
        }
        if !by.trusted {
            validate::create(kind, &object)?;
            self.warnings.extend(warnings::create(kind, &object));
        }
        strategy::canonicalize(kind, &mut object);
        let attempt = Attempt { kind, subresource: by.subresource, object: &object, old: None, dry_run: by.dry_run };
        policy::validate(self, &attempt)?;
        admission::validate(self, kind, &object, None)?;
        if !by.trusted {
            self.warnings.extend(pod_security::warning(self, kind, &object));
        }
        if !by.dry_run && object.str("metadata/resourceVersion").parse::<u64>().is_ok_and(|version| version > 0) {
            return Err(ApiError::failed("resourceVersion should not be set on objects to be created"));
        }
        let name = object.name().to_owned();
        if let Some(existing) = self.store.get(kind.table, namespace, &name) {
            return Err(match existing.is_deleting() {
                true => ApiError::being_deleted(kind.about(), &name),
                false => ApiError::already_exists(kind.about(), &name),
            });
        }
        strategy::service::allocate(self, kind, None, &mut object, by.dry_run);
        self.settle(kind, &mut object);
        let object = if by.dry_run { Arc::new(object) } else { self.commit(kind.table, object) };
        Ok(Write { object, created: true })
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
        self.live(|world| world.update_live(kind, namespace, name, by, change))
    }

    fn update_live(
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
        // The cluster's own status writes leave everything else as it is, which is settled already.
        let is_status_only = by.trusted && by.subresource == "status";
        if is_status_only {
            settle_status(kind, &mut new);
            if new == *old {
                return Ok(Write { object: old, created: false });
            }
        } else {
            defaults::apply(kind, &mut new);
        }
        let with_empties = if by.subresource.is_empty() { new.at("spec").clone() } else { Value::Null };
        if !is_status_only {
            new = decode::printed(&new, kind.type_ref());
            strategy::share_labels(kind, &mut new);
            new.cut("metadata/selfLink");
        }
        metadata::drop_repeated_owners(&mut new);
        if !by.applied {
            self.record_owners(kind, Some(&old), &mut new, by);
        }
        admission::mutate(self, kind, &mut new, Some(&old), !by.subresource.is_empty())?;
        policy::mutate(self, kind, by.subresource, &mut new, Some(&old), by.dry_run)?;
        check_version(kind, &old, &mut new)?;
        strategy::service::begin_update(self, kind, &old, &mut new)?;
        new.put("metadata/generation", old.generation());
        strategy::prepare_update(kind, by.subresource, &old, &mut new);
        if strategy::counts_empties(kind) && by.subresource.is_empty() && with_empties != *old.at("spec") {
            new.put("metadata/generation", old.generation() + 1);
        }
        metadata::keep(&old, &mut new);
        if !by.trusted {
            validate::update(kind, by.subresource, &old, &new)?;
            self.warnings.extend(warnings::update(kind, by.subresource, &old, &new));
        }
        if !is_status_only {
            strategy::canonicalize(kind, &mut new);
            self.settle(kind, &mut new);
        }
        fields::managed::keep_stamps(&old, &mut new);
        let attempt = Attempt { kind, subresource: by.subresource, object: &new, old: Some(&old), dry_run: by.dry_run };
        policy::validate(self, &attempt)?;
        admission::validate(self, kind, &new, Some(&old))?;
        if !by.trusted && by.subresource.is_empty() && new.at("spec") != old.at("spec") {
            self.warnings.extend(pod_security::warning(self, kind, &new));
        }
        if strategy::ends_with_update(kind, &old, &new) {
            if !by.dry_run {
                self.erase(kind.table, namespace, name);
            }
            return Ok(Write { object: Arc::new(new), created: false });
        }
        strategy::service::allocate(self, kind, Some(&old), &mut new, by.dry_run);
        if new == *old {
            return Ok(Write { object: old, created: false });
        }
        let object = if by.dry_run { Arc::new(new) } else { self.commit(kind.table, new) };
        Ok(Write { object, created: false })
    }

    /// Defaults, in the form in which the server holds the object.
    fn settle(&self, kind: &Kind, object: &mut Value) {
        defaults::apply(kind, object);
        *object = decode::canonical(object, kind.type_ref());
    }

    /// A change to an object as it is now, whatever the writer knows of it: what a patch does.
    pub(crate) fn patch(
        &mut self,
        table: Table,
        namespace: &str,
        name: &str,
        by: By<'_>,
        change: impl FnOnce(&mut Value),
    ) {
        self.live(|world| world.edit(table, namespace, name, by, change));
    }

    /// A controller's change to an object as it knows it, which the server refuses when it has changed or gone meanwhile.
    pub(crate) fn edit(
        &mut self,
        table: Table,
        namespace: &str,
        name: &str,
        by: By<'_>,
        change: impl FnOnce(&mut Value),
    ) {
        let Some(old) = self.get(table, namespace, name) else { return };
        let mut new = Value::clone(&old);
        change(&mut new);
        // Controllers look far more often than they find something to say.
        if new == *old {
            return;
        }
        let kind = self.kinds.stored(table).clone();
        let written = self.update(&kind, namespace, name, by, |_| Ok(new));
        // What else it is refused for, another look does not mend.
        if written.is_err_and(|error| matches!(error.reason, "Conflict" | "NotFound")) {
            self.try_again();
        }
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
        let (now, api_version) = (self.stamp(), kind.api_version());
        let ignored = strategy::ignored_fields(kind, by.subresource);
        let manager = Manager {
            name: by.manager,
            api_version: &api_version,
            subresource: by.subresource,
            now: &now,
            ignored: &ignored,
            trusted: by.trusted,
        };
        fields::update(old, new, kind.type_ref(), &manager);
    }

    pub(crate) fn commit(&mut self, table: Table, object: Value) -> Arc<Value> {
        let change = self.store.put(table, object);
        self.committed(&change);
        change.object().clone()
    }

    /// Takes the object out of the store and gives back what it held.
    pub(crate) fn erase(&mut self, table: Table, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let change = self.store.delete(table, namespace, name)?;
        strategy::service::release(self, table, change.object());
        self.committed(&change);
        Some(change.object().clone())
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
        let status = object.get("status").cloned();
        self.settle(&kind, &mut object);
        metadata::fill(self, &mut object);
        strategy::prepare_create(&kind, &mut object);
        strategy::canonicalize(&kind, &mut object);
        if let Some(status) = status {
            object.put("status", status);
        }
        strategy::service::allocate(self, &kind, None, &mut object, false);
        self.settle(&kind, &mut object);
        Ok(self.commit(kind.table, object))
    }
}

/// Refuses a write that was made against another version; one that names none is made against the live one.
fn check_version(kind: &Kind, old: &Value, new: &mut Value) -> Result<(), ApiError> {
    let live = old.str("metadata/resourceVersion");
    match new.str("metadata/resourceVersion") {
        "" | "0" if strategy::updates_unconditionally(kind) => {
            let live = live.to_owned();
            new.put("metadata/resourceVersion", live);
            Ok(())
        }
        "" | "0" => {
            let detail = "must be specified for an update";
            let cause =
                Cause::new("FieldValueInvalid", "metadata.resourceVersion", format!("Invalid value: 0: {detail}"));
            // The server names the resource where the kind should stand.
            let about = crate::error::About { kind: &kind.plural, ..kind.about() };
            Err(ApiError::invalid(about, old.name(), vec![cause]))
        }
        given if given.parse::<u64>().is_err() => {
            Err(ApiError::failed(format!("strconv.ParseUint: parsing {given:?}: invalid syntax")))
        }
        given if given == live => Ok(()),
        _ => Err(ApiError::modified(kind.about(), old.name())),
    }
}

/// The status alone, in the form in which the server holds it.
fn settle_status(kind: &Kind, object: &mut Value) {
    let Some(status) = object.get_mut("status").map(Value::take) else { return };
    let mut settled = decode::canonical(&serde_json::json!({"status": status}), kind.type_ref());
    object["status"] = settled["status"].take();
}
