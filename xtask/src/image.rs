//! Container images without a container engine: written as OCI blobs, pushed to a registry on loopback.

mod blob;
mod layer;
mod push;
mod standin;

use anyhow::Result;
use clap::{Parser, Subcommand};

pub(crate) use standin::{AARCH64, binary, build};

#[derive(Parser)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Pushes the pause image and the stand-in's versions for two architectures; prints NAME:TAG=DIGEST lines
    Push {
        /// Host and port of a registry on loopback
        registry: String,
    },
}

pub(crate) fn run(args: Args) -> Result<()> {
    match args.verb {
        Verb::Push { registry } => standin::push_all(&registry),
    }
}
