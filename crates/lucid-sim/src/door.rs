//! A door of its own for one client: what goes through it can be made to fail, and is noted.
//!
//! [`Sim::door`] gives one. Requests that change something are counted, and each of them can meet a [`Fault`]. A client
//! that dies there sends nothing more; what it had sent may still arrive, after its successor's first steps.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::api::Request;
use crate::error::ApiError;
use crate::service::SimService;
use crate::sim::Sim;

/// What becomes of a request that would change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The client dies before it has sent the request.
    DieBefore,
    /// The request is lost on its way, and the client sees the connection break.
    Lost,
    /// The request is carried out, and the client sees the connection break.
    AnswerLost,
    /// The request is carried out, and the client dies before the answer comes.
    DieAfter,
    /// The client dies, and the request is carried out only after so many (one at least) changing requests of others.
    Late(u32),
    /// The server refuses with this code: 409, 429, 500, 503 or 504.
    Refused(u16),
}

impl Fault {
    pub(crate) fn is_death(self) -> bool {
        matches!(self, Self::DieBefore | Self::DieAfter | Self::Late(_))
    }
}

/// One client's way to the server. Clones are the same door.
#[derive(Debug, Clone)]
pub struct Door {
    pub(crate) id: u32,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    death: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Changing requests so far.
    changes: usize,
    faults: BTreeMap<usize, Fault>,
    is_dead: bool,
}

impl Door {
    pub(crate) fn new(id: u32, faults: BTreeMap<usize, Fault>) -> Self {
        let state = Mutex::new(State { faults, ..State::default() });
        Self { id, shared: Arc::new(Shared { state, death: Notify::new() }) }
    }

    /// By which [`crate::History`] knows the client.
    pub fn number(&self) -> u32 {
        self.id
    }

    /// How many requests that change something have come through.
    pub fn changes(&self) -> usize {
        self.lock().changes
    }

    /// Ends when the client has died at one of its faults.
    pub async fn death(&self) {
        loop {
            let notified = self.shared.death.notified();
            if self.is_dead() {
                return;
            }
            notified.await;
        }
    }

    pub fn is_dead(&self) -> bool {
        self.lock().is_dead
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this request meets. Counts it, when it would change something.
    pub(crate) fn meet(&self, request: &Request) -> Option<Fault> {
        let mut state = self.lock();
        if state.is_dead {
            return Some(Fault::DieBefore);
        }
        if !changes_something(request) {
            return None;
        }
        let number = state.changes;
        state.changes += 1;
        let fault = state.faults.get(&number).copied();
        if fault.is_some_and(Fault::is_death) {
            state.is_dead = true;
            self.shared.death.notify_waiters();
        }
        fault
    }
}

/// Neither reads nor trials nor questions change anything.
pub(crate) fn changes_something(request: &Request) -> bool {
    !matches!(request.method.as_str(), "GET" | "HEAD")
        && !request.query.dry_run()
        && !request.path.starts_with("/apis/authorization.k8s.io/")
        && !request.path.starts_with("/apis/authentication.k8s.io/")
}

/// What the server says when it refuses for a reason of its own.
pub(crate) fn refusal(code: u16) -> ApiError {
    let (reason, message) = match code {
        409 => {
            ("Conflict", "the object has been modified; please apply your changes to the latest version and try again")
        }
        429 => ("TooManyRequests", "too many requests, please try again later"),
        500 => ("InternalError", "etcdserver: request timed out"),
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
        _ => ("Timeout", "Timeout: request did not complete within requested timeout - context deadline exceeded"),
    };
    ApiError::injected(code, reason, message)
}

pub(crate) fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer")
}

impl Sim {
    /// A way in for one client. `faults` says what becomes of its n-th changing request, counted from zero.
    pub fn door(&self, faults: BTreeMap<usize, Fault>) -> Door {
        self.change(|world| {
            world.doors += 1;
            Door::new(world.doors, faults)
        })
    }

    /// What a client that uses this door sends its requests to.
    pub fn service_through(&self, door: &Door) -> SimService {
        SimService::new(self.clone(), Some(door.clone()))
    }

    /// Carries out what clients that died had sent and what has not arrived yet.
    pub fn deliver_late(&self) {
        self.change(|world| {
            for late in std::mem::take(&mut world.late) {
                world.deliver(late);
            }
        });
    }
}
