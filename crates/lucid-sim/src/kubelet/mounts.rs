//! Volumes that must be there before any container is created.

use serde_json::Value;

use crate::json::Json;
use crate::kinds::Table;
use crate::world::World;

use super::config::Source;

/// The first volume that cannot be mounted, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) volume: String,
    pub(crate) message: String,
}

pub(crate) fn missing(world: &World, pod: &Value) -> Option<Missing> {
    pod.list("spec/volumes").iter().find_map(|volume| {
        let name = volume.str("name");
        let problem = source(world, pod, volume)?;
        Some(Missing {
            volume: name.to_owned(),
            message: format!("MountVolume.SetUp failed for volume {name:?} : {problem}"),
        })
    })
}

fn source(world: &World, pod: &Value, volume: &Value) -> Option<String> {
    if volume.has("configMap") {
        return object(world, pod, volume.at("configMap"), volume.str("configMap/name"), Source::Map);
    }
    if volume.has("secret") {
        return object(world, pod, volume.at("secret"), volume.str("secret/secretName"), Source::Secret);
    }
    if volume.has("persistentVolumeClaim") {
        let name = volume.str("persistentVolumeClaim/claimName");
        let claim = world.store.get(Table::CLAIMS, pod.namespace(), name);
        return match claim {
            None => Some(format!("persistentvolumeclaim {name:?} not found")),
            Some(claim) if claim.str("status/phase") != "Bound" => {
                Some(format!("PVC {}/{name} is not bound", pod.namespace()))
            }
            Some(_) => None,
        };
    }
    volume.list("projected/sources").iter().find_map(|source| {
        let map = (source.at("configMap"), Source::Map);
        let secret = (source.at("secret"), Source::Secret);
        [map, secret]
            .into_iter()
            .filter(|(value, _)| !value.is_null())
            .find_map(|(value, kind)| object(world, pod, value, value.str("name"), kind))
    })
}

/// The object and the keys that are asked for by name.
fn object(world: &World, pod: &Value, reference: &Value, name: &str, source: Source) -> Option<String> {
    if reference.flag("optional") {
        return None;
    }
    let Some(found) = world.store.get(source.table(), pod.namespace(), name) else {
        return Some(format!("{} {name:?} not found", source.plain()));
    };
    let has = |key: &str| ["data", "binaryData"].iter().any(|field| found.at(field).get(key).is_some());
    let absent = reference.list("items").iter().map(|item| item.str("key")).find(|key| !has(key))?;
    Some(match source {
        Source::Map => format!("configmap references non-existent config key: {absent}"),
        Source::Secret => format!("references non-existent secret key: {absent}"),
    })
}
