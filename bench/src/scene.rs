//! One case on a cluster: a namespace for each tool, rounds, and what is written down of a run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::case::Run;
use crate::cluster::{Cluster, USER};
use crate::meter::{self, Ran, Task};
use crate::namespace;
use crate::tool::{Stage, Tool};

/// Longer than anyone waits for a deployment; what takes longer is stopped and noted.
const PATIENCE: Duration = Duration::from_secs(20 * 60);
/// The machine comes to rest before something is measured.
const REST: Duration = Duration::from_secs(2);

/// What all cases need to know.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) cluster: Option<Cluster>,
    /// Where releases are written to.
    pub(crate) folder: PathBuf,
    pub(crate) lucid: PathBuf,
    pub(crate) versions: BTreeMap<String, String>,
    pub(crate) rounds: usize,
}

impl Setup {
    pub(crate) fn cluster(&self) -> Result<&Cluster> {
        self.cluster.as_ref().ok_or_else(|| anyhow::anyhow!("this case needs a cluster: --cluster FOLDER"))
    }
}

pub(crate) struct Scene<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) stage: Stage<'a>,
}

impl<'a> Scene<'a> {
    /// An empty namespace for the tool.
    pub(crate) async fn open(setup: &'a Setup, tool: Tool) -> Result<Self> {
        let cluster = setup.cluster()?;
        let namespace = format!("bench-{}", tool.slug());
        namespace::fresh(&cluster.admin().await?, &namespace).await?;
        let folder = setup.folder.join(tool.slug());
        let stage = Stage { tool, namespace, folder, kubeconfig: cluster.kubeconfig(), lucid: &setup.lucid };
        Ok(Self { cluster, stage })
    }

    pub(crate) async fn close(self) -> Result<()> {
        namespace::remove(&self.cluster.admin().await?, &self.stage.namespace).await
    }

    /// Runs the script after a rest, and counts its requests.
    pub(crate) async fn measure(&self, script: &str, round: usize) -> Result<Run> {
        Ok(self.watch(script, round).await?.0)
    }

    /// The same, with what it said and when.
    pub(crate) async fn watch(&self, script: &str, round: usize) -> Result<(Run, Ran)> {
        tokio::time::sleep(REST).await;
        let mark = self.cluster.mark()?;
        let ran = meter::run(&Task { script, folder: &self.stage.folder, patience: PATIENCE }).await?;
        Ok((Run { requests: Some(mark.requests(USER)?), ..ran.run(round) }, ran))
    }
}

/// Each round begins with another tool, so that none always finds the machine as the same one left it.
pub(crate) fn turns<T: Copy>(tools: &[T], round: usize) -> Vec<T> {
    let mut order = tools.to_vec();
    order.rotate_left(round % tools.len().max(1));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_has_every_tool_and_another_one_first() {
        let rounds: Vec<Vec<u8>> = (0..4).map(|round| turns(&[1, 2, 3], round)).collect();
        assert_eq!(rounds, [vec![1, 2, 3], vec![2, 3, 1], vec![3, 1, 2], vec![1, 2, 3]]);
        assert!(turns::<u8>(&[], 1).is_empty());
    }
}
