//! The simulated cluster in a file.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use lucid_sim::{Config, Sim};
use serde_json::Value;

use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// The cluster of the file, or a new one where there is none yet.
pub(super) fn open(path: &Path, config: Config) -> Result<Sim> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Sim::new(config)),
        Err(error) => return Err(Failure::new(Exit::Failed, format!("read {}: {error}", path.display()))),
    };
    let unusable = |why: String| {
        Failure::usage(format!("{}: {why}", path.display()))
            .help("name a file that `lucid sim --state` wrote, or a new one")
    };
    let state: Value = serde_json::from_slice(&text).map_err(|error| unusable(error.to_string()))?;
    drop(text);
    Sim::load(config, state).map_err(|refused| unusable(refused.message))
}

pub(super) fn save(path: &Path, sim: &Sim) -> Result<()> {
    let text = serde_json::to_vec(&sim.save()).expect("JSON values can be written");
    write_private(path, &text)
}

/// Writes a file that only its owner can read, whole or not at all.
pub(in crate::commands) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let write = || {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&beside)?.write_all(bytes)?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&beside);
        Failure::new(Exit::Failed, format!("write {}: {error}", path.display()))
            .help("name a file in a folder that you can write to")
    })
}
