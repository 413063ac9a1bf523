//! Acts on a simulated cluster, each by a process of its own that may die.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use lucid_client::ApiClient;
use lucid_deploy::lease::Identity;
use lucid_deploy::{Cleaner, DryRun, FreshKey, OnFail, Refusal, Request, Verdict, cleanup, rollback};
use lucid_engine::{Event, RunOutcome, Signal, Stamped};
use lucid_plan::Selection;
use lucid_sim::{Config, Door, Fault, Sim, Snapshot};
use tokio::sync::mpsc;

use crate::shop::{self, NAMESPACE, RELEASE, Version};

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    Deploy(Version),
    /// To the revision that has this content, which is named.
    Return(Version),
    /// To what served before.
    Rollback,
    Emergency(Version),
    Cleanup,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) enum End {
    Died,
    Verified,
    /// Everything is removed.
    Gone,
    /// Before anything was done.
    Refused(String),
    Other(String),
}

/// Longer than anything may take; whoever is not done by then is stuck.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

struct Nobody;

impl Cleaner for Nobody {
    fn keep(&self, _value: &str) {}

    fn clean(&self, text: &str) -> String {
        text.to_owned()
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime")
}

pub(crate) fn config() -> Config {
    Config { keeps_history: true, ..Config::default() }
}

/// A cluster that is being driven.
pub(crate) struct Stage {
    pub(crate) sim: Sim,
    /// How many processes there were.
    processes: u32,
    /// By how much the calendars of the processes go wrong, in seconds.
    pub(crate) skew: i64,
}

impl Stage {
    pub(crate) fn new(sim: Sim) -> Self {
        let running = sim.clone();
        tokio::spawn(async move { running.run().await });
        Self { sim, processes: 0, skew: 0 }
    }

    pub(crate) fn restored(snapshot: &Snapshot, seed: u64) -> Self {
        Self::new(Sim::restore(snapshot, seed))
    }

    /// One process from start to end, or to its death at one of its requests.
    pub(crate) async fn act(&mut self, act: Act, faults: BTreeMap<usize, Fault>) -> (End, Door) {
        self.processes += 1;
        let door = self.sim.door(faults);
        let client = ApiClient::from_service(self.sim.service_through(&door));
        let process = Process {
            identity: Identity {
                who: format!("process-{}", self.processes),
                process: format!("host-{}/b/1/1", self.processes),
            },
            // Nobody's calendar can be trusted.
            wall: wall(
                i64::try_from(self.sim.elapsed().as_secs()).unwrap_or(0)
                    + self.skew * (i64::from(self.processes % 3) - 1),
            ),
        };
        let run = tokio::time::timeout(PATIENCE, process.act(&client, act));
        let end = tokio::select! {
            biased;
            () = door.death() => End::Died,
            ended = run => ended.unwrap_or_else(|_| End::Other("stuck".into())),
        };
        (end, door)
    }

    /// As [`Self::act`], without faults.
    pub(crate) async fn act_well(&mut self, act: Act) -> End {
        self.act(act, BTreeMap::new()).await.0
    }
}

fn wall(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + seconds).expect("a time")
}

struct Process {
    identity: Identity,
    wall: Timestamp,
}

impl Process {
    async fn act(&self, client: &ApiClient, act: Act) -> End {
        match act {
            Act::Deploy(version) => self.deploy(client, version).await,
            Act::Return(version) => self.back(client, Some(version), false).await,
            Act::Rollback => self.back(client, None, false).await,
            Act::Emergency(version) => self.back(client, Some(version), true).await,
            Act::Cleanup => self.cleanup(client).await,
        }
    }

    async fn deploy(&self, client: &ApiClient, version: Version) -> End {
        let release = shop::release(version);
        let request = Request {
            release: &release,
            objects: shop::objects(version),
            selection: Selection::All,
            dry_run: DryRun::No,
            deadline: release.spec.deadline.0,
            take_ownership: false,
            probe: false,
            on_failure: OnFail::Stop,
            way_back: None,
            cleaner: &Nobody,
            emergency: false,
            may_replace: Vec::new(),
            bake: Duration::ZERO,
            only_if: None,
            images: None,
            source: format!("{version:?}"),
            command: format!("deploy {version:?}"),
            identity: self.identity.clone(),
            fresh_key: FreshKey([7; 32]),
            wall: self.wall,
        };
        let (_sender, mut signals) = mpsc::unbounded_channel::<Signal>();
        let mut told = String::new();
        let deployed = lucid_deploy::deploy(client, request, &mut |event| tell(event, &mut told), &mut signals).await;
        end_of(deployed.map(|deployed| (deployed.verdict, told)))
    }

    async fn back(&self, client: &ApiClient, to: Option<Version>, emergency: bool) -> End {
        let to = match to {
            None => None,
            Some(version) => {
                let stored = lucid_deploy::store::load(client, NAMESPACE, RELEASE).await.unwrap_or_default();
                let source = format!("{version:?}");
                let revisions = stored.record.revisions.iter().rev();
                Some(revisions.into_iter().find(|revision| revision.source == source).map_or(0, |found| found.number))
            }
        };
        let wanted = rollback::Wanted {
            cleaner: &Nobody,
            release: RELEASE.into(),
            namespace: NAMESPACE.into(),
            to,
            component: None,
            dry_run: DryRun::No,
            emergency,
            may_replace: Vec::new(),
            deadline: None,
            probe: false,
            identity: self.identity.clone(),
            fresh_key: FreshKey([7; 32]),
            wall: self.wall,
        };
        let (_sender, mut signals) = mpsc::unbounded_channel::<Signal>();
        let mut told = String::new();
        let result = rollback::rollback(client, wanted, &mut |event| tell(event, &mut told), &mut signals).await;
        end_of(result.map(|(_, deployed)| (deployed.verdict, told)))
    }

    async fn cleanup(&self, client: &ApiClient) -> End {
        let wanted = cleanup::Wanted {
            release: RELEASE.into(),
            namespace: NAMESPACE.into(),
            component: None,
            delete_data: false,
            patience: Duration::from_secs(120),
            identity: self.identity.clone(),
            wall: self.wall,
        };
        let plan = match cleanup::plan(client, &wanted).await {
            Ok(plan) => plan,
            Err(refusal) => return End::Refused(format!("{refusal:?}")),
        };
        match cleanup::clean(client, &wanted, &plan, &mut |_| {}).await {
            Ok(cleaned) if cleaned.is_over => End::Gone,
            Ok(cleaned) => End::Other(format!("{cleaned:?}")),
            Err(refusal) => End::Refused(format!("{refusal:?}")),
        }
    }
}

/// What a failed run says of itself.
fn tell(stamped: &Stamped, told: &mut String) {
    match &stamped.event {
        Event::Failed { component, findings, .. } => told.push_str(&format!("{component}: {findings:?}\n")),
        Event::Stopping { reason } => told.push_str(&format!("{reason}\n")),
        _ => {}
    }
}

fn end_of(result: Result<(Verdict, String), Refusal>) -> End {
    match result {
        Ok((Verdict::Run(RunOutcome::Verified), _)) => End::Verified,
        Ok((verdict, findings)) => End::Other(format!("{verdict:?} {findings}")),
        Err(refusal) => End::Refused(format!("{refusal:?}")),
    }
}
