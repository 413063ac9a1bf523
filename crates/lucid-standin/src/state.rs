//! What the tasks of one stand-in know together.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::settings::Settings;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    began: Instant,
    started: AtomicBool,
    stopping: AtomicBool,
    /// Peer → whether its port could be reached when it was last tried.
    peers: Mutex<BTreeMap<String, bool>>,
    /// Status code → answers.
    answers: Mutex<BTreeMap<u16, u64>>,
    leaked: AtomicU64,
}

/// Whether it serves, as its health says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    Starting,
    Serving,
    Stopping,
    /// On command.
    Broken,
}

impl State {
    pub(crate) fn new(settings: Settings) -> Self {
        let peers = settings.peers.iter().map(|peer| (peer.name.clone(), false)).collect();
        Self {
            settings,
            began: Instant::now(),
            started: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            peers: Mutex::new(peers),
            answers: Mutex::default(),
            leaked: AtomicU64::new(0),
        }
    }

    pub(crate) fn health(&self) -> Health {
        match () {
            () if self.stopping.load(Ordering::Relaxed) => Health::Stopping,
            () if !self.started.load(Ordering::Relaxed) => Health::Starting,
            () if self.settings.faults.spoils_health(self.running()) => Health::Broken,
            () => Health::Serving,
        }
    }

    pub(crate) fn running(&self) -> Duration {
        self.began.elapsed()
    }

    pub(crate) fn start(&self) {
        self.started.store(true, Ordering::Relaxed);
    }

    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn saw(&self, peer: &str, reachable: bool) {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.insert(peer.to_owned(), reachable);
    }

    pub(crate) fn peers(&self) -> BTreeMap<String, bool> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn answered(&self, status: u16) {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner).entry(status).or_default() += 1;
    }

    pub(crate) fn answers(&self) -> BTreeMap<u16, u64> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn leak(&self, bytes: u64) {
        self.leaked.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn leaked(&self) -> u64 {
        self.leaked.load(Ordering::Relaxed)
    }
}
