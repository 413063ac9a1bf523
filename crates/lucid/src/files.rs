//! The file system, as rendering sees it.

mod helm;
mod process;
mod remote;
mod scratch;

use std::cell::{Cell, RefCell};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lucid_kustomize::{FileKind, HelmCall, LoadError, Loader, Repository};

use crate::cli::Outside;
use scratch::Scratch;

/// No manifest is larger; what is, is a mistake or an attack.
const LIMIT: u64 = 8 << 20;

/// Reads from disk; shows paths relative to the folder the user is in. Beyond that it calls the user's git, curl and
/// helm, where that is allowed.
pub(crate) struct DiskLoader {
    here: PathBuf,
    outside: Outside,
    scratch: Scratch,
    clones: RefCell<Vec<Clone>>,
    /// When rendering has to be done; later by what other programs take.
    until: Cell<Instant>,
}

/// A repository that was fetched.
struct Clone {
    repository: Repository,
    /// Canonical.
    folder: String,
}

impl DiskLoader {
    pub(crate) fn new(outside: &Outside) -> Self {
        Self {
            here: std::env::current_dir().and_then(fs::canonicalize).unwrap_or_default(),
            outside: outside.clone(),
            scratch: Scratch::default(),
            clones: RefCell::default(),
            until: Cell::new(Instant::now() + Duration::from_secs(outside.max_time)),
        }
    }

    /// Runs another program, which has a time limit of its own.
    fn aside<T>(&self, run: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = run();
        self.until.set(self.until.get() + start.elapsed());
        done
    }
}

impl Loader for DiskLoader {
    fn canonical(&self, path: &str) -> Result<(String, FileKind), LoadError> {
        let real = fs::canonicalize(path).map_err(|error| explain(&error))?;
        let kind = if real.is_dir() { FileKind::Directory } else { FileKind::File };
        let text = real.to_str().ok_or_else(|| LoadError::Other("its path is not UTF-8".into()))?;
        Ok((text.to_owned(), kind))
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, LoadError> {
        bytes(Path::new(path))
    }

    fn list(&self, directory: &str) -> Vec<String> {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    fn repository(&self, repository: &Repository) -> Result<String, LoadError> {
        if !self.outside.allow_remote {
            return Err(LoadError::NotAllowed("--allow-remote"));
        }
        if let Some(known) = self.clones.borrow().iter().find(|clone| clone.repository == *repository) {
            return Ok(known.folder.clone());
        }
        let folder = self.aside(|| remote::fetch(repository, &self.scratch))?;
        self.clones.borrow_mut().push(Clone { repository: repository.clone(), folder: folder.clone() });
        Ok(folder)
    }

    fn download(&self, url: &str) -> Result<Vec<u8>, LoadError> {
        if !self.outside.allow_remote {
            return Err(LoadError::NotAllowed("--allow-remote"));
        }
        self.aside(|| remote::download(url, LIMIT))
    }

    fn helm(&self, call: &HelmCall) -> Result<Vec<u8>, LoadError> {
        if !self.outside.enable_helm {
            return Err(LoadError::NotAllowed("--enable-helm"));
        }
        self.aside(|| helm::run(&self.outside.helm_command, call, &self.scratch))
    }

    fn is_out_of_time(&self) -> bool {
        Instant::now() > self.until.get()
    }

    /// What was fetched is shown with its address, not with the place where it lies for the moment.
    fn display(&self, path: &str) -> String {
        for clone in self.clones.borrow().iter() {
            if let Some(below) =
                path.strip_prefix(&clone.folder).filter(|rest| rest.is_empty() || rest.starts_with('/'))
            {
                return format!("{}/{below}", clone.repository.address);
            }
        }
        shown(Path::new(path), &self.here)
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, LoadError> {
    let file = fs::File::open(path).map_err(|error| explain(&error))?;
    let mut bytes = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| explain(&error))?;
    if bytes.len() as u64 > LIMIT {
        let size = fs::metadata(path).map_or(LIMIT + 1, |metadata| metadata.len());
        return Err(LoadError::TooLarge { size, limit: LIMIT });
    }
    Ok(bytes)
}

/// The text of a manifest.
pub(crate) fn text(path: &Path) -> Result<String, LoadError> {
    String::from_utf8(bytes(path)?).map_err(|_| LoadError::Other("it is not UTF-8".into()))
}

fn explain(error: &std::io::Error) -> LoadError {
    match error.kind() {
        std::io::ErrorKind::NotFound => LoadError::Missing,
        _ => LoadError::Other(error.to_string()),
    }
}

/// Relative to `here` where that is below it, with as few `..` as possible where it is beside it.
fn shown(path: &Path, here: &Path) -> String {
    if let Ok(below) = path.strip_prefix(here) {
        return below.display().to_string();
    }
    for (up, ancestor) in here.ancestors().enumerate().skip(1).take(3) {
        let below = path.strip_prefix(ancestor).ok().filter(|_| ancestor.parent().is_some());
        if let Some(below) = below {
            return format!("{}{}", "../".repeat(up), below.display());
        }
    }
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_from_where_the_user_is() {
        let here = Path::new("/home/ann/lucid");
        assert_eq!(shown(Path::new("/home/ann/lucid/k8s/a.yaml"), here), "k8s/a.yaml");
        assert_eq!(shown(Path::new("/home/ann/other/a.yaml"), here), "../other/a.yaml");
        assert_eq!(shown(Path::new("/etc/a.yaml"), here), "/etc/a.yaml");
    }
}
