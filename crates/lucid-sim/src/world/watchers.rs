//! Watches of clients: which change reaches whom, and as what.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::api::format::{Format, encode_event};
use crate::api::select::Selection;
use crate::json::JsonMut;
use crate::kinds::{Kind, Table};
use crate::store::Change;

/// One open watch.
pub(crate) struct Watcher {
    pub(crate) kind: Arc<Kind>,
    pub(crate) selection: Selection,
    pub(crate) format: Format,
    pub(crate) bookmarks: bool,
    pub(crate) sender: UnboundedSender<bytes::Bytes>,
}

#[derive(Default)]
pub(crate) struct Watchers {
    by_table: BTreeMap<Table, Vec<Watcher>>,
}

/// A copy of a cluster has no clients yet.
impl Clone for Watchers {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Watchers {
    pub(crate) fn add(&mut self, watcher: Watcher) {
        self.by_table.entry(watcher.kind.table).or_default().push(watcher);
    }

    /// Sends the change to every watch that selects it before or after; forgets the watches that were closed.
    pub(crate) fn publish(&mut self, change: &Change, now: i64) {
        let Some(watchers) = self.by_table.get_mut(&change.table) else { return };
        let mut cache: BTreeMap<(String, &'static str), bytes::Bytes> = BTreeMap::new();
        watchers.retain(|watcher| {
            let Some((event, object)) = seen(watcher, change) else { return !watcher.sender.is_closed() };
            let encode = || encode_event(event, &object, &watcher.kind, watcher.format, now);
            let bytes = match watcher.format {
                Format::Full => cache.entry((watcher.kind.api_version(), event)).or_insert_with(encode).clone(),
                _ => encode(),
            };
            watcher.sender.send(bytes).is_ok()
        });
    }

    pub(crate) fn want_bookmarks(&self) -> bool {
        self.by_table.values().flatten().any(|watcher| watcher.bookmarks && !watcher.sender.is_closed())
    }

    /// Tells every watch that asked for it how far it is.
    pub(crate) fn bookmark(&mut self, revision: u64) {
        for watchers in self.by_table.values_mut() {
            watchers.retain(|watcher| {
                !watcher.bookmarks
                    || watcher.sender.send(bookmark(&watcher.kind, revision, watcher.format, false)).is_ok()
            });
        }
    }

    /// Ends every watch, as a restarting server does.
    pub(crate) fn close(&mut self) {
        self.by_table.clear();
    }
}

/// What a watch makes of a change: an object that enters the selection is added; one that leaves it is deleted, and shown
/// as it was when it still belonged, under the version at which it left.
pub(crate) fn seen(watcher: &Watcher, change: &Change) -> Option<(&'static str, Arc<Value>)> {
    let selects = |object: &Arc<Value>| watcher.selection.matches(object);
    let before = change.old.as_ref().filter(|object| selects(object));
    let after = change.new.as_ref().filter(|object| selects(object));
    match (before, after) {
        (None, Some(new)) => Some(("ADDED", new.clone())),
        (Some(_), Some(new)) => Some(("MODIFIED", new.clone())),
        (Some(_), None) if change.new.is_none() => Some(("DELETED", change.object().clone())),
        (Some(old), None) => {
            let mut last = Value::clone(old);
            last.put("metadata/resourceVersion", change.revision.to_string());
            Some(("DELETED", Arc::new(last)))
        }
        (None, None) => None,
    }
}

pub(crate) fn bookmark(kind: &Kind, revision: u64, format: Format, initial_end: bool) -> bytes::Bytes {
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    if initial_end {
        metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
    }
    let object = json!({"apiVersion": kind.api_version(), "kind": kind.kind, "metadata": metadata});
    encode_event("BOOKMARK", &Arc::new(object), kind, format, 0)
}
