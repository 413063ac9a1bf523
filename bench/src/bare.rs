//! The bare concurrent client: nothing but server-side apply in the order of the graph and one watch of Deployments.
//!
//! It checks nothing, records nothing and diagnoses nothing. What it needs is what the server itself needs.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::{TryStreamExt, future, pin_mut};
use kube::Client;
use kube::core::WatchEvent;
use serde::Deserialize;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::objects::{self, NAMESPACE};
use crate::release::{Release, Workload};

/// Longer than the longest path of any release that is generated, by far.
const DEADLINE: Duration = Duration::from_secs(300);

/// Deploys the release into the empty namespace; the time until the last workload was available.
pub(crate) async fn deploy(client: &Client, release: &Release) -> Result<Duration> {
    let began = Instant::now();
    tokio::time::timeout(DEADLINE, follow(client, release)).await.context("the bare client's deadline")??;
    Ok(began.elapsed())
}

async fn follow(client: &Client, release: &Release) -> Result<()> {
    let index: BTreeMap<&str, usize> =
        release.workloads.iter().enumerate().map(|(i, w)| (w.name.as_str(), i)).collect();
    let uri = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments?watch=1&resourceVersion=0&timeoutSeconds=600");
    let watch = client.request_events::<Deployment>(http::Request::get(uri).body(Vec::new())?).await?;
    pin_mut!(watch);
    let mut progress = Progress::new(release);
    let mut applying = JoinSet::new();
    start(client, release, progress.startable(), &mut applying);
    while !progress.is_done() {
        tokio::select! {
            Some(applied) = applying.join_next() => applied??,
            event = watch.try_next() => {
                let Some(deployment) = seen(event?.context("the watch ended")?)? else { continue };
                if let Some(&which) = index.get(deployment.metadata.name.as_str()).filter(|_| deployment.is_available()) {
                    start(client, release, progress.finish(which), &mut applying);
                }
            }
        }
    }
    Ok(())
}

fn start(client: &Client, release: &Release, which: Vec<usize>, applying: &mut JoinSet<Result<()>>) {
    for index in which {
        applying.spawn(apply_all(client.clone(), release.workloads[index].clone()));
    }
}

/// ConfigMap and Service at once, the Deployment when both are there.
async fn apply_all(client: Client, workload: Workload) -> Result<()> {
    let [config_map, service, deployment] = objects::of(&workload);
    future::try_join(
        apply(&client, "/api/v1", "configmaps", &config_map),
        apply(&client, "/api/v1", "services", &service),
    )
    .await?;
    apply(&client, "/apis/apps/v1", "deployments", &deployment).await
}

async fn apply(client: &Client, group: &str, resource: &str, object: &Value) -> Result<()> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let uri = format!("{group}/namespaces/{NAMESPACE}/{resource}/{name}?fieldManager=bench&force=true");
    let request = http::Request::patch(uri).header(http::header::CONTENT_TYPE, "application/apply-patch+yaml");
    let request = request.body(serde_json::to_vec(object)?)?;
    client.request_text(request).await.with_context(|| format!("apply {resource} {name}"))?;
    Ok(())
}

/// Which workloads are available, and which may start.
struct Progress {
    /// How many needs are still open, for each workload.
    open: Vec<usize>,
    dependents: Vec<Vec<usize>>,
    done: Vec<bool>,
}

impl Progress {
    fn new(release: &Release) -> Self {
        let count = release.workloads.len();
        let mut dependents = vec![Vec::new(); count];
        for (index, workload) in release.workloads.iter().enumerate() {
            for &need in &workload.needs {
                dependents[need].push(index);
            }
        }
        Self { open: release.workloads.iter().map(|w| w.needs.len()).collect(), dependents, done: vec![false; count] }
    }

    /// What needs nothing.
    fn startable(&self) -> Vec<usize> {
        (0..self.open.len()).filter(|&i| self.open[i] == 0).collect()
    }

    /// Notes that a workload is available; what may start because of it. Being told twice changes nothing.
    fn finish(&mut self, which: usize) -> Vec<usize> {
        if std::mem::replace(&mut self.done[which], true) {
            return Vec::new();
        }
        let mut free = Vec::new();
        for &dependent in &self.dependents[which] {
            self.open[dependent] -= 1;
            if self.open[dependent] == 0 {
                free.push(dependent);
            }
        }
        free
    }

    fn is_done(&self) -> bool {
        self.done.iter().all(|&done| done)
    }
}

fn seen(event: WatchEvent<Deployment>) -> Result<Option<Deployment>> {
    match event {
        WatchEvent::Added(object) | WatchEvent::Modified(object) => Ok(Some(object)),
        WatchEvent::Error(status) => bail!("the watch failed: {}", status.message),
        WatchEvent::Deleted(_) | WatchEvent::Bookmark(_) => Ok(None),
    }
}

/// As much of a Deployment as it takes to see that it is available.
#[derive(Debug, Clone, Default, Deserialize)]
struct Deployment {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    generation: i64,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Spec {
    #[serde(default)]
    replicas: i64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    observed_generation: i64,
    updated_replicas: i64,
    available_replicas: i64,
}

impl Deployment {
    fn is_available(&self) -> bool {
        let status = &self.status;
        status.observed_generation >= self.metadata.generation
            && status.updated_replicas >= self.spec.replicas
            && status.available_replicas >= self.spec.replicas
            && self.spec.replicas > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_starts_when_the_last_of_its_needs_is_available() {
        let release = Release::generate(30);
        let mut progress = Progress::new(&release);
        let mut started = progress.startable();
        let mut next = 0;
        while let Some(&which) = started.get(next) {
            next += 1;
            for free in progress.finish(which) {
                assert!(release.workloads[free].needs.iter().all(|need| started[..next].contains(need)));
                started.push(free);
            }
            assert!(progress.finish(which).is_empty(), "told twice");
        }
        assert!(progress.is_done());
        assert_eq!(started.len(), 30);
    }

    #[test]
    fn a_status_of_an_older_generation_does_not_count() {
        let mut deployment = Deployment::default();
        deployment.spec.replicas = 1;
        deployment.metadata.generation = 2;
        deployment.status = Status { observed_generation: 1, updated_replicas: 1, available_replicas: 1 };
        assert!(!deployment.is_available());
        deployment.status.observed_generation = 2;
        assert!(deployment.is_available());
        deployment.status.available_replicas = 0;
        assert!(!deployment.is_available());
    }
}
