//! Folders that go away, the binary, and git.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder with files.
pub(crate) struct Bench(PathBuf);

/// What a run left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Bench {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("lucid-cli-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder");
        let bench = Self(path.canonicalize().expect("it is there"));
        files.iter().for_each(|(path, text)| bench.write(path, text));
        bench
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }

    pub(crate) fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap_or_else(|error| panic!("{below}: {error}"))
    }

    pub(crate) fn lucid(&self, arguments: &[&str]) -> Ran {
        self.run(Command::new(env!("CARGO_BIN_EXE_lucid")).args(arguments))
    }

    /// The real kustomize, if it is at hand.
    pub(crate) fn kustomize(&self, arguments: &[&str]) -> Option<Ran> {
        let program = Path::new(&std::env::var_os("LUCID_TEST_TOOLS")?).join("kustomize");
        Some(self.run(Command::new(program).arg("build").args(arguments)))
    }

    pub(crate) fn git(&self, folder: &str, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]);
        git.args(arguments).current_dir(self.path(folder));
        let output = git.output().expect("git runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn run(&self, command: &mut Command) -> Ran {
        let output = command.current_dir(&self.0).env("NO_COLOR", "1").output().expect("it runs");
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

/// Refused as wrong use or wrong manifests, with these words and no output.
#[track_caller]
pub(crate) fn refused(ran: &Ran, words: &[&str]) {
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
    for words in words {
        assert!(ran.err.contains(words), "{words:?} is not in\n{}", ran.err);
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
