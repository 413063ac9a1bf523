//! Revisions in the cluster: pieces of packs first, the index last, so that an index never names what is not there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::try_join_all;
use lucid_client::{ApiClient, Error, ListKind, Result, Target};
use lucid_release::names::{self, RELEASE_LABEL};
use lucid_release::revision::Prepared;
use lucid_release::{Content, Evidence, Index, Key, Pack, PackRef, Record};
use serde_json::{Value, json};

use crate::store;

/// Random bytes from the caller, for a release that has no key yet.
#[derive(Clone)]
pub struct FreshKey(pub [u8; 32]);

/// Where a release keeps its revisions.
#[derive(Clone, Copy)]
pub struct Shelf<'a> {
    pub client: &'a ApiClient,
    pub namespace: &'a str,
    pub release: &'a str,
}

impl Shelf<'_> {
    fn target(&self) -> Target {
        Target::core("Secret", "secrets", Some(self.namespace))
    }

    async fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let secret = match self.client.get(&self.target(), name).await {
            Err(error) if error.is_not_found() => return Ok(None),
            result => result?,
        };
        let text = secret.pointer("/data/content").and_then(Value::as_str).unwrap_or_default();
        STANDARD.decode(text).map(Some).map_err(|error| self.unreadable(name, error.to_string()))
    }

    fn unreadable(&self, name: &str, cause: String) -> Error {
        Error::Answer { doing: format!("read Secret {}/{name}", self.namespace), cause }
    }

    /// Creates a Secret, or replaces one that a run which died has left.
    async fn write(&self, name: &str, kind: &str, bytes: &[u8]) -> Result<()> {
        let mut secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": kind,
            "metadata": {"name": name, "namespace": self.namespace, "labels": {RELEASE_LABEL: self.release}},
            "data": {"content": STANDARD.encode(bytes)},
        });
        match store::write(self.client, &self.target(), name, &secret, true).await {
            Err(error) if error.is_conflict() => {
                let left = self.client.get(&self.target(), name).await?;
                secret["metadata"]["resourceVersion"] = left["metadata"]["resourceVersion"].clone();
                store::write(self.client, &self.target(), name, &secret, false).await.map(drop)
            }
            result => result.map(drop),
        }
    }

    /// The key of the release's hashes; `None` when it has none yet.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn known_key(&self) -> Result<Option<Key>> {
        Ok(self.read(&names::key(self.release)).await?.map(Key::new))
    }

    /// The key of the release's hashes; when there is none, it is this fresh one from now on.
    ///
    /// # Errors
    /// When it can neither be read nor written.
    pub async fn key(&self, fresh: &FreshKey) -> Result<Key> {
        if let Some(key) = self.known_key().await? {
            return Ok(key);
        }
        self.write(&names::key(self.release), "lucid.dev/key", &fresh.0).await?;
        Ok(Key::new(fresh.0.to_vec()))
    }

    /// # Errors
    /// When it cannot be read; a revision that is not there is `None`.
    pub async fn index(&self, number: u64) -> Result<Option<Index>> {
        let name = names::revision(self.release, number);
        let Some(bytes) = self.read(&name).await? else { return Ok(None) };
        Index::decode(&bytes).map(Some).map_err(|cause| self.unreadable(&name, cause))
    }

    /// The whole content of a revision.
    ///
    /// # Errors
    /// When it, or a part of it, is not there or damaged.
    pub async fn load(&self, number: u64) -> Result<Content> {
        let name = names::revision(self.release, number);
        let index = self.index(number).await?;
        let index = index.ok_or_else(|| self.unreadable(&name, format!("revision {number} is not there")))?;
        let packs = try_join_all(index.packs.iter().map(|pack| self.pack(pack))).await?;
        index.assemble(packs).map_err(|cause| self.unreadable(&name, cause))
    }

    /// The object of a blob, from whichever revision still keeps it.
    ///
    /// # Errors
    /// When a revision or a pack cannot be read.
    pub async fn blob(&self, record: &Record, name: &str) -> Result<Option<Value>> {
        for revision in record.revisions.iter().rev() {
            let Some(index) = self.index(revision.number).await? else { continue };
            let Some(pack) = index.find(name) else { continue };
            let blobs = self.pack(pack).await?.blobs;
            return Ok(blobs.into_iter().find(|(id, _)| id.is(name)).map(|(_, value)| value));
        }
        Ok(None)
    }

    async fn pack(&self, pack: &PackRef) -> Result<Pack> {
        let name = |piece: usize| names::chunk(self.release, &pack.id, piece);
        let pieces = (0..pack.pieces).map(|piece| async move {
            let bytes = self.read(&name(piece)).await?;
            bytes.ok_or_else(|| self.unreadable(&name(piece), "it is not there".into()))
        });
        let pieces = try_join_all(pieces).await?;
        Pack::decode(&pieces).map_err(|cause| self.unreadable(&name(0), cause))
    }

    /// Writes the new pack's pieces, then the index.
    ///
    /// # Errors
    /// When the server does not take one of them; then the revision does not exist.
    pub async fn keep(&self, prepared: &Prepared) -> Result<()> {
        if let Some((pack, pieces)) = &prepared.new {
            let names: Vec<String> =
                (0..pieces.len()).map(|piece| names::chunk(self.release, &pack.id, piece)).collect();
            let writes = names.iter().zip(pieces).map(|(name, bytes)| self.write(name, "lucid.dev/pack", bytes));
            try_join_all(writes).await?;
        }
        let name = names::revision(self.release, prepared.index.number);
        self.write(&name, "lucid.dev/revision", &prepared.index.encode()).await
    }

    /// Keeps what was seen of a failure.
    ///
    /// # Errors
    /// When the server does not take it.
    pub async fn keep_evidence(&self, evidence: &Evidence) -> Result<()> {
        self.write(&names::evidence(self.release, evidence.run), "lucid.dev/run", &evidence.encode()).await
    }

    /// What was seen when this run failed.
    ///
    /// # Errors
    /// When it cannot be read; a run without evidence is `None`.
    pub async fn evidence(&self, run: u64) -> Result<Option<Evidence>> {
        let name = names::evidence(self.release, run);
        let Some(bytes) = self.read(&name).await? else { return Ok(None) };
        Evidence::decode(&bytes).map(Some).map_err(|cause| self.unreadable(&name, cause))
    }

    /// Deletes every revision, pack and piece of evidence that the record does not name.
    ///
    /// # Errors
    /// When they cannot be listed or deleted; nothing that is needed is touched.
    pub async fn sweep(&self, record: &Record) -> Result<()> {
        let mut wanted: Vec<String> =
            record.revisions.iter().map(|revision| names::revision(self.release, revision.number)).collect();
        let packs = record.revisions.iter().flat_map(|revision| &revision.packs);
        wanted.extend(packs.flat_map(|pack| (0..pack.pieces).map(|piece| names::chunk(self.release, &pack.id, piece))));
        wanted.extend(record.runs.iter().map(|run| names::evidence(self.release, run.run)));
        let prefixes = ["lucid-revision", "lucid-pack", "lucid-run"].map(|kind| format!("{kind}-{}-", self.release));
        let listed = self.client.list(&self.target(), ListKind::Metadata).await?;
        for item in &listed.items {
            let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let (name, uid) = (text("/metadata/name"), text("/metadata/uid"));
            // Another release's name may begin with this one's: its label says whose it is.
            let is_ours = item.pointer("/metadata/labels").and_then(|labels| labels.get(RELEASE_LABEL)?.as_str())
                == Some(self.release);
            let is_part = prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()));
            if is_ours && is_part && !wanted.iter().any(|other| other == name) {
                self.client.delete(&self.target(), name, uid).await?;
            }
        }
        Ok(())
    }
}
