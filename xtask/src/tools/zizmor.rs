//! zizmor, which looks for what an attacker could do with a workflow.

use std::path::PathBuf;

use anyhow::Result;

use super::python;
use crate::root::tools;

pub(crate) fn program() -> PathBuf {
    tools().join("zizmor/bin/zizmor")
}

pub(super) fn ensure() -> Result<()> {
    python::ensure(&tools().join("zizmor"), &program(), &["zizmor==1.32.0"])
}
