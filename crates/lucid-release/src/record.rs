//! What a release keeps in the cluster about itself: its runs and its inventory.

use serde::{Deserialize, Serialize};

use lucid_object::{Finding, ObjectRef};

use crate::duration::Span;

/// How many runs a record remembers.
pub const RUNS_KEPT: usize = 50;

/// The record of a release. Written once at the end of each run that changed something or failed to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Version of this format.
    pub format: u32,
    /// Number of the run that last wrote; runs count from 1.
    pub run: u64,
    /// Objects that the release owns.
    pub inventory: Vec<InventoryEntry>,
    /// Newest last.
    pub runs: Vec<RunRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryEntry {
    #[serde(flatten)]
    pub object: ObjectRef,
    /// The version it was applied with, so that it can be addressed without discovery.
    pub version: String,
    pub component: String,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything applied, ready and answering.
    Verified,
    Failed,
    RolledBack,
    /// Only some components were meant, and they are verified.
    Partial,
    /// Stopped by a signal or a lost lock.
    Abandoned,
}

/// One execution of a command that writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    pub run: u64,
    pub command: String,
    pub outcome: Outcome,
    /// RFC 3339, by the clock of the machine that ran it; for people only.
    pub started_at: String,
    pub took: Span,
    pub by: String,
    pub components: Vec<ComponentOutcome>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentOutcome {
    pub name: String,
    pub result: String,
    pub changed: usize,
}

impl Record {
    pub const FORMAT: u32 = 1;

    /// Adds a run and forgets the oldest ones beyond [`RUNS_KEPT`].
    pub fn push(&mut self, run: RunRecord) {
        self.format = Self::FORMAT;
        self.run = run.run;
        self.runs.push(run);
        let surplus = self.runs.len().saturating_sub(RUNS_KEPT);
        self.runs.drain(..surplus);
    }

    /// The bytes that go into the cluster.
    pub fn encode(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("a record is plain data");
        zstd::bulk::compress(&json, 3).expect("compression into memory cannot fail")
    }

    /// # Errors
    /// Says why the bytes are not a record that this version can read.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        const LIMIT: usize = 64 << 20;
        let json = zstd::bulk::decompress(bytes, LIMIT).map_err(|error| format!("decompress the record: {error}"))?;
        let record: Self = serde_json::from_slice(&json).map_err(|error| format!("read the record: {error}"))?;
        if record.format > Self::FORMAT {
            return Err(format!(
                "the record has format {}, newer than this program knows ({})",
                record.format,
                Self::FORMAT
            ));
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(number: u64) -> RunRecord {
        RunRecord {
            run: number,
            command: "deploy".into(),
            outcome: Outcome::Verified,
            started_at: "2026-01-01T00:00:00Z".into(),
            took: "12s".parse().unwrap(),
            by: "ann@host".into(),
            components: vec![],
            findings: vec![],
        }
    }

    #[test]
    fn comes_back_as_it_went() {
        let mut record = Record::default();
        record.push(run(1));
        record.inventory.push(InventoryEntry {
            object: ObjectRef::new("apps", "Deployment", Some("n"), "a"),
            version: "v1".into(),
            component: "a".into(),
        });
        assert_eq!(Record::decode(&record.encode()).unwrap(), record);
    }

    #[test]
    fn forgets_the_oldest_runs() {
        let mut record = Record::default();
        (1..=60).for_each(|number| record.push(run(number)));
        assert_eq!(record.runs.len(), RUNS_KEPT);
        assert_eq!(record.runs[0].run, 11);
        assert_eq!(record.run, 60);
    }

    #[test]
    fn refuses_garbage_and_the_future() {
        assert!(Record::decode(b"nonsense").is_err());
        let future = Record { format: 99, ..Record::default() };
        assert!(Record::decode(&future.encode()).unwrap_err().contains("newer"));
    }
}
