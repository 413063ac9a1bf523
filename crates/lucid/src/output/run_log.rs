//! The complete log of a run: every event, one JSON object a line, kept in the user's state folder.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use lucid_engine::Stamped;

use crate::failure::{Failure, Result};

/// How many logs are kept; older ones go.
const KEPT: usize = 50;

/// An open log.
pub(crate) struct RunLog {
    pub(crate) path: PathBuf,
    file: BufWriter<File>,
}

impl RunLog {
    /// A new log in `$LUCID_STATE_DIR`, else in the user's state folder.
    ///
    /// Not being able to keep a log must not stop a deploy: then there is none, and it is said.
    pub(crate) fn start(release: &str, began: jiff::Timestamp) -> Result<Self> {
        let folder = folder().ok_or_else(|| Failure::usage("there is no home folder for the log"))?.join("runs");
        fs::create_dir_all(&folder)?;
        prune(&folder);
        let stamp = format!("{began:.3}").replace([':', '.'], "-");
        Self::create(&folder.join(format!("{release}-{stamp}-{}.ndjson", std::process::id())))
    }

    pub(crate) fn create(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| Failure::usage(format!("write {}: {error}", path.display())))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file) })
    }

    pub(crate) fn write(&mut self, event: &Stamped, clean: impl Fn(&str) -> String) {
        let line = clean(&serde_json::to_string(event).expect("events are plain data"));
        // A full disk must not stop a deploy half-way.
        let _ = writeln!(self.file, "{line}").and_then(|()| self.file.flush());
    }
}

fn folder() -> Option<PathBuf> {
    let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    var("LUCID_STATE_DIR")
        .or_else(|| Some(var("XDG_STATE_HOME")?.join("lucid")))
        .or_else(|| Some(var("HOME")?.join(".local/state/lucid")))
}

fn prune(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut logs: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "ndjson")).collect();
    logs.sort_by_key(|path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok());
    let surplus = logs.len().saturating_sub(KEPT - 1);
    for old in &logs[..surplus] {
        let _ = fs::remove_file(old);
    }
}
