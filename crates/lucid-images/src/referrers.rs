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
const MOST: usize = 16;

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
    /// The registry cannot be asked, or says something else than what a digest promises.
    pub async fn bundles(&self, image: &Reference, digest: &str) -> Result<Vec<Bytes>> {
        let list = format!("/v2/{}/referrers/{digest}", image.name);
        let answer = match self.get(image, &list, INDEX).await {
            Err(Error::Missing { .. } | Error::Status { status: 400..=405, .. }) => {
                let tag = format!("/v2/{}/manifests/{}", image.name, digest.replace(':', "-"));
                match self.get(image, &tag, INDEX).await {
                    Err(Error::Missing { .. }) => return Ok(Vec::new()),
                    answer => answer?,
                }
            }
            answer => answer?,
        };
        let index: Index = serde_json::from_slice(&answer.body)
            .map_err(|_| crate::registry::wrong(image, "what is no list of referrers"))?;
        // Not every registry copies the type to its list; then the manifest itself says it.
        let may_be = |kind: &Option<String>| kind.as_deref().is_none_or(|kind| kind.starts_with(BUNDLE));
        let holders = index.manifests.iter().filter(|entry| may_be(&entry.artifact_type) && is_digest(&entry.digest));
        let mut found = Vec::new();
        for holder in holders.take(MOST) {
            found.extend(self.held(image, &holder.digest).await?);
        }
        Ok(found)
    }

    /// The bundles in one manifest.
    async fn held(&self, image: &Reference, digest: &str) -> Result<Vec<Bytes>> {
        let path = format!("/v2/{}/manifests/{digest}", image.name);
        let reply = self.get(image, &path, manifest::ACCEPT).await?;
        let bytes = self.checked(image, reply.body, Some(digest))?;
        let holder: Holder = serde_json::from_slice(&bytes)
            .map_err(|_| crate::registry::wrong(image, "a referrer that is no manifest"))?;
        let is_one = holder.artifact_type.as_deref().is_some_and(|kind| kind.starts_with(BUNDLE));
        let mut found = Vec::new();
        for layer in holder.layers.iter().filter(|layer| is_one || layer.media_type.starts_with(BUNDLE)).take(MOST) {
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
