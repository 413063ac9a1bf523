//! What the real server answered, request by request. The requests need not be kept: the seed and the answers give them.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::servers::Answer;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Transcript {
    pub(crate) seed: u64,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) there: Answer,
    /// The simulator of that day answered the same.
    pub(crate) same: bool,
    /// The object was taken away from both, so that they would not go different ways with it.
    pub(crate) parted: bool,
}

impl Transcript {
    pub(crate) fn write(&self, path: &Path) {
        let text = serde_json::to_vec(self).expect("JSON");
        fs::write(path, zstd::encode_all(text.as_slice(), 19).expect("compress")).expect("write the transcript");
    }

    pub(crate) fn read(bytes: &[u8]) -> Self {
        let text = zstd::decode_all(bytes).expect("decompress");
        serde_json::from_slice(&text).expect("a transcript")
    }
}
