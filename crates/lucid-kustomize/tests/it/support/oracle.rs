//! The build command of kustomize 5.8.2 in a process that answers many questions: `tests/oracle`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Case, Golden};

/// Nothing that is asked takes the real program longer, unless it goes in circles.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running oracle.
pub(crate) struct Oracle {
    program: PathBuf,
    running: Option<Running>,
}

struct Running {
    child: Child,
    questions: ChildStdin,
    answers: Receiver<String>,
}

impl Oracle {
    /// From the folder in `LUCID_TEST_TOOLS`; none without it.
    pub(crate) fn from_environment() -> Option<Self> {
        let program = Path::new(&std::env::var_os("LUCID_TEST_TOOLS")?).join("kustomize-oracle");
        assert!(program.exists(), "{} does not exist", program.display());
        Some(Self { program, running: None })
    }

    /// What it prints in both orders.
    pub(crate) fn golden(&mut self, case: &Case) -> Golden {
        match (self.build(case, &[]), self.build(case, &["--reorder", "none"])) {
            (Golden::Text { legacy, .. }, Golden::Text { legacy: none, .. }) => {
                let none = (none != legacy).then_some(none);
                Golden::Text { legacy, none }
            }
            (Golden::Text { .. }, other) | (other, _) => other,
        }
    }

    /// One build with some flags.
    pub(crate) fn build(&mut self, case: &Case, flags: &[&str]) -> Golden {
        let files = case.files.iter().map(|(path, content)| json!({"path": path, "content": STANDARD.encode(content)}));
        let question = json!({"files": files.collect::<Vec<_>>(), "folder": case.root(), "flags": flags});
        let running = self.running.get_or_insert_with(|| Running::start(&self.program));
        let answer = match running.ask(&question) {
            Ok(answer) => answer,
            Err(reason) => {
                // The next question goes to a new one.
                self.running = None;
                return match reason {
                    // Some mistakes make kustomize end its process.
                    RecvTimeoutError::Disconnected => Golden::Error("the program ended".into()),
                    RecvTimeoutError::Timeout => Golden::Missing,
                };
            }
        };
        let text = answer["text"].as_str().and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        match answer["built"] == true {
            true => Golden::Text { legacy: text, none: None },
            false => Golden::Error(text),
        }
    }
}

impl Running {
    fn start(program: &Path) -> Self {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the oracle starts");
        let questions = child.stdin.take().expect("piped");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, questions, answers }
    }

    fn ask(&mut self, question: &Value) -> Result<Value, RecvTimeoutError> {
        writeln!(self.questions, "{question}").map_err(|_| RecvTimeoutError::Disconnected)?;
        let line = self.answers.recv_timeout(PATIENCE)?;
        Ok(serde_json::from_str(&line).expect("an answer is JSON"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
