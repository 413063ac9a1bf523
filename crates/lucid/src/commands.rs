//! One file a command.

mod cleanup;
mod completion;
mod deploy;
mod diff;
mod explain;
mod health;
mod history;
mod images;
mod notify;
mod pages;
mod plan;
mod rbac;
mod reference;
mod rehearse;
mod render;
mod rollback;
mod scenario;
mod secrets;
mod sim;
mod snapshot;
mod status;
mod validate;
mod version;
mod why;

use lucid_client::{ConnectOptions, Connected};
use tokio::sync::mpsc;

use crate::cli::{Cli, Command, Global};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Outlet;

pub(crate) fn run(cli: Cli, outlet: &Outlet) -> Result<Exit> {
    let global = &cli.global;
    match cli.command {
        Command::Render(args) => render::run(global, &args, outlet),
        Command::Validate(args) => validate::run(global, &args, outlet),
        Command::Plan(args) => plan::run(global, &args, outlet),
        Command::Deploy(args) => deploy::run(global, &args, outlet),
        Command::Rollback(args) => rollback::run(global, &args, outlet),
        Command::Cleanup(args) => cleanup::run(global, &args, outlet),
        Command::Diff(args) => diff::run(global, &args, outlet),
        Command::History(args) => history::run(global, &args, outlet),
        Command::Why(args) => why::run(global, &args, outlet),
        Command::Status(args) => status::run(global, &args, outlet),
        Command::Health(args) => health::run(global, &args, outlet),
        Command::Rehearse(args) => rehearse::run(global, &args, outlet),
        Command::Sim(args) => sim::run(global, &args, outlet),
        Command::Images(args) => images::run(global, &args, outlet),
        Command::Notify(args) => notify::run(global, &args, outlet),
        Command::Secrets(args) => secrets::run(global, &args, outlet),
        Command::Snapshot(args) => snapshot::run(global, &args, outlet),
        Command::Rbac(args) => rbac::run(global, &args, outlet),
        Command::Explain(args) => explain::run(&args, outlet),
        Command::Completion(args) => completion::run(&args),
        Command::Version(args) => version::run(&args, outlet),
        Command::Reference(args) => reference::run(&args, outlet),
        Command::Pages(args) => pages::run(&args, outlet),
    }
}

async fn connect(global: &Global) -> Result<Connected> {
    let options = ConnectOptions {
        kubeconfig: global.kubeconfig.clone(),
        context: global.context.clone(),
        // Without a name it is that of the context.
        cluster: global.cluster.clone().filter(|name| !name.is_empty()),
        user: global.user.clone(),
        impersonate: global.impersonate.clone(),
        impersonate_groups: global.impersonate_groups.clone(),
    };
    Ok(lucid_client::connect(&options).await?)
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, format!("start the runtime: {error}")))
}

/// Runs to the end of the work and no longer: a name that is still being looked up does not hold up the program's end.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = runtime()?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}

/// Asks before something that cannot be taken back. Without a terminal nobody can answer, so `--yes` must have.
fn confirm(global: &Global, outlet: &Outlet, what: &str) -> Result<()> {
    use std::io::IsTerminal as _;
    if global.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("{what} There is no terminal to ask on")).help("add --yes to confirm it"));
    }
    outlet.talk(&format!("{what}\nGo on? [y/N] "));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::usage("nothing was done")),
    }
}

/// 256 random bits for a release that has no key yet.
fn fresh_key() -> Result<lucid_deploy::FreshKey> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Failure::new(Exit::Failed, "the system gives no random numbers"))?;
    Ok(lucid_deploy::FreshKey(bytes))
}

/// How long after a signal the program ends in any case. Whatever it was at, the record in the cluster knows of it and the
/// next command goes on from there; who sends SIGTERM often sends SIGKILL soon after.
const FAREWELL: std::time::Duration = std::time::Duration::from_millis(1900);

/// SIGINT and SIGTERM, as inputs of a run. A second one ends the program at once.
fn signals() -> mpsc::UnboundedReceiver<lucid_engine::Signal> {
    use lucid_engine::Signal;
    let (sender, receiver) = mpsc::unbounded_channel();
    // Listened for from here on, not from when the task is first run.
    #[cfg(unix)]
    if let (Ok(mut interrupt), Ok(mut terminate)) = {
        use tokio::signal::unix::{SignalKind, signal};
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    } {
        tokio::spawn(async move {
            let mut is_first = true;
            loop {
                let signal = tokio::select! {
                    _ = interrupt.recv() => Signal::Interrupt,
                    _ = terminate.recv() => Signal::Terminate,
                };
                let exit = if signal == Signal::Interrupt { Exit::Interrupted } else { Exit::Terminated };
                let leave = move || std::process::exit(i32::from(exit.code()));
                if !std::mem::take(&mut is_first) {
                    leave();
                }
                let _ = sender.send(signal);
                // A thread of its own: the others may be waiting for an answer.
                std::thread::spawn(move || {
                    std::thread::sleep(FAREWELL);
                    leave();
                });
            }
        });
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            let _ = sender.send(Signal::Interrupt);
        }
    });
    receiver
}

/// Registers the values of Secrets that stand in the manifests, so that no output shows them.
fn keep_secrets(outlet: &Outlet, objects: &lucid_object::ObjectSet) {
    use base64::Engine as _;
    for object in objects.iter().filter(|object| object.kind() == "Secret") {
        let values = |field: &str| {
            let map = object.value().get(field).and_then(|map| map.as_object());
            map.into_iter().flatten().filter_map(|(_, value)| value.as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        values("stringData").iter().for_each(|value| outlet.keep_secret(value));
        for encoded in values("data") {
            let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.replace('\n', ""));
            if let Some(text) = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
                outlet.keep_secret(&text);
            }
            outlet.keep_secret(&encoded);
        }
    }
}
