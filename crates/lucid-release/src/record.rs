//! What a release keeps in the cluster about itself: its runs and its inventory.

use serde::{Deserialize, Serialize};

use lucid_object::{Finding, ObjectRef};

use crate::duration::Span;
use crate::pack::PackRef;

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
    /// What is kept of the release's past, newest last.
    #[serde(default)]
    pub revisions: Vec<RevisionInfo>,
    /// Number of the revision that was verified last and serves now.
    #[serde(default)]
    pub in_service: Option<u64>,
    /// A run that has begun and has not ended, or has died.
    #[serde(default)]
    pub journal: Option<Journal>,
    /// What runs that died may still bring into being.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<Latecomer>,
}

/// An object that a run was about to create when it died. Its request may still be under way, so the object is looked
/// for until the server would have given the request up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Latecomer {
    #[serde(flatten)]
    pub entry: InventoryEntry,
    /// When the run was found dead, by the server's clock in seconds since 1970.
    pub since: i64,
}

/// How long an object may come late, in seconds. The API server ends a request after 60 s.
pub const LATEST: i64 = 90;

/// What is known of a revision without reading its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevisionInfo {
    pub number: u64,
    /// Keyed hash of the content; equal content has the same.
    pub content: String,
    /// The overlay or folder it was rendered from.
    pub source: String,
    /// Made by deploying single components onto the revision before it.
    #[serde(default)]
    pub partial: bool,
    /// The revision whose content this one has again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_to: Option<u64>,
    /// RFC 3339; for people only.
    pub created_at: String,
    pub by: String,
    pub objects: usize,
    /// How the run that brought it ended; absent while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    pub packs: Vec<PackRef>,
}

/// What a run is about to do, written before it does anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Journal {
    pub run: u64,
    pub epoch: u64,
    pub command: String,
    pub by: String,
    pub started_at: String,
    /// The revision that the run leads to.
    pub revision: u64,
    /// Every object that may exist because of the run.
    pub inventory: Vec<InventoryEntry>,
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
    /// Brought by a file; never deployed here.
    Imported,
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

    /// Buries a run that died: what it may have made belongs to the release from now on, and what it may yet make is
    /// looked for until [`LATEST`] has passed. Says whether the record has to be written because of it.
    pub fn bury(&mut self, now: i64) -> bool {
        let waiting = self.late.len();
        self.late.retain(|late| now - late.since < LATEST);
        let has_expired = self.late.len() < waiting;
        let Some(dead) = self.journal.take() else { return has_expired };
        let owned: std::collections::BTreeSet<&ObjectRef> = self.inventory.iter().map(|entry| &entry.object).collect();
        let new = dead.inventory.iter().filter(|entry| !owned.contains(&entry.object));
        let late: Vec<Latecomer> = new.map(|entry| Latecomer { entry: entry.clone(), since: now }).collect();
        self.late.retain(|old| late.iter().all(|new| new.entry.object != old.entry.object));
        self.late.extend(late);
        self.inventory.extend(dead.inventory);
        self.inventory.sort();
        self.inventory.dedup_by(|a, b| a.object == b.object);
        true
    }

    pub fn revision(&self, number: u64) -> Option<&RevisionInfo> {
        self.revisions.iter().find(|revision| revision.number == number)
    }

    /// The number that the next revision gets.
    pub fn next_revision(&self) -> u64 {
        self.revisions.last().map_or(1, |revision| revision.number + 1)
    }

    /// Everything that may exist because of this release: what it owns, and what a run that died was about to make.
    pub fn may_own(&self) -> Vec<InventoryEntry> {
        let mut all = self.inventory.clone();
        all.extend(self.journal.iter().flat_map(|journal| journal.inventory.iter().cloned()));
        all.extend(self.late.iter().map(|late| late.entry.clone()));
        all.sort();
        all.dedup_by(|a, b| a.object == b.object);
        all
    }

    /// The revision that a rollback leads to: with a run under way or dead, the one in service before it; otherwise the
    /// newest verified one with other content than what is in service.
    pub fn way_back(&self) -> Option<&RevisionInfo> {
        let served = self.in_service.and_then(|number| self.revision(number));
        let deployed = self.revisions.iter().rev().find(|revision| revision.outcome != Some(Outcome::Imported));
        let newest_failed = deployed
            .is_some_and(|last| Some(last.number) != self.in_service && last.outcome != Some(Outcome::RolledBack));
        if self.journal.is_some() || newest_failed {
            return served;
        }
        let content = served.map(|revision| revision.content.as_str());
        let is_other = |revision: &&RevisionInfo| {
            matches!(revision.outcome, Some(Outcome::Verified | Outcome::Partial))
                && Some(revision.content.as_str()) != content
        };
        self.revisions.iter().rev().find(is_other)
    }

    /// Forgets the oldest revisions beyond the limit, never the one in service or the newest, and returns them.
    pub fn forget_revisions(&mut self, limit: usize) -> Vec<RevisionInfo> {
        let surplus = self.revisions.len().saturating_sub(limit.max(1));
        let newest = self.revisions.last().map(|revision| revision.number);
        let under_way = self.journal.as_ref().map(|journal| journal.revision);
        let mut forgotten = Vec::new();
        self.revisions.retain(|revision| {
            let number = Some(revision.number);
            let is_kept =
                forgotten.len() >= surplus || number == self.in_service || number == newest || number == under_way;
            if !is_kept {
                forgotten.push(revision.clone());
            }
            is_kept
        });
        forgotten
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

    fn revision(number: u64, content: &str, outcome: Outcome) -> RevisionInfo {
        RevisionInfo {
            number,
            content: content.into(),
            source: "production".into(),
            partial: false,
            back_to: None,
            created_at: "2026-01-01T00:00:00Z".into(),
            by: "ann@host".into(),
            objects: 3,
            outcome: Some(outcome),
            packs: vec![],
        }
    }

    fn record(revisions: &[(&str, Outcome)], in_service: u64) -> Record {
        let revisions =
            revisions.iter().zip(1..).map(|((content, outcome), number)| revision(number, content, *outcome)).collect();
        Record { revisions, in_service: Some(in_service), ..Record::default() }
    }

    #[track_caller]
    fn check_way_back(record: &Record, want: Option<u64>) {
        assert_eq!(record.way_back().map(|revision| revision.number), want);
    }

    #[test]
    fn the_way_back_is_to_what_served_before() {
        use Outcome::{Failed, RolledBack, Verified};
        check_way_back(&Record::default(), None);
        check_way_back(&record(&[("a", Verified)], 1), None);
        check_way_back(&record(&[("a", Verified), ("b", Verified)], 2), Some(1));
        check_way_back(&record(&[("a", Verified), ("b", Failed)], 1), Some(1));
        // Back to `a` by itself: what served before it is another content.
        check_way_back(&record(&[("z", Verified), ("a", Verified), ("b", RolledBack)], 2), Some(1));
        check_way_back(&record(&[("a", Verified), ("b", Verified), ("b", Verified)], 3), Some(1));
        let mut died = record(&[("z", Verified), ("a", Verified)], 2);
        check_way_back(&record(&[("a", Verified), ("b", Verified), ("c", Outcome::Imported)], 2), Some(1));
        died.journal = Some(Journal {
            run: 3,
            epoch: 3,
            command: "deploy".into(),
            by: "ann@host".into(),
            started_at: String::new(),
            revision: 3,
            inventory: vec![],
        });
        check_way_back(&died, Some(2));
    }

    #[test]
    fn old_revisions_are_forgotten_and_never_the_one_in_service() {
        let mut record = record(
            &[("a", Outcome::Verified), ("b", Outcome::Failed), ("c", Outcome::Failed), ("d", Outcome::Failed)],
            1,
        );
        let forgotten: Vec<u64> = record.forget_revisions(2).iter().map(|revision| revision.number).collect();
        assert_eq!(forgotten, [2, 3]);
        assert_eq!(record.revisions.iter().map(|revision| revision.number).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(record.next_revision(), 5);
    }

    #[test]
    fn the_record_of_a_thousand_workloads_fits_into_one_secret() {
        let entry = |number: usize, kind: &str| InventoryEntry {
            object: ObjectRef::new("apps", kind, Some("production"), &format!("service-{number}")),
            version: "v1".into(),
            component: format!("service-{number}"),
        };
        let all = || (0..1_000).flat_map(|n| ["Deployment", "Service", "ConfigMap"].map(|kind| entry(n, kind)));
        let mut record = record(&[("a", Outcome::Verified); 50], 50);
        record.inventory = all().collect();
        for number in 1..=50 {
            let component = |n: usize| ComponentOutcome {
                name: format!("service-{n}"),
                result: if n % 7 == 0 { "failed" } else { "verified" }.into(),
                changed: n % 4,
            };
            let finding =
                |n: usize| Finding::error(3002, format!("image registry.test/service-{n}:{number} is not there"));
            let components = (0..1_000).map(component).collect();
            record.push(RunRecord { components, findings: (0..20).map(finding).collect(), ..run(number) });
        }
        record.journal = Some(Journal {
            run: 51,
            epoch: 51,
            command: "deploy production".into(),
            by: "ann@host".into(),
            started_at: "2026-01-01T00:00:00Z".into(),
            revision: 51,
            inventory: all().collect(),
        });
        let size = record.encode().len();
        assert!(size < crate::pack::PIECE, "{size} bytes");
        assert_eq!(Record::decode(&record.encode()).unwrap(), record);
    }

    #[test]
    fn whatever_is_forgotten_what_serves_is_kept() {
        // Every course of five outcomes, at every place of the one in service, with every limit.
        let outcomes = [Outcome::Verified, Outcome::Failed, Outcome::RolledBack];
        for course in 0..3_usize.pow(5) {
            let revisions: Vec<(&str, Outcome)> =
                (0..5_u32).map(|place| ("a", outcomes[course / 3_usize.pow(place) % 3])).collect();
            for (in_service, limit) in (1..=5).flat_map(|served| (0..6).map(move |limit| (served, limit))) {
                let mut record = record(&revisions, in_service);
                let forgotten = record.forget_revisions(limit);
                assert!(record.revision(in_service).is_some() && record.revision(5).is_some());
                assert!(record.revisions.len() <= limit.max(2));
                assert_eq!(record.revisions.len() + forgotten.len(), 5);
                let kept: Vec<u64> = record.revisions.iter().map(|revision| revision.number).collect();
                assert!(kept.is_sorted());
            }
        }
    }

    #[test]
    fn refuses_garbage_and_the_future() {
        assert!(Record::decode(b"nonsense").is_err());
        let future = Record { format: 99, ..Record::default() };
        assert!(Record::decode(&future.encode()).unwrap_err().contains("newer"));
    }
}
