//! Running other programs: to the end, with a heartbeat, or looking whether one still lives.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, bail};

use crate::root::root;

/// How often a compilation that prints nothing says that it is still alive.
const HEARTBEAT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// The cargo that runs this program, in the workspace.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// Runs the command to its end; a failure names it.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("start {}", shown(command)))?;
    expect_success(status, command)
}

/// The same for what compiles for minutes without a word: says every half minute that it still does.
pub(crate) fn run_with_heartbeat(command: &mut Command, what: &str) -> Result<()> {
    let mut child = command.spawn().with_context(|| format!("start {}", shown(command)))?;
    let status = wait_with_heartbeat(&mut child, what)?;
    expect_success(status, command)
}

fn wait_with_heartbeat(child: &mut Child, what: &str) -> Result<ExitStatus> {
    let mut said = Duration::ZERO;
    let status = wait_within(child, Duration::MAX, |elapsed| {
        if elapsed >= said + HEARTBEAT {
            said = elapsed;
            println!("  {what}: still at it after {}", seconds(elapsed));
        }
    })?;
    status.context("it has not ended")
}

/// Waits for a process to end, and tells how long it has waited; none if it takes longer than this.
pub(crate) fn wait_within(
    child: &mut Child,
    within: Duration,
    mut meanwhile: impl FnMut(Duration),
) -> Result<Option<ExitStatus>> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let elapsed = began.elapsed();
        if elapsed > within {
            return Ok(None);
        }
        meanwhile(elapsed);
        thread::sleep(POLL);
    }
}

/// What the command prints on standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let done = command.output().with_context(|| format!("start {}", shown(command)))?;
    if !done.status.success() {
        bail!("{} failed with {}: {}", shown(command), done.status, String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(String::from_utf8(done.stdout)?)
}

fn expect_success(status: ExitStatus, command: &Command) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    bail!("{} failed with {status}", shown(command))
}

/// The command as people would type it, wherever its program lies on this machine.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let words = std::iter::once(program.file_name().unwrap_or(program.as_os_str())).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// A process that can be told from a later one with the same id.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// In clock ticks since the machine booted: field 22 of `/proc/PID/stat`.
    pub(crate) started: u64,
}

impl Process {
    pub(crate) fn find(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (state, started) = state_and_start(&stat)?;
        (state != "Z").then_some(Self { pid, started })
    }

    pub(crate) fn is_alive(&self) -> bool {
        Self::find(self.pid).as_ref() == Some(self)
    }

    /// Asks it to end. Sending to a process that has gone is no error.
    pub(crate) fn terminate(&self) -> Result<()> {
        self.signal("TERM")
    }

    pub(crate) fn kill(&self) -> Result<()> {
        self.signal("KILL")
    }

    fn signal(&self, name: &str) -> Result<()> {
        if !self.is_alive() {
            return Ok(());
        }
        let pid = self.pid.to_string();
        output(Command::new("kill").args(["-s", name, &pid])).map(drop).or_else(|e| match self.is_alive() {
            true => Err(e),
            false => Ok(()),
        })
    }

    /// Waits until it has ended; false when it has not in time.
    pub(crate) fn wait_gone(&self, within: Duration) -> bool {
        let began = Instant::now();
        while self.is_alive() {
            if began.elapsed() >= within {
                return false;
            }
            thread::sleep(POLL);
        }
        true
    }
}

/// The second field, the program's name, stands in parentheses and may itself hold blanks and parentheses.
fn state_and_start(stat: &str) -> Option<(&str, u64)> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some((fields.first()?, fields.get(19)?.parse().ok()?))
}

/// True when a program of that name stands in `PATH`.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| is_file(&folder.join(program)))
}

fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| m.is_file())
}

/// A duration as people read it: `0.4 s`, `2:05 min`.
pub(crate) fn seconds(took: Duration) -> String {
    match took.as_secs() {
        0..60 => format!("{:.1} s", took.as_secs_f64()),
        whole => format!("{}:{:02} min", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_names_with_parentheses_do_not_shift_the_fields() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 99 100";
        assert_eq!(state_and_start(stat), Some(("S", 4242)));
        assert_eq!(state_and_start("nonsense"), None);
    }

    #[test]
    fn a_process_is_alive_until_it_is_killed() {
        let mut child = Command::new("sleep").arg("60").spawn().expect("sleep");
        let process = Process::find(child.id()).expect("it runs");
        assert!(process.is_alive());
        process.kill().expect("kill");
        child.wait().expect("reap");
        assert!(process.wait_gone(Duration::from_secs(5)));
        process.terminate().expect("a process that has gone is no error");
    }

    #[test]
    fn a_later_process_with_the_same_id_is_not_taken_for_it() {
        let own = Process::find(std::process::id()).expect("this process");
        assert!(own.is_alive());
        assert!(!Process { started: own.started + 1, ..own }.is_alive());
    }

    #[test]
    fn a_command_is_shown_without_the_folder_of_its_program() {
        assert_eq!(shown(Command::new("/some/where/cargo").arg("test")), "cargo test");
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(seconds(Duration::from_millis(420)), "0.4 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2:05 min");
    }
}
