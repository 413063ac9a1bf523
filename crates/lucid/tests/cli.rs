//! The binary, run as a user runs it: arguments, files, streams and exit codes. Nothing here needs a cluster.

/// Folders that go away, the binary, and git.
#[path = "cli/bench.rs"]
mod bench;
/// Small trees that would fill memory.
#[cfg(target_os = "linux")]
#[path = "cli/bombs.rs"]
mod bombs;
/// `lucid health` over very many pods: what it asks, what it keeps, what it says.
#[cfg(target_os = "linux")]
#[path = "cli/crowd.rs"]
mod crowd;
#[path = "../../lucid-kustomize/tests/it/figure.rs"]
mod figure;
/// `--images FILE`: what was built is what is rendered, and a file with a mistake changes nothing.
#[path = "cli/images.rs"]
mod images;
/// `lucid notify`: whom it tells, and that no value of a receiver is in its output.
#[path = "cli/notify.rs"]
mod notify;
/// `lucid render`: options, remote bases, Helm charts, and what is refused.
#[path = "cli/render.rs"]
mod render;
/// `lucid sim` as a process.
#[expect(dead_code, reason = "what only clients of other people use")]
#[path = "clients/server.rs"]
mod server;
/// Signals, and who ends when.
#[cfg(unix)]
#[path = "cli/signals.rs"]
mod signals;
/// `lucid validate`: every mistake at once, in each output, and what errors stop.
#[path = "cli/validate.rs"]
mod validate;
