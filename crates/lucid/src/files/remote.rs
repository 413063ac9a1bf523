//! Repositories by git, files behind URLs by curl.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lucid_kustomize::{LoadError, Repository};

use super::process::run;
use super::scratch::Scratch;

/// Fetches one commit of a repository; the canonical path of the folder it is in.
pub(super) fn fetch(repository: &Repository, scratch: &Scratch) -> Result<String, LoadError> {
    let folder =
        scratch.folder().map_err(|error| LoadError::Other(format!("make a folder for the repository: {error}")))?;
    let git = |arguments: &[&str]| run(git(&folder).args(arguments), repository.timeout);
    git(&["init", "--quiet"])?;
    // Submodules may be named relative to it.
    git(&["remote", "add", "origin", &repository.address])?;
    let reference = repository.reference.as_deref().unwrap_or("HEAD");
    git(&["fetch", "--quiet", "--depth=1", &repository.address, reference])?;
    git(&["checkout", "--quiet", "FETCH_HEAD"])?;
    if repository.submodules && folder.join(".gitmodules").exists() {
        git(&["submodule", "--quiet", "update", "--init", "--recursive"])?;
    }
    folder.to_str().map(str::to_owned).ok_or_else(|| LoadError::Other("the folder's path is not UTF-8".into()))
}

fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    // A question for a password would never be answered.
    git.current_dir(folder).env("GIT_TERMINAL_PROMPT", "0");
    for inherited in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(inherited);
    }
    git
}

/// The bytes behind a URL.
pub(super) fn download(url: &str, limit: u64) -> Result<Vec<u8>, LoadError> {
    let mut curl = Command::new("curl");
    curl.args([
        "--fail",
        "--silent",
        "--show-error",
        "--location",
        "--proto",
        "=http,https",
        "--proto-redir",
        "=http,https",
    ]);
    curl.args(["--max-time", "27", "--max-filesize", &limit.to_string(), "--url", url]);
    let bytes = run(&mut curl, Duration::from_secs(30))?;
    let size = bytes.len() as u64;
    if size > limit { Err(LoadError::TooLarge { size, limit }) } else { Ok(bytes) }
}
