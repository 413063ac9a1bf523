//! Bringing a cluster up, for as long as its user wants it.

use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::layout::Layout;
use super::options::Options;
use super::{components, credentials, down, node, objects, stages, status, supervisor};
use crate::process::{is_installed, output, run, seconds};
use crate::tools;

/// How long the cluster lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Until `cluster down`.
    UntilDown,
    /// As long as the guard that `up` returns: also Ctrl-C and SIGKILL take it down, since the supervisor sees the pipe
    /// to it end.
    WhileHeld,
}

/// Takes the cluster down when dropped, if it was brought up to be held.
pub(crate) struct Guard {
    pub(crate) layout: Layout,
    held: Option<Child>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(mut child) = self.held.take() else { return };
        drop(child.stdin.take());
        let _ = child.wait();
        if let Err(error) = down::remove(&self.layout) {
            eprintln!("cluster {}: {error:#}", self.layout.name);
        }
        self.layout.forget_lock();
    }
}

/// Brings the cluster up unless it runs; says how long each step took.
pub(crate) fn up(options: &Options, keep: Keep) -> Result<Guard> {
    let layout = Layout::new(&options.name);
    let _lock = layout.lock()?;
    if layout.supervisor().is_some() {
        return already_up(layout, keep);
    }
    requirements()?;
    match options.containers {
        true => node::requirements()?,
        false => tools::cluster()?,
    }
    println!("cluster {}: starting", layout.name);
    let began = Instant::now();
    prepare(&layout, options, keep)?;
    let mut guard = Guard { held: Some(supervisor::start(&layout, options, keep == Keep::WhileHeld)?), layout };
    let child = guard.held.as_mut().context("the supervisor was started")?;
    if let Err(error) = supervisor::follow(&guard.layout, child) {
        // Its logs stay for whoever wants to know why; its processes do not.
        stop_failed(&mut guard);
        return Err(error);
    }
    println!("cluster {}: up in {}", guard.layout.name, seconds(began.elapsed()));
    if keep == Keep::UntilDown {
        guard.held = None;
        println!("  cargo xtask cluster kubectl --name {} -- get nodes", guard.layout.name);
    }
    Ok(guard)
}

fn already_up(layout: Layout, keep: Keep) -> Result<Guard> {
    if keep == Keep::WhileHeld {
        bail!("cluster {} runs already: `cargo xtask cluster down --name {0}` first", layout.name);
    }
    match status::healthy(&layout) {
        true => println!("cluster {} is up already", layout.name),
        false => bail!("cluster {} runs but is not healthy: `cargo xtask cluster down --name {0}` first", layout.name),
    }
    Ok(Guard { layout, held: None })
}

fn stop_failed(guard: &mut Guard) {
    let Some(mut child) = guard.held.take() else { return };
    if let Some(process) = guard.layout.supervisor() {
        let _ = process.terminate();
        if !process.wait_gone(Duration::from_secs(60)) {
            let _ = process.kill();
        }
    }
    let _ = child.wait();
}

/// A plain machine may lack `ip`; root can mend that.
fn requirements() -> Result<()> {
    for program in ["unshare", "nsenter"] {
        if !is_installed(program) {
            bail!("no `{program}` in PATH; install util-linux");
        }
    }
    if is_installed("ip") {
        return Ok(());
    }
    if !supervisor::is_root() || !is_installed("apt-get") {
        bail!("no `ip` in PATH; install iproute2");
    }
    println!("installing iproute2 (for `ip`)");
    run(Command::new("apt-get").args(["install", "-y", "-qq", "iproute2"]))
}

/// Writes everything that the components read. What an earlier cluster of this name left is removed.
fn prepare(layout: &Layout, options: &Options, keep: Keep) -> Result<()> {
    down::remove(layout)?;
    fs::create_dir_all(layout.path("pki")).with_context(|| format!("create {}", layout.dir.display()))?;
    let mut pki = Command::new(tools::path("pki"));
    let names = ["127.0.0.1", components::ADDRESS, "10.96.0.1", "localhost", "kubernetes.default.svc"];
    output(pki.arg(layout.path("pki")).args(names))?;
    credentials::write(layout, options.audit)?;
    layout.write("stages.yaml", &stages::configuration())?;
    layout.write("objects.json", &objects::all(options).to_string())?;
    if options.containers {
        node::write(layout, options)?;
    }
    let plan = components::plan(layout, options, keep == Keep::WhileHeld)?;
    layout.write("plan.json", &serde_json::to_string_pretty(&plan)?)
}
