//! What a registry keeps about an image beside it: the Sigstore bundles that refer to its digest.

use bytes::Bytes;
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::manifest;
use crate::reference::{Reference, is_digest};
use crate::registry::Registries;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";
/// Of one image: who has more bundles than this signs in circles.
const MOST: usize = 64;

/// What stands beside an image.
#[derive(Debug, Default)]
pub struct Bundles {
    pub found: Vec<Bytes>,
    /// Why others could not be read: none of them may hide a good one.
    pub unread: Vec<String>,
}

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    digest: String,
    #[serde(default)]
    media_type: String,
    artifact_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Holder {
    artifact_type: Option<String>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

impl Registries {
    /// The Sigstore bundles that refer to this digest: by the registry's list of referrers or, where it has none, by the tag
    /// that stands in for it (`sha256-…`), as the distribution specification 1.1 has it.
    ///
    /// # Errors
    /// The registry cannot be asked what there is.
    pub async fn bundles(&self, image: &Reference, digest: &str) -> Result<Bundles> {
        let list = format!("/v2/{}/referrers/{digest}", image.name);
        let answer = match self.get(image, &list, INDEX).await {
            Err(Error::Missing { .. } | Error::Status { status: 400..=405, .. }) => {
                let tag = format!("/v2/{}/manifests/{}", image.name, digest.replace(':', "-"));
                match self.get(image, &tag, INDEX).await {
                    Err(Error::Missing { .. }) => return Ok(Bundles::default()),
                    answer => answer?,
                }
            }
            answer => answer?,
        };
        let index: Index = serde_json::from_slice(&answer.body)
            .map_err(|_| crate::registry::wrong(image, "what is no list of referrers"))?;
        // Not every registry copies the type to its list; then the manifest itself says it.
        let is_named = |entry: &&Descriptor| entry.artifact_type.as_deref().is_some_and(is_bundle);
        let is_open = |entry: &&Descriptor| entry.artifact_type.is_none();
        let manifests = || index.manifests.iter().filter(|entry| is_digest(&entry.digest));
        let holders = manifests().filter(is_named).chain(manifests().filter(is_open));
        let mut bundles = Bundles::default();
        for holder in holders.take(MOST) {
            match self.held(image, &holder.digest).await {
                Ok(found) => bundles.found.extend(found),
                Err(error) => bundles.unread.push(error.to_string()),
            }
        }
        Ok(bundles)
    }

    /// The bundles in one manifest.
    async fn held(&self, image: &Reference, digest: &str) -> Result<Vec<Bytes>> {
        let path = format!("/v2/{}/manifests/{digest}", image.name);
        let reply = self.get(image, &path, manifest::ACCEPT).await?;
        let bytes = self.checked(image, reply.body, Some(digest))?;
        let holder: Holder = serde_json::from_slice(&bytes)
            .map_err(|_| crate::registry::wrong(image, "a referrer that is no manifest"))?;
        let is_one = holder.artifact_type.as_deref().is_some_and(is_bundle);
        let mut found = Vec::new();
        for layer in holder.layers.iter().filter(|layer| is_one || is_bundle(&layer.media_type)).take(MOST) {
            if !is_digest(&layer.digest) {
                return Err(crate::registry::wrong(image, "a bundle without a digest"));
            }
            let path = format!("/v2/{}/blobs/{}", image.name, layer.digest);
            let reply = self.get(image, &path, "*/*").await?;
            found.push(self.checked(image, reply.body, Some(&layer.digest))?);
        }
        Ok(found)
    }
}

fn is_bundle(kind: &str) -> bool {
    kind.starts_with(BUNDLE)
}
