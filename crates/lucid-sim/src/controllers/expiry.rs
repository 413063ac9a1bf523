//! Events are forgotten an hour after they were written last.

use std::time::Duration;

use crate::kinds::Table;
use crate::store::Key;
use crate::world::{Actor, World};

/// The server's `--event-ttl`.
const LIFE: Duration = Duration::from_secs(3600);

pub(crate) fn renew(world: &mut World, key: &Key) {
    let now = world.now();
    world.events.insert(key.clone(), now);
    world.queue.push(now + LIFE, Actor::Expiry, key.clone());
}

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let written = *world.events.get(key)?;
    let left = (written + LIFE).saturating_sub(world.now());
    if !left.is_zero() {
        return Some(left);
    }
    world.events.remove(key);
    world.erase(Table::EVENTS, &key.namespace, &key.name);
    None
}
