//! What controllers, scheduler and kubelets know of the store: what their watches have told them, a moment late.
//!
//! A reader's cache is the store with the changes taken back that are still on their way to it. Those of one table
//! arrive in order; tables know nothing of each other.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::kinds::Table;

use super::{Change, Key};

/// A process that reads from caches of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reader {
    /// All controllers share the informers of their process.
    Controllers,
    Scheduler,
    Kubelets,
}

impl Reader {
    pub(crate) const ALL: [Self; 3] = [Self::Controllers, Self::Scheduler, Self::Kubelets];

    /// The scheduler assumes what it has bound, and a kubelet remembers what it reported; controllers wait for the watch.
    pub(super) fn knows_its_own(self) -> bool {
        self != Self::Controllers
    }
}

/// An object that a reader knows in an earlier state, or not yet.
#[derive(Debug, Clone)]
struct Known {
    object: Option<Arc<Value>>,
    /// How many changes of it are on their way.
    coming: usize,
}

/// Where a change belongs, and the object after it.
type Coming = (Table, Key, Option<Arc<Value>>);

/// What a reader's cache has of an object that it has just changed.
#[derive(Debug, Clone)]
pub(super) struct Hidden {
    table: Table,
    key: Key,
    known: Known,
}

/// One reader's caches, as what differs from the store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cache {
    known: BTreeMap<Table, BTreeMap<Key, Known>>,
    coming: BTreeMap<(Duration, u64), Coming>,
    /// When the last change of each table arrives.
    arrivals: BTreeMap<Table, Duration>,
    /// When the last change of all was announced to arrive.
    newest: Duration,
}

impl Cache {
    /// A change is on its way, behind those of its table that are.
    pub(super) fn announce(&mut self, change: &Change, at: Duration) {
        let arrival = self.arrivals.entry(change.table).or_default();
        *arrival = at.max(*arrival);
        self.newest = self.newest.max(*arrival);
        let key = Key::of(change.object());
        self.coming.insert((*arrival, change.revision), (change.table, key.clone(), change.new.clone()));
        let known = self.known.entry(change.table).or_default();
        let known = known.entry(key).or_insert_with(|| Known { object: change.old.clone(), coming: 0 });
        known.coming += 1;
    }

    /// The reader has made the change itself and knows it.
    pub(super) fn forget(&mut self, change: &Change) {
        if let Some(known) = self.known.get_mut(&change.table) {
            known.remove(&Key::of(change.object()));
        }
    }

    /// Shows a change of the reader's own for the rest of its look. What comes back hides it again.
    pub(super) fn reveal(&mut self, change: &Change) -> Option<Hidden> {
        let key = Key::of(change.object());
        let known = self.known.get_mut(&change.table)?.remove(&key)?;
        Some(Hidden { table: change.table, key, known })
    }

    pub(super) fn hide(&mut self, hidden: Hidden) {
        match self.known.entry(hidden.table).or_default().entry(hidden.key) {
            Entry::Vacant(entry) => {
                entry.insert(hidden.known);
            }
            // Changed twice in one look: what was known before the first counts.
            Entry::Occupied(mut entry) => entry.get_mut().coming += hidden.known.coming,
        }
    }

    /// When everything that was announced has arrived.
    pub(super) fn newest(&self) -> Duration {
        self.newest
    }

    /// Takes in what has arrived.
    pub(super) fn catch_up(&mut self, now: Duration) {
        while let Some(entry) = self.coming.first_entry().filter(|entry| entry.key().0 <= now) {
            let (table, key, object) = entry.remove();
            let Some(known) = self.known.get_mut(&table) else { continue };
            let Some(one) = known.get_mut(&key) else { continue };
            one.object = object;
            one.coming -= 1;
            if one.coming == 0 {
                known.remove(&key);
                if known.is_empty() {
                    self.known.remove(&table);
                }
            }
        }
    }

    /// The object as the reader knows it; none where that is how it is.
    pub(super) fn get(&self, table: Table, namespace: &str, name: &str) -> Option<Option<&Arc<Value>>> {
        let known = self.known.get(&table)?.get(&Key::new(namespace, name))?;
        Some(known.object.as_ref())
    }

    pub(super) fn differs(&self, table: Table, object: &Value) -> bool {
        self.known.get(&table).is_some_and(|known| known.contains_key(&Key::of(object)))
    }

    /// Objects of a table in the state that only the reader knows.
    pub(super) fn of(&self, table: Table) -> impl Iterator<Item = &Arc<Value>> {
        self.known.get(&table).into_iter().flat_map(BTreeMap::values).filter_map(|known| known.object.as_ref())
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (Table, &Arc<Value>)> {
        self.known.keys().flat_map(|table| self.of(*table).map(|object| (*table, object)))
    }
}
