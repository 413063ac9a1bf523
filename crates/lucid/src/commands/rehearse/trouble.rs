//! What can go wrong in a rehearsal, written so that a person can read it and `--replay` can take it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use lucid_object::ObjectRef;
use lucid_sim::{Edit, Fault, Happening, Planned};
use serde_json::json;

/// What a trial does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// The first deployment, onto an empty cluster.
    Install,
    /// Every workload gets another image.
    Upgrade,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A request that changes something, by its number.
    Request(usize, Fault),
    /// Every watch ends, as when an API server restarts.
    WatchesEnd(Duration),
    /// Every watch ends, and the versions it could go on from are forgotten.
    HistoryExpires(Duration),
    /// A node falls silent for a while.
    NodeLost { node: String, at: Duration, lasts: Duration },
    /// Every request is refused for a while.
    ServerDown { code: u16, at: Duration, lasts: Duration },
    /// Controllers, scheduler and kubelets hear of changes late for a while.
    CachesBehind { by: Duration, at: Duration, lasts: Duration },
    /// Somebody restarts a workload by `kubectl rollout restart`.
    Restarted { workload: ObjectRef, at: Duration },
}

/// How long after a node's return its pods may take to serve again.
const SETTLING: Duration = Duration::from_secs(60);

impl Trouble {
    /// What happens to the cluster, and when; a request's own fault is met at its door.
    pub(super) fn happenings(&self) -> Vec<Planned> {
        let planned = |at: Duration, what: Happening| Planned { at, what };
        match self {
            Self::Request(..) => Vec::new(),
            Self::WatchesEnd(at) => vec![planned(*at, Happening::EndWatches)],
            Self::HistoryExpires(at) => vec![planned(*at, Happening::ForgetHistory)],
            Self::NodeLost { node, at, lasts } => vec![
                planned(*at, Happening::LoseNode(node.clone())),
                planned(*at + *lasts, Happening::ReturnNode(node.clone())),
            ],
            Self::ServerDown { code, at, lasts } => {
                vec![planned(*at, Happening::Refuse { code: *code, lasts: *lasts })]
            }
            Self::CachesBehind { by, at, lasts } => {
                vec![planned(*at, Happening::CachesBehind { by: *by, lasts: *lasts })]
            }
            Self::Restarted { workload, at } => vec![planned(*at, restart(workload))],
        }
    }

    /// Whoever watches begins anew, or hears of it a little later: no reason for a run to fail.
    pub(super) fn is_harmless(&self) -> bool {
        matches!(self, Self::WatchesEnd(_) | Self::HistoryExpires(_) | Self::CachesBehind { .. })
    }

    /// When the cluster is itself again.
    pub(super) fn is_over_after(&self) -> Duration {
        match self {
            Self::NodeLost { at, lasts, .. } => *at + *lasts + SETTLING,
            // Whoever finds the server closed says so, and comes again.
            Self::ServerDown { at, lasts, .. } => *at + *lasts,
            _ => Duration::ZERO,
        }
    }
}

fn restart(workload: &ObjectRef) -> Happening {
    let annotation = json!({"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"});
    Happening::Edit(Edit {
        api_version: format!("{}/v1", workload.group),
        kind: workload.kind.clone(),
        namespace: workload.namespace.clone().unwrap_or_default(),
        name: workload.name.clone(),
        patch: json!({"spec": {"template": {"metadata": {"annotations": annotation}}}}),
        by: "kubectl-rollout".into(),
    })
}

/// A trial: what is done, and what goes wrong meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choices {
    pub(super) case: Case,
    pub(super) seed: u64,
    pub(super) troubles: Vec<Trouble>,
}

/// The faults that one request can meet.
pub(super) const FAULTS: [Fault; 10] = [
    Fault::DieBefore,
    Fault::DieAfter,
    Fault::Late(5),
    Fault::Lost,
    Fault::AnswerLost,
    Fault::Refused(409),
    Fault::Refused(429),
    Fault::Refused(500),
    Fault::Refused(503),
    Fault::Refused(504),
];

impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let case = if self.case == Case::Install { "install" } else { "upgrade" };
        write!(f, "{case},seed={}", self.seed)?;
        self.troubles.iter().try_for_each(|trouble| write!(f, ",{trouble}"))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(number, fault) => match fault {
                Fault::DieBefore => write!(f, "die-before={number}"),
                Fault::DieAfter => write!(f, "die-after={number}"),
                Fault::Late(steps) => write!(f, "die-late-{steps}={number}"),
                Fault::Lost => write!(f, "lost={number}"),
                Fault::AnswerLost => write!(f, "answer-lost={number}"),
                Fault::Refused(code) => write!(f, "refused-{code}={number}"),
            },
            Self::WatchesEnd(at) => write!(f, "watches-end={}", written(*at)),
            Self::HistoryExpires(at) => write!(f, "history-expires={}", written(*at)),
            Self::NodeLost { node, at, lasts } => write!(f, "node-lost={node}@{}+{}", written(*at), written(*lasts)),
            Self::ServerDown { code, at, lasts } => {
                write!(f, "server-down={code}@{}+{}", written(*at), written(*lasts))
            }
            Self::CachesBehind { by, at, lasts } => {
                write!(f, "caches-behind={}@{}+{}", written(*by), written(*at), written(*lasts))
            }
            Self::Restarted { workload, at } => {
                let namespace = workload.namespace.as_deref().unwrap_or_default();
                write!(f, "restarted={}/{namespace}/{}@{}", workload.kind, workload.name, written(*at))
            }
        }
    }
}

/// To the millisecond: `2.5s`.
fn written(time: Duration) -> String {
    let text = format!("{}.{:03}", time.as_secs(), time.subsec_millis());
    format!("{}s", text.trim_end_matches('0').trim_end_matches('.'))
}

impl FromStr for Choices {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',').map(str::trim);
        let case = match parts.next() {
            Some("install") => Case::Install,
            Some("upgrade") => Case::Upgrade,
            _ => return Err("choices begin with `install` or `upgrade`".into()),
        };
        let mut choices = Self { case, seed: 1, troubles: Vec::new() };
        for part in parts {
            match part.strip_prefix("seed=") {
                Some(seed) => choices.seed = seed.parse().map_err(|_| format!("{seed} is no seed"))?,
                None => choices.troubles.push(part.parse()?),
            }
        }
        Ok(choices)
    }
}

/// `2.5s`
fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.strip_suffix('s')?.parse().ok()?).ok()
}

impl FromStr for Trouble {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("{text} is nothing that can go wrong in a rehearsal");
        let (what, value) = text.split_once('=').ok_or_else(unknown)?;
        let time = |text: &str| seconds(text).ok_or_else(unknown);
        let who_and_when = || value.rsplit_once('@').ok_or_else(unknown);
        let while_it_lasts = || {
            let (who, when) = who_and_when()?;
            let (at, lasts) = when.split_once('+').ok_or_else(unknown)?;
            Ok::<_, String>((who, time(at)?, time(lasts)?))
        };
        let fault = match what {
            "watches-end" => return Ok(Self::WatchesEnd(time(value)?)),
            "history-expires" => return Ok(Self::HistoryExpires(time(value)?)),
            "node-lost" => {
                let (node, at, lasts) = while_it_lasts()?;
                return Ok(Self::NodeLost { node: node.to_owned(), at, lasts });
            }
            "server-down" => {
                let (code, at, lasts) = while_it_lasts()?;
                return Ok(Self::ServerDown { code: code.parse().map_err(|_| unknown())?, at, lasts });
            }
            "caches-behind" => {
                let (by, at, lasts) = while_it_lasts()?;
                return Ok(Self::CachesBehind { by: time(by)?, at, lasts });
            }
            "restarted" => {
                let (who, at) = who_and_when()?;
                let [kind, namespace, name] = who.split('/').collect::<Vec<_>>()[..] else { return Err(unknown()) };
                let workload = ObjectRef::new("apps", kind, Some(namespace), name);
                return Ok(Self::Restarted { workload, at: time(at)? });
            }
            "die-before" => Fault::DieBefore,
            "die-after" => Fault::DieAfter,
            "lost" => Fault::Lost,
            "answer-lost" => Fault::AnswerLost,
            _ => match (what.strip_prefix("die-late-"), what.strip_prefix("refused-")) {
                (Some(steps), _) => Fault::Late(steps.parse().map_err(|_| unknown())?),
                (_, Some(code)) => Fault::Refused(code.parse().map_err(|_| unknown())?),
                _ => return Err(unknown()),
            },
        };
        Ok(Self::Request(value.parse().map_err(|_| unknown())?, fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_short() {
        assert_eq!([3405, 9000, 40, 0].map(|ms| written(Duration::from_millis(ms))), ["3.405s", "9s", "0.04s", "0s"]);
    }

    #[test]
    fn choices_are_read_as_they_are_written() {
        let mut troubles: Vec<Trouble> = FAULTS.iter().map(|fault| Trouble::Request(17, *fault)).collect();
        troubles.push(Trouble::WatchesEnd(Duration::from_millis(2500)));
        troubles.push(Trouble::HistoryExpires(Duration::from_secs(9)));
        let (at, lasts) = (Duration::from_millis(3100), Duration::from_secs(90));
        troubles.push(Trouble::NodeLost { node: "node-2".into(), at, lasts });
        troubles.push(Trouble::ServerDown { code: 503, at, lasts });
        troubles.push(Trouble::CachesBehind { by: Duration::from_millis(1500), at, lasts });
        let workload = ObjectRef::new("apps", "Deployment", Some("lucid"), "api");
        troubles.push(Trouble::Restarted { workload, at });
        let choices = Choices { case: Case::Upgrade, seed: 7, troubles };
        assert_eq!(choices.to_string().parse(), Ok(choices));
        let short = Choices { case: Case::Install, seed: 1, troubles: vec![Trouble::Request(3, Fault::Lost)] };
        assert_eq!("install, lost=3".parse(), Ok(short));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, wrong) in [("lost=3", "begin with"), ("install,lost=x", "lost=x"), ("install,flood=3", "flood=3")] {
            assert!(text.parse::<Choices>().unwrap_err().contains(wrong), "{text}");
        }
    }
}
