//! A `lucid sim` of a test's own, and programs that talk to it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// The simulator as a process, and a folder that goes with it.
pub(crate) struct Server {
    child: Child,
    pub(crate) folder: PathBuf,
}

impl Server {
    /// Ten simulated seconds go by in a real one.
    pub(crate) fn start() -> Self {
        Self::with(&["--speed", "10"])
    }

    pub(crate) fn with(args: &[&str]) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("lucid-clients-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self::within(folder, args)
    }

    pub(crate) fn within(folder: PathBuf, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lucid"));
        command.args(["sim", "--kubeconfig"]).arg(folder.join("config")).args(args).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let mut told = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut told).unwrap();
        assert!(told.starts_with("simulated Kubernetes"), "{told}");
        Self { child, folder }
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.join("config")
    }

    /// A tool of the project with this server's kubeconfig and no home of anybody.
    pub(crate) fn tool(&self, name: &str) -> Command {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
        let program = if name == "kubectl" { tools.join("components/kubectl") } else { tools.join(name) };
        assert!(program.exists(), "{} is missing; run `cargo xtask tools clients`", program.display());
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", &self.folder).env("KUBECONFIG", self.config()).current_dir(&self.folder);
        command
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// What kubectl prints; it must succeed.
    #[track_caller]
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        said(&mut self.tool("kubectl"), args, 0)
    }

    /// What kubectl says when it must end with this code.
    #[track_caller]
    pub(crate) fn kubectl_ends(&self, code: i32, args: &[&str]) -> String {
        said(&mut self.tool("kubectl"), args, code)
    }

    #[track_caller]
    pub(crate) fn helm(&self, args: &[&str]) -> String {
        said(&mut self.tool("helm"), args, 0)
    }

    /// Ends it as a person would, and waits until it has.
    pub(crate) fn stop(&mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[track_caller]
pub(crate) fn said(command: &mut Command, args: &[&str], code: i32) -> String {
    let Output { status, stdout, stderr } = command.args(args).output().expect("the program runs");
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert_eq!(status.code(), Some(code), "{args:?}: {text}");
    text
}
