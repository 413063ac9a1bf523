//! Blobs under keyed hashes, packed and cut into pieces that fit into a Secret.
//!
//! A blob is the JSON of one object. Its name is an HMAC-SHA256 under the release's own key, so that the name of a
//! Secret's blob tells nothing about its values to those who may read names only.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;

/// Most bytes of one piece: in base64 and with its metadata far below the API server's limit of 1 MiB a Secret.
pub const PIECE: usize = 512 << 10;
/// Most bytes that a pack may unfold to.
const LIMIT: usize = 512 << 20;

/// The key of a release's hashes.
#[derive(Clone)]
pub struct Key(Vec<u8>);

impl Key {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub fn blob_id(&self, value: &Value) -> BlobId {
        // The keys of a JSON object are sorted, so equal values have equal bytes.
        BlobId(self.hash(&[value.to_string().as_bytes()]))
    }

    /// A name for any value, which only those who have the key can tell again.
    pub fn fingerprint(&self, value: &Value) -> String {
        self.blob_id(value).0
    }

    /// One name for many: a pack, or the content of a revision.
    pub fn join<'a>(&self, ids: impl IntoIterator<Item = &'a BlobId>) -> String {
        self.hash(&ids.into_iter().map(|id| id.0.as_bytes()).collect::<Vec<_>>())
    }

    fn hash(&self, parts: &[&[u8]]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        parts.iter().for_each(|part| mac.update(part));
        let hash = mac.finalize().into_bytes();
        hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The name of a blob: 128 bits of its keyed hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlobId(String);

impl BlobId {
    pub fn is(&self, name: &str) -> bool {
        self.0 == name
    }
}

/// Where a pack is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackRef {
    pub id: String,
    pub pieces: usize,
}

/// Blobs that are written together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pack {
    pub blobs: BTreeMap<BlobId, Value>,
}

impl Pack {
    /// The pieces, and where they are to be found. `None` when there is nothing to keep.
    pub fn encode(&self, key: &Key) -> Option<(PackRef, Vec<Vec<u8>>)> {
        if self.blobs.is_empty() {
            return None;
        }
        let json = serde_json::to_vec(&self.blobs).expect("blobs are plain data");
        let bytes = zstd::bulk::compress(&json, 9).expect("compression into memory cannot fail");
        let pieces: Vec<Vec<u8>> = bytes.chunks(PIECE).map(<[u8]>::to_vec).collect();
        Some((PackRef { id: key.join(self.blobs.keys()), pieces: pieces.len() }, pieces))
    }

    /// # Errors
    /// Says why the pieces, put together, are no pack.
    pub fn decode(pieces: &[Vec<u8>]) -> Result<Self, String> {
        let bytes = pieces.concat();
        let json = zstd::bulk::decompress(&bytes, LIMIT).map_err(|error| format!("decompress a pack: {error}"))?;
        let blobs = serde_json::from_slice(&json).map_err(|error| format!("read a pack: {error}"))?;
        Ok(Self { blobs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn key() -> Key {
        Key::new(vec![7; 32])
    }

    #[test]
    fn a_pack_comes_back_as_it_went() {
        let values = [json!({"a": 1}), json!({"b": [1, 2]})];
        let blobs: BTreeMap<BlobId, Value> = values.into_iter().map(|value| (key().blob_id(&value), value)).collect();
        let pack = Pack { blobs };
        let (place, pieces) = pack.encode(&key()).unwrap();
        assert_eq!((place.pieces, pieces.len()), (1, 1));
        assert_eq!(Pack::decode(&pieces).unwrap(), pack);
        assert!(Pack::decode(&[b"nonsense".to_vec()]).is_err());
        assert!(Pack::default().encode(&key()).is_none());
    }

    #[test]
    fn what_does_not_fit_into_one_secret_is_cut() {
        // Digits of a counter under another key do not compress.
        let noise: String = (0..60_000).map(|n: u32| Key::new(n.to_be_bytes().to_vec()).blob_id(&json!(n)).0).collect();
        let value = json!({ "noise": noise });
        let pack = Pack { blobs: BTreeMap::from([(key().blob_id(&value), value)]) };
        let (place, pieces) = pack.encode(&key()).unwrap();
        assert!(place.pieces > 1, "{}", place.pieces);
        assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
        assert_eq!(Pack::decode(&pieces).unwrap(), pack);
        assert!(Pack::decode(&pieces[1..]).is_err(), "a pack without its beginning is none");
    }

    #[test]
    fn names_depend_on_the_key() {
        let value = json!({"kind": "Secret"});
        assert_eq!(key().blob_id(&value), key().blob_id(&value));
        assert_ne!(key().blob_id(&value), Key::new(vec![8; 32]).blob_id(&value));
    }
}
