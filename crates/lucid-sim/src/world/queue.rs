//! What is to be done when, by whom: one entry an actor and object.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::store::Key;

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

/// Work by time; the same actor and object stand in it once, at the earliest time asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queue {
    order: u64,
    by_time: BTreeMap<(Duration, u64), (Actor, Key)>,
    by_work: BTreeMap<(Actor, Key), (Duration, u64)>,
}

impl Queue {
    pub(crate) fn push(&mut self, at: Duration, actor: Actor, key: Key) {
        let work = (actor, key);
        if let Some(slot) = self.by_work.get(&work) {
            if slot.0 <= at {
                return;
            }
            self.by_time.remove(slot);
        }
        self.order += 1;
        self.by_work.insert(work.clone(), (at, self.order));
        self.by_time.insert((at, self.order), work);
    }

    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.by_time.keys().next().map(|(at, _)| *at)
    }

    pub(crate) fn pop_due(&mut self, to: Duration) -> Option<(Duration, Actor, Key)> {
        let entry = self.by_time.first_entry().filter(|entry| entry.key().0 <= to)?;
        let at = entry.key().0;
        let work = entry.remove();
        self.by_work.remove(&work);
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
    fn what_is_not_due_stays() {
        let mut queue = Queue::default();
        queue.push(Duration::from_secs(2), Actor::Job, Key::new("", "j"));
        assert!(queue.pop_due(Duration::from_secs(1)).is_none());
        assert!(queue.pop_due(Duration::from_secs(2)).is_some());
    }
}
