//! Runs a command, and lists the requests that it made meanwhile with their times.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::audit::Event;
use crate::cluster::{Cluster, USER};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The cluster's folder
    #[arg(long)]
    cluster: PathBuf,
    /// Where the list goes
    #[arg(long)]
    list: PathBuf,
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mark = Cluster(args.cluster.clone()).mark()?;
    let (program, rest) = args.command.split_first().context("no command")?;
    let status = Command::new(program).args(rest).status().with_context(|| format!("start {program}"))?;
    // Lines come a little later than the answers.
    std::thread::sleep(Duration::from_millis(500));
    let told = told(&mark.text()?);
    fs::write(&args.list, &told.text).with_context(|| format!("write {}", args.list.display()))?;
    println!("{}\nrequests: {}", told.summary, args.list.display());
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)))
}

/// The requests, a line each, and what they come to.
struct Told {
    text: String,
    summary: String,
}

/// One request, as the server saw it.
struct Request {
    began: f64,
    took: f64,
    what: String,
}

fn told(log: &str) -> Told {
    let mut requests: Vec<Request> = log.lines().filter_map(request).collect();
    requests.sort_by(|a, b| a.began.total_cmp(&b.began));
    let first = requests.first().map_or(0.0, |request| request.began);
    let line = |one: &Request| format!("{:9.3} s {:8.1} ms  {}\n", one.began - first, one.took * 1000.0, one.what);
    let text = requests.iter().map(line).collect();
    let inside: f64 = requests.iter().map(|request| request.took).sum();
    let span = requests.iter().map(|request| request.began + request.took).fold(first, f64::max) - first;
    let summary = format!(
        "{} requests in {span:.2} s; the server took {inside:.2} s for them, several at a time",
        requests.len()
    );
    Told { text, summary }
}

/// A watch is open as long as somebody listens: its time does not count.
fn request(line: &str) -> Option<Request> {
    let event: Event = serde_json::from_str(line).ok().filter(|event: &Event| event.counts_for(USER))?;
    let line: Value = serde_json::from_str(line).ok()?;
    let began = seconds(line["requestReceivedTimestamp"].as_str()?)?;
    let ended = seconds(line["stageTimestamp"].as_str()?)?;
    let what = format!("{} {} {}", event.verb, line["requestURI"].as_str()?, line["responseStatus"]["code"]);
    Some(Request { began, took: if event.verb == "watch" { 0.0 } else { ended - began }, what })
}

/// Of the day: `2026-11-26T03:10:21.990161Z`.
fn seconds(stamp: &str) -> Option<f64> {
    let mut parts = stamp.split_once('T')?.1.trim_end_matches('Z').splitn(3, ':');
    let mut next = || parts.next()?.parse::<f64>().ok();
    Some(next()? * 3600.0 + next()? * 60.0 + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_stand_in_order_with_their_times() {
        let line = |user: &str, verb: &str, stage: &str, at: &str, end: &str| {
            format!(
                r#"{{"stage":"{stage}","verb":"{verb}","requestURI":"/api/v1/pods","user":{{"username":"{user}"}},"responseStatus":{{"code":200}},"requestReceivedTimestamp":"2026-11-26T03:10:{at}Z","stageTimestamp":"2026-11-26T03:10:{end}Z"}}"#
            )
        };
        let log = [
            line("bench", "list", "ResponseComplete", "21.500000", "21.504000"),
            line("bench", "get", "ResponseComplete", "21.000000", "21.002000"),
            line("other", "get", "ResponseComplete", "21.000000", "21.002000"),
            line("bench", "watch", "ResponseStarted", "21.600000", "21.601000"),
            line("bench", "watch", "ResponseComplete", "21.600000", "29.000000"),
        ];
        let told = told(&log.join("\n"));
        let lines: Vec<&str> = told.text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0], "    0.000 s      2.0 ms  get /api/v1/pods 200");
        assert_eq!(lines[1], "    0.500 s      4.0 ms  list /api/v1/pods 200");
        assert!(lines[2].contains("watch"));
        assert!(told.summary.starts_with("3 requests in 0.60 s"), "{}", told.summary);
    }
}
