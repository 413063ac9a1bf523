//! Running `lucid`, and what it said.

use std::path::Path;
use std::process::Command;

use crate::harness::kubeconfig;

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) text: String,
}

/// Runs it in a folder, with these settings in its environment besides.
pub(crate) fn lucid(folder: &Path, args: &[&str], settings: &[(&str, &str)]) -> Ran {
    let mut lucid = Command::new(env!("CARGO_BIN_EXE_lucid"));
    lucid.args(args).args(["--progress", "plain", "--color", "never"]).current_dir(folder);
    lucid.env("KUBECONFIG", kubeconfig("lucid")).env("LUCID_STATE_DIR", folder.join("state"));
    lucid.env("DOCKER_CONFIG", folder.join("docker")).env_remove("CI").envs(settings.iter().copied());
    let output = lucid.output().expect("lucid");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code().unwrap_or(-1), text: text(&output.stdout) + &text(&output.stderr) }
}

impl Ran {
    #[track_caller]
    pub(crate) fn check(&self, code: i32, words: &[&str]) -> &Self {
        assert_eq!(self.code, code, "{}", self.text);
        for word in words {
            assert!(self.text.contains(word), "no {word:?} in:\n{}", self.text);
        }
        self
    }
}
