//! Scripted behaviour: what an image pull, a start and the life of a container look like, by workload, image or labels.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// Behaviours in order of precedence: the first that selects a container counts for it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    pub behaviours: Vec<Behaviour>,
}

/// The list alone, as it stands in the file of a whole cluster.
pub(crate) fn behaviours<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scenario, D::Error> {
    Ok(Scenario { behaviours: Vec::deserialize(deserializer)? })
}

/// How the containers that `select` picks behave.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Behaviour {
    pub select: Select,
    pub pull: Option<PullOutcome>,
    /// From the end of the pull to the running process; seeded between 0.5 and 3 s when absent.
    #[serde(with = "optional_seconds")]
    pub start: Option<Duration>,
    /// From the running process to the first successful probe; zero when absent.
    #[serde(with = "optional_seconds")]
    pub ready_after: Option<Duration>,
    pub then: Fate,
    /// What the container writes to its log.
    pub log: Vec<String>,
    /// What it uses; half of what it requests when absent.
    pub uses: Option<Uses>,
}

/// What a container uses, in thousandths of a core and of a byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Uses {
    #[serde(deserialize_with = "quantity")]
    pub cpu: Option<i128>,
    #[serde(deserialize_with = "quantity")]
    pub memory: Option<i128>,
    /// All pods of the workload together use that much, whatever their number.
    pub shared: bool,
}

fn quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i128>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let parsed = lucid_object::Quantity::parse(&text).map(lucid_object::Quantity::milli);
    parsed.map(Some).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no quantity such as 250m or 64Mi")))
}

/// Which containers; every condition given must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Select {
    pub namespace: Option<String>,
    /// The name of the Deployment, StatefulSet, DaemonSet or Job, or of a bare pod.
    pub workload: Option<String>,
    pub container: Option<String>,
    /// A part of the image reference.
    pub image: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub node: Option<String>,
}

/// What comes of pulling the image.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum PullOutcome {
    Ok {
        #[serde(with = "seconds")]
        takes: Duration,
    },
    NotFound,
    Auth,
    /// No manifest for the node's CPU architecture.
    Platform,
    RateLimited,
    /// The registry does not answer.
    Unreachable,
    /// The reference is not a legal image name.
    InvalidName,
}

/// What becomes of a container that has started.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Fate {
    /// Serves until it is told to stop; a container of a Job succeeds after a second.
    #[default]
    Run,
    Crash {
        #[serde(with = "seconds", default)]
        after: Duration,
        #[serde(default = "one")]
        exit_code: i32,
    },
    Oom {
        #[serde(with = "seconds", default)]
        after: Duration,
    },
    /// Ends with exit code 0.
    Complete {
        #[serde(with = "seconds", default)]
        after: Duration,
    },
    NeverReady,
    /// Serves for `up`, answers 503 for `down`, and so on.
    Flap {
        #[serde(with = "seconds")]
        up: Duration,
        #[serde(with = "seconds")]
        down: Duration,
    },
    /// Serves, then answers nothing any more although it runs.
    Hang {
        #[serde(with = "seconds")]
        after: Duration,
    },
}

fn one() -> i32 {
    1
}

/// Durations in scenario files are seconds (`1.5`) or have a unit (`200ms`, `3s`, `2m`).
pub(crate) mod seconds {
    use super::*;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Text {
        Number(f64),
        Words(String),
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let parsed = match Text::deserialize(deserializer)? {
            Text::Number(seconds) => Duration::try_from_secs_f64(seconds).ok(),
            Text::Words(words) => parse(&words),
        };
        parsed.ok_or_else(|| serde::de::Error::custom("expected a duration such as 1.5, 200ms, 3s or 2m"))
    }

    fn parse(words: &str) -> Option<Duration> {
        let split = words.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(words.len());
        let number: f64 = words[..split].parse().ok()?;
        let unit = match &words[split..] {
            "ms" => 0.001,
            "" | "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        Duration::try_from_secs_f64(number * unit).ok()
    }
}

mod optional_seconds {
    use super::*;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        super::seconds::deserialize(deserializer).map(Some)
    }
}

/// What is known of a container when its behaviour is looked up.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) workload: &'a str,
    pub(crate) container: &'a str,
    pub(crate) image: &'a str,
    pub(crate) labels: &'a BTreeMap<String, String>,
    pub(crate) node: &'a str,
}

impl Select {
    fn matches(&self, subject: &Subject<'_>) -> bool {
        let is = |want: &Option<String>, have: &str| want.as_deref().is_none_or(|want| want == have);
        is(&self.namespace, subject.namespace)
            && is(&self.workload, subject.workload)
            && is(&self.container, subject.container)
            && is(&self.node, subject.node)
            && self.image.as_deref().is_none_or(|part| subject.image.contains(part))
            && self.labels.iter().all(|(key, value)| subject.labels.get(key) == Some(value))
    }
}

impl Scenario {
    pub(crate) fn behaviour(&self, subject: &Subject<'_>) -> Option<&Behaviour> {
        self.behaviours.iter().find(|behaviour| behaviour.select.matches(subject))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_what_people_write() {
        let scenario: Scenario = serde_json::from_value(json!({"behaviours": [
            {"select": {"workload": "api"}, "pull": "notFound"},
            {"select": {"image": "redis"}, "pull": {"ok": {"takes": "250ms"}}, "start": 1.5,
             "then": {"crash": {"after": "2s", "exitCode": 137}}},
        ]}))
        .unwrap();
        assert_eq!(scenario.behaviours[0].pull, Some(PullOutcome::NotFound));
        assert_eq!(scenario.behaviours[1].pull, Some(PullOutcome::Ok { takes: Duration::from_millis(250) }));
        assert_eq!(scenario.behaviours[1].then, Fate::Crash { after: Duration::from_secs(2), exit_code: 137 });
    }

    #[test]
    fn the_first_that_selects_counts() {
        let scenario: Scenario = serde_json::from_value(json!({"behaviours": [
            {"select": {"workload": "api", "namespace": "a"}, "then": "neverReady"},
            {"select": {"image": "redis"}, "start": 9},
        ]}))
        .unwrap();
        let labels = BTreeMap::new();
        let pick = |namespace, workload| {
            let image = "ghcr.io/x/redis@sha256:1";
            let subject = Subject { namespace, workload, container: "c", image, labels: &labels, node: "n" };
            scenario.behaviour(&subject).map(|b| b.then.clone())
        };
        assert_eq!(pick("a", "api"), Some(Fate::NeverReady));
        assert_eq!(pick("b", "api"), Some(Fate::Run));
    }

    #[test]
    fn a_duration_needs_a_known_unit() {
        let bad = json!({"behaviours": [{"start": "3 weeks"}]});
        assert!(serde_json::from_value::<Scenario>(bad).is_err());
    }
}
