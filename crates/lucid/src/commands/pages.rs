//! `lucid pages` (hidden): the manual pages and completions that a release carries.

use std::fs;

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;

use crate::cli::{Cli, Pages};
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::Outlet;

pub(crate) fn run(args: &Pages, outlet: &Outlet) -> Result<Exit> {
    let (man, completions) = (args.folder.join("man"), args.folder.join("completions"));
    fs::create_dir_all(&man)?;
    fs::create_dir_all(&completions)?;
    // One page a command; no date in them, so that the same program writes the same bytes.
    clap_mangen::generate_to(Cli::command(), &man)?;
    for shell in Shell::value_variants() {
        clap_complete::generate_to(*shell, &mut Cli::command(), "lucid", &completions)?;
    }
    outlet.talk(&format!("wrote {}\n", args.folder.display()));
    Ok(Exit::Done)
}
