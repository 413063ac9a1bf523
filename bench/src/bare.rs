//! The bare concurrent client: nothing but server-side apply in the order of the graph and one watch of Deployments.
//!
//! It checks nothing, records nothing and diagnoses nothing. What it needs is what the server itself needs.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use futures::{TryStreamExt, future, pin_mut};
use kube::Client;
use kube::core::WatchEvent;
use serde::Deserialize;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::release::{Release, Workload};
use crate::{cluster, objects};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The release, as JSON
    #[arg(long)]
    release: PathBuf,
    #[arg(long)]
    kubeconfig: PathBuf,
    #[arg(long)]
    namespace: String,
    /// Delete everything instead
    #[arg(long)]
    remove: bool,
}

pub(crate) async fn run(args: &Args) -> Result<()> {
    let release: Release = serde_json::from_str(&fs::read_to_string(&args.release).context("read the release")?)?;
    let to = To { client: cluster::client(&args.kubeconfig).await?, namespace: args.namespace.clone() };
    match args.remove {
        true => remove(&to, &release).await,
        false => follow(&to, &release).await,
    }
}

/// Where requests go.
#[derive(Clone)]
struct To {
    client: Client,
    namespace: String,
}

impl To {
    fn uri(&self, object: &Value) -> Result<String> {
        let (group, resource) = match object["kind"].as_str() {
            Some("ConfigMap") => ("/api/v1", "configmaps"),
            Some("Service") => ("/api/v1", "services"),
            Some("Deployment") => ("/apis/apps/v1", "deployments"),
            kind => bail!("no workload has a {kind:?}"),
        };
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        Ok(format!("{group}/namespaces/{}/{resource}/{name}", self.namespace))
    }

    /// The generation that the object has now.
    async fn apply(&self, object: &Value) -> Result<i64> {
        let uri = self.uri(object)?;
        let request = http::Request::patch(format!("{uri}?fieldManager=bench&force=true"));
        let request = request.header(http::header::CONTENT_TYPE, "application/apply-patch+yaml");
        let request = request.body(serde_json::to_vec(object)?)?;
        let answer: Applied = self.client.request(request).await.with_context(|| format!("apply {uri}"))?;
        Ok(answer.metadata.generation)
    }

    async fn delete(&self, object: &Value) -> Result<()> {
        let uri = self.uri(object)?;
        let request = http::Request::delete(&uri).body(Vec::new())?;
        self.client.request_text(request).await.with_context(|| format!("delete {uri}"))?;
        Ok(())
    }
}

/// Everything at once; the server's garbage collector does the rest.
async fn remove(to: &To, release: &Release) -> Result<()> {
    let objects: Vec<Value> = release.workloads.iter().flat_map(|w| objects::of(w, &to.namespace)).collect();
    future::try_join_all(objects.iter().map(|object| to.delete(object))).await?;
    Ok(())
}

/// Until the last workload is available.
async fn follow(to: &To, release: &Release) -> Result<()> {
    let index: BTreeMap<&str, usize> =
        release.workloads.iter().enumerate().map(|(i, w)| (w.name.as_str(), i)).collect();
    let uri = format!("/apis/apps/v1/namespaces/{}/deployments?watch=1&timeoutSeconds=1800", to.namespace);
    let watch = to.client.request_events::<Deployment>(http::Request::get(uri).body(Vec::new())?).await?;
    pin_mut!(watch);
    let mut progress = Progress::new(release);
    let mut applying = JoinSet::new();
    // What is there already may be of an older version: it counts once this one was applied and seen again.
    let mut known: BTreeMap<usize, Deployment> = BTreeMap::new();
    let mut applied: BTreeMap<usize, i64> = BTreeMap::new();
    start(to, release, progress.startable(), &mut applying);
    while !progress.is_done() {
        let which = tokio::select! {
            Some(done) = applying.join_next() => {
                let (which, generation) = done??;
                applied.insert(which, generation);
                which
            }
            event = watch.try_next() => {
                let Some(deployment) = seen(event?.context("the watch ended")?)? else { continue };
                let Some(&which) = index.get(deployment.metadata.name.as_str()) else { continue };
                known.insert(which, deployment);
                which
            }
        };
        let is_available = |generation: &i64| known.get(&which).is_some_and(|d| d.is_available(*generation));
        if applied.get(&which).is_some_and(is_available) {
            start(to, release, progress.finish(which), &mut applying);
        }
    }
    Ok(())
}

fn start(to: &To, release: &Release, which: Vec<usize>, applying: &mut JoinSet<Result<(usize, i64)>>) {
    for index in which {
        let (to, workload) = (to.clone(), release.workloads[index].clone());
        applying.spawn(async move { Ok((index, apply_all(&to, &workload).await?)) });
    }
}

/// ConfigMap and Service at once, the Deployment when both are there; its generation.
async fn apply_all(to: &To, workload: &Workload) -> Result<i64> {
    let objects = objects::of(workload, &to.namespace);
    let (deployment, companions) = objects.split_last().context("a workload has objects")?;
    future::try_join_all(companions.iter().map(|object| to.apply(object))).await?;
    to.apply(deployment).await
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

#[derive(Deserialize)]
struct Applied {
    metadata: Metadata,
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
    replicas: i64,
    updated_replicas: i64,
    available_replicas: i64,
}

impl Deployment {
    /// In that generation or a later one.
    fn is_available(&self, generation: i64) -> bool {
        let status = &self.status;
        self.metadata.generation >= generation
            && status.observed_generation >= self.metadata.generation
            && status.updated_replicas >= self.spec.replicas
            && status.replicas <= status.updated_replicas
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
        deployment.status = Status { observed_generation: 1, replicas: 1, updated_replicas: 1, available_replicas: 1 };
        assert!(!deployment.is_available(2));
        deployment.status.observed_generation = 2;
        assert!(deployment.is_available(2));
        assert!(!deployment.is_available(3), "what was seen before the new one was applied");
        deployment.status.replicas = 2;
        assert!(!deployment.is_available(2), "a pod of the old version is still there");
        deployment.status.replicas = 1;
        deployment.status.available_replicas = 0;
        assert!(!deployment.is_available(2));
    }
}
