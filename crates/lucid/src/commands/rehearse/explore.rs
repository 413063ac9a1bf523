//! Many rehearsals, each with something going wrong: `--explore`, `--exhaustive`, `--replay`.
//!
//! A trial deploys the release onto an empty cluster, or over itself with other images, while requests get lost, are
//! refused or outlive their sender, and watches end. When the process dies, another one goes on. What came of it is judged
//! by what the simulated containers do, and by what stands in the store; never by a status that lucid reads.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use lucid_client::ApiClient;
use lucid_deploy::lease::Identity;
use lucid_deploy::{Refusal, Verdict};
use lucid_engine::{Event, RunOutcome, Signal, Stamped};
use lucid_object::{Object, ObjectRef, ObjectSet};
use lucid_sim::{Fault, Planned, Sim, Snapshot};
use tokio::sync::mpsc;

use super::base::Base;
use super::peak::{self, Peaks};
use super::trouble::{Case, Choices, FAULTS, Trouble};
use super::{Doors, dark, paused, request};
use crate::failure::{Failure, Result};
use crate::manifests::Manifests;
use crate::output::Outlet;

/// The tag of the images that an upgrade brings.
const NEXT_TAG: &str = "rehearsed-next";
/// Nothing takes longer than this in a rehearsal; what does is stuck.
const PATIENCE: Duration = Duration::from_secs(2 * 3600);

/// By how much the calendars of the processes are wrong.
const SKEW: SignedDuration = SignedDuration::from_hours(1);

/// The worst thing that can be said of a trial, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Verified, and it is true.
    Verified,
    /// The process died, and the next one got there.
    Resumed,
    /// It failed, said why, and the next one got there.
    Failed,
    /// The next one did not get there either, or the first had no reason to fail.
    Stuck,
    /// Something of the release is not there, or does not serve, although it was called verified.
    FalseSuccess,
}

/// What came of one trial.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    pub(super) choices: Choices,
    pub(super) rank: Rank,
    /// Of virtual time.
    pub(super) took: Duration,
    pub(super) why: Vec<String>,
    pub(super) peaks: Peaks,
    pub(super) doors: Doors,
    pub(super) trace: u64,
}

impl Trial {
    pub(super) fn is_bad(&self) -> bool {
        self.rank >= Rank::Stuck
    }
}

/// What many trials came to.
pub(super) struct Explored {
    pub(super) counts: BTreeMap<Rank, usize>,
    pub(super) longest: Option<Trial>,
    /// Those that must not be, each with the shortest list of choices that shows it.
    pub(super) bad: Vec<Trial>,
    /// Of all trials.
    pub(super) peaks: Peaks,
    pub(super) doors: Doors,
    pub(super) computing: Duration,
}

impl Explored {
    pub(super) fn trials(&self) -> usize {
        self.counts.values().sum()
    }
}

/// The release, and the clusters that trials begin on.
pub(super) struct Ground<'a> {
    pub(super) manifests: &'a Manifests,
    pub(super) outlet: &'a Outlet,
    empty: Snapshot,
    deployed: Snapshot,
    next: ObjectSet,
    events: Vec<Planned>,
    nodes: Vec<String>,
    workloads: Vec<ObjectRef>,
    /// How many changing requests the two cases make when all goes well, and how long they take.
    sizes: [(usize, Duration); 2],
}

impl<'a> Ground<'a> {
    pub(super) fn prepare(manifests: &'a Manifests, outlet: &'a Outlet, base: &Base, seed: u64) -> Result<Self> {
        let workloads = manifests.objects.iter().filter(|object| super::is_rolling(object));
        let workloads = workloads.map(|object| placed(object, manifests)).collect();
        let next: ObjectSet = manifests.objects.iter().map(super::with_tag(NEXT_TAG)).collect();
        let (empty, deployed, nodes) = paused()?.block_on(async {
            let (sim, _) = base.prepare(manifests, seed)?;
            drive(&sim);
            base.settle().await;
            let empty = sim.snapshot();
            let nodes = sim.objects().iter().filter(|object| object["kind"] == "Node").map(|node| name(node)).collect();
            let client = ApiClient::from_service(sim.service());
            let (ended, _) = deploy(manifests, outlet, &client, manifests.objects.clone(), 0).await;
            match ended {
                Ended::Verified => Ok((empty, sim.snapshot(), nodes)),
                other => Err(Failure::new(
                    crate::exit::Exit::Failed,
                    format!("the release does not get through when nothing goes wrong: {}", other.told()),
                )
                .help("run `lucid rehearse` without --explore first")),
            }
        })?;
        // They happen in each trial.
        let events = base.cluster.events.clone();
        let sizes = [(0, Duration::ZERO), (0, Duration::ZERO)];
        let mut ground = Self { manifests, outlet, empty, deployed, next, events, nodes, workloads, sizes };
        for (index, case) in [Case::Install, Case::Upgrade].into_iter().enumerate() {
            let (trial, requests) = ground.play(&Choices { case, seed, troubles: Vec::new() })?;
            ground.sizes[index] = (requests, trial.took);
        }
        Ok(ground)
    }

    fn size(&self, case: Case) -> (usize, Duration) {
        self.sizes[usize::from(case == Case::Upgrade)]
    }

    /// Trials drawn at random: one to three things go wrong in each.
    pub(super) fn drawn(&self, count: u64, seed: u64) -> Vec<Choices> {
        (0..count)
            .map(|number| {
                let mut draw = Draw(seed.wrapping_mul(1_000_003).wrapping_add(number));
                let case = if draw.below(2) == 0 { Case::Install } else { Case::Upgrade };
                let troubles = (0..1 + draw.below(3)).map(|_| self.trouble(case, &mut draw)).collect();
                Choices { case, seed: draw.below(1 << 32), troubles }
            })
            .collect()
    }

    fn trouble(&self, case: Case, draw: &mut Draw) -> Trouble {
        let (requests, took) = self.size(case);
        let at = Duration::from_millis(draw.below(took.as_millis() as u64 + 1));
        match draw.below(11) {
            0 => Trouble::WatchesEnd(at),
            1 => Trouble::HistoryExpires(at),
            2 if !self.nodes.is_empty() => {
                let node = self.nodes[draw.below(self.nodes.len() as u64) as usize].clone();
                Trouble::NodeLost { node, at, lasts: Duration::from_secs(5 + draw.below(400)) }
            }
            3 => {
                let code = [429, 500, 503, 504][draw.below(4) as usize];
                Trouble::ServerDown { code, at, lasts: Duration::from_millis(200 + draw.below(10_000)) }
            }
            4 if !self.workloads.is_empty() => {
                let workload = self.workloads[draw.below(self.workloads.len() as u64) as usize].clone();
                Trouble::Restarted { workload, at }
            }
            5 => {
                let (by, lasts) =
                    (Duration::from_millis(1 + draw.below(3_000)), Duration::from_secs(1 + draw.below(60)));
                Trouble::CachesBehind { by, at, lasts }
            }
            _ => {
                let fault = FAULTS[draw.below(FAULTS.len() as u64) as usize];
                let fault = if let Fault::Late(_) = fault { Fault::Late(1 + draw.below(40) as u32) } else { fault };
                Trouble::Request(draw.below(requests.max(1) as u64) as usize, fault)
            }
        }
    }

    /// Every fault at every request, one at a time.
    pub(super) fn every_single_one(&self, seed: u64) -> Vec<Choices> {
        let of = |case: Case| {
            let numbers = 0..self.size(case).0;
            numbers.flat_map(move |number| {
                FAULTS.into_iter().map(move |fault| Choices {
                    case,
                    seed,
                    troubles: vec![Trouble::Request(number, fault)],
                })
            })
        };
        of(Case::Install).chain(of(Case::Upgrade)).collect()
    }

    /// Plays all of them on all cores.
    pub(super) fn explore(&self, all: &[Choices], progress: &(dyn Fn(usize) + Sync)) -> Result<Explored> {
        let began = Instant::now();
        let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(all.len())));
        let work = || -> Result<()> {
            while let Some(choices) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                let (trial, _) = self.play(choices)?;
                let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                done.push(trial);
                progress(done.len());
            }
            Ok(())
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().expect("a trial does not panic"))
        })?;
        let mut trials = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        trials.sort_by_key(|trial| trial.choices.to_string());
        let mut counts = BTreeMap::new();
        trials.iter().for_each(|trial| *counts.entry(trial.rank).or_default() += 1);
        let (mut peaks, mut doors) = (Peaks::new(), Doors::new());
        for trial in &trials {
            peak::raise(&mut peaks, &trial.peaks);
            doors.extend(trial.doors.clone());
        }
        let longest = trials.iter().max_by_key(|trial| trial.took).cloned();
        let bad = trials.into_iter().filter(Trial::is_bad).map(|trial| self.shrink(trial)).collect::<Result<_>>()?;
        Ok(Explored { counts, longest, bad, peaks, doors, computing: began.elapsed() })
    }

    /// The shortest list of choices that still goes wrong.
    fn shrink(&self, trial: Trial) -> Result<Trial> {
        let mut smallest = trial;
        let mut index = 0;
        while index < smallest.choices.troubles.len() {
            let mut fewer = smallest.choices.clone();
            fewer.troubles.remove(index);
            let (again, _) = self.play(&fewer)?;
            match again.is_bad() {
                true => smallest = again,
                false => index += 1,
            }
        }
        Ok(smallest)
    }

    /// Plays one trial; also says how many changing requests its first process has made.
    pub(super) fn play(&self, choices: &Choices) -> Result<(Trial, usize)> {
        paused()?.block_on(async {
            let (snapshot, objects) = match choices.case {
                Case::Install => (&self.empty, &self.manifests.objects),
                Case::Upgrade => (&self.deployed, &self.next),
            };
            let sim = Sim::restore(snapshot, choices.seed);
            let before = sim.objects();
            drive(&sim);
            let timed = choices.troubles.iter().flat_map(Trouble::happenings);
            for planned in timed.chain(self.events.iter().cloned()) {
                sim.plan(planned.at, planned.what);
            }
            let began = sim.elapsed();
            let faults = choices.troubles.iter().filter_map(|trouble| match trouble {
                Trouble::Request(number, fault) => Some((*number, *fault)),
                _ => None,
            });
            let door = sim.door(faults.collect());
            let client = ApiClient::from_service(sim.service_through(&door));
            let run = deploy(self.manifests, self.outlet, &client, objects.clone(), 1);
            let (first, doors) = tokio::select! {
                biased;
                () = door.death() => (Ended::Died, Doors::new()),
                ended = run => ended,
            };
            let requests = door.changes();
            // A node that is away when the run ends is nobody's success or failure.
            let calm = began + choices.troubles.iter().map(Trouble::is_over_after).max().unwrap_or_default();
            let pause = calm.saturating_sub(sim.elapsed());
            tokio::time::sleep(pause).await;
            let (rank, why) = self.judge(&sim, first, choices, objects).await;
            let took = sim.elapsed().saturating_sub(began + pause);
            let peaks = peak::of(&before, &sim.history());
            let trace = sim.trace_hash();
            Ok((Trial { choices: choices.clone(), rank, took, why, peaks, doors, trace }, requests))
        })
    }

    async fn judge(&self, sim: &Sim, first: Ended, choices: &Choices, objects: &ObjectSet) -> (Rank, Vec<String>) {
        let rank = match &first {
            Ended::Verified => Rank::Verified,
            Ended::Died => Rank::Resumed,
            Ended::Failed(_) => Rank::Failed,
            Ended::Stuck => return (Rank::Stuck, vec!["the run did not end".into()]),
        };
        let mut why = if rank == Rank::Failed { vec![first.told()] } else { Vec::new() };
        let is_calm = self.events.is_empty() && choices.troubles.iter().all(Trouble::is_harmless);
        if rank == Rank::Failed && is_calm {
            why.push("nothing that happened is a reason to fail".into());
            return (Rank::Stuck, why);
        }
        if rank != Rank::Verified {
            let client = ApiClient::from_service(sim.service());
            let (next, _) = deploy(self.manifests, self.outlet, &client, objects.clone(), 2).await;
            if !matches!(next, Ended::Verified) {
                why.push(format!("the next run did not get there: {}", next.told()));
                return (Rank::Stuck, why);
            }
        }
        let dark = dark(&sim.truth(), objects, &self.manifests.release);
        if !dark.is_empty() {
            let names: Vec<String> = dark.iter().map(ToString::to_string).collect();
            why.push(format!("called verified, and these do not serve: {}", names.join(", ")));
            return (Rank::FalseSuccess, why);
        }
        (rank, why)
    }
}

fn name(object: &serde_json::Value) -> String {
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

fn placed(object: &Object, manifests: &Manifests) -> ObjectRef {
    let mut reference = object.reference();
    reference.namespace.get_or_insert_with(|| manifests.release.spec.namespace.clone());
    reference
}

fn drive(sim: &Sim) {
    let cluster = sim.clone();
    tokio::spawn(async move { cluster.run().await });
}

/// How a process ended.
enum Ended {
    Verified,
    Failed(Vec<String>),
    Died,
    Stuck,
}

impl Ended {
    fn told(&self) -> String {
        match self {
            Self::Verified => "verified".into(),
            Self::Failed(why) if why.is_empty() => "it failed without a word".into(),
            Self::Failed(why) => why.join("; "),
            Self::Died => "it died".into(),
            Self::Stuck => "it did not end".into(),
        }
    }
}

async fn deploy(
    manifests: &Manifests,
    outlet: &Outlet,
    client: &ApiClient,
    objects: ObjectSet,
    process: u32,
) -> (Ended, Doors) {
    let mut request = request(manifests, outlet, objects, "rehearsal".to_owned());
    request.identity = Identity { who: format!("process {process}"), process: format!("rehearsal-{process}/0/0/0") };
    // Nobody's calendar can be trusted.
    request.wall += if process == 1 { SKEW } else { -SKEW };
    let mut told = Vec::new();
    let mut sink = |stamped: &Stamped| {
        if let Event::Failed { component, findings, .. } = &stamped.event {
            told.extend(findings.iter().map(|finding| format!("{component}: {} {}", finding.code, finding.message)));
        }
    };
    let (_sender, mut signals) = mpsc::unbounded_channel::<Signal>();
    let run = lucid_deploy::deploy(client, request, &mut sink, &mut signals);
    match tokio::time::timeout(PATIENCE, run).await {
        Err(_) => (Ended::Stuck, Doors::new()),
        Ok(Ok(deployed)) => {
            let is_verified = deployed.verdict == Verdict::Run(RunOutcome::Verified);
            let ended = if is_verified { Ended::Verified } else { Ended::Failed(told) };
            (ended, crate::commands::plan::doors(&deployed.plan).collect())
        }
        Ok(Err(refusal)) => (Ended::Failed(vec![say(&refusal)]), Doors::new()),
    }
}

fn say(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Manifests(findings) | Refusal::Cluster(findings) | Refusal::Stuck(findings) => {
            let words: Vec<String> =
                findings.iter().map(|finding| format!("{} {}", finding.code, finding.message)).collect();
            words.join("; ")
        }
        Refusal::Unreachable(error) => error.to_string(),
        Refusal::Stopped(signal) => format!("stopped by {signal:?}"),
    }
}

/// Draws from a seed (SplitMix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}
