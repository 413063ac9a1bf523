//! Calling other programs, with an end to patience.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lucid_kustomize::LoadError;

/// No program prints more that is of use here.
const MOST: u64 = 64 << 20;

/// Runs a program; what it prints. What it complains about is the error.
pub(super) fn run(command: &mut Command, patience: Duration) -> Result<Vec<u8>, LoadError> {
    let name = command.get_program().to_string_lossy().into_owned();
    tracing::info!(target: "lucid", "{name} {}", command.get_args().map(|a| a.to_string_lossy()).collect::<Vec<_>>().join(" "));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| LoadError::Other(format!("{name} cannot be run: {error}")))?;
    let (printed, complained) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let status = wait(&mut child, patience);
    let (printed, complained) = (printed.join().unwrap_or_default(), complained.join().unwrap_or_default());
    match status {
        Some(true) => Ok(printed),
        Some(false) => Err(LoadError::Other(format!("{name} says: {}", last_lines(&complained)))),
        None => Err(LoadError::Other(format!("{name} took longer than {} s", patience.as_secs()))),
    }
}

fn reader(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(stream) = stream {
            let _ = stream.take(MOST).read_to_end(&mut bytes);
        }
        bytes
    })
}

/// Whether it ended well; none if it had to be ended.
fn wait(child: &mut Child, patience: Duration) -> Option<bool> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.success()),
            Ok(None) if began.elapsed() < patience => {
                thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(50));
            }
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

/// The end of what was said, where the reason mostly stands.
fn last_lines(complained: &[u8]) -> String {
    let text = String::from_utf8_lossy(complained);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_is_printed_and_what_is_complained_about() {
        let patience = Duration::from_secs(20);
        assert_eq!(run(&mut shell("echo yes"), patience), Ok(b"yes\n".to_vec()));
        let error = run(&mut shell("echo a >&2; echo; echo b >&2; exit 3"), patience).expect_err("it failed");
        assert_eq!(error.to_string(), "sh says: a; b");
        let error = run(&mut Command::new("lucid-no-such-program"), patience).expect_err("it is not there");
        assert!(error.to_string().contains("cannot be run"));
    }

    #[test]
    fn patience_ends() {
        let error = run(&mut shell("exec sleep 30"), Duration::from_millis(50)).expect_err("it is too slow");
        assert!(error.to_string().contains("took longer"), "{error}");
    }
}
