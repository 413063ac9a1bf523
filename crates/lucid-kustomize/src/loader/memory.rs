//! Files held in memory, for tests and for callers that have them already.

use std::collections::BTreeMap;

use super::{FileKind, LoadError, Loader, path};

/// A tree of files. Paths are relative to an unnamed root.
#[derive(Debug, Clone, Default)]
pub struct MemoryLoader {
    files: BTreeMap<String, Vec<u8>>,
}

impl MemoryLoader {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn add(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        self.files.insert(path::clean(path), content.into());
    }

    #[must_use]
    pub fn with(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.add(path, content);
        self
    }

    fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        self.files.keys().filter(move |file| path::is_within(file, folder) && *file != folder).map(String::as_str)
    }
}

impl Loader for MemoryLoader {
    fn canonical(&self, path: &str) -> Result<(String, FileKind), LoadError> {
        let path = path::clean(path);
        if self.files.contains_key(&path) {
            return Ok((path, FileKind::File));
        }
        let prefix = format!("{path}/");
        let is_folder =
            path == "." || self.files.range(prefix.clone()..).next().is_some_and(|(k, _)| k.starts_with(&prefix));
        if is_folder { Ok((path, FileKind::Directory)) } else { Err(LoadError::Missing) }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, LoadError> {
        self.files.get(path).cloned().ok_or(LoadError::Missing)
    }

    fn list(&self, directory: &str) -> Vec<String> {
        let skip = if directory == "." { 0 } else { directory.len() + 1 };
        let mut names: Vec<String> =
            self.below(directory).filter_map(|file| file.get(skip..)?.split('/').next().map(str::to_owned)).collect();
        names.dedup();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders() {
        let loader = MemoryLoader::new().with("a/b.yaml", "x").with("a/c/d.yaml", "y").with("./e.yaml", "z");
        assert_eq!(loader.canonical("a/c/../b.yaml"), Ok(("a/b.yaml".into(), FileKind::File)));
        assert_eq!(loader.canonical("a"), Ok(("a".into(), FileKind::Directory)));
        assert_eq!(loader.canonical("."), Ok((".".into(), FileKind::Directory)));
        assert_eq!(loader.canonical("ab"), Err(LoadError::Missing));
        assert_eq!(loader.read("e.yaml"), Ok(b"z".to_vec()));
        assert_eq!(loader.list("a"), ["b.yaml", "c"]);
        assert_eq!(loader.list("."), ["a", "e.yaml"]);
    }
}
