//! Where things are in the workspace.

use std::path::{Path, PathBuf};

/// The workspace's root folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Cargo's target folder, where everything that is built or started here leaves its files.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// The folder of the programs that tests call.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}
