//! The documents of an image: configuration, manifest and index, by the OCI image specification 1.1.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Something that a registry keeps under its digest.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) media_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

impl Blob {
    pub(crate) fn layer(bytes: Vec<u8>) -> Self {
        Self { media_type: LAYER, bytes }
    }

    fn document(media_type: &'static str, value: &Value) -> Self {
        Self { media_type, bytes: value.to_string().into_bytes() }
    }

    pub(crate) fn digest(&self) -> String {
        let hash = Sha256::digest(&self.bytes);
        hash.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
    }

    fn descriptor(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": self.digest(), "size": self.bytes.len()})
    }
}

/// How the containers of an image are started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start<'a> {
    pub(crate) architecture: &'a str,
    pub(crate) entrypoint: &'a str,
    pub(crate) environment: &'a [String],
    pub(crate) labels: &'a [(&'a str, &'a str)],
}

/// An image for one platform.
pub(crate) struct Image {
    pub(crate) layer: Blob,
    pub(crate) config: Blob,
    pub(crate) manifest: Blob,
    architecture: String,
}

impl Image {
    /// Times are left out, so that the same content has the same digest.
    pub(crate) fn new(layer: Blob, start: Start<'_>) -> Self {
        let labels: Value = start.labels.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let config = json!({
            "architecture": start.architecture,
            "os": "linux",
            "config": {
                "User": "65532:65532",
                "Env": start.environment,
                "Entrypoint": [start.entrypoint],
                "WorkingDir": "/",
                "Labels": labels,
            },
            // Uncompressed, the layer's digest is that of its content.
            "rootfs": {"type": "layers", "diff_ids": [layer.digest()]},
        });
        let config = Blob::document(CONFIG, &config);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor(),
            "layers": [layer.descriptor()],
        });
        let manifest = Blob::document(MANIFEST, &manifest);
        Self { layer, config, manifest, architecture: start.architecture.to_owned() }
    }
}

/// One name for an image on several platforms.
pub(crate) fn index(images: &[Image]) -> Blob {
    let manifests: Vec<Value> = images
        .iter()
        .map(|image| {
            let mut descriptor = image.manifest.descriptor();
            descriptor["platform"] = json!({"os": "linux", "architecture": image.architecture});
            descriptor
        })
        .collect();
    Blob::document(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(architecture: &str) -> Image {
        let start =
            Start { architecture, entrypoint: "/bin/x", environment: &["A=1".to_owned()], labels: &[("l", "v")] };
        Image::new(Blob::layer(b"layer".to_vec()), start)
    }

    fn parsed(blob: &Blob) -> Value {
        serde_json::from_slice(&blob.bytes).expect("JSON")
    }

    #[test]
    fn documents_name_each_other_by_digest_and_size() {
        let one = image("arm64");
        let manifest = parsed(&one.manifest);
        assert_eq!(manifest["config"]["digest"], one.config.digest());
        assert_eq!(manifest["layers"][0]["digest"], one.layer.digest());
        assert_eq!(manifest["layers"][0]["size"], 5);
        assert_eq!(parsed(&one.config)["rootfs"]["diff_ids"][0], one.layer.digest());
        let index = parsed(&index(&[image("amd64"), one]));
        assert_eq!(index["manifests"][1]["platform"]["architecture"], "arm64");
        assert_eq!(index["manifests"][1]["digest"], image("arm64").manifest.digest());
    }

    #[test]
    fn a_digest_is_that_of_the_bytes() {
        // The digest of nothing at all, known from elsewhere.
        let nothing = Blob::layer(Vec::new()).digest();
        assert_eq!(nothing, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn the_same_content_has_the_same_digest() {
        assert_eq!(image("amd64").manifest.digest(), image("amd64").manifest.digest());
        assert_ne!(image("amd64").manifest.digest(), image("arm64").manifest.digest());
    }
}
