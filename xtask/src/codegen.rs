//! `cargo xtask codegen`: writes what is generated into `docs/reference`, or says what has drifted.

use anyhow::Result;
use clap::Parser;

use crate::process::{cargo, run};
use crate::root::root;

#[derive(Parser)]
pub(crate) struct Args {
    /// Write nothing; fail when something would change
    #[arg(long)]
    check: bool,
}

pub(crate) fn run_verb(args: Args) -> Result<()> {
    let mut lucid = cargo();
    lucid.args(["run", "--quiet", "-p", "lucid", "--", "reference"]).current_dir(root());
    if args.check {
        lucid.arg("--check");
    }
    run(&mut lucid)
}

/// The generated files are what the program would write.
pub(crate) fn check() -> Result<()> {
    run_verb(Args { check: true })
}
