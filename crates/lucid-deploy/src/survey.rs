//! One look at the cluster: what it serves, and every object that matters to the release.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use lucid_client::{ApiClient, Change, Error, ListKind, Result, Served, Target};
use lucid_object::{Gvk, ObjectRef, ObjectSet};
use lucid_plan::order::is_settled_at_once;
use lucid_plan::{Resource, Resources};
use lucid_release::InventoryEntry;

use crate::cache::Cache;

/// What the server is.
#[derive(Debug, Clone)]
pub struct Server {
    pub version: String,
    pub minor: u32,
    /// Uid of kube-system, when we may read it.
    pub cluster: Option<String>,
    pub resources: Resources,
}

/// Asks the server who it is and what it serves.
///
/// # Errors
/// When it does not answer or does not know us.
pub async fn ask_server(client: &ApiClient) -> Result<Server> {
    let (version, served, cluster) = tokio::join!(client.version(), client.discover(), client.cluster_id());
    let version = version?;
    let served = served?.into_iter().map(|(gvk, Served { plural, namespaced })| (gvk, Resource { plural, namespaced }));
    Ok(Server { version: version.text, minor: version.minor, cluster, resources: Resources::new(served.collect()) })
}

/// A target and how much of its objects is wanted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wish {
    pub target: Target,
    pub kind: ListKind,
    /// It is followed by a watch while a run lasts.
    pub is_followed: bool,
}

/// The kinds and namespaces that a release touches, and those that explain what happens to it.
pub fn wishes(objects: &ObjectSet, inventory: &[InventoryEntry], resources: &Resources) -> Vec<Wish> {
    let own = objects.iter().map(|object| (object.gvk(), object.namespace().map(str::to_owned)));
    let past = inventory.iter().map(|entry| {
        let gvk = Gvk::new(entry.object.group.clone(), entry.version.clone(), entry.object.kind.clone());
        (gvk, entry.object.namespace.clone())
    });
    let mut wanted: BTreeSet<(Gvk, Option<String>)> = own.chain(past).collect();
    // What a StatefulSet that is gone has left is found among the pods.
    let sets = inventory.iter().filter(|entry| entry.object.kind == "StatefulSet");
    let workload_namespaces: BTreeSet<Option<String>> = objects
        .iter()
        .filter(|object| object.pod_spec().is_some())
        .map(|object| object.namespace().map(str::to_owned))
        .chain(sets.map(|entry| entry.object.namespace.clone()))
        .collect();
    for namespace in workload_namespaces {
        let support = [Gvk::new("", "v1", "Pod"), Gvk::new("", "v1", "Event"), Gvk::new("apps", "v1", "ReplicaSet")];
        wanted.extend(support.map(|gvk| (gvk, namespace.clone())));
        wanted.insert((Gvk::new("", "v1", "Secret"), namespace.clone()));
        wanted.insert((Gvk::new("", "v1", "PersistentVolumeClaim"), namespace));
    }
    let wish = |(gvk, namespace): (Gvk, Option<String>)| {
        let resource = resources.get(&gvk)?;
        let is_secret = gvk.group.is_empty() && gvk.kind == "Secret";
        Some(Wish {
            is_followed: !is_settled_at_once(&gvk.group, &gvk.kind),
            kind: if is_secret { ListKind::Metadata } else { ListKind::Full },
            target: Target::new(gvk, resource.plural.clone(), namespace.as_deref()),
        })
    };
    wanted.into_iter().filter_map(wish).collect()
}

/// What was listed, and from where to go on watching.
#[derive(Debug, Default)]
pub struct Survey {
    pub cache: Cache,
    pub versions: BTreeMap<Target, String>,
    /// Kinds that could not be listed, and why.
    pub refused: Vec<(Wish, Error)>,
}

/// Lists every wish, all at once.
///
/// # Errors
/// When the cluster does not answer; refusals of single kinds are kept in [`Survey::refused`].
pub async fn look(client: &ApiClient, wishes: &[Wish]) -> Result<Survey> {
    let lists = join_all(wishes.iter().map(|wish| client.list(&wish.target, wish.kind))).await;
    let mut survey = Survey::default();
    for (wish, listed) in wishes.iter().zip(lists) {
        match listed {
            Ok(listed) => {
                survey.versions.insert(wish.target.clone(), listed.resource_version);
                let gvk = &wish.target.gvk;
                survey.cache.take(
                    &gvk.group,
                    &gvk.kind,
                    wish.target.namespace.as_deref(),
                    Change::Replace(listed.items),
                );
            }
            // Its definition comes with the release.
            Err(error) if error.is_not_found() => {}
            Err(error) if error.is_unreachable() => return Err(error),
            Err(error) => survey.refused.push((wish.clone(), error)),
        }
    }
    Ok(survey)
}

/// Reads single objects whole and puts them into the cache: the Secrets of the release itself, which were listed as
/// metadata only.
///
/// # Errors
/// When one that exists cannot be read.
pub async fn read_whole(client: &ApiClient, cache: &mut Cache, references: &[ObjectRef]) -> Result<()> {
    let existing: Vec<&ObjectRef> = references.iter().filter(|reference| cache.find(reference).is_some()).collect();
    let read = existing.iter().map(|reference| async move {
        let target = Target::core("Secret", "secrets", reference.namespace.as_deref());
        client.get(&target, &reference.name).await
    });
    for object in join_all(read).await {
        match object {
            Err(error) if error.is_not_found() => {}
            result => {
                cache.set(result?);
            }
        }
    }
    Ok(())
}
