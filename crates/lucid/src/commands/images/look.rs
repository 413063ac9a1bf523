//! Which images a release uses, and what their registries say of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt;
use lucid_client::{ApiClient, Target};
use lucid_images::{Error, Keychain, Platform, Reference, Registries, Resolved};
use lucid_object::yaml::Position;
use lucid_object::{ObjectRef, ObjectSet};
use serde_json::Value;

use super::empty_keychain;
use super::trust::{Rules, Trust};
use crate::failure::{Failure, Result};
use crate::output::Outlet;

/// A container and its image.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Used {
    pub(crate) image: String,
    pub(crate) object: ObjectRef,
    pub(crate) position: Option<Position>,
    /// Names of the pods' pull secrets.
    pub(crate) pull_secrets: Vec<String>,
}

/// An image that was looked for; of several that use it the first.
#[derive(Debug)]
pub(crate) struct Answered<'a> {
    pub(crate) used: &'a Used,
    pub(crate) users: Vec<String>,
    pub(crate) answer: std::result::Result<Resolved, Error>,
    /// Platforms that are wanted and that it does not have.
    pub(crate) missing: Vec<Platform>,
    /// None where the release does not say who must have signed it, or the image was not found.
    pub(crate) trust: Option<Trust>,
}

/// What is asked about each image.
pub(crate) struct Wanted<'a> {
    pub(crate) platforms: &'a [Platform],
    pub(crate) detail: Detail,
    pub(crate) rules: &'a Rules,
}

impl Answered<'_> {
    /// The image's name held to what was found.
    pub(crate) fn pinned(&self) -> Option<String> {
        let found = self.answer.as_ref().ok()?;
        Reference::parse(&self.used.image).ok().map(|reference| reference.pinned(&found.digest).to_string())
    }
}

/// How much is asked about each image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// That it is there, and for which platforms.
    Existence,
    /// Size and age as well.
    Whole,
}

/// Every container of every pod that the release makes.
pub(crate) fn used(objects: &ObjectSet) -> Vec<Used> {
    let mut all = Vec::new();
    for object in objects.iter() {
        let Some(spec) = object.pod_spec() else { continue };
        let secrets = spec["imagePullSecrets"].as_array().into_iter().flatten();
        let secrets: Vec<String> = secrets.filter_map(|secret| secret["name"].as_str().map(str::to_owned)).collect();
        all.extend(object.images().into_iter().map(|(pointer, image)| Used {
            image: image.to_owned(),
            object: object.reference(),
            position: object.position(&pointer),
            pull_secrets: secrets.clone(),
        }));
    }
    all
}

/// Each image once, in the order of their names. All share the time.
pub(crate) async fn ask<'a>(
    registries: &Registries,
    used: &'a [Used],
    wanted: &Wanted<'_>,
    within: Duration,
) -> Vec<Answered<'a>> {
    let mut by_image: BTreeMap<&str, Vec<&Used>> = BTreeMap::new();
    for one in used {
        by_image.entry(&one.image).or_default().push(one);
    }
    let mut answers: BTreeMap<&str, (std::result::Result<Resolved, Error>, Option<Trust>)> = BTreeMap::new();
    let asked = by_image.keys().map(|&image| async move { (image, about(registries, image, wanted).await) });
    let mut answered = futures::stream::iter(asked.collect::<Vec<_>>()).buffer_unordered(8);
    let all = async {
        while let Some((image, answer)) = answered.next().await {
            answers.insert(image, answer);
        }
    };
    // Those that are under way when the time is up were not answered.
    let _ = tokio::time::timeout(within, all).await;
    drop(answered);
    let finish = |(image, users): (&'a str, Vec<&'a Used>)| {
        let late = || (Err(Error::TimedOut), wanted.rules.unknown(image, Error::TimedOut));
        let (answer, trust) = answers.remove(image).unwrap_or_else(late);
        let has = answer.as_ref().map(|found| found.platforms.clone()).unwrap_or_default();
        let missing = wanted.platforms.iter().filter(|wanted| !has.contains(wanted)).cloned().collect();
        let names = users.iter().map(|one| one.object.to_string()).collect();
        let missing = if answer.is_ok() { missing } else { Vec::new() };
        Answered { used: users[0], users: names, missing, answer, trust }
    };
    by_image.into_iter().map(finish).collect()
}

async fn about(
    registries: &Registries,
    image: &str,
    wanted: &Wanted<'_>,
) -> (std::result::Result<Resolved, Error>, Option<Trust>) {
    let reference = match Reference::parse(image) {
        Ok(reference) => reference,
        Err(error) => return (Err(error), None),
    };
    let answer = match wanted.detail {
        Detail::Whole => registries.describe(&reference).await,
        Detail::Existence => registries.resolve(&reference).await,
    };
    let trust = match &answer {
        Ok(found) => wanted.rules.judge(registries, &reference, found).await,
        Err(error) => wanted.rules.unknown(image, error.clone()),
    };
    (answer, trust)
}

/// What Docker's own configuration knows: `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`.
pub(crate) fn keychain() -> Result<Keychain> {
    let folder = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let folder = folder.or_else(|| std::env::home_dir().map(|home| home.join(".docker")));
    let mut keychain = empty_keychain();
    if let Some(folder) = folder {
        let added = keychain.add_docker(&folder.join("config.json"));
        added.map_err(|error| {
            Failure::usage(error.to_string()).help("mend the file, or point DOCKER_CONFIG elsewhere")
        })?;
    }
    Ok(keychain)
}

/// The platforms that the cluster's nodes have.
pub(crate) async fn platforms_of_nodes(client: &ApiClient) -> Result<Vec<Platform>> {
    let nodes = Target::core("Node", "nodes", None);
    let listed = client.list(&nodes, lucid_client::ListKind::Full).await?;
    let platform = |node: &Value| {
        let of = |field: &str| node["status"]["nodeInfo"][field].as_str().map(str::to_owned);
        Some(Platform { os: of("operatingSystem")?, architecture: of("architecture")? })
    };
    Ok(listed.items.iter().filter_map(platform).collect())
}

/// The pull secrets that pods of the release name. One that is not there is the release's own finding, not this command's.
pub(crate) async fn add_pull_secrets(
    keychain: &mut Keychain,
    client: &ApiClient,
    used: &[Used],
    outlet: &Outlet,
) -> Result<()> {
    let mut wanted: Vec<(&str, &str)> = Vec::new();
    for one in used {
        let namespace = one.object.namespace.as_deref().unwrap_or("default");
        wanted.extend(one.pull_secrets.iter().map(|name| (namespace, name.as_str())));
    }
    wanted.sort_unstable();
    wanted.dedup();
    for (namespace, name) in wanted {
        let target = Target::core("Secret", "secrets", Some(namespace));
        let Ok(secret) = client.get(&target, name).await else { continue };
        let Some(encoded) = secret["data"][".dockerconfigjson"].as_str() else { continue };
        let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded).unwrap_or_default();
        outlet.keep_secret(encoded);
        let added = keychain.add(&decoded, &format!("Secret {namespace}/{name}"));
        added.map_err(|error| Failure::usage(error.to_string()))?;
    }
    Ok(())
}
