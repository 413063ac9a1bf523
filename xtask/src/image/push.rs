//! Pushing to a registry, by the OCI distribution specification 1.1. Only for one on loopback: no TLS, no credentials.

use anyhow::{Context, Result, bail};
use ureq::Agent;

use super::blob::{Blob, Image};

pub(crate) struct Registry {
    agent: Agent,
    at: String,
}

impl Registry {
    pub(crate) fn new(at: &str) -> Result<Self> {
        if !at.starts_with("127.0.0.1:") {
            bail!("{at} is not on loopback: images of the tests go nowhere else");
        }
        let agent = Agent::new_with_config(Agent::config_builder().max_redirects(0).proxy(None).build());
        Ok(Self { agent, at: at.to_owned() })
    }

    /// Pushes what the manifest refers to, then the manifest, by its digest only.
    pub(crate) fn image(&self, name: &str, image: &Image) -> Result<()> {
        self.blob(name, &image.layer)?;
        self.blob(name, &image.config)?;
        self.manifest(name, &image.manifest.digest(), &image.manifest)
    }

    fn blob(&self, name: &str, blob: &Blob) -> Result<()> {
        let digest = blob.digest();
        let there = self.agent.head(format!("http://{}/v2/{name}/blobs/{digest}", self.at)).call();
        if there.is_ok() {
            return Ok(());
        }
        let started = self.agent.post(format!("http://{}/v2/{name}/blobs/uploads/", self.at)).send_empty();
        let started = started.with_context(|| format!("start the upload of a blob of {name}"))?;
        let location = started.headers().get("location").and_then(|value| value.to_str().ok());
        let location = location.context("the registry says no place to upload to")?;
        let location = match location.strip_prefix('/') {
            Some(path) => format!("http://{}/{path}", self.at),
            None => location.to_owned(),
        };
        let joint = if location.contains('?') { '&' } else { '?' };
        let put = self.agent.put(format!("{location}{joint}digest={digest}"));
        put.header("content-type", "application/octet-stream")
            .send(&blob.bytes)
            .with_context(|| format!("upload {digest} of {name}"))?;
        Ok(())
    }

    /// Under a tag or a digest.
    pub(crate) fn manifest(&self, name: &str, reference: &str, manifest: &Blob) -> Result<()> {
        let put = self.agent.put(format!("http://{}/v2/{name}/manifests/{reference}", self.at));
        let sent = put.header("content-type", manifest.media_type).send(&manifest.bytes);
        sent.with_context(|| format!("push {name}:{reference}"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_pushed_to_anyone_else() {
        assert!(Registry::new("127.0.0.1:5000").is_ok());
        assert!(Registry::new("ghcr.io").is_err());
        assert!(Registry::new("127.0.0.1.example.org:80").is_err());
    }
}
