//! What a registry keeps of an image: manifests, indexes and configurations, as far as they are read here.

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Every form that a container runtime takes.
pub(crate) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// The most that a registry has to keep of one manifest, by the distribution specification.
pub(crate) const LARGEST: usize = 4 << 20;

/// `linux/arm64`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    pub os: String,
    pub architecture: String,
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)
    }
}

/// A manifest, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Manifest {
    /// One image for several platforms, with the digest of each.
    Index(Vec<(Platform, String)>),
    /// One image; its configuration says for which platform.
    Image { config: String, size: u64 },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    manifests: Option<Vec<Descriptor>>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    #[serde(default)]
    size: u64,
    platform: Option<Described>,
}

#[derive(Deserialize)]
struct Described {
    os: String,
    architecture: String,
}

/// What a configuration says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Config {
    os: String,
    architecture: String,
    /// When it was built, as the builder says.
    pub(crate) created: Option<String>,
}

impl Config {
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    pub(crate) fn platform(&self) -> Platform {
        Platform { os: self.os.clone(), architecture: self.architecture.clone() }
    }
}

/// None when it is neither an image's manifest nor an index.
pub(crate) fn read(bytes: &[u8]) -> Option<Manifest> {
    let document: Document = serde_json::from_slice(bytes).ok()?;
    match (document.manifests, document.config) {
        (Some(manifests), None) => {
            let platforms = manifests.into_iter().filter_map(|descriptor| {
                let Described { os, architecture } = descriptor.platform?;
                // Attestations ride along as manifests for no platform.
                (os != "unknown").then_some((Platform { os, architecture }, descriptor.digest))
            });
            Some(Manifest::Index(platforms.collect()))
        }
        (None, Some(config)) => {
            let size = document.layers.iter().map(|layer| layer.size).fold(config.size, u64::saturating_add);
            Some(Manifest::Image { config: config.digest, size })
        }
        _ => None,
    }
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(value: &serde_json::Value) -> Option<Manifest> {
        read(value.to_string().as_bytes())
    }

    #[test]
    fn an_index_lists_platforms_and_no_attestations() {
        let entry = |os: &str, arch: &str, digest: &str| json!({"digest": digest, "platform": {"os": os, "architecture": arch}});
        let index =
            json!({"manifests": [entry("linux", "amd64", "sha256:a"), entry("unknown", "unknown", "sha256:b")]});
        let linux = Platform { os: "linux".into(), architecture: "amd64".into() };
        assert_eq!(of(&index), Some(Manifest::Index(vec![(linux, "sha256:a".into())])));
    }

    #[test]
    fn an_image_is_as_large_as_its_parts() {
        let layer = |size: u64| json!({"digest": "sha256:l", "size": size});
        let image = json!({"config": {"digest": "sha256:c", "size": 1}, "layers": [layer(10), layer(20)]});
        assert_eq!(of(&image), Some(Manifest::Image { config: "sha256:c".into(), size: 31 }));
        let huge = json!({"config": {"digest": "sha256:c", "size": 1}, "layers": [layer(u64::MAX)]});
        assert_eq!(of(&huge), Some(Manifest::Image { config: "sha256:c".into(), size: u64::MAX }));
    }

    #[test]
    fn other_documents_are_none() {
        assert_eq!(of(&json!({"manifests": [], "config": {"digest": "sha256:c"}})), None);
        assert_eq!(of(&json!({"fsLayers": []})), None);
        assert_eq!(read(b"<html>"), None);
    }
}
