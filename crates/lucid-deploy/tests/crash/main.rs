//! Processes that die, and answers that get lost, at every request that changes something.
//!
//! Each scenario takes one act (a first install, an upgrade, a rollback, an emergency, a cleanup), lets one of its
//! requests meet a fault, and then a fresh process goes on, goes back, or brings a newer release. What must hold in the
//! end and on the way is in [`judge`]. `LUCID_SOAK` runs all of them; `LUCID_CRASH` those whose name,
//! as a failure prints it, contains its words.

#![expect(clippy::print_stderr, reason = "how far it is, and what failed")]

#[path = "../../../lucid-kustomize/tests/it/figure.rs"]
mod figure;
mod judge;
mod shop;
mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lucid_sim::{Door, Fault, Sim, Snapshot};

use shop::Version::{self, One, Three, Two};
use stage::{Act, End, Stage, config, runtime};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Install,
    Upgrade,
    Rollback,
    Emergency,
    Cleanup,
}

const OPS: [Op; 5] = [Op::Install, Op::Upgrade, Op::Rollback, Op::Emergency, Op::Cleanup];

/// What the process after does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Resume,
    Back,
    Newer,
}

const NEXT: [Next; 3] = [Next::Resume, Next::Back, Next::Newer];

const FAULTS: [Fault; 14] = [
    Fault::DieBefore,
    Fault::Lost,
    Fault::AnswerLost,
    Fault::DieAfter,
    Fault::Late(1),
    Fault::Late(2),
    Fault::Late(5),
    Fault::Late(12),
    Fault::Late(30),
    Fault::Refused(409),
    Fault::Refused(429),
    Fault::Refused(500),
    Fault::Refused(503),
    Fault::Refused(504),
];

/// Those of them that are played once more by a machine that stood still: what was under way arrives when it goes on, after
/// so many changing requests of the next process, or when that one has ended.
const ASLEEP: [Fault; 3] = [Fault::Late(2), Fault::Late(15), Fault::Late(1_000)];

#[derive(Debug, Clone, Copy)]
struct Scenario {
    op: Op,
    /// Which of its changing requests.
    at: usize,
    fault: Fault,
    /// What arrives late may do so after more than a minute.
    asleep: bool,
    next: Next,
    /// The process after dies too, at this request, and another one follows.
    second: Option<(usize, Fault)>,
    /// The order in which lanes get their turn.
    seed: u64,
}

/// Clusters from which scenarios start.
struct Bases {
    empty: Snapshot,
    one: Snapshot,
    two: Snapshot,
}

impl Bases {
    fn build() -> Self {
        runtime().block_on(async {
            let mut stage = Stage::new(Sim::new(config()));
            let empty = stage.sim.snapshot();
            assert!(matches!(stage.act_well(Act::Deploy(One)).await, End::Verified));
            for object in shop::foreign() {
                stage.sim.put(object).expect("a foreign object");
            }
            let one = stage.sim.snapshot();
            assert!(matches!(stage.act_well(Act::Deploy(Two)).await, End::Verified));
            Self { empty, one, two: stage.sim.snapshot() }
        })
    }

    fn of(&self, op: Op) -> &Snapshot {
        match op {
            Op::Install => &self.empty,
            Op::Upgrade => &self.one,
            Op::Rollback | Op::Emergency | Op::Cleanup => &self.two,
        }
    }
}

impl Op {
    fn act(self) -> Act {
        match self {
            Self::Install => Act::Deploy(One),
            Self::Upgrade => Act::Deploy(Two),
            Self::Rollback => Act::Return(One),
            Self::Emergency => Act::Emergency(One),
            Self::Cleanup => Act::Cleanup,
        }
    }

    fn target(self) -> Option<Version> {
        match self {
            Self::Install | Self::Rollback | Self::Emergency => Some(One),
            Self::Upgrade => Some(Two),
            Self::Cleanup => None,
        }
    }

    /// How many requests that change something the act makes when all goes well.
    fn requests(self, bases: &Bases) -> usize {
        runtime().block_on(async {
            let mut stage = Stage::restored(bases.of(self), 1);
            let (end, door) = stage.act(self.act(), BTreeMap::new()).await;
            assert!(matches!(end, End::Verified | End::Gone), "{self:?}: {end:?}");
            door.changes()
        })
    }
}

/// What a scenario came to.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    wrong: Vec<String>,
    trace: u64,
}

impl Scenario {
    fn play(&self, bases: &Bases) -> Outcome {
        runtime().block_on(async {
            let mut stage = Stage::restored(bases.of(self.op), self.seed);
            stage.skew = 3600;
            let wrong = self.act_out(&mut stage).await;
            Outcome { wrong, trace: stage.sim.trace_hash() }
        })
    }

    async fn act_out(&self, stage: &mut Stage) -> Vec<String> {
        let foreign: Vec<_> = foreign(&stage.sim);
        let mut late = BTreeSet::new();
        let (end, door) = stage.act(self.op.act(), BTreeMap::from([(self.at, self.fault)])).await;
        mourn(&stage.sim, &door, &mut late, !self.asleep).await;
        let known = uids(&stage.sim);
        let mut wrong = Vec::new();
        // Whoever lives through one failing request gets where it wanted.
        if let End::Other(why) | End::Refused(why) = &end {
            wrong.push(format!("did not live through it: {why}"));
        }
        let step = self.go_on(stage, &mut late, &mut wrong).await;
        if self.asleep {
            stage.sim.deliver_late();
            // The API has no precondition for what is to be made. It comes to light with the next run that wants it.
            if is_create(&stage.sim, door.number(), &known) {
                return wrong;
            }
            wrong.extend(judge::state(&stage.sim, step.want).into_iter().map(|text| format!("asleep: {text}")));
        }
        // The server gives up what it has not answered; whoever comes then tidies up.
        tokio::time::sleep(Duration::from_secs(100)).await;
        if let Some(version) = step.want {
            match stage.act_well(Act::Deploy(version)).await {
                End::Verified => {}
                end => wrong.push(format!("the sweep ended as {end:?}")),
            }
        }
        wrong.extend(judge::state(&stage.sim, step.want));
        wrong.extend(judge::at_rest(&stage.sim, step.want));
        wrong.extend(judge::past(&stage.sim.history(), &late));
        if foreign != self::foreign(&stage.sim) {
            wrong.push("something foreign was touched".into());
        }
        if let Some(version) = step.want {
            wrong.extend(again(stage, version).await);
        }
        wrong
    }

    /// Whoever comes after the first process, until one of them gets through.
    async fn go_on(&self, stage: &mut Stage, late: &mut BTreeSet<u32>, wrong: &mut Vec<String>) -> Step {
        let mut step = self.step(&stage.sim);
        if let Some((at, fault)) = self.second {
            let (_, door) = stage.act(step.act, BTreeMap::from([(at, fault)])).await;
            mourn(&stage.sim, &door, late, true).await;
            step = self.step(&stage.sim);
        }
        let mut end = stage.act_well(step.act).await;
        // What it was about to do was not meant for what arrived meanwhile, as it says; whoever reads that looks again.
        if matches!(&end, End::Refused(_)) && self.is_late() {
            tokio::time::sleep(Duration::from_secs(60)).await;
            step = self.step(&stage.sim);
            end = stage.act_well(step.act).await;
        }
        match (end, step.want) {
            (End::Verified, Some(version)) => {
                wrong.extend(judge::state(&stage.sim, Some(version)).into_iter().map(|text| format!("I9: {text}")));
            }
            (End::Gone, None) => {}
            (end, want) => wrong.push(format!("{:?} for {want:?} ended as {end:?}", step.act)),
        }
        step
    }

    fn is_late(&self) -> bool {
        matches!(self.fault, Fault::Late(_)) || matches!(self.second, Some((_, Fault::Late(_))))
    }

    /// What comes next, and what must stand then. It depends on how far the process before got.
    fn step(&self, sim: &Sim) -> Step {
        let record = judge::record(sim);
        let has_revisions = record.as_ref().is_some_and(|record| !record.revisions.is_empty());
        match self.next {
            Next::Newer => Step { act: Act::Deploy(Three), want: Some(Three) },
            Next::Resume if self.op == Op::Cleanup || !has_revisions && self.op != Op::Install => {
                Step { act: Act::Cleanup, want: None }
            }
            Next::Resume => Step { act: self.op.act(), want: self.op.target() },
            Next::Back => {
                let to = record.as_ref().and_then(|record| record.way_back()).map(|revision| version(&revision.source));
                match to {
                    Some(version) => Step { act: Act::Rollback, want: Some(version) },
                    // The way back from a first install is to take it away.
                    None => Step { act: Act::Cleanup, want: None },
                }
            }
        }
    }
}

struct Step {
    act: Act,
    want: Option<Version>,
}

fn version(source: &str) -> Version {
    shop::VERSIONS.into_iter().find(|version| format!("{version:?}") == source).expect("a version")
}

/// What a client that died had sent arrives before anybody looks; what of it is late within a minute, or never, unless its
/// machine slept before it was sent.
async fn mourn(sim: &Sim, door: &Door, late: &mut BTreeSet<u32>, in_time: bool) {
    if door.is_dead() {
        late.insert(door.number());
    }
    if door.is_dead() && in_time {
        let sim = sim.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            sim.deliver_late();
        });
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
}

fn uids(sim: &Sim) -> BTreeSet<String> {
    sim.objects().iter().map(|object| judge::uid(object).to_owned()).collect()
}

/// Whether the last thing that came of a client's requests is a create, or one that found in its place what was not there
/// when it was sent.
fn is_create(sim: &Sim, client: u32, known: &BTreeSet<String>) -> bool {
    let history = sim.history();
    let last = history.commits.iter().rfind(|commit| commit.client == Some(client));
    last.is_some_and(|commit| commit.old.as_deref().is_none_or(|old| !known.contains(judge::uid(old))))
}

fn foreign(sim: &Sim) -> Vec<Option<std::sync::Arc<serde_json::Value>>> {
    let names = [("ConfigMap", "theirs"), ("Secret", "their-token")];
    names.into_iter().map(|(kind, name)| sim.get("v1", kind, shop::NAMESPACE, name)).collect()
}

/// I8: deploying again what stands changes nothing.
async fn again(stage: &mut Stage, version: Version) -> Vec<String> {
    let before = stage.sim.history().commits.len();
    let end = stage.act_well(Act::Deploy(version)).await;
    let mut wrong = Vec::new();
    if !matches!(end, End::Verified) {
        wrong.push(format!("again: {end:?}"));
    }
    for commit in stage.sim.history().commits[before..].iter().filter(|commit| commit.client.is_some()) {
        if commit.resource != "leases.coordination.k8s.io" {
            let name = &commit.object()["metadata"]["name"];
            wrong.push(format!("I8: {} {name} was written again", commit.resource));
        }
    }
    wrong
}

/// Plays all of them on all cores, the first ones twice, and says what failed.
fn play(bases: &Bases, scenarios: &[Scenario], twice: usize) {
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let began = std::time::Instant::now();
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(scenario) = scenarios.get(number) else { return };
            if number > 0 && number % 1000 == 0 {
                eprintln!("{number} of {} scenarios", scenarios.len());
            }
            let outcome = scenario.play(bases);
            let mut wrong = outcome.wrong.clone();
            if number < twice && scenario.play(bases) != outcome {
                wrong.push("the same scenario went another way the second time".into());
            }
            if !wrong.is_empty() {
                eprintln!("{scenario:?}\n    {}", wrong.join("\n    "));
                failures.lock().unwrap().push(format!("{scenario:?}"));
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().unwrap();
    figure::figure(&format!("{} scenarios in {:.1} s", scenarios.len(), began.elapsed().as_secs_f64()));
    let named: Vec<&str> = failures.iter().map(String::as_str).take(20).collect();
    assert!(failures.is_empty(), "{} of {} failed: {named:#?}", failures.len(), scenarios.len());
}

/// Every request, fault and sequel, in one order of lanes.
fn all(bases: &Bases) -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for op in OPS {
        for at in 0..op.requests(bases) {
            let faults = FAULTS.map(|fault| (fault, false)).into_iter().chain(ASLEEP.map(|fault| (fault, true)));
            for (fault, asleep) in faults {
                for next in NEXT {
                    scenarios.push(Scenario { op, at, fault, asleep, next, second: None, seed: 1 });
                }
            }
        }
    }
    scenarios
}

/// How many of the soak are drawn.
const DRAWN: u64 = 5_000;

/// A number that looks like chance and is the same every time (SplitMix64).
fn mixed(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Scenarios drawn from all, each in an order of lanes of its own; every other one has a second death.
fn drawn(all: &[Scenario], count: u64) -> Vec<Scenario> {
    let deaths = [Fault::DieBefore, Fault::DieAfter, Fault::Late(3), Fault::Late(20)];
    (0..count)
        .map(|n| {
            let scenario = all[(mixed(n) % all.len() as u64) as usize];
            let second = ((mixed(n + 7_000_000) % 40) as usize, deaths[(mixed(n + 9_000_000) % 4) as usize]);
            Scenario { seed: 2 + n, second: (n % 2 == 0).then_some(second), ..scenario }
        })
        .collect()
}

fn is_soak() -> bool {
    std::env::var_os("LUCID_SOAK").is_some()
}

#[test]
fn from_every_fault_there_is_a_way_on_and_a_way_back() {
    let bases = Bases::build();
    let all = all(&bases);
    if let Ok(name) = std::env::var("LUCID_CRASH") {
        let drawn = drawn(&all, DRAWN);
        let meant = all.iter().chain(&drawn).filter(|scenario| format!("{scenario:?}").contains(&name));
        let meant: Vec<Scenario> = meant.copied().collect();
        assert!(!meant.is_empty(), "no scenario is called {name}");
        return play(&bases, &meant, usize::MAX);
    }
    match is_soak() {
        true => {
            play(&bases, &all, usize::MAX);
            play(&bases, &drawn(&all, DRAWN), usize::MAX);
        }
        false => play(&bases, &drawn(&all, 120), 20),
    }
}
