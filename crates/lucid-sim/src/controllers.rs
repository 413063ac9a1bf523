//! What each actor does when its turn comes.

use std::time::Duration;

use crate::store::Key;
use crate::world::{Actor, World};

/// Lets the actor look at the object; the answer is when it wants to look again.
pub(crate) fn act(_world: &mut World, _actor: Actor, _key: &Key) -> Option<Duration> {
    None
}
