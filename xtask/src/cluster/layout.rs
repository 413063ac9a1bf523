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

    /// Clusters with a name of one use only leave no lock behind.
    pub(crate) fn forget_lock(&self) {
        let _ = fs::remove_file(self.lock_path());
    }

    fn lock_path(&self) -> PathBuf {
        self.dir.with_file_name(format!(".{}.lock", self.name))
    }

    /// One command at a time may bring this cluster up or down.
    pub(crate) fn lock(&self) -> Result<fs::File> {
        let folder = self.dir.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let file = fs::File::create(self.lock_path())?;
        file.lock().with_context(|| format!("wait for the lock of cluster {}", self.name))?;
        Ok(file)
    }
}

/// Removes what clusters of one use left whose user was killed: `suite-123`, `bench-123`. Those that run are left alone.
pub(crate) fn sweep(prefix: &str) {
    let entries = fs::read_dir(target().join("cluster")).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    for layout in names.filter(|name| is_of_one_use(name, prefix)).map(|name| Layout::new(&name)) {
        if layout.supervisor().is_none() {
            let _ = fs::remove_dir_all(&layout.dir);
            layout.forget_lock();
        }
    }
}

/// The number is the process id of the user, who must be gone.
fn is_of_one_use(name: &str, prefix: &str) -> bool {
    let number = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
    number.and_then(|n| n.parse().ok()).is_some_and(|pid| Process::find(pid).is_none())
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
    fn only_clusters_whose_user_is_gone_are_swept() {
        assert!(is_of_one_use("suite-4194305", "suite"), "no process has an id that large");
        assert!(!is_of_one_use(&format!("suite-{}", std::process::id()), "suite"));
        assert!(!is_of_one_use("suite", "suite"));
        assert!(!is_of_one_use("dev", "suite"));
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
