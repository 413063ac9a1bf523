//! The binary, run as a user runs it: arguments, files, streams and exit codes. Nothing here needs a cluster.

/// Folders that go away, the binary, and git.
#[path = "cli/bench.rs"]
mod bench;
/// `lucid render`: options, remote bases, Helm charts, and what is refused.
#[path = "cli/render.rs"]
mod render;
