//! The images of the test cluster: pause, and the stand-in in the versions that the tests roll out.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::blob::{Blob, Image, Start, index};
use super::layer::{Content, layer};
use super::push::Registry;
use crate::process::{cargo, run};
use crate::root::target;
use crate::tools::{self, envoy, targets};

pub(crate) const X86_64: &str = "x86_64-unknown-linux-musl";
pub(crate) const AARCH64: &str = "aarch64-unknown-linux-musl";
const TARGETS: [(&str, &str); 2] = [(X86_64, "amd64"), (AARCH64, "arm64")];

/// The names under which the manifests call it besides its own; `images/standin/Dockerfile` has the same.
const OTHER_NAMES: [(&str, &str); 3] = [
    ("bin/mongo-ping", "lucid-standin"),
    ("bin/redis-cli", "lucid-standin"),
    ("bin/mongo-init-replica-set", "lucid-standin"),
];

/// Tag, and what goes wrong with that version.
const VERSIONS: [(&str, &str); 3] = [("1.0.0", ""), ("2.0.0", ""), ("3.0.0", "crash=200ms")];

/// A version that is there for arm64 only.
const ONE_PLATFORM: &str = "1.0.0-arm64";

/// Where the release's manifests look for the stand-in, below the registry.
const NAME: &str = "hamigames/lucid/lucid-standin";
const PAUSE: &str = "hamigames/lucid/pause";

/// What the cluster itself runs: its names, its way in, and its metrics, where a test wants them.
const OF_THE_CLUSTER: [&str; 3] = ["coredns", "contour", "metrics-server"];
const ENVOY: &str = "hamigames/lucid/envoy";

pub(crate) fn binary(triple: &str) -> PathBuf {
    target().join(triple).join("standin/lucid-standin")
}

/// Compiles the stand-in for both architectures, statically, with Rust's own linker: no C compiler is asked.
pub(crate) fn build() -> Result<()> {
    targets::ensure(&TARGETS.map(|(triple, _)| triple))?;
    for (triple, _) in TARGETS {
        println!("compiling lucid-standin for {triple}");
        let variable = format!("CARGO_TARGET_{}_LINKER", triple.to_uppercase().replace('-', "_"));
        let mut build = cargo();
        build.args(["build", "--quiet", "-p", "lucid-standin", "--profile", "standin", "--target", triple]);
        run(build.env(variable, "rust-lld"))?;
    }
    Ok(())
}

/// Pushes everything; prints what has which digest.
pub(crate) fn push_all(registry: &str) -> Result<()> {
    let registry = Registry::new(registry)?;
    let [amd64, arm64] = [program(X86_64)?, program(AARCH64)?];
    for name in OF_THE_CLUSTER {
        push(&registry, &format!("hamigames/lucid/{name}"), "1", &[of_tool(name)?])?;
    }
    push(&registry, ENVOY, "1", &[envoy_itself()?])?;
    push(&registry, PAUSE, "1", &[pause("amd64", &amd64)?, pause("arm64", &arm64)?])?;
    for (version, fails) in VERSIONS {
        let images = [version_of("amd64", &amd64, version, fails)?, version_of("arm64", &arm64, version, fails)?];
        push(&registry, NAME, version, &images)?;
    }
    push(&registry, NAME, ONE_PLATFORM, &[version_of("arm64", &arm64, ONE_PLATFORM, "")?])
}

fn push(registry: &Registry, name: &str, tag: &str, images: &[Image]) -> Result<()> {
    for image in images {
        registry.image(name, image)?;
    }
    let index = index(images);
    registry.manifest(name, tag, &index)?;
    println!("{name}:{tag}={}", index.digest());
    Ok(())
}

fn pause(architecture: &str, program: &[u8]) -> Result<Image> {
    let layer = Blob::layer(layer(&Content { files: &[("bin/pause", program)], links: &[] })?);
    Ok(Image::new(layer, Start { architecture, entrypoint: "/bin/pause", environment: &[], labels: &[] }))
}

/// A static program of `target/tools`.
fn of_tool(name: &str) -> Result<Image> {
    let (program, path) = (read(&tools::path(name))?, format!("bin/{name}"));
    let layer = Blob::layer(layer(&Content { files: &[(&path, &program)], links: &[] })?);
    let start = Start { architecture: "amd64", entrypoint: &format!("/{path}"), environment: &[], labels: &[] };
    Ok(Image::new(layer, start))
}

fn envoy_itself() -> Result<Image> {
    let files: Vec<(String, Vec<u8>)> =
        envoy::files().into_iter().map(|(path, file)| Ok((path, read(&file)?))).collect::<Result<_>>()?;
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    let layer = Blob::layer(layer(&Content { files: &files, links: &[] })?);
    Ok(Image::new(layer, Start { architecture: "amd64", entrypoint: "/bin/envoy", environment: &[], labels: &[] }))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("read {}", path.display()))
}

fn version_of(architecture: &str, program: &[u8], version: &str, fails: &str) -> Result<Image> {
    let layer = Blob::layer(layer(&Content { files: &[("bin/lucid-standin", program)], links: &OTHER_NAMES })?);
    let environment = [format!("LUCID_STANDIN_REVISION={version}"), format!("LUCID_STANDIN_FAIL={fails}")];
    let labels = [
        ("org.opencontainers.image.title", "lucid-standin"),
        ("org.opencontainers.image.description", "A stand-in for the services of the Lucid release; it does no work"),
        ("org.opencontainers.image.version", version),
    ];
    let start = Start { architecture, entrypoint: "/bin/lucid-standin", environment: &environment, labels: &labels };
    Ok(Image::new(layer, start))
}

fn program(triple: &str) -> Result<Vec<u8>> {
    read(&binary(triple))
}
