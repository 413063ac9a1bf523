//! Rules of the house that no lint knows: what a file opens with, and where a crate lives.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result, bail};

use super::architecture::Workspace;
use crate::root::root;

pub(super) fn check() -> Result<()> {
    let workspace = Workspace::read()?;
    let mut wrong = Vec::new();
    for package in workspace.packages() {
        let folder = Path::new(&package.manifest_path).parent().unwrap_or(Path::new("."));
        wrong.extend(wrong_folder(&package.name, folder));
        let mut files = Vec::new();
        rust_files(folder, &mut files).with_context(|| format!("list {}", folder.display()))?;
        for file in files {
            let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
            let shown = file.strip_prefix(root()).unwrap_or(&file);
            wrong.extend(wrong_file(shown, &text));
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => bail!("{}", wrong.join("\n")),
    }
}

/// The folder of a crate is its name; `bench` is that of `lucid-bench`.
fn wrong_folder(package: &str, folder: &Path) -> Option<String> {
    let name = folder.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let fits = name == package || (package == "lucid-bench" && name == "bench");
    (!fits).then(|| format!("package {package} lives in a folder named {name}"))
}

fn wrong_file(path: &Path, text: &str) -> Option<String> {
    if path.file_name() == Some(OsStr::new("mod.rs")) {
        return Some(format!("{}: foo.rs and foo/, not foo/mod.rs", path.display()));
    }
    let opens_with_doc = text.lines().next().is_some_and(|l| l.starts_with("//!"));
    (!opens_with_doc)
        .then(|| format!("{}:1: opens without a `//!` sentence that says what the file is for", path.display()))
}

/// Rust files below the folder, but not those of crates inside it or of test data.
fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if path.is_dir() {
            if !["target", "testdata", "fixtures"].contains(&name) && !path.join("Cargo.toml").exists() {
                rust_files(&path, into)?;
            }
        } else if path.extension() == Some(OsStr::new("rs")) {
            into.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_file(path: &str, text: &str, fits: bool) {
        assert_eq!(wrong_file(Path::new(path), text).is_none(), fits, "{path}");
    }

    #[test]
    fn a_file_opens_with_what_it_is_for() {
        check_file("a.rs", "//! Says it.\n\nfn f() {}\n", true);
        check_file("a.rs", "\n//! Late.\n", false);
        check_file("a.rs", "// Not a doc comment.\n", false);
        check_file("a.rs", "", false);
        check_file("a/mod.rs", "//! In the wrong place.\n", false);
    }

    #[test]
    fn a_crate_lives_in_a_folder_of_its_name() {
        assert!(wrong_folder("lucid-plan", Path::new("crates/lucid-plan")).is_none());
        assert!(wrong_folder("lucid-plan", Path::new("crates/plan")).is_some());
    }
}
