//! `lucid completion`: the script a shell completes with.

use clap::CommandFactory;

use crate::cli::{Cli, Completion};
use crate::exit::Exit;
use crate::failure::Result;

pub(crate) fn run(args: &Completion) -> Result<Exit> {
    clap_complete::generate(args.shell, &mut Cli::command(), "lucid", &mut std::io::stdout());
    Ok(Exit::Done)
}
