//! What is to be done when, by whom: one entry an actor and object.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::store::{Key, Reader};

/// Who acts. The order breaks ties, so it is part of the behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Actor {
    Namespace,
    ServiceAccount,
    Definition,
    Deployment,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    Job,
    CronJob,
    Claim,
    Endpoints,
    Budget,
    Autoscaler,
    Garbage,
    Scheduler,
    Kubelet,
    Quota,
    ReplicationController,
    /// What the server forgets after a while.
    Expiry,
    /// Whether a node still reports.
    Node,
    /// Objects in the version that is stored.
    Migration,
    /// Whether a pod may stay on its node.
    Eviction,
    /// What a scenario lets happen.
    Script,
}

impl Actor {
    /// Whose caches it reads; none for what asks the server, or is a part of it.
    pub(crate) fn reader(self) -> Option<Reader> {
        match self {
            Self::Deployment
            | Self::ReplicaSet
            | Self::ReplicationController
            | Self::StatefulSet
            | Self::DaemonSet
            | Self::Job
            | Self::CronJob
            | Self::Claim
            | Self::Endpoints
            | Self::Budget => Some(Reader::Controllers),
            Self::Scheduler => Some(Reader::Scheduler),
            Self::Kubelet => Some(Reader::Kubelets),
            Self::Namespace
            | Self::ServiceAccount
            | Self::Definition
            | Self::Autoscaler
            | Self::Garbage
            | Self::Quota
            | Self::Expiry
            | Self::Node
            | Self::Migration
            | Self::Eviction
            | Self::Script => None,
        }
    }

    /// Those that would do a thing twice if they did not see that they have done it: they wait until they do.
    pub(crate) fn expects_its_own(self) -> bool {
        matches!(self, Self::ReplicaSet | Self::ReplicationController | Self::DaemonSet | Self::Job | Self::Endpoints)
    }
}

/// Work by time; the same actor and object stand in it once, at the earliest time asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queue {
    order: u64,
    by_time: BTreeMap<(Duration, u64), (Actor, Key)>,
    by_work: BTreeMap<(Actor, Key), Slot>,
    /// When those have to look again that look before they can know of the last change.
    later: BTreeMap<(Actor, Key), Duration>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    at: (Duration, u64),
    /// An earlier look does not do.
    is_awaited: bool,
}

impl Queue {
    pub(crate) fn push(&mut self, at: Duration, actor: Actor, key: Key) {
        self.put(at, (actor, key), false);
    }

    /// The same for a change that is not known before then: an earlier look does not do.
    pub(crate) fn wake(&mut self, at: Duration, actor: Actor, key: Key) {
        self.put(at, (actor, key), true);
    }

    fn put(&mut self, at: Duration, work: (Actor, Key), is_awaited: bool) {
        if let Some(slot) = self.by_work.get(&work) {
            let (is_first, last) = (at < slot.at.0, at.max(slot.at.0));
            let keeps_last = if is_first { slot.is_awaited } else { is_awaited };
            if keeps_last && at != slot.at.0 {
                let later = self.later.entry(work.clone()).or_default();
                *later = last.max(*later);
            }
            if !is_first {
                return;
            }
            self.by_time.remove(&slot.at);
        }
        self.order += 1;
        let slot = Slot { at: (at, self.order), is_awaited };
        self.by_work.insert(work.clone(), slot);
        self.by_time.insert(slot.at, work);
    }

    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.by_time.keys().next().map(|(at, _)| *at)
    }

    pub(crate) fn pop_due(&mut self, to: Duration) -> Option<(Duration, Actor, Key)> {
        let entry = self.by_time.first_entry().filter(|entry| entry.key().0 <= to)?;
        let at = entry.key().0;
        let work = entry.remove();
        self.by_work.remove(&work);
        if let Some(later) = self.later.remove(&work) {
            self.wake(later, work.0, work.1.clone());
        }
        Some((at, work.0, work.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_once_and_in_order() {
        let ms = Duration::from_millis;
        let mut queue = Queue::default();
        queue.push(ms(20), Actor::Kubelet, Key::new("n", "a"));
        queue.push(ms(10), Actor::Kubelet, Key::new("n", "b"));
        queue.push(ms(5), Actor::Kubelet, Key::new("n", "a"));
        queue.push(ms(30), Actor::Kubelet, Key::new("n", "a"));
        assert_eq!(queue.next_due(), Some(ms(5)));
        let mut done = Vec::new();
        while let Some((at, _, key)) = queue.pop_due(ms(100)) {
            done.push((at, key.name));
        }
        assert_eq!(done, [(ms(5), "a".to_owned()), (ms(10), "b".to_owned())]);
    }

    #[test]
    fn a_change_is_looked_at_once_it_is_known() {
        let ms = Duration::from_millis;
        let mut queue = Queue::default();
        let key = || Key::new("n", "a");
        queue.push(ms(10), Actor::Job, key());
        queue.wake(ms(20), Actor::Job, key());
        queue.wake(ms(15), Actor::Job, key());
        assert_eq!(queue.pop_due(ms(100)), Some((ms(10), Actor::Job, key())));
        queue.push(ms(12), Actor::Job, key());
        assert_eq!(queue.pop_due(ms(100)), Some((ms(12), Actor::Job, key())));
        assert_eq!(queue.pop_due(ms(100)), Some((ms(20), Actor::Job, key())));
        assert_eq!(queue.pop_due(ms(100)), None);
    }

    #[test]
    fn what_is_not_due_stays() {
        let mut queue = Queue::default();
        queue.push(Duration::from_secs(2), Actor::Job, Key::new("", "j"));
        assert!(queue.pop_due(Duration::from_secs(1)).is_none());
        assert!(queue.pop_due(Duration::from_secs(2)).is_some());
    }
}
