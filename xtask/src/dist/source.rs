//! What is released: version and time of the source.

use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Target;
use crate::process::output;
use crate::root::root;

#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) version: String,
    /// Seconds since 1970: `SOURCE_DATE_EPOCH`, or else the time of the commit.
    pub(crate) epoch: u64,
}

impl Source {
    pub(crate) fn read() -> Result<Self> {
        let epoch = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(text) => text,
            Err(_) => output(Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root()))?,
        };
        let epoch = epoch.trim().parse().with_context(|| format!("read {epoch:?} as seconds since 1970"))?;
        // All packages of the workspace have one version, this one among them.
        Ok(Self { version: env!("CARGO_PKG_VERSION").to_owned(), epoch })
    }

    /// What is published under a tag must be that version.
    pub(crate) fn expect_tag(&self, tag: Option<&str>) -> Result<()> {
        match tag {
            Some(tag) if tag != format!("v{}", self.version) => {
                bail!("the tag {tag} is not v{}; change `version` in Cargo.toml, or the tag", self.version)
            }
            _ => Ok(()),
        }
    }

    /// The archive's name without its ending, and the folder in it.
    pub(crate) fn name_for(&self, target: &Target) -> String {
        format!("lucid-{}-{}", self.version, target.triple)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_that_of_the_version() {
        let source = Source { version: "1.2.3".to_owned(), epoch: 0 };
        assert!(source.expect_tag(None).is_ok());
        assert!(source.expect_tag(Some("v1.2.3")).is_ok());
        for tag in ["1.2.3", "v1.2.4", "v1.2.3-rc1", ""] {
            let error = source.expect_tag(Some(tag)).expect_err("another version");
            assert!(error.to_string().contains("is not v1.2.3"), "{error}");
        }
    }
}
