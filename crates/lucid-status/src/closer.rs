//! What the API's objects leave open about a pod in trouble, and a question to the pod itself would tell: the end of a
//! log, a port that answers inside. The caller asks, and its [`crate::Cluster`] hands the answers to diagnosis.

use serde_json::Value;

use crate::classify::saying;
use crate::cluster::{Cluster, Scene, Since};
use crate::diagnose::{crash, events, probes};
use crate::diagnosis::{Certainty, Diagnosis};
use crate::read::{count, int, is_true, items, reference, text};

/// Questions about one pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Questions {
    /// Containers that ended with an error of their own.
    pub logs: Vec<Log>,
    /// Ports whose probe is refused.
    pub ports: Vec<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    pub container: String,
    /// It runs again: the log that counts is that of the run before.
    pub previous: bool,
}

impl Questions {
    pub fn is_empty(&self) -> bool {
        self.logs.is_empty() && self.ports.is_empty()
    }
}

/// What to ask a pod.
pub fn questions(pod: &Value, cluster: &dyn Cluster, now: jiff::Timestamp) -> Questions {
    let statuses = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let logs = statuses.iter().flat_map(|list| items(pod, list)).filter_map(log);
    Questions { logs: logs.collect(), ports: ports(pod, cluster, now) }
}

fn ports(pod: &Value, cluster: &dyn Cluster, now: jiff::Timestamp) -> Vec<u16> {
    let mut waiting = items(pod, "/status/containerStatuses")
        .filter(|status| status.pointer("/state/running").is_some() && !is_true(status, "/ready"))
        .map(|status| text(status, "/name"))
        .peekable();
    // Of most pods nobody need look up the events.
    if waiting.peek().is_none() {
        return Vec::new();
    }
    let scene = Scene { cluster, since: &Since::default(), now };
    let events = events::of(pod, &scene);
    let is_refused = |name: &&str| {
        events.iter().any(|event| {
            event.reason() == "Unhealthy"
                && event.container().is_none_or(|about| about == *name)
                && probes::is_refused(event.message())
        })
    };
    let specs = waiting
        .filter(is_refused)
        .filter_map(|name| items(pod, "/spec/containers").find(|spec| text(spec, "/name") == name));
    let mut ports: Vec<u16> = specs
        .flat_map(|spec| ["readiness", "startup"].into_iter().filter_map(|which| probes::port(pod, spec, which)))
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

fn log(status: &Value) -> Option<Log> {
    let ended = |at: &str| status.pointer(at).and_then(|end| int(end, "/exitCode"));
    let exit = ended("/state/terminated").or_else(|| ended("/lastState/terminated"))?;
    let again = count(status, "/restartCount") > 0 && !is_true(status, "/ready")
        || status.pointer("/state/terminated").is_some();
    (crash::is_its_own(exit) && again).then(|| Log {
        container: text(status, "/name").to_owned(),
        previous: status.pointer("/state/running").is_some(),
    })
}

/// What a log says beyond the exit code, for who has read it while the pod's states are known already.
pub fn of_log(pod: &Value, container: &str, log: &str) -> Option<Diagnosis> {
    let found = saying::unresolved(log)?;
    let words = format!("container {container} cannot resolve {}", found.name.unwrap_or("a name"));
    let new = Diagnosis::new(5212, reference(pod), words).certainty(Certainty::Likely);
    let help = crate::catalogue::entry(new.finding.code).map(|entry| entry.remedy);
    Some(new.seen(format!("the last it wrote: {}", found.words)).help(help.unwrap_or_default()))
}
