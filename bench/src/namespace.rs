//! An empty namespace for each client, so that all find the same cluster.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::api::{Api, DeleteParams, PostParams};
use kube::{Client, ResourceExt};

const PATIENCE: Duration = Duration::from_secs(300);

/// Removes the namespace with everything in it and makes it again; returns when pods can be created there.
pub(crate) async fn fresh(client: &Client, name: &str) -> Result<()> {
    remove(client, name).await?;
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some(name.to_owned());
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await?;
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), name);
    wait("its service account", async || Ok(accounts.get_opt("default").await?.is_some())).await
}

pub(crate) async fn remove(client: &Client, name: &str) -> Result<()> {
    let namespaces = Api::<Namespace>::all(client.clone());
    let Some(there) = namespaces.get_opt(name).await? else { return Ok(()) };
    namespaces.delete(&there.name_any(), &DeleteParams::default()).await?;
    wait("the namespace to go", async || Ok(namespaces.get_opt(name).await?.is_none())).await
}

async fn wait(what: &str, ask: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let began = Instant::now();
    while !ask().await? {
        if began.elapsed() > PATIENCE {
            bail!("waited {PATIENCE:?} for {what}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
