//! Programs of Debian's packages, unpacked under `target/tools/debian`: nothing is installed, no service is started.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use super::stamp;
use crate::process::{is_installed, output, run};
use crate::root::tools;

/// What real containers need, with the libraries that a small machine may lack.
const PACKAGES: [&str; 22] = [
    "containerd",
    "runc",
    "containernetworking-plugins",
    "docker-registry",
    "nftables",
    "iptables",
    "ipset",
    "qemu-user-static",
    "libseccomp2",
    "libnftables1",
    "libnftnl11",
    "libmnl0",
    "libjansson4",
    "libgmp10",
    "libedit2",
    "libbsd0",
    "libxtables12",
    "libip4tc2",
    "libip6tc2",
    "libipset13",
    "libnetfilter-conntrack3",
    "libnfnetlink0",
];

pub(crate) fn folder() -> PathBuf {
    tools().join("debian")
}

/// Where the unpacked programs are.
pub(crate) fn programs() -> [PathBuf; 2] {
    ["usr/bin", "usr/sbin"].map(|part| folder().join(part))
}

/// An unpacked program or file.
pub(crate) fn path(name: &str) -> PathBuf {
    programs().into_iter().map(|folder| folder.join(name)).find(|path| path.exists()).unwrap_or_else(|| name.into())
}

/// Where the network plugins are.
pub(crate) fn plugins() -> PathBuf {
    folder().join("usr/lib/cni")
}

/// Settings under which an unpacked program finds the others and its libraries.
pub(crate) fn environment() -> Result<Vec<(&'static str, String)>> {
    let old = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(programs().into_iter().chain(env::split_paths(&old)))?;
    let libraries = ["usr/lib", "lib"].map(|part| folder().join(part).join(format!("{}-linux-gnu", env::consts::ARCH)));
    let libraries = env::join_paths(libraries)?;
    let text = |value: std::ffi::OsString| value.into_string().map_err(|_| anyhow::anyhow!("PATH is not UTF-8"));
    let modules = folder().join("usr/lib").join(format!("{}-linux-gnu/xtables", env::consts::ARCH));
    Ok(vec![
        ("PATH", text(path)?),
        ("LD_LIBRARY_PATH", text(libraries)?),
        ("XTABLES_LIBDIR", text(modules.into_os_string())?),
    ])
}

/// A command line with these settings in front of it.
pub(crate) fn with_environment(command: Vec<String>) -> Result<Vec<String>> {
    let settings = environment()?.into_iter().map(|(name, value)| format!("{name}={value}"));
    Ok(std::iter::once("env".to_owned()).chain(settings).chain(command).collect())
}

pub(super) fn ensure() -> Result<()> {
    let wanted = PACKAGES.join(" ");
    if folder().exists() && stamp::read(&folder()) == wanted {
        return Ok(());
    }
    for program in ["apt-get", "dpkg-deb"] {
        if !is_installed(program) {
            bail!("no `{program}` in PATH: real containers need Debian or Ubuntu");
        }
    }
    println!("unpacking {wanted}");
    let _ = fs::remove_dir_all(folder());
    unpack_into(&folder(), &PACKAGES)?;
    alternatives()?;
    stamp::write(&folder(), &wanted)
}

/// The names that an installed package would have given to the variant of iptables that speaks to nftables.
fn alternatives() -> Result<()> {
    for family in ["iptables", "ip6tables"] {
        for verb in ["", "-save", "-restore"] {
            symlink("xtables-nft-multi", folder().join("usr/sbin").join(format!("{family}{verb}")))
                .with_context(|| format!("name {family}{verb}"))?;
        }
    }
    Ok(())
}

/// Downloads packages and unpacks them into a folder.
pub(super) fn unpack_into(folder: &Path, names: &[&str]) -> Result<()> {
    let packages = folder.join("packages");
    fs::create_dir_all(&packages)?;
    if download(&packages, names).is_err() {
        // No list of packages yet, or an old one.
        run(Command::new("apt-get").args(["update", "-qq"]))?;
        download(&packages, names)?;
    }
    unpack(&packages, folder)?;
    Ok(fs::remove_dir_all(&packages)?)
}

fn download(into: &Path, names: &[&str]) -> Result<()> {
    let mut apt = Command::new("apt-get");
    // Its own user may not write here; it would say so for each package.
    apt.args(["download", "-qq", "-o", "APT::Sandbox::User=root"]).args(names).current_dir(into);
    output(&mut apt).map(drop)
}

fn unpack(packages: &Path, folder: &Path) -> Result<()> {
    for entry in fs::read_dir(packages)? {
        let package = entry?.path();
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("-x").arg(&package).arg(folder);
        output(&mut unpack).with_context(|| format!("unpack {}", package.display()))?;
    }
    Ok(())
}
