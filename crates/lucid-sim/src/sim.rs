//! The simulated cluster from outside: a handle to ask, to drive and to judge.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::chooser::Chooser;
use crate::config::Config;
use crate::history::History;
use crate::service::SimService;
use crate::truth::{self, Truth};
use crate::world::{World, state};

/// A cluster in the process. Clones are handles to the same one.
///
/// Its clock is tokio's, counted from the first use: under `tokio::time::pause` it is virtual. Requests are answered
/// by [`Sim::service`] at any time; controllers, scheduler and kubelets only act while [`Sim::run`] is being polled.
#[derive(Clone)]
pub struct Sim {
    shared: Arc<Shared>,
}

/// A cluster at one moment, from which any number of others can go on.
#[derive(Clone)]
pub struct Snapshot(World);

struct Shared {
    world: Mutex<World>,
    /// Something came up that may be due earlier than what was planned.
    changed: Notify,
    epoch: OnceLock<Instant>,
    /// What the clock showed at the epoch: a copy goes on from where its original stood.
    began: Duration,
    speed: u32,
}

/// Why the cluster would not take an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub code: u16,
    pub message: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Refused {}

impl Sim {
    pub fn new(config: Config) -> Self {
        let speed = config.speed.max(1);
        Self::of(World::new(config), speed, Duration::ZERO)
    }

    /// The cluster that [`Sim::save`] wrote down. Its objects are as they were; containers start again, as after a
    /// restart of every node.
    ///
    /// # Errors
    /// When the state is none, or names kinds that are not served.
    pub fn load(config: Config, state: Value) -> Result<Self, Refused> {
        let speed = config.speed.max(1);
        let world = state::load(config, state).map_err(|message| Refused { code: 400, message })?;
        Ok(Self::of(world, speed, Duration::ZERO))
    }

    /// Everything that the store holds, to go on from with [`Sim::load`]. Secrets are in it as they are.
    pub fn save(&self) -> Value {
        self.with(|world| state::save(world))
    }

    /// Its history begins with what comes from now on.
    fn of(mut world: World, speed: u32, began: Duration) -> Self {
        world.history = world.config.keeps_history.then(History::default);
        let shared = Shared { world: Mutex::new(world), changed: Notify::new(), epoch: OnceLock::new(), began, speed };
        Self { shared: Arc::new(shared) }
    }

    /// The cluster as it stands now, but for its clients.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.with(|world| world.clone()))
    }

    /// A cluster that goes on from a snapshot, with choices of its own.
    pub fn restore(snapshot: &Snapshot, seed: u64) -> Self {
        let mut world = snapshot.0.clone();
        // Never the draws again that made what is there: two objects with one uid are one to a kubelet.
        let drawn = world.chooser.next();
        world.chooser = Chooser::new(seed ^ drawn);
        let (speed, now) = (world.config.speed.max(1), world.now());
        Self::of(world, speed, now)
    }

    /// An object as it stands in the store.
    pub fn get(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.with(|world| {
            let table = world.kinds.by_kind(api_version, kind)?.table;
            world.get(table, namespace, name)
        })
    }

    /// Every object in the store.
    pub fn objects(&self) -> Vec<Arc<Value>> {
        self.with(|world| world.store.all().cloned().collect())
    }

    /// What has happened since the start, when the configuration keeps it.
    pub fn history(&self) -> History {
        self.with(|world| world.history.clone().unwrap_or_default())
    }

    /// What a client sends its requests to.
    pub fn service(&self) -> SimService {
        SimService::new(self.clone(), None)
    }

    /// Does what is due, when it is due. Never ends; stop polling it to stop the cluster.
    pub async fn run(&self) {
        loop {
            let due = self.with(|world| world.next_due());
            let changed = self.shared.changed.notified();
            match due {
                Some(due) => {
                    let due = due.saturating_sub(self.shared.began) / self.shared.speed;
                    let _ = tokio::time::timeout_at(self.epoch() + due, changed).await;
                }
                None => changed.await,
            }
        }
    }

    /// Time since the first use.
    pub fn elapsed(&self) -> Duration {
        self.shared.began + self.epoch().elapsed() * self.shared.speed
    }

    /// Plants an object as it is, status included, past admission and validation.
    ///
    /// # Errors
    /// When no such kind is served.
    pub fn put(&self, object: Value) -> Result<(), Refused> {
        let planted = self.change(|world| world.plant(object).map(drop));
        planted.map_err(|error| Refused { code: error.code, message: error.message })
    }

    /// Which container of which revision answers, whatever the API says.
    pub fn truth(&self) -> Truth {
        self.with(|world| truth::of(world))
    }

    /// A hash over every request and every committed change, in order and with their times.
    pub fn trace_hash(&self) -> u64 {
        self.with(|world| world.trace.hash())
    }

    /// Forgets the history, so that watches and continued lists from before are told 410.
    pub fn compact(&self) {
        self.change(|world| world.store.compact());
    }

    /// Ends every open watch, as a restarting server does.
    pub fn close_watches(&self) {
        self.change(|world| world.watchers.close());
    }

    fn epoch(&self) -> Instant {
        *self.shared.epoch.get_or_init(Instant::now)
    }

    /// The world as it is now, with all that was due done.
    fn with<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        let now = self.elapsed();
        let mut world = self.lock();
        world.advance_to(now);
        look(&mut world)
    }

    /// As [`Self::with`], and wakes whoever drives the cluster.
    pub(crate) fn change<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        let result = self.with(act);
        self.shared.changed.notify_one();
        result
    }

    /// A world that panicked half way is shown as it is: the panic itself is the finding.
    fn lock(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
