//! Reading files of a folder, within its root.

use std::collections::HashSet;

use lucid_object::yaml;

use super::Build;
use crate::loader::{FileKind, LoadError, path, remote};
use crate::model::At;
use crate::report::{Report, code};
use crate::{Bounds, LoadRestrictor};

/// A text takes about this many times its size in memory, once it is a tree.
const IN_MEMORY: usize = 4;

/// A large build may add this many times what it reads.
const MAY_GROW: usize = 16;

/// A folder with a kustomization, and the folders that led to it.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    /// Canonical.
    pub(crate) path: String,
    /// Canonical paths of the kustomizations above, this one last.
    visited: Vec<String>,
    /// The folder of the repository it was fetched with; nothing in it may leave that.
    repository: Option<String>,
    /// Addresses of repositories on the way here.
    addresses: Vec<String>,
    /// The namespace that the kustomizations above give to Helm charts.
    pub(crate) helm_namespace: yaml::Text,
}

impl Folder {
    pub(crate) fn root(path: String) -> Self {
        Self {
            visited: vec![path.clone()],
            path,
            repository: None,
            addresses: Vec::new(),
            helm_namespace: yaml::Text::default(),
        }
    }

    /// A folder in a repository that this one names.
    pub(crate) fn below_repository(&self, path: String, clone: String, address: &str) -> Self {
        let mut below = Self { repository: Some(clone), ..self.clone() };
        below.visited.push(path.clone());
        below.addresses.push(address.to_owned());
        below.path = path;
        below
    }

    /// True if this repository, or a part of it, is one that led here.
    pub(crate) fn came_from(&self, address: &str) -> bool {
        self.addresses.iter().any(|known| known.starts_with(address))
    }

    /// True if the bases of this one may not have bases.
    pub(super) fn is_deepest(&self, bounds: Bounds) -> bool {
        self.visited.len() > bounds.bases
    }

    fn is_confined(&self, restrictor: LoadRestrictor) -> bool {
        restrictor == LoadRestrictor::RootOnly || self.repository.is_some()
    }
}

/// What a build has read.
#[derive(Debug, Default)]
pub(super) struct Read {
    files: usize,
    bytes: usize,
    /// Files, to tell those that are read again.
    known: HashSet<String>,
}

/// A text file.
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) file: u32,
}

impl Build<'_> {
    /// The bytes of a file, seen from a folder. What is wrong is reported.
    pub(crate) fn bytes(&mut self, folder: &Folder, at: &At<yaml::Text>) -> Option<(Vec<u8>, String)> {
        let loaded = self.load(folder, at)?;
        self.count(&loaded, at).then_some(loaded)
    }

    /// Counts what was read. False if that is too much.
    fn count(&mut self, (bytes, found): &(Vec<u8>, String), at: &At<yaml::Text>) -> bool {
        let bounds = self.options.bounds;
        self.read.files += 1;
        if self.read.files > bounds.files {
            let message = format!("the build reads more than {} files", bounds.files);
            self.report.error(code::TOO_LARGE, at.pos, message);
            return false;
        }
        if self.read.known.contains(found) {
            return self.report.meter.grow(bytes.len() * IN_MEMORY, at.pos);
        }
        self.read.known.insert(found.clone());
        self.read.bytes += bytes.len();
        self.report.meter.give(bytes.len() * MAY_GROW);
        if self.read.bytes > bounds.bytes {
            let message = format!("the build reads more than {} MiB", bounds.bytes >> 20);
            self.report.error(code::TOO_LARGE, at.pos, message);
            return false;
        }
        true
    }

    fn load(&mut self, folder: &Folder, at: &At<yaml::Text>) -> Option<(Vec<u8>, String)> {
        if remote::is_url(&at.value) {
            return self.download(at);
        }
        let found = match self.loader.canonical(&path::join(&folder.path, &at.value)) {
            Ok((found, FileKind::File)) => found,
            Ok(_) if at.value.is_empty() => {
                self.report.error(code::MISSING_FILE, at.pos, "an empty path");
                return None;
            }
            Ok((_, FileKind::Directory)) => {
                self.report.error(code::MISSING_FILE, at.pos, format!("{} is a folder, not a file", at.value));
                return None;
            }
            Err(LoadError::Missing) => {
                self.missing(at, folder);
                return None;
            }
            Err(error) => {
                self.report.error(code::MISSING_FILE, at.pos, format!("cannot read {}: {error}", at.value));
                return None;
            }
        };
        if folder.is_confined(self.options.load_restrictor) && !path::is_within(&found, &folder.path) {
            self.outside(at, &found, &folder.path);
            return None;
        }
        match self.loader.read(&found) {
            Ok(bytes) => Some((bytes, found)),
            Err(error) => {
                self.report.error(code::MISSING_FILE, at.pos, format!("cannot read {}: {error}", at.value));
                None
            }
        }
    }

    fn outside(&mut self, at: &At<yaml::Text>, found: &str, root: &str) {
        let (found, root) = (self.loader.display(found), self.loader.display(root));
        let message = format!("{} leads to {found}, which is not in or below {root}", at.value);
        let help = "move the file below the kustomization, or make a base of its folder \
                    (`--load-restrictor LoadRestrictionsNone` allows it)";
        self.report.error_help(code::PATH_REFUSED, at.pos, message, help);
    }

    /// The text of a file.
    pub(crate) fn text(&mut self, folder: &Folder, at: &At<yaml::Text>) -> Option<Text> {
        let (bytes, found) = self.bytes(folder, at)?;
        let file = self.report.files.add(&self.loader.display(&found));
        if let Some(text) = utf_16(&bytes) {
            return Some(Text { text: self.only_document(text, file), file });
        }
        match String::from_utf8(bytes) {
            Ok(text) => Some(Text { text, file }),
            Err(error) => {
                let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = before.iter().filter(|b| **b == b'\n').count() as u32 + 1;
                let column = before.iter().rev().take_while(|b| **b != b'\n').count() as u32 + 1;
                let pos = yaml::Pos { file, line, column };
                self.report.error(code::INVALID_YAML, pos, "invalid YAML: the text is not UTF-8");
                None
            }
        }
    }

    /// kustomize looks for `---` in bytes, and so finds none in UTF-16: it reads one document.
    fn only_document(&mut self, mut text: String, file: u32) -> String {
        if let Some(at) = text.find("\n---") {
            let line = text[..=at].matches('\n').count() as u32 + 1;
            self.ignored([yaml::Pos { file, line, column: 1 }]);
            text.truncate(at + 1);
        }
        text
    }

    /// Goes to another folder; the path has been resolved already.
    pub(super) fn enter(&mut self, folder: &Folder, at: &At<yaml::Text>, found: String) -> Option<Folder> {
        let refuse = |report: &mut Report, message: String| {
            report.error(code::PATH_REFUSED, at.pos, message);
            None
        };
        if at.value.is_empty() {
            return refuse(&mut self.report, "an empty path".to_owned());
        }
        if at.value.starts_with('/') {
            return refuse(&mut self.report, format!("the path of the base {} is absolute", at.value));
        }
        if path::is_ambiguous(&at.value) {
            return refuse(&mut self.report, format!("the path {} is ambiguous: it has `..` in a name", at.value));
        }
        if let Some(above) = folder.visited.iter().rev().find(|above| path::is_within(above, &found)) {
            let (found, above) = (self.loader.display(&found), self.loader.display(above));
            let chain = if found == above {
                format!("{found} includes itself")
            } else {
                format!("{found} contains {above}, which includes it")
            };
            return refuse(&mut self.report, format!("cycle: {chain}"));
        }
        if let Some(repository) = folder.repository.as_ref().filter(|repository| !path::is_within(&found, repository)) {
            let (found, repository) = (self.loader.display(&found), self.loader.display(repository));
            let message = format!("{} leads to {found}, outside of the repository {repository}", at.value);
            return refuse(&mut self.report, message);
        }
        if folder.is_deepest(self.options.bounds) {
            let message = format!("bases of bases, more than {} deep", self.options.bounds.bases);
            self.report.error(code::TOO_LARGE, at.pos, message);
            return None;
        }
        let mut below = folder.clone();
        below.visited.push(found.clone());
        below.path = found;
        Some(below)
    }
}

/// The text of a file that begins with the byte order mark of UTF-16, as some shells on Windows write it.
fn utf_16(bytes: &[u8]) -> Option<String> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let (pairs, rest) = bytes[2..].as_chunks::<2>();
    let text = char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect::<Result<String, _>>();
    text.ok().filter(|_| rest.is_empty())
}
