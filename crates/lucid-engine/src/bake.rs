//! The time after verification in which a release must stay good before it counts as good.
//!
//! A container that restarts, a component that loses its readiness and does not get it back, or one whose health endpoint
//! stops answering: each is a failure of the run, with all that follows from one. Nothing is pruned before the time is
//! over, so that the way back finds what it needs.

use std::collections::BTreeMap;
use std::time::Duration;

use lucid_object::Finding;
use lucid_status::{Cluster, Since};
use serde_json::Value;

use crate::engine::{Engine, Step};
use crate::event::Event;
use crate::lane::{LaneRun, State, Verification};

/// How often the health endpoints are asked again.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// How long a component may be without readiness before that is a regression: rescheduled pods come back sooner.
const UNREADY_FOR: Duration = Duration::from_secs(15);
/// How often it is looked, although nothing was heard.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The watch over what was verified.
#[derive(Debug, Default)]
pub(crate) struct Bake {
    under_way: Option<UnderWay>,
    is_over: bool,
}

#[derive(Debug)]
struct UnderWay {
    until: Duration,
    ask_at: Duration,
    look_at: Duration,
    /// Restarts of each container when the watch began.
    restarts: BTreeMap<String, i64>,
    /// Since when each lane is not ready.
    unready: BTreeMap<usize, Duration>,
}

impl Bake {
    pub(crate) fn next_look(&self) -> Option<Duration> {
        self.under_way.as_ref().map(|bake| bake.look_at.min(bake.until))
    }
}

impl Engine {
    pub(crate) fn is_to_be_baked(&self) -> bool {
        !self.options.bake.is_zero() && !self.bake.is_over
    }

    /// Begins, goes on with or ends the watch over what was verified.
    pub(crate) fn bake(&mut self, step: &mut Step<'_>) {
        if !self.is_to_be_baked() {
            return;
        }
        if self.bake.under_way.is_none() {
            let all_good = self.lanes.iter().all(|lane| lane.state == State::Ready && lane.is_over());
            if all_good {
                self.begin_to_bake(step);
            }
            return;
        }
        self.find_regressions(step);
        let now = step.now.elapsed;
        let Some(bake) = &mut self.bake.under_way else { return };
        bake.look_at = now + LOOK_EVERY;
        if now >= bake.until {
            self.end_baking(step);
        } else if now >= bake.ask_at {
            bake.ask_at = now + ASK_EVERY;
            self.ask_again();
        }
    }

    fn begin_to_bake(&mut self, step: &mut Step<'_>) {
        let now = step.now.elapsed;
        let until = now + self.options.bake;
        // The deadline is for getting there, not for staying.
        self.options.deadline = self.options.deadline.max(until + UNREADY_FOR);
        let restarts = self.lanes.iter().flat_map(|lane| restarts(lane, step.cluster)).collect();
        self.bake.under_way = Some(UnderWay {
            until,
            ask_at: now + ASK_EVERY,
            look_at: now + LOOK_EVERY,
            restarts,
            unready: BTreeMap::new(),
        });
        let for_ms = u64::try_from(self.options.bake.as_millis()).unwrap_or(u64::MAX);
        step.emit(Event::Baking { for_ms });
    }

    fn find_regressions(&mut self, step: &mut Step<'_>) {
        let now = step.now.elapsed;
        for index in 0..self.lanes.len() {
            let Some(bake) = &mut self.bake.under_way else { return };
            let lane = &self.lanes[index];
            if lane.state == State::Ready {
                bake.unready.remove(&index);
            }
            let since = (lane.state == State::Settling).then(|| *bake.unready.entry(index).or_insert(now));
            let restarted = restarts(lane, step.cluster)
                .into_iter()
                .find(|(container, count)| *count > bake.restarts.get(container).copied().unwrap_or(0));
            let why = match (lane.state == State::Failed, restarted, since) {
                (true, ..) => None,
                (_, Some((container, count)), _) => {
                    let name = container.rsplit('/').next().unwrap_or_default().to_owned();
                    Some(format!("its container {name} has restarted; it now counts {count}"))
                }
                (.., Some(since)) if now >= since + UNREADY_FOR || now >= bake.until => {
                    Some("it was ready and is not any more".to_owned())
                }
                _ => None,
            };
            if let Some(why) = why {
                self.regress(index, &why, step);
            }
        }
    }

    fn regress(&mut self, index: usize, why: &str, step: &mut Step<'_>) {
        let lane = &self.lanes[index];
        let finding =
            Finding::error(9030, format!("{} did not stay good after it was verified: {why}", lane.plan.name));
        let said = lane.said.split_once(' ').map_or("", |(_, said)| said).trim();
        let finding = if said.is_empty() { finding } else { finding.seen(said) };
        let finding = finding.help("`lucid why` shows its events and logs; what passed at the start does not last");
        self.fail(index, vec![finding], step);
    }

    fn ask_again(&mut self) {
        if !self.options.probe {
            return;
        }
        let asked = |lane: &&mut LaneRun| {
            lane.needs_probe() && lane.state == State::Ready && lane.verification == Verification::Done
        };
        for lane in self.lanes.iter_mut().filter(asked) {
            lane.verification = Verification::NotAsked;
            lane.first_probe_failure = None;
        }
    }

    fn end_baking(&mut self, step: &mut Step<'_>) {
        for index in 0..self.lanes.len() {
            if matches!(self.lanes[index].verification, Verification::RetryAt(_))
                && self.lanes[index].state == State::Ready
            {
                self.regress(index, "its health endpoint does not answer any more", step);
            }
        }
        // An answer that is still awaited decides.
        let awaited = |lane: &LaneRun| lane.state == State::Ready && !lane.is_over();
        if !self.lanes.iter().any(awaited) {
            self.bake.is_over = true;
            self.bake.under_way = None;
        }
    }
}

/// Restarts of every container of a lane's pods, by [`Since::key`].
fn restarts(lane: &LaneRun, cluster: &dyn Cluster) -> BTreeMap<String, i64> {
    let mut counts = Since::default();
    for object in lane.workloads() {
        let Some(uid) = cluster.get(&object).and_then(uid_of) else { continue };
        let children = cluster.owned_by(uid);
        let below: Vec<&Value> =
            children.iter().filter_map(|child| uid_of(child)).flat_map(|u| cluster.owned_by(u)).collect();
        counts.remember_restarts(children.into_iter().chain(below).filter(|object| object["kind"] == "Pod"));
    }
    counts.restarts
}

fn uid_of(value: &Value) -> Option<&str> {
    value.pointer("/metadata/uid")?.as_str()
}
