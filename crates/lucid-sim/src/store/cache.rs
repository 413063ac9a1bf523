//! What controllers, scheduler and kubelets know of the store: what their watches have told them, a moment late.
//!
//! A reader's cache is the store with the changes taken back that are still on their way to it. Those of one table
//! arrive in order; tables know nothing of each other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::json::Json;
use crate::kinds::Table;

use super::Change;

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

    /// Whether it has a cache of the table; the others it reads as they are, if at all.
    pub(super) fn watches(self, table: Table) -> bool {
        let by_pods = matches!(table, Table::PODS | Table::CLAIMS | Table::VOLUMES);
        match self {
            Self::Scheduler => by_pods || matches!(table, Table::NODES | Table::STORAGE_CLASSES),
            Self::Kubelets => by_pods || matches!(table, Table::CONFIG_MAPS | Table::SECRETS),
            Self::Controllers => !matches!(
                table,
                Table::CONFIG_MAPS
                    | Table::SECRETS
                    | Table::EVENTS
                    | Table::LEASES
                    | Table::QUOTAS
                    | Table::LIMIT_RANGES
            ),
        }
    }
}

/// An object that a reader knows in an earlier state, or not yet.
#[derive(Debug, Clone)]
struct Known {
    object: Option<Arc<Value>>,
    /// How many changes of it are on their way.
    coming: usize,
}

/// What a reader's cache has of an object that it has just changed.
#[derive(Debug, Clone)]
pub(super) struct Hidden {
    table: Table,
    changed: Arc<Value>,
    known: Known,
}

/// A change on its way: an object in any state, for its name, and what becomes of it.
#[derive(Debug, Clone)]
struct Coming {
    table: Table,
    changed: Arc<Value>,
    new: Option<Arc<Value>>,
}

/// By namespace and name.
type Objects = BTreeMap<String, BTreeMap<String, Known>>;

/// One reader's caches, as what differs from the store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cache {
    known: BTreeMap<Table, Objects>,
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
        let coming = Coming { table: change.table, changed: change.object().clone(), new: change.new.clone() };
        self.coming.insert((*arrival, change.revision), coming);
        match self.one(change.table, change.object()) {
            Some(known) => known.coming += 1,
            None => self.set(change.table, change.object(), Known { object: change.old.clone(), coming: 1 }),
        }
    }

    /// The reader has made the change itself and knows it.
    pub(super) fn forget(&mut self, change: &Change) {
        self.remove(change.table, change.object());
    }

    /// Shows a change of the reader's own for the rest of its look. What comes back hides it again.
    pub(super) fn reveal(&mut self, change: &Change) -> Option<Hidden> {
        let changed = change.object().clone();
        let known = self.remove(change.table, &changed)?;
        Some(Hidden { table: change.table, changed, known })
    }

    pub(super) fn hide(&mut self, hidden: Hidden) {
        match self.one(hidden.table, &hidden.changed) {
            // Changed twice in one look: what was known before the first counts.
            Some(known) => known.coming += hidden.known.coming,
            None => self.set(hidden.table, &hidden.changed, hidden.known),
        }
    }

    /// When everything that was announced has arrived.
    pub(super) fn newest(&self) -> Duration {
        self.newest
    }

    /// Takes in what has arrived.
    pub(super) fn catch_up(&mut self, now: Duration) {
        while let Some(entry) = self.coming.first_entry().filter(|entry| entry.key().0 <= now) {
            let Coming { table, changed, new } = entry.remove();
            let Some(known) = self.one(table, &changed) else { continue };
            known.object = new;
            known.coming -= 1;
            if known.coming == 0 {
                self.remove(table, &changed);
            }
        }
    }

    /// The object as the reader knows it; none where that is how it is.
    pub(super) fn get(&self, table: Table, namespace: &str, name: &str) -> Option<Option<&Arc<Value>>> {
        Some(self.known.get(&table)?.get(namespace)?.get(name)?.object.as_ref())
    }

    pub(super) fn differs(&self, table: Table, object: &Value) -> bool {
        self.get(table, object.namespace(), object.name()).is_some()
    }

    /// Objects of a table in the state that only the reader knows.
    pub(super) fn of(&self, table: Table) -> impl Iterator<Item = &Arc<Value>> {
        let known = self.known.get(&table).into_iter().flat_map(BTreeMap::values).flat_map(BTreeMap::values);
        known.filter_map(|known| known.object.as_ref())
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (Table, &Arc<Value>)> {
        self.known.keys().flat_map(|table| self.of(*table).map(|object| (*table, object)))
    }

    fn one(&mut self, table: Table, object: &Value) -> Option<&mut Known> {
        self.known.get_mut(&table)?.get_mut(object.namespace())?.get_mut(object.name())
    }

    fn set(&mut self, table: Table, object: &Value, known: Known) {
        let objects = self.known.entry(table).or_default().entry(object.namespace().to_owned()).or_default();
        objects.insert(object.name().to_owned(), known);
    }

    /// Leaves no empty maps behind: without them, looking costs nothing.
    fn remove(&mut self, table: Table, object: &Value) -> Option<Known> {
        let objects = self.known.get_mut(&table)?;
        let in_namespace = objects.get_mut(object.namespace())?;
        let known = in_namespace.remove(object.name())?;
        if in_namespace.is_empty() {
            objects.remove(object.namespace());
            if objects.is_empty() {
                self.known.remove(&table);
            }
        }
        Some(known)
    }
}
