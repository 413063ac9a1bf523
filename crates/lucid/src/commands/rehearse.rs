//! `lucid rehearse`: the run that production would see, in a simulated Kubernetes under virtual time.
//!
//! The same client and engine as in production meet the simulator as an HTTP service. The first run must be verified; in
//! the second, one component gets an image that no registry has, and must be found out while its old revision serves on;
//! the third brings back what served before. Whether that is so is judged by what the simulated containers really do
//! ([`lucid_sim::Truth`]), not by a status.

mod base;
mod explore;
mod html;
mod invent;
mod peak;
mod report;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lucid_client::ApiClient;
use lucid_deploy::lease::Identity;
use lucid_deploy::{DryRun, FreshKey, OnFail, Request, Verdict, rollback};
use lucid_engine::{RunOutcome, Signal, Stamped};
use lucid_object::{Object, ObjectRef, ObjectSet};
use lucid_plan::{Selection, graph, ownership};
use lucid_release::ReleaseFile;
use lucid_report::RunView;
use lucid_sim::{Behaviour, PullOutcome, Select, Truth};
use tokio::sync::mpsc;

use crate::cli::{Global, Rehearse, RehearseFormat};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests::{self, Manifests};
use crate::output::{Outlet, Screen};

use base::Base;
use peak::Peaks;

/// The tag that no registry of the simulation has.
const ABSENT_TAG: &str = "never-pushed";
/// When the simulated clock starts.
const DAWN: &str = "2026-01-01T00:00:00Z";

pub(crate) fn run(global: &Global, args: &Rehearse, outlet: &Outlet) -> Result<Exit> {
    let manifests = manifests::load(global, &args.source)?;
    super::keep_secrets(outlet, &manifests.objects);
    manifests.tell_warnings(outlet);
    manifests.check(outlet)?;
    if args.explore.is_some() || args.exhaustive || args.replay.is_some() {
        return explored(global, args, &manifests, outlet);
    }
    let target = choose(&manifests, args.broken.as_deref())?;
    let mut base = Base::find(global, args, outlet)?;
    base.cluster.scenario.behaviours.insert(0, never_pushed());
    let stage = Stage { global, args, outlet, manifests: &manifests, base };
    let rehearsal = paused()?.block_on(stage.rehearse(target))?;
    match args.output {
        RehearseFormat::Json => outlet.json(&report::json(&rehearsal)),
        RehearseFormat::Text => outlet.result(&report::text(&rehearsal, &manifests.objects, outlet.paint_out())),
        RehearseFormat::Html => outlet.result(&html::rehearsal(&rehearsal, &manifests.objects)),
    }
    Ok(if rehearsal.went_as_planned() { Exit::Done } else { Exit::Failed })
}

/// A runtime under virtual time.
fn paused() -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let built = builder.enable_all().start_paused(true).build();
    built.map_err(|error| Failure::new(Exit::Failed, format!("start the runtime: {error}")))
}

/// Rehearsals in which things go wrong.
fn explored(global: &Global, args: &Rehearse, manifests: &Manifests, outlet: &Outlet) -> Result<Exit> {
    let base = Base::find(global, args, outlet)?;
    let ground = explore::Ground::prepare(manifests, outlet, &base, args.seed)?;
    let choices = match (&args.replay, args.exhaustive) {
        (Some(text), _) => vec![text.parse().map_err(|why: String| {
            Failure::usage(why).help("give the whole list, as a failed exploration has printed it")
        })?],
        (None, true) => ground.every_single_one(args.seed),
        (None, false) => ground.drawn(args.explore.unwrap_or(1), args.seed),
    };
    let all = choices.len();
    let explored = ground.explore(&choices, &|done| {
        if done % 50 == 0 || done == all {
            outlet.talk(&format!("{done} of {all} trials"));
        }
    })?;
    match args.output {
        RehearseFormat::Json => outlet.json(&report::explored_json(&manifests.name, args.seed, &explored)),
        RehearseFormat::Text => {
            let text = report::explored_text(manifests, args.seed, &explored, outlet.paint_out());
            outlet.result(&text);
        }
        RehearseFormat::Html => outlet.result(&html::exploration(manifests, args.seed, &explored)),
    }
    Ok(if explored.bad.is_empty() { Exit::Done } else { Exit::Failed })
}

/// What a rehearsal showed.
struct Rehearsal {
    source: String,
    seed: u64,
    invented: Vec<invent::Invented>,
    first: Act,
    target: Target,
    /// Absent when the first run failed already.
    second: Option<Act>,
    /// The way back from the second.
    back: Option<Act>,
    /// What of the release did not serve although it should have, by the simulator's own truth.
    not_serving: Vec<ObjectRef>,
    requests: Requests,
    peaks: Peaks,
    trace: u64,
}

/// One run on the stage.
struct Act {
    view: RunView,
    outcome: RunOutcome,
    computing: Duration,
    doors: Doors,
    requests: Requests,
}

/// How many requests were reads, and how many writes.
type Requests = (u64, u64);

/// Changes that cannot be taken back, and why.
type Doors = BTreeMap<ObjectRef, &'static str>;

/// The workload that gets broken.
struct Target {
    component: String,
    workload: Object,
    image: String,
}

impl Rehearsal {
    fn is_found_out(&self) -> bool {
        self.second.as_ref().is_some_and(|act| {
            let failed: Vec<&str> = act.view.failed().map(|row| row.name.as_str()).collect();
            act.outcome == RunOutcome::Failed && failed == [self.target.component.as_str()]
        })
    }

    fn is_back(&self) -> bool {
        self.back.as_ref().is_some_and(|act| act.outcome == RunOutcome::Verified)
    }

    fn went_as_planned(&self) -> bool {
        self.first.outcome == RunOutcome::Verified
            && self.is_found_out()
            && self.is_back()
            && self.not_serving.is_empty()
    }
}

/// What is done in an act.
enum Deed {
    Deploy(ObjectSet, &'static str),
    Rollback,
}

struct Stage<'a> {
    global: &'a Global,
    args: &'a Rehearse,
    outlet: &'a Outlet,
    manifests: &'a Manifests,
    base: Base,
}

impl Stage<'_> {
    async fn rehearse(&self, target: Target) -> Result<Rehearsal> {
        let (release, objects) = (&self.manifests.release, &self.manifests.objects);
        let (sim, invented) = self.base.prepare(self.manifests, self.args.seed)?;
        // The history counts from here on.
        let before = sim.objects();
        let client = ApiClient::from_service(sim.service());
        let cluster = sim.clone();
        let driver = tokio::spawn(async move { cluster.run().await });
        self.base.settle().await;
        self.base.begin(&sim);
        let first = self.act(&client, Deed::Deploy(objects.clone(), "deploy")).await?;
        let mut not_serving = dark(&sim.truth(), objects, release);
        let (mut second, mut back) = (None, None);
        if first.outcome == RunOutcome::Verified {
            let deed = Deed::Deploy(break_image(objects, &target), "deploy with a broken image");
            second = Some(self.act(&client, deed).await?);
            let broken = target.workload.reference();
            // A Deployment's old revision must serve on. A StatefulSet replaces its pods in place, so it may be down.
            let may_be_down = |object: &ObjectRef| *object == broken && broken.kind == "StatefulSet";
            not_serving.extend(dark(&sim.truth(), objects, release).into_iter().filter(|object| !may_be_down(object)));
            back = Some(self.act(&client, Deed::Rollback).await?);
            not_serving.extend(dark(&sim.truth(), objects, release));
        }
        driver.abort();
        not_serving.sort();
        not_serving.dedup();
        Ok(Rehearsal {
            source: self.manifests.name.clone(),
            seed: self.args.seed,
            invented,
            first,
            target,
            second,
            back,
            not_serving,
            requests: client.requests(),
            peaks: peak::of(&before, &sim.history()),
            trace: sim.trace_hash(),
        })
    }

    async fn act(&self, client: &ApiClient, deed: Deed) -> Result<Act> {
        let screen = Screen::new(self.outlet, self.global.progress, true);
        let mut pace = Pace { is_watched: screen.is_live(), shown: Duration::ZERO, slept: Duration::ZERO };
        let mut sink = |stamped: &Stamped| {
            pace.wait_for(stamped.at());
            screen.take(self.outlet, stamped);
        };
        let (_sender, mut signals) = mpsc::unbounded_channel::<Signal>();
        let (began, before) = (Instant::now(), client.requests());
        let deployed = match deed {
            Deed::Deploy(objects, what) => {
                let what = format!("{what} {}", self.manifests.name);
                let request = request(self.manifests, self.outlet, objects, what);
                lucid_deploy::deploy(client, request, &mut sink, &mut signals).await
            }
            Deed::Rollback => {
                let rolled = rollback::rollback(client, self.way_back(), &mut sink, &mut signals).await;
                rolled.map(|(_, deployed)| deployed)
            }
        };
        let computing = began.elapsed().saturating_sub(pace.slept);
        let view = screen.finish(self.outlet);
        let deployed = deployed?;
        let doors = super::plan::doors(&deployed.plan).collect();
        let after = client.requests();
        let requests = (after.0 - before.0, after.1 - before.1);
        match deployed.verdict {
            Verdict::Run(outcome) => Ok(Act { view, outcome, computing, doors, requests }),
            Verdict::DryRun => unreachable!("no dry run was asked for"),
        }
    }

    fn way_back(&self) -> rollback::Wanted<'_> {
        let release = &self.manifests.release;
        rollback::Wanted {
            cleaner: self.outlet,
            release: release.name().to_owned(),
            namespace: release.spec.namespace.clone(),
            to: None,
            component: None,
            dry_run: DryRun::No,
            emergency: false,
            may_replace: Vec::new(),
            deadline: None,
            probe: true,
            identity: rehearser(),
            fresh_key: FreshKey([7; 32]),
            wall: dawn(),
        }
    }
}

/// A deploy as a rehearsal makes it.
fn request<'a>(manifests: &'a Manifests, outlet: &'a Outlet, objects: ObjectSet, command: String) -> Request<'a> {
    Request {
        release: &manifests.release,
        objects,
        selection: Selection::All,
        dry_run: DryRun::No,
        deadline: manifests.release.spec.deadline.0,
        take_ownership: false,
        only_if: None,
        // The simulator pulls what it is told to have.
        images: None,
        probe: true,
        on_failure: OnFail::Stop,
        way_back: None,
        emergency: false,
        may_replace: Vec::new(),
        bake: Duration::ZERO,
        cleaner: outlet,
        source: manifests.name.clone(),
        command,
        fresh_key: FreshKey([7; 32]),
        identity: rehearser(),
        wall: dawn(),
    }
}

fn rehearser() -> Identity {
    Identity { who: "rehearsal".into(), process: "rehearsal".into() }
}

fn dawn() -> Timestamp {
    DAWN.parse().expect("a valid time")
}

/// On a terminal, virtual time goes by four times as fast as real time, and no pause is long.
struct Pace {
    is_watched: bool,
    shown: Duration,
    slept: Duration,
}

impl Pace {
    fn wait_for(&mut self, at: Duration) {
        if !self.is_watched || at <= self.shown {
            return;
        }
        let pause = (at - self.shown).mul_f64(0.25).min(Duration::from_millis(400));
        std::thread::sleep(pause);
        self.slept += pause;
        self.shown = at;
    }
}

/// The image that gets a component into trouble.
fn never_pushed() -> Behaviour {
    let select = Select { image: Some(format!(":{ABSENT_TAG}")), ..Select::default() };
    Behaviour { select, pull: Some(PullOutcome::NotFound), ..Behaviour::default() }
}

/// The component to break: the one asked for, or the one that most others wait for.
fn choose(manifests: &Manifests, asked: Option<&str>) -> Result<Target> {
    let (release, objects) = (&manifests.release, &manifests.objects);
    let components = &release.spec.components;
    let owners = ownership::assign(release, objects).owners;
    let needs = graph::needs(release, objects, &owners);
    let workload = |index: usize| {
        objects.iter().zip(&owners).find(|(object, owner)| **owner == Some(index) && is_rolling(object)).map(|(o, _)| o)
    };
    let dependents = |index: usize| {
        let all: Vec<BTreeSet<usize>> =
            (0..components.len()).map(|other| graph::with_needs(other, &needs.of).into_iter().collect()).collect();
        all.iter().filter(|set| set.contains(&index)).count()
    };
    let index = match asked {
        Some(name) => components.iter().position(|component| component.name == name).ok_or_else(|| {
            let names = components.iter().map(|component| component.name.as_str());
            let help = lucid_release::load::nearest(name, names).unwrap_or_else(|| "see lucid.yaml".into());
            Failure::usage(format!("there is no component {name}")).help(help)
        })?,
        None => {
            // Rather a Deployment: its old revision serves on, so the rehearsal shows that too.
            let rank = |index: usize| workload(index).map(|object| object.kind() == "Deployment");
            (0..components.len())
                .filter(|&index| rank(index).is_some())
                .max_by_key(|&index| (rank(index), dependents(index), std::cmp::Reverse(index)))
                .ok_or_else(|| Failure::usage("no component has a workload that can be broken"))?
        }
    };
    let name = components[index].name.clone();
    let workload = workload(index)
        .ok_or_else(|| Failure::usage(format!("{name} has no Deployment or StatefulSet that could be broken")))?;
    let image = workload.str_at("/spec/template/spec/containers/0/image").unwrap_or_default();
    Ok(Target { component: name, image: absent(image), workload: workload.clone() })
}

fn is_rolling(object: &Object) -> bool {
    matches!(object.kind(), "Deployment" | "StatefulSet")
        && object.str_at("/spec/template/spec/containers/0/image").is_some()
}

/// The image under a tag that was never pushed.
fn absent(image: &str) -> String {
    tagged(image, ABSENT_TAG)
}

/// Every container of the object with this tag of its image.
fn with_tag(tag: &str) -> impl Fn(&Object) -> Object {
    move |object| {
        let mut object = object.clone();
        let containers = object.value_mut().pointer_mut("/spec/template/spec/containers");
        for container in containers.and_then(|containers| containers.as_array_mut()).into_iter().flatten() {
            if let Some(image) = container["image"].as_str().map(|image| tagged(image, tag)) {
                container["image"] = image.into();
            }
        }
        object
    }
}

fn tagged(image: &str, new: &str) -> String {
    let name = image.split('@').next().unwrap_or(image);
    let tag = name.rfind(':').filter(|&colon| !name[colon..].contains('/'));
    format!("{}:{new}", &name[..tag.unwrap_or(name.len())])
}

fn break_image(objects: &ObjectSet, target: &Target) -> ObjectSet {
    let broken = target.workload.reference();
    objects
        .iter()
        .map(|object| {
            let mut object = object.clone();
            if object.reference() == broken
                && let Some(image) = object.value_mut().pointer_mut("/spec/template/spec/containers/0/image")
            {
                *image = target.image.clone().into();
            }
            object
        })
        .collect()
}

/// Workloads of which no pod with the release's own images serves.
fn dark(truth: &Truth, objects: &ObjectSet, release: &ReleaseFile) -> Vec<ObjectRef> {
    let is_served = |object: &&Object| {
        let images: Vec<&str> = object
            .value()
            .pointer("/spec/template/spec/containers")
            .and_then(|containers| containers.as_array())
            .into_iter()
            .flatten()
            .filter_map(|container| container["image"].as_str())
            .collect();
        let namespace = object.namespace().unwrap_or(&release.spec.namespace);
        let serving = truth.serving(namespace, object.kind(), object.name());
        serving.get(&images).is_some_and(|&pods| pods > 0)
    };
    let wants_pods = |object: &&Object| object.value().pointer("/spec/replicas").is_none_or(|replicas| replicas != 0);
    objects
        .iter()
        .filter(|object| is_rolling(object))
        .filter(wants_pods)
        .filter(|object| !is_served(object))
        .map(Object::reference)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_keeps_its_name_and_loses_its_tag() {
        for (image, want) in [
            ("redis", "redis:never-pushed"),
            ("redis:8", "redis:never-pushed"),
            ("localhost:5000/a/b", "localhost:5000/a/b:never-pushed"),
            ("localhost:5000/a/b:1@sha256:00", "localhost:5000/a/b:never-pushed"),
        ] {
            assert_eq!(absent(image), want);
        }
    }
}
