//! `SHA256SUMS`, as `sha256sum --check` reads it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

const NAME: &str = "SHA256SUMS";

/// The digest of a file in hexadecimal digits.
pub(crate) fn of(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("read {}", file.display()))?;
    Ok(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Lists every other file of the folder.
pub(super) fn write(folder: &Path) -> Result<()> {
    let files = fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    let mut names: Vec<String> =
        files.map(|file| Ok(file?.file_name().display().to_string())).collect::<Result<_>>()?;
    names.retain(|name| name != NAME);
    names.sort();
    let lines: String =
        names.iter().map(|name| Ok(format!("{}  {name}\n", of(&folder.join(name))?))).collect::<Result<_>>()?;
    fs::write(folder.join(NAME), lines).with_context(|| format!("write {NAME}"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_sums_are_those_that_the_usual_tool_checks() {
        let folder = std::env::temp_dir().join(format!("xtask-sums-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("folder");
        for (name, text) in [("b.tar.gz", "two"), ("a.zip", "one")] {
            fs::write(folder.join(name), text).expect("write");
        }
        write(&folder).expect("sums");
        // A second time the list is no part of itself.
        write(&folder).expect("sums");
        let text = fs::read_to_string(folder.join(NAME)).expect("read");
        let names: Vec<&str> = text.lines().map(|line| line.split("  ").nth(1).expect("a name")).collect();
        assert_eq!(names, ["a.zip", "b.tar.gz"]);
        let check = |folder: &Path| {
            let mut tool = Command::new("sha256sum");
            tool.args(["--check", "--strict", NAME]).current_dir(folder).output().expect("sha256sum").status
        };
        assert!(check(&folder).success());
        fs::write(folder.join("a.zip"), "changed").expect("write");
        assert!(!check(&folder).success());
        fs::remove_dir_all(&folder).expect("remove");
    }
}
