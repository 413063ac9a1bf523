//! The cluster that is measured on: clients for its users, and its audit log.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::audit::Mark;

/// A test cluster's folder.
#[derive(Debug, Clone)]
pub(crate) struct Cluster(pub(crate) PathBuf);

impl Cluster {
    /// Of the user whose requests are counted.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.0.join(format!("{USER}.kubeconfig"))
    }

    /// For what belongs to the scene and is not counted.
    pub(crate) async fn admin(&self) -> Result<Client> {
        client(&self.0.join("admin.kubeconfig")).await
    }

    pub(crate) fn mark(&self) -> Result<Mark> {
        Mark::now(&self.0.join("audit.log"))
    }
}

/// Every tool speaks to the server as this user, one tool at a time.
pub(crate) const USER: &str = "bench";

pub(crate) async fn client(kubeconfig: &Path) -> Result<Client> {
    let file = Kubeconfig::read_from(kubeconfig).with_context(|| format!("read {}", kubeconfig.display()))?;
    let config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}
