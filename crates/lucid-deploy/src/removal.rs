//! Deleting objects, each only with the uid that was seen, and waiting until they are gone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::try_join_all;
use lucid_client::{ApiClient, ListKind, Manner, Result, Target};
use lucid_engine::ApplyError;
use lucid_object::{Finding, ObjectRef};
use lucid_plan::Children;
use serde_json::Value;

use crate::fence::{self, Denied, Seen};

/// When it is first looked whether the objects are gone, with one LIST a kind and namespace, and how often at last.
const LOOK_FIRST: Duration = Duration::from_millis(50);
const LOOK_EVERY: Duration = Duration::from_millis(400);

/// The pauses between looks: short at first, and twice as long each time.
pub(crate) struct Pauses(Duration);

impl Pauses {
    pub(crate) fn new() -> Self {
        Self(LOOK_FIRST)
    }

    pub(crate) async fn next(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(LOOK_EVERY);
    }
}

/// One object that is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    pub object: ObjectRef,
    pub target: Target,
    pub seen: Seen,
}

impl Removal {
    /// Deletes the object so that a new one may have its name; says why not, or not yet. Asked again, it goes on.
    ///
    /// # Errors
    /// When the server does not take the request, or a later run has the object.
    pub(crate) async fn make_room(
        &self,
        client: &ApiClient,
        children: Children,
        epoch: u64,
    ) -> Result<Option<ApplyError>, Denied> {
        let manner = match children {
            Children::Stay => Manner::Orphan,
            Children::Go => Manner::Foreground,
        };
        let name = &self.object.name;
        fence::delete(client, &self.target, name, self.seen.clone(), manner, epoch).await?;
        let live = match client.get(&self.target, name).await {
            Err(error) if error.is_not_found() => return Ok(None),
            result => result?,
        };
        if text(&live, "/metadata/uid") == self.seen.uid {
            return Ok(Some(ApplyError { finding: left(&live, &[self]).to_finding(), is_transient: true }));
        }
        let finding = Finding::error(1023, format!("{} was made anew by someone else", self.object));
        let finding = finding.on(self.object.clone()).help("find out by whom; then deploy again");
        Ok(Some(ApplyError { finding, is_transient: false }))
    }
}

/// What is still there when time is up, and which finalizers hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub object: ObjectRef,
    pub finalizers: Vec<String>,
}

impl Left {
    /// Names who has to let go. Finalizers are never stripped: they guard something outside of the cluster's view.
    pub fn to_finding(&self) -> Finding {
        let finding = Finding::error(9019, format!("{} is not gone", self.object)).on(self.object.clone());
        match self.finalizers.is_empty() {
            true => finding.help("its pods are still ending; look at them, or run the command again"),
            false => finding
                .seen(format!("finalizers: {}", self.finalizers.join(", ")))
                .help("find out why their controller does not let go; then run the command again"),
        }
    }
}

/// Deletes all of them at once and waits until they are gone, or for this long.
///
/// # Errors
/// When the server does not take a request, or a later run has one of the objects.
pub async fn remove(
    client: &ApiClient,
    objects: &[Removal],
    manner: Manner,
    patience: Duration,
    epoch: u64,
) -> Result<Vec<Left>, Denied> {
    start(client, objects, manner, epoch).await?;
    let until = tokio::time::Instant::now() + patience;
    let objects: Vec<&Removal> = objects.iter().collect();
    let mut pauses = Pauses::new();
    loop {
        let left = still_there(client, &objects).await?;
        if left.is_empty() || tokio::time::Instant::now() >= until {
            return Ok(left);
        }
        pauses.next().await;
    }
}

/// Asks for all of them to be deleted.
pub(crate) async fn start(
    client: &ApiClient,
    objects: impl IntoIterator<Item = &Removal>,
    manner: Manner,
    epoch: u64,
) -> Result<(), Denied> {
    let deletions = objects.into_iter().map(|removal| {
        fence::delete(client, &removal.target, &removal.object.name, removal.seen.clone(), manner, epoch)
    });
    try_join_all(deletions).await.map(drop)
}

pub(crate) async fn still_there(client: &ApiClient, objects: &[&Removal]) -> Result<Vec<Left>> {
    let mut by_target: BTreeMap<&Target, Vec<&Removal>> = BTreeMap::new();
    objects.iter().for_each(|removal| by_target.entry(&removal.target).or_default().push(removal));
    let lists = try_join_all(by_target.iter().map(|(target, removals)| async move {
        // The kind itself may have gone with its definition.
        let items = match client.list(target, ListKind::Metadata).await {
            Err(error) if error.is_not_found() => Vec::new(),
            result => result?.items,
        };
        let uids: BTreeSet<&str> = removals.iter().map(|removal| removal.seen.uid.as_str()).collect();
        let found = items.iter().filter(|item| uids.contains(text(item, "/metadata/uid")));
        Ok::<_, lucid_client::Error>(found.map(|item| left(item, removals)).collect::<Vec<_>>())
    }));
    Ok(lists.await?.into_iter().flatten().collect())
}

fn left(item: &Value, removals: &[&Removal]) -> Left {
    let uid = text(item, "/metadata/uid");
    let object = removals.iter().find(|removal| removal.seen.uid == uid).map(|removal| removal.object.clone());
    let finalizers = item.pointer("/metadata/finalizers").and_then(Value::as_array).into_iter().flatten();
    // The garbage collector's own only says that what the object owns is still going.
    let own = |name: &&str| !matches!(*name, "foregroundDeletion" | "orphan");
    Left {
        object: object.unwrap_or_else(|| crate::cache::reference(item)),
        finalizers: finalizers.filter_map(Value::as_str).filter(own).map(str::to_owned).collect(),
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
