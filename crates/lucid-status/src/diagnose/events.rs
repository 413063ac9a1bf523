//! Events of one object. They live for an hour and nobody takes them back, so a status always outranks them.

use jiff::Timestamp;
use serde_json::Value;

use crate::cluster::Scene;
use crate::read::{Event, uid};

/// Events about this object since our write, oldest first.
pub(crate) fn of<'a>(object: &Value, scene: &Scene<'a>) -> Vec<Event<'a>> {
    let uid = uid(object);
    if uid.is_empty() {
        return Vec::new();
    }
    let mut events: Vec<Event<'a>> = scene.cluster.events_for(uid).into_iter().map(Event).collect();
    events.retain(|event| scene.since.covers(event.last()));
    events.sort_by_key(|event| (event.last(), event.first(), event.reason(), event.message()));
    events
}

/// The newest event with one of these reasons.
pub(crate) fn last<'a>(events: &[Event<'a>], reasons: &[&str]) -> Option<Event<'a>> {
    events.iter().rev().find(|event| reasons.contains(&event.reason())).copied()
}

/// The newest event about this container with one of these reasons.
pub(crate) fn last_of<'a>(events: &[Event<'a>], container: &str, reasons: &[&str]) -> Option<Event<'a>> {
    let is_about = |event: &&Event<'a>| event.container().is_none_or(|about| about == container);
    events.iter().rev().filter(is_about).find(|event| reasons.contains(&event.reason())).copied()
}

/// True if the event is newer than this moment.
pub(crate) fn is_after(event: Event<'_>, moment: Option<Timestamp>) -> bool {
    match (event.last(), moment) {
        (Some(event), Some(moment)) => event >= moment,
        _ => true,
    }
}
