//! A stand-in for any of the 27 services of the Lucid release, for rehearsal and staging.
//!
//! It listens where the service listens, is healthy when the service would be, waits for what the service needs, checks
//! the service's tokens, ends in order, and fails on command. It does none of the service's work and says so: in its
//! image's labels and in the field `standin` of its answers.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a container's log is its output")]

mod answer;
mod fault;
mod peers;
mod probe;
mod serve;
mod service;
mod settings;
mod state;
mod token;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use crate::settings::{Asked, Settings, USAGE};
use crate::state::State;

/// Requests under way get this long. The pod's grace period is 30 s, 5 of which its `preStop` takes.
const DRAIN: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let called = std::env::args_os().next().unwrap_or_default();
    let called = Path::new(&called).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if called == "pause" {
        return pause();
    }
    if let Some(tool) = probe::named(called) {
        return probe::run(tool, &std::env::args().skip(1).collect::<Vec<_>>());
    }
    match settings::read(std::env::args_os(), |name| std::env::var(name).ok()) {
        Ok(Asked::Help) => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Asked::Run(settings)) => stand_in(*settings),
        Err(error) => {
            eprintln!("lucid-standin: {error}");
            ExitCode::from(2)
        }
    }
}

fn stand_in(settings: Settings) -> ExitCode {
    block_on(serve(Arc::new(State::new(settings))))
}

/// The process that holds a pod's namespaces in the test cluster: it waits to be told to end.
fn pause() -> ExitCode {
    block_on(async {
        told_to_end().await;
        ExitCode::SUCCESS
    })
}

fn block_on(work: impl Future<Output = ExitCode>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("lucid-standin: start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(work);
    // A name that is being looked up must not hold up the end.
    runtime.shutdown_background();
    code
}

async fn serve(state: Arc<State>) -> ExitCode {
    let listening = match serve::listen(&state).await {
        Ok(listening) => listening,
        Err(error) => {
            eprintln!("lucid-standin: {error}");
            return ExitCode::FAILURE;
        }
    };
    let life = async {
        peers::start(&state).await;
        peers::watch(&state).await;
    };
    tokio::select! {
        () = life => ExitCode::FAILURE,
        () = leak(&state) => ExitCode::FAILURE,
        () = crash(&state) => {
            eprintln!("{} {}: crashing, as it was told to", state.settings.service.name, state.settings.revision);
            ExitCode::FAILURE
        }
        name = told_to_end() => {
            state.stop();
            println!("{name}: ending");
            let drained = listening.close(DRAIN).await;
            println!("{}", if drained { "all requests were answered" } else { "requests were cut off" });
            ExitCode::SUCCESS
        }
    }
}

async fn told_to_end() -> &'static str {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => "SIGTERM",
        _ = int.recv() => "SIGINT",
    }
}

async fn crash(state: &State) {
    match state.settings.faults.crash {
        Some(after) => sleep(after).await,
        None => std::future::pending().await,
    }
}

/// Takes memory and keeps it, a quarter of a second's worth at a time, until something stops it.
async fn leak(state: &State) {
    let Some(a_second) = state.settings.faults.leak else { return std::future::pending().await };
    let mut kept: Vec<Vec<u8>> = Vec::new();
    loop {
        // Written to, or the kernel would not give it.
        kept.push(vec![1; a_second / 4]);
        state.leak(kept.last().map_or(0, |piece| piece.len() as u64));
        sleep(Duration::from_millis(250)).await;
    }
}
