//! The file system, as rendering sees it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use lucid_kustomize::{FileKind, LoadError, Loader};

/// No manifest is larger; what is, is a mistake or an attack.
const LIMIT: u64 = 8 << 20;

/// Reads from disk; shows paths relative to the folder the user is in.
pub(crate) struct DiskLoader {
    here: PathBuf,
}

impl DiskLoader {
    pub(crate) fn new() -> Self {
        Self { here: std::env::current_dir().and_then(fs::canonicalize).unwrap_or_default() }
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
        let file = fs::File::open(path).map_err(|error| explain(&error))?;
        let mut bytes = Vec::new();
        file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| explain(&error))?;
        if bytes.len() as u64 > LIMIT {
            let size = fs::metadata(path).map_or(LIMIT + 1, |metadata| metadata.len());
            return Err(LoadError::TooLarge { size, limit: LIMIT });
        }
        Ok(bytes)
    }

    fn list(&self, directory: &str) -> Vec<String> {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    fn display(&self, path: &str) -> String {
        shown(Path::new(path), &self.here)
    }
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
