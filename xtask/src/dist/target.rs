//! The platforms of a release.

use std::env::consts;

use super::Form;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    /// zig compiles C and links, on whatever machine.
    Zig,
    /// Linking needs Apple's SDK, which is on Macs only.
    Mac,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) triple: &'static str,
    /// As Go, and with it krew, calls system and processor.
    pub(crate) os: &'static str,
    pub(crate) arch: &'static str,
    pub(crate) maker: Maker,
}

pub(crate) const TARGETS: [Target; 5] = [
    Target { triple: "x86_64-unknown-linux-musl", os: "linux", arch: "amd64", maker: Maker::Zig },
    Target { triple: "aarch64-unknown-linux-musl", os: "linux", arch: "arm64", maker: Maker::Zig },
    Target { triple: "x86_64-pc-windows-gnu", os: "windows", arch: "amd64", maker: Maker::Zig },
    Target { triple: "x86_64-apple-darwin", os: "darwin", arch: "amd64", maker: Maker::Mac },
    Target { triple: "aarch64-apple-darwin", os: "darwin", arch: "arm64", maker: Maker::Mac },
];

pub(crate) fn parse(text: &str) -> Result<&'static Target, String> {
    let names = || TARGETS.iter().map(|target| target.triple).collect::<Vec<_>>().join(", ");
    TARGETS.iter().find(|target| target.triple == text).ok_or_else(|| format!("the platforms are {}", names()))
}

impl Target {
    pub(crate) fn is_made_here(&self) -> bool {
        self.maker == Maker::Zig || consts::OS == "macos"
    }

    /// What Go calls the system that Rust calls this.
    pub(crate) fn os_of(system: &str) -> &str {
        if system == "macos" { "darwin" } else { system }
    }

    pub(crate) fn why_not_here(&self) -> &'static str {
        match self.maker {
            Maker::Zig => "it is built on any machine",
            Maker::Mac => "linking needs Apple's SDK; release.yml builds it on a Mac",
        }
    }

    pub(crate) fn program(&self) -> &'static str {
        if self.os == "windows" { "lucid.exe" } else { "lucid" }
    }

    /// What people of that system unpack without installing anything.
    pub(crate) fn form(&self) -> Form {
        if self.os == "windows" { Form::Zip } else { Form::TarGz }
    }
}
