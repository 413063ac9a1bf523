//! What runs, and whether it answers.

use std::ffi::OsStr;
use std::fs;

use anyhow::{Result, bail};
use serde::Deserialize;

use super::exec::command_inside;
use super::layout::Layout;
use crate::process::{Process, output};

#[derive(Debug, Deserialize)]
struct Component {
    name: String,
    pid: u32,
}

/// Prints one line a component; an error when the cluster does not serve.
pub(crate) fn status(layout: &Layout) -> Result<()> {
    let Some(supervisor) = layout.supervisor() else {
        bail!("cluster {} is not running", layout.name);
    };
    println!("cluster {} in {}", layout.name, layout.dir.display());
    println!("  {:<24} process {}", "supervisor", supervisor.pid);
    let all = components(layout);
    for component in &all {
        let state = if runs(component) { "" } else { ", ended" };
        println!("  {:<24} process {}{state}", component.name, component.pid);
    }
    println!("{}", nodes(layout)?.trim_end());
    match healthy(layout) {
        true => Ok(()),
        false => bail!("cluster {} is not healthy; its logs are beside its files", layout.name),
    }
}

fn components(layout: &Layout) -> Vec<Component> {
    let file = fs::read_to_string(layout.path("components.json")).unwrap_or_default();
    serde_json::from_str(&file).unwrap_or_default()
}

fn runs(component: &Component) -> bool {
    Process::find(component.pid).is_some()
}

fn nodes(layout: &Layout) -> Result<String> {
    output(kubectl(layout)?.args(["get", "nodes"]))
}

/// Every component runs and the server says that it is ready.
pub(crate) fn healthy(layout: &Layout) -> bool {
    let all = components(layout);
    !all.is_empty() && all.iter().all(runs) && ready(layout).is_ok_and(|answer| answer.trim() == "ok")
}

fn ready(layout: &Layout) -> Result<String> {
    output(kubectl(layout)?.args(["get", "--raw", "/readyz"]))
}

fn kubectl(layout: &Layout) -> Result<std::process::Command> {
    let mut command = command_inside(layout, OsStr::new("kubectl"))?;
    command.args(["--request-timeout", "5s"]);
    Ok(command)
}
