//! When the release was last known to be healthy, and the runs since: from its record.

use jiff::{SignedDuration, Timestamp};
use lucid_client::ApiClient;
use lucid_release::names;
use lucid_release::record::{Outcome, RunRecord};
use lucid_status::health::{Change, SinceHealthy};

use super::HealthRequest;
use super::look::in_time;
use crate::store;

/// The last run that ended well, and those that came after it.
pub(super) struct LastHealthy {
    run: u64,
    pub(super) at: Timestamp,
    later: Vec<Change>,
}

impl LastHealthy {
    /// Without what the release keeps of itself, which each run writes.
    pub(super) fn with(self, release: &str, changes: Vec<Change>) -> SinceHealthy {
        let is_own = |change: &Change| {
            let object = change.object.as_ref().filter(|object| object.kind == "Secret");
            object.is_some_and(|object| names::is_bookkeeping(release, &object.name))
        };
        let others = changes.into_iter().filter(|change| !is_own(change));
        SinceHealthy::new(self.run, self.at, self.later.into_iter().chain(others).collect())
    }
}

/// Or why that is not known.
pub(super) async fn last_healthy(client: &ApiClient, request: &HealthRequest<'_>) -> Result<LastHealthy, String> {
    let (namespace, name) = (&request.release.spec.namespace, request.release.name());
    let stored = in_time(request.patience, "read the release's record", store::load(client, namespace, name)).await;
    let stored = stored.map_err(|error| format!("the release's record cannot be read: {error}"))?;
    of_runs(&stored.record.runs)
}

fn of_runs(runs: &[RunRecord]) -> Result<LastHealthy, String> {
    let ended_well = |run: &&RunRecord| matches!(run.outcome, Outcome::Verified | Outcome::RolledBack);
    let last = runs.iter().rfind(ended_well).ok_or("no run of this release is known to have been verified")?;
    let at = end(last).ok_or_else(|| format!("the record does not say when run {} ended", last.run))?;
    let later = runs.iter().filter(|run| run.run > last.run).filter_map(|run| {
        let what = format!("run {} ({}) {}", run.run, run.command, words(run.outcome));
        Some(Change { at: end(run)?, object: None, what, by: Some(run.by.clone()) })
    });
    Ok(LastHealthy { run: last.run, at, later: later.collect() })
}

fn end(run: &RunRecord) -> Option<Timestamp> {
    let began: Timestamp = run.started_at.parse().ok()?;
    began.checked_add(SignedDuration::try_from(run.took.0).ok()?).ok()
}

fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Verified => "was verified",
        Outcome::Failed => "failed",
        Outcome::RolledBack => "was rolled back",
        Outcome::Partial => "verified a part",
        Outcome::Abandoned => "was abandoned",
        Outcome::Imported => "was imported",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lucid_release::duration::Span;

    use super::*;

    fn run(number: u64, outcome: Outcome) -> RunRecord {
        RunRecord {
            run: number,
            command: "lucid deploy".into(),
            outcome,
            started_at: format!("2026-11-24T10:0{number}:00Z"),
            took: Span(Duration::from_secs(30)),
            by: "ann".into(),
            components: Vec::new(),
            findings: Vec::new(),
        }
    }

    #[test]
    fn the_last_good_run_counts_from_its_end() {
        use Outcome::{Failed, Partial, RolledBack, Verified};
        let last = of_runs(&[run(1, Verified), run(2, RolledBack), run(3, Partial), run(4, Failed)]).unwrap();
        assert_eq!((last.run, last.at.to_string().as_str()), (2, "2026-11-24T10:02:30Z"));
        let said: Vec<&str> = last.later.iter().map(|change| change.what.as_str()).collect();
        assert_eq!(said, ["run 3 (lucid deploy) verified a part", "run 4 (lucid deploy) failed"]);
        assert!(of_runs(&[run(1, Failed)]).is_err());
        let change = |name: &str| Change {
            at: last.at,
            object: Some(lucid_object::ObjectRef::new("", "Secret", Some("n"), name)),
            what: "x set".into(),
            by: None,
        };
        let names = ["lucid-record-shop", "lucid-pack-shop-a1-0", "lucid-run-other-1"].map(change);
        let told = of_runs(&[run(1, Verified)]).unwrap().with("shop", names.to_vec());
        assert_eq!(told.changes, [change("lucid-run-other-1")]);
    }
}
