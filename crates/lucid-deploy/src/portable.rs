//! Revisions out of the cluster and into it, as files.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lucid_client::Target;
use lucid_object::{Finding, Findings, ObjectRef};
use lucid_release::portable::{RevisionFile, Source};
use lucid_release::{Index, Outcome, Record, RevisionInfo};
use serde_json::Value;

use crate::deploy::Refusal;
use crate::lease::{Identity, NotHeld, wait_for_turn};
use crate::revisions::{FreshKey, Shelf};
use crate::rollback;
use crate::store;

/// A revision as a file; the one in service when none is named.
///
/// # Errors
/// When it is not there.
pub async fn export(shelf: &Shelf<'_>, number: Option<u64>) -> Result<RevisionFile, Refusal> {
    let record = store::load(shelf.client, shelf.namespace, shelf.release).await?.record;
    let number = number.or(record.in_service);
    let number = number.ok_or_else(|| Finding::error(9018, "no revision is in service; name one"))?;
    let revision = rollback::choose(&record, Some(number))?;
    let content = shelf.load(number).await?;
    let lacks =
        |what: &str| Refusal::from(Finding::error(9018, format!("revision {number} cannot be exported: {what}")));
    let key = shelf.known_key().await?.ok_or_else(|| lacks("the release has no key any more"))?;
    RevisionFile::of(shelf.namespace, revision, &content, &key).ok_or_else(|| lacks("it keeps no release file"))
}

/// Who imports, and when.
pub struct Importer {
    pub identity: Identity,
    pub fresh_key: FreshKey,
    pub wall: Timestamp,
}

/// Keeps the revision of a file as one more of this release, under the release's lock. Answers with its number.
///
/// # Errors
/// When the file is of another release, values of its Secrets are nowhere, or someone is at work on the release.
pub async fn import(shelf: &Shelf<'_>, file: RevisionFile, importer: &Importer) -> Result<u64, Refusal> {
    if (file.release.as_str(), file.namespace.as_str()) != (shelf.release, shelf.namespace) {
        let message = format!("the file is of release {} in {}", file.release, file.namespace);
        let help =
            format!("this is {} in {}; import it there, or with that release file", shelf.release, shelf.namespace);
        return Err(Finding::error(9017, message).help(help).into());
    }
    let (client, namespace, release) = (shelf.client, shelf.namespace, shelf.release);
    let turn = wait_for_turn(client, namespace, release, &importer.identity).await.map_err(|error| match error {
        NotHeld::Busy(finding) => Refusal::from(finding),
        NotHeld::Client(error) => error.into(),
    })?;
    let held = turn.claim(client, namespace, release, &importer.identity, "history import", importer.wall).await?;
    let Some(mut held) = held else {
        return Err(Finding::error(9001, "someone else took the release's lock").help("run the command again").into());
    };
    let wall = importer.wall;
    let result = tokio::select! {
        biased;
        result = under_lock(shelf, file, importer) => result,
        holder = held.keep(move || wall) => {
            Err(Finding::error(9001, format!("the release's Lease was taken over by {holder}")).into())
        }
    };
    held.give_back().await;
    result
}

async fn under_lock(shelf: &Shelf<'_>, file: RevisionFile, importer: &Importer) -> Result<u64, Refusal> {
    let mut stored = store::load(shelf.client, shelf.namespace, shelf.release).await?;
    let (info, limit) = (file.revision.clone(), file.release_file.spec.history_limit);
    let (kept, live) = values(shelf, &stored.record, &file).await?;
    let source = Source { blob: &|id| kept.get(id).cloned(), live: &|object| live.get(object).cloned() };
    let content = file.restore(&source).map_err(|missing| Refusal::Cluster(Findings(missing)))?;
    let key = shelf.key(&importer.fresh_key).await?;
    let older = match stored.record.in_service {
        Some(number) => shelf.index(number).await?,
        None => None,
    };
    let prepared = Index::prepare(stored.record.next_revision(), &content, &key, older.as_ref());
    shelf.keep(&prepared).await?;
    let number = prepared.index.number;
    stored.record.format = Record::FORMAT;
    stored.record.revisions.push(RevisionInfo {
        number,
        content: prepared.content,
        back_to: None,
        outcome: Some(Outcome::Imported),
        objects: content.objects.len(),
        packs: prepared.index.packs,
        ..info
    });
    let forgotten = stored.record.forget_revisions(limit);
    store::save(shelf.client, shelf.namespace, shelf.release, &mut stored).await?;
    if !forgotten.is_empty()
        && let Err(error) = shelf.sweep(&stored.record).await
    {
        tracing::warn!(%error, "old revisions could not be removed");
    }
    Ok(number)
}

type Values = (BTreeMap<String, Value>, BTreeMap<ObjectRef, Value>);

/// The blobs that the file's Secrets name, as far as they are kept, and the other Secrets as they are now.
async fn values(shelf: &Shelf<'_>, record: &Record, file: &RevisionFile) -> Result<Values, Refusal> {
    let (mut kept, mut live) = (BTreeMap::new(), BTreeMap::new());
    for (object, blob) in file.secrets() {
        if let Some(blob) = blob
            && let Some(value) = shelf.blob(record, blob).await?
        {
            kept.insert(blob.to_owned(), value);
            continue;
        }
        let target = Target::core("Secret", "secrets", object.namespace.as_deref());
        match shelf.client.get(&target, &object.name).await {
            Ok(secret) => drop(live.insert(object, secret)),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((kept, live))
}
