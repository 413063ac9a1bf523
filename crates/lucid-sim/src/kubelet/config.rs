//! What a container takes from ConfigMaps and Secrets before it can be created.

use serde_json::Value;

use crate::json::Json;
use crate::kinds::Table;
use crate::world::World;

/// Why the container cannot be configured, in the kubelet's words.
pub(crate) fn problem(world: &World, pod: &Value, container: &Value) -> Option<String> {
    let sources = container.list("envFrom").iter().find_map(|source| {
        whole(world, pod, source.at("configMapRef"), Source::Map)
            .or_else(|| whole(world, pod, source.at("secretRef"), Source::Secret))
    });
    sources.or_else(|| {
        container.list("env").iter().find_map(|variable| {
            key(world, pod, variable.at("valueFrom/configMapKeyRef"), Source::Map)
                .or_else(|| key(world, pod, variable.at("valueFrom/secretKeyRef"), Source::Secret))
        })
    })
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Source {
    Map,
    Secret,
}

impl Source {
    pub(crate) fn table(self) -> Table {
        match self {
            Self::Map => Table::CONFIG_MAPS,
            Self::Secret => Table::SECRETS,
        }
    }

    pub(crate) fn plain(self) -> &'static str {
        match self {
            Self::Map => "configmap",
            Self::Secret => "secret",
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Map => "ConfigMap",
            Self::Secret => "Secret",
        }
    }
}

fn whole(world: &World, pod: &Value, reference: &Value, source: Source) -> Option<String> {
    if reference.is_null() || reference.flag("optional") {
        return None;
    }
    let name = reference.str("name");
    let missing = world.store.get(source.table(), pod.namespace(), name).is_none();
    missing.then(|| format!("{} {name:?} not found", source.plain()))
}

fn key(world: &World, pod: &Value, reference: &Value, source: Source) -> Option<String> {
    if reference.is_null() || reference.flag("optional") {
        return None;
    }
    if let Some(problem) = whole(world, pod, reference, source) {
        return Some(problem);
    }
    let (name, key) = (reference.str("name"), reference.str("key"));
    let object = world.store.get(source.table(), pod.namespace(), name)?;
    let has = ["data", "binaryData"].iter().any(|field| object.at(field).get(key).is_some());
    (!has).then(|| format!("couldn't find key {key} in {} {}/{name}", source.kind(), pod.namespace()))
}
