//! The user's helm.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lucid_kustomize::{HelmArgument, HelmCall, LoadError};

use super::process::run as run_program;
use super::scratch::Scratch;

/// A chart may have to be fetched.
const PATIENCE: Duration = Duration::from_secs(120);

/// What helm prints. Its own folders are ones of this build, unless the kustomization names one.
pub(super) fn run(program: &Path, call: &HelmCall, scratch: &Scratch) -> Result<Vec<u8>, LoadError> {
    let failed = |error: std::io::Error| LoadError::Other(format!("prepare for helm: {error}"));
    let home = match &call.configuration {
        Some(folder) => PathBuf::from(folder),
        None => scratch.folder().map_err(failed)?,
    };
    let mut helm = Command::new(program);
    for argument in &call.arguments {
        match argument {
            HelmArgument::Text(text) => helm.arg(text),
            HelmArgument::Values(values) => helm.arg(scratch.file("values.yaml", values).map_err(failed)?),
        };
    }
    helm.env("HELM_CONFIG_HOME", &home);
    helm.env("HELM_CACHE_HOME", home.join(".cache"));
    helm.env("HELM_DATA_HOME", home.join(".data"));
    run_program(&mut helm, PATIENCE)
}
