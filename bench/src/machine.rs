//! When, where and with what something was measured.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// In UTC.
    pub(crate) date: String,
    /// Of this repository.
    pub(crate) commit: String,
    /// What repeats it.
    pub(crate) command: String,
    pub(crate) cores: usize,
    pub(crate) processor: String,
    pub(crate) memory_gb: f64,
    pub(crate) kernel: String,
    /// One-minute load averages before and after. What else runs is in the first one only.
    pub(crate) load_before: f64,
    pub(crate) load_after: f64,
    pub(crate) versions: BTreeMap<String, String>,
}

impl Measured {
    pub(crate) fn now(case: &str, versions: &BTreeMap<String, String>) -> Self {
        Self {
            date: said("date", &["-u", "+%Y-%m-%d %H:%M"]),
            commit: said("git", &["describe", "--always", "--dirty"]),
            command: format!("cargo xtask bench {case}"),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            processor: field(&read("/proc/cpuinfo"), "model name"),
            memory_gb: memory_gb(&read("/proc/meminfo")),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_before: load(&read("/proc/loadavg")),
            load_after: 0.0,
            versions: versions.clone(),
        }
    }

    pub(crate) fn done(&mut self) {
        self.load_after = load(&read("/proc/loadavg"));
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// What a program prints; nothing when it is not there.
fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default()
}

/// The first value of that name in a file of `name : value` lines.
fn field(text: &str, name: &str) -> String {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned()).next().unwrap_or_default()
}

fn memory_gb(meminfo: &str) -> f64 {
    let kilobytes: f64 = field(meminfo, "MemTotal").trim_end_matches(" kB").parse().unwrap_or_default();
    (kilobytes / 1_048_576.0 * 10.0).round() / 10.0
}

fn load(loadavg: &str) -> f64 {
    loadavg.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_understood() {
        assert_eq!(
            field("a\t: 1\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: x\n", "model name"),
            "Some CPU @ 2 GHz"
        );
        assert_eq!(memory_gb("MemTotal:       16384000 kB\nMemFree: 1 kB\n"), 15.6);
        assert_eq!(load("0.42 0.30 0.20 1/234 5678\n"), 0.42);
    }
}
