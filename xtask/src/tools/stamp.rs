//! A note beside each program of what it was built from.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result};

fn beside(program: &Path) -> PathBuf {
    program.with_added_extension("stamp")
}

/// What the program was built from; empty when nobody knows.
pub(crate) fn read(program: &Path) -> String {
    fs::read_to_string(beside(program)).unwrap_or_default()
}

pub(crate) fn write(program: &Path, inputs: &str) -> Result<()> {
    fs::write(beside(program), inputs).with_context(|| format!("note what {} was built from", program.display()))
}

/// A digest of a Go module's files and of how it is built.
pub(crate) fn of_sources(folder: &Path, flags: &[&str]) -> Result<String> {
    let mut digest = DefaultHasher::new();
    flags.hash(&mut digest);
    for path in sources(folder).with_context(|| format!("list {}", folder.display()))? {
        path.file_name().hash(&mut digest);
        fs::read(&path).with_context(|| format!("read {}", path.display()))?.hash(&mut digest);
    }
    Ok(format!("{:016x}", digest.finish()))
}

fn sources(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    let mut paths: Vec<_> = entries.iter().map(fs::DirEntry::path).filter(|path| is_source(path)).collect();
    paths.sort();
    Ok(paths)
}

fn is_source(path: &Path) -> bool {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    (name.ends_with(".go") && !name.ends_with("_test.go")) || name == "go.mod" || name == "go.sum"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_source_or_flag_changes_the_stamp_and_a_readme_does_not() {
        let folder = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("folder");
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("write");
        let stamp = |flag: &str| of_sources(&folder, &[flag]).expect("stamp");
        write("main.go", "package main");
        let first = stamp("-s");
        write("README.md", "words");
        write("main_test.go", "package main");
        assert_eq!(stamp("-s"), first);
        assert_ne!(stamp("-w"), first);
        write("main.go", "package main // changed");
        assert_ne!(stamp("-s"), first);
        fs::remove_dir_all(&folder).expect("remove");
    }
}
