//! A closer look at pods in trouble: the end of a log, a port asked from within. Bounded, and nothing depends on it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join;
use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use lucid_client::{ApiClient, LogQuery};
use lucid_health::{Pod, accepts_inside};
use lucid_status::closer::{Questions, questions};
use serde_json::Value;

use crate::cache::Cache;

/// Pods that are asked: one of each owner, since those of one revision fail alike, and no more than this.
const PODS: usize = 12;
const AT_ONCE: usize = 4;
/// Of a log. What a program dies of is what it says last.
const LINES: u32 = 20;
const BYTES: usize = 16 << 10;
/// Nobody waits longer for one answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What pods answered, by the uid of each that it holds for.
pub(super) type Told = Vec<(Vec<String>, Answers)>;

pub(super) struct Answers {
    /// By container.
    words: Vec<(String, String)>,
    ports: Vec<u16>,
}

pub(super) async fn ask_all(
    client: &ApiClient,
    cache: &Cache,
    namespaces: &[String],
    patience: Duration,
    now: Timestamp,
) -> Told {
    let patience = patience.min(PATIENCE);
    let asked = wanted(cache, namespaces, now)
        .into_iter()
        .map(|(pod, questions)| async move { (siblings(cache, pod), ask(client, pod, &questions, patience).await) });
    stream::iter(asked).buffered(AT_ONCE).collect().await
}

/// Puts the answers where diagnosis looks for them.
pub(super) fn keep(cache: &mut Cache, told: Told) {
    for (uids, answers) in told {
        for uid in uids {
            let words = answers.words.iter();
            cache.last_words.extend(words.map(|(name, words)| ((uid.clone(), name.clone()), words.clone())));
            cache.answers_inside.extend(answers.ports.iter().map(|port| (uid.clone(), *port)));
        }
    }
}

fn wanted<'a>(cache: &'a Cache, namespaces: &[String], now: Timestamp) -> Vec<(&'a Value, Questions)> {
    let pods = namespaces.iter().flat_map(|namespace| cache.of_kind("", "Pod", Some(namespace)));
    let mut by_owner: BTreeMap<String, (&Value, Questions)> = BTreeMap::new();
    for pod in pods {
        let questions = questions(pod, cache, now);
        if !questions.is_empty() {
            by_owner.entry(owner(pod)).or_insert((pod, questions));
        }
    }
    by_owner.into_values().take(PODS).collect()
}

fn owner(pod: &Value) -> String {
    let uid = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    uid("/metadata/ownerReferences/0/uid").or_else(|| uid("/metadata/uid")).unwrap_or_default()
}

/// The pods that it was asked for.
fn siblings(cache: &Cache, pod: &Value) -> Vec<String> {
    let namespace = pod.pointer("/metadata/namespace").and_then(Value::as_str);
    let of_same = cache.of_kind("", "Pod", namespace).filter(|other| owner(other) == owner(pod));
    of_same.filter_map(|other| other.pointer("/metadata/uid")?.as_str().map(str::to_owned)).collect()
}

async fn ask(client: &ApiClient, pod: &Value, questions: &Questions, patience: Duration) -> Answers {
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let whom = Pod { namespace: text("/metadata/namespace"), name: text("/metadata/name"), ip: None };
    let words = async {
        let mut words = Vec::new();
        for log in &questions.logs {
            let query = LogQuery {
                namespace: &whom.namespace,
                pod: &whom.name,
                container: &log.container,
                previous: log.previous,
                lines: LINES,
                bytes: BYTES,
            };
            // We may not read it, or it is gone: then the exit code is all there is.
            if let Ok(Ok(said)) = tokio::time::timeout(patience, client.log(&query)).await {
                words.push((log.container.clone(), said));
            }
        }
        words
    };
    let ports = async {
        let mut open = Vec::new();
        for port in &questions.ports {
            if accepts_inside(client, &whom, *port, patience).await {
                open.push(*port);
            }
        }
        open
    };
    let (words, ports) = join(words, ports).await;
    Answers { words, ports }
}
