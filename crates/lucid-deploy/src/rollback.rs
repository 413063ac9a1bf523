//! The way back on request: which revision, and a deploy of what it contained.

use std::time::Duration;

use jiff::Timestamp;
use lucid_client::ApiClient;
use lucid_engine::Signal;
use lucid_object::Finding;
use lucid_plan::{Reach, Selection};
use lucid_release::{Record, RevisionInfo};
use tokio::sync::mpsc;

use crate::deploy::{Deployed, DryRun, OnFail, Refusal, Request, WayBack, deploy};
use crate::drive::Sink;
use crate::evidence::Cleaner;
use crate::lease::Identity;
use crate::revisions::{FreshKey, Shelf};
use crate::store;

/// Which way back is wanted.
pub struct Wanted<'a> {
    pub cleaner: &'a dyn Cleaner,
    pub release: String,
    pub namespace: String,
    /// The revision; what served before when absent.
    pub to: Option<u64>,
    /// Only this component, and what depends on it.
    pub component: Option<String>,
    pub dry_run: DryRun,
    /// Delete the workloads by force and make them again.
    pub emergency: bool,
    /// Objects, as `Kind/name`, that may be deleted and made anew where they cannot be changed.
    pub may_replace: Vec<String>,
    /// Default: the deadline of the release file that the revision was made with.
    pub deadline: Option<Duration>,
    pub probe: bool,
    pub identity: Identity,
    pub fresh_key: FreshKey,
    pub wall: Timestamp,
}

/// Goes back, or says what that would do. Answers with the revision it led to.
///
/// # Errors
/// When there is nothing to go back to, or the run may not begin.
pub async fn rollback(
    client: &ApiClient,
    wanted: Wanted<'_>,
    sink: Sink<'_>,
    signals: &mut mpsc::UnboundedReceiver<Signal>,
) -> Result<(u64, Deployed), Refusal> {
    let stored = store::load(client, &wanted.namespace, &wanted.release).await?;
    let target = choose(&stored.record, wanted.to)?;
    let shelf = Shelf { client, namespace: &wanted.namespace, release: &wanted.release };
    let content = shelf.load(target.number).await?;
    let release = content.release.ok_or_else(|| damaged(target))?;
    let part = wanted.component.as_deref().map(|name| format!(" of {name}")).unwrap_or_default();
    let request = Request {
        release: &release,
        objects: content.objects,
        selection: match wanted.component {
            Some(name) => Selection::Component { name, reach: Reach::Dependents },
            None => Selection::All,
        },
        dry_run: wanted.dry_run,
        deadline: wanted.deadline.unwrap_or(release.spec.deadline.0),
        take_ownership: false,
        only_if: None,
        // What served before was pulled before.
        images: None,
        probe: wanted.probe,
        on_failure: OnFail::Stop,
        cleaner: wanted.cleaner,
        emergency: wanted.emergency,
        may_replace: wanted.may_replace,
        bake: Duration::ZERO,
        way_back: Some(WayBack { to: target.number, run: stored.record.run }),
        source: target.source.clone(),
        command: format!(
            "{}rollback{part} to revision {}",
            if wanted.emergency { "emergency " } else { "" },
            target.number
        ),
        identity: wanted.identity,
        fresh_key: wanted.fresh_key,
        wall: wanted.wall,
    };
    Ok((target.number, deploy(client, request, sink, signals).await?))
}

pub(crate) fn choose(record: &Record, to: Option<u64>) -> Result<&RevisionInfo, Refusal> {
    let known: Vec<String> = record.revisions.iter().map(|revision| revision.number.to_string()).collect();
    let list =
        if known.is_empty() { "there are none".to_owned() } else { format!("those kept are {}", known.join(", ")) };
    let nothing = |message: String| Refusal::from(Finding::error(9018, message).seen(list.clone()));
    match to {
        Some(number) => record.revision(number).ok_or_else(|| nothing(format!("there is no revision {number}"))),
        None => record.way_back().ok_or_else(|| nothing("there is no earlier verified revision to go back to".into())),
    }
}

fn damaged(revision: &RevisionInfo) -> Refusal {
    let message = format!("revision {} keeps no release file", revision.number);
    Finding::error(9018, message).help("choose another revision with --to").into()
}
