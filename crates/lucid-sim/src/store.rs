//! The objects, their one revision counter and the recent history.
//!
//! Reading shows the present, but for a [`Reader`] that looks with its own eyes: that one sees what its cache holds.

mod cache;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::json::{Json, JsonMut};
use crate::kinds::Table;

pub(crate) use cache::Reader;
use cache::{Cache, Hidden};

/// Namespace (empty for cluster-scoped kinds) and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    pub(crate) fn of(object: &Value) -> Self {
        Self::new(object.namespace(), object.name())
    }
}

/// One committed write: what was there, and what is there now.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    pub(crate) table: Table,
    pub(crate) old: Option<Arc<Value>>,
    /// `None` when the object was deleted.
    pub(crate) new: Option<Arc<Value>>,
}

impl Change {
    /// The object after the change, or as it was when it was deleted.
    pub(crate) fn object(&self) -> &Arc<Value> {
        self.new.as_ref().or(self.old.as_ref()).expect("a change has an object")
    }
}

type Rows = BTreeMap<String, BTreeMap<String, Arc<Value>>>;

/// A multi-version store: the present by key, the past as a bounded list of changes.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    revision: u64,
    tables: BTreeMap<Table, Rows>,
    history: VecDeque<Change>,
    keep: usize,
    compacted: u64,
    owned: BTreeMap<String, BTreeSet<(Table, Key)>>,
    uids: BTreeMap<String, (Table, Key)>,
    caches: BTreeMap<Reader, Cache>,
    reader: Option<Reader>,
    /// What the reader has changed in this look, as its cache has it: it sees that again once it looks again.
    own: Vec<Hidden>,
}

impl Store {
    pub(crate) fn new(keep: usize) -> Self {
        Self {
            revision: 1,
            tables: BTreeMap::new(),
            history: VecDeque::new(),
            keep,
            compacted: 1,
            owned: BTreeMap::new(),
            uids: BTreeMap::new(),
            caches: Reader::ALL.into_iter().map(|reader| (reader, Cache::default())).collect(),
            reader: None,
            own: Vec::new(),
        }
    }

    /// From now on, reading shows what the reader knows at this time.
    pub(crate) fn look_as(&mut self, reader: Reader, now: Duration) {
        if let Some(cache) = self.caches.get_mut(&reader) {
            cache.catch_up(now);
        }
        self.reader = Some(reader);
    }

    /// From now on, reading shows the present. Says when the reader will know of its own changes, if there are any that
    /// it has to wait for.
    pub(crate) fn look_up(&mut self) -> Option<Duration> {
        let reader = self.reader.take()?;
        let own = std::mem::take(&mut self.own);
        let cache = self.caches.get_mut(&reader)?;
        let wrote = !own.is_empty();
        own.into_iter().for_each(|hidden| cache.hide(hidden));
        wrote.then(|| cache.newest())
    }

    /// Shows the present for a while: what the server itself does. The reader is to be given back.
    pub(crate) fn lift(&mut self) -> Option<Reader> {
        self.reader.take()
    }

    pub(crate) fn lower(&mut self, reader: Option<Reader>) {
        self.reader = reader;
    }

    /// When the reader knows of everything that was written until now.
    pub(crate) fn known_at(&self, reader: Reader) -> Duration {
        self.caches.get(&reader).map(Cache::newest).unwrap_or_default()
    }

    /// Sends a change on its way to all caches; `writer` has made it in its present look.
    pub(crate) fn announce(&mut self, change: &Change, writer: Option<Reader>, mut at: impl FnMut(Reader) -> Duration) {
        for (reader, cache) in self.caches.iter_mut().filter(|(reader, _)| reader.watches(change.table)) {
            match writer == Some(*reader) {
                true if reader.knows_its_own() => cache.forget(change),
                true => {
                    cache.announce(change, at(*reader));
                    self.own.extend(cache.reveal(change));
                }
                false => cache.announce(change, at(*reader)),
            }
        }
    }

    fn cache(&self) -> Option<&Cache> {
        self.reader.as_ref().and_then(|reader| self.caches.get(reader))
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Revisions up to this one can no longer be watched from.
    pub(crate) fn compacted(&self) -> u64 {
        self.compacted
    }

    pub(crate) fn get(&self, table: Table, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        if let Some(known) = self.cache().and_then(|cache| cache.get(table, namespace, name)) {
            return known;
        }
        self.tables.get(&table)?.get(namespace)?.get(name)
    }

    /// Objects of a table: those of the present in the order of namespace and name, then what only a cache still holds.
    pub(crate) fn list(&self, table: Table) -> impl Iterator<Item = &Arc<Value>> {
        let present = self.tables.get(&table).into_iter().flat_map(|rows| rows.values().flat_map(BTreeMap::values));
        self.as_known(table, None, present)
    }

    fn as_known<'a>(
        &'a self,
        table: Table,
        namespace: Option<&'a str>,
        present: impl Iterator<Item = &'a Arc<Value>>,
    ) -> impl Iterator<Item = &'a Arc<Value>> {
        let cache = self.cache();
        let unchanged = present.filter(move |object| !cache.is_some_and(|cache| cache.differs(table, object)));
        let known = cache.into_iter().flat_map(move |cache| cache.of(table));
        unchanged.chain(known.filter(move |object| namespace.is_none_or(|namespace| object.namespace() == namespace)))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Value>> {
        self.tables.values().flat_map(BTreeMap::values).flat_map(BTreeMap::values)
    }

    pub(crate) fn list_in<'a>(&'a self, table: Table, namespace: &'a str) -> impl Iterator<Item = &'a Arc<Value>> {
        let present =
            self.tables.get(&table).and_then(|rows| rows.get(namespace)).into_iter().flat_map(BTreeMap::values);
        self.as_known(table, Some(namespace), present)
    }

    /// The objects that name this uid among their owners.
    pub(crate) fn owned_by(&self, uid: &str) -> Vec<(Table, Arc<Value>)> {
        let keys = self.owned.get(uid).into_iter().flatten();
        let objects = keys.filter_map(|(table, key)| {
            let object = self.tables.get(table)?.get(&key.namespace)?.get(&key.name)?;
            Some((*table, object))
        });
        let Some(cache) = self.cache() else { return objects.map(|(table, object)| (table, object.clone())).collect() };
        let is_owned =
            |object: &Value| object.list("metadata/ownerReferences").iter().any(|owner| owner.str("uid") == uid);
        let unchanged = objects.filter(|(table, object)| !cache.differs(*table, object));
        let known = cache.all().filter(|(_, object)| is_owned(object));
        unchanged.chain(known).map(|(table, object)| (table, object.clone())).collect()
    }

    pub(crate) fn owned_in(&self, table: Table, uid: &str) -> Vec<Arc<Value>> {
        self.owned_by(uid).into_iter().filter(|(of, _)| *of == table).map(|(_, object)| object).collect()
    }

    pub(crate) fn by_uid(&self, uid: &str) -> Option<(Table, &Arc<Value>)> {
        if let Some((table, key)) = self.uids.get(uid)
            && let Some(object) = self.get(*table, &key.namespace, &key.name).filter(|object| object.uid() == uid)
        {
            return Some((*table, object));
        }
        self.cache()?.all().find(|(_, object)| object.uid() == uid)
    }

    /// Every table that holds objects in the namespace.
    pub(crate) fn tables_in(&self, namespace: &str) -> Vec<Table> {
        let holds = |rows: &Rows| rows.get(namespace).is_some_and(|objects| !objects.is_empty());
        self.tables.iter().filter(|(_, rows)| holds(rows)).map(|(table, _)| *table).collect()
    }

    /// Writes the object under the next revision, which it carries from then on.
    pub(crate) fn put(&mut self, table: Table, mut object: Value) -> Change {
        self.revision += 1;
        object.put("metadata/resourceVersion", self.revision.to_string());
        let key = Key::of(&object);
        let new = Arc::new(object);
        let rows = self.tables.entry(table).or_default().entry(key.namespace.clone()).or_default();
        let old = rows.insert(key.name.clone(), new.clone());
        if let Some(old) = &old {
            self.unindex(table, old, &key);
        }
        self.index(table, &new, &key);
        self.record(Change { revision: self.revision, table, old, new: Some(new) })
    }

    /// Takes an object as it was saved, under the revision that it carries.
    pub(crate) fn restore(&mut self, table: Table, object: Value) {
        let (key, object) = (Key::of(&object), Arc::new(object));
        self.index(table, &object, &key);
        self.tables.entry(table).or_default().entry(key.namespace).or_default().insert(key.name, object);
    }

    /// Goes on at a revision, with nothing known of what was before it.
    pub(crate) fn resume(&mut self, revision: u64) {
        self.revision = revision;
        self.compacted = revision;
    }

    /// Removes the object; the change carries its last state under the revision of the removal.
    pub(crate) fn delete(&mut self, table: Table, namespace: &str, name: &str) -> Option<Change> {
        let rows = self.tables.get_mut(&table)?.get_mut(namespace)?;
        let old = rows.remove(name)?;
        if rows.is_empty() {
            self.tables.get_mut(&table)?.remove(namespace);
        }
        self.unindex(table, &old, &Key::new(namespace, name));
        self.revision += 1;
        let mut last = Value::clone(&old);
        last.put("metadata/resourceVersion", self.revision.to_string());
        Some(self.record(Change { revision: self.revision, table, old: Some(Arc::new(last)), new: None }))
    }

    /// Changes after a revision, oldest first.
    pub(crate) fn since(&self, revision: u64) -> impl Iterator<Item = &Change> {
        let from = self.history.partition_point(|change| change.revision <= revision);
        self.history.range(from..)
    }

    /// Forgets the history, as etcd's compaction does.
    pub(crate) fn compact(&mut self) {
        self.compacted = self.revision;
        self.history.clear();
    }

    fn record(&mut self, change: Change) -> Change {
        self.history.push_back(change.clone());
        if self.history.len() > self.keep
            && let Some(dropped) = self.history.pop_front()
        {
            self.compacted = dropped.revision;
        }
        change
    }

    fn index(&mut self, table: Table, object: &Value, key: &Key) {
        self.uids.insert(object.uid().to_owned(), (table, key.clone()));
        for owner in object.list("metadata/ownerReferences") {
            self.owned.entry(owner.str("uid").to_owned()).or_default().insert((table, key.clone()));
        }
    }

    fn unindex(&mut self, table: Table, object: &Value, key: &Key) {
        self.uids.remove(object.uid());
        for owner in object.list("metadata/ownerReferences") {
            if let Some(keys) = self.owned.get_mut(owner.str("uid")) {
                keys.remove(&(table, key.clone()));
                if keys.is_empty() {
                    self.owned.remove(owner.str("uid"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(name: &str, owner: Option<&str>) -> Value {
        let owners: Vec<Value> = owner.into_iter().map(|uid| json!({"uid": uid})).collect();
        json!({"metadata": {"name": name, "namespace": "n", "uid": format!("uid-{name}"), "ownerReferences": owners}})
    }

    #[test]
    fn one_counter_for_all_tables() {
        let mut store = Store::new(10);
        let a = store.put(Table::PODS, object("a", None)).revision;
        let b = store.put(Table::SECRETS, object("a", None)).revision;
        assert_eq!((a, b), (2, 3));
        assert_eq!(store.get(Table::PODS, "n", "a").unwrap().str("metadata/resourceVersion"), "2");
    }

    #[test]
    fn a_deletion_carries_its_own_revision() {
        let mut store = Store::new(10);
        store.put(Table::PODS, object("a", None));
        let change = store.delete(Table::PODS, "n", "a").unwrap();
        assert_eq!(change.object().str("metadata/resourceVersion"), "3");
        assert!(store.get(Table::PODS, "n", "a").is_none() && store.delete(Table::PODS, "n", "a").is_none());
    }

    #[test]
    fn owners_are_indexed_through_changes() {
        let mut store = Store::new(10);
        store.put(Table::PODS, object("a", Some("o")));
        assert_eq!(store.owned_by("o").len(), 1);
        store.put(Table::PODS, object("a", None));
        assert_eq!(store.owned_by("o").len(), 0);
        assert!(store.by_uid("uid-a").is_some());
    }

    #[test]
    fn history_is_bounded_and_ordered() {
        let mut store = Store::new(2);
        for name in ["a", "b", "c"] {
            store.put(Table::PODS, object(name, None));
        }
        assert_eq!(store.compacted(), 2);
        assert_eq!(store.since(3).map(|change| change.revision).collect::<Vec<_>>(), [4]);
        store.compact();
        assert_eq!((store.compacted(), store.since(0).count()), (4, 0));
    }
}
