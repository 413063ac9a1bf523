//! `deploy`: the release by the bare client, by `lucid` twice, and by the bare client again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::audit::Mark;
use crate::release::Release;
use crate::report::{AGAIN, BARE, LUCID, Report};
use crate::{bare, folder, lucid, namespace};

#[derive(clap::Args)]
pub(crate) struct Shape {
    /// How many workloads the release has
    #[arg(long, default_value_t = 27)]
    workloads: usize,
    /// Where the generated release and the result go
    #[arg(long)]
    out: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    shape: Shape,
    /// The cluster's folder: kubeconfigs of its users, `audit.log`
    #[arg(long)]
    cluster: PathBuf,
    /// The program to compare with; without it only the bare client runs
    #[arg(long)]
    lucid: Option<PathBuf>,
    /// Fail when lucid takes more than this many times the bare client's time
    #[arg(long)]
    at_most: Option<f64>,
}

pub(crate) fn generate(shape: &Shape) -> Result<(Release, PathBuf)> {
    let release = Release::generate(shape.workloads);
    let folder = std::path::absolute(shape.out.join(format!("release-{}", shape.workloads)))?;
    folder::write(&release, &folder)?;
    Ok((release, folder))
}

pub(crate) async fn run(args: &Args) -> Result<()> {
    let (release, folder) = generate(&args.shape)?;
    let bench = Bench { release, folder, cluster: &args.cluster };
    let mut report = bench.report();
    bench.bare(&mut report).await?;
    if let Some(program) = &args.lucid {
        bench.lucid(program, &mut report).await?;
        bench.bare(&mut report).await?;
    }
    namespace::remove(&bench.client("admin").await?).await?;
    print!("{}", report.text());
    let path = args.shape.out.join(format!("deploy-{}.json", args.shape.workloads));
    fs::write(&path, serde_json::to_string_pretty(&report)?).with_context(|| format!("write {}", path.display()))?;
    judge(report.ratio(), args.at_most)
}

fn judge(ratio: Option<f64>, at_most: Option<f64>) -> Result<()> {
    match (ratio, at_most) {
        (Some(ratio), Some(bound)) if ratio > bound => {
            bail!("lucid took {ratio:.2} times what the bare client took; at most {bound:.2}")
        }
        (None, Some(_)) => bail!("there is nothing to compare: no --lucid"),
        _ => Ok(()),
    }
}

struct Bench<'a> {
    release: Release,
    folder: PathBuf,
    cluster: &'a Path,
}

impl Bench<'_> {
    fn report(&self) -> Report {
        let workloads = self.release.workloads.len();
        let longest_path_seconds = self.release.longest_path().as_secs_f64();
        Report { workloads, objects: workloads * 3, longest_path_seconds, runs: Vec::new() }
    }

    async fn bare(&self, report: &mut Report) -> Result<()> {
        let mark = self.scene().await?;
        let took = bare::deploy(&self.client("bench").await?, &self.release).await?;
        report.add(BARE, took, mark.requests("bench")?);
        Ok(())
    }

    async fn lucid(&self, program: &Path, report: &mut Report) -> Result<()> {
        let kubeconfig = self.cluster.join("lucid.kubeconfig");
        let mark = self.scene().await?;
        let took = lucid::deploy(program, &kubeconfig, &self.folder).await?;
        report.add(LUCID, took, mark.requests("lucid")?);
        let mark = self.mark();
        let took = lucid::deploy(program, &kubeconfig, &self.folder).await?;
        report.add(AGAIN, took, mark.requests("lucid")?);
        Ok(())
    }

    /// An empty namespace and a machine that has come to rest.
    async fn scene(&self) -> Result<Mark> {
        namespace::fresh(&self.client("admin").await?).await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(self.mark())
    }

    fn mark(&self) -> Mark {
        Mark::now(&self.cluster.join("audit.log"))
    }

    async fn client(&self, user: &str) -> Result<Client> {
        let path = self.cluster.join(format!("{user}.kubeconfig"));
        let file = Kubeconfig::read_from(&path).with_context(|| format!("read {}", path.display()))?;
        let config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
        Ok(Client::try_from(config)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_that_was_asked_for_is_kept_or_fails() {
        assert!(judge(Some(1.05), Some(1.10)).is_ok());
        assert!(judge(Some(1.15), Some(1.10)).is_err());
        assert!(judge(None, Some(1.10)).is_err());
        assert!(judge(Some(9.0), None).is_ok());
    }
}
