//! `--scenario FILE`: the simulated cluster that a file describes.

use std::fs;
use std::path::Path;

use lucid_sim::Config;

use crate::failure::{Failure, Result};

/// The cluster of the file; without one, the usual five good nodes.
pub(super) fn read(path: Option<&Path>) -> Result<Config> {
    let Some(path) = path else { return Ok(Config::default()) };
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("read {shown}: {error}")).help("name a scenario file; docs/guide/rehearse.md shows one")
    })?;
    Config::read(&text).map_err(|bad| {
        Failure::usage(format!("{shown}:{}:{}: {}", bad.line, bad.column, bad.message))
            .help("docs/guide/rehearse.md lists what a scenario file can say")
    })
}
