//! One program from manifests to verified running on Kubernetes.
//!
//! `main` reads the arguments, runs the command, prints what went wrong and turns it into an exit code. Each command is a
//! file of its own in [`commands`]; [`exit`] has the codes and [`failure`] the one error type of the edge.

mod cli;
mod commands;
mod exit;
mod failure;
mod files;
mod manifests;
mod output;

use std::process::ExitCode;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::output::Outlet;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no mistakes; clap knows which is which.
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            let _ = error.print();
            return code.into();
        }
    };
    let outlet = Outlet::new(cli.global.color);
    output::start_logging(&cli.global);
    match commands::run(cli, &outlet) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            outlet.failure(&failure);
            failure.exit.into()
        }
    }
}
