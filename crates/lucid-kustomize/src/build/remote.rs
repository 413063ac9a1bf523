//! Bases in repositories and files behind URLs, if that is allowed.

use lucid_object::yaml;

use super::{Build, Folder};
use crate::loader::remote::Address;
use crate::loader::{FileKind, LoadError, path, remote};
use crate::model::At;
use crate::report::code;

/// What a remote path turned out to be.
pub(super) enum Remote {
    Folder(Folder),
    File,
}

impl Build<'_> {
    /// Finds out what a path means that is not a local file. None if it is local, or could not be loaded.
    pub(super) fn remote(&mut self, at: &At<yaml::Text>, folder: &Folder) -> Option<Remote> {
        let address = remote::parse(&at.value);
        match address {
            Some(address) if address.is_marked || !is_file(&at.value) => {
                self.repository(at, folder, &address).map(Remote::Folder)
            }
            _ => Some(Remote::File),
        }
    }

    /// The folder of a repository.
    pub(super) fn repository(&mut self, at: &At<yaml::Text>, folder: &Folder, address: &Address) -> Option<Folder> {
        if folder.came_from(&at.value) {
            self.report.error(code::PATH_REFUSED, at.pos, format!("cycle: {} includes itself", at.value));
            return None;
        }
        if folder.is_deepest(self.options.bounds) {
            let message = format!("bases of bases, more than {} deep", self.options.bounds.bases);
            self.report.error(code::TOO_LARGE, at.pos, message);
            return None;
        }
        if address.repository.reference.as_deref().is_some_and(|reference| reference.starts_with('-')) {
            self.report.error(code::WRONG_VALUE, at.pos, "the name of a branch or tag does not begin with `-`");
            return None;
        }
        let clone = match self.loader.repository(&address.repository) {
            Ok(clone) => clone,
            Err(error) => {
                self.not_loaded(at, &error);
                return None;
            }
        };
        match self.loader.canonical(&path::join(&clone, &address.path)) {
            Ok((found, FileKind::Directory)) if path::is_within(&found, &clone) => {
                Some(folder.below_repository(found, clone, at.value.as_str()))
            }
            Ok(_) => {
                let message = format!("{} is not a folder of the repository", address.path);
                self.report.error(code::MISSING_FILE, at.pos, message);
                None
            }
            Err(error) => {
                let message = format!("{} in {}: {error}", address.path, address.repository.address);
                self.report.error(code::MISSING_FILE, at.pos, message);
                None
            }
        }
    }

    /// The bytes behind a URL, and what to call them.
    pub(super) fn download(&mut self, at: &At<yaml::Text>) -> Option<(Vec<u8>, String)> {
        match self.loader.download(&at.value) {
            Ok(bytes) => Some((bytes, at.value.to_string())),
            Err(error) => {
                self.not_loaded(at, &error);
                None
            }
        }
    }

    pub(super) fn not_loaded(&mut self, at: &At<yaml::Text>, error: &LoadError) {
        match error {
            LoadError::NotAllowed(option) => {
                let message = format!("{} is remote, and nothing is loaded from the network", at.value);
                let help = format!(
                    "`{option}` allows it; or check the files out beside the kustomization, and name the folder"
                );
                self.report.error_help(code::NOT_SUPPORTED, at.pos, message, help);
            }
            error => self.report.error(code::MISSING_FILE, at.pos, format!("cannot load {}: {error}", at.value)),
        }
    }
}

/// True for a URL whose path ends like that of a manifest.
fn is_file(text: &str) -> bool {
    let path = text.split('?').next().unwrap_or_default();
    remote::is_url(text) && [".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end))
}
