//! Running a client to its end: time, processor time, peak memory, and what it said last.
//!
//! Between us and the client stands a small process, this program as `meter`, because a process inherits the peak memory of
//! the one that starts it, and only one that has started nothing else knows what its children took.

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context, Result};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, killpg};
use nix::sys::time::TimeValLike;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::case::Run;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the figures go
    #[arg(long)]
    figures: PathBuf,
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Figures {
    seconds: f64,
    cpu_seconds: f64,
    peak_mb: f64,
}

/// The process in between.
pub(crate) fn measure(args: &Args) -> Result<ExitCode> {
    let (program, rest) = args.command.split_first().context("no command")?;
    let began = Instant::now();
    let status = std::process::Command::new(program).args(rest).status().with_context(|| format!("start {program}"))?;
    let seconds = began.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu_seconds = (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6;
    let figures = Figures { seconds, cpu_seconds, peak_mb: usage.max_rss() as f64 / 1024.0 };
    fs::write(&args.figures, serde_json::to_string(&figures)?)?;
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)))
}

/// What a client is to do, where, and for how long at most.
pub(crate) struct Task<'a> {
    /// Shell, as a person would write it.
    pub(crate) script: &'a str,
    pub(crate) folder: &'a Path,
    pub(crate) patience: Duration,
}

/// How it went.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The script's exit code; nothing when it was stopped.
    code: Option<i32>,
    figures: Figures,
    /// Both outputs, in the order in which lines came.
    lines: Vec<Line>,
    pub(crate) ended: Instant,
    patience: Duration,
}

/// A line, and when it was read.
#[derive(Debug)]
struct Line {
    at: Instant,
    text: String,
}

impl Ran {
    pub(crate) fn run(&self, round: usize) -> Run {
        Run {
            round,
            seconds: self.figures.seconds,
            cpu_seconds: Some(self.figures.cpu_seconds),
            peak_mb: Some(self.figures.peak_mb),
            failed: self.failure(),
            ..Run::default()
        }
    }

    /// Everything that it said.
    pub(crate) fn said(&self) -> String {
        self.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// When it first said this, in whichever case.
    pub(crate) fn first(&self, marker: &str) -> Option<Instant> {
        let marker = marker.to_lowercase();
        self.lines.iter().find(|line| line.text.to_lowercase().contains(&marker)).map(|line| line.at)
    }

    fn failure(&self) -> Option<String> {
        match self.code {
            Some(0) => None,
            Some(code) => Some(format!("exit code {code}: {}", self.last_words())),
            None => Some(format!("stopped after {} s", self.patience.as_secs())),
        }
    }

    /// The last line that names an error, else the last line.
    fn last_words(&self) -> &str {
        let names_error = |line: &&str| line.to_lowercase().contains("error");
        let lines = || self.lines.iter().map(|line| line.text.trim()).filter(|line| !line.is_empty());
        lines().rfind(names_error).or(lines().next_back()).unwrap_or("it said nothing")
    }
}

/// Runs it. Everything that it started is gone when this returns.
pub(crate) async fn run(task: &Task<'_>) -> Result<Ran> {
    let folder = std::path::absolute(task.folder)?;
    let (figures, script) = (folder.join("figures.json"), folder.join("script.sh"));
    fs::write(&script, task.script).with_context(|| format!("write {}", script.display()))?;
    let _ = fs::remove_file(&figures);
    let mut command = Command::new(env::current_exe()?);
    command.arg("meter").arg("--figures").arg(&figures).args(["--", "sh", "-eu"]).arg(&script);
    // Caches of discovery and the like are kept from round to round, and are the tool's own.
    command
        .env("HOME", &folder)
        .env("KUBECACHEDIR", folder.join("kube-cache"))
        .env("LUCID_STATE_DIR", folder.join("state"));
    command.current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let began = Instant::now();
    let mut child = command.process_group(0).spawn().context("start the meter")?;
    let group = Pid::from_raw(child.id().context("it was just started")?.try_into()?);
    let (sender, mut receiver) = unbounded_channel();
    tokio::spawn(read(child.stdout.take().context("a pipe")?, sender.clone()));
    tokio::spawn(read(child.stderr.take().context("a pipe")?, sender));
    let status = tokio::time::timeout(task.patience, child.wait()).await;
    let ended = Instant::now();
    // Also what a script left running.
    let _ = killpg(group, Signal::SIGKILL);
    let code = match status {
        Ok(status) => status?.code(),
        Err(_) => {
            child.wait().await?;
            None
        }
    };
    let mut lines = Vec::new();
    while let Some(line) = receiver.recv().await {
        lines.push(line);
    }
    let stopped = || Figures { seconds: ended.duration_since(began).as_secs_f64(), ..Figures::default() };
    let figures = fs::read(&figures).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_else(stopped);
    Ok(Ran { code, figures, lines, ended, patience: task.patience })
}

async fn read(pipe: impl AsyncRead + Unpin, to: UnboundedSender<Line>) {
    let mut lines = BufReader::new(pipe).lines();
    while let Ok(Some(text)) = lines.next_line().await {
        let _ = to.send(Line { at: Instant::now(), text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(code: Option<i32>, said: &[&str]) -> Ran {
        let now = Instant::now();
        let lines = said.iter().map(|&text| Line { at: now, text: text.to_owned() }).collect();
        Ran { code, figures: Figures::default(), lines, ended: now, patience: Duration::from_secs(60) }
    }

    #[test]
    fn a_run_that_failed_says_why() {
        assert_eq!(ran(Some(0), &["Error: of no matter"]).failure(), None);
        let failed = ran(Some(1), &["Error: timed out", "", "see --help"]).failure();
        assert_eq!(failed.as_deref(), Some("exit code 1: Error: timed out"));
        assert_eq!(ran(Some(2), &["first", "last", " "]).last_words(), "last");
        let said = ran(Some(1), &["fine", "Error: L3002"]);
        assert!(said.first("error").is_some() && said.first("L3002").is_some() && said.first("L5005").is_none());
        assert_eq!(ran(None, &[]).failure().as_deref(), Some("stopped after 60 s"));
    }

    #[test]
    fn the_process_in_between_counts_what_its_children_take() {
        let figures = std::env::temp_dir().join(format!("lucid-bench-meter-{}.json", std::process::id()));
        let command = ["sh", "-c", "exit 3"].map(str::to_owned).to_vec();
        measure(&Args { figures: figures.clone(), command }).expect("sh runs");
        let read: Figures = serde_json::from_slice(&fs::read(&figures).expect("figures")).expect("JSON");
        assert!(read.seconds > 0.0 && read.peak_mb > 0.0, "{read:?}");
        fs::remove_file(&figures).expect("remove");
    }
}
