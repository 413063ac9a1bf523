//! The simulated cluster as one value: store, clock, queue of work, and all that acts on them.
//!
//! Pure: time only moves through [`World::advance_to`], choices only come from the chooser. [`queue`] holds what is due,
//! [`routes`] says who has to look at a change, [`watchers`] passes changes on to clients, [`write`] and [`delete`] are
//! the registry: every write, by a client or by a controller, goes through them.

pub(crate) mod addresses;
pub(crate) mod delete;
pub(crate) mod metadata;
pub(crate) mod queue;
pub(crate) mod routes;
pub(crate) mod seed;
pub(crate) mod state;
pub(crate) mod watchers;
pub(crate) mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::api::user::User;
use crate::api::{self, Reply, Request};
use crate::chooser::Chooser;
use crate::config::Config;
use crate::door::changes_something;
use crate::happening::{self, Happening};
use crate::history::{Commit, Heard, History};
use crate::json::Json;
use crate::kinds::{Kinds, Table};
use crate::kubelet::Kubelets;
use crate::recorder::Recorder;
use crate::store::{Change, Key, Reader, Store};
use crate::time;
use crate::trace::Trace;

use addresses::Addresses;
use queue::Queue;
use watchers::Watchers;

pub(crate) use queue::Actor;
pub(crate) use write::By;

/// A request whose sender has died, and after how many changing requests of others it arrives.
#[derive(Debug, Clone)]
pub(crate) struct Late {
    pub(crate) steps: u32,
    pub(crate) client: u32,
    pub(crate) request: Request,
}

/// After how long a controller tries again what the server has refused.
const RETRY: Duration = Duration::from_millis(5);

/// How often a watch is told how far it is.
const BOOKMARK_PERIOD: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) kinds: Kinds,
    pub(crate) chooser: Chooser,
    pub(crate) queue: Queue,
    pub(crate) watchers: Watchers,
    pub(crate) kubelets: Kubelets,
    pub(crate) recorder: Recorder,
    pub(crate) addresses: Addresses,
    /// Pods that wait for a node.
    pub(crate) scheduling: BTreeSet<Key>,
    pub(crate) trace: Trace,
    /// When each event was written last.
    pub(crate) events: BTreeMap<Key, Duration>,
    /// Who makes the current request; controllers are the cluster itself.
    pub(crate) asker: User,
    /// What the answer to the current request warns of.
    pub(crate) warnings: Vec<String>,
    /// How many doors clients were given.
    pub(crate) doors: u32,
    /// The client whose request is being carried out.
    pub(crate) client: Option<u32>,
    /// What clients that died had sent, and what has not arrived yet.
    pub(crate) late: Vec<Late>,
    /// What is going to happen, by its number in the queue.
    pub(crate) script: Vec<Happening>,
    /// How far caches are behind until then.
    pub(crate) behind: Option<(Duration, Duration)>,
    /// A code that every request gets until then.
    pub(crate) refusing: Option<(u16, Duration)>,
    /// Pods that have to leave their node, and since when.
    pub(crate) evictions: BTreeMap<Key, Duration>,
    /// How many replicas each autoscaler has found right, and when; the newest last.
    pub(crate) recommendations: BTreeMap<Key, Vec<(Duration, i64)>>,
    /// Kept when the configuration wants it.
    pub(crate) history: Option<History>,
    /// Who makes the current write, if it reads from a cache.
    writer: Option<Reader>,
    /// When an actor will know what it did at its last look.
    expected: BTreeMap<(Actor, Key), Duration>,
    /// Whether the server has refused a write of the actor that looks.
    refused: bool,
    now: Duration,
    next_bookmark: Duration,
}

impl World {
    pub(crate) fn new(config: Config) -> Self {
        let mut world = Self::empty(config);
        seed::populate(&mut world);
        world
    }

    /// A cluster that has nothing yet, not even namespaces.
    fn empty(config: Config) -> Self {
        let events = config.events.clone();
        let mut world = Self {
            store: Store::new(config.history),
            kinds: Kinds::new(),
            chooser: Chooser::new(config.seed),
            queue: Queue::default(),
            watchers: Watchers::default(),
            kubelets: Kubelets::default(),
            recorder: Recorder::default(),
            addresses: Addresses::default(),
            scheduling: BTreeSet::new(),
            trace: Trace::default(),
            events: BTreeMap::new(),
            asker: User::default(),
            warnings: Vec::new(),
            doors: 0,
            client: None,
            late: Vec::new(),
            script: Vec::new(),
            behind: None,
            refusing: None,
            evictions: BTreeMap::new(),
            recommendations: BTreeMap::new(),
            history: None,
            writer: None,
            expected: BTreeMap::new(),
            refused: false,
            now: Duration::ZERO,
            next_bookmark: BOOKMARK_PERIOD,
            config,
        };
        if world.config.metrics {
            world.kinds.measure();
        }
        events.into_iter().for_each(|planned| happening::plan(&mut world, planned));
        world
    }

    /// Virtual time since the start.
    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    /// When there is something to do next: for an actor, or a bookmark to be sent.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        let bookmark = self.watchers.want_bookmarks().then_some(self.next_bookmark);
        self.queue.next_due().into_iter().chain(bookmark).min()
    }

    /// Does all work that is due up to `to`, in order; the clock then stands at `to`. It never goes back.
    pub(crate) fn advance_to(&mut self, to: Duration) {
        loop {
            let bookmark = self.next_bookmark;
            if let Some((due, actor, key)) = self.queue.pop_due(to.min(bookmark)) {
                self.now = self.now.max(due);
                // What makes custom resources served, and forgets events, is a part of the API server.
                if !self.config.controllers && !matches!(actor, Actor::Definition | Actor::Expiry | Actor::Script) {
                    continue;
                }
                self.act(actor, key);
            } else if bookmark <= to {
                self.watchers.bookmark(self.store.revision());
                self.next_bookmark += BOOKMARK_PERIOD;
            } else {
                break;
            }
        }
        self.now = self.now.max(to);
    }

    /// Lets an actor look at one object, with what it knows.
    fn act(&mut self, actor: Actor, key: Key) {
        let work = (actor, key);
        if let Some(at) = self.expected.remove(&work).filter(|at| *at > self.now) {
            self.queue.push(at, actor, work.1.clone());
            self.expected.insert(work, at);
            return;
        }
        let (actor, key) = work;
        if let Some(reader) = actor.reader() {
            self.store.look_as(reader, self.now);
        }
        let after = crate::controllers::act(self, actor, &key);
        let known = self.store.look_up();
        if let Some(known) = known.filter(|_| actor.expects_its_own()) {
            self.expected.insert((actor, key.clone()), known);
        }
        // A refused write is tried again, which helps once the cache has what it was refused for.
        let again = std::mem::take(&mut self.refused).then(|| {
            let known = actor.reader().map(|reader| self.store.known_at(reader)).unwrap_or_default();
            known.saturating_sub(self.now) + RETRY
        });
        if let Some(after) = after.into_iter().chain(again).min() {
            // Never at the same instant again: that would stop the clock.
            self.queue.push(self.now + after.max(Duration::from_millis(1)), actor, key);
        }
    }

    /// The actor knew too little for what it tried, and looks again once it knows what is there.
    pub(crate) fn try_again(&mut self) {
        self.refused = true;
    }

    /// Sends a change on its way to the caches.
    fn announce(&mut self, change: &Change, writer: Option<Reader>) {
        if !self.config.controllers {
            return;
        }
        let behind = self.behind.filter(|(_, until)| self.now < *until).map(|(by, _)| by);
        let (now, lag, chooser) = (self.now, behind.unwrap_or(self.config.cache_lag), &mut self.chooser);
        self.store.announce(change, writer, |_| now + chooser.between(Duration::ZERO, lag));
    }

    /// Carries out what the server itself does, with everything that it knows, for an actor that may know less.
    pub(crate) fn live<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let reader = self.store.lift();
        let writer = self.writer;
        self.writer = reader.or(writer);
        let done = work(self);
        self.writer = writer;
        self.store.lower(reader);
        done
    }

    /// The virtual clock as the server prints it.
    pub(crate) fn stamp(&self) -> String {
        time::format_seconds(self.seconds())
    }

    /// Seconds since 1970.
    pub(crate) fn seconds(&self) -> i64 {
        self.config.start + i64::try_from(self.now.as_secs()).unwrap_or(i64::MAX)
    }

    /// How long ago a stamp was; zero for one that cannot be read.
    pub(crate) fn since(&self, stamp: &str) -> Duration {
        let then = time::parse_seconds(stamp).unwrap_or_else(|| self.seconds());
        Duration::from_secs(u64::try_from(self.seconds() - then).unwrap_or(0))
    }

    /// Something a moment from now, by which actors see a change as they would through a watch.
    pub(crate) fn soon(&mut self) -> Duration {
        self.chooser.between(Duration::from_millis(2), Duration::from_millis(12))
    }

    /// How long a request takes to the server and its answer back.
    pub(crate) fn latency(&mut self) -> (Duration, Duration) {
        let half = self.config.latency / 2;
        let mut draw = || self.chooser.between(half / 2, half + half / 2);
        (draw(), draw())
    }

    /// Carries out a client's request, and what arrives late because of it.
    pub(crate) fn serve(&mut self, client: Option<u32>, request: &Request) -> Reply {
        let reply = self.carry_out(client, request);
        if !changes_something(request) {
            return reply;
        }
        for late in &mut self.late {
            late.steps = late.steps.saturating_sub(1);
        }
        let (due, waiting) = std::mem::take(&mut self.late).into_iter().partition(|late| late.steps == 0);
        self.late = waiting;
        let due: Vec<Late> = due;
        due.into_iter().for_each(|late| self.deliver(late));
        reply
    }

    /// Carries out a request whose sender has died.
    pub(crate) fn deliver(&mut self, late: Late) {
        self.carry_out(Some(late.client), &late.request);
    }

    fn carry_out(&mut self, client: Option<u32>, request: &Request) -> Reply {
        self.trace.request(self.now, request);
        self.client = client;
        let reply = happening::refusal(self).unwrap_or_else(|| api::handle(self, request));
        self.client = None;
        self.trace.reply(reply.code);
        self.heard(client, request, Some(reply.code));
        reply
    }

    /// Notes a request that would change something.
    pub(crate) fn heard(&mut self, client: Option<u32>, request: &Request, code: Option<u16>) {
        let at = self.now;
        let (Some(history), Some(client)) = (&mut self.history, client) else { return };
        if !changes_something(request) {
            return;
        }
        history.requests.push(Heard {
            at,
            client,
            method: request.method.to_string(),
            path: request.path.clone(),
            body: serde_json::from_slice(&request.body).unwrap_or_default(),
            code,
        });
    }

    fn remember(&mut self, change: &Change) {
        let Some(history) = &mut self.history else { return };
        history.commits.push(Commit {
            revision: change.revision,
            at: self.now,
            client: self.client,
            resource: self.kinds.stored(change.table).about().qualified(),
            old: change.old.clone(),
            new: change.new.clone(),
        });
    }

    pub(crate) fn get(&self, table: Table, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.store.get(table, namespace, name).cloned()
    }

    /// What a committed change sets off.
    pub(crate) fn committed(&mut self, change: &Change) {
        self.announce(change, self.writer);
        self.trace.change(change);
        self.remember(change);
        if change.table == Table::DEFINITIONS {
            match &change.new {
                Some(definition) if definition.condition("Established") == "True" => self.kinds.define(definition),
                None => self.kinds.forget(change.object()),
                Some(_) => {}
            }
        }
        let now = self.seconds();
        self.watchers.publish(change, now);
        routes::route(self, change);
    }
}
