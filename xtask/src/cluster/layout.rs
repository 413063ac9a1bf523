//! Where a cluster keeps its files, and the process that holds it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process::Process;
use crate::root::target;

/// The folder of one cluster.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
}

impl Layout {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), dir: target().join("cluster").join(name) }
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    /// The same as text, for command lines and configuration files.
    pub(crate) fn text(&self, file: &str) -> String {
        self.path(file).display().to_string()
    }

    pub(crate) fn write(&self, file: &str, content: &str) -> Result<()> {
        let path = self.path(file);
        fs::write(&path, content).with_context(|| format!("write {}", path.display()))
    }

    /// The supervisor, if the cluster runs.
    pub(crate) fn supervisor(&self) -> Option<Process> {
        let noted: Process = serde_json::from_str(&fs::read_to_string(self.path("supervisor.json")).ok()?).ok()?;
        noted.is_alive().then_some(noted)
    }

    /// One command at a time may bring this cluster up or down.
    pub(crate) fn lock(&self) -> Result<fs::File> {
        let folder = self.dir.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let file = fs::File::create(folder.join(format!(".{}.lock", self.name)))?;
        file.lock().with_context(|| format!("wait for the lock of cluster {}", self.name))?;
        Ok(file)
    }
}

/// A cluster's name becomes a folder's.
pub(crate) fn name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match !text.is_empty() && text.len() <= 40 && !text.starts_with('-') && text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => Err("up to 40 of a-z, 0-9 and `-`, not starting with `-`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, fits: bool) {
        assert_eq!(name(text).is_ok(), fits, "{text:?}");
    }

    #[test]
    fn a_name_cannot_leave_its_folder() {
        check("default", true);
        check("bench-27", true);
        check("", false);
        check("..", false);
        check("a/b", false);
        check("-x", false);
    }
}
