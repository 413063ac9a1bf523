//! Where files come from. Rendering reads only through a [`Loader`], so it needs no file system.

mod helm;
mod memory;
pub(crate) mod path;
pub(crate) mod remote;

pub use helm::{HelmArgument, HelmCall};
pub use memory::MemoryLoader;
pub use remote::Repository;

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    File,
    Directory,
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error("no such file or directory")]
    Missing,
    #[error("the file has {size} bytes; at most {limit} are read")]
    TooLarge { size: u64, limit: u64 },
    #[error("the path leaves {root}")]
    Outside { root: String },
    /// The loader does not do this; the option that allows it.
    #[error("this needs {0}")]
    NotAllowed(&'static str),
    #[error("{0}")]
    Other(String),
}

/// A file system, or a part of one. Paths use `/`.
pub trait Loader {
    /// The path with symbolic links followed and `.` and `..` removed, and what is there.
    ///
    /// Confinement is decided on what this returns, so it must be where a read really ends up.
    fn canonical(&self, path: &str) -> Result<(String, FileKind), LoadError>;

    /// The bytes of the file at a canonical path.
    fn read(&self, path: &str) -> Result<Vec<u8>, LoadError>;

    /// Names in a directory, for "did you mean"; may be empty.
    fn list(&self, _directory: &str) -> Vec<String> {
        Vec::new()
    }

    /// Fetches a repository; the canonical path of the folder where it now is.
    ///
    /// What is fetched twice may be the same folder, so nobody may change it.
    fn repository(&self, _repository: &Repository) -> Result<String, LoadError> {
        Err(LoadError::NotAllowed("--allow-remote"))
    }

    /// The bytes behind a URL.
    fn download(&self, _url: &str) -> Result<Vec<u8>, LoadError> {
        Err(LoadError::NotAllowed("--allow-remote"))
    }

    /// What helm prints.
    fn helm(&self, _call: &HelmCall) -> Result<Vec<u8>, LoadError> {
        Err(LoadError::NotAllowed("--enable-helm"))
    }

    /// True once the build has taken longer than it may; it then ends with an error.
    fn is_out_of_time(&self) -> bool {
        false
    }

    /// How a canonical path is shown to people.
    fn display(&self, path: &str) -> String {
        path.to_owned()
    }
}
