//! Running commands where the cluster's network is.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::layout::Layout;
use super::supervisor::is_root;
use crate::root::tools;

/// A command that will run in the cluster's network namespace, as the administrator unless told otherwise.
pub(crate) fn command_inside(layout: &Layout, program: &OsStr) -> Result<Command> {
    let Some(supervisor) = layout.supervisor() else {
        bail!("cluster {} is not running: `cargo xtask cluster up --name {0}` first", layout.name);
    };
    let mut command = Command::new("nsenter");
    if !is_root() {
        command.args(["--user", "--preserve-credentials"]);
    }
    command.args(["--target", &supervisor.pid.to_string(), "--net", "--"]).arg(program);
    command.env("KUBECONFIG", layout.path("admin.kubeconfig")).env("PATH", path_with_tools()?);
    command.env("LUCID_TEST_KUBECONFIG", layout.path("lucid.kubeconfig"));
    command.env("LUCID_TEST_DIR", &layout.dir).env("LUCID_TEST_TOOLS", tools());
    // For tests that start clusters of their own.
    command.env("LUCID_TEST_XTASK", env::current_exe().context("find this program")?);
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"] {
        // No proxy of the outside is reachable from inside.
        command.env_remove(proxy);
    }
    Ok(command)
}

pub(crate) fn path_with_tools() -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(tools()).chain(env::split_paths(&path));
    env::join_paths(all).context("put target/tools into PATH")
}

/// Becomes the command: its exit code is that of `cargo xtask`.
pub(crate) fn exec(layout: &Layout, command: &[OsString]) -> Result<()> {
    let (program, args) = command.split_first().context("no command")?;
    Err(command_inside(layout, program)?.args(args).exec()).context("start `nsenter` (from util-linux)")
}
