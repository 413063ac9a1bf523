//! A folder for what is only needed while the program runs.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Made when it is first asked for, and removed at the end.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    folder: OnceCell<PathBuf>,
    made: std::cell::Cell<u32>,
}

impl Scratch {
    /// A new folder in it.
    pub(super) fn folder(&self) -> std::io::Result<PathBuf> {
        let path = self.next()?;
        fs::create_dir(&path)?;
        Ok(path)
    }

    /// A new file in it.
    pub(super) fn file(&self, name: &str, content: &[u8]) -> std::io::Result<PathBuf> {
        let path = self.folder()?.join(name);
        fs::write(&path, content)?;
        Ok(path)
    }

    fn next(&self) -> std::io::Result<PathBuf> {
        self.made.set(self.made.get() + 1);
        Ok(self.root()?.join(self.made.get().to_string()))
    }

    /// Nobody else can look into it, and it was not there before.
    fn root(&self) -> std::io::Result<&Path> {
        if let Some(folder) = self.folder.get() {
            return Ok(folder);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let path = std::env::temp_dir().join(format!("lucid-{}-{}", std::process::id(), now.as_nanos()));
        private(&path)?;
        // Repositories are compared with resolved paths.
        Ok(self.folder.get_or_init(|| path.canonicalize().unwrap_or(path)))
    }
}

fn private(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(folder) = self.folder.get() {
            let _ = fs::remove_dir_all(folder);
        }
    }
}
