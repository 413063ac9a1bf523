//! The one fold over the events of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use lucid_engine::{AppliedAs, Event, RunOutcome, Stamped};
use lucid_object::{Finding, ObjectRef};
use lucid_release::names::SHARED;

/// Everything that a report shows of a run.
#[derive(Debug, Clone, Default)]
pub struct RunView {
    pub release: String,
    pub namespace: String,
    pub command: String,
    pub run: Option<u64>,
    pub cluster: Option<String>,
    /// In the order of the plan.
    pub rows: Vec<Row>,
    index: BTreeMap<String, usize>,
    pub planned: Planned,
    pub done: Done,
    pub notes: Vec<Finding>,
    pub stopping: Option<String>,
    pub outcome: Option<RunOutcome>,
    pub took: Duration,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Planned {
    pub create: usize,
    pub update: usize,
    pub replace: usize,
    pub delete: usize,
    pub unchanged: usize,
}

/// What was really written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    pub created: usize,
    pub configured: usize,
    pub replaced: usize,
    pub deleted: usize,
}

/// One component.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub name: String,
    pub phase: Option<String>,
    pub needs: Vec<String>,
    pub changes: usize,
    pub state: RowState,
    pub started: Option<Duration>,
    pub ready: Option<Duration>,
    /// What it waits for, and since when.
    pub waiting: Option<(ObjectRef, String, Duration)>,
    pub finding: Option<Finding>,
    pub how: Option<String>,
    pub findings: Vec<Finding>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowState {
    /// For what it needs.
    Waiting,
    Rolling,
    Ready,
    Verified,
    Failed,
    Skipped {
        because: String,
    },
}

impl RunView {
    pub fn take(&mut self, stamped: &Stamped) {
        let at = stamped.at();
        self.took = self.took.max(at);
        match &stamped.event {
            Event::RunStarted { .. } => self.begin(&stamped.event),
            Event::Started { component } => {
                if let Some(row) = self.row(component) {
                    row.state = RowState::Rolling;
                    row.started = Some(at);
                }
            }
            Event::Applied { as_what, .. } => self.count(*as_what),
            Event::Waiting { component, object, message, finding } => {
                if let Some(row) = self.row(component) {
                    let since = row.waiting.as_ref().filter(|(old, ..)| old == object).map_or(at, |(.., since)| *since);
                    row.waiting = Some((object.clone(), message.clone(), since));
                    row.finding.clone_from(finding);
                    if matches!(row.state, RowState::Ready | RowState::Verified) {
                        row.state = RowState::Rolling;
                    }
                }
            }
            Event::Ready { component } => {
                if let Some(row) = self.row(component) {
                    row.state = RowState::Ready;
                    row.ready = Some(at);
                    row.waiting = None;
                    row.finding = None;
                }
            }
            Event::Verified { component, how } => {
                if let Some(row) = self.row(component) {
                    row.state = RowState::Verified;
                    row.how = Some(how.clone());
                    row.waiting = None;
                }
            }
            Event::Failed { component, findings, .. } => {
                if let Some(row) = self.row(component) {
                    row.state = RowState::Failed;
                    row.findings.clone_from(findings);
                }
            }
            Event::Skipped { component, because } => {
                if let Some(row) = self.row(component) {
                    row.state = RowState::Skipped { because: because.clone() };
                }
            }
            Event::Unstuck { .. } | Event::RollingBack { .. } | Event::Baking { .. } => {}
            Event::Note { finding } => self.notes.push(finding.clone()),
            Event::Stopping { reason } => self.stopping = Some(reason.clone()),
            Event::RunFinished { outcome, took_ms } => {
                self.outcome = Some(*outcome);
                self.took = Duration::from_millis(*took_ms);
            }
        }
    }

    fn begin(&mut self, event: &Event) {
        let Event::RunStarted {
            release,
            namespace,
            command,
            run,
            cluster,
            components,
            create,
            update,
            replace,
            delete,
            unchanged,
        } = event
        else {
            return;
        };
        (self.release, self.namespace, self.command) = (release.clone(), namespace.clone(), command.clone());
        (self.run, self.cluster) = (*run, cluster.clone());
        self.planned =
            Planned { create: *create, update: *update, replace: *replace, delete: *delete, unchanged: *unchanged };
        self.rows = components
            .iter()
            .map(|info| Row {
                name: info.name.clone(),
                phase: info.phase.clone(),
                needs: info.needs.clone(),
                changes: info.changes,
                state: RowState::Waiting,
                started: None,
                ready: None,
                waiting: None,
                finding: None,
                how: None,
                findings: Vec::new(),
            })
            .collect();
        self.index = self.rows.iter().enumerate().map(|(index, row)| (row.name.clone(), index)).collect();
    }

    fn count(&mut self, as_what: AppliedAs) {
        let counter = match as_what {
            AppliedAs::Created => &mut self.done.created,
            AppliedAs::Configured => &mut self.done.configured,
            AppliedAs::Replaced => &mut self.done.replaced,
            AppliedAs::Deleted => &mut self.done.deleted,
        };
        *counter += 1;
    }

    fn row(&mut self, name: &str) -> Option<&mut Row> {
        let index = *self.index.get(name)?;
        self.rows.get_mut(index)
    }

    pub fn find(&self, name: &str) -> Option<&Row> {
        self.rows.get(*self.index.get(name)?)
    }

    /// The components, without the shared part.
    pub fn components(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.name != SHARED)
    }

    pub fn failed(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.state == RowState::Failed)
    }

    pub fn skipped(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| matches!(row.state, RowState::Skipped { .. }))
    }

    pub fn is_verified(&self) -> bool {
        self.outcome == Some(RunOutcome::Verified)
    }
}

impl Row {
    pub fn is_over(&self) -> bool {
        matches!(self.state, RowState::Ready | RowState::Verified)
    }
}
