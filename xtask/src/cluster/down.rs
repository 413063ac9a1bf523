//! Taking a cluster down so that nothing of it stays.

use std::time::{Duration, Instant};
use std::{fs, io};

use anyhow::{Context, Result, bail};

use super::layout::Layout;
use super::node;
use crate::process::seconds;

/// The supervisor stops its components one after the other; together they get this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Stops the cluster and removes its folder. A cluster that does not run is no error.
pub(crate) fn down(layout: &Layout) -> Result<()> {
    let _lock = layout.lock()?;
    let began = Instant::now();
    let Some(supervisor) = layout.supervisor() else {
        remove(layout)?;
        println!("cluster {} is not running", layout.name);
        return Ok(());
    };
    supervisor.terminate()?;
    if !supervisor.wait_gone(PATIENCE) {
        // Its children die with it.
        supervisor.kill()?;
        if !supervisor.wait_gone(Duration::from_secs(5)) {
            bail!("the supervisor of cluster {} (process {}) does not end", layout.name, supervisor.pid);
        }
    }
    remove(layout)?;
    println!("cluster {} is down, after {}", layout.name, seconds(began.elapsed()));
    Ok(())
}

/// Removes the files of a cluster that does not run.
pub(crate) fn remove(layout: &Layout) -> Result<()> {
    node::forget_cgroups(layout)?;
    match fs::remove_dir_all(&layout.dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", layout.dir.display()))
        }
        _ => Ok(()),
    }
}
