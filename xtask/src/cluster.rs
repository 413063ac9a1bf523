//! `cargo xtask cluster`: a real control plane with kwok nodes, or one that runs containers, under `target/cluster/<name>`, one network namespace each.

mod addons;
mod components;
mod credentials;
mod down;
mod exec;
mod layout;
mod node;
mod objects;
mod options;
mod stages;
mod status;
mod supervisor;
mod up;

use std::ffi::OsString;

use anyhow::Result;
use clap::{Parser, Subcommand};

pub(crate) use exec::{command_inside, path_with_tools};
use layout::Layout;
pub(crate) use node::leftovers;
use options::Options;
pub(crate) use up::Guard;
use up::{Keep, up};

#[derive(Parser)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Brings a cluster up and waits until it serves
    Up(Up),
    /// Says which components run and whether they are healthy
    Status(Name),
    /// Stops a cluster, newest component first, and removes what it left
    Down(Name),
    /// Runs a command in the cluster's network namespace, with KUBECONFIG and PATH set
    Exec(Inside),
    /// Runs kubectl there
    Kubectl(Inside),
}

#[derive(Parser)]
struct Up {
    #[command(flatten)]
    options: Options,
    /// Stay, and take the cluster down when standard input ends: for tests that start clusters of their own
    #[arg(long)]
    hold: bool,
}

#[derive(Parser)]
struct Name {
    /// Which of the clusters on this machine
    #[arg(long, default_value = "default", value_parser = layout::name)]
    name: String,
}

#[derive(Parser)]
struct Inside {
    #[command(flatten)]
    cluster: Name,
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

pub(crate) fn run(args: Args) -> Result<()> {
    match args.verb {
        Verb::Up(Up { options, hold: false }) => up(&options, Keep::UntilDown).map(drop),
        Verb::Up(Up { options, hold: true }) => hold(&options),
        Verb::Status(which) => status::status(&Layout::new(&which.name)),
        Verb::Down(which) => down::down(&Layout::new(&which.name)),
        Verb::Exec(inside) => exec::exec(&Layout::new(&inside.cluster.name), &inside.command),
        Verb::Kubectl(inside) => {
            let command = std::iter::once(OsString::from("kubectl")).chain(inside.command).collect::<Vec<_>>();
            exec::exec(&Layout::new(&inside.cluster.name), &command)
        }
    }
}

/// Brings up a cluster for one use, with a name of its own. What earlier ones left behind is removed.
pub(crate) fn for_one_use(purpose: &str, volumes: usize) -> Result<Guard> {
    layout::sweep(purpose);
    // Room for the crowds of the soak.
    let node_pods = 2500;
    let options = Options { volumes, node_pods, ..Options::named(&format!("{purpose}-{}", std::process::id())) };
    up(&options, Keep::WhileHeld)
}

/// The same with one node that runs containers.
pub(crate) fn with_containers(purpose: &str) -> Result<Guard> {
    layout::sweep(purpose);
    let name = format!("{purpose}-{}", std::process::id());
    up(&Options { volumes: 20, containers: true, ..Options::named(&name) }, Keep::WhileHeld)
}

fn hold(options: &Options) -> Result<()> {
    let guard = up(options, Keep::WhileHeld)?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    drop(guard);
    Ok(())
}
