//! `lucid validate` beside the API server: what is an error here is refused there, and nothing that is refused there for
//! its fields and values passes here.

use std::fs;
use std::process::Command;

use crate::harness::kubectl_command;

/// Objects, each under a line `# name`.
const OBJECTS: &str = include_str!("alike/objects.txt");

#[test]
fn errors_are_what_the_server_refuses() {
    let folder = std::env::temp_dir().join(format!("lucid-validate-{}", std::process::id()));
    let mut differ = Vec::new();
    let mut refused = 0;
    for object in OBJECTS.split("# ").skip(1) {
        let (name, text) = object.split_once('\n').expect("a name and an object");
        fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("object.yaml");
        fs::write(&file, text).expect("a file");
        let mut server = kubectl_command();
        server.args(["apply", "--server-side", "--dry-run=server", "-n", "default", "-f"]).arg(&file);
        let server = server.output().expect("kubectl runs");
        let mut ours = Command::new(env!("CARGO_BIN_EXE_lucid"));
        let ours = ours.args(["validate", "."]).current_dir(&folder).output().expect("lucid runs");
        refused += usize::from(!server.status.success());
        if server.status.success() != ours.status.success() {
            let (server, ours) = (String::from_utf8_lossy(&server.stderr), String::from_utf8_lossy(&ours.stderr));
            differ.push(format!("{name}\n  server: {server}\n  ours: {ours}"));
        }
    }
    let _ = fs::remove_dir_all(&folder);
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(refused > 10, "only {refused} were refused");
}
