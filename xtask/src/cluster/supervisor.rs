//! Starting the supervisor in a new network namespace, and following what it says.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use anyhow::{Context, Result, bail};

use super::layout::Layout;
use super::options::Options;
use crate::process::Process;
use crate::tools;

/// True for root. Others get a user namespace along with the network namespace.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

/// Starts the supervisor. It is in a process group of its own, so that Ctrl-C at the terminal does not reach it.
pub(crate) fn start(layout: &Layout, options: &Options, until_eof: bool) -> Result<Child> {
    let log = File::create(layout.path("supervisor.log"))?;
    let mut command = Command::new("unshare");
    if !is_root() {
        command.arg("--map-root-user");
    }
    if options.containers {
        // What is mounted in there is gone with the last process.
        command.args(["--mount", "--propagation", "private"]);
    }
    command.args(["--net", "--"]).arg(tools::path("supervisor")).arg(layout.path("plan.json"));
    let input = if until_eof { Stdio::piped() } else { Stdio::null() };
    let child = command
        .process_group(0)
        .stdin(input)
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("start `unshare` (from util-linux)")?;
    let process = Process::find(child.id()).context("the supervisor ended at once")?;
    layout.write("supervisor.json", &serde_json::to_string(&process)?)?;
    Ok(child)
}

/// Shows each step as the supervisor finishes it, until the cluster is up.
pub(crate) fn follow(layout: &Layout, child: &mut Child) -> Result<()> {
    let mut shown = 0;
    let mut merged = Steps::default();
    loop {
        // Asked before the file is read, so that its last words are not missed.
        let ended = child.try_wait()?;
        let progress = fs::read_to_string(layout.path("progress")).unwrap_or_default();
        for line in complete_lines(&progress).skip(shown) {
            shown += 1;
            match merged.take(line) {
                Said::Nothing => {}
                Said::Line(text) => println!("  {text}"),
                Said::Ready => return Ok(()),
                Said::Failed(why) => bail!("cluster {}: {why} (logs: {})", layout.name, layout.dir.display()),
            }
        }
        if let Some(status) = ended {
            let log = fs::read_to_string(layout.path("supervisor.log")).unwrap_or_default();
            bail!("the supervisor of cluster {} ended with {status}: {}", layout.name, log.trim());
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// What is still being written does not count as a line.
fn complete_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'))
}

#[derive(Debug, PartialEq)]
enum Said {
    Nothing,
    Line(String),
    Ready,
    Failed(String),
}

/// Adds up steps of one name, so that four `ip` commands are one line.
#[derive(Default)]
struct Steps {
    open: Option<(String, u64)>,
}

impl Steps {
    fn take(&mut self, line: &str) -> Said {
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("done"), Some("network"), Some(millis)) => {
                let so_far = self.open.take().map_or(0, |(_, t)| t);
                self.open = Some(("network".to_owned(), so_far + millis.parse::<u64>().unwrap_or(0)));
                Said::Nothing
            }
            (Some("done"), Some(name), Some(millis)) => {
                Said::Line(self.with_open(step(name, millis.parse().unwrap_or(0))))
            }
            (Some("ready"), ..) => Said::Ready,
            (Some("failed"), ..) => Said::Failed(line.to_owned()),
            _ => Said::Line(line.to_owned()),
        }
    }

    fn with_open(&mut self, line: String) -> String {
        match self.open.take() {
            Some((name, millis)) => format!("{}\n  {line}", step(&name, millis)),
            None => line,
        }
    }
}

fn step(name: &str, millis: u64) -> String {
    format!("{name:<24} {:>5.2} s", Duration::from_millis(millis).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_of_the_network_are_one_line_with_the_sum() {
        let mut steps = Steps::default();
        assert_eq!(steps.take("done network 30"), Said::Nothing);
        assert_eq!(steps.take("done network 40"), Said::Nothing);
        let Said::Line(text) = steps.take("done etcd 500") else { panic!("a line") };
        assert_eq!(text, format!("{}\n  {}", step("network", 70), step("etcd", 500)));
        assert_eq!(steps.take("ready"), Said::Ready);
    }

    #[test]
    fn half_a_line_is_not_read() {
        assert_eq!(complete_lines("done a 1\ndone b").collect::<Vec<_>>(), ["done a 1"]);
    }
}
