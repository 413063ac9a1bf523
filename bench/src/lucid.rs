//! The same release by `lucid deploy`, as a user runs it.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

/// Runs `lucid deploy` in the release's folder; the time that the whole process took.
pub(crate) async fn deploy(program: &Path, kubeconfig: &Path, folder: &Path) -> Result<Duration> {
    let mut lucid = Command::new(program);
    lucid.args(["deploy", "--progress", "quiet", "--kubeconfig"]).arg(kubeconfig).current_dir(folder);
    lucid.env("LUCID_STATE_DIR", folder.join("state")).stdin(Stdio::null()).kill_on_drop(true);
    let began = Instant::now();
    let output = lucid.output().await.with_context(|| format!("start {}", program.display()))?;
    let took = began.elapsed();
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("lucid deploy ended with {} after {took:.1?}:\n{}", output.status, String::from_utf8_lossy(&said));
    }
    Ok(took)
}
