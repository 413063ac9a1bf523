//! The record of one run: the revision and the journal before it, the outcome after it.

use std::collections::BTreeMap;
use std::time::Duration;

use lucid_engine::{Event, RunOutcome, Stamped};
use lucid_object::{Finding, Object, ObjectRef};
use lucid_plan::{Plan, ownership};
use lucid_release::names::SHARED;
use lucid_release::{
    ComponentOutcome, Content, Index, InventoryEntry, Journal, Outcome, RevisionInfo, RunRecord, Span,
};

use crate::deploy::{Refusal, Rollback};
use crate::revisions::Shelf;
use crate::run::Site;
use crate::store::{self, Stored};

/// What a run writes down.
pub(crate) struct Book<'a> {
    pub(crate) shelf: Shelf<'a>,
    pub(crate) stored: Stored,
    /// Number of this run.
    pub(crate) run: u64,
    /// The revision that it leads to, when something has to be kept.
    pub(crate) revision: Option<u64>,
    is_touched: bool,
}

impl<'a> Book<'a> {
    /// Opens the record. A run that died is noted as abandoned; what it may have made is in the inventory from now on.
    /// `now` is the server's clock.
    pub(crate) fn open(shelf: Shelf<'a>, mut stored: Stored, now: i64) -> Self {
        let dead = stored.record.journal.clone();
        let is_touched = stored.record.bury(now);
        if let Some(dead) = dead {
            for revision in stored.record.revisions.iter_mut().filter(|revision| revision.number == dead.revision) {
                revision.outcome.get_or_insert(Outcome::Abandoned);
            }
            stored.record.push(abandoned(dead));
        }
        let run = stored.record.run + 1;
        Self { shelf, stored, run, revision: None, is_touched }
    }

    /// Keeps the revision that the plan leads to, and says in the journal what is about to happen. False when the record
    /// has been changed since it was read.
    pub(crate) async fn begin(&mut self, site: &Site<'_>, plan: &Plan, epoch: u64) -> Result<bool, Refusal> {
        let changes = plan.lanes.iter().any(|lane| lane.changes() > 0) || !plan.prune.is_empty();
        let record = &self.stored.record;
        let is_settled =
            record.in_service.is_some() && record.in_service == record.revisions.last().map(|revision| revision.number);
        if !changes && is_settled && !self.is_touched {
            return Ok(true);
        }
        let number = self.keep(site, plan).await?;
        self.revision = Some(number);
        if changes {
            self.stored.record.journal = Some(Journal {
                run: self.run,
                epoch,
                command: site.request.command.clone(),
                by: site.request.identity.who.clone(),
                started_at: format!("{:.0}", site.request.wall),
                revision: number,
                inventory: plan.inventory.clone(),
            });
            match self.save().await {
                Err(error) if error.is_conflict() => return Ok(false),
                result => result?,
            }
        }
        Ok(true)
    }

    /// The number of the revision with this content; a new one unless it is in service or was the last that was tried.
    async fn keep(&mut self, site: &Site<'_>, plan: &Plan) -> Result<u64, Refusal> {
        let key = self.shelf.key(&site.request.fresh_key).await?;
        let record = &self.stored.record;
        let older = match record.in_service {
            Some(number) => self.shelf.index(number).await?,
            None => None,
        };
        let content = self.content(site, plan).await?;
        let prepared = Index::prepare(record.next_revision(), &content, &key, older.as_ref());
        let back_to = site.request.way_back.map(|back| back.to);
        let served = record.in_service.and_then(|number| record.revision(number));
        let known = served.into_iter().chain(record.revisions.last()).find(|known| known.content == prepared.content);
        if let Some(known) = known.filter(|_| back_to.is_none() || site.is_repeated) {
            return Ok(known.number);
        }
        self.shelf.keep(&prepared).await?;
        let number = prepared.index.number;
        self.stored.record.revisions.push(RevisionInfo {
            number,
            content: prepared.content,
            source: site.request.source.clone(),
            partial: plan.selected.is_some(),
            back_to,
            created_at: format!("{:.0}", site.clock.now().wall),
            by: site.request.identity.who.clone(),
            objects: content.objects.len(),
            outcome: None,
            packs: prepared.index.packs,
        });
        Ok(number)
    }

    /// What the release consists of when the plan has run: for a part of it, the revision in service with that part
    /// replaced.
    async fn content(&self, site: &Site<'_>, plan: &Plan) -> Result<Content, Refusal> {
        let new = Content { release: Some(site.request.release.clone()), objects: site.objects.clone() };
        let Some(selected) = &plan.selected else { return Ok(new) };
        let served = match self.stored.record.in_service {
            Some(number) => self.shelf.load(number).await?,
            None => Content::default(),
        };
        let mut owners = owners_of(&served);
        owners.extend(owners_of(&new));
        Ok(served.with_components(&new, selected, &|object: &Object| owners.get(&object.reference()).cloned()))
    }

    /// Writes down how the run ended.
    pub(crate) async fn end(&mut self, site: &Site<'_>, plan: &Plan, ended: Ended) -> Result<(), Refusal> {
        let Ended { fold, outcome, rollback, took, is_unsettled } = ended;
        let is_back = rollback.is_some_and(|rollback| rollback.outcome == RunOutcome::Verified);
        let is_verified = outcome == RunOutcome::Verified;
        let word = match outcome {
            RunOutcome::Verified if plan.selected.is_some() => Outcome::Partial,
            RunOutcome::Verified => Outcome::Verified,
            RunOutcome::Failed | RunOutcome::DeadlinePassed if is_back => Outcome::RolledBack,
            RunOutcome::Failed | RunOutcome::DeadlinePassed => Outcome::Failed,
            RunOutcome::Interrupted | RunOutcome::Terminated | RunOutcome::LockLost => Outcome::Abandoned,
        };
        let had_journal = self.stored.record.journal.is_some();
        let wrote = fold.wrote > 0;
        let record = &mut self.stored.record;
        let newly_served = is_verified && self.revision.is_some() && self.revision != record.in_service;
        if !(wrote || !is_verified || had_journal || newly_served || self.is_touched) {
            return Ok(());
        }
        if let Some(number) = self.revision {
            for revision in record.revisions.iter_mut().filter(|revision| revision.number == number) {
                revision.outcome = Some(word);
            }
            if is_verified {
                record.in_service = Some(number);
            }
        }
        // A run that did not finish owns what it meant to as well as what it had: nothing that may exist is forgotten.
        let mut inventory = plan.inventory.clone();
        if !is_verified && !is_back {
            inventory.extend(record.may_own());
            inventory.sort();
            inventory.dedup_by(|a, b| a.object == b.object);
        }
        record.inventory = inventory;
        // Writes may still be under way: whoever comes next deals with them as with those of a run that died.
        if !is_unsettled {
            record.journal = None;
        }
        if wrote || !is_verified {
            record.push(fold.into_record(self.run, site, word, took));
        }
        let forgotten = record.forget_revisions(site.request.release.spec.history_limit);
        self.save().await?;
        if !forgotten.is_empty() {
            // What is left over costs a little room, and the next run tries again.
            if let Err(error) = self.shelf.sweep(&self.stored.record).await {
                tracing::warn!(%error, "old revisions could not be removed");
            }
        }
        Ok(())
    }

    async fn save(&mut self) -> lucid_client::Result<()> {
        store::save(self.shelf.client, self.shelf.namespace, self.shelf.release, &mut self.stored).await
    }
}

/// How a run ended, for the record.
pub(crate) struct Ended {
    pub(crate) fold: RunFold,
    pub(crate) outcome: RunOutcome,
    pub(crate) rollback: Option<Rollback>,
    pub(crate) took: Duration,
    /// Writes were sent whose answers have not come.
    pub(crate) is_unsettled: bool,
}

/// The component of each object, by what the release file says.
pub(crate) fn owners_of(content: &Content) -> BTreeMap<ObjectRef, String> {
    let Some(release) = &content.release else { return BTreeMap::new() };
    let owners = ownership::assign(release, &content.objects).owners;
    let named = content.objects.iter().zip(owners);
    named
        .filter_map(|(object, owner)| Some((object.reference(), release.spec.components[owner?].name.clone())))
        .collect()
}

fn abandoned(dead: Journal) -> RunRecord {
    RunRecord {
        run: dead.run,
        command: dead.command,
        outcome: Outcome::Abandoned,
        started_at: dead.started_at,
        took: Span(Duration::ZERO),
        by: dead.by,
        components: Vec::new(),
        findings: Vec::new(),
    }
}

/// What a run may have left behind, besides what the release owned before.
pub(crate) fn created(plan: &Plan) -> Vec<InventoryEntry> {
    use lucid_plan::Action;
    let made = plan.lanes.iter().flat_map(|lane| &lane.operations).filter(|op| op.action == Action::Create);
    let made: std::collections::BTreeSet<&ObjectRef> = made.map(|operation| &operation.object).collect();
    plan.inventory.iter().filter(|entry| made.contains(&entry.object)).cloned().collect()
}

/// What the record keeps of a run's events.
#[derive(Debug, Default)]
pub(crate) struct RunFold {
    components: BTreeMap<String, (String, usize)>,
    findings: Vec<(String, Vec<Finding>)>,
    pub(crate) wrote: usize,
    /// Components that failed, and whether they had failed before the run.
    pub(crate) failed: BTreeMap<String, bool>,
}

impl RunFold {
    pub(crate) fn take(&mut self, stamped: &Stamped) {
        let mut result = |component: &str, result: &str| {
            if component != SHARED {
                result.clone_into(&mut self.components.entry(component.to_owned()).or_default().0);
            }
        };
        match &stamped.event {
            Event::Ready { component } => result(component, "ready"),
            Event::Verified { component, .. } => result(component, "verified"),
            Event::Skipped { component, .. } => result(component, "skipped"),
            Event::Failed { component, findings, before } => {
                result(component, "failed");
                self.findings.push((component.clone(), findings.clone()));
                self.failed.insert(component.clone(), *before);
            }
            Event::Applied { component, .. } => {
                self.wrote += 1;
                self.components.entry(component.clone()).or_default().1 += 1;
            }
            _ => {}
        }
    }

    pub(crate) fn findings_by_component(&self) -> Vec<(String, Vec<Finding>)> {
        self.findings.clone()
    }

    fn into_record(self, run: u64, site: &Site<'_>, outcome: Outcome, took: Duration) -> RunRecord {
        RunRecord {
            run,
            command: site.request.command.clone(),
            outcome,
            started_at: format!("{:.0}", site.request.wall),
            took: Span(took),
            by: site.request.identity.who.clone(),
            components: self
                .components
                .into_iter()
                .map(|(name, (result, changed))| ComponentOutcome { name, result, changed })
                .collect(),
            findings: self.findings.into_iter().flat_map(|(_, findings)| findings).collect(),
        }
    }
}
