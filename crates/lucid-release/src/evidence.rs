//! What was seen of a failure, frozen before anything is changed again.

use serde::{Deserialize, Serialize};

use lucid_object::{Finding, ObjectRef};

/// Most lines of one container's log.
pub const LINES: u32 = 200;
/// Most bytes of all the logs of a run.
pub const BYTES: usize = 256 << 10;

/// Most lines of what had changed.
pub const CHANGES: usize = 200;

/// The evidence of one run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    pub run: u64,
    pub command: String,
    pub components: Vec<ComponentEvidence>,
    /// What the failed components, and the shared part, say otherwise than the revision that served: one line a field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentEvidence {
    pub name: String,
    pub findings: Vec<Finding>,
    pub pods: Vec<PodEvidence>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodEvidence {
    pub pod: ObjectRef,
    /// Each container's state, in one line.
    pub containers: Vec<String>,
    /// Newest last.
    pub events: Vec<String>,
    pub logs: Vec<LogEvidence>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEvidence {
    pub container: String,
    /// Of the container's life before the last restart.
    pub previous: bool,
    pub text: String,
}

impl Evidence {
    pub fn encode(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("evidence is plain data");
        zstd::bulk::compress(&json, 9).expect("compression into memory cannot fail")
    }

    /// # Errors
    /// Says why the bytes are no evidence.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        const LIMIT: usize = 16 << 20;
        let json = zstd::bulk::decompress(bytes, LIMIT).map_err(|error| format!("decompress the evidence: {error}"))?;
        serde_json::from_slice(&json).map_err(|error| format!("read the evidence: {error}"))
    }
}
