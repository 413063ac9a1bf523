//! What keeps the late writes of a run that died, or was paused and woke again, from winning.
//!
//! Every write to an object that was seen carries its uid and the version in which it was seen. Whoever takes over from a
//! dead run first touches what that run may still be writing to ([`raise`]), so that those writes have an old version. A
//! run whose write is refused looks at the object: a higher epoch on it says that there is a successor.

use futures::StreamExt as _;
use lucid_client::{ApiClient, Apply, Error, Manner, Precondition, Target, Written};
use lucid_object::{Finding, Gvk};
use lucid_release::InventoryEntry;
use lucid_release::names::{EPOCH_ANNOTATION, FENCE_ANNOTATION, FENCE_MANAGER};
use serde_json::{Value, json};

use crate::deploy::Refusal;
use crate::survey::{Server, Survey};

/// How often a write is tried again because the object has moved on meanwhile.
const ATTEMPTS: usize = 20;
/// Most objects that are touched at once.
const TOUCHED_AT_ONCE: usize = 32;

/// An object as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub uid: String,
    pub version: String,
}

impl Seen {
    pub fn of(object: &Value) -> Option<Self> {
        let text = |pointer: &str| Some(object.pointer(pointer)?.as_str()?.to_owned());
        Some(Self { uid: text("/metadata/uid")?, version: text("/metadata/resourceVersion")? })
    }

    /// The later of two looks at one object; of two objects, the one that was looked at last.
    pub fn later(self, other: Self) -> Self {
        let number = |seen: &Self| seen.version.parse::<u64>().ok();
        match number(&self) > number(&other) {
            true => self,
            false => other,
        }
    }

    fn precondition(&self) -> Precondition<'_> {
        Precondition { uid: &self.uid, version: Some(&self.version) }
    }
}

/// Why a write did not happen.
#[derive(Debug)]
pub enum Denied {
    /// A run with this later epoch has the release now.
    Fenced(u64),
    Client(Error),
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Client(error) => error.into(),
            Denied::Fenced(epoch) => {
                let finding = Finding::error(9001, format!("a later run (epoch {epoch}) has taken the release over"));
                finding.help("look at `lucid history`; this run has stopped").into()
            }
        }
    }
}

impl From<Error> for Denied {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

/// Applies over the object as it was seen; one that has moved on is looked at again.
///
/// # Errors
/// [`Denied::Fenced`] when a later run has written the object.
pub async fn apply(
    client: &ApiClient,
    target: &Target,
    name: &str,
    what: &Apply<'_>,
    seen: Option<Seen>,
    epoch: u64,
) -> Result<Written, Denied> {
    let mut seen = seen;
    for _ in 0..ATTEMPTS {
        let body = match &seen {
            Some(seen) => with_version(what.body, seen),
            None => what.body.clone(),
        };
        let error = match client.apply(target, name, &Apply { body: &body, ..what.clone() }).await {
            Ok(written) => return Ok(written),
            Err(error) if is_overtaken(&error) => error,
            Err(error) => return Err(error.into()),
        };
        let before = seen.take();
        seen = look_again(client, target, name, epoch).await?;
        // Another object has the name now: it is not the one that the plan was made for.
        if before.zip(seen.as_ref()).is_some_and(|(before, now)| before.uid != now.uid) {
            return Err(error.into());
        }
    }
    Err(contended(name))
}

/// Deletes the object as it was seen; one that has moved on is looked at again. Not being there is success.
///
/// # Errors
/// [`Denied::Fenced`] when a later run has written the object.
pub async fn delete(
    client: &ApiClient,
    target: &Target,
    name: &str,
    seen: Seen,
    manner: Manner,
    epoch: u64,
) -> Result<(), Denied> {
    let mut seen = seen;
    for _ in 0..ATTEMPTS {
        match client.delete_as(target, name, &seen.precondition(), manner).await {
            Ok(()) => return Ok(()),
            Err(error) if is_overtaken(&error) => {}
            Err(error) => return Err(error.into()),
        }
        match look_again(client, target, name, epoch).await? {
            Some(now) if now.uid == seen.uid => seen = now,
            // It is gone, whatever has its name now.
            _ => return Ok(()),
        }
    }
    Err(contended(name))
}

async fn look_again(client: &ApiClient, target: &Target, name: &str, epoch: u64) -> Result<Option<Seen>, Denied> {
    let live = match client.get(target, name).await {
        Err(error) if error.is_not_found() => return Ok(None),
        result => result?,
    };
    match written_by(&live) {
        Some(newer) if newer > epoch => Err(Denied::Fenced(newer)),
        _ => Ok(Seen::of(&live)),
    }
}

/// The epoch of the last run that wrote or fenced an object.
fn written_by(live: &Value) -> Option<u64> {
    let annotations = live.pointer("/metadata/annotations")?;
    let epoch = |name: &str| annotations.get(name)?.as_str()?.parse::<u64>().ok();
    epoch(EPOCH_ANNOTATION).max(epoch(FENCE_ANNOTATION))
}

fn with_version(body: &Value, seen: &Seen) -> Value {
    let mut body = body.clone();
    body["metadata"]["uid"] = seen.uid.clone().into();
    body["metadata"]["resourceVersion"] = seen.version.clone().into();
    body
}

/// The object is not as it was seen. Fields that other managers own are another matter.
fn is_overtaken(error: &Error) -> bool {
    let causes = error.status().and_then(|status| status.pointer("/details/causes")?.as_array());
    let is_about_fields =
        causes.is_some_and(|causes| causes.iter().any(|cause| cause["reason"] == "FieldManagerConflict"));
    error.is_conflict() && !is_about_fields
}

fn contended(name: &str) -> Denied {
    let cause = format!("others change {name} faster than it can be written ({ATTEMPTS} attempts)");
    Denied::Client(Error::Answer { doing: format!("write {name}"), cause })
}

/// Touches every object that stands, so that whatever a dead run had sent before comes too late.
///
/// # Errors
/// When one cannot be touched.
pub(crate) async fn raise(
    client: &ApiClient,
    server: &Server,
    survey: &Survey,
    inventory: &[InventoryEntry],
    epoch: u64,
) -> lucid_client::Result<()> {
    let touches = inventory.iter().filter_map(|entry| {
        let live = survey.cache.find(&entry.object)?;
        let uid = live.pointer("/metadata/uid")?.as_str()?.to_owned();
        let gvk = Gvk::new(entry.object.group.clone(), entry.version.clone(), entry.object.kind.clone());
        let plural = server.resources.get(&gvk)?.plural.clone();
        let target = Target::new(gvk, plural, entry.object.namespace.as_deref());
        Some((target, entry.object.name.clone(), uid))
    });
    let mut done = futures::stream::iter(
        touches.map(|(target, name, uid)| async move { touch(client, &target, &name, &uid, epoch).await }),
    )
    .buffer_unordered(TOUCHED_AT_ONCE);
    while let Some(result) = done.next().await {
        result?;
    }
    Ok(())
}

/// Gives the object with this uid another version. One that is gone, or another one by now, is none of those that were
/// seen.
pub(crate) async fn touch(
    client: &ApiClient,
    target: &Target,
    name: &str,
    uid: &str,
    epoch: u64,
) -> lucid_client::Result<()> {
    let mut body = json!({
        "apiVersion": target.gvk.api_version(), "kind": target.gvk.kind,
        "metadata": {"name": name, "uid": uid, "annotations": {FENCE_ANNOTATION: epoch.to_string()}},
    });
    if let Some(namespace) = &target.namespace {
        body["metadata"]["namespace"] = namespace.clone().into();
    }
    let apply = Apply { manager: FENCE_MANAGER, body: &body, dry_run: false, force: true };
    match client.apply(target, name, &apply).await {
        Err(error) if error.is_conflict() || error.is_not_found() => Ok(()),
        result => result.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(uid: &str, version: &str) -> Seen {
        Seen { uid: uid.into(), version: version.into() }
    }

    #[test]
    fn the_later_look_counts() {
        assert_eq!(seen("a", "9").later(seen("a", "10")), seen("a", "10"));
        assert_eq!(seen("a", "11").later(seen("a", "10")), seen("a", "11"));
        // Versions that are no numbers cannot be compared; the newer look is taken.
        assert_eq!(seen("a", "x").later(seen("a", "y")), seen("a", "y"));
    }

    #[test]
    fn the_highest_epoch_on_an_object_is_its_writer() {
        let live = json!({"metadata": {"annotations": {EPOCH_ANNOTATION: "4", FENCE_ANNOTATION: "6"}}});
        assert_eq!(written_by(&live), Some(6));
        assert_eq!(written_by(&json!({"metadata": {}})), None);
    }

    #[test]
    fn a_conflict_about_fields_is_no_race() {
        let error = |status: Value| Error::Status {
            doing: String::new(),
            code: 409,
            status: Box::new(status),
            retry_after: None,
        };
        assert!(is_overtaken(&error(json!({"reason": "Conflict"}))));
        assert!(is_overtaken(&error(json!({"reason": "AlreadyExists"}))));
        assert!(!is_overtaken(&error(json!({"details": {"causes": [{"reason": "FieldManagerConflict"}]}}))));
    }
}
